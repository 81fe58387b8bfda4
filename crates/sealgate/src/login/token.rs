//! `sealgate token`: prints an access token, renewed if it has to be.

use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use sealgate_agent::discovery::find_server;
use sealgate_agent::dpop::{Proven, Prover, Side};
use sealgate_agent::registration::Origin;
use sealgate_agent::token::{Kind, TokenEndpoint};
use sealgate_agent::vault::{Content, Vault};
use sealgate_agent::{AgentError, Http as _};
use sealgate_model::{Clock as _, Secret, Timestamp};
use serde::Serialize;

use super::kept::{self, Kept};
use super::{Hands, Trust, machine, name, told, web_url};
use crate::failure::Failure;
use crate::output::{self, Text};

/// A token that ends sooner than this is renewed first: whoever gets it has to use it yet.
const SOON: Duration = Duration::from_secs(60);

#[derive(Debug, Args)]
#[command(
    after_help = "Refresh tokens are never printed. A token that is bound to a key is of use only with a proof for\n\
                        one request: --url and --method say which, and the format header prints both headers."
)]
pub(crate) struct Arguments {
    /// The sign-in to take the token of; needed if there are several
    #[arg(long, value_name = "NAME", value_parser = name)]
    name: Option<String>,
    /// The resource that the token must be for
    #[arg(long, value_name = "URI")]
    pub(super) resource: Option<String>,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Raw)]
    pub(super) format: Format,
    /// The URL of the request that a bound token is proven for
    #[arg(long, value_name = "URL")]
    pub(super) url: Option<String>,
    /// The method of that request
    #[arg(long, value_name = "METHOD", default_value = "GET", requires = "url")]
    pub(super) method: String,
    /// Get a token for a machine in place of a person: nothing is kept
    #[arg(long, conflicts_with = "name")]
    pub(super) machine: bool,
    #[command(flatten)]
    pub(super) of_machine: machine::Workload,
    #[command(flatten)]
    pub(super) trust: Trust,
}

/// How a token is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// The token alone
    Raw,
    /// As the header of a request
    Header,
    /// As a JSON document
    Json,
}

/// A token to print.
#[derive(Serialize)]
pub(super) struct Printed {
    access_token: String,
    token_type: &'static str,
    expires_at: Option<i64>,
    scope: String,
    resource: Option<String>,
    /// The proof for the request that was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    dpop: Option<String>,
}

/// What a token is printed from.
pub(super) struct Token {
    pub(super) access: Secret,
    pub(super) kind: Kind,
    pub(super) ends_at: Option<Timestamp>,
    pub(super) scopes: Vec<String>,
    pub(super) resource: Option<String>,
    pub(super) prover: Option<Prover>,
}

pub(super) async fn run(arguments: Arguments, json: bool) -> Result<(), Failure> {
    let hands = Hands::new(&arguments.trust)?;
    let token = if arguments.machine {
        machine::token(&hands, &arguments).await?
    } else {
        of_person(&hands, &arguments).await?
    };
    let dpop = prove(&hands, &arguments, &token)?;
    let format = if json { Format::Json } else { arguments.format };
    if format == Format::Header && token.prover.is_some() && dpop.is_none() {
        return Err(Failure::usage(
            "proof_missing",
            "the token is bound to a key, and of use only with a proof",
        )
        .with_hint("name the request: --url URL --method METHOD"));
    }
    let printed = Printed {
        access_token: token.access.expose().to_owned(),
        token_type: token.kind.scheme(),
        expires_at: token.ends_at.map(Timestamp::as_millis),
        scope: token.scopes.join(" "),
        resource: token.resource,
        dpop: dpop.map(|proof| proof.expose().to_owned()),
    };
    output::print(format == Format::Json, &printed, |printed| Text {
        data: printed.text(format),
        ..Text::default()
    })
}

impl Printed {
    fn text(&self, format: Format) -> String {
        if format != Format::Header {
            return format!("{}\n", self.access_token);
        }
        let proof = self.dpop.as_ref().map(|proof| format!("DPoP: {proof}\n"));
        format!(
            "Authorization: {} {}\n{}",
            self.token_type,
            self.access_token,
            proof.unwrap_or_default()
        )
    }
}

fn prove(hands: &Hands, arguments: &Arguments, token: &Token) -> Result<Option<Secret>, Failure> {
    let (Some(prover), Some(url)) = (&token.prover, &arguments.url) else {
        return Ok(None);
    };
    let request = Proven {
        side: Side::Resource,
        method: &arguments.method,
        url: &web_url(url)?,
        access_token: Some(&token.access),
    };
    let proof = prover.prove(&hands.random, hands.clock.now(), &request);
    proof.map(Some).map_err(told::agent)
}

