//! `GET /feed/events`: the stream, as server-sent events.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName};
use sealgate_model::ClientId;
use serde::Deserialize;

use super::evidence;
use super::gates::Presence;
use super::hub::Beat;
use super::subscriber::{CATCH_UP, RESET, Subscriber, Tie};
use crate::ControlPlane;
use crate::caller::Caller;
use crate::oauth::client_auth::authenticate_basic;
use crate::problem::Problem;

/// From where a stream is to go on, and who reads it.
#[derive(Deserialize)]
pub(super) struct Resume {
    epoch: Option<String>,
    after: Option<u64>,
    gate: Option<String>,
    instance: Option<String>,
    bound: Option<String>,
}

/// The stream from the place that the query names, or that `Last-Event-ID` does when a client
/// reconnects by itself. One `reset` event and the end, when it cannot go on from there.
pub(super) async fn events(
    State(plane): State<Arc<ControlPlane>>,
    caller: Caller,
    headers: HeaderMap,
    query: Result<Query<Resume>, QueryRejection>,
) -> Response {
    let client = match authenticate_basic(&plane, &caller, &headers, "feed.follow").await {
        Ok(client) => client,
        Err(refusal) => return refusal,
    };
    let Ok(Query(query)) = query else {
        return Problem::bad_request(
            "feed_position_malformed",
            "epoch is text, after is a number",
        )
        .into_response();
    };
    match subscribe(plane, client.id, &caller, &headers, query).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn subscribe(
    plane: Arc<ControlPlane>,
    client: ClientId,
    caller: &Caller,
    headers: &HeaderMap,
    query: Resume,
) -> Result<Response, Problem> {
    let position = position(&query, headers);
    let presence = presence(
        &client,
        caller,
        query,
        position.as_ref().map_or(0, |at| at.1),
    )?;
    let seat = plane.feed.take_place(&client)?;
    evidence::consider(&plane, &client, caller, headers).await?;
    let epoch = plane.feed.epoch(&plane).await?;
    let Some((_, after)) = position.filter(|(known, _)| known == epoch.as_str()) else {
        return Ok(sent_for_a_snapshot(&client));
    };
    let hub = plane.feed.hub(&plane, &client).await?;
    hub.advance(&plane, Beat::None).await?;
    let reached = hub.reached();
    if hub.epoch != epoch
        || after > reached.seq
        || after != reached.seq && reached.covers - after > CATCH_UP
    {
        return Ok(sent_for_a_snapshot(&client));
    }
    tracing::debug!(%client, after, "the feed has a subscriber");
    let guard = plane.feed.gates.arrive(presence, Arc::clone(&plane.clock));
    let tie = Tie::new(seat, guard);
    let subscriber = Subscriber::new(Arc::clone(&plane), Arc::clone(&hub), after, tie);
    hub.advance(&plane, Beat::Recent).await?;
    Ok(respond(Body::from_stream(subscriber.stream())))
}

fn presence(
    client: &ClientId,
    caller: &Caller,
    query: Resume,
    after: u64,
) -> Result<Presence, Problem> {
    // What is no number is out of bounds, as 0 is.
    let bound = query.bound.map(|bound| bound.parse().unwrap_or(0));
    let network = caller.address().map(str::to_owned);
    Presence::read(
        client.clone(),
        query.gate,
        query.instance,
        bound,
        network,
        after,
    )
}

fn sent_for_a_snapshot(client: &ClientId) -> Response {
    tracing::debug!(%client, "a subscriber is sent for a snapshot");
    respond(Body::from(RESET))
}

fn respond(body: Body) -> Response {
    // The last header tells nginx and those who follow its habit not to hold events back.
    let headers = [
        (CONTENT_TYPE, "text/event-stream"),
        (CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, body).into_response()
}

fn position(query: &Resume, headers: &HeaderMap) -> Option<(String, u64)> {
    if let (Some(epoch), Some(after)) = (&query.epoch, query.after) {
        return Some((epoch.clone(), after));
    }
    let (epoch, after) = headers
        .get("last-event-id")?
        .to_str()
        .ok()?
        .rsplit_once('.')?;
    Some((epoch.to_owned(), after.parse().ok()?))
}
