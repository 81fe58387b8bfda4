//! What can be declared, in the form of the file and of the server's answer alike.

use std::collections::BTreeMap;

use sealgate_model::{ClientId, Grant};
pub use sealgate_policy::Document as Policy;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::words::{Moment, Span};

/// The scopes that every client may ask for; they are not declared.
pub const STANDARD_SCOPES: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// Whether a client can keep a secret (RFC 6749, 2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientKind {
    /// Has a secret or a key.
    Confidential,
    /// Has neither.
    Public,
}

/// How a client proves who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Authentication {
    /// By its secret.
    Secret,
    /// By an assertion signed with its key (RFC 7523).
    PrivateKeyJwt,
    /// Not at all.
    None,
}

/// Whether a user is asked before a client is granted anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consent {
    /// Nobody is asked: the administrator has agreed for everybody.
    Trusted,
    /// The user is asked once for each scope and resource.
    Required,
}

/// `[client.ID]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "a registration has them")]
pub struct Client {
    /// The name people read on the sign-in page.
    pub name: String,
    /// Whether it can keep a secret. It stays what it is.
    pub kind: ClientKind,
    /// Where codes may be sent.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    /// Where a browser may be sent after logout.
    #[serde(default)]
    pub logout_uris: Vec<String>,
    /// The scopes it may ask for beside the standard ones.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// How it proves who it is.
    pub authentication: Option<Authentication>,
    /// Its public keys; absent: those it has are left alone.
    pub jwks: Option<Value>,
    /// Where its public keys are.
    pub jwks_uri: Option<String>,
    /// Whether its assertions may name an endpoint as audience.
    #[serde(default)]
    pub endpoint_audience: bool,
    /// The grants it may use.
    pub grants: Option<Vec<Grant>>,
    /// The resources it may ask tokens for.
    #[serde(default)]
    pub resources: Vec<String>,
    /// Whether it must push its authorization requests.
    #[serde(default)]
    pub require_pushed: bool,
    /// Whether its tokens must be bound to a key.
    #[serde(default)]
    pub require_dpop: bool,
    /// Whether users are asked.
    pub consent: Option<Consent>,
    /// The algorithm that signs its tokens.
    pub algorithm: Option<String>,
    /// Where it wants to hear of sessions that ended.
    pub backchannel_logout_uri: Option<String>,
    /// How long its access tokens live.
    pub access_lifetime: Option<Span>,
    /// How long its users' sessions last at the most.
    pub session_lifetime: Option<Span>,
    /// The tenant whose users alone may sign in.
    pub tenant: Option<String>,
    /// Whether it is an AI agent.
    #[serde(default)]
    pub agent: bool,
    /// The client that alone may exchange tokens of its users.
    pub may_act: Option<ClientId>,
    /// Whether it is disabled.
    #[serde(default)]
    pub disabled: bool,
}

/// Whom of another issuer's workloads a service account is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The issuer, which is trusted.
    pub issuer: String,
    /// The value that each claim must have.
    pub claims: BTreeMap<String, String>,
}

/// `[machine.ID]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// The name people read; absent: its id.
    pub name: Option<String>,
    /// Who answers for it.
    pub owner: String,
    /// What it is for.
    pub purpose: String,
    /// Where it runs.
    pub environment: Option<String>,
    /// From when on it gets nothing any more.
    pub expires_at: Moment,
    /// The grants it may use.
    pub grants: Option<Vec<Grant>>,
    /// The scopes it may ask for.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// The resources it may ask tokens for.
    #[serde(default)]
    pub resources: Vec<String>,
    /// Its public keys; absent: those it registered are left alone.
    pub jwks: Option<Value>,
    /// Where its public keys are.
    pub jwks_uri: Option<String>,
    /// The identities of other issuers that are this service account.
    #[serde(default)]
    pub identities: Vec<Identity>,
    /// Whether its tokens must be bound to a key.
    #[serde(default)]
    pub require_dpop: bool,
    /// How long its access tokens live.
    pub access_lifetime: Option<Span>,
    /// The algorithm that signs its tokens.
    pub algorithm: Option<String>,
    /// Whether it is disabled.
    #[serde(default)]
    pub disabled: bool,
}

/// What an AI agent can call at a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// What it does, in words for the consent page.
    pub description: String,
    /// The scopes that it takes, all of them.
    #[serde(default)]
    pub scopes: Vec<String>,
}

/// `[resource."URI"]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resource {
    /// The name people read on the consent page.
    pub name: String,
    /// The client that serves it.
    pub client: Option<ClientId>,
    /// Its scopes, each with what it allows in words.
    #[serde(default)]
    pub scopes: BTreeMap<String, String>,
    /// Whether its tokens have a place in a status list.
    #[serde(default)]
    pub status_list: bool,
    /// Whether clients that no administrator registered may ask their users for it.
    #[serde(default)]
    pub agents: bool,
    /// What AI agents can call there.
    #[serde(default)]
    pub tools: BTreeMap<String, Tool>,
}

/// `[role.NAME]` and `[scope.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Word {
    /// What it means, in words for people.
    pub description: String,
}

/// `[keys.ALGORITHM]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// How long a key signs before the next one takes over; zero: only on command.
    pub rotate_every: Span,
}

/// Everything that is declared, or everything that a server has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct State {
    /// Clients by id.
    pub client: BTreeMap<String, Client>,
    /// Service accounts by id.
    pub machine: BTreeMap<String, Machine>,
    /// Resources by URI.
    pub resource: BTreeMap<String, Resource>,
    /// Roles by name.
    pub role: BTreeMap<String, Word>,
    /// Scopes by name.
    pub scope: BTreeMap<String, Word>,
    /// Key schedules by algorithm.
    pub keys: BTreeMap<String, Schedule>,
    /// What gates decide by; none: nothing is declared of it, or nothing is there.
    pub policy: Option<Policy>,
}

