//! `sealgate report`: what was measured of this installation, by the controls of well-known frameworks.

mod drills;
mod gates;
mod gather;
mod lock_files;
mod people;
mod records;

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use sealgate_report::{Report, html, json, markdown};

use crate::door::Door;
use crate::failure::Failure;
use crate::output;
use crate::place::Place;
use gather::Looked;

#[derive(Debug, Args)]
#[command(
    after_help = "A line is shown only when all it stands on was measured: whatever is not seen is not claimed.\n\
                  Exit status: 0 made, 1 made, and --strict found something that is not met."
)]
pub(crate) struct Arguments {
    /// What to write
    #[arg(long, value_enum, default_value_t = Format::Markdown)]
    format: Format,
    /// A lock file of routes, sealgate.routes.toml, of an application whose gate does not report its routes
    #[arg(long = "lock-file", value_name = "FILE")]
    lock_files: Vec<PathBuf>,
    /// The report of drills, as `sealgate-drill/1` JSON
    #[arg(long = "drills", value_name = "FILE")]
    drills: Vec<PathBuf>,
    /// End with status 1 if anything was measured that speaks against a control
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people and repositories
    Markdown,
    /// One page that needs nothing besides itself
    Html,
    /// For programs, with all facts
    Json,
}

pub(crate) async fn run(arguments: Arguments, as_json: bool) -> Result<(), Failure> {
    // Before anything is asked: a file that is not there is found out at once.
    let lock_files = lock_files::read(&arguments.lock_files)?;
    let drills = drills::read(&arguments.drills)?;
    let door = Door::open(&arguments.place, None).await?;
    let looked = Looked { lock_files, drills };
    let report = Report::of(gather::facts(&door, looked).await);
    let unwritable = |error: String| Failure::unavailable("report_unwritable", error);
    let text = match arguments.format {
        _ if as_json => json(&report).map_err(|error| unwritable(error.to_string()))?,
        Format::Json => json(&report).map_err(|error| unwritable(error.to_string()))?,
        Format::Markdown => markdown(&report),
        Format::Html => html(&report).map_err(|error| unwritable(error.to_string()))?,
    };
    output::data(&text)?;
    if arguments.strict && report.has_failures() {
        let not_met = report.summary.not_met;
        return Err(Failure::refused(
            "controls_not_met",
            format!("{not_met} controls are not met; the report says what was measured"),
        ));
    }
    Ok(())
}

/// The bytes of a file that somebody gave, which has at most `limit`.
fn read_bounded(path: &Path, limit: usize, reason: &str) -> Result<Vec<u8>, Failure> {
    let refused = |what: String| Failure::usage(reason, format!("{}: {what}", path.display()));
    let most = u64::try_from(limit).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(most.saturating_add(1)).read_to_end(&mut bytes))
        .map_err(|error| refused(error.to_string()))?;
    if bytes.len() > limit {
        return Err(refused(format!("it has over {limit} bytes")));
    }
    Ok(bytes)
}
