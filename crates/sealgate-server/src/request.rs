//! What holds for every request: a trace id, a bound on its body, an answer even when a handler
//! panics, and one line in the log.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody as _, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use http_body_util::LengthLimitError;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::connection::closed;
use crate::problem::{Problem, TraceId, sign_page};
use crate::{BODY_LIMIT, ControlPlane};

/// How long a request's body may take to arrive. The largest is 64 KiB.
const BODY_TIME: Duration = Duration::from_secs(10);

/// How much longer a body may take once the server begins to stop.
const BODY_TIME_CLOSING: Duration = Duration::from_secs(1);

/// The response header that carries the trace id.
const TRACE_HEADER: HeaderName = HeaderName::from_static("sealgate-trace");

/// The outermost layer: the trace id, in and out, and the line in the log.
pub(crate) async fn trace(
    State(plane): State<Arc<ControlPlane>>,
    mut request: Request,
    next: Next,
) -> Response {
    let trace = TraceId::generate(&*plane.random);
    let started = plane.clock.uptime();
    let method = request.method().clone();
    // The path only: queries carry codes, invitation tokens and sealed requests.
    let path = request.uri().path().to_owned();
    request.extensions_mut().insert(trace.clone());

    let mut answer = next.run(request).await;
    sign_page(&mut answer, &trace);
    if let Ok(value) = HeaderValue::from_str(trace.as_str()) {
        answer.headers_mut().insert(TRACE_HEADER, value);
    }
    let millis = u64::try_from(plane.clock.uptime().since(started).as_millis()).unwrap_or(u64::MAX);
    let status = answer.status().as_u16();
    tracing::debug!(%method, path, status, millis, trace = trace.as_str(), "request");
    answer
}

/// The innermost layer: a bound on the body, in bytes and in time, and an answer whatever the endpoint
/// does.
pub(crate) async fn contain(
    State(closing): State<watch::Receiver<bool>>,
    request: Request,
    next: Next,
) -> Response {
    if declares_too_much(request.headers()) {
        // Refused before a byte of it is read, and whatever the endpoint.
        return from_framework(StatusCode::PAYLOAD_TOO_LARGE).into_response();
    }
    let request = match arrived(request, closing).await {
        Ok(request) => request,
        Err(problem) => return problem.into_response(),
    };
    // A panic that reached hyper would drop the connection, and the caller could not tell it from a
    // network fault. The hook set at start has logged where it happened.
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    let answer = answer.unwrap_or_else(|_| Problem::internal().into_response());
    if is_framework_refusal(&answer) {
        from_framework(answer.status()).into_response()
    } else {
        answer
    }
}

/// The request with its whole body, which is small everywhere: no endpoint waits for a peer that
/// trickles, and neither does a server that is to stop.
async fn arrived(request: Request, closing: watch::Receiver<bool>) -> Result<Request, Problem> {
    if request.body().is_end_stream() {
        return Ok(request);
    }
    let (parts, body) = request.into_parts();
    let stopped = async {
        closed(closing).await;
        sleep(BODY_TIME_CLOSING).await;
    };
    let bytes = tokio::select! {
        read = timeout(BODY_TIME, to_bytes(body, BODY_LIMIT)) => read,
        () = stopped => {
            return Err(Problem::unavailable("server_closing", "the control plane is shutting down", 1));
        }
    };
    let slow = |_| {
        Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "body_too_slow",
            "the request body did not arrive in time",
        )
    };
    match bytes.map_err(slow)? {
        Ok(bytes) => Ok(Request::from_parts(parts, Body::from(bytes))),
        Err(error) => Err(from_framework(
            if error.into_inner().is::<LengthLimitError>() {
                StatusCode::PAYLOAD_TOO_LARGE
            } else {
                StatusCode::BAD_REQUEST
            },
        )),
    }
}

/// Whether the declared length is past the limit. A body sent without one is cut off by the body
/// limit when it is read.
fn declares_too_much(headers: &HeaderMap) -> bool {
    let declared = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok());
    declared.is_some_and(|text| {
        text.parse::<usize>()
            .map_or(true, |length| length > BODY_LIMIT)
    })
}

/// Whether axum or one of its extractors wrote this response: none of our endpoints refuses in
/// plain text.
fn is_framework_refusal(answer: &Response) -> bool {
    let status = answer.status();
    let refused = status.is_client_error() || status.is_server_error();
    let kind = answer.headers().get(CONTENT_TYPE);
    refused && kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain"))
}

/// The framework's refusal as one of ours.
fn from_framework(status: StatusCode) -> Problem {
    let (reason, detail) = match status {
        StatusCode::PAYLOAD_TOO_LARGE => ("body_too_large", "the request body is too large"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => (
            "content_type_unsupported",
            "the Content-Type is not one this endpoint takes",
        ),
        status if status.is_client_error() => (
            "request_malformed",
            "the request is not what this endpoint takes",
        ),
        _ => return Problem::internal(),
    };
    Problem::new(status, reason, detail)
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::extract::{DefaultBodyLimit, Query};
    use axum::middleware::from_fn_with_state;
    use axum::routing::{get, post};
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    use super::*;
    use crate::problem::ProblemPage;

    async fn panics() -> &'static str {
        panic!("a defect")
    }

    async fn answer(request: http::Request<Body>) -> (StatusCode, ProblemPage) {
        let app = Router::new()
            .route("/panic", get(panics))
            .route("/query", get(|Query(_): Query<Vec<(String, u8)>>| async {}))
            .route("/body", post(|_: String| async {}))
            .layer(DefaultBodyLimit::max(BODY_LIMIT))
            .layer(from_fn_with_state(watch::channel(false).1, contain));
        let response = app.oneshot(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn a_panic_is_a_problem_page_that_does_not_tell_what_happened() {
        let (status, page) =
            answer(http::Request::get("/panic").body(Body::empty()).unwrap()).await;
        assert_eq!(
            (status.as_u16(), page.reason.as_str()),
            (500, "internal_error")
        );
        assert!(!page.detail.contains("defect"));
    }

    #[tokio::test]
    async fn a_refusal_by_an_extractor_is_a_problem_page() {
        let (status, page) = answer(
            http::Request::get("/query?a=x")
                .body(Body::empty())
                .unwrap(),
        )
        .await;
        assert_eq!(
            (status.as_u16(), page.reason.as_str()),
            (400, "request_malformed")
        );
    }

    #[tokio::test]
    async fn a_body_past_the_limit_is_refused_declared_or_not() {
        let large = || Body::from(vec![b'a'; BODY_LIMIT + 1]);
        let (status, page) = answer(http::Request::post("/body").body(large()).unwrap()).await;
        assert_eq!(
            (status.as_u16(), page.reason.as_str()),
            (413, "body_too_large")
        );
        let declared = http::Request::post("/panic").header(CONTENT_LENGTH, BODY_LIMIT + 1);
        assert_eq!(
            answer(declared.body(Body::empty()).unwrap()).await.1.reason,
            "body_too_large"
        );
        let nonsense =
            http::Request::post("/panic").header(CONTENT_LENGTH, "99999999999999999999999");
        assert_eq!(
            answer(nonsense.body(Body::empty()).unwrap()).await.1.reason,
            "body_too_large"
        );
    }
}
