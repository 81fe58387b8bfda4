//! From the token endpoint's answer to the content of a session.

use std::time::Duration;

use sealgate_model::{ClaimValues, SessionId, Timestamp, User};
use sealgate_session::{SessionContent, SessionParts};

use crate::common::Common;
use crate::id_token::{ClaimError, Claims, Expected};
use crate::policy;
use crate::provider::{ProviderError, Tokens};

/// What is taken for `expires_in` when the answer does not say, in seconds.
const ACCESS_LIFETIME: u32 = 300;

/// Without a feed nothing is heard of a revocation before the next renewal: it is no further off than this.
const UNHEARD: Duration = Duration::from_secs(300);

/// Why a session is not renewed whose user belongs to another organisation now.
pub(crate) const TENANT_CHANGED: &str = "tenant_changed";

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
    let (claims, kid, kept) = id_token(common, &tokens, Some(nonce)).await?;
    let now = common.now();
    let asked = common.settings().scopes.clone();
    let expires_at = expires_at(common, &tokens, Some(&claims), now);
    let parts = SessionParts {
        session: match claims.session()? {
            Some(session) => session,
            None if common.provider().preset().id_tokens.names_session => {
                return Err(ClaimError("sid").into());
            }
            None => SessionId::from_bytes(common.random().bytes()),
        },
        started_at: claims.issued_at(),
        renewed_at: now,
        renew_at: renew_at(
            common,
            &tokens,
            tokens.refresh_token.is_some(),
            expires_at,
            now,
        ),
        expires_at,
        authenticated_at: claims.authenticated_at(),
        told_at: claims.issued_at(),
        user: claims.into_user(scopes(&tokens, asked)),
        refresh: tokens.refresh_token,
        key: kid,
        claims: kept,
    };
    Ok(parts.into())
}

/// The content of session `old` after its renewal with `tokens`. It stays the same session of the same
/// user, and its end never moves back. What the issuer tells is so after `changed_at`, the last change that was
/// known before it was asked, also where its time in whole seconds says less.
pub(crate) async fn renew(
    common: &Common,
    tokens: Tokens,
    old: &SessionContent,
    changed_at: Option<Timestamp>,
) -> Result<SessionContent, ProviderError> {
    let now = common.now();
    let old_user = old.clone().into_user();
    let old_scopes = old_user.scopes.clone();
    let (user, key, told_at, kept) = if tokens.id_token.is_some() {
        let (claims, kid, kept) = id_token(common, &tokens, None).await?;
        // OpenID Connect Core 1.0, 12.2: the same issuer, subject and audience as before. Of sessions it
        // says nothing, and other issuers may name them anew.
        let names_session = common.provider().preset().id_tokens.names_session;
        if claims.subject() != old.subject()
            || names_session && claims.session()? != Some(old.session())
        {
            return Err(ClaimError("sub or sid").into());
        }
        let after = changed_at.map(|changed_at| changed_at + Duration::from_millis(1));
        let told_at = after.map_or(claims.issued_at(), |after| after.max(claims.issued_at()));
        let new = claims.into_user(scopes(&tokens, old_scopes));
        (same_user(new, &old_user)?, kid, told_at, kept)
    } else {
        let scopes = scopes(&tokens, old_scopes);
        let user = User { scopes, ..old_user };
        let (key, kept) = (old.key().map(str::to_owned), old.claims().to_vec());
        (user, key, old.told_at(), kept)
    };
    // Without a new handle the old one stays good (RFC 6749, 6).
    let refresh = tokens.refresh_token.clone();
    let refresh = refresh.or_else(|| old.refresh().map(str::to_owned));
    let expires_at = expires_at(common, &tokens, None, now).min(old.expires_at());
    let parts = SessionParts {
        session: old.session(),
        started_at: old.started_at(),
        renewed_at: now,
        renew_at: renew_at(common, &tokens, refresh.is_some(), expires_at, now),
        expires_at,
        authenticated_at: old.authenticated_at(),
        told_at,
        user,
        refresh,
        key,
        claims: kept,
    };
    Ok(parts.into())
}

