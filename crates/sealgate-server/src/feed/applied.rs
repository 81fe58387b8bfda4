//! `POST /feed/applied`: a gate answers how far it has come.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequest as _, Request, State};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde::Deserialize;

use super::gates::InstanceUnknown;
use crate::ControlPlane;
use crate::admin::Body;
use crate::caller::Caller;
use crate::oauth::client_auth::authenticate_basic;
use crate::problem::Problem;

/// The longest answer that is read, in bytes.
pub(super) const LIMIT: usize = 1024;

/// How far a gate has come.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Applied {
    /// Which gate: the instance id that its stream was opened with.
    instance: String,
    /// The history that `seq` belongs to.
    epoch: String,
    /// Everything up to here it has.
    seq: u64,
    /// How many milliseconds ago the last moment was that it can prove.
    age: u64,
    /// The version of the policies that it has loaded; none: none, or it does not tell.
    #[serde(default)]
    policy: Option<u64>,
}

/// Takes the answer of a gate that follows as the client that authenticates.
pub(super) async fn applied(
    State(plane): State<Arc<ControlPlane>>,
    caller: Caller,
    request: Request,
) -> Response {
    let headers = request.headers();
    let client = match authenticate_basic(&plane, &caller, headers, "feed.applied").await {
        Ok(client) => client,
        Err(refusal) => return refusal,
    };
    let answer = async {
        let Body(applied) = Body::<Applied>::from_request(request, &()).await?;
        let epoch = plane.feed.epoch(&plane).await?;
        if applied.epoch != epoch.as_str() {
            return Err(Problem::new(
                StatusCode::CONFLICT,
                "feed_epoch_unknown",
                "this is not the epoch that is told here now",
            ));
        }
        let (gates, age) = (&plane.feed.gates, Duration::from_millis(applied.age));
        gates
            .applied(
                &client.id,
                &applied.instance,
                applied.seq,
                age,
                applied.policy,
                &*plane.clock,
            )
            .map_err(|InstanceUnknown| {
                Problem::new(
                    StatusCode::NOT_FOUND,
                    "feed_instance_unknown",
                    "no gate of this client follows the feed under this instance id",
                )
            })
    };
    match answer.await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(problem) => problem.into_response(),
    }
}
