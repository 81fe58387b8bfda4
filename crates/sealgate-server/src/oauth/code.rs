//! The authorization code grant (OAuth 2.1, 4.1.3): a code becomes a session, once.

use sealgate_model::Timestamp;
use sealgate_oauth::{CodeChallenge, CodeHandle, CodeVerifier, OAuthError, Resources, Thumbprint};
use sealgate_store::{Audit, AuditActor, Code, Redeemed, RevokeReason, Session, UserStatus};

use super::refusal::{faulty, unanswered};
use super::session::Starting;
use super::token::Issuing;
use super::tokens::TokenAnswer;
use crate::session_life;

/// What the client presents.
pub(super) struct Proof {
    pub(super) handle: CodeHandle,
    pub(super) redirect_uri: Option<String>,
    pub(super) verifier: CodeVerifier,
    /// The resources to narrow the first access token to.
    pub(super) resources: Resources,
}

/// Starts the session that the code stands for.
pub(super) async fn redeem(
    issuing: &Issuing<'_>,
    proof: &Proof,
    audit: &mut Audit,
) -> Result<TokenAnswer, OAuthError> {
    let Issuing { plane, client, .. } = *issuing;
    audit.action = "session.start";
    let now = audit.at;
    let code = plane
        .store
        .code(proof.handle.id)
        .await
        .map_err(unanswered)?;
    let code = code
        .filter(|code| code.secret_hash == proof.handle.secret_hash())
        .ok_or(OAuthError::CodeUnknown)?;
    audit.user = Some(code.user);
    audit.session = Some(code.session);
    if code.client != client.id {
        return Err(OAuthError::CodeClientMismatch);
    }
    // What a stolen code may have given ends first, whatever else is wrong with this request.
    let on_reuse = Audit {
        action: "session.revoke",
        actor: AuditActor::System,
        reason: OAuthError::CodeReused.code().to_owned(),
        ..audit.clone()
    };
    if code.used_at.is_some() {
        let revoked = plane
            .store
            .session_revoke(code.session, RevokeReason::CodeReuse, on_reuse)
            .await;
        revoked.map_err(unanswered)?;
        return Err(OAuthError::CodeReused);
    }
    check(&code, proof, now)?;
    let bound = code.details.dpop_jkt.as_deref();
    if bound.is_some() && bound != issuing.key().map(Thumbprint::as_str) {
        return Err(OAuthError::DpopProofKey);
    }

    let user = plane.store.user(code.user).await.map_err(unanswered)?;
    let user = user
        .filter(|user| user.status() == UserStatus::Active)
        .ok_or(OAuthError::UserDisabled)?;
    let mut starting = Starting {
        issuing,
        session: session(issuing, &code, audit),
        user: &user,
        nonce: code.nonce.as_deref(),
        resources: &proof.resources,
        now,
    };
    let started = starting.start().await?;
    issuing.spend_proof()?;
    let (session, refresh) = (started.session.clone(), started.refresh.clone());
    let redeemed = plane
        .store
        .code_redeem(code.id, session, refresh, audit.clone(), on_reuse)
        .await;
    match redeemed.map_err(unanswered)? {
        Redeemed::Started => starting.settle(started).await,
        Redeemed::Reused => Err(OAuthError::CodeReused),
        // Since it was read, the sign-in it came from has ended, or its account was disabled.
        Redeemed::Ended => Err(OAuthError::SignInEnded),
    }
}

/// Whether the code is presented by whoever asked for it, in time.
fn check(code: &Code, proof: &Proof, now: Timestamp) -> Result<(), OAuthError> {
    if proof
        .redirect_uri
        .as_ref()
        .is_some_and(|uri| *uri != code.redirect_uri)
    {
        return Err(OAuthError::RedirectUriMismatch);
    }
    CodeChallenge::parse(&code.challenge)
        .map_err(faulty)?
        .check(&proof.verifier)?;
    if code.expires_at <= now {
        Err(OAuthError::CodeExpired)
    } else {
        Ok(())
    }
}

/// The session lasts as long after the proof of who the user is as sessions last: the browser's
/// sign-in does not lend it a second life (NIST SP 800-63B-4, 5.2).
fn session(issuing: &Issuing<'_>, code: &Code, audit: &Audit) -> Session {
    let (now, lasting) = (audit.at, code.details.lasting);
    Session {
        id: code.session,
        user: code.user,
        client: code.client.clone(),
        sign_in: code.sign_in,
        scopes: code.scopes.clone(),
        details: code.details.clone(),
        auth_time: code.auth_time,
        methods: code.methods.clone(),
        created_at: now,
        renewed_at: now,
        network: audit.network.clone(),
        expires_at: code.auth_time + session_life::longest(issuing.plane, issuing.client, lasting),
        revoked_at: None,
        revoked_for: None,
    }
}
