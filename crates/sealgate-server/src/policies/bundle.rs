//! `GET /policy/bundle`: the version that counts, signed for whoever asks.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, StatusCode};
use sealgate_jose::Algorithm;
use sealgate_model::{ClientId, Timestamp};
use sealgate_policy::{
    BUNDLE_LIMIT, BUNDLE_TYPE, BundleClaims, Document, FORMAT, NONCE_LIMIT, digest_of,
};
use serde::Deserialize;

use crate::ControlPlane;
use crate::caller::Caller;
use crate::metrics;
use crate::oauth::client_auth::authenticate_basic;
use crate::problem::Problem;

/// What the reader wants to find in the answer.
#[derive(Deserialize)]
pub(super) struct Wanted {
    nonce: Option<String>,
}

/// What is handed out.
struct Version {
    number: u64,
    made_at: Timestamp,
    digest: String,
    document: String,
}

/// The bundle. Where nothing was ever applied it is version 0 and says nothing: signed too, so that no policies are
/// told apart from an answer that somebody else gave.
pub(super) async fn bundle(
    State(plane): State<Arc<ControlPlane>>,
    caller: Caller,
    headers: HeaderMap,
    query: Result<Query<Wanted>, QueryRejection>,
) -> Response {
    let client = match authenticate_basic(&plane, &caller, &headers, "policy.bundle").await {
        Ok(client) => client,
        Err(refusal) => return refusal,
    };
    let nonce = match query {
        Ok(Query(Wanted { nonce })) if nonce.as_deref().is_none_or(is_nonce) => nonce,
        _ => {
            let detail = "nonce is 1 to 128 of A-Z a-z 0-9 - _";
            return Problem::bad_request("policy_nonce_malformed", detail).into_response();
        }
    };
    match answer(&plane, &client.id, &headers, nonce).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

fn is_nonce(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=NONCE_LIMIT).contains(&text.len()) && text.bytes().all(plain)
}

async fn answer(
    plane: &Arc<ControlPlane>,
    client: &ClientId,
    headers: &HeaderMap,
    nonce: Option<String>,
) -> Result<Response, Problem> {
    let version = current(plane).await?;
    let etag = format!("\"{}.{}\"", version.number, &version.digest[..16]);
    // An answer to a question with a nonce says more than which version it is: it says so now.
    if nonce.is_none() && names(headers, &etag) {
        let headers = [(ETAG, etag.as_str()), (CACHE_CONTROL, "no-store")];
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    let token = sign(plane, client.clone(), version, nonce).await?;
    metrics::policy_bundle(token.len());
    let headers = [
        (CONTENT_TYPE, "application/jwt"),
        (ETAG, etag.as_str()),
        (CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, token).into_response())
}

async fn current(plane: &ControlPlane) -> Result<Version, Problem> {
    if let Some(stored) = plane.store.policy_current().await? {
        return Ok(Version {
            number: stored.version.version,
            made_at: stored.version.made_at,
            digest: stored.version.digest,
            document: stored.document,
        });
    }
    let document = Document::default().to_json().map_err(|error| {
        tracing::error!(%error, "an empty document of policies cannot be written");
        Problem::internal()
    })?;
    Ok(Version {
        number: 0,
        made_at: Timestamp::from_millis(0),
        digest: digest_of(&document),
        document,
    })
}

async fn sign(
    plane: &Arc<ControlPlane>,
    client: ClientId,
    version: Version,
    nonce: Option<String>,
) -> Result<String, Problem> {
    let number = version.number;
    let plane = Arc::clone(plane);
    let write = move || {
        let claims = BundleClaims {
            iss: plane.issuer.as_str(),
            aud: client.as_str(),
            iat: plane.clock.now().as_seconds(),
            nonce: nonce.as_deref(),
            format: FORMAT,
            version: version.number,
            made_at: version.made_at,
            digest: &version.digest,
            document: &version.document,
        };
        let capacity = 1024 + 2 * version.document.len();
        plane
            .keys
            .sign_long(Algorithm::Ed25519, BUNDLE_TYPE, &claims, capacity)
    };
    // A long one takes some milliseconds.
    let token = tokio::task::spawn_blocking(write).await;
    let token = token.map_err(|error| error.to_string());
    let token = token.and_then(|token| token.map_err(|error| error.to_string()));
    let token = token.and_then(|token| {
        if token.len() <= BUNDLE_LIMIT {
            Ok(token)
        } else {
            Err("it is too long for any gate".to_owned())
        }
    });
    token.map_err(|error| {
        tracing::error!(version = number, %error, "the bundle of policies cannot be signed");
        Problem::internal()
    })
}

/// Whether `If-None-Match` names `etag` (RFC 9110, 13.1.2, compared weakly). `*` is not honoured: a client that has
/// no bundle must not be told that it has one.
fn names(headers: &HeaderMap, etag: &str) -> bool {
    let lists = headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok());
    lists
        .flat_map(|list| list.split(','))
        .any(|tag| tag.trim().trim_start_matches("W/") == etag)
}
