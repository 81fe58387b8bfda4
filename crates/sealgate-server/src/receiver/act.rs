//! What an event does here.

use std::time::Duration;

use sealgate_model::Timestamp;
use sealgate_oauth::signals::{Circumstances, Event, Set};
use sealgate_store::{
    Audit, AuditActor, RevokeReason, SessionSelector, StoreError, Transmitter, UserStatus,
};

use super::whom::{self, Whom};
use crate::ControlPlane;

/// What came of an event, by a stable word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Done {
    /// Sessions of the account, or one of them, are revoked.
    Revoked,
    /// The account is disabled.
    Disabled,
    /// Nothing; the reason.
    Nothing(&'static str),
}

/// What an event asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    /// Whatever began up to that moment ends.
    End(Timestamp),
    /// The account is not to be used any more, as of that moment.
    Disable(Timestamp),
    /// Nothing; the reason.
    Nothing(&'static str),
}

/// Does what the event asks for. It may have been done before: then nothing changes.
pub(super) async fn carry_out(
    plane: &ControlPlane,
    transmitter: &Transmitter,
    set: &Set,
    now: Timestamp,
) -> Result<Done, StoreError> {
    let wish = wish(set, now);
    if let Wish::Nothing(reason) = wish {
        return Ok(Done::Nothing(reason));
    }
    let whom = match whom::find(plane, transmitter, &set.subject).await? {
        Ok(whom) => whom,
        Err(nobody) => return Ok(Done::Nothing(nobody.code())),
    };
    match wish {
        Wish::Disable(_) if transmitter.may_disable => {
            disable(plane, transmitter, &whom, now).await
        }
        // What it may not do it may do as far as it may: nobody goes on as before, in whichever session.
        Wish::Disable(before) => {
            let whole = Whom {
                session: None,
                ..whom
            };
            end(plane, transmitter, &whole, before, now).await
        }
        Wish::End(before) => end(plane, transmitter, &whom, before, now).await,
        Wish::Nothing(reason) => Ok(Done::Nothing(reason)),
    }
}

fn wish(set: &Set, now: Timestamp) -> Wish {
    // Whole seconds: what began in the same one may have been before. And nothing is told of before it was.
    let moment = |at: i64| {
        let at = at.min(set.iat).clamp(0, now.as_seconds());
        let until = Timestamp::from_seconds(at) + Duration::from_millis(999);
        until.min(now)
    };
    let told =
        |circumstances: &Circumstances| Wish::End(moment(circumstances.at.unwrap_or(set.iat)));
    match &set.event {
        Event::SessionRevoked(circumstances) => told(circumstances),
        Event::SessionsRevoked => Wish::End(moment(set.iat)),
        Event::CredentialChange {
            change_type,
            circumstances,
            ..
        } => match change_type.as_str() {
            // Another way to sign in takes nothing away from the earlier ones.
            "create" => Wish::Nothing("credential_created"),
            _ => told(circumstances),
        },
        Event::AccountDisabled { .. } | Event::AccountPurged => Wish::Disable(moment(set.iat)),
        Event::Verification { .. } => Wish::Nothing("verification"),
        Event::StreamUpdated { .. } => Wish::Nothing("stream_updated"),
        // Nothing that somebody else says opens anything here, and roles are given here.
        Event::AccountEnabled
        | Event::SessionEstablished { .. }
        | Event::TokenClaimsChange { .. }
        | Event::Other(_) => Wish::Nothing("event_unused"),
    }
}

/// Ends what the account, or one session of it, began up to `before`.
pub(super) async fn end(
    plane: &ControlPlane,
    transmitter: &Transmitter,
    whom: &Whom,
    before: Timestamp,
    now: Timestamp,
) -> Result<Done, StoreError> {
    let act = act(transmitter, whom, "session.revoke", now);
    let reason = RevokeReason::Signal;
    if let Some(session) = whom.session {
        plane.store.session_revoke(session, reason, act).await?;
    } else {
        let selector = SessionSelector {
            user: Some(whom.user.id),
            client: None,
            tenant: None,
            started_at_or_before: before,
        };
        plane.store.sessions_revoke(selector, reason, act).await?;
    }
    Ok(Done::Revoked)
}

async fn disable(
    plane: &ControlPlane,
    transmitter: &Transmitter,
    whom: &Whom,
    now: Timestamp,
) -> Result<Done, StoreError> {
    if whom.user.status() != UserStatus::Disabled {
        let act = act(transmitter, whom, "user.disable", now);
        plane.store.user_disable(whom.user.id, act).await?;
    }
    Ok(Done::Disabled)
}

fn act(transmitter: &Transmitter, whom: &Whom, action: &'static str, now: Timestamp) -> Audit {
    Audit {
        user: Some(whom.user.id),
        session: whom.session,
        object: Some(transmitter.id.to_string()),
        ..Audit::allowed(now, AuditActor::System, action)
    }
}

#[cfg(test)]
mod tests {
    use sealgate_oauth::Audience;
    use sealgate_oauth::signals::{Subject, SubjectId};

    use super::*;

    fn wished(event: Event) -> Wish {
        let set = Set {
            iss: "https://corp.example".to_owned(),
            aud: serde_json::from_value::<Audience>(serde_json::json!("x")).unwrap(),
            iat: 1_000,
            jti: "1".to_owned(),
            txn: None,
            subject: Subject::Simple(SubjectId::Opaque("1".to_owned())),
            event,
        };
        wish(&set, Timestamp::from_millis(2_000_500))
    }

    fn at(at: Option<i64>) -> Circumstances {
        Circumstances {
            at,
            ..Circumstances::default()
        }
    }

    #[test]
    fn an_event_ends_what_began_up_to_the_second_that_it_tells_of() {
        let end = |millis| Wish::End(Timestamp::from_millis(millis));
        assert_eq!(wished(Event::SessionRevoked(at(Some(900)))), end(900_999));
        assert_eq!(wished(Event::SessionRevoked(at(None))), end(1_000_999));
        assert_eq!(wished(Event::SessionsRevoked), end(1_000_999));
        // Nothing that came after it was told, and no time that there was not. Some tell milliseconds.
        assert_eq!(
            wished(Event::SessionRevoked(at(Some(900_000)))),
            end(1_000_999)
        );
        assert_eq!(
            wished(Event::SessionRevoked(at(Some(i64::MAX)))),
            end(1_000_999)
        );
        assert_eq!(wished(Event::SessionRevoked(at(Some(i64::MIN)))), end(999));
    }

    #[test]
    fn what_opens_something_elsewhere_opens_nothing_here() {
        assert_eq!(wished(Event::AccountEnabled), Wish::Nothing("event_unused"));
        assert_eq!(
            wished(Event::AccountPurged),
            Wish::Disable(Timestamp::from_millis(1_000_999))
        );
        let change = |change_type: &str| Event::CredentialChange {
            credential_type: "password".to_owned(),
            change_type: change_type.to_owned(),
            circumstances: at(None),
        };
        assert_eq!(
            wished(change("create")),
            Wish::Nothing("credential_created")
        );
        assert!(matches!(wished(change("delete")), Wish::End(_)));
    }
}
