//! From a signal in the store to the security event token that tells of it.
//!
//! The same signal makes the same claims each time: a token that is sent again has the same `jti`, by which
//! its receiver knows it.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sealgate_host::sha256;
use sealgate_jose::Algorithm;
use sealgate_keys::KeyError;
use sealgate_model::StreamId;
use sealgate_oauth::Audience;
use sealgate_oauth::signals::{
    Circumstances, ComplexSubject, Event, Initiator, Set, Subject, SubjectId,
};
use sealgate_store::{RevokeReason, Signal, SignalKind, StoreError, Stream};
use serde_json::Value;
use tokio::task::spawn_blocking;

use crate::ControlPlane;

/// The `jti` of a signal. The history is part of it: a restored backup gives numbers again.
pub(super) fn jti(epoch: &str, stream: StreamId, number: u64) -> String {
    let history = epoch.get(..16).unwrap_or(epoch);
    format!("{stream}.{history}.{number}")
}

/// The number of the signal that has this `jti` on the stream.
pub(super) fn number(epoch: &str, stream: StreamId, jti_given: &str) -> Option<u64> {
    let number = jti_given.rsplit('.').next()?.parse().ok()?;
    (jti(epoch, stream, number) == jti_given).then_some(number)
}

/// The token of a signal, signed with RS256 (CAEP Interoperability Profile 1.0, 2.6), and its `jti`. None if
/// the signal tells nothing that can be understood.
pub(super) async fn token(
    plane: &Arc<ControlPlane>,
    epoch: &str,
    stream: &Stream,
    signal: &Signal,
) -> Result<Option<(String, String)>, StoreError> {
    let Some(set) = set(plane, epoch, stream, signal) else {
        return Ok(None);
    };
    let jti = set.jti.clone();
    let set = Arc::new(set);
    // Not on a thread that serves requests, and one after the other.
    let sign = async || {
        let _turn = plane.signals.signing.acquire().await;
        let (plane, set) = (Arc::clone(plane), Arc::clone(&set));
        let signature = move || plane.keys.sign(Algorithm::Rs256, Set::TYPE, &*set);
        spawn_blocking(signature)
            .await
            .map_err(|error| StoreError::Unavailable(format!("no event can be signed: {error}")))
    };
    let signed = match sign().await? {
        // The key was revoked, and none has taken its place yet.
        Err(KeyError::NoneActive(_)) => match plane.keys.ensure(Algorithm::Rs256).await {
            Ok(()) => sign().await?,
            Err(error) => Err(error),
        },
        signed => signed,
    };
    signed
        .map(|token| Some((jti, token)))
        .map_err(|error| StoreError::Unavailable(format!("no event can be signed: {error}")))
}

fn set(plane: &ControlPlane, epoch: &str, stream: &Stream, signal: &Signal) -> Option<Set> {
    // Events of one act have the same, and it leads an operator who knows the record to them.
    let cause = sha256(format!("{epoch}:{}", signal.cause).as_bytes());
    let txn = cause.as_bytes().first_chunk::<16>()?;
    Some(Set {
        iss: plane.issuer.as_str().to_owned(),
        aud: Audience::One(stream.client.as_str().to_owned()),
        iat: signal.at.as_seconds(),
        jti: jti(epoch, stream.id, signal.number),
        txn: Some(URL_SAFE_NO_PAD.encode(txn)),
        subject: subject(plane, signal)?,
        event: event(signal)?,
    })
}

fn subject(plane: &ControlPlane, signal: &Signal) -> Option<Subject> {
    if matches!(
        signal.kind,
        SignalKind::Verification | SignalKind::StreamUpdated
    ) {
        return Some(Subject::Simple(SubjectId::Opaque(
            signal.stream.to_string(),
        )));
    }
    let user = SubjectId::IssSub {
        iss: plane.issuer.as_str().to_owned(),
        sub: signal.user?.to_string(),
    };
    let Some(session) = signal.session else {
        return Some(Subject::Simple(user));
    };
    let session = SubjectId::Opaque(session.to_string());
    let complex = match &signal.tenant {
        None => ComplexSubject::of([("user", user), ("session", session)]),
        Some(tenant) => {
            let tenant = SubjectId::Opaque(tenant.as_str().to_owned());
            ComplexSubject::of([("user", user), ("session", session), ("tenant", tenant)])
        }
    };
    Some(Subject::Complex(complex))
}

