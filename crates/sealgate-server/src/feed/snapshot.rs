//! `GET /feed/snapshot`: everything that is revoked, as one signed message.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, StatusCode};
use sealgate_jose::Algorithm;
use sealgate_revocation::{MESSAGE_TYPE, Publisher, SNAPSHOT_LIMIT};
use sealgate_store::Client;

use super::log::read_whole;
use crate::ControlPlane;
use crate::caller::Caller;
use crate::oauth::client_auth::authenticate_basic;
use crate::problem::Problem;

/// The snapshot. 304 for a client that names the one it has; it proves nothing about freshness then.
pub(super) async fn snapshot(
    State(plane): State<Arc<ControlPlane>>,
    caller: Caller,
    headers: HeaderMap,
) -> Response {
    let client = match authenticate_basic(&plane, &caller, &headers, "feed.snapshot").await {
        Ok(client) => client,
        Err(refusal) => return refusal,
    };
    match write(&plane, &client, &headers).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn write(
    plane: &ControlPlane,
    client: &Client,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let epoch = plane.feed.epoch(plane).await?;
    let etag = |seq: u64| format!("\"{epoch}.{seq}\"");
    let current = etag(plane.store.revocation_head().await?);
    if names(headers, &current) {
        return Ok((
            StatusCode::NOT_MODIFIED,
            [(ETAG, current.as_str()), (CACHE_CONTROL, "no-store")],
        )
            .into_response());
    }
    let Ok(_turn) = plane.feed.snapshots.acquire().await else {
        return Err(Problem::internal());
    };
    let whole = read_whole(plane, &client.id).await?;
    let since = plane.feed.since(plane);
    let mut publisher = Publisher::new(
        plane.issuer.clone(),
        client.id.clone(),
        epoch.clone(),
        whole.head,
        since,
    );
    let message = publisher.snapshot(whole.entries, Vec::new(), None, whole.as_of, &*plane.random);
    let token = plane
        .keys
        .sign(Algorithm::Ed25519, MESSAGE_TYPE, &message)
        .map_err(|error| {
            tracing::error!(client = %client.id, %error, "a snapshot cannot be signed");
            Problem::internal()
        })?;
    if token.len() > SNAPSHOT_LIMIT {
        tracing::error!(client = %client.id, bytes = token.len(), "a snapshot is too long for any gate");
        return Err(Problem::unavailable(
            "feed_snapshot_too_large",
            "too much is revoked for one snapshot",
            60,
        ));
    }
    let headers = [
        (CONTENT_TYPE, "application/secevent+jwt"),
        (ETAG, &etag(whole.head)),
        // A snapshot from a cache would be taken for a fresh one.
        (CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, token).into_response())
}

/// Whether `If-None-Match` names `etag` (RFC 9110, 13.1.2, compared weakly). `*` is not honoured: a
/// client that has no snapshot must not be told that it has one.
fn names(headers: &HeaderMap, etag: &str) -> bool {
    let lists = headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok());
    lists
        .flat_map(|list| list.split(','))
        .any(|tag| tag.trim().trim_start_matches("W/") == etag)
}
