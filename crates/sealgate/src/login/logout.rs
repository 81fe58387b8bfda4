//! `sealgate logout`: gives the tokens back, and forgets them.

use std::sync::Arc;

use clap::Args;
use sealgate_agent::discovery::find_server;
use sealgate_agent::token::TokenEndpoint;
use sealgate_agent::vault::Vault;
use sealgate_agent::{AgentError, Http as _, WebUrl};
use sealgate_model::Secret;
use serde::Serialize;

use super::kept::{self, Kept};
use super::{Hands, Trust, name, token, told};
use crate::failure::Failure;
use crate::output::{self, Text};

#[derive(Debug, Args)]
#[command(
    after_help = "Where the server cannot be told, nothing is forgotten, so that it can be told later; --local forgets."
)]
pub(crate) struct Arguments {
    /// The sign-in to end; needed if there are several
    #[arg(long, value_name = "NAME", value_parser = name, conflicts_with = "all")]
    name: Option<String>,
    /// End every sign-in, and remove the vault with its key
    #[arg(long)]
    all: bool,
    /// Forget, and tell no server: its tokens stay good there until they end
    #[arg(long)]
    local: bool,
    #[command(flatten)]
    trust: Trust,
}

#[derive(Serialize)]
struct Ended {
    ended: Vec<String>,
    /// Whether the servers were told.
    revoked: bool,
}

pub(super) async fn run(arguments: Arguments, json: bool) -> Result<(), Failure> {
    let hands = Hands::new(&arguments.trust)?;
    let vault = super::vault()?;
    // Even a vault that nobody can open can be removed.
    if arguments.all && arguments.local {
        vault.destroy().map_err(told::vault)?;
        return said(json, Vec::new(), false);
    }
    let content = vault.read().map_err(told::vault)?;
    let names = if arguments.all {
        kept::names(&content)
    } else {
        vec![token::choose(&content, arguments.name.as_deref(), None)?]
    };
    drop(content);
    for name in &names {
        end(&hands, &vault, name, arguments.local).await?;
    }
    if arguments.all {
        vault.destroy().map_err(told::vault)?;
    }
    said(json, names, !arguments.local)
}

/// Ends one sign-in, while no other process renews it.
async fn end(hands: &Arc<Hands>, vault: &Vault, name: &str, local: bool) -> Result<(), Failure> {
    let _held = vault.hold(name).map_err(told::vault)?;
    let content = vault.read().map_err(told::vault)?;
    if let (false, Some(Ok(kept))) = (local, kept::get(&content, name)) {
        revoke(hands, &kept).await.map_err(|error| {
            let failure = told::agent(error);
            failure.with_hint(format!(
                "nothing was forgotten; try again, or: sealgate logout --name {name} --local"
            ))
        })?;
    }
    kept::forget(vault, hands, name).map(|_| ())
}

/// Gives the tokens back (RFC 7009): the refresh token, with which the others go, or else the access token.
async fn revoke(hands: &Hands, kept: &Kept) -> Result<(), AgentError> {
    let url = WebUrl::parse(&kept.url)?;
    let reach = hands.http.reach(&url).await?;
    let found = find_server(&hands.http, &kept.issuer, reach).await?;
    let (_, server) = found.ok_or(AgentError::MetadataUnacceptable(
        "the authorization server has none",
    ))?;
    let place = server.revocation_endpoint.clone();
    let place = place.ok_or(AgentError::ServerUnsuitable("revocation endpoint"))?;
    let client = kept.client();
    let endpoint = TokenEndpoint {
        http: &hands.http,
        reach,
        server: &server,
        client: &client,
        prover: None,
        clock: &hands.clock,
        random: &hands.random,
    };
    let (token, hint) = match kept.refresh() {
        Some(refresh) => (refresh, "refresh_token"),
        None => (kept.access(), "access_token"),
    };
    let fields = vec![("token", token), ("token_type_hint", Secret::new(hint))];
    match endpoint.post(&place.0, fields).await {
        // The server has forgotten the client, and its tokens with it.
        Err(AgentError::Refused(code)) if code == "invalid_client" => Ok(()),
        other => other.map(|_| ()),
    }
}

fn said(json: bool, ended: Vec<String>, revoked: bool) -> Result<(), Failure> {
    output::print(json, &Ended { ended, revoked }, |ended| Text {
        talk: match (ended.ended.as_slice(), ended.revoked) {
            ([], _) => "Nothing is kept here any more.\n".to_owned(),
            (names, true) => format!("Signed out of {}.\n", names.join(", ")),
            (names, false) => format!("Forgot {}; the server was not told.\n", names.join(", ")),
        },
        ..Text::default()
    })
}
