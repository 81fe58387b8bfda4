//! A client's request on its way to a code: what still has to happen, and the code.
//!
//! It passes in steps that cannot be skipped: a user stands behind it, that user may grant it and has
//! done so, and only a [`Step::Ready`] one issues a code.

use std::time::Duration;

use sealgate_model::{CodeId, Secret, SessionId, Timestamp};
use sealgate_oauth::{AuthenticationNeed, AuthorizationRequest, CodeHandle, OAuthError, Proof};
use sealgate_store::{
    Audit, AuditActor, Client, ClientKind, Code, Consent, ConsentRow, CredentialType, GrantDetails,
    SignIn, UserRow,
};

use super::refusal::{faulty, unanswered};
use super::requested::registration;
use super::tokens::ACR_PASSWORD;
use crate::pages::is_this_computer;
use crate::problem::Problem;
use crate::sign_in::errand::{self, Errand, Pending};
use crate::{ControlPlane, admin_scopes, own_clients, session_life};

/// A checked request, its client, and how far its user has come with it.
pub(crate) struct Journey {
    pub(crate) client: Client,
    pub(crate) request: AuthorizationRequest,
    /// When it came in, if its user has been to one of our pages since.
    asked_at: Option<Timestamp>,
    /// As it travels through the browser, if it does already.
    sealed: Option<String>,
    /// Whether its user has just consented to it.
    consented: bool,
}

/// What has to happen next.
pub(crate) enum Step {
    /// The user signs in.
    SignIn,
    /// This user is asked.
    Consent(UserRow),
    /// Nothing: the code for this user may be issued.
    Ready(UserRow),
}

impl Journey {
    /// One that has just come in.
    pub(super) fn begin(client: Client, request: AuthorizationRequest) -> Self {
        Self {
            client,
            request,
            asked_at: None,
            sealed: None,
            consented: false,
        }
    }

    /// One that comes back through the browser. Its client is looked up again: what was registered when
    /// the user set out may not be any more.
    pub(crate) async fn resume(
        plane: &ControlPlane,
        sealed: &str,
        now: Timestamp,
    ) -> Result<Self, Problem> {
        match errand::open(plane, sealed, now)? {
            Pending {
                errand: Errand::Authorization(request),
                created_at,
            } => Self::pick_up(plane, *request, created_at, sealed).await,
            Pending { .. } => Err(Problem::bad_request(
                "request_unreadable",
                "this sign-in request is not one of an application",
            )),
        }
    }

    /// As [`Self::resume`], of a request that has been opened already.
    pub(crate) async fn pick_up(
        plane: &ControlPlane,
        request: AuthorizationRequest,
        asked_at: Timestamp,
        sealed: &str,
    ) -> Result<Self, Problem> {
        let client = own_clients::client(plane, &request.client_id).await?;
        let client = client.filter(|client| client.disabled_at.is_none());
        let still_allowed = |client: &Client| {
            let allowed = request.recheck(&registration(client));
            allowed
                .map_err(|error| tracing::debug!(reason = error.code(), "a request was overtaken"))
        };
        match client.filter(|client| still_allowed(client).is_ok()) {
            Some(client) => Ok(Self {
                client,
                request,
                asked_at: Some(asked_at),
                sealed: Some(sealed.to_owned()),
                consented: false,
            }),
            None => Err(Problem::bad_request(
                "client_unknown",
                "the application is not registered any more, or not for what it asked",
            )),
        }
    }

    /// Whether its user has been to one of our pages with it.
    pub(crate) const fn was_at_our_pages(&self) -> bool {
        self.asked_at.is_some()
    }

    /// The request after its user has allowed it.
    pub(crate) fn consented(self) -> Self {
        Self {
            consented: true,
            ..self
        }
    }

    /// The request as it travels through the browser.
    pub(crate) fn sealed(
        &self,
        plane: &ControlPlane,
        now: Timestamp,
    ) -> Result<String, OAuthError> {
        if let Some(sealed) = &self.sealed {
            return Ok(sealed.clone());
        }
        let request = Box::new(self.request.clone());
        errand::seal(plane, Errand::Authorization(request), now)
    }

