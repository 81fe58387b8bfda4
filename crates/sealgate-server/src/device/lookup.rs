//! From the code that somebody types to the device that waits for them.

use std::time::Duration;

use sealgate_model::Grant;
use sealgate_oauth::{OAuthError, UserCode};
use sealgate_store::{
    Audit, AuditActor, Client, CredentialType, DeviceCode, DeviceState, SignIn, StoreError,
};

use crate::caller::Caller;
use crate::{ControlPlane, admin_scopes};

/// A device that waits, and the client it is.
pub(super) struct Waiting {
    pub(super) device: DeviceCode,
    pub(super) client: Client,
}

/// Why no device is shown.
pub(super) enum Missed {
    /// No device waits with this code, or not any more: not told apart.
    Unknown,
    /// There were too many guesses; the next one may be made after this.
    TooOften(Duration),
    /// The data cannot be reached.
    Failed(StoreError),
}

impl From<StoreError> for Missed {
    fn from(failure: StoreError) -> Self {
        Self::Failed(failure)
    }
}

/// The device that waits with this code, for somebody with this sign-in. A wrong code is a guess, on
/// record.
pub(super) async fn find(
    plane: &ControlPlane,
    caller: &Caller,
    sign_in: &SignIn,
    code: &UserCode,
) -> Result<Waiting, Missed> {
    let network = caller
        .network()
        .filter(|_| plane.throttle.tells_networks_apart());
    let uptime = || plane.clock.uptime();
    let guess = match plane
        .device_throttle
        .reserve(sign_in.user, network, uptime())
    {
        Ok(guess) => guess,
        Err(wait) => {
            missed(plane, caller, sign_in, "device_throttled").await;
            return Err(Missed::TooOften(wait));
        }
    };
    let found = look_up(plane, code).await;
    if !matches!(found, Ok(None)) {
        plane.device_throttle.give_back(&guess, uptime());
    }
    if let Some(waiting) = found? {
        return Ok(waiting);
    }
    missed(plane, caller, sign_in, OAuthError::DeviceCodeUnknown.code()).await;
    Err(Missed::Unknown)
}

async fn look_up(plane: &ControlPlane, code: &UserCode) -> Result<Option<Waiting>, StoreError> {
    let device = plane.store.device_by_user_code(code.letters()).await?;
    let waits = |device: &DeviceCode| {
        device.state == DeviceState::Pending
            && device.expires_at > plane.clock.now()
            && !device
                .scopes
                .iter()
                .any(|scope| admin_scopes::is_one(scope))
    };
    let Some(device) = device.filter(waits) else {
        return Ok(None);
    };
    // What is registered may have changed since the device asked.
    let client = plane.store.client(&device.client).await?;
    let client = client.filter(|client| {
        client.disabled_at.is_none() && client.details.grants.contains(&Grant::DeviceCode)
    });
    Ok(client.map(|client| Waiting { device, client }))
}

async fn missed(plane: &ControlPlane, caller: &Caller, sign_in: &SignIn, reason: &'static str) {
    let actor = AuditActor::User(sign_in.user);
    let audit = Audit {
        user: Some(sign_in.user),
        credential: Some(CredentialType::Session),
        ..Audit::denied(plane.clock.now(), actor, "device.find", reason)
    };
    plane.refusals.record(plane, caller.record(audit)).await;
}
