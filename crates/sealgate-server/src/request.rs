//! What holds for every request: a trace id, a bound on its body, an answer even when a handler
//! panics, and one line in the log.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _, to_bytes};
use axum::extract::{MatchedPath, Request};
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError};
use sealgate_policy::BUNDLE_LIMIT;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tracing::Instrument as _;

use crate::connection::closed;
use crate::problem::{Problem, TraceId, sign_page};
use crate::{BODY_LIMIT, ControlPlane, admin, metrics};

/// How long a request's body may take to arrive. The largest that strangers send is 64 KiB.
const BODY_TIME: Duration = Duration::from_secs(10);

/// How much longer a body may take once the server begins to stop.
const BODY_TIME_CLOSING: Duration = Duration::from_secs(5);

/// The response header that carries the trace id.
const TRACE_HEADER: HeaderName = HeaderName::from_static("sealgate-trace");

/// The outermost layer: the trace id, in and out, the spans of log and traces, the line in the log and
/// the count.
pub(crate) async fn trace<A>(
    plane: &ControlPlane,
    mut request: Request,
    answering: impl FnOnce(Request) -> A,
) -> Response
where
    A: Future<Output = Response>,
{
    let trace = TraceId::generate(&*plane.random);
    let started = plane.clock.uptime();
    let method = request.method().clone();
    // The path only: queries carry codes, invitation tokens and sealed requests.
    let path = request.uri().path().to_owned();
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let route = matched.as_ref().map_or("none", MatchedPath::as_str);
    let route = below(plane.issuer.path(), route);
    // What is logged on the way has the trace id.
    let logged = tracing::error_span!("request", trace = trace.as_str());
    let traced = exchange(&trace, &method, route, request.headers());
    request.extensions_mut().insert(trace.clone());

    let mut answer = answering(request)
        .instrument(traced.clone())
        .instrument(logged.clone())
        .await;
    sign_page(&mut answer, &trace);
    if let Ok(value) = HeaderValue::from_str(trace.as_str()) {
        answer.headers_mut().insert(TRACE_HEADER, value);
    }
    let took = plane.clock.uptime().since(started);
    let status = answer.status();
    metrics::answered(route, &method, status, took);
    traced.record("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        traced.record("otel.status_code", "ERROR");
    }
    let (millis, status) = (took.as_millis(), status.as_u16());
    logged.in_scope(|| tracing::debug!(%method, path, status, millis, "request"));
    answer
}

/// The span of a request in traces, after OpenTelemetry's conventions for HTTP servers. Nothing is made
/// unless traces are sent somewhere. `trace` becomes the trace's id; a trace that the caller is in is
/// linked, not continued, or strangers would choose our ids and what is sampled.
fn exchange(trace: &TraceId, method: &Method, route: &str, headers: &HeaderMap) -> tracing::Span {
    let method = metrics::known(method);
    tracing::trace_span!(
        target: "telemetry",
        "exchange",
        trace = trace.as_str(),
        caller = traceparent(headers),
        otel.name = format_args!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = tracing::field::Empty,
        http.request.method = method,
        http.route = route,
        http.response.status_code = tracing::field::Empty,
    )
}

/// The caller's place in a trace of its own, if it tells one (W3C Trace Context, 3.2; version 00).
fn traceparent(headers: &HeaderMap) -> Option<&str> {
    let mut told = headers.get_all("traceparent").iter();
    let (Some(text), None) = (told.next(), told.next()) else {
        return None;
    };
    let text = text.to_str().ok()?;
    let mut parts = text.split('-');
    let mut hex = |length: usize| {
        let part = parts.next()?;
        let lower = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        (part.len() == length && part.bytes().all(lower)).then_some(part)
    };
    let (version, trace, parent) = (hex(2)?, hex(32)?, hex(16)?);
    hex(2)?;
    let something = |part: &str| part.bytes().any(|byte| byte != b'0');
    let sound = version == "00" && something(trace) && something(parent) && parts.next().is_none();
    sound.then_some(text)
}

/// A route's template without the issuer's path, which is in front of nearly all and tells nothing.
pub(crate) fn below<'a>(path: &str, route: &'a str) -> &'a str {
    match route.strip_prefix(path) {
        Some("") => "/",
        Some(rest) if rest.starts_with('/') => rest,
        _ => route,
    }
}

/// The innermost layer: a bound on the body, in bytes and in time, and an answer whatever the endpoint
/// does.
pub(crate) async fn contain<A>(
    closing: watch::Receiver<bool>,
    request: Request,
    answering: impl FnOnce(Request) -> A,
) -> Response
where
    A: Future<Output = Response>,
{
    let limit = body_limit(request.uri().path());
    if declares_too_much(request.headers(), limit) {
        // Refused before a byte of it is read, and whatever the endpoint.
        return from_framework(StatusCode::PAYLOAD_TOO_LARGE).into_response();
    }
    let waits = limit > BODY_LIMIT && !request.body().is_end_stream();
    let (request, late) = if waits {
        // What strangers send is not held in memory before it is known who they are.
        let (late, request) = Late::of(request, limit, closing);
        (request, Some(late))
    } else {
        match arrived(request, limit, closing).await {
            Ok(request) => (request, None),
            Err(problem) => return problem.into_response(),
        }
    };
    // A panic that reached hyper would drop the connection, and the caller could not tell it from a
    // network fault. The hook set at start has logged where it happened.
    let answer = AssertUnwindSafe(answering(request)).catch_unwind().await;
    let answer = answer.unwrap_or_else(|_| Problem::internal().into_response());
    if let Some(late) = late {
        late.pass_over().await;
    }
    if is_framework_refusal(&answer) {
        from_framework(answer.status()).into_response()
    } else {
        answer
    }
}

