//! `sealgate policy map`: what a mapping makes of somebody's claims, and by which rules.

mod shown;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use sealgate_host::{TextsMost, texts};
use sealgate_model::ActorKind;
use sealgate_policy::mapping::{self, Mapping, Shown, Told, Whose};
use sealgate_policy::{Document, PolicyError};
use serde_json::{Map, Value};

use super::{source, versions};
use crate::door::Door;
use crate::failure::Failure;
use crate::output;
use crate::place::Place;

/// The longest document of claims, in bytes: no credential is longer.
const CLAIMS_BYTES_MOST: usize = 64 << 10;

/// Whose claims, and by which mapping.
#[derive(Debug, Args)]
#[command(
    after_help = "The claims are those of an access token or an ID token, as JSON: its middle part. What an issuer keeps in\n\
                  a place of its own (client, organisation, roles, scopes) is named by options, as the gate's preset for\n\
                  that issuer would read it."
)]
pub(crate) struct Arguments {
    /// The file that declares the mapping
    #[arg(
        long,
        value_name = "FILE",
        default_value = "sealgate.toml",
        conflicts_with = "applied"
    )]
    file: PathBuf,
    /// Judge by what the control plane hands out now, and not by a file
    #[arg(long)]
    applied: bool,
    /// The claims, a JSON object
    #[arg(long, value_name = "FILE")]
    claims: PathBuf,
    /// Whose credential it is [default: the claim iss]
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// It is of the control plane that gates follow [default: if it is that of the settings]
    #[arg(long)]
    own: bool,
    /// It is a session, and not an access token
    #[arg(long)]
    session: bool,
    /// The client that it was given to [default: the claim `client_id` or azp]
    #[arg(long, value_name = "ID")]
    client: Option<String>,
    /// The organisation [default: the claim tenant]
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
    /// The kind of actor that the issuer tells [default: as the control plane's own tokens say it]
    #[arg(long, value_name = "KIND")]
    actor: Option<Kind>,
    /// A role that the issuer tells; may be repeated [default: the claim roles]
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// A scope that was granted; may be repeated [default: the claim scope]
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    User,
    Machine,
    Agent,
}

pub(super) async fn run(asked: Arguments, json: bool) -> Result<(), Failure> {
    let claims = claims(&asked.claims)?;
    let (mapping, own, version) = if asked.applied {
        let (mapping, version) = applied(&asked.place).await?;
        (mapping, control_plane(&asked.place)?, Some(version))
    } else {
        let (mapping, own) = declared(&asked.file)?;
        (mapping, own, None)
    };
    let told = told(&asked, &claims, own.as_deref())?;
    let explained = mapping.explain(&Told {
        issuer: &told.issuer,
        own: told.own,
        shown: if asked.session {
            Shown::Session
        } else {
            Shown::Token
        },
        kind: told.kind,
        has_user: told.has_user,
        client: &told.client,
        tenant: told.tenant.as_deref(),
        roles: &told.roles,
        scopes: &told.scopes,
        claims: &claims,
    });
    let hint = !told.own && own.is_none() && names_own(&mapping);
    let mapped = shown::mapped(version, asked.session, told, &explained);
    output::print(json, &mapped, |mapped| shown::text(mapped, hint))
}

/// What the claims and the options say together.
struct Says {
    issuer: String,
    own: bool,
    kind: ActorKind,
    has_user: bool,
    client: String,
    tenant: Option<String>,
    roles: Vec<String>,
    scopes: Vec<String>,
}

