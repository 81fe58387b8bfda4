//! Token status lists (draft-ietf-oauth-status-list-20): for resources that follow no feed, which tokens are
//! revoked.
//!
//! A token for a resource that is registered for it has a place in a list. What its bit says is worked out
//! from the revocation log whenever the list is asked for, by the same rules as a gate's view: nothing is
//! written when a session ends.

mod judge;
mod list;
mod place;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE};
use sealgate_jose::Algorithm;
use sealgate_model::Uptime;
use serde::Serialize;
use tokio::sync::Mutex as Turn;

use self::list::{STATUS_LIST_TYPE, StatusListClaims};
use crate::ControlPlane;
use crate::problem::Problem;

pub(crate) use list::StatusClaim;
pub(crate) use place::{Claimant, take};

/// Where the lists are, below the issuer.
pub(crate) const PATH: &str = "/status-lists";

/// For how long a list may be kept: the staleness bound that gates have without being told another.
const TTL: Duration = Duration::from_secs(10);

/// How long after it was made a list must not be believed any more.
const LIFE: Duration = Duration::from_secs(60);

/// The media type of a list (draft, 8.1).
const MEDIA_TYPE: &str = "application/statuslist+jwt";

/// How many lists are kept as they were written.
const KEPT: usize = 64;

/// Lists as they were written, and the turn to write one.
#[derive(Default)]
pub struct StatusLists {
    written: Mutex<HashMap<u64, (Uptime, Arc<str>)>>,
    turn: Turn<()>,
}

impl StatusLists {
    /// None written yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn kept(&self, number: u64, now: Uptime) -> Option<Arc<str>> {
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, token) = written.get(&number)?;
        // Half of what a reader may keep it for, so that nobody has one that is older than that plus this.
        (now.since(*at) < TTL / 2).then(|| Arc::clone(token))
    }

    fn keep(&self, number: u64, now: Uptime, token: &Arc<str>) {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if written.len() >= KEPT {
            written.retain(|_, (at, _)| now.since(*at) < TTL / 2);
        }
        if written.len() < KEPT {
            written.insert(number, (now, Arc::clone(token)));
        }
    }
}

pub(crate) fn routes() -> Router<Arc<ControlPlane>> {
    Router::new()
        .route(PATH, get(aggregation))
        .route("/status-lists/{number}", get(one))
}

/// The address of list `number`.
fn uri(plane: &ControlPlane, number: u64) -> String {
    plane.issuer.url(&format!("{PATH}/{number}"))
}

/// Every list there is (draft, 9.3).
#[derive(Serialize)]
struct Aggregation {
    status_lists: Vec<String>,
}

async fn aggregation(State(plane): State<Arc<ControlPlane>>) -> Result<Response, Problem> {
    let numbers = plane.store.status_lists(plane.clock.now()).await?;
    let lists = numbers.into_iter().map(|number| uri(&plane, number));
    let status_lists = lists.collect();
    Ok(public(Json(Aggregation { status_lists }).into_response()))
}

/// One list (draft, 8.1). Nothing of it is secret: it says which of the numbers in tokens are revoked, and
/// not whose they are.
async fn one(
    State(plane): State<Arc<ControlPlane>>,
    Path(number): Path<String>,
) -> Result<Response, Problem> {
    let unknown = || {
        Problem::new(
            StatusCode::NOT_FOUND,
            "status_list_unknown",
            "there is no such status list",
        )
    };
    let is_plain = number.len() <= 15 && number.bytes().all(|b| b.is_ascii_digit());
    let number: u64 = number
        .parse()
        .ok()
        .filter(|_| is_plain)
        .ok_or_else(unknown)?;
    let token = token(&plane, number).await?.ok_or_else(unknown)?;
    let headers = [
        (CONTENT_TYPE, MEDIA_TYPE.to_owned()),
        (CACHE_CONTROL, format!("public, max-age={}", TTL.as_secs())),
    ];
    Ok(public((headers, token.to_string()).into_response()))
}

/// Verifiers in browsers may read it too (draft, 8.1).
fn public(mut response: Response) -> Response {
    let anyone = http::HeaderValue::from_static("*");
    response
        .headers_mut()
        .insert(ACCESS_CONTROL_ALLOW_ORIGIN, anyone);
    response
}

/// The list's token, written at most once in a while however many ask; none if there is no such list.
async fn token(plane: &ControlPlane, number: u64) -> Result<Option<Arc<str>>, Problem> {
    if let Some(kept) = plane.status_lists.kept(number, plane.clock.uptime()) {
        return Ok(Some(kept));
    }
    let _turn = plane.status_lists.turn.lock().await;
    let read_at = plane.clock.uptime();
    if let Some(kept) = plane.status_lists.kept(number, read_at) {
        return Ok(Some(kept));
    }
    // The clock before the log, so that the list is never said to know more than it does.
    let now = plane.clock.now();
    let Some(list) = judge::judge(plane, number, now).await? else {
        return Ok(None);
    };
    let form = list.form().map_err(|error| {
        tracing::error!(%error, "a status list cannot be written");
        Problem::internal()
    })?;
    let claims = StatusListClaims {
        iss: plane.issuer.as_str().to_owned(),
        sub: uri(plane, number),
        iat: now.as_seconds(),
        exp: (now + LIFE).as_seconds(),
        ttl: TTL.as_secs(),
        status_list: form,
    };
    let signed = plane
        .keys
        .sign(Algorithm::Ed25519, STATUS_LIST_TYPE, &claims)
        .map_err(|error| {
            tracing::error!(%error, "a status list cannot be signed");
            Problem::internal()
        })?;
    let token: Arc<str> = signed.into();
    plane.status_lists.keep(number, read_at, &token);
    Ok(Some(token))
}
