//! Clients as JSON.

use sealgate_model::{ClientId, Grant, Issuer, TenantId, Timestamp};
use sealgate_store::{Client, ClientAuthentication, ClientKind, Consent};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::super::extract::present;
use super::super::page::Limit;
use super::super::schemas::{
    AlgorithmWord, AuthenticationWord, ClientIdText, ConsentWord, GrantWord, KeySet, KindWord,
    Millis, ScopeWord, TenantIdText, UriText,
};

/// A client to register. What is absent is as for an application that signs people in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "a registration has them")]
pub struct NewClient {
    /// Its `client_id`, which is none that reads as a UUID; without it one is made from the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ClientIdText>)]
    pub id: Option<ClientId>,
    /// The name people read on the sign-in page, 1 to 100 bytes.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// Whether it can keep a secret.
    #[schema(value_type = KindWord)]
    pub kind: ClientKind,
    /// Where codes may be sent, compared exactly; at least one with the grant `authorization_code`.
    #[serde(default)]
    #[schema(value_type = Vec<UriText>, max_items = 32)]
    pub redirect_uris: Vec<String>,
    /// Where a browser may be sent after logout, compared exactly.
    #[serde(default)]
    #[schema(value_type = Vec<UriText>, max_items = 32)]
    pub logout_uris: Vec<String>,
    /// The scopes it may ask for beside `openid`, `profile`, `email` and `offline_access`.
    #[serde(default)]
    #[schema(value_type = Vec<ScopeWord>, max_items = 32)]
    pub scopes: Vec<String>,
    /// How it proves who it is. Absent: a public client not at all, one with keys by them, another by
    /// its secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<AuthenticationWord>)]
    pub authentication: Option<ClientAuthentication>,
    /// Its public keys. Not together with `jwks_uri`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<KeySet>)]
    pub jwks: Option<Value>,
    /// Where its public keys are: an https URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<UriText>)]
    pub jwks_uri: Option<String>,
    /// Whether its assertions may name an endpoint's URL as audience instead of the issuer: an older
    /// habit, open to being played back by another server.
    #[serde(default)]
    pub endpoint_audience: bool,
    /// The grants it may use. Absent: `authorization_code` and `refresh_token`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<GrantWord>>, max_items = 6)]
    pub grants: Option<Vec<Grant>>,
    /// The resources it may ask tokens for: registered ones, or `<issuer>/api/v1` to administer.
    #[serde(default)]
    #[schema(value_type = Vec<UriText>, max_items = 32)]
    pub resources: Vec<String>,
    /// Whether it must push its authorization requests (RFC 9126).
    #[serde(default)]
    pub require_pushed: bool,
    /// Whether its tokens must be bound to a key (RFC 9449).
    #[serde(default)]
    pub require_dpop: bool,
    /// Whether users are asked. Absent: those of a public client are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ConsentWord>)]
    pub consent: Option<Consent>,
    /// The algorithm that signs its tokens. Absent: `EdDSA`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<AlgorithmWord>)]
    pub algorithm: Option<String>,
    /// Where it wants to hear of sessions that ended (OpenID Connect Back-Channel Logout 1.0): an https
    /// URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<UriText>)]
    pub backchannel_logout_uri: Option<String>,
    /// How long its access tokens live, in seconds. Absent: as long as everybody's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 60, maximum = 3600)]
    pub access_lifetime: Option<u32>,
    /// How long its users' sessions last at the most, in seconds. Absent: as long as everybody's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 300, maximum = 7_776_000)]
    pub session_lifetime: Option<u32>,
    /// The tenant whose users alone may sign in to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<TenantIdText>)]
    pub tenant: Option<TenantId>,
    /// Whether it is an AI agent: its tokens say so, and so does the page that asks for consent.
    #[serde(default)]
    pub agent: bool,
    /// The client that alone may exchange tokens of its users, itself or another one (`may_act`, RFC 8693).
    /// Absent: those that serve what a token is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ClientIdText>)]
    pub may_act: Option<ClientId>,
}

