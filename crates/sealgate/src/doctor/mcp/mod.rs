//! `sealgate doctor mcp`: plays how well-known clients find their way to a token for an MCP server, and
//! says which of them would fail, where and why. It changes nothing, unless it is told to register.

mod checks;
mod clients;
mod facts;
mod look;
mod play;
mod rules;
#[cfg(test)]
mod tests;
mod text;

use std::path::PathBuf;

use clap::Args;
use sealgate_host::AddressPolicy;
use serde::Serialize;
use url::{Host, Url};

use super::report::Report;
use super::web::Web;
use crate::failure::Failure;
use crate::output;
use clients::CLIENTS;
use play::{Fate, Played};
use rules::Client;

#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 nothing to fix, 1 something must be fixed or a client would fail, 2 wrong usage.\n\
                        Nothing is changed at the server without --register; one request with an unknown client goes to\n\
                        its token endpoint and one to its authorization endpoint."
)]
pub(crate) struct Arguments {
    /// The URL of the MCP server, as people give it to their client
    #[arg(value_name = "URL")]
    url: String,
    /// Play this client alone, and show each of its steps; repeat for more
    #[arg(long = "client", value_name = "NAME", value_parser = named)]
    clients: Vec<&'static str>,
    /// Try registration, as each client that would register itself; what the server lets us remove is removed again
    #[arg(long)]
    register: bool,
    /// A PEM file with one more certificate authority to trust
    #[arg(long, value_name = "FILE")]
    authority_file: Option<PathBuf>,
}

fn named(name: &str) -> Result<&'static str, String> {
    let mut all = CLIENTS.iter().map(|client| client.name);
    all.find(|known| *known == name).ok_or_else(|| {
        let names: Vec<&str> = CLIENTS.iter().map(|client| client.name).collect();
        format!("known are {}", names.join(", "))
    })
}

/// Everything that is told.
#[derive(Debug, Serialize)]
struct Examined {
    url: String,
    #[serde(flatten)]
    report: Report,
    clients: Vec<Played>,
    /// Whether clients were chosen: then one in a browser counts as well.
    #[serde(skip)]
    chosen: bool,
}

pub(crate) async fn run(arguments: Arguments, json: bool) -> Result<(), Failure> {
    let url =
        Url::parse(&arguments.url).map_err(|error| wrong(&arguments.url, &error.to_string()))?;
    if !matches!(url.scheme(), "https" | "http")
        || !url.username().is_empty()
        || url.password().is_some()
    {
        return Err(wrong(
            &arguments.url,
            "it is no address of a server on the web",
        ));
    }
    let authority = arguments.authority_file.as_deref();
    let web = if is_public(&url).await {
        Web::outward(authority)
    } else {
        Web::new(authority)
    }?;
    let chosen: Vec<&'static Client> = CLIENTS
        .iter()
        .filter(|client| arguments.clients.is_empty() || arguments.clients.contains(&client.name))
        .collect();
    let register = if arguments.register {
        chosen.as_slice()
    } else {
        &[]
    };
    let facts = look::look(&web, &url, register).await;
    let mut report = Report::default();
    checks::check(&facts, &mut report);
    let examined = Examined {
        url: url.into(),
        report,
        clients: chosen
            .into_iter()
            .map(|client| play::play(client, &facts))
            .collect(),
        chosen: !arguments.clients.is_empty(),
    };
    output::print(json, &examined, |examined| {
        text::text(examined, examined.chosen)
    })?;
    if examined.is_well() {
        Ok(())
    } else {
        Err(Failure::told())
    }
}

/// Whether the server is on the web: then it has no business with what only this machine can reach. One
/// public address among several is enough.
async fn is_public(url: &Url) -> bool {
    let policy = AddressPolicy::public();
    match url.host() {
        Some(Host::Ipv4(address)) => policy.check(address.into()).is_ok(),
        Some(Host::Ipv6(address)) => policy.check(address.into()).is_ok(),
        Some(Host::Domain(name)) => match tokio::net::lookup_host((name, 0)).await {
            Ok(mut found) => found.any(|address| policy.check(address.ip()).is_ok()),
            Err(_) => true,
        },
        None => true,
    }
}

impl Examined {
    fn failing(&self) -> usize {
        let failing = self.clients.iter().filter(|client| match client.fate {
            Fate::Fails => true,
            Fate::Closed => self.chosen,
            Fate::Works | Fate::Maybe | Fate::Asks => false,
        });
        failing.count()
    }

    fn is_well(&self) -> bool {
        self.report.is_healthy() && self.failing() == 0
    }
}

fn wrong(url: &str, error: &str) -> Failure {
    Failure::usage("url_wrong", format!("{url}: {error}"))
        .with_hint("give the MCP server's URL, as in https://notes.example.com/mcp")
}
