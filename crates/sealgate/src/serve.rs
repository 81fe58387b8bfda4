//! `sealgate serve`: runs the control plane until it is told to stop.

use std::path::PathBuf;

use clap::Args;
use sealgate_server::{Announcement, Metrics, Server};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use crate::failure::Failure;
use crate::output::{self, Text, date};
use crate::settings::{Loaded, Settings, Sources};
use crate::telemetry::Telemetry;
use crate::{door, log};

#[derive(Debug, Args)]
#[command(
    after_help = "Every setting can also stand in the file, in a variable of the environment, or behind --set;\n\
                        `sealgate settings` shows them all. An option wins over a variable, a variable over the file.\n\n\
                        Plain http is only served on loopback addresses, or behind a TLS proxy, when the issuer is https.\n\
                        Until there is an administrator, each start prints a one-time set-up link to stdout."
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    options: Options,
}

/// What a server is started with.
#[derive(Debug, Args)]
#[expect(
    clippy::doc_markdown,
    reason = "shown in terminals, where backticks are noise"
)]
pub(crate) struct Options {
    /// Where everything is kept; made on the first start [env: SEALGATE_DATA_DIR]
    /// [default: sealgate-data]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<String>,
    /// The settings file [env: SEALGATE_CONFIG] [default: sealgate.toml in the data directory, if there
    /// is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The issuer: the URL under which browsers and gates reach this server; by default the loopback
    /// address it listens on [env: SEALGATE_ISSUER]
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// The address and port to listen on; port 0 takes a free one [env: SEALGATE_LISTEN]
    /// [default: 127.0.0.1:8420]
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// The certificate chain to serve https with, leaf first, in PEM [env: SEALGATE_TLS_CERT]
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<String>,
    /// The certificate's private key, in PEM [env: SEALGATE_TLS_KEY]
    #[arg(long, value_name = "FILE")]
    tls_key: Option<String>,
    /// Serve the administration API on the network too, to those who have an access token for it
    /// [env: SEALGATE_ADMIN_HTTP]
    #[arg(long)]
    admin_http: bool,
    /// How the log on stderr looks: human or json [env: SEALGATE_LOG_FORMAT] [default: human]
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
    /// How much is logged: error, warn, info or debug [env: SEALGATE_LOG_LEVEL] [default: info]
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
    /// Any setting by its name, as in --set lifetimes.access=10m; repeat for more
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
}

impl Options {
    /// The settings these options make, with the file and the environment.
    pub(crate) fn load(&self) -> Result<Loaded, Failure> {
        let mut sources = Sources {
            config: self.config.clone(),
            ..Sources::default()
        };
        for (key, option, value) in [
            ("data_dir", "--data-dir", &self.data_dir),
            ("issuer", "--issuer", &self.issuer),
            ("listen", "--listen", &self.listen),
            ("tls.cert", "--tls-cert", &self.tls_cert),
            ("tls.key", "--tls-key", &self.tls_key),
            ("log.format", "--log-format", &self.log_format),
            ("log.level", "--log-level", &self.log_level),
        ] {
            sources.flag(key, option, value.as_ref());
        }
        let admin_http = self.admin_http.then(|| "true".to_owned());
        sources.flag("admin.http", "--admin-http", admin_http.as_ref());
        sources.assignments(&self.set)?;
        sources.load(|name| std::env::var(name).ok())
    }
}

pub(crate) fn run(arguments: &Arguments, json: bool) -> Result<(), Failure> {
    let loaded = arguments.options.load()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            Failure::unavailable("runtime_failed", format!("cannot start: {error}"))
        })?;
    let traces = Telemetry::start(&loaded.settings.telemetry, runtime.handle())?;
    log::start(&loaded.settings.log, traces.as_ref());
    let served = runtime.block_on(serve(&loaded.settings, json));
    if let Some(traces) = traces {
        traces.stop();
    }
    served
}