/// The most bytes that the endpoint at this path reads: what is declared as a whole is longer than anything else.
fn body_limit(path: &str) -> usize {
    let is_long = |end: &&str| {
        let before = path.strip_suffix(*end);
        before.is_some_and(|before| before.ends_with(admin::BASE))
    };
    if admin::state::LONG.iter().any(is_long) {
        admin::state::STATE_LIMIT
    } else if is_long(&admin::policies::PATH) {
        BUNDLE_LIMIT
    } else {
        BODY_LIMIT
    }
}

/// A body that may be long, which is read once the caller is known.
#[derive(Clone)]
struct Late {
    body: Arc<Mutex<Option<Body>>>,
    limit: usize,
    closing: watch::Receiver<bool>,
}

impl Late {
    /// Takes the body out of the request, in which it can be found again by [`late`].
    fn of(request: Request, limit: usize, closing: watch::Receiver<bool>) -> (Self, Request) {
        let (mut parts, body) = request.into_parts();
        let late = Self {
            body: Arc::new(Mutex::new(Some(body))),
            limit,
            closing,
        };
        parts.extensions.insert(late.clone());
        (late, Request::from_parts(parts, Body::empty()))
    }

    fn take(&self) -> Option<Body> {
        self.body
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// Lets a body pass that nobody has read, so that its sender reads the answer. Nothing of it is kept.
    async fn pass_over(self) {
        let Some(mut body) = self.take() else {
            return;
        };
        let mut left = self.limit;
        let passing = async {
            while let Some(Ok(frame)) = body.frame().await {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                if bytes > left {
                    return;
                }
                left -= bytes;
            }
        };
        tokio::select! {
            _ = timeout(BODY_TIME, passing) => {}
            () = closed(self.closing) => {}
        }
    }
}

/// The request with its body, where that was left until the caller is known.
///
/// # Errors
/// As it is too long, too slow, or does not arrive.
pub(crate) async fn late(mut request: Request) -> Result<Request, Problem> {
    let Some(late) = request.extensions_mut().remove::<Late>() else {
        return Ok(request);
    };
    let Some(body) = late.take() else {
        return Ok(request);
    };
    let (parts, _) = request.into_parts();
    arrived(Request::from_parts(parts, body), late.limit, late.closing).await
}

/// The request with its whole body, which is small everywhere: no endpoint waits for a peer that
/// trickles, and neither does a server that is to stop.
async fn arrived(
    request: Request,
    limit: usize,
    closing: watch::Receiver<bool>,
) -> Result<Request, Problem> {
    if request.body().is_end_stream() {
        return Ok(request);
    }
    let (parts, body) = request.into_parts();
    let stopped = async {
        closed(closing).await;
        sleep(BODY_TIME_CLOSING).await;
    };
    let bytes = tokio::select! {
        read = timeout(BODY_TIME, to_bytes(body, limit)) => read,
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
fn declares_too_much(headers: &HeaderMap, limit: usize) -> bool {
    let declared = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok());
    declared.is_some_and(|text| text.parse::<usize>().map_or(true, |length| length > limit))
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
    use axum::extract::Query;
    use axum::middleware::{Next, from_fn};
    use axum::routing::{get, post};
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
    use tower::ServiceExt as _;

    use super::*;
    use crate::problem::ProblemPage;

    #[test]
    fn a_route_is_named_without_the_issuers_path() {
        assert_eq!(below("", "/oauth/token"), "/oauth/token");
        assert_eq!(below("/a", "/a/oauth/token"), "/oauth/token");
        assert_eq!(below("/a", "/a"), "/");
        assert_eq!(below("/a", "/api/v1/users"), "/api/v1/users");
    }

    #[test]
    fn a_callers_trace_is_read_only_in_its_one_form() {
        let read = |lines: &[&str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append("traceparent", line.parse().unwrap());
            }
            traceparent(&headers).map(str::to_owned)
        };
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(read(&[good]).as_deref(), Some(good));
        assert_eq!(read(&[]), None);
        assert_eq!(read(&[good, good]), None);
        for wrong in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
        ] {
            assert_eq!(read(&[wrong]), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn whatever_a_caller_tells_of_its_trace_only_the_one_form_is_taken(
            bytes in proptest::collection::vec(any::<u8>(), 0..80),
        ) {
            let mut headers = HeaderMap::new();
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                headers.insert("traceparent", value);
            }
            if let Some(taken) = traceparent(&headers) {
                prop_assert!(taken.starts_with("00-") && taken.len() == 55);
            }
        }

        #[test]
        fn a_callers_trace_in_its_form_is_taken(text in "00-[0-9a-f]{31}1-1[0-9a-f]{15}-[0-9a-f]{2}") {
            let mut headers = HeaderMap::new();
            headers.insert("traceparent", text.parse().unwrap());
            prop_assert_eq!(traceparent(&headers), Some(text.as_str()));
        }
    }

    async fn panics() -> &'static str {
        panic!("a defect")
    }

    async fn answer(request: http::Request<Body>) -> (StatusCode, ProblemPage) {
        let app = Router::new()
            .route("/panic", get(panics))
            .route("/query", get(|Query(_): Query<Vec<(String, u8)>>| async {}))
            .route("/body", post(|_: String| async {}))
            .layer(from_fn(|request: Request, next: Next| {
                contain(watch::channel(false).1, request, |request| {
                    next.run(request)
                })
            }));
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