fn told(
    asked: &Arguments,
    claims: &Map<String, Value>,
    own: Option<&str>,
) -> Result<Says, Failure> {
    let claim = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
    let issuer = asked
        .issuer
        .clone()
        .or_else(|| claim("iss"))
        .ok_or_else(|| {
            Failure::usage(
                "claims_without_issuer",
                "the claims do not say whose they are",
            )
            .with_hint("name the issuer: --issuer URL")
        })?;
    let client = asked
        .client
        .clone()
        .or_else(|| claim("client_id"))
        .or_else(|| claim("azp"));
    let client = client.unwrap_or_default();
    let itself = claim("sub").is_some_and(|sub| !client.is_empty() && sub == client);
    let kind = match asked.actor {
        Some(Kind::Machine) => ActorKind::Machine,
        Some(Kind::Agent) => ActorKind::Agent,
        None if !asked.session && is_agents(&Value::Object(claims.clone())) => ActorKind::Agent,
        None if !asked.session && itself => ActorKind::Machine,
        Some(Kind::User) | None => ActorKind::User,
    };
    Ok(Says {
        own: asked.own || own == Some(&issuer),
        issuer,
        kind,
        has_user: match kind {
            ActorKind::User => true,
            ActorKind::Machine => false,
            ActorKind::Agent => !itself,
        },
        client,
        tenant: asked.tenant.clone().or_else(|| claim("tenant")),
        roles: if asked.roles.is_empty() {
            listed(claims.get("roles"))
        } else {
            asked.roles.clone()
        },
        scopes: if asked.scopes.is_empty() {
            let scope = claim("scope").unwrap_or_default();
            scope.split_ascii_whitespace().map(str::to_owned).collect()
        } else {
            asked.scopes.clone()
        },
    })
}

/// Whether an agent is the subject, or acts for it, as the control plane's own tokens say it.
fn is_agents(claims: &Value) -> bool {
    let mut link = Some(claims);
    // No token has more of them.
    for _ in 0..8 {
        let Some(here) = link else {
            return false;
        };
        let profile = here.get("sub_profile").and_then(Value::as_str);
        if profile.is_some_and(|profile| profile.split(' ').any(|one| one == "ai_agent")) {
            return true;
        }
        link = here.get("act");
    }
    false
}

fn listed(claim: Option<&Value>) -> Vec<String> {
    let list = claim.and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn claims(path: &Path) -> Result<Map<String, Value>, Failure> {
    let most = TextsMost {
        files: 1,
        bytes: CLAIMS_BYTES_MOST,
    };
    let name = path.display().to_string();
    let found = texts(Path::new(""), std::slice::from_ref(&name), most);
    let found = found.map_err(|error| Failure::usage("claims_unreadable", error.to_string()))?;
    let text = found.into_values().next().unwrap_or_default();
    // What stands in the file is not repeated: it may be somebody's token.
    serde_json::from_str(&text).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        Failure::usage(
            "claims_malformed",
            format!("{name} is no JSON object: {place}"),
        )
    })
}

/// The mapping of a file, and the control plane's issuer if the file has that too.
fn declared(path: &Path) -> Result<(Mapping, Option<String>), Failure> {
    let text = source::text(path)?;
    let document = source::parsed(&text, path)?;
    let mapping = mapping::read(&document).map_err(|error| {
        let error = match error {
            PolicyError::Mapping(error) => PolicyError::Mapping(error.located(&text)),
            other => other,
        };
        Failure::refused(error.code(), format!("{}: {error}", path.display()))
    })?;
    let own = document.get("issuer").and_then(toml::Value::as_str);
    Ok((mapping, own.map(str::to_owned)))
}

/// The mapping that gates decide by, and its version.
async fn applied(place: &Place) -> Result<(Mapping, u64), Failure> {
    let door = Door::open(place, None).await?;
    let version = versions::current(&door).await?;
    let policy = versions::get(&door, version).await?;
    let document: Document = serde_json::from_value(policy.document).map_err(|error| {
        Failure::unavailable(
            "policy_unusable",
            format!("version {version} says what this program does not understand: {error}"),
        )
    })?;
    Ok((document.mapping, version))
}

fn control_plane(place: &Place) -> Result<Option<String>, Failure> {
    if let Some(elsewhere) = place.elsewhere() {
        return Ok(Some(elsewhere));
    }
    let issuer = place.load(None)?.settings.issuer;
    Ok(issuer.map(|issuer| issuer.to_string()))
}

fn names_own(mapping: &Mapping) -> bool {
    let mut issuers = mapping.rules().iter().flat_map(|rule| &rule.when.issuer);
    issuers.any(|whose| *whose == Whose::Own)
}
