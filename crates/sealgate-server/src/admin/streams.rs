//! `/api/v1/signals/streams`: the streams of security events that receivers have made, how they are doing, and
//! an operator's word on them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use sealgate_model::{ClientId, StreamId, Timestamp};
use sealgate_oauth::signals::Delivery;
use sealgate_store::{Audit, Stream, StreamStatus};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::actor::Admin;
use super::extract::{Ask, Id, MaybeBody};
use super::page::Limit;
use super::schemas::{ClientIdText, Millis, StreamIdText, StreamStatusWord};
use crate::ControlPlane;
use crate::problem::Problem;
use crate::sign_in::address;

pub(super) fn routes() -> OpenApiRouter<Arc<ControlPlane>> {
    OpenApiRouter::default()
        .routes(routes!(list))
        .routes(routes!(show, remove))
        .routes(routes!(pause))
        .routes(routes!(resume))
}

/// The longest reason, in bytes.
const REASON: usize = 200;

/// A stream of security events to a receiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StreamView {
    /// Its id.
    #[schema(value_type = StreamIdText)]
    pub id: StreamId,
    /// The client that receives it, and that made it.
    #[schema(value_type = ClientIdText)]
    pub client: ClientId,
    /// How it is delivered: `urn:ietf:rfc:8935` (push) or `urn:ietf:rfc:8936` (poll).
    pub method: String,
    /// Where it is pushed to; none: the receiver polls.
    pub endpoint: Option<String>,
    /// What the receiver says of it.
    pub description: Option<String>,
    /// The event types that it carries, by URI.
    pub events: Vec<String>,
    /// Whether it carries anything.
    #[schema(value_type = StreamStatusWord)]
    pub status: StreamStatus,
    /// Why it has this status.
    pub status_reason: Option<String>,
    /// Whether the status is an operator's, which the receiver cannot change.
    pub held: bool,
    /// How many events wait.
    pub queued: u64,
    /// How many were delivered.
    pub delivered: u64,
    /// How many were lost: the queue was full, they became too old, or the receiver refused them.
    pub dropped: u64,
    /// How many tries to push have failed in a row.
    pub failures: u32,
    /// What went wrong last, as a reason code.
    pub last_error: Option<String>,
    /// When that was.
    #[schema(value_type = Option<Millis>)]
    pub last_error_at: Option<Timestamp>,
    /// When it was made.
    #[schema(value_type = Millis)]
    pub created_at: Timestamp,
}

impl From<Stream> for StreamView {
    fn from(stream: Stream) -> Self {
        let events = crate::signals::carried(&stream.config.kinds);
        let push = stream.config.push;
        let method = match &push {
            Some(_) => Delivery::PUSH,
            None => Delivery::POLL,
        };
        let (last_error, last_error_at) = stream.last_error.unzip();
        Self {
            id: stream.id,
            client: stream.client,
            method: method.to_owned(),
            endpoint: push.map(|push| push.url),
            description: stream.config.description,
            events,
            status: stream.status,
            status_reason: stream.status_reason,
            held: stream.held,
            queued: stream.queued,
            delivered: stream.delivered,
            dropped: stream.dropped,
            failures: stream.failures,
            last_error,
            last_error_at,
            created_at: stream.created_at,
        }
    }
}

/// Which streams to list.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListStreams {
    /// Only this client's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = ClientIdText, required = false)]
    pub client: Option<ClientId>,
    /// Only those after this one: the `next` of the answer before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = StreamIdText, required = false)]
    pub after: Option<StreamId>,
    /// How many at most.
    #[serde(default)]
    #[param(required = false)]
    pub limit: Limit,
}

/// Streams of security events, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Streams {
    /// At most `limit` streams.
    pub streams: Vec<StreamView>,
    /// What to give as `after` for more; none at the end.
    #[schema(value_type = Option<StreamIdText>)]
    pub next: Option<StreamId>,
}

/// List the streams of security events, oldest first.
#[utoipa::path(
    get, path = "/signals/streams", tag = "signals", operation_id = "listStreams",
    params(ListStreams),
    responses((status = OK, description = "Streams.", body = Streams)),
    security(("oauth2" = ["sealgate:signals:read"])),
)]
async fn list(
    State(plane): State<Arc<ControlPlane>>,
    Ask(query): Ask<ListStreams>,
) -> Result<Json<Streams>, Problem> {
    let all = plane.store.streams(query.client.as_ref()).await?;
    let key = |stream: &Stream| stream.id;
    let (page, next) = query.limit.slice(all, query.after.as_ref(), key);
    let streams = page.into_iter().map(StreamView::from).collect();
    Ok(Json(Streams { streams, next }))
}

