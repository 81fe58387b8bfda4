//! `sealgate serve`: runs the control plane until it is told to stop.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use sealgate_model::Issuer;
use sealgate_server::{Announcement, Config, Lifetimes, Listen, Server, Tls};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use crate::failure::Failure;
use crate::output::{self, Text, date};
use crate::place::DATA_DIR;
use crate::{door, log};

#[derive(Debug, Args)]
#[command(
    after_help = "Plain http is only served on loopback addresses, or behind a TLS proxy, when the issuer is https.\n\
                        Until there is an administrator, each start prints a one-time set-up link to stdout."
)]
pub(crate) struct Arguments {
    /// Where everything is kept; made on the first start
    #[arg(long, value_name = "DIR", env = "SEALGATE_DATA_DIR", hide_env_values = true, default_value = DATA_DIR)]
    data_dir: PathBuf,
    /// The issuer: the URL under which browsers and gates reach this server; by default the loopback
    /// address it listens on
    #[arg(
        long,
        value_name = "URL",
        env = "SEALGATE_ISSUER",
        hide_env_values = true
    )]
    issuer: Option<Issuer>,
    /// The address and port to listen on; port 0 takes a free one
    #[arg(
        long,
        value_name = "ADDR",
        env = "SEALGATE_LISTEN",
        hide_env_values = true,
        default_value = "127.0.0.1:8420"
    )]
    listen: SocketAddr,
    /// The certificate chain to serve https with, leaf first, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The certificate's private key, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    #[command(flatten)]
    log: log::LogArguments,
}

pub(crate) fn run(arguments: &Arguments, json: bool) -> Result<(), Failure> {
    log::start(&arguments.log);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            Failure::unavailable("runtime_failed", format!("cannot start: {error}"))
        })?;
    runtime.block_on(serve(arguments, json))
}

async fn serve(arguments: &Arguments, json: bool) -> Result<(), Failure> {
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

    let config = Config {
        data_dir: arguments.data_dir.clone(),
        issuer: arguments.issuer.clone(),
        lifetimes: Lifetimes::default(),
    };
    let tls = arguments.tls_cert.clone().zip(arguments.tls_key.clone());
    let listen = Listen {
        address: arguments.listen,
        tls: tls.map(|(cert, key)| Tls { cert, key }),
    };
    let server = Server::start(&config, &listen, door::host()).await?;
    announce(server.announcement(), json)?;
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
    };
    server.run(stop).await?;
    tracing::info!("stopped");
    Ok(())
}

fn announce(announcement: &Announcement, json: bool) -> Result<(), Failure> {
    let Announcement {
        listening,
        issuer,
        setup,
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
            json!({ "listening": listening, "issuer": issuer, "setup": setup })
        ))
    } else {
        output::data(&announced(announcement).data)
    }
}

fn announced(announcement: &Announcement) -> Text {
    let Announcement {
        listening,
        issuer,
        setup,
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
    let (named, setup) = (named.unwrap_or_default(), setup.unwrap_or_default());
    Text {
        data: format!("Sealgate is listening on {listening}\n{named}{setup}"),
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
            issuer: "http://127.0.0.1:8420".parse().unwrap(),
            setup: Some(SetupLink {
                url: "http://127.0.0.1:8420/invitation?token=abc".to_owned(),
                expires_at: Timestamp::from_millis(1_795_424_705_000),
            }),
            former_issuer: None,
        };
        insta::assert_snapshot!(announced(&first).data);
    }

    #[test]
    fn a_later_start_behind_a_proxy_names_both_addresses() {
        let later = Announcement {
            listening: "http://0.0.0.0:8420".to_owned(),
            issuer: "https://id.example".parse().unwrap(),
            setup: None,
            former_issuer: None,
        };
        insta::assert_snapshot!(announced(&later).data, @r"
        Sealgate is listening on http://0.0.0.0:8420
        Its issuer is https://id.example
        ");
    }
}
