//! The claims of an access token (RFC 9068, 2.2), in exactly their types.

use std::time::Duration;

use sealgate_jose::Verified;
use sealgate_model::{SessionId, TenantId, Timestamp};
use sealgate_oauth::Scopes;
use sealgate_revocation::Credential;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use super::actor::{TokenActor, TokenCaller, TokenUser};
use super::denial::TokenRefusal;
use crate::audience::Audience;

/// The longest `sub` (OpenID Connect Core 1.0, 2), `client_id` or `jti`, in bytes.
const TEXT_LIMIT: usize = 255;
/// The most roles of one user.
const ROLES_LIMIT: usize = 256;

/// A member that is there has its type: `null` is none.
#[derive(Deserialize)]
struct Raw {
    iss: String,
    sub: String,
    aud: Audience,
    exp: i64,
    iat: i64,
    jti: String,
    client_id: String,
    #[serde(default, deserialize_with = "present")]
    nbf: Option<i64>,
    #[serde(default, deserialize_with = "present")]
    scope: Option<String>,
    #[serde(default, deserialize_with = "present")]
    sid: Option<String>,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default, deserialize_with = "present")]
    tenant: Option<TenantId>,
    #[serde(default, deserialize_with = "present")]
    acr: Option<String>,
    #[serde(default, deserialize_with = "present")]
    auth_time: Option<i64>,
    #[serde(default, deserialize_with = "present")]
    cnf: Option<Confirmation>,
    /// Somebody acts for the subject (RFC 8693, 4.1).
    #[serde(default, deserialize_with = "present")]
    act: Option<IgnoredAny>,
}

/// What the token is bound to (RFC 7800). Another way than a key's thumbprint cannot be checked here, and
/// what cannot be checked is refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Confirmation {
    jkt: String,
}

fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// What the claims must agree with.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) audience: &'a str,
    pub(super) leeway: Duration,
    pub(super) now: Timestamp,
}

/// Claims that are each as they must be; [`Self::check`] holds them against this resource.
pub(super) struct Claims {
    raw: Raw,
    scopes: Vec<String>,
    sid: Option<SessionId>,
}

impl Claims {
    /// Reads the claims of a verified token. The error is for the log and holds no value of the token.
    pub(super) fn read(verified: &Verified) -> Result<Self, &'static str> {
        let raw: Raw = verified
            .claims()
            .map_err(|_| "a claim is missing or not of its type")?;
        for text in [&raw.sub, &raw.client_id, &raw.jti] {
            if !(1..=TEXT_LIMIT).contains(&text.len()) || text.contains(char::is_control) {
                return Err("sub, client_id or jti is not 1 to 255 bytes of text");
            }
        }
        if raw.roles.len() > ROLES_LIMIT {
            return Err("there are more roles than are looked at");
        }
        let scopes = match raw.scope.as_deref() {
            None | Some("") => Vec::new(),
            Some(text) => {
                let scopes: Scopes = text.parse().map_err(|_| "scope is malformed")?;
                scopes.as_slice().to_vec()
            }
        };
        // The subject of a token that a client got for itself is the client (RFC 9068, 2.2): it has no
        // session and never signed in.
        if raw.sub == raw.client_id && (raw.sid.is_some() || raw.auth_time.is_some()) {
            return Err("the client itself has a session");
        }
        let sid = match raw.sid.as_deref() {
            Some("") => return Err("sid is empty"),
            sid => sid.map(crate::audience::session_id),
        };
        Ok(Self { raw, scopes, sid })
    }

    pub(super) fn check(&self, expected: &Expected<'_>) -> Result<(), TokenRefusal> {
        let raw = &self.raw;
        let at = Timestamp::from_seconds;
        if raw.iss != expected.issuer {
            return Err(TokenRefusal::TokenIssuer);
        }
        if !raw
            .aud
            .as_slice()
            .iter()
            .any(|aud| aud == expected.audience)
        {
            return Err(TokenRefusal::TokenAudience);
        }
        let latest = expected.now + expected.leeway;
        if at(raw.iat) > latest || raw.nbf.is_some_and(|nbf| at(nbf) > latest) {
            return Err(TokenRefusal::TokenEarly);
        }
        if at(raw.exp) + expected.leeway <= expected.now {
            return Err(TokenRefusal::TokenExpired);
        }
        // A token with which an agent acts for a user is neither the user's nor a machine's.
        if raw.act.is_some() {
            return Err(TokenRefusal::ActorWrong);
        }
        Ok(())
    }

    /// The thumbprint of the key that the token is bound to.
    pub(super) fn bound_to(&self) -> Option<&str> {
        self.raw.cnf.as_ref().map(|cnf| cnf.jkt.as_str())
    }

    /// The token as revocations know it, signed by key `kid`.
    pub(super) fn credential<'a>(&'a self, kid: &'a str) -> Credential<'a> {
        Credential {
            session: self.sid,
            subject: (!self.is_machine()).then_some(self.raw.sub.as_str()),
            client: &self.raw.client_id,
            key: Some(kid).filter(|kid| !kid.is_empty()),
            token: Some(&self.raw.jti),
            started_at: Timestamp::from_seconds(self.raw.iat),
        }
    }

    pub(super) fn into_actor(self) -> TokenActor {
        let is_machine = self.is_machine();
        let raw = self.raw;
        TokenActor {
            caller: if is_machine {
                TokenCaller::Machine
            } else {
                TokenCaller::User(TokenUser {
                    sub: raw.sub,
                    sid: self.sid,
                    roles: raw.roles,
                    tenant: raw.tenant,
                    acr: raw.acr,
                    auth_time: raw.auth_time.map(Timestamp::from_seconds),
                })
            },
            client: raw.client_id,
            scopes: self.scopes,
            jti: raw.jti,
            issued_at: Timestamp::from_seconds(raw.iat),
            expires_at: Timestamp::from_seconds(raw.exp),
            bound_to: raw.cnf.map(|cnf| cnf.jkt),
            fresh_nonce: None,
        }
    }

    fn is_machine(&self) -> bool {
        self.raw.sub == self.raw.client_id
    }
}
