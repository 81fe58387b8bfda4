//! `sealgate issuer`: other issuers, whose word for machines or for people is taken.

mod text;

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use sealgate_model::{IssuerKind, TenantId, UserId};
use sealgate_server::admin::{
    IdentityLinkView, IdentityLinks, IssuerView, Issuers, NewIdentityLink, NewIssuer,
    TriedIdentity, TryIdentity,
};
use url::form_urlencoded::Serializer;

use crate::client;
use crate::confirm::Sure;
use crate::door::Door;
use crate::failure::Failure;
use crate::output::{self, Text};
use crate::place::Place;

/// Bytes of a token that is tried, and of the space around it.
const TOKEN: u64 = 16 * 1024;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Take the identities of an issuer
    Add(Box<Add>),
    /// List the issuers whose identities are taken
    List {
        #[command(flatten)]
        place: Place,
    },
    /// Show one of them
    Show(Which),
    /// Say which machine or account a token on stdin would be, or why nobody; nothing is issued
    Try(Which),
    /// Believe nothing that it says from now on
    Disable(Which),
    /// Believe it again
    Enable(Which),
    /// Remove an issuer, and forget which accounts its subjects are
    Remove {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        sure: Sure,
    },
    /// List the accounts that an enterprise's provider has vouched for
    Links(Which),
    /// Say which account a subject of an enterprise's provider is
    Link(Link),
    /// Forget which subject of an enterprise's provider an account is
    Unlink(Unlink),
}

#[derive(Debug, Args)]
pub(crate) struct Add {
    /// Its name in tokens (`iss`), compared exactly: an https URL, or `spiffe://` and a trust domain
    issuer: String,
    /// The name people know it by
    name: String,
    /// What it is: `kubernetes`, `github`, `gitlab`, `spiffe`, `openid`, or `enterprise` for one that vouches for
    /// people
    #[arg(long, value_name = "KIND")]
    kind: IssuerKind,
    /// Its public keys: a JWK set, a JWK, or the bundle of a trust domain
    #[arg(long, value_name = "FILE", conflicts_with = "jwks_uri")]
    jwks: Option<PathBuf>,
    /// Where its public keys are [default: where its metadata says]
    #[arg(long, value_name = "URL")]
    jwks_uri: Option<String>,
    /// What its tokens name as audience [default: the control plane's issuer]
    #[arg(long)]
    audience: Option<String>,
    /// The trust domain of its SPIFFE IDs, where the issuer is a URL
    #[arg(long, value_name = "DOMAIN")]
    trust_domain: Option<String>,
    /// A claim that each of its tokens must have, as in `repository_owner=acme`; repeat for more
    #[arg(long = "claim", value_name = "CLAIM=VALUE", value_parser = claim)]
    claims: Vec<(String, String)>,
    /// A domain of the e-mail addresses of the people it may vouch for; repeat for more
    #[arg(long = "domain", value_name = "DOMAIN")]
    domains: Vec<String>,
    /// The tenant of the people it may vouch for [default: those of no tenant]
    #[arg(long)]
    tenant: Option<TenantId>,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
pub(crate) struct Which {
    /// Its name in tokens
    issuer: String,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
pub(crate) struct Link {
    /// Its `sub` in the issuer's tokens
    subject: String,
    /// The account
    #[arg(value_name = "USER")]
    user: UserId,
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, Args)]
pub(crate) struct Unlink {
    /// The account
    #[arg(value_name = "USER")]
    user: UserId,
    #[command(flatten)]
    which: Which,
}

fn claim(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => {
            Ok((name.to_owned(), value.to_owned()))
        }
        _ => Err("give a claim and its value, as in repository_owner=acme"),
    }
}

