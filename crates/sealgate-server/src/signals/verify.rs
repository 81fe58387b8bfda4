//! `/ssf/verify`: a receiver asks whether its stream works (SSF 1.0, 8.1.4).

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use sealgate_oauth::signals::VerificationRequest;
use sealgate_store::{StreamStatus, Verification};

use super::access::{Json, Receiver, malformed, unknown};
use super::{VERIFICATION, about};
use crate::ControlPlane;
use crate::caller::Caller;
use crate::problem::Problem;

pub(super) const PATH: &str = "/verify";

pub(super) async fn verify(
    State(plane): State<Arc<ControlPlane>>,
    receiver: Receiver,
    caller: Caller,
    Json(body): Json,
) -> Result<StatusCode, Problem> {
    let asked = VerificationRequest::parse(&body).map_err(malformed)?;
    let stream = receiver.stream(&plane, &asked.stream_id).await?;
    if stream.status == StreamStatus::Disabled {
        return Err(Problem::bad_request(
            "signal_stream_disabled",
            "a stream that is disabled carries nothing",
        ));
    }
    let act = about(stream.id, receiver.act(&plane, &caller, "stream.verify"));
    let asked = plane
        .store
        .stream_verify(stream.id, asked.state, VERIFICATION, act)
        .await?;
    match asked {
        Verification::Queued => {
            plane.signals.wake();
            Ok(StatusCode::NO_CONTENT)
        }
        Verification::TooSoon(millis) => {
            let seconds = u32::try_from(millis.div_ceil(1000)).unwrap_or(u32::MAX);
            Err(Problem::throttled(
                "signal_verification_throttled",
                format!(
                    "a verification can be asked for every {} s",
                    VERIFICATION.as_secs()
                ),
                seconds,
            ))
        }
        Verification::Missing => Err(unknown()),
    }
}
