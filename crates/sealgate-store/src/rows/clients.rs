//! OAuth clients, the resources they ask tokens for, and what users granted them.

use sealgate_model::{ClientId, Grant, SecretHash, TenantId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

/// Whether a client can keep a secret (RFC 6749, 2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientKind {
    /// Has a secret or a key.
    Confidential,
    /// Has neither.
    Public,
}

impl ClientKind {
    /// Every value.
    pub const ALL: [Self; 2] = [Self::Confidential, Self::Public];

    /// The word for it in stored rows, JSON and output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Confidential => "confidential",
            Self::Public => "public",
        }
    }
}

/// How a client proves who it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuthentication {
    /// By its secret, in the header or in the form (RFC 6749, 2.3.1).
    #[default]
    Secret,
    /// By an assertion signed with its key (RFC 7523).
    PrivateKeyJwt,
    /// Not at all: a public client.
    None,
}

impl ClientAuthentication {
    /// Every value.
    pub const ALL: [Self; 3] = [Self::Secret, Self::PrivateKeyJwt, Self::None];

    /// The word for it in stored rows, JSON and output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::None => "none",
        }
    }
}

/// Whether a user is asked before a client is granted anything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consent {
    /// The administrator has agreed for everybody.
    #[default]
    Trusted,
    /// The user is asked once for each scope and resource.
    Required,
}

/// Where a client's registration comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientOrigin {
    /// An administrator registered it.
    #[default]
    Registered,
    /// Its id is the address of a document with its metadata, which it publishes itself (Client ID
    /// Metadata Documents).
    Document,
    /// It registered itself (RFC 7591).
    Dynamic,
}

impl ClientOrigin {
    /// Every value.
    pub const ALL: [Self; 3] = [Self::Registered, Self::Document, Self::Dynamic];

    /// The word for it in stored rows, JSON and output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Document => "document",
            Self::Dynamic => "dynamic",
        }
    }

    /// Whether nobody but the client itself stands behind what is registered.
    pub const fn is_its_own(self) -> bool {
        !matches!(self, Self::Registered)
    }
}

/// What is on record of a service account beside its registration as a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MachineProfile {
    /// Who answers for it: a person or a team, as they are reached.
    pub owner: String,
    /// What it is for.
    pub purpose: String,
    /// Where it runs: `production`, `staging`.
    pub environment: String,
    /// From when on it gets nothing any more.
    pub expires_at: Timestamp,
    /// The identities of other issuers that are this machine; any one of them is enough.
    #[serde(default)]
    pub identities: Vec<MachineIdentity>,
}

/// Whom of another issuer's workloads a machine is: all claims have to fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MachineIdentity {
    /// The issuer, registered as one that is trusted; compared byte for byte.
    pub issuer: String,
    /// For each claim, by its name or by a JSON pointer, the value it must have. `*` at the end stands for
    /// any rest.
    pub claims: std::collections::BTreeMap<String, String>,
}

/// What a client says of itself that an administrator did not write down.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OwnWords {
    /// Its home page.
    pub client_uri: Option<String>,
    /// Its terms of service.
    pub tos_uri: Option<String>,
    /// What it does with data.
    pub policy_uri: Option<String>,
    /// When its document was fetched, or it registered itself.
    pub read_at: Option<Timestamp>,
    /// Until when its document need not be fetched again, or it is kept without being used.
    pub fresh_until: Option<Timestamp>,
    /// The SHA-256 of what was registered, in hexadecimal: the same again is the same client.
    pub digest: Option<String>,
}

/// How a client is registered beside its name, addresses and scopes. Kept as one JSON object. The
/// defaults are those of a confidential client that signs users in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "a registration has them")]
pub struct ClientDetails {
    /// How it proves who it is.
    pub authentication: ClientAuthentication,
    /// Its public keys, as a JWK set.
    pub jwks: Option<serde_json::Value>,
    /// Where its public keys are.
    pub jwks_uri: Option<String>,
    /// Whether its assertions may name an endpoint's URL as audience instead of the issuer: an older
    /// habit, open to being played back by another server.
    pub endpoint_audience: bool,
    /// The grants it may use.
    pub grants: Vec<Grant>,
    /// The resources it may ask tokens for.
    pub resources: Vec<String>,
    /// Whether it must push its authorization requests (RFC 9126).
    pub require_pushed: bool,
    /// Whether its tokens must be bound to a key (RFC 9449).
    pub require_dpop: bool,
    /// Whether users are asked.
    pub consent: Consent,
    /// The JWA name of the algorithm that signs its tokens.
    pub algorithm: String,
    /// Where it wants to hear of sessions that ended.
    pub backchannel_logout_uri: Option<String>,
    /// How long its access tokens live, in seconds; none: as long as everybody's.
    pub access_lifetime: Option<u32>,
    /// The tenant whose users alone may sign in to it.
    pub tenant: Option<TenantId>,
    /// Whether it is an AI agent: its tokens say so, and so does the page that asks for consent.
    pub agent: bool,
    /// Where its registration comes from.
    pub origin: ClientOrigin,
    /// What a client that was not registered by an administrator says of itself.
    pub own_words: OwnWords,
    /// Set for service accounts.
    pub machine: Option<MachineProfile>,
    /// The client that alone may exchange tokens of this one's users (`may_act`, RFC 8693, 4.4); none: those
    /// that serve what the token is for.
    pub may_act: Option<ClientId>,
    /// How long its users' sessions last, in seconds; none: as long as everybody's.
    pub session_lifetime: Option<u32>,
}

