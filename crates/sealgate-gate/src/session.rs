//! From the token endpoint's answer to the content of a session.

use std::time::Duration;

use sealgate_jose::TOKEN_LIMIT;
use sealgate_model::{SessionId, Timestamp, User};
use sealgate_session::{SessionContent, SessionParts};

use crate::common::Common;
use crate::id_token::{ClaimError, Claims, Expected};
use crate::provider::{ProviderError, Tokens};

/// What is taken for `expires_in` when the answer does not say, in seconds.
const ACCESS_LIFETIME: u32 = 300;

impl From<ClaimError> for ProviderError {
    fn from(error: ClaimError) -> Self {
        Self::Unacceptable(error.to_string())
    }
}

/// The content of a session that starts with `tokens`; `nonce` is the transaction's.
pub(crate) async fn start(
    common: &Common,
    tokens: Tokens,
    nonce: &str,
) -> Result<SessionContent, ProviderError> {
    let (claims, kid) = id_token(common, &tokens, Some(nonce)).await?;
    let now = common.now();
    let asked = common.settings().scopes.clone();
    let parts = SessionParts {
        session: claims.session()?,
        started_at: claims.issued_at(),
        renewed_at: now,
        renew_at: renew_at(common, &tokens, now),
        expires_at: expires_at(common, &tokens, now),
        authenticated_at: claims.authenticated_at(),
        user: claims.into_user(scopes(&tokens, asked)),
        refresh: tokens.refresh_token,
        key: Some(kid),
    };
    Ok(parts.into())
}

/// The content of session `old` after its renewal with `tokens`. It stays the same session of the same
/// user, and its end never moves back.
pub(crate) async fn renew(
    common: &Common,
    tokens: Tokens,
    old: &SessionContent,
) -> Result<SessionContent, ProviderError> {
    let now = common.now();
    let old_user = old.clone().into_user();
    let (session, user, key): (SessionId, User, Option<String>) = if tokens.id_token.is_some() {
        let (claims, kid) = id_token(common, &tokens, None).await?;
        // OpenID Connect Core 1.0, 12.2: the same issuer, subject and audience as before.
        if claims.subject() != old.subject() || claims.session()? != old.session() {
            return Err(ClaimError("sub or sid").into());
        }
        (
            old.session(),
            claims.into_user(scopes(&tokens, old_user.scopes)),
            Some(kid),
        )
    } else {
        let scopes = scopes(&tokens, old_user.scopes.clone());
        (
            old.session(),
            User { scopes, ..old_user },
            old.key().map(str::to_owned),
        )
    };
    let parts = SessionParts {
        session,
        started_at: old.started_at(),
        renewed_at: now,
        renew_at: renew_at(common, &tokens, now),
        expires_at: expires_at(common, &tokens, now).min(old.expires_at()),
        authenticated_at: old.authenticated_at(),
        user,
        // Without a new handle the old one stays good (RFC 6749, 6).
        refresh: tokens
            .refresh_token
            .or_else(|| old.refresh().map(str::to_owned)),
        key,
    };
    Ok(parts.into())
}

async fn id_token(
    common: &Common,
    tokens: &Tokens,
    nonce: Option<&str>,
) -> Result<(Claims, String), ProviderError> {
    let token = tokens
        .id_token
        .as_deref()
        .ok_or_else(|| ProviderError::Unacceptable("there is no ID token".to_owned()))?;
    let verified = common
        .provider()
        .verify(TOKEN_LIMIT, token, &["JWT"])
        .await?;
    let claims: Claims = verified.claims()?;
    claims.check(&Expected {
        issuer: common.settings().issuer.as_str(),
        client: common.settings().client_id.as_str(),
        nonce,
        access_token: &tokens.access_token,
        algorithm: verified.algorithm,
        now: common.now(),
    })?;
    Ok((claims, verified.kid))
}

/// The end of the access part, and no later than half the idle limit: a renewal is how use is noticed, so
/// a shorter limit needs more of them.
fn renew_at(common: &Common, tokens: &Tokens, now: Timestamp) -> Timestamp {
    let access = Duration::from_secs(u64::from(tokens.expires_in.unwrap_or(ACCESS_LIFETIME)));
    now + access.min(common.settings().idle_limit / 2)
}

/// The shorter of this application's limit and the issuer's.
fn expires_at(common: &Common, tokens: &Tokens, now: Timestamp) -> Timestamp {
    let own = common.settings().session_lifetime;
    let issuers = tokens
        .refresh_expires_in
        .map(|seconds| Duration::from_secs(u64::from(seconds)));
    now + issuers.map_or(own, |issuers| issuers.min(own))
}

/// What was granted; what was asked for when the answer does not say (RFC 6749, 5.1).
fn scopes(tokens: &Tokens, otherwise: Vec<String>) -> Vec<String> {
    match &tokens.scope {
        Some(scope) => scope.split_ascii_whitespace().map(str::to_owned).collect(),
        None => otherwise,
    }
}
