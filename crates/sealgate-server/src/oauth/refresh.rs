//! The refresh token grant (OAuth 2.1, 4.3), with rotation.
//!
//! A refresh token is spent once. Whoever presents it again within the grace window (a second tab,
//! a client that lost the answer) is given the successor that can still be spent, so that a race signs
//! nobody out; whoever presents it later may have stolen it, and the session ends.

use sealgate_model::{Secret, Timestamp};
use sealgate_oauth::{OAuthError, RefreshHandle, Resources, Scopes};
use sealgate_session::Context;
use sealgate_store::{
    Audit, AuditActor, Client, Footing, RefreshToken, RevokeReason, Rotated, Session, UserRow,
    UserStatus,
};
use serde::{Deserialize, Serialize};

use super::refusal::{faulty, unanswered};
use super::session::{Granted, check_alone, check_tenant, refresh_token};
use super::token::Issuing;
use super::tokens::{About, Issue, TokenAnswer};
use super::told;
use crate::{ControlPlane, admin_scopes, session_life};

/// How many successors a spent token may have inside its grace window. Each takes a renewal, and
/// nobody honest makes more than a few in twenty seconds.
const SUCCESSORS: usize = 32;

/// What is kept, sealed, of the answer that a spent token was given: enough to give it again, and no
/// access token, which is signed anew from the session as it stands.
#[derive(Serialize, Deserialize)]
struct Kept {
    successor: String,
    /// The scopes that were asked for, as asked.
    scope: Option<String>,
    /// The resources that were asked for, as asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    resources: Vec<String>,
    /// The key the answer was bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

/// What the client asks for beside the renewal.
pub(super) struct Asked {
    /// The scopes to narrow to; none: all that were granted.
    pub(super) scopes: Option<Scopes>,
    /// The resources to narrow to; none: all that were granted.
    pub(super) resources: Resources,
}

/// Renews the session that `handle` belongs to.
pub(super) async fn renew(
    issuing: &Issuing<'_>,
    handle: &RefreshHandle,
    asked: &Asked,
    audit: &mut Audit,
) -> Result<TokenAnswer, OAuthError> {
    let Issuing { plane, client, .. } = *issuing;
    audit.action = "session.renew";
    let token = known(issuing, handle, audit).await?;
    let (session, user) = alive(issuing, &token, audit).await?;
    check_key(issuing, &session)?;
    let (scopes, resources) = given(plane, client, &session, &user, asked)?;
    let renewal = Renewal {
        issuing,
        session: &session,
        user: &user,
        scopes,
        resources,
        asked,
        audit,
    };
    match token.used_at {
        None => renewal.rotate(&token).await,
        Some(_) => renewal.repeat(&token).await,
    }
}

/// The token, if it is the client's, spent or not.
pub(super) async fn known(
    issuing: &Issuing<'_>,
    handle: &RefreshHandle,
    audit: &mut Audit,
) -> Result<RefreshToken, OAuthError> {
    let token = issuing.plane.store.refresh_token(handle.id).await;
    let token = token
        .map_err(unanswered)?
        .filter(|token| token.secret_hash == handle.secret_hash())
        .ok_or(OAuthError::RefreshTokenUnknown)?;
    audit.session = Some(token.session);
    if token.client == issuing.client.id {
        Ok(token)
    } else {
        Err(OAuthError::RefreshClientMismatch)
    }
}

/// The token's session and user, if the session can still be renewed.
pub(super) async fn alive(
    issuing: &Issuing<'_>,
    token: &RefreshToken,
    audit: &mut Audit,
) -> Result<(Session, UserRow), OAuthError> {
    let Issuing { plane, client, .. } = *issuing;
    let now = audit.at;
    let session = plane
        .store
        .session(token.session)
        .await
        .map_err(unanswered)?;
    let session = session.ok_or(OAuthError::RefreshTokenUnknown)?;
    audit.user = Some(session.user);
    if session.revoked_at.is_some() {
        return Err(OAuthError::SessionRevoked);
    }
    let end = session_life::end(plane, client, &session);
    if end <= now {
        return Err(OAuthError::SessionExpired);
    }
    if session_life::has_rested(plane, &session, now) {
        return Err(OAuthError::SessionIdle);
    }
    // Nothing that it is given outlives it.
    let session = Session {
        expires_at: end,
        ..session
    };
    let user = plane.store.user(session.user).await.map_err(unanswered)?;
    let user = user
        .filter(|user| user.status() == UserStatus::Active)
        .ok_or(OAuthError::UserDisabled)?;
    // Of many that end at once it may be one that is yet to be reached.
    let fallen = plane.store.fallen(Footing::of(&session), now).await;
    if fallen.map_err(unanswered)?.is_some() {
        return Err(OAuthError::SessionRevoked);
    }
    Ok((session, user))
}

/// A session that is bound to a key is renewed by whoever holds it (RFC 9449, 5).
pub(super) fn check_key(issuing: &Issuing<'_>, session: &Session) -> Result<(), OAuthError> {
    match (&session.details.dpop_jkt, issuing.key()) {
        (None, _) => Ok(()),
        (Some(_), None) => Err(OAuthError::DpopProofMissing),
        (Some(bound), Some(key)) if bound == key.as_str() => Ok(()),
        (Some(_), Some(_)) => Err(OAuthError::DpopKeyMismatch),
    }
}

/// Whether a spent token is inside its grace window. A use that lies further ahead than the window is long
/// was told by a clock that has been set back since: nobody can say how long ago it was. (A little ahead is
/// a use by a request that came after this one and won.)
pub(super) fn in_grace(plane: &ControlPlane, token: &RefreshToken, now: Timestamp) -> bool {
    let grace = plane.lifetimes.grace;
    let within = |used_at: Timestamp| now.since(used_at) <= grace && used_at.since(now) <= grace;
    token.answer.is_some() && token.used_at.is_some_and(within)
}

/// Ends a session because a token of it is in hands that should not have it, and says so.
pub(super) async fn end(plane: &ControlPlane, session: &Session, audit: &Audit) -> OAuthError {
    let audit = Audit {
        action: "session.revoke",
        actor: AuditActor::System,
        reason: OAuthError::RefreshTokenReused.code().to_owned(),
        ..audit.clone()
    };
    let revoked = plane
        .store
        .session_revoke(session.id, RevokeReason::RefreshReuse, audit)
        .await;
    revoked.map_or_else(unanswered, |_| OAuthError::RefreshTokenReused)
}

/// The scopes and resources of the new access token, as far as the client and the user may still have them.
fn given(
    plane: &ControlPlane,
    client: &Client,
    session: &Session,
    user: &UserRow,
    asked: &Asked,
) -> Result<(Vec<String>, Vec<String>), OAuthError> {
    check_tenant(client, user)?;
    let granted = Granted::of(session, client)?;
    let scopes = narrowed(&granted, asked.scopes.as_ref())?;
    // A role that was taken away takes these with it at the next renewal.
    admin_scopes::check(&scopes, user)?;
    let resources = asked.resources.narrow(&granted.resources, &plane.issuer)?;
    check_alone(plane, &resources)?;
    Ok((scopes, resources))
}

/// The scopes of the new access token: what was granted, or the part of it that is asked for.
fn narrowed(granted: &Granted, asked: Option<&Scopes>) -> Result<Vec<String>, OAuthError> {
    match asked {
        None => Ok(granted.scopes.clone()),
        Some(asked) if asked.within(&granted.scopes) => Ok(asked.as_slice().to_vec()),
        Some(_) => Err(OAuthError::ScopeWidened),
    }
}

struct Renewal<'a> {
    issuing: &'a Issuing<'a>,
    session: &'a Session,
    user: &'a UserRow,
    scopes: Vec<String>,
    resources: Vec<String>,
    asked: &'a Asked,
    audit: &'a Audit,
}

