//! A sign-in as it rests in the vault.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use sealgate_agent::dpop::Prover;
use sealgate_agent::registration::{Client, ClientAuth, Origin};
use sealgate_agent::token::{Kind, Tokens};
use sealgate_agent::vault::{Content, Vault};
use sealgate_model::{Secret, Timestamp};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Hands, told};
use crate::failure::Failure;
use crate::output::{self, Text};

/// Before the name of each sign-in, so that others may keep things there too.
const PREFIX: &str = "login:";

/// How the client proves who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Auth {
    None,
    Basic,
    Post,
}

/// What is kept. Read with care: it is from a file, though a sealed one.
#[derive(Serialize, Deserialize)]
pub(super) struct Kept {
    /// The URL that was given.
    pub(super) url: String,
    pub(super) issuer: String,
    pub(super) resource: Option<String>,
    pub(super) scopes: Vec<String>,
    pub(super) signed_in_at: i64,
    pub(super) device: bool,
    client_id: String,
    client_auth: Auth,
    client_secret: Option<String>,
    client_origin: Origin,
    access: String,
    ends_at: Option<i64>,
    refresh: Option<String>,
    dpop_key: Option<String>,
}

impl Drop for Kept {
    fn drop(&mut self) {
        use zeroize::Zeroize as _;
        self.access.zeroize();
        for secret in [
            &mut self.client_secret,
            &mut self.refresh,
            &mut self.dpop_key,
        ] {
            secret.zeroize();
        }
    }
}

/// What a sign-in is of.
pub(super) struct SignedIn<'a> {
    pub(super) url: &'a str,
    pub(super) resource: Option<String>,
    pub(super) device: bool,
    pub(super) client: &'a Client,
    pub(super) tokens: &'a Tokens,
    pub(super) prover: Option<&'a Prover>,
}

impl Kept {
    pub(super) fn new(given: &SignedIn<'_>, now: Timestamp) -> Result<Self, Failure> {
        let (client_auth, client_secret) = match &given.client.auth {
            ClientAuth::Public => (Auth::None, None),
            ClientAuth::Basic(secret) => (Auth::Basic, Some(secret.expose().to_owned())),
            ClientAuth::Post(secret) => (Auth::Post, Some(secret.expose().to_owned())),
            ClientAuth::Key(_) => {
                return Err(Failure::usage(
                    "client_unsuitable",
                    "a client with a key of its own is a machine",
                )
                .with_hint("see `sealgate token --machine`"));
            }
        };
        let key = given
            .prover
            .map(|prover| STANDARD_NO_PAD.encode(prover.private().as_slice()));
        let mut kept = Self {
            url: given.url.to_owned(),
            issuer: given.client.issuer.clone(),
            resource: given.resource.clone(),
            scopes: Vec::new(),
            signed_in_at: now.as_millis(),
            device: given.device,
            client_id: given.client.id.clone().unwrap_or_default(),
            client_auth,
            client_secret,
            client_origin: given.client.origin,
            access: String::new(),
            ends_at: None,
            refresh: None,
            dpop_key: key,
        };
        kept.renew(given.tokens);
        Ok(kept)
    }

    /// Takes over new tokens.
    pub(super) fn renew(&mut self, tokens: &Tokens) {
        tokens.access.expose().clone_into(&mut self.access);
        self.refresh = tokens
            .refresh
            .as_ref()
            .map(|refresh| refresh.expose().to_owned());
        self.ends_at = tokens.ends_at.map(Timestamp::as_millis);
        self.scopes.clone_from(&tokens.scopes);
    }

    pub(super) fn client(&self) -> Client {
        let secret = || Secret::new(self.client_secret.clone().unwrap_or_default());
        Client {
            id: Some(self.client_id.clone()),
            auth: match self.client_auth {
                Auth::None => ClientAuth::Public,
                Auth::Basic => ClientAuth::Basic(secret()),
                Auth::Post => ClientAuth::Post(secret()),
            },
            issuer: self.issuer.clone(),
            origin: self.client_origin,
        }
    }

    pub(super) fn client_id(&self) -> &str {
        &self.client_id
    }

    pub(super) fn prover(&self) -> Result<Option<Prover>, Failure> {
        let Some(text) = &self.dpop_key else {
            return Ok(None);
        };
        let key = STANDARD_NO_PAD.decode(text).map_err(|_| unreadable())?;
        Prover::from_private(Zeroizing::new(key))
            .map(Some)
            .map_err(told::agent)
    }

    pub(super) fn access(&self) -> Secret {
        Secret::new(self.access.as_str())
    }

    pub(super) const fn kind(&self) -> Kind {
        match self.dpop_key {
            Some(_) => Kind::Dpop,
            None => Kind::Bearer,
        }
    }

    pub(super) fn refresh(&self) -> Option<Secret> {
        self.refresh.as_deref().map(Secret::new)
    }

