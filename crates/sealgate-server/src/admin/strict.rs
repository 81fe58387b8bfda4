//! What holds for every operation of the API: nothing is taken that is not described, and nothing that
//! was answered is kept.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::HeaderValue;
use http::header::CACHE_CONTROL;

use super::needs::Operations;
use crate::problem::Problem;

/// Refuses parameters where there are none. Operations that take some check them themselves.
pub(super) async fn layer(
    State(operations): State<Arc<Operations>>,
    request: Request,
    next: Next,
) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let operation = operations.at(request.method(), request.uri().path());
    if !query.is_empty() && operation.is_some_and(|operation| !operation.takes_query) {
        let problem = Problem::bad_request("query_malformed", "this takes no parameters");
        return problem.into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}