impl Renewal<'_> {
    /// Spends the token for a successor. The store decides who wins.
    async fn rotate(&self, token: &RefreshToken) -> Result<TokenAnswer, OAuthError> {
        let generation = token.generation.saturating_add(1);
        let (handle, successor) =
            refresh_token(self.issuing.plane, self.session, generation, self.audit.at);
        let secret = handle.to_secret();
        let answer = self.answer(&secret).await?;
        let kept = self.seal(token, &secret)?;
        self.issuing.spend_proof()?;
        let rotated = self
            .issuing
            .plane
            .store
            .refresh_rotate(token.id, successor, kept, self.audit.clone())
            .await;
        match rotated.map_err(unanswered)? {
            Rotated::Won => self.settle(answer, &secret).await,
            Rotated::Lost(token) => self.repeat(&token).await,
            Rotated::Ended => Err(OAuthError::SessionRevoked),
        }
    }

    /// Answers a spent token again, inside the grace window and to the same request; outside it, ends
    /// the session.
    async fn repeat(&self, token: &RefreshToken) -> Result<TokenAnswer, OAuthError> {
        let Some(kept) = self.kept(token)? else {
            return self.end().await;
        };
        // The same answer goes to the same request and to nobody else.
        let asked = self.keep(String::new());
        if kept.scope != asked.scope {
            return Err(OAuthError::RefreshScopeChanged);
        }
        if kept.resources != asked.resources {
            return Err(OAuthError::RefreshResourceChanged);
        }
        if kept.key != asked.key {
            return Err(OAuthError::DpopKeyMismatch);
        }
        let Some(current) = self.current(kept).await? else {
            return self.end().await;
        };
        let answer = self.answer(&current).await?;
        self.issuing.spend_proof()?;
        let audit = Audit {
            reason: "grace_window".to_owned(),
            ..self.audit.clone()
        };
        self.issuing
            .plane
            .store
            .record(audit)
            .await
            .map_err(unanswered)?;
        self.settle(answer, &current).await
    }

    /// The answer, once it is on record: signed anew if the user or the client has changed meanwhile.
    async fn settle(
        &self,
        answer: TokenAnswer,
        refresh: &Secret,
    ) -> Result<TokenAnswer, OAuthError> {
        let Issuing { plane, client, .. } = *self.issuing;
        let Some((user, client)) = told::changed(plane, self.user, client).await? else {
            return Ok(answer);
        };
        let (scopes, resources) = given(plane, &client, self.session, &user, self.asked)?;
        let again = Renewal {
            issuing: &self.issuing.with(&client),
            session: self.session,
            user: &user,
            scopes,
            resources,
            asked: self.asked,
            audit: self.audit,
        };
        again.answer(refresh).await
    }

    /// What is kept of a spent token's answer, inside its grace window.
    fn kept(&self, token: &RefreshToken) -> Result<Option<Kept>, OAuthError> {
        match &token.answer {
            Some(sealed) if in_grace(self.issuing.plane, token, self.audit.at) => {
                self.open(token, sealed).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// The end of the line that `kept` began: the successor that is not spent yet. To give a spent one
    /// away would be to set a trap, which closes on whoever presents it after its own window.
    async fn current(&self, mut kept: Kept) -> Result<Option<Secret>, OAuthError> {
        for _ in 0..SUCCESSORS {
            let secret = Secret::new(kept.successor);
            let handle = RefreshHandle::parse(secret.expose())
                .ok_or_else(|| faulty("a kept successor is no refresh token"))?;
            let token = self.issuing.plane.store.refresh_token(handle.id).await;
            let Some(token) = token.map_err(unanswered)? else {
                return Ok(None);
            };
            if token.used_at.is_none() {
                return Ok(Some(secret));
            }
            match self.kept(&token)? {
                Some(next) => kept = next,
                None => return Ok(None),
            }
        }
        Ok(None)
    }

    async fn end(&self) -> Result<TokenAnswer, OAuthError> {
        Err(end(self.issuing.plane, self.session, self.audit).await)
    }

    async fn answer(&self, refresh: &Secret) -> Result<TokenAnswer, OAuthError> {
        let issue = Issue {
            client: self.issuing.client,
            scopes: &self.scopes,
            resources: &self.resources,
            key: self.issuing.key(),
            now: self.audit.at,
        };
        let about = About {
            session: self.session,
            user: self.user,
            nonce: None,
            refresh: Some(refresh),
        };
        issue.sign(self.issuing.plane, &about).await
    }

    /// What this request would leave behind.
    fn keep(&self, successor: String) -> Kept {
        Kept {
            successor,
            scope: self.asked.scopes.as_ref().map(ToString::to_string),
            resources: self.asked.resources.as_slice().to_vec(),
            key: self.issuing.key().map(|key| key.as_str().to_owned()),
        }
    }

    fn seal(&self, token: &RefreshToken, successor: &Secret) -> Result<String, OAuthError> {
        let kept = self.keep(successor.expose().to_owned());
        let plain = zeroize::Zeroizing::new(serde_json::to_vec(&kept).map_err(faulty)?);
        let id = token.id.to_string();
        self.issuing
            .plane
            .master
            .seal(
                &self.context(&id),
                self.issuing.plane.random.as_ref(),
                &plain,
            )
            .map_err(faulty)
    }

    fn open(&self, token: &RefreshToken, sealed: &str) -> Result<Kept, OAuthError> {
        let id = token.id.to_string();
        let opened = self
            .issuing
            .plane
            .master
            .open(&self.context(&id), sealed)
            .map_err(faulty)?;
        serde_json::from_slice(&opened.plain).map_err(faulty)
    }

    /// The answer of one token, for one client, opens as nothing else.
    fn context<'c>(&'c self, id: &'c str) -> Context<'c> {
        Context {
            purpose: "refresh-answer",
            cookie: id,
            client: self.session.client.as_str(),
            issuer: self.issuing.plane.issuer.as_str(),
        }
    }
}
