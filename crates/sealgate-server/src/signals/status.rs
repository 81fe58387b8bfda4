//! `/ssf/status`: whether a stream carries anything (SSF 1.0, 8.1.2).

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use http::StatusCode;
use sealgate_oauth::signals::StatusRequest;
use sealgate_store::{Stream, StreamStatus};
use serde::Deserialize;
use serde_json::{Value, json};

use super::access::{Json, Receiver, malformed, unknown};
use super::{about, streams};
use crate::ControlPlane;
use crate::admin::extract::Ask;
use crate::caller::Caller;
use crate::problem::Problem;

pub(super) const PATH: &str = "/status";

/// Which stream a query is about.
#[derive(Deserialize)]
pub(super) struct Which {
    stream_id: Option<String>,
}

pub(super) async fn read(
    State(plane): State<Arc<ControlPlane>>,
    receiver: Receiver,
    Ask(which): Ask<Which>,
) -> Result<Answer<Value>, Problem> {
    let id = which.stream_id.ok_or_else(streams::missing)?;
    let stream = receiver.stream(&plane, &id).await?;
    Ok(Answer(view(&stream)))
}

/// The receiver changes it. It knows that it did, so that no event tells it; what an operator has paused, it
/// cannot enable.
pub(super) async fn update(
    State(plane): State<Arc<ControlPlane>>,
    receiver: Receiver,
    caller: Caller,
    Json(body): Json,
) -> Result<Answer<Value>, Problem> {
    let asked = StatusRequest::parse(&body).map_err(malformed)?;
    let known = StreamStatus::ALL.into_iter();
    let status = known
        .into_iter()
        .find(|status| status.as_str() == asked.status)
        .ok_or_else(|| {
            Problem::bad_request(
                "signal_request_malformed",
                "status is enabled, paused or disabled",
            )
        })?;
    let mut stream = receiver.stream(&plane, &asked.stream_id).await?;
    if stream.held {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "signal_stream_held",
            "the transmitter's operator has set the status of this stream",
        ));
    }
    let act = about(stream.id, receiver.act(&plane, &caller, "stream.status"));
    let reason = asked.reason;
    let done = plane
        .store
        .stream_set_status(stream.id, status, reason.clone(), None, false, act)
        .await?;
    if !done {
        return Err(unknown());
    }
    plane.signals.wake();
    (stream.status, stream.status_reason) = (status, reason);
    Ok(Answer(view(&stream)))
}

fn view(stream: &Stream) -> Value {
    let mut view = json!({ "stream_id": stream.id, "status": stream.status });
    if let Some(reason) = &stream.status_reason {
        view["reason"] = reason.as_str().into();
    }
    view
}