    pub(super) fn ends_at(&self) -> Option<Timestamp> {
        self.ends_at.map(Timestamp::from_millis)
    }

    fn encode(&self) -> Result<Secret, Failure> {
        // Room enough that the buffer does not grow: what it grew out of would keep secrets.
        let mut bytes = Zeroizing::new(Vec::with_capacity(sealgate_agent::vault::VALUE_LIMIT));
        serde_json::to_writer(&mut *bytes, self).map_err(|_| unreadable())?;
        let text = std::str::from_utf8(&bytes).map_err(|_| unreadable())?;
        Ok(Secret::new(text))
    }
}

fn unreadable() -> Failure {
    Failure::refused(
        "login_unreadable",
        "what is kept of this sign-in cannot be read",
    )
    .with_hint("sign in again: sealgate login URL")
}

/// The sign-in of that name.
pub(super) fn get(content: &Content, name: &str) -> Option<Result<Kept, Failure>> {
    let value = content.get(&format!("{PREFIX}{name}"))?;
    Some(serde_json::from_str(value.expose()).map_err(|_| unreadable()))
}

/// The names of all sign-ins.
pub(super) fn names(content: &Content) -> Vec<String> {
    let names = content.names().filter_map(|name| name.strip_prefix(PREFIX));
    names.map(str::to_owned).collect()
}

/// Keeps a sign-in.
pub(super) fn put(
    vault: &Vault,
    hands: &Arc<Hands>,
    name: &str,
    kept: &Kept,
) -> Result<(), Failure> {
    let value = kept.encode()?;
    let change = |content: &mut Content| content.put(&format!("{PREFIX}{name}"), value);
    vault.change(&hands.random, change).map_err(told::vault)
}

/// Forgets sign-ins.
pub(super) fn forget(vault: &Vault, hands: &Arc<Hands>, name: &str) -> Result<bool, Failure> {
    let change = |content: &mut Content| Ok(content.remove(&format!("{PREFIX}{name}")));
    vault.change(&hands.random, change).map_err(told::vault)
}

/// What may be told of a sign-in: nothing secret.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    pub(super) name: String,
    pub(super) issuer: String,
    pub(super) resource: Option<String>,
    pub(super) client_id: String,
    pub(super) scopes: Vec<String>,
    /// Whether the tokens are bound to a key.
    pub(super) dpop: bool,
    /// Whether it can be renewed without the person.
    pub(super) renewable: bool,
    pub(super) signed_in_at: i64,
    /// When the access token ends, if that is known.
    pub(super) token_ends_at: Option<i64>,
}

impl Shown {
    pub(super) fn new(name: &str, kept: &Kept) -> Self {
        Self {
            name: name.to_owned(),
            issuer: kept.issuer.clone(),
            resource: kept.resource.clone(),
            client_id: kept.client_id.clone(),
            scopes: kept.scopes.clone(),
            dpop: kept.dpop_key.is_some(),
            renewable: kept.refresh.is_some(),
            signed_in_at: kept.signed_in_at,
            token_ends_at: kept.ends_at,
        }
    }

    pub(super) fn text(&self) -> Text {
        let ends = self
            .token_ends_at
            .map(|at| output::date(Timestamp::from_millis(at)));
        output::fields(&[
            ("name", self.name.clone()),
            ("issuer", self.issuer.clone()),
            ("resource", self.resource.clone().unwrap_or_default()),
            ("client", self.client_id.clone()),
            ("scopes", self.scopes.join(" ")),
            (
                "bound to a key",
                if self.dpop { "yes" } else { "no" }.to_owned(),
            ),
            (
                "renewable",
                if self.renewable { "yes" } else { "no" }.to_owned(),
            ),
            ("token until", ends.unwrap_or_default()),
        ])
    }
}

#[derive(Debug, Serialize)]
struct List {
    logins: Vec<Shown>,
}

/// `sealgate login list`.
pub(super) fn list(vault: &Vault, json: bool) -> Result<(), Failure> {
    let content = vault.read().map_err(told::vault)?;
    let names = names(&content);
    let shown = names.iter().filter_map(|name| {
        let kept = get(&content, name)?.ok()?;
        Some(Shown::new(name, &kept))
    });
    let list = List {
        logins: shown.collect(),
    };
    output::print(json, &list, |list| {
        let rows: Vec<[String; 4]> = list
            .logins
            .iter()
            .map(|login| {
                let of = login.resource.as_ref().unwrap_or(&login.issuer);
                let renewed = if login.renewable { "yes" } else { "no" };
                [
                    login.name.clone(),
                    of.clone(),
                    login.scopes.join(" "),
                    renewed.to_owned(),
                ]
            })
            .collect();
        output::table(
            ["NAME", "FOR", "SCOPES", "RENEWABLE"],
            &rows,
            "Nobody is signed in here.",
        )
    })
}
