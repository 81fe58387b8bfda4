//! `/ssf/subjects/add` and `/ssf/subjects/remove`: of whom a stream tells (SSF 1.0, 8.1.3).
//!
//! A stream tells of everybody whom its client may know of, and the receiver may leave users out. Whether a
//! user exists is never told: an unknown one is answered as a known one, takes as long, and takes a place as one.
//! A subject that is more than one user changes nothing, so that nobody is left out by mistake.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use sealgate_host::sha256;
use sealgate_model::UserId;
use sealgate_oauth::signals::{Subject, SubjectId, SubjectRequest};
use sealgate_store::{Audit, StoreError};

use super::about;
use super::access::{Json, Receiver, malformed};
use crate::ControlPlane;
use crate::caller::Caller;
use crate::problem::Problem;

pub(super) const ADD: &str = "/subjects/add";
pub(super) const REMOVE: &str = "/subjects/remove";

pub(super) async fn add(
    State(plane): State<Arc<ControlPlane>>,
    receiver: Receiver,
    caller: Caller,
    Json(body): Json,
) -> Result<StatusCode, Problem> {
    set(&plane, &receiver, &caller, &body, true).await?;
    Ok(StatusCode::OK)
}

pub(super) async fn remove(
    State(plane): State<Arc<ControlPlane>>,
    receiver: Receiver,
    caller: Caller,
    Json(body): Json,
) -> Result<StatusCode, Problem> {
    set(&plane, &receiver, &caller, &body, false).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn set(
    plane: &ControlPlane,
    receiver: &Receiver,
    caller: &Caller,
    body: &[u8],
    told: bool,
) -> Result<(), Problem> {
    let asked = SubjectRequest::parse(body).map_err(malformed)?;
    let stream = receiver.stream(plane, &asked.stream_id).await?;
    let Some((user, is_known)) = user(plane, &asked.subject).await? else {
        return Ok(());
    };
    let action = if told {
        "stream.add_subject"
    } else {
        "stream.remove_subject"
    };
    let act = Audit {
        user: is_known.then_some(user),
        ..about(stream.id, receiver.act(plane, caller, action))
    };
    match plane
        .store
        .stream_set_told(stream.id, user, told, act)
        .await
    {
        Ok(_) => Ok(()),
        Err(StoreError::TooMany(what)) => Err(Problem::new(
            StatusCode::FORBIDDEN,
            "signal_subjects_full",
            format!("there are too many {what}"),
        )),
        Err(error) => Err(error.into()),
    }
}

/// The one user that a subject names, and whether that user is here. Whoever is not has an id all the same, so
/// that neither the time that the answer takes nor the number of those who can be left out tells which it was.
async fn user(
    plane: &ControlPlane,
    subject: &Subject,
) -> Result<Option<(UserId, bool)>, StoreError> {
    let id = match subject {
        Subject::Simple(id) => id,
        Subject::Complex(complex) => match complex.get("user") {
            Some(id) if complex.members().count() == 1 => id,
            _ => return Ok(None),
        },
    };
    match id {
        SubjectId::IssSub { iss, sub } if iss == plane.issuer.as_str() => match sub.parse() {
            Ok(id) => Ok(Some((id, plane.store.user(id).await?.is_some()))),
            Err(_) => Ok(None),
        },
        SubjectId::Email(email) => {
            let found = plane.store.user_by_email(email).await?;
            let nobody = || nobody(plane, email);
            Ok(Some(found.map_or_else(nobody, |user| (user.id, true))))
        }
        _ => Ok(None),
    }
}

/// The id of an address that is nobody's: always the same, and no user ever gets it.
fn nobody(plane: &ControlPlane, email: &str) -> (UserId, bool) {
    let text = format!("{}:{}", plane.issuer.as_str(), email.to_lowercase());
    let digest = sha256(text.as_bytes());
    let mut id = [0; 16];
    id.copy_from_slice(&digest.as_bytes()[..16]);
    (UserId::from_bytes(id), false)
}