async fn of_person(hands: &Arc<Hands>, arguments: &Arguments) -> Result<Token, Failure> {
    let vault = super::vault()?;
    let content = vault.read().map_err(told::vault)?;
    let name = choose(
        &content,
        arguments.name.as_deref(),
        arguments.resource.as_deref(),
    )?;
    let kept = fresh(hands, &vault, &name).await?;
    Ok(Token {
        access: kept.access(),
        kind: kept.kind(),
        ends_at: kept.ends_at(),
        scopes: kept.scopes.clone(),
        resource: kept.resource.clone(),
        prover: kept.prover()?,
    })
}

/// The sign-in that is meant: the one named, the one for the resource, or the only one.
pub(super) fn choose(
    content: &Content,
    name: Option<&str>,
    resource: Option<&str>,
) -> Result<String, Failure> {
    let mut names = kept::names(content);
    if let Some(name) = name {
        names.retain(|known| known == name);
    }
    if let Some(resource) = resource {
        names.retain(|name| {
            let kept = kept::get(content, name).and_then(Result::ok);
            kept.is_some_and(|kept| {
                kept.resource.as_deref() == Some(resource) || kept.url == resource
            })
        });
    }
    let hint = "see `sealgate login list`; sign in with `sealgate login URL`";
    match names.as_slice() {
        [name] => Ok(name.clone()),
        [] => {
            Err(Failure::refused("login_missing", "there is no such sign-in here").with_hint(hint))
        }
        several => {
            let said = format!("there are several sign-ins: {}", several.join(", "));
            Err(Failure::usage("login_ambiguous", said).with_hint("name one: --name NAME"))
        }
    }
}

/// The sign-in with a token that is good for a while. Only one process renews at a time: the others wait,
/// and find the new token.
async fn fresh(hands: &Arc<Hands>, vault: &Vault, name: &str) -> Result<Kept, Failure> {
    let read = || -> Result<Kept, Failure> {
        let content = vault.read().map_err(told::vault)?;
        let gone = || Failure::refused("login_missing", "there is no such sign-in here");
        kept::get(&content, name).ok_or_else(gone)?
    };
    let now = hands.clock.now();
    let good = |kept: &Kept, for_: Duration| kept.ends_at().is_none_or(|at| at > now + for_);
    let kept = read()?;
    if good(&kept, SOON) {
        return Ok(kept);
    }
    let _held = vault.hold(name).map_err(told::vault)?;
    let mut kept = read()?;
    if good(&kept, SOON) {
        return Ok(kept);
    }
    match renew(hands, &mut kept).await {
        Ok(()) => kept::put(vault, hands, name, &kept)?,
        // What is left of the token may still do.
        Err(error) if error.is_temporary() && good(&kept, Duration::ZERO) => {}
        Err(AgentError::SignInNeeded) => return Err(again(&kept)),
        Err(AgentError::Refused(code)) if code == "invalid_client" => {
            // The next sign-in is not to be as a client that the server has forgotten.
            if kept.client().origin == Origin::Dynamic {
                kept::forget(vault, hands, name)?;
            }
            return Err(again(&kept));
        }
        Err(AgentError::Refused(code)) if code == "invalid_grant" => return Err(again(&kept)),
        Err(error) => return Err(told::agent(error)),
    }
    Ok(kept)
}

fn again(kept: &Kept) -> Failure {
    let said = format!("the sign-in at {} is over", kept.issuer);
    let device = if kept.device { " --device" } else { "" };
    // An id that the server chose is no text for a command line; it is known here anyway.
    let client = match kept.client().origin {
        Origin::Given => format!(" --client-id {}", kept.client_id()),
        Origin::Document | Origin::Dynamic => String::new(),
    };
    let hint = format!("sign in again: sealgate login {}{client}{device}", kept.url);
    Failure::refused("login_over", said).with_hint(hint)
}

async fn renew(hands: &Hands, kept: &mut Kept) -> Result<(), AgentError> {
    let refresh = kept.refresh().ok_or(AgentError::SignInNeeded)?;
    let url = sealgate_agent::WebUrl::parse(&kept.url)?;
    let reach = hands.http.reach(&url).await?;
    let found = find_server(&hands.http, &kept.issuer, reach).await?;
    let (_, server) = found.ok_or(AgentError::MetadataUnacceptable(
        "the authorization server has none",
    ))?;
    let prover = kept.prover().map_err(|_| AgentError::SignInNeeded)?;
    let endpoint = TokenEndpoint {
        http: &hands.http,
        reach,
        server: &server,
        client: &kept.client(),
        prover: prover.as_ref(),
        clock: &hands.clock,
        random: &hands.random,
    };
    let tokens = endpoint
        .refresh(&refresh, kept.resource.as_deref(), &kept.scopes)
        .await?;
    kept.renew(&tokens);
    Ok(())
}
