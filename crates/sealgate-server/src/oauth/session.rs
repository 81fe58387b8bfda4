//! What every grant that starts a session has in common.

use sealgate_model::{RefreshId, Secret, Timestamp};
use sealgate_oauth::{Grant, OAuthError, RefreshHandle, Resources};
use sealgate_store::{Client, ClientKind, RefreshToken, Session, UserRow};

use super::token::Issuing;
use super::tokens::{About, Issue, TokenAnswer};
use super::told;
use crate::{ControlPlane, admin_scopes, signals};

/// A session about to start.
pub(super) struct Starting<'a> {
    pub(super) issuing: &'a Issuing<'a>,
    pub(super) session: Session,
    pub(super) user: &'a UserRow,
    pub(super) nonce: Option<&'a str>,
    /// The resources to narrow the first access token to.
    pub(super) resources: &'a Resources,
    pub(super) now: Timestamp,
}

/// A session with its first tokens, not yet stored.
pub(super) struct Started {
    pub(super) session: Session,
    pub(super) refresh: Option<RefreshToken>,
    secret: Option<Secret>,
    answer: TokenAnswer,
}

impl Starting<'_> {
    /// Signs the session's first tokens.
    pub(super) async fn start(&mut self) -> Result<Started, OAuthError> {
        let Issuing { plane, client, .. } = *self.issuing;
        if self.session.expires_at <= self.now {
            return Err(OAuthError::SessionExpired);
        }
        // What a public client holds is worth nothing without the key; a confidential one proves who it
        // is each time, and may change its key (RFC 9449, 5).
        self.session.details.dpop_jkt = self
            .issuing
            .key()
            .filter(|_| client.kind == ClientKind::Public)
            .map(|key| key.as_str().to_owned());
        let session = &self.session;
        let refresh =
            is_renewable(self.issuing, session).then(|| refresh_token(plane, session, 0, self.now));
        let secret = refresh.as_ref().map(|(handle, _)| handle.to_secret());
        Ok(Started {
            answer: self.answer(client, self.user, secret.as_ref()).await?,
            session: session.clone(),
            refresh: refresh.map(|(_, token)| token),
            secret,
        })
    }

    /// The answer, once the session is stored: signed anew if its user or client has changed meanwhile.
    pub(super) async fn settle(&self, started: Started) -> Result<TokenAnswer, OAuthError> {
        let Issuing { plane, client, .. } = *self.issuing;
        match told::changed(plane, self.user, client).await? {
            None => Ok(started.answer),
            Some((user, client)) => self.answer(&client, &user, started.secret.as_ref()).await,
        }
    }

    async fn answer(
        &self,
        client: &Client,
        user: &UserRow,
        refresh: Option<&Secret>,
    ) -> Result<TokenAnswer, OAuthError> {
        let plane = self.issuing.plane;
        let granted = Granted::of(&self.session, client)?;
        check_tenant(client, user)?;
        admin_scopes::check(&granted.scopes, user)?;
        let resources = self.resources.narrow(&granted.resources, &plane.issuer)?;
        check_alone(plane, &resources)?;
        let issue = Issue {
            client,
            scopes: &granted.scopes,
            resources: &resources,
            key: self.issuing.key(),
            now: self.now,
        };
        let about = About {
            session: &self.session,
            user,
            nonce: self.nonce,
            refresh,
        };
        issue.sign(plane, &about).await
    }
}

/// What a session was granted, as far as its client is still registered for it: what an administrator
/// takes from a client is gone from its next token.
pub(super) struct Granted {
    pub(super) scopes: Vec<String>,
    pub(super) resources: Vec<String>,
}

impl Granted {
    /// Of nothing that was granted is left, a refusal: a token without resources would be for the issuer.
    pub(super) fn of(session: &Session, client: &Client) -> Result<Self, OAuthError> {
        let left = |granted: &[String], registered: &[String]| -> Vec<String> {
            let still = |one: &&String| registered.contains(one);
            granted.iter().filter(still).cloned().collect()
        };
        let scopes = left(&session.scopes, &client.scopes);
        let resources = left(&session.details.resources, &client.details.resources);
        if scopes.is_empty() {
            return Err(OAuthError::ScopeNotAllowed);
        }
        if resources.is_empty() && !session.details.resources.is_empty() {
            return Err(OAuthError::ResourceNotAllowed);
        }
        Ok(Self { scopes, resources })
    }
}

/// A client that belongs to a tenant is for that tenant's users alone, from the moment it belongs there.
pub(super) fn check_tenant(client: &Client, user: &UserRow) -> Result<(), OAuthError> {
    match &client.details.tenant {
        Some(tenant) if user.tenant.as_ref() != Some(tenant) => Err(OAuthError::TenantForeign),
        _ => Ok(()),
    }
}

/// A token for the administration API, or for the streams of security events, is for nothing else that could
/// pass it on.
pub(super) fn check_alone(plane: &ControlPlane, resources: &[String]) -> Result<(), OAuthError> {
    let ours = [
        admin_scopes::resource(&plane.issuer),
        signals::resource(&plane.issuer),
    ];
    if resources.len() > 1 && resources.iter().any(|uri| ours.contains(uri)) {
        Err(OAuthError::ResourceNotAlone)
    } else {
        Ok(())
    }
}

/// A confidential client's sessions can be renewed always, a public one's if it asked for it, and
/// nobody's that is not registered for renewal.
fn is_renewable(issuing: &Issuing<'_>, session: &Session) -> bool {
    let client = issuing.client;
    let asked = session.scopes.iter().any(|scope| scope == "offline_access");
    client.details.grants.contains(&Grant::RefreshToken)
        && (client.kind == ClientKind::Confidential || asked)
}

/// A fresh refresh token of `session`: what is given away, and what is kept.
pub(super) fn refresh_token(
    plane: &ControlPlane,
    session: &Session,
    generation: u32,
    now: Timestamp,
) -> (RefreshHandle, RefreshToken) {
    let random = plane.random.as_ref();
    let handle = RefreshHandle::generate(RefreshId::generate(now, random), random);
    let token = RefreshToken {
        id: handle.id,
        secret_hash: handle.secret_hash(),
        session: session.id,
        client: session.client.clone(),
        generation,
        issued_at: now,
        used_at: None,
        answer: None,
    };
    (handle, token)
}