impl NewClient {
    /// A client of which nothing else is said.
    pub fn named(id: Option<ClientId>, name: String, kind: ClientKind) -> Self {
        Self {
            id,
            name,
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
        }
    }
}

/// What to change about a client. What is absent stays; `null` takes away what there need not be. Its
/// kind cannot be changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientPatch {
    /// The name people read on the sign-in page, 1 to 100 bytes.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 100)]
    pub name: Option<String>,
    /// All redirect URIs from now on.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Vec<UriText>, required = false, max_items = 32)]
    pub redirect_uris: Option<Vec<String>>,
    /// All logout URIs from now on.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Vec<UriText>, required = false, max_items = 32)]
    pub logout_uris: Option<Vec<String>>,
    /// All scopes from now on, beside `openid`, `profile`, `email` and `offline_access`.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Vec<ScopeWord>, required = false, max_items = 32)]
    pub scopes: Option<Vec<String>>,
    /// How it proves who it is. One that begins to by a secret needs a new one.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = AuthenticationWord, required = false)]
    pub authentication: Option<ClientAuthentication>,
    /// Its public keys.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<KeySet>)]
    pub jwks: Option<Option<Value>>,
    /// Where its public keys are.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<UriText>)]
    pub jwks_uri: Option<Option<String>>,
    /// Whether its assertions may name an endpoint's URL as audience.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = bool, required = false)]
    pub endpoint_audience: Option<bool>,
    /// All grants from now on.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Vec<GrantWord>, required = false, max_items = 6)]
    pub grants: Option<Vec<Grant>>,
    /// All resources from now on.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Vec<UriText>, required = false, max_items = 32)]
    pub resources: Option<Vec<String>>,
    /// Whether it must push its authorization requests.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = bool, required = false)]
    pub require_pushed: Option<bool>,
    /// Whether its tokens must be bound to a key.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = bool, required = false)]
    pub require_dpop: Option<bool>,
    /// Whether users are asked.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = ConsentWord, required = false)]
    pub consent: Option<Consent>,
    /// The algorithm that signs its tokens.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = AlgorithmWord, required = false)]
    pub algorithm: Option<String>,
    /// Where it wants to hear of sessions that ended.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<UriText>)]
    pub backchannel_logout_uri: Option<Option<String>>,
    /// How long its access tokens live, in seconds.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<u32>, minimum = 60, maximum = 3600)]
    pub access_lifetime: Option<Option<u32>>,
    /// How long its users' sessions last at the most, in seconds; also those that there are.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<u32>, minimum = 300, maximum = 7_776_000)]
    pub session_lifetime: Option<Option<u32>>,
    /// The tenant whose users alone may sign in to it.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<TenantIdText>)]
    pub tenant: Option<Option<TenantId>>,
    /// Whether it is an AI agent.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = bool, required = false)]
    pub agent: Option<bool>,
    /// The client that alone may exchange tokens of its users.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<ClientIdText>)]
    pub may_act: Option<Option<ClientId>>,
}