/// The user as the renewal tells of them. What it says nothing of stays: not every issuer repeats it. And
/// nobody changes the organisation in the middle of a session, where the application may be half way
/// through something: they sign in again, and know.
fn same_user(new: User, old: &User) -> Result<User, ProviderError> {
    if old.tenant.is_some() && new.tenant.is_some() && new.tenant != old.tenant {
        return Err(ProviderError::Refused(TENANT_CHANGED.to_owned()));
    }
    Ok(User {
        tenant: new.tenant.or_else(|| old.tenant.clone()),
        acr: new.acr.or_else(|| old.acr.clone()),
        ..new
    })
}

/// What is kept of an ID token's claims for the mapping.
type Kept = Vec<(String, ClaimValues)>;

async fn id_token(
    common: &Common,
    tokens: &Tokens,
    nonce: Option<&str>,
) -> Result<(Claims, Option<String>, Kept), ProviderError> {
    let token = tokens
        .id_token
        .as_deref()
        .ok_or_else(|| ProviderError::Unacceptable("there is no ID token".to_owned()))?;
    let provider = common.provider();
    let verified = provider.verify_id_token(token).await?;
    let claims = Claims::read(&verified, &provider.preset().id_tokens)?;
    claims.check(&Expected {
        issuer: common.settings().issuer.as_str(),
        client: common.settings().client_id.as_str(),
        nonce,
        access_token: &tokens.access_token,
        algorithm: verified.algorithm,
        now: common.now(),
    })?;
    let kept = policy::kept(common, &verified).await;
    // A key without an id cannot be revoked by it.
    let kid = Some(verified.kid).filter(|kid| !kid.is_empty());
    Ok((claims, kid, kept))
}

/// The end of the access part, and no later than half the idle limit: a renewal is how use is noticed, so
/// a shorter limit needs more of them. Without a feed no later than a revocation may go unheard. What
/// nobody can renew is left alone until its end.
fn renew_at(
    common: &Common,
    tokens: &Tokens,
    is_renewable: bool,
    expires_at: Timestamp,
    now: Timestamp,
) -> Timestamp {
    let access = Duration::from_secs(u64::from(tokens.expires_in.unwrap_or(ACCESS_LIFETIME)));
    let most = common.settings().idle_limit / 2;
    match (common.provider().preset().has_feed, is_renewable) {
        (true, _) => now + access.min(most),
        (false, true) => now + access.min(most).min(UNHEARD),
        (false, false) => expires_at,
    }
}

/// The shorter of this application's limit and the issuer's. Without a feed and without a renewal, the
/// issuer's word of the user is good for as long as its tokens: `claims` are those of the sign-in.
fn expires_at(
    common: &Common,
    tokens: &Tokens,
    claims: Option<&Claims>,
    now: Timestamp,
) -> Timestamp {
    let seconds = |seconds: u32| Duration::from_secs(u64::from(seconds));
    let own = common.settings().session_lifetime;
    // Some say 0 for a refresh token without an end.
    let issuers = tokens.refresh_expires_in.filter(|told| *told > 0);
    let end = now + issuers.map_or(own, |told| seconds(told).min(own));
    let preset = common.provider().preset();
    match claims {
        Some(claims) if !preset.has_feed && tokens.refresh_token.is_none() => {
            let access = tokens.expires_in.map(|told| now + seconds(told));
            let end = end.min(claims.expires_at());
            access.map_or(end, |access| end.min(access))
        }
        _ => end,
    }
}

/// What was granted; what was asked for when the answer does not say (RFC 6749, 5.1).
fn scopes(tokens: &Tokens, otherwise: Vec<String>) -> Vec<String> {
    match &tokens.scope {
        Some(scope) => scope.split_ascii_whitespace().map(str::to_owned).collect(),
        None => otherwise,
    }
}