fn event(signal: &Signal) -> Option<Event> {
    let detail = |name: &str| signal.details.as_ref().and_then(|all| all.get(name));
    let text = |name: &str| detail(name).and_then(Value::as_str).map(str::to_owned);
    Some(match signal.kind {
        SignalKind::SessionRevoked => {
            let reason = signal.reason.as_deref().unwrap_or_default();
            let (initiator, words) = revoked(reason);
            Event::SessionRevoked(circumstances(signal, initiator, words))
        }
        SignalKind::CredentialChange => Event::CredentialChange {
            credential_type: text("credential_type")?,
            change_type: text("change_type")?,
            circumstances: circumstances(
                signal,
                Some(Initiator::User),
                "The password was set with a one-time link",
            ),
        },
        SignalKind::ClaimsChange => Event::TokenClaimsChange {
            claims: signal.details.as_ref()?.as_object()?.clone(),
            circumstances: circumstances(signal, None, "The account was changed"),
        },
        SignalKind::SessionEstablished => Event::SessionEstablished {
            acr: text("acr"),
            amr: detail("amr")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            circumstances: circumstances(signal, Some(Initiator::User), "The user signed in"),
        },
        SignalKind::AccountDisabled => Event::AccountDisabled { reason: None },
        SignalKind::AccountEnabled => Event::AccountEnabled,
        SignalKind::Verification => Event::Verification {
            state: text("state"),
        },
        SignalKind::StreamUpdated => Event::StreamUpdated {
            status: text("status")?,
            reason: signal.reason.clone(),
        },
    })
}

fn circumstances(signal: &Signal, initiator: Option<Initiator>, words: &str) -> Circumstances {
    let words = [("en".to_owned(), words.to_owned())].into_iter().collect();
    Circumstances {
        at: Some(signal.at.as_seconds()),
        initiator: Some(initiator.unwrap_or_else(|| by_actor(signal))),
        // The interoperability profile (3.1 and 3.2) asks for it, never empty.
        reason_admin: Some(words),
        reason_user: None,
    }
}

/// Who set it off, by who is on record for the act. Whoever administers, by hand or by a program of theirs,
/// is an administrator.
fn by_actor(signal: &Signal) -> Initiator {
    let user = signal.user.map(|user| format!("user:{user}"));
    match signal.actor.as_deref() {
        Some("system") => Initiator::System,
        actor if actor.is_some() && actor == user.as_deref() => Initiator::User,
        _ => Initiator::Admin,
    }
}

/// Who revoked a session, where the reason alone tells it, and why in words. A reason that is not known here
/// is told by its own word.
fn revoked(reason: &str) -> (Option<Initiator>, &str) {
    let known = RevokeReason::ALL
        .into_iter()
        .find(|known| known.as_str() == reason);
    match known {
        Some(RevokeReason::Logout) => (Some(Initiator::User), "The user signed out"),
        Some(RevokeReason::Admin) => (None, "The session was revoked by hand"),
        Some(RevokeReason::UserDisabled) => (None, "The account was disabled"),
        Some(RevokeReason::RefreshReuse) => (
            Some(Initiator::Policy),
            "A refresh token was presented again after its successor was in use",
        ),
        Some(RevokeReason::CodeReuse) => (
            Some(Initiator::Policy),
            "An authorization code was presented again",
        ),
        Some(RevokeReason::ClientRevoked) => (
            Some(Initiator::System),
            "The application gave its tokens back",
        ),
        Some(RevokeReason::PasswordReset) => (Some(Initiator::User), "The password was set anew"),
        Some(RevokeReason::ConsentWithdrawn) => {
            (None, "What the application was granted was taken back")
        }
        Some(RevokeReason::ClientRemoved) => (None, "The application was removed"),
        Some(RevokeReason::KeyRevoked) => (None, "The key that signed its tokens was revoked"),
        Some(RevokeReason::TenantRevoked) => (None, "Every session of the tenant was revoked"),
        Some(RevokeReason::Everything) => (None, "Every session was revoked"),
        _ if reason.is_empty() => (None, "The session was revoked"),
        _ => (None, reason),
    }
}
