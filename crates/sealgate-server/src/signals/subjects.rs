//! `/ssf/subjects/add` and `/ssf/subjects/remove`: of whom a stream tells (SSF 1.0, 8.1.3).
//!
//! A stream tells of everybody whom its client may know of, and the receiver may leave users out. Whether a
//! user exists is never told: an unknown one is answered as a known one. A subject that is more than one user
//! changes nothing, so that nobody is left out by mistake.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
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
    let Some(user) = user(plane, &asked.subject).await? else {
        return Ok(());
    };
    let action = if told {
        "stream.add_subject"
    } else {
        "stream.remove_subject"
    };
    let act = Audit {
        user: Some(user),
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

/// The one user that a subject names, if there is one here.
async fn user(plane: &ControlPlane, subject: &Subject) -> Result<Option<UserId>, StoreError> {
    let id = match subject {
        Subject::Simple(id) => id,
        Subject::Complex(complex) => match complex.get("user") {
            Some(id) if complex.members().count() == 1 => id,
            _ => return Ok(None),
        },
    };
    let found = match id {
        SubjectId::IssSub { iss, sub } if iss == plane.issuer.as_str() => match sub.parse() {
            Ok(id) => plane.store.user(id).await?,
            Err(_) => None,
        },
        SubjectId::Email(email) => plane.store.user_by_email(email).await?,
        _ => None,
    };
    Ok(found.map(|user| user.id))
}
