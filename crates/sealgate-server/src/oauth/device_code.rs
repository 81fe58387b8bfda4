//! The device code grant (RFC 8628, 3.4): the device asks until its user has answered.

use sealgate_model::SessionId;
use sealgate_oauth::{DeviceHandle, OAuthError, Resources};
use sealgate_store::{Audit, DeviceApproval, DeviceState, Polled, Redeemed, Session, UserStatus};

use super::refusal::unanswered;
use super::session::Starting;
use super::token::Issuing;
use super::tokens::TokenAnswer;
use crate::session_life;

/// Starts the session that the user approved, or says to ask again.
pub(super) async fn redeem(
    issuing: &Issuing<'_>,
    handle: &DeviceHandle,
    resources: &Resources,
    audit: &mut Audit,
) -> Result<TokenAnswer, OAuthError> {
    let Issuing { plane, client, .. } = *issuing;
    audit.action = "session.start";
    let device = plane.store.device(handle.id).await.map_err(unanswered)?;
    let device = device
        .filter(|device| device.secret_hash == handle.secret_hash())
        .ok_or(OAuthError::DeviceCodeUnknown)?;
    audit.object = Some(device.id.to_string());
    if device.client != client.id {
        return Err(OAuthError::DeviceClientMismatch);
    }
    let polled = plane.store.device_poll(device.id, audit.at).await;
    let polled = polled
        .map_err(unanswered)?
        .ok_or(OAuthError::DeviceCodeUnknown)?;
    let approval = approved(&polled, audit)?;
    let device = &polled.device;
    audit.user = Some(approval.user);

    let user = plane.store.user(approval.user).await.map_err(unanswered)?;
    let user = user
        .filter(|user| user.status() == UserStatus::Active)
        .ok_or(OAuthError::UserDisabled)?;
    let session = Session {
        id: SessionId::generate(audit.at, plane.random.as_ref()),
        user: approval.user,
        client: client.id.clone(),
        sign_in: approval.sign_in,
        scopes: device.scopes.clone(),
        details: device.details.clone(),
        auth_time: approval.auth_time,
        methods: approval.methods.clone(),
        created_at: audit.at,
        renewed_at: audit.at,
        network: audit.network.clone(),
        expires_at: approval.auth_time
            + session_life::longest(plane, client, device.details.lasting),
        revoked_at: None,
        revoked_for: None,
    };
    audit.session = Some(session.id);
    let mut starting = Starting {
        issuing,
        session,
        user: &user,
        nonce: None,
        resources,
        now: audit.at,
    };
    let started = starting.start().await?;
    issuing.spend_proof()?;
    let (session, refresh) = (started.session.clone(), started.refresh.clone());
    let redeemed = plane
        .store
        .device_redeem(device.id, session, refresh, audit.clone())
        .await;
    match redeemed.map_err(unanswered)? {
        Redeemed::Started => starting.settle(started).await,
        Redeemed::Reused => Err(OAuthError::DeviceCodeUsed),
        Redeemed::Ended => Err(OAuthError::SignInEnded),
    }
}

/// The user's approval, or what the device is to do without one (RFC 8628, 3.5).
fn approved(polled: &Polled, audit: &Audit) -> Result<DeviceApproval, OAuthError> {
    let device = &polled.device;
    match &device.state {
        DeviceState::Redeemed(_) => Err(OAuthError::DeviceCodeUsed),
        _ if device.expires_at <= audit.at => Err(OAuthError::DeviceCodeExpired),
        DeviceState::Denied => Err(OAuthError::DeviceDenied),
        DeviceState::Approved(approval) => Ok(approval.clone()),
        DeviceState::Pending if polled.too_soon => Err(OAuthError::SlowDown),
        DeviceState::Pending => Err(OAuthError::AuthorizationPending),
    }
}