/// Show one stream.
#[utoipa::path(
    get, path = "/signals/streams/{id}", tag = "signals", operation_id = "showStream",
    params(("id" = StreamIdText, Path)),
    responses(
        (status = OK, description = "The stream.", body = StreamView),
        (status = NOT_FOUND, description = "There is no such stream."),
    ),
    security(("oauth2" = ["sealgate:signals:read"])),
)]
async fn show(
    State(plane): State<Arc<ControlPlane>>,
    Id(id): Id<StreamId>,
) -> Result<Json<StreamView>, Problem> {
    Ok(Json(find(&plane, id).await?.into()))
}

/// Why a stream is paused or resumed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StreamReason {
    /// What the receiver is told, up to 200 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200)]
    pub reason: Option<String>,
}

/// Pause a stream: what happens is kept, up to 10,000 events and three days. Its receiver is told, and
/// cannot enable it again.
#[utoipa::path(
    post, path = "/signals/streams/{id}/pause", tag = "signals", operation_id = "pauseStream",
    params(("id" = StreamIdText, Path)),
    request_body(content = Option<StreamReason>, example = json!({ "reason": "Maintenance" })),
    responses(
        (status = OK, description = "The stream as it is now.", body = StreamView),
        (status = NOT_FOUND, description = "There is no such stream."),
    ),
    security(("oauth2" = ["sealgate:signals:write"])),
)]
async fn pause(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    Id(id): Id<StreamId>,
    MaybeBody(why): MaybeBody<StreamReason>,
) -> Result<Json<StreamView>, Problem> {
    let stream = find(&plane, id).await?;
    let act = about(&stream, admin.act(&plane, "stream.pause"));
    set(&plane, &stream, StreamStatus::Paused, true, why, act).await
}

/// Enable a stream again, whoever has paused or disabled it. Its receiver is told.
#[utoipa::path(
    post, path = "/signals/streams/{id}/resume", tag = "signals", operation_id = "resumeStream",
    params(("id" = StreamIdText, Path)),
    request_body(content = Option<StreamReason>, example = json!({ "reason": "Maintenance is over" })),
    responses(
        (status = OK, description = "The stream as it is now.", body = StreamView),
        (status = NOT_FOUND, description = "There is no such stream."),
    ),
    security(("oauth2" = ["sealgate:signals:write"])),
)]
async fn resume(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    Id(id): Id<StreamId>,
    MaybeBody(why): MaybeBody<StreamReason>,
) -> Result<Json<StreamView>, Problem> {
    let stream = find(&plane, id).await?;
    let act = about(&stream, admin.act(&plane, "stream.resume"));
    set(&plane, &stream, StreamStatus::Enabled, false, why, act).await
}

/// Remove a stream with all that waits on it. Its receiver is not told, and can make another.
#[utoipa::path(
    delete, path = "/signals/streams/{id}", tag = "signals", operation_id = "removeStream",
    params(("id" = StreamIdText, Path)),
    responses(
        (status = NO_CONTENT, description = "It is removed."),
        (status = NOT_FOUND, description = "There is no such stream."),
    ),
    security(("oauth2" = ["sealgate:signals:write"])),
)]
async fn remove(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    Id(id): Id<StreamId>,
) -> Result<StatusCode, Problem> {
    let stream = find(&plane, id).await?;
    let act = about(&stream, admin.act(&plane, "stream.remove"));
    if plane.store.stream_remove(id, act).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(unknown())
    }
}

async fn set(
    plane: &ControlPlane,
    stream: &Stream,
    status: StreamStatus,
    held: bool,
    why: StreamReason,
    act: Audit,
) -> Result<Json<StreamView>, Problem> {
    let reason = why.reason.map(sound).transpose()?;
    let done = plane
        .store
        .stream_set_status(stream.id, status, reason, Some(held), true, act)
        .await?;
    if !done {
        return Err(unknown());
    }
    plane.signals.wake();
    Ok(Json(find(plane, stream.id).await?.into()))
}

fn sound(text: String) -> Result<String, Problem> {
    if text.len() <= REASON && !text.trim().is_empty() && !text.chars().any(address::is_hidden) {
        Ok(text)
    } else {
        Err(Problem::unprocessable(
            "reason_malformed",
            "a reason has 1 to 200 bytes and no control or hidden characters",
        ))
    }
}

fn about(stream: &Stream, act: Audit) -> Audit {
    Audit {
        client: Some(stream.client.clone()),
        object: Some(stream.id.to_string()),
        ..act
    }
}

async fn find(plane: &ControlPlane, id: StreamId) -> Result<Stream, Problem> {
    plane.store.stream(id).await?.ok_or_else(unknown)
}

fn unknown() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "signal_stream_unknown",
        "there is no such stream",
    )
}