/// A client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[expect(clippy::struct_excessive_bools, reason = "a registration has them")]
pub struct ClientView {
    /// `client_id`.
    #[schema(value_type = ClientIdText)]
    pub id: ClientId,
    /// The name people read on the sign-in page.
    pub name: String,
    /// Whether it can keep a secret.
    #[schema(value_type = KindWord)]
    pub kind: ClientKind,
    /// Where codes may be sent.
    pub redirect_uris: Vec<String>,
    /// Where a browser may be sent after logout.
    pub logout_uris: Vec<String>,
    /// The scopes it may ask for.
    #[schema(value_type = Vec<ScopeWord>)]
    pub scopes: Vec<String>,
    /// How it proves who it is.
    #[schema(value_type = AuthenticationWord)]
    pub authentication: ClientAuthentication,
    /// Its public keys.
    #[schema(value_type = Option<KeySet>)]
    pub jwks: Option<Value>,
    /// Where its public keys are.
    pub jwks_uri: Option<String>,
    /// Whether its assertions may name an endpoint's URL as audience.
    pub endpoint_audience: bool,
    /// The grants it may use.
    #[schema(value_type = Vec<GrantWord>)]
    pub grants: Vec<Grant>,
    /// The resources it may ask tokens for.
    pub resources: Vec<String>,
    /// Whether it must push its authorization requests.
    pub require_pushed: bool,
    /// Whether its tokens must be bound to a key.
    pub require_dpop: bool,
    /// Whether users are asked.
    #[schema(value_type = ConsentWord)]
    pub consent: Consent,
    /// The algorithm that signs its tokens.
    #[schema(value_type = AlgorithmWord)]
    pub algorithm: String,
    /// Where it wants to hear of sessions that ended.
    pub backchannel_logout_uri: Option<String>,
    /// How long its access tokens live, in seconds; none: as long as everybody's.
    pub access_lifetime: Option<u32>,
    /// How long its users' sessions last at the most, in seconds; none: as long as everybody's.
    pub session_lifetime: Option<u32>,
    /// The tenant whose users alone may sign in to it.
    #[schema(value_type = Option<TenantIdText>)]
    pub tenant: Option<TenantId>,
    /// Whether it is an AI agent.
    pub agent: bool,
    /// The client that alone may exchange tokens of its users; none: those that serve what a token is for.
    #[schema(value_type = Option<ClientIdText>)]
    pub may_act: Option<ClientId>,
    /// When it was registered.
    #[schema(value_type = Millis)]
    pub created_at: Timestamp,
    /// When it was disabled, if it is: it gets nothing.
    #[schema(value_type = Option<Millis>)]
    pub disabled_at: Option<Timestamp>,
}

impl From<Client> for ClientView {
    fn from(row: Client) -> Self {
        let details = row.details;
        Self {
            id: row.id,
            name: row.name,
            kind: row.kind,
            redirect_uris: row.redirect_uris,
            logout_uris: row.logout_uris,
            scopes: row.scopes,
            authentication: details.authentication,
            jwks: details.jwks,
            jwks_uri: details.jwks_uri,
            endpoint_audience: details.endpoint_audience,
            grants: details.grants,
            resources: details.resources,
            require_pushed: details.require_pushed,
            require_dpop: details.require_dpop,
            consent: details.consent,
            algorithm: details.algorithm,
            backchannel_logout_uri: details.backchannel_logout_uri,
            access_lifetime: details.access_lifetime,
            session_lifetime: details.session_lifetime,
            tenant: details.tenant,
            agent: details.agent,
            may_act: details.may_act,
            created_at: row.created_at,
            disabled_at: row.disabled_at,
        }
    }
}

/// A client with the secret that was made for it. The secret is told here and never again.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CreatedClient {
    /// The client.
    pub client: ClientView,
    /// Its secret; none where it does not prove itself by one.
    pub secret: Option<String>,
    /// The issuer, which the client has to be told.
    #[schema(value_type = String)]
    pub issuer: Issuer,
}

impl std::fmt::Debug for CreatedClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CreatedClient({})", self.client.id)
    }
}

/// Which clients to list.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListClients {
    /// Only those after this one: the `next` of the answer before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = ClientIdText, required = false)]
    pub after: Option<ClientId>,
    /// How many at most.
    #[serde(default)]
    #[param(required = false)]
    pub limit: Limit,
}

/// Clients, by id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Clients {
    /// At most `limit` clients.
    pub clients: Vec<ClientView>,
    /// What to give as `after` for more; none at the end.
    #[schema(value_type = Option<ClientIdText>)]
    pub next: Option<ClientId>,
}
