//! `sealgate doctor`: looks at everything that has to be right around the control plane, and says what
//! to do where it is not. It changes nothing.
//!
//! Each file looks at one thing and adds its findings to the report.

mod clients;
mod clock;
mod cookies;
mod data;
mod issuer;
mod keys;
mod mcp;
mod proxy;
mod report;
mod tls;
mod web;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use sealgate_model::Issuer;
use sealgate_server::DataDir;

use crate::door::{self, Door};
use crate::failure::Failure;
use crate::output;
use crate::serve::Options;
use crate::settings::{Loaded, Origin};
use report::Report;
use web::Web;

pub(crate) use web::authorities;

#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Looks at the settings, the data directory, the clock, TLS, what the issuer's URL serves, cookies,\n\
                        signing keys and clients. Exit status 1 if something must be fixed.\n\
                        With --issuer alone it looks at a control plane elsewhere, as far as that can be seen."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    options: Options,
    /// A PEM file with one more certificate authority to trust for the issuer
    #[arg(long, value_name = "FILE")]
    authority_file: Option<PathBuf>,
    /// An https URL whose Date header the clock is compared with; by default the issuer's
    #[arg(long, value_name = "URL")]
    clock_url: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Look at an MCP server as well-known clients do, and say which of them would fail to sign in
    Mcp(mcp::Arguments),
}

/// What is looked at.
struct Patient {
    loaded: Loaded,
    /// The issuer that is set, the one last served, or the loopback address listened on.
    issuer: Option<Issuer>,
    /// Whether a control plane has been started in the data directory.
    here: bool,
    /// Whether one runs there now.
    running: bool,
    web: Web,
}

pub(crate) async fn run(mut arguments: Arguments, json: bool) -> Result<(), Failure> {
    if let Some(Command::Mcp(arguments)) = arguments.command.take() {
        return mcp::run(arguments, json).await;
    }
    let mut report = Report::default();
    match arguments.options.load() {
        Ok(loaded) => examine(loaded, &arguments, &mut report).await?,
        // Everything else depends on the settings.
        Err(failure) => report.failed("settings", &failure),
    }
    output::print(json, &report, Report::text)?;
    if report.is_healthy() {
        Ok(())
    } else {
        Err(Failure::told())
    }
}

async fn examine(
    loaded: Loaded,
    arguments: &Arguments,
    report: &mut Report,
) -> Result<(), Failure> {
    let web = Web::new(arguments.authority_file.as_deref())?;
    let here = DataDir::existing(&loaded.settings.data_dir);
    let remembered = match &here {
        Ok(dir) => dir.issuer().ok().flatten(),
        Err(_) => None,
    };
    let patient = Patient {
        issuer: loaded.settings.issuer.clone().or(remembered),
        here: here.is_ok(),
        running: door::is_running(&loaded.settings).await,
        loaded,
        web,
    };
    settings(&patient, report);
    data::look(&patient, report);
    clock::look(&patient, arguments.clock_url.as_deref(), report).await;
    tls::look(&patient, report).await;
    issuer::look(&patient, report).await;
    proxy::look(&patient, report).await;
    cookies::look(&patient, report);
    if !patient.here {
        return Ok(());
    }
    match Door::to(&patient.loaded.settings).await {
        Ok(door) => {
            keys::look(&patient, &door, report).await;
            clients::look(&patient, &door, report).await;
        }
        Err(failure) => report.failed("keys", &failure),
    }
    Ok(())
}

/// The settings were read, or there would be no patient.
fn settings(patient: &Patient, report: &mut Report) {
    let set = patient.loaded.origins.len();
    let Some(path) = &patient.loaded.file else {
        report.good(
            "settings",
            format!("there is no settings file; {set} set by options and variables"),
        );
        return;
    };
    let mode = match data::mode(path) {
        Ok(mode) => mode,
        Err(error) => {
            report.fix(
                "settings",
                format!("cannot look at {}: {error}", path.display()),
                None,
            );
            return;
        }
    };
    if mode & 0o022 != 0 {
        // Who can write it can name an issuer, or an authority to trust.
        report.fix(
            "settings",
            format!(
                "{} can be changed by other users of this machine (mode {mode:o})",
                path.display()
            ),
            Some(format!("run: chmod go-w {}", path.display())),
        );
        return;
    }
    let from = |origin: &Origin| matches!(origin, Origin::File(_));
    let file = patient
        .loaded
        .origins
        .values()
        .filter(|origin| from(origin))
        .count();
    report.good(
        "settings",
        format!(
            "{file} set by {}, {} by options and variables",
            path.display(),
            set - file
        ),
    );
}