async fn serve(settings: &Settings, json: bool) -> Result<(), Failure> {
    // Caught from here on: a signal during the start must not leave a half-made data directory.
    let caught = |kind| {
        signal(kind).map_err(|error| {
            Failure::unavailable("signal_failed", format!("cannot catch signals: {error}"))
        })
    };
    let (mut terminate, mut interrupt) = (
        caught(SignalKind::terminate())?,
        caught(SignalKind::interrupt())?,
    );

    let metrics = Metrics::install()?;
    let host = door::host(settings, settings.issuer.as_ref())?;
    let server = Server::start(&settings.config(), &settings.listeners(), host).await?;
    announce(server.announcement(), json)?;
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
    };
    server.run(metrics, stop).await?;
    tracing::info!("stopped");
    Ok(())
}

fn announce(announcement: &Announcement, json: bool) -> Result<(), Failure> {
    let Announcement {
        listening,
        metrics,
        issuer,
        setup,
        restored,
        former_issuer,
    } = announcement;
    tracing::info!(%listening, %issuer, "serving");
    if let Some(former) = former_issuer {
        tracing::warn!(%former, %issuer, "another issuer was served from this data directory before: its sessions and clients' settings do not fit this one");
    }
    if json {
        let setup = setup
            .as_ref()
            .map(|link| json!({ "url": link.url, "expires_at": link.expires_at }));
        output::data(&format!(
            "{}\n",
            json!({ "listening": listening, "metrics": metrics, "issuer": issuer, "setup": setup, "restored": restored })
        ))
    } else {
        output::data(&announced(announcement).data)
    }
}

/// What to do after a backup was restored.
const RESTORED: &str = "
A BACKUP WAS RESTORED. What was revoked after it was made is not known any more, so everybody is signed out
and every token is revoked. Accounts, roles and clients that were changed since then: change them again.
";

fn announced(announcement: &Announcement) -> Text {
    let Announcement {
        listening,
        metrics,
        issuer,
        setup,
        restored,
        ..
    } = announcement;
    let named = (listening != issuer.as_str()).then(|| format!("Its issuer is {issuer}\n"));
    let setup = setup.as_ref().map(|link| {
        format!(
            "\nThere is no administrator yet. This link makes the first one; it works once, until {}:\n  {}\n",
            date(link.expires_at),
            link.url
        )
    });
    let metrics = metrics
        .as_ref()
        .map(|url| format!("Its metrics are at {url}/metrics\n"));
    let restored = restored.then(|| RESTORED.to_owned());
    let [named, metrics, restored, setup] =
        [named, metrics, restored, setup].map(Option::unwrap_or_default);
    Text {
        data: format!("Sealgate is listening on {listening}\n{named}{metrics}{restored}{setup}"),
        ..Text::default()
    }
}

#[cfg(test)]
mod tests {
    use sealgate_model::Timestamp;
    use sealgate_server::SetupLink;

    use super::*;

    #[test]
    fn the_first_start_shows_where_to_sign_in_as_administrator() {
        let first = Announcement {
            listening: "http://127.0.0.1:8420".to_owned(),
            metrics: None,
            issuer: "http://127.0.0.1:8420".parse().unwrap(),
            setup: Some(SetupLink {
                url: "http://127.0.0.1:8420/invitation?token=abc".to_owned(),
                expires_at: Timestamp::from_millis(1_795_424_705_000),
            }),
            restored: false,
            former_issuer: None,
        };
        insta::assert_snapshot!(announced(&first).data);
    }

    #[test]
    fn a_later_start_behind_a_proxy_names_both_addresses() {
        let later = Announcement {
            listening: "http://0.0.0.0:8420".to_owned(),
            metrics: Some("http://127.0.0.1:9420".to_owned()),
            issuer: "https://id.example".parse().unwrap(),
            setup: None,
            restored: false,
            former_issuer: None,
        };
        insta::assert_snapshot!(announced(&later).data, @r"
        Sealgate is listening on http://0.0.0.0:8420
        Its issuer is https://id.example
        Its metrics are at http://127.0.0.1:9420/metrics
        ");
    }
}
