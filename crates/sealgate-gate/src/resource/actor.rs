//! Who stands behind an access token.

use sealgate_model::{ActorKind, SessionId, TenantId, Timestamp};

/// Who makes a request, as their access token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenActor {
    /// A user or a machine; never both.
    pub caller: TokenCaller,
    /// The client that the token was given to.
    pub client: String,
    /// What the token may be used for.
    pub scopes: Vec<String>,
    /// The token's own id.
    pub jti: String,
    /// When the token was issued, in whole seconds.
    pub issued_at: Timestamp,
    /// From when on the token is worth nothing.
    pub expires_at: Timestamp,
    /// The thumbprint of the key that the caller has proven to hold, when the token is bound to one.
    pub bound_to: Option<String>,
    pub(super) fresh_nonce: Option<String>,
}

/// The kinds of caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenCaller {
    /// A human, through the client.
    User(TokenUser),
    /// The client itself.
    Machine,
}

/// A human, as their access token describes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenUser {
    /// The issuer's stable id for the user.
    pub sub: String,
    /// The session that the token belongs to; another issuer's is a hash of its own.
    pub sid: Option<SessionId>,
    /// The roles the issuer says the user has.
    pub roles: Vec<String>,
    /// The organisation the user belongs to.
    pub tenant: Option<TenantId>,
    /// How the user proved who they are (OpenID Connect Core 1.0, 2).
    pub acr: Option<String>,
    /// When the user last did.
    pub auth_time: Option<Timestamp>,
}

impl TokenActor {
    /// What kind of actor it is.
    pub const fn kind(&self) -> ActorKind {
        match self.caller {
            TokenCaller::User(_) => ActorKind::User,
            TokenCaller::Machine => ActorKind::Machine,
        }
    }

    /// The user, if it is one.
    pub const fn user(&self) -> Option<&TokenUser> {
        match &self.caller {
            TokenCaller::User(user) => Some(user),
            TokenCaller::Machine => None,
        }
    }

    /// Whether the token has `scope`.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|granted| granted == scope)
    }

    /// A newer nonce than the one that the caller's proof carried, to be sent along as `DPoP-Nonce`
    /// (RFC 9449, 8.2).
    pub fn fresh_nonce(&self) -> Option<&str> {
        self.fresh_nonce.as_deref()
    }
}