impl Client {
    /// One of which nothing else is said, every default filled in.
    pub fn bare(name: &str, kind: ClientKind) -> Self {
        let mut bare = Self {
            name: name.to_owned(),
            kind,
            redirect_uris: Vec::new(),
            logout_uris: Vec::new(),
            scopes: Vec::new(),
            authentication: None,
            jwks: None,
            jwks_uri: None,
            endpoint_audience: false,
            grants: None,
            resources: Vec::new(),
            require_pushed: false,
            require_dpop: false,
            consent: None,
            algorithm: None,
            backchannel_logout_uri: None,
            access_lifetime: None,
            session_lifetime: None,
            tenant: None,
            agent: false,
            may_act: None,
            disabled: false,
        };
        bare.settle();
        bare
    }

    /// Fills in what is not said, and puts what has no order in one.
    pub fn settle(&mut self) {
        let has_keys = self.jwks.is_some() || self.jwks_uri.is_some();
        let usual = match self.kind {
            ClientKind::Public => Authentication::None,
            ClientKind::Confidential if has_keys => Authentication::PrivateKeyJwt,
            ClientKind::Confidential => Authentication::Secret,
        };
        self.authentication.get_or_insert(usual);
        self.consent.get_or_insert(match self.kind {
            ClientKind::Public => Consent::Required,
            ClientKind::Confidential => Consent::Trusted,
        });
        self.algorithm.get_or_insert_with(|| "EdDSA".to_owned());
        let grants = self
            .grants
            .get_or_insert_with(|| vec![Grant::AuthorizationCode, Grant::RefreshToken]);
        order(grants);
        self.scopes
            .retain(|scope| !STANDARD_SCOPES.contains(&scope.as_str()));
        for list in [
            &mut self.redirect_uris,
            &mut self.logout_uris,
            &mut self.scopes,
            &mut self.resources,
        ] {
            list.sort_unstable();
            list.dedup();
        }
    }

    /// Without what `declared` leaves alone.
    pub(crate) fn masked(&self, declared: &Self) -> Self {
        let mut own = self.clone();
        if declared.jwks.is_none() && declared.jwks_uri.is_none() {
            own.jwks = None;
        }
        own
    }
}

impl Machine {
    /// Fills in what is not said of the service account `id`, and puts what has no order in one.
    pub fn settle(&mut self, id: &str) {
        self.name.get_or_insert_with(|| id.to_owned());
        self.environment
            .get_or_insert_with(|| "production".to_owned());
        self.algorithm.get_or_insert_with(|| "EdDSA".to_owned());
        let vouched = !self.identities.is_empty();
        let usual = if vouched {
            Grant::JwtBearer
        } else {
            Grant::ClientCredentials
        };
        let grants = self.grants.get_or_insert_with(|| vec![usual]);
        if vouched && !grants.contains(&Grant::JwtBearer) {
            grants.push(Grant::JwtBearer);
        }
        order(grants);
        for list in [&mut self.scopes, &mut self.resources] {
            list.sort_unstable();
            list.dedup();
        }
        self.identities
            .sort_by(|a, b| (&a.issuer, &a.claims).cmp(&(&b.issuer, &b.claims)));
        self.identities.dedup();
    }

    /// What one says of itself that says no more than it must.
    pub(crate) fn usual(&self) -> Self {
        let mut usual = Self {
            name: None,
            owner: String::new(),
            purpose: String::new(),
            environment: None,
            expires_at: Moment(0),
            grants: None,
            scopes: Vec::new(),
            resources: Vec::new(),
            jwks: None,
            jwks_uri: None,
            identities: self.identities.clone(),
            require_dpop: false,
            access_lifetime: None,
            algorithm: None,
            disabled: false,
        };
        usual.settle("");
        usual.identities = Vec::new();
        usual
    }

    /// Without what `declared` leaves alone. One whose time is over is disabled by itself.
    pub(crate) fn masked(&self, declared: &Self, now: Moment) -> Self {
        let mut own = self.clone();
        if declared.jwks.is_none() && declared.jwks_uri.is_none() {
            own.jwks = None;
        }
        if own.expires_at <= now && own.expires_at == declared.expires_at {
            own.disabled = declared.disabled;
        }
        own
    }
}

impl Resource {
    /// Puts what has no order in one.
    pub fn settle(&mut self) {
        for tool in self.tools.values_mut() {
            tool.scopes.sort_unstable();
            tool.scopes.dedup();
        }
    }
}

impl State {
    /// Fills in what is not said, and puts what has no order in one: two states that mean the same are equal.
    pub fn settle(&mut self) {
        self.client.values_mut().for_each(Client::settle);
        for (id, machine) in &mut self.machine {
            machine.settle(id);
        }
        self.resource.values_mut().for_each(Resource::settle);
    }

    /// How many things it holds.
    pub fn len(&self) -> usize {
        self.client.len()
            + self.machine.len()
            + self.resource.len()
            + self.role.len()
            + self.scope.len()
            + self.keys.len()
            + usize::from(self.policy.is_some())
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Each grant once, in the order of their list.
fn order(grants: &mut Vec<Grant>) {
    let wanted = std::mem::take(grants);
    grants.extend(Grant::ALL.into_iter().filter(|one| wanted.contains(one)));
}