pub(crate) async fn run(command: Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::Add(add) => added(*add, json).await,
        Command::List { place } => {
            let door = Door::open(&place, None).await?;
            output::print(json, &every(&door).await?, |all| text::listed(all))
        }
        Command::Show(which) => {
            let door = Door::open(&which.place, None).await?;
            let query = [("issuer", Some(which.issuer))];
            let found: IssuerView = door.get("/issuer", &query).await?;
            output::print(json, &found, text::shown)
        }
        Command::Try(which) => tried(which, json).await,
        Command::Disable(which) => set(which, "disable", "is not believed any more", json).await,
        Command::Enable(which) => set(which, "enable", "is believed again", json).await,
        Command::Remove { which, sure } => {
            sure.ask(&format!("remove the issuer {}", which.issuer))?;
            let door = Door::open(&which.place, None).await?;
            door.delete(&at("/issuer", &[("issuer", &which.issuer)]))
                .await?;
            gone(&which.issuer, "removed", "is removed", json)
        }
        Command::Links(which) => {
            let door = Door::open(&which.place, None).await?;
            let links = every_link(&door, &which.issuer).await?;
            output::print(json, &links, |links| text::links(links))
        }
        Command::Link(link) => {
            let door = Door::open(&link.which.place, None).await?;
            let new = NewIdentityLink {
                subject: link.subject,
                user: link.user,
            };
            let address = at("/issuer/links", &[("issuer", &link.which.issuer)]);
            let made: IdentityLinkView = door.post(&address, &new).await?;
            output::print(json, &made, text::link)
        }
        Command::Unlink(link) => {
            let door = Door::open(&link.which.place, None).await?;
            let user = link.user.to_string();
            let which = [("issuer", link.which.issuer.as_str()), ("user", &user)];
            door.delete(&at("/issuer/links", &which)).await?;
            gone(&user, "unlinked", "is linked no more", json)
        }
    }
}

async fn added(add: Add, json: bool) -> Result<(), Failure> {
    let mut claims = BTreeMap::new();
    for (name, value) in add.claims {
        if claims.insert(name, value).is_some() {
            let said = "a claim is named twice".to_owned();
            return Err(Failure::usage("claim_repeated", said));
        }
    }
    let new = NewIssuer {
        issuer: add.issuer,
        name: add.name,
        kind: add.kind,
        audience: add.audience,
        jwks: add.jwks.as_deref().map(client::key_set).transpose()?,
        jwks_uri: add.jwks_uri,
        trust_domain: add.trust_domain,
        claims,
        domains: add.domains,
        tenant: add.tenant,
    };
    let door = Door::open(&add.place, None).await?;
    let made: IssuerView = door.post("/issuers", &new).await?;
    output::print(json, &made, text::shown)
}

async fn tried(which: Which, json: bool) -> Result<(), Failure> {
    let mut token = String::new();
    let mut input = std::io::stdin().take(TOKEN);
    input
        .read_to_string(&mut token)
        .map_err(|error| Failure::usage("token_unreadable", format!("stdin: {error}")))?;
    let asked = TryIdentity {
        token: token.trim().to_owned(),
    };
    let door = Door::open(&which.place, None).await?;
    let address = at("/issuer/try", &[("issuer", &which.issuer)]);
    let found: TriedIdentity = door.post(&address, &asked).await?;
    output::print(json, &found, text::tried)
}

async fn set(which: Which, verb: &str, said: &str, json: bool) -> Result<(), Failure> {
    let door = Door::open(&which.place, None).await?;
    let address = at(&format!("/issuer/{verb}"), &[("issuer", &which.issuer)]);
    let changed: IssuerView = door.post(&address, &()).await?;
    output::print(json, &changed, |changed| Text {
        data: format!("{} {said}.\n", changed.issuer),
        ..Text::default()
    })
}

fn gone(what: &str, member: &str, said: &str, json: bool) -> Result<(), Failure> {
    let done = serde_json::json!({ member: what });
    output::print(json, &done, |_| Text {
        data: format!("{what} {said}.\n"),
        ..Text::default()
    })
}

fn at(path: &str, query: &[(&str, &str)]) -> String {
    let mut pairs = Serializer::new(String::new());
    pairs.extend_pairs(query);
    format!("{path}?{}", pairs.finish())
}

async fn every(door: &Door) -> Result<Vec<IssuerView>, Failure> {
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let page: Issuers = door.get("/issuers", &[("after", after)]).await?;
        all.extend(page.issuers);
        after = page.next;
        if after.is_none() {
            return Ok(all);
        }
    }
}

async fn every_link(door: &Door, issuer: &str) -> Result<Vec<IdentityLinkView>, Failure> {
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let query = [("issuer", Some(issuer.to_owned())), ("after", after)];
        let page: IdentityLinks = door.get("/issuer/links", &query).await?;
        all.extend(page.links);
        after = page.next;
        if after.is_none() {
            return Ok(all);
        }
    }
}