    /// What has to happen next in a browser with this sign-in, or why nothing can.
    pub(crate) async fn next(
        &self,
        plane: &ControlPlane,
        sign_in: Option<&SignIn>,
        now: Timestamp,
    ) -> Result<Step, OAuthError> {
        let request = &self.request;
        let silent = request.prompt.is_silent();
        let proof = sign_in.map(|sign_in| Proof {
            user: sign_in.user,
            auth_time: sign_in.auth_time,
            acr: ACR_PASSWORD,
        });
        let need = request.authentication_need(proof.as_ref(), self.asked_at, &[ACR_PASSWORD], now);
        let sign_in = match (need, sign_in) {
            (AuthenticationNeed::CannotBeMet(error), _) => return Err(error),
            (AuthenticationNeed::SignIn, _) | (_, None) => return Ok(Step::SignIn),
            (AuthenticationNeed::Satisfied, Some(sign_in)) => sign_in,
        };
        // A session from it would be over before it began.
        if sign_in.auth_time + self.longest(plane) <= now {
            return if silent {
                Err(OAuthError::LoginRequired)
            } else {
                Ok(Step::SignIn)
            };
        }
        let user = plane.store.user(sign_in.user).await.map_err(unanswered)?;
        let user = user.ok_or(OAuthError::LoginRequired)?;
        if self.client.details.tenant.is_some() && self.client.details.tenant != user.tenant {
            // Another account of the same person may belong there; one that has just been chosen for
            // this does not.
            let chosen = self
                .asked_at
                .is_some_and(|asked| sign_in.auth_time >= asked);
            return match (silent, chosen) {
                (true, _) => Err(OAuthError::InteractionRequired),
                (false, true) => Err(OAuthError::TenantForeign),
                (false, false) => Ok(Step::SignIn),
            };
        }
        admin_scopes::check(request.scopes.as_slice(), &user)?;
        if self.must_ask(plane, &user).await? {
            return if silent {
                Err(OAuthError::ConsentRequired)
            } else {
                Ok(Step::Consent(user))
            };
        }
        Ok(Step::Ready(user))
    }

    /// Whether the session will go on when the browser's sign-in ends.
    pub(crate) fn is_lasting(&self) -> bool {
        session_life::is_lasting(&self.client, self.request.scopes.as_slice())
    }

    /// How long after the proof of who the user is the session will last at the longest.
    pub(crate) fn longest(&self, plane: &ControlPlane) -> Duration {
        session_life::longest(plane, &self.client, self.is_lasting())
    }

    /// Whether the user has to be asked before the client is granted this.
    async fn must_ask(&self, plane: &ControlPlane, user: &UserRow) -> Result<bool, OAuthError> {
        if self.consented {
            return Ok(false);
        }
        if self.request.prompt.asks_consent() {
            return Ok(true);
        }
        if self.client.details.consent == Consent::Trusted {
            return Ok(false);
        }
        if self.may_be_another() {
            return Ok(true);
        }
        let granted = plane.store.consent(user.id, &self.client.id).await;
        let granted = granted.map_err(unanswered)?;
        Ok(!granted.is_some_and(|granted| self.is_covered(&granted)))
    }

    /// Whether nobody can tell the client from another application that took its name: it proves itself
    /// by nothing, and what its redirect URI leads to is decided on the user's own computer. What the
    /// user allowed before was then perhaps not allowed to this one (RFC 8252, 8.6).
    pub(crate) fn may_be_another(&self) -> bool {
        self.client.kind == ClientKind::Public && is_this_computer(&self.request.redirect_uri)
    }

    fn is_covered(&self, granted: &ConsentRow) -> bool {
        let scopes: Vec<String> = self
            .request
            .scopes_to_consent()
            .into_iter()
            .map(Into::into)
            .collect();
        let resources = self.request.resources.as_slice();
        let mut answers = granted.grants.iter();
        answers.any(|answer| answer.covers(&scopes, resources))
    }

    /// Issues the code that a ready request is answered with.
    pub(super) async fn issue(
        &self,
        plane: &ControlPlane,
        sign_in: &SignIn,
        user: &UserRow,
        audit: &mut Audit,
    ) -> Result<Secret, OAuthError> {
        let (request, random, now) = (&self.request, plane.random.as_ref(), audit.at);
        let handle = CodeHandle::generate(CodeId::generate(now, random), random);
        let session = SessionId::generate(now, random);
        audit.actor = AuditActor::User(sign_in.user);
        audit.credential = Some(CredentialType::Session);
        audit.user = Some(sign_in.user);
        audit.session = Some(session);
        let claims = (!request.claims.is_empty())
            .then(|| serde_json::to_value(&request.claims))
            .transpose()
            .map_err(faulty)?;
        let code = Code {
            id: handle.id,
            secret_hash: handle.secret_hash(),
            client: request.client_id.clone(),
            user: sign_in.user,
            sign_in: sign_in.id,
            session,
            redirect_uri: request.redirect_uri.clone(),
            challenge: request.challenge.as_str().to_owned(),
            nonce: request.nonce.clone(),
            scopes: request.scopes.as_slice().to_vec(),
            details: GrantDetails {
                resources: request.resources.as_slice().to_vec(),
                dpop_jkt: request.dpop_jkt.as_ref().map(|key| key.as_str().to_owned()),
                claims,
                acr: Some(ACR_PASSWORD.to_owned()),
                tenant: user.tenant.clone(),
                lasting: self.is_lasting(),
            },
            auth_time: sign_in.auth_time,
            methods: sign_in.methods.clone(),
            expires_at: now + plane.lifetimes.code,
            used_at: None,
        };
        let stored = plane.store.code_create(code, audit.clone()).await;
        stored.map_err(unanswered)?;
        Ok(handle.to_secret())
    }
}
