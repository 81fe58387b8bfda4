//! The tokens: what they claim and how they are answered.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sealgate_jose::Algorithm;
use sealgate_model::{ClientId, Secret, SessionId, Timestamp, UserId};
use sealgate_oauth::OAuthError;
use sealgate_store::{Session, UserRow};
use serde::{Deserialize, Serialize};

use super::refusal::faulty;
use crate::ControlPlane;

/// The type of access tokens (RFC 9068, 2.1).
pub(super) const ACCESS_TYPE: &str = "at+jwt";
/// The type of ID tokens.
pub(super) const ID_TYPE: &str = "JWT";

/// The claims of an access token (RFC 9068, 2.2). Read back with exactly these types.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct AccessClaims {
    pub(super) iss: String,
    pub(super) sub: UserId,
    /// The issuer itself: the resource is its own endpoints.
    pub(super) aud: String,
    pub(super) exp: i64,
    pub(super) iat: i64,
    pub(super) jti: String,
    pub(super) client_id: ClientId,
    pub(super) scope: String,
    pub(super) auth_time: i64,
    pub(super) sid: SessionId,
    pub(super) roles: Vec<String>,
}

/// The claims of an ID token (OpenID Connect Core, 2).
#[derive(Serialize)]
struct IdClaims<'a> {
    iss: &'a str,
    sub: UserId,
    aud: &'a ClientId,
    exp: i64,
    iat: i64,
    auth_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    at_hash: String,
    sid: SessionId,
    amr: &'a [String],
    #[serde(flatten)]
    user: UserClaims<'a>,
}

/// What is said of a user, by scope (OpenID Connect Core, 5.4); roles always.
#[derive(Serialize)]
pub(super) struct UserClaims<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email_verified: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    roles: &'a [String],
}

impl<'a> UserClaims<'a> {
    /// What `scopes` let be said of `user`.
    pub(super) fn of(user: &'a UserRow, granted: impl Fn(&str) -> bool) -> Self {
        let email = granted("email").then_some(user.email.as_str());
        // An administrator vouches for every address: accounts are made by invitation.
        let email_verified = email.map(|_| true);
        let name = Some(user.name.as_str()).filter(|name| granted("profile") && !name.is_empty());
        Self {
            email,
            email_verified,
            name,
            roles: &user.roles,
        }
    }
}

/// The answer of the token endpoint (RFC 6749, 5.1). It holds secrets: not `Debug`.
#[derive(Serialize)]
pub(super) struct TokenAnswer {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
    scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    /// Seconds until the session can no longer be renewed.
    refresh_expires_in: u64,
}

/// What tokens are to be issued for.
pub(super) struct Issue<'a> {
    pub(super) session: &'a Session,
    pub(super) user: &'a UserRow,
    /// The scopes of this access token: the session's, or fewer.
    pub(super) scopes: &'a [String],
    /// Only for the first ID token of a session (OpenID Connect Core, 12.2).
    pub(super) nonce: Option<&'a str>,
    pub(super) refresh: Option<&'a Secret>,
    pub(super) now: Timestamp,
}

impl Issue<'_> {
    /// Signs the tokens. Nothing outlives the session.
    pub(super) fn sign(&self, plane: &ControlPlane) -> Result<TokenAnswer, OAuthError> {
        let (session, now) = (self.session, self.now);
        let expires_at = (now + plane.lifetimes.access).min(session.expires_at);
        let granted = |scope: &str| self.scopes.iter().any(|known| known == scope);
        let scope = self.scopes.join(" ");
        let access = AccessClaims {
            iss: plane.issuer.as_str().to_owned(),
            sub: self.user.id,
            aud: plane.issuer.as_str().to_owned(),
            exp: expires_at.as_seconds(),
            iat: now.as_seconds(),
            jti: URL_SAFE_NO_PAD.encode(plane.random.bytes::<16>()),
            client_id: session.client.clone(),
            scope: scope.clone(),
            auth_time: session.auth_time.as_seconds(),
            sid: session.id,
            roles: self.user.roles.clone(),
        };
        let access_token = plane.keys.sign(ACCESS_TYPE, &access).map_err(faulty)?;
        let id_token = granted("openid").then(|| {
            let claims = IdClaims {
                iss: plane.issuer.as_str(),
                sub: self.user.id,
                aud: &session.client,
                exp: access.exp,
                iat: access.iat,
                auth_time: access.auth_time,
                nonce: self.nonce,
                at_hash: Algorithm::Ed25519.half_hash(&access_token),
                sid: session.id,
                amr: &session.methods,
                user: UserClaims::of(self.user, granted),
            };
            plane.keys.sign(ID_TYPE, &claims).map_err(faulty)
        });
        let id_token = id_token.transpose()?;
        Ok(TokenAnswer {
            access_token,
            token_type: "Bearer",
            expires_in: seconds(expires_at.since(now)),
            scope,
            id_token,
            refresh_token: self.refresh.map(|secret| secret.expose().to_owned()),
            refresh_expires_in: seconds(session.expires_at.since(now)),
        })
    }
}

fn seconds(span: Duration) -> u64 {
    span.as_secs()
}
