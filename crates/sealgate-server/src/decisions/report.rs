//! `POST /gates/decisions`: a gate brings a batch of what it decided.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest as _, Request, State};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use sealgate_audit::decision::{Batch, BatchError, Index, MEDIA_TYPE, Stream, body_hash};
use sealgate_model::ClientId;
use sealgate_store::decisions::{Appended, NewBlock};
use sealgate_store::{Audit, AuditActor, StoreError};
use serde::Serialize;

use crate::caller::Caller;
use crate::oauth::client_auth::authenticate_basic;
use crate::problem::Problem;
use crate::{ControlPlane, metrics};

/// A batch that was made longer ago than this is not taken any more: what was kept is known for ninety days.
const OLDEST: Duration = Duration::from_secs(60 * 86_400);

/// What became of a batch.
#[derive(Debug, Serialize)]
struct Taken {
    /// Its number, by which the gate knows it.
    sequence: u64,
    /// Whether it was there before.
    known: bool,
}

/// Takes a batch of a gate of the client that authenticates. The answer comes when it is on the disk.
pub(super) async fn report(
    State(plane): State<Arc<ControlPlane>>,
    caller: Caller,
    request: Request,
) -> Response {
    let headers = request.headers();
    let client = match authenticate_basic(&plane, &caller, headers, "decisions.report").await {
        Ok(client) => client,
        Err(refusal) => return refusal,
    };
    match take(&plane, &caller, client.id, request).await {
        Ok(taken) => (StatusCode::OK, Json(taken)).into_response(),
        Err(problem) => {
            metrics::decisions_refused(problem.reason());
            problem.into_response()
        }
    }
}

async fn take(
    plane: &ControlPlane,
    caller: &Caller,
    client: ClientId,
    request: Request,
) -> Result<Taken, Problem> {
    let kind = request.headers().get(CONTENT_TYPE);
    if kind.is_none_or(|kind| kind.as_bytes() != MEDIA_TYPE.as_bytes()) {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "content_type_unsupported",
            "the Content-Type is not one this endpoint takes",
        ));
    }
    let body = Bytes::from_request(request, &()).await.map_err(|_| {
        Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            "the request body is too large",
        )
    })?;
    let now = plane.clock.now();
    let (block, seen) = {
        let batch = Batch::read(&body).map_err(|error| unsound(&error))?;
        if now.since(batch.made_at()) > OLDEST {
            return Err(Problem::new(
                StatusCode::GONE,
                "decisions_too_old",
                "the batch was made more than sixty days ago",
            ));
        }
        let block = NewBlock {
            stream: batch.stream(),
            client: client.as_str().to_owned(),
            instance: *batch.instance(),
            sequence: batch.sequence(),
            gate: batch.gate().to_owned(),
            lengths: batch.lengths(),
            index: Index::of(&batch),
            body_hash: body_hash(&body),
            body: body.to_vec(),
            at: now,
        };
        (block, metrics::DecisionsSeen::of(&batch, now))
    };
    let (sequence, stream, lost) = (block.sequence, block.stream, block.lengths.lost);
    let appended = plane.decisions.append(block).await;
    let appended = appended.map_err(|error| crowded(stream, &error))?;
    if matches!(appended, Appended::Kept(_)) {
        seen.count();
        // Each is in the log and in the counts. Only so many are told to the audit log: it is the one that sign-ins
        // wait for.
        let now = plane.clock.uptime();
        if lost > 0 && plane.gate_reports.tells_of_lost(&client, now) {
            record_lost(plane, caller, client, lost).await;
        }
    }
    Ok(Taken {
        sequence,
        known: appended == Appended::Known,
    })
}

/// Puts on record that a gate lost the records of decisions. The batch that says so is kept in any case.
async fn record_lost(plane: &ControlPlane, caller: &Caller, client: ClientId, lost: u64) {
    tracing::error!(%client, lost, reason = "decisions_lost", "a gate lost records of decisions");
    let act = Audit {
        reason: "decisions_lost".to_owned(),
        client: Some(client.clone()),
        count: u32::try_from(lost).unwrap_or(u32::MAX),
        ..Audit::allowed(
            plane.clock.now(),
            AuditActor::Client(client),
            "decisions.lost",
        )
    };
    if let Err(error) = plane.store.record(caller.record(act)).await {
        tracing::error!(%error, "lost decisions were not put on record");
    }
}

fn unsound(error: &BatchError) -> Problem {
    let status = match error {
        BatchError::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        BatchError::Version | BatchError::Malformed(_) => StatusCode::BAD_REQUEST,
    };
    Problem::new(status, error.code(), error.to_string())
}

/// The disk does not keep up, or is full.
fn crowded(stream: Stream, error: &StoreError) -> Problem {
    tracing::warn!(%error, stream = stream.as_str(), "a batch of decisions was not kept");
    let detail = "the batch was not kept: bring it again";
    match stream {
        // A gate may have to leave out some of these, and goes on with the others meanwhile.
        Stream::Allowed => Problem::throttled("decisions_crowded", detail, 1),
        Stream::Denied => Problem::unavailable("decisions_unavailable", detail, 1),
    }
}
