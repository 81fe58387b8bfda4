//! What is on its way to becoming a session: authorization codes and pushed requests.

use sealgate_model::{
    ClientId, CodeId, PushedId, SecretHash, SessionId, SignInId, TenantId, Timestamp, UserId,
};
use serde::{Deserialize, Serialize};

/// What a grant carries beside its scopes, from the authorization request to every token of the
/// session. Kept as one JSON object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GrantDetails {
    /// The resources asked for (RFC 8707), as asked for; empty: none was named.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// The thumbprint of the key that its tokens are bound to (RFC 9449, 10).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dpop_jkt: Option<String>,
    /// The `claims` parameter (OpenID Connect Core, 5.5), already checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claims: Option<serde_json::Value>,
    /// The authentication context class that was reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// The user's tenant when the grant was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantId>,
    /// Whether the session goes on when the browser's sign-in ends: that of an AI agent which was allowed to
    /// stay connected.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub lasting: bool,
}

/// An authorization code that has been issued.
#[derive(Debug, Clone)]
pub struct Code {
    /// The code's selector.
    pub id: CodeId,
    /// The hash of the code's secret.
    pub secret_hash: SecretHash,
    /// The client it was given to.
    pub client: ClientId,
    /// The user who signed in.
    pub user: UserId,
    /// The browser sign-in it came from.
    pub sign_in: SignInId,
    /// The session it will start.
    pub session: SessionId,
    /// The redirect URI it was sent to.
    pub redirect_uri: String,
    /// The PKCE S256 challenge, as sent.
    pub challenge: String,
    /// The OpenID nonce, as sent.
    pub nonce: Option<String>,
    /// The scopes granted.
    pub scopes: Vec<String>,
    /// What else was granted with them.
    pub details: GrantDetails,
    /// When the user proved who they are.
    pub auth_time: Timestamp,
    /// The methods used.
    pub methods: Vec<String>,
    /// From when on it is refused.
    pub expires_at: Timestamp,
    /// When it was redeemed, if it was.
    pub used_at: Option<Timestamp>,
}

/// An authorization request that a client has pushed (RFC 9126), to be taken once. Its parameters are
/// not part of `Debug`.
#[derive(Clone)]
pub struct PushedRequest {
    /// The selector in its `request_uri`.
    pub id: PushedId,
    /// The hash of the secret in its `request_uri`.
    pub secret_hash: SecretHash,
    /// The client that pushed it.
    pub client: ClientId,
    /// The parameters as pushed, names and values, without those that authenticated the client.
    pub parameters: Vec<(String, String)>,
    /// What was found out at the push and holds for the grant: the proof key's thumbprint.
    pub details: GrantDetails,
    /// When it was pushed.
    pub created_at: Timestamp,
    /// From when on it is refused.
    pub expires_at: Timestamp,
}

impl std::fmt::Debug for PushedRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PushedRequest({}, {})", self.id, self.client)
    }
}