impl Default for ClientDetails {
    fn default() -> Self {
        Self {
            authentication: ClientAuthentication::Secret,
            jwks: None,
            jwks_uri: None,
            endpoint_audience: false,
            grants: vec![Grant::AuthorizationCode, Grant::RefreshToken],
            resources: Vec::new(),
            require_pushed: false,
            require_dpop: false,
            consent: Consent::Trusted,
            algorithm: "EdDSA".to_owned(),
            backchannel_logout_uri: None,
            access_lifetime: None,
            tenant: None,
            agent: false,
            origin: ClientOrigin::Registered,
            own_words: OwnWords::default(),
            machine: None,
            may_act: None,
            session_lifetime: None,
        }
    }
}

impl ClientDetails {
    /// What an administrator's client of this kind has unless more is said: whoever may act as a public
    /// client is not known, so its users are asked.
    pub fn for_kind(kind: ClientKind) -> Self {
        match kind {
            ClientKind::Confidential => Self::default(),
            ClientKind::Public => Self {
                authentication: ClientAuthentication::None,
                consent: Consent::Required,
                ..Self::default()
            },
        }
    }
}

/// An OAuth client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Client {
    /// `client_id`.
    pub id: ClientId,
    /// The name people read on the sign-in page.
    pub name: String,
    /// Whether it has a secret or a key.
    pub kind: ClientKind,
    /// The hash of its secret, if it has one.
    #[serde(skip)]
    pub secret_hash: Option<SecretHash>,
    /// Where codes may be sent, compared exactly.
    pub redirect_uris: Vec<String>,
    /// Where a browser may be sent after logout, compared exactly.
    pub logout_uris: Vec<String>,
    /// The scopes it may ask for.
    pub scopes: Vec<String>,
    /// How else it is registered.
    pub details: ClientDetails,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was disabled, if it is: it then gets nothing.
    pub disabled_at: Option<Timestamp>,
}

impl Client {
    /// When it gets nothing any more, if it is a service account.
    pub fn ends_at(&self) -> Option<Timestamp> {
        let machine = self.details.machine.as_ref();
        machine.map(|machine| machine.expires_at)
    }

    /// Whether it gets anything at `now`: it is not disabled and, if it is a service account, has not expired.
    pub fn is_usable(&self, now: Timestamp) -> bool {
        self.disabled_at.is_none() && self.ends_at().is_none_or(|end| now < end)
    }
}

/// A scope in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScopeText {
    /// The scope.
    pub name: String,
    /// What it allows, as users read it on the consent page.
    pub description: String,
}

/// What an AI agent can call at a resource, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolText {
    /// Its name, as the protocol has it.
    pub name: String,
    /// What it does, as users read it on the consent page.
    pub description: String,
    /// The scopes that it takes, all of them.
    pub scopes: Vec<String>,
}

/// What tokens can be for (RFC 8707): an API with its own scopes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Resource {
    /// Its identifier: an absolute URI without fragment, compared exactly.
    pub uri: String,
    /// The name people read on the consent page.
    pub name: String,
    /// The client that serves it, and so may introspect its tokens.
    pub client: Option<ClientId>,
    /// Its scopes.
    pub scopes: Vec<ScopeText>,
    /// Whether tokens for it have a place in a status list, for verifiers that follow no feed.
    pub status_list: bool,
    /// Whether clients that no administrator registered may ask their users for it.
    pub agents: bool,
    /// What can be called there, where it is a server of tools.
    pub tools: Vec<ToolText>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Scopes and the resources they were granted for, each sorted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantedTogether {
    /// The scopes.
    pub scopes: Vec<String>,
    /// The resources; none: the issuer's own endpoints.
    pub resources: Vec<String>,
}

impl GrantedTogether {
    /// Whether this covers all that is asked for.
    pub fn covers(&self, scopes: &[String], resources: &[String]) -> bool {
        let all = |known: &[String], asked: &[String]| asked.iter().all(|one| known.contains(one));
        // What was granted for some resource was not granted for the issuer.
        let same_kind = self.resources.is_empty() == resources.is_empty();
        same_kind && all(&self.scopes, scopes) && all(&self.resources, resources)
    }
}

/// What a user has granted a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConsentRow {
    /// Who.
    pub user: UserId,
    /// To whom.
    pub client: ClientId,
    /// The scopes, sorted.
    pub scopes: Vec<String>,
    /// The resources, sorted.
    pub resources: Vec<String>,
    /// What was granted together: the scopes and resources of each question that was answered with yes.
    /// A scope for one resource is not that scope for another.
    #[serde(skip)]
    pub grants: Vec<GrantedTogether>,
    /// When it was last granted or added to.
    pub granted_at: Timestamp,
}
