//! Refusals as `application/problem+json` (RFC 9457), and the trace id that ties them to the log.

use std::convert::Infallible;

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use sealgate_model::Random;
use sealgate_store::StoreError;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The id of one request: 32 lower-case hexadecimal digits, drawn afresh for each, sent back as
/// `Sealgate-Trace` and kept in audit records. Extract it to record it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceId(String);

impl TraceId {
    /// A fresh id of 16 random bytes.
    pub(crate) fn generate(random: &dyn Random) -> Self {
        Self(format!("{:032x}", u128::from_be_bytes(random.bytes())))
    }

    /// The id of a request that has none.
    pub(crate) fn unknown() -> Self {
        Self(String::new())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for TraceId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<TraceId> for String {
    fn from(trace: TraceId) -> Self {
        trace.0
    }
}

impl<S: Sync> FromRequestParts<S> for TraceId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        // Every request passes `request::guard` first; without it there is simply no id to tell.
        Ok(parts
            .extensions
            .get::<Self>()
            .cloned()
            .unwrap_or_else(Self::unknown))
    }
}

/// The JSON of a problem: what is sent, and what the command line reads back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProblemPage {
    /// Always `about:blank`: the status says what kind of problem it is, `reason` which one.
    pub r#type: String,
    /// The status in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// The stable reason code.
    pub reason: String,
    /// One sentence for a person; it never holds a secret.
    pub detail: String,
    /// The request's trace id.
    pub trace_id: String,
}

/// A refusal with a stable reason code. As a response it is a [`ProblemPage`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    reason: &'static str,
    detail: String,
    retry_after: Option<u32>,
}

impl Problem {
    /// A problem with an HTTP `status`, a stable `reason` code and a sentence for a person, which
    /// must not hold a secret.
    pub fn new(status: StatusCode, reason: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            reason,
            detail: detail.into(),
            retry_after: None,
        }
    }

    /// The input is not what the endpoint takes: 400.
    pub(crate) fn bad_request(reason: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, reason, detail)
    }

    /// The input is of the form that the endpoint takes, and cannot be done: 422.
    pub(crate) fn unprocessable(reason: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, reason, detail)
    }

    /// Cannot be answered now; the caller should try again after `seconds`: 503.
    pub(crate) fn unavailable(
        reason: &'static str,
        detail: impl Into<String>,
        seconds: u32,
    ) -> Self {
        Self {
            retry_after: Some(seconds),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, reason, detail)
        }
    }

    /// Too often; the caller may try again after `seconds`: 429.
    pub(crate) fn throttled(reason: &'static str, detail: impl Into<String>, seconds: u32) -> Self {
        Self {
            retry_after: Some(seconds),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, reason, detail)
        }
    }

    /// Our own fault: 500. What went wrong is for the log, not for the caller.
    pub(crate) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal_error",
            "something went wrong here; it is in the log",
        )
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The stable reason code.
    pub fn reason(&self) -> &'static str {
        self.reason
    }

    /// The sentence for a person.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The page's JSON, with the trace id of the request it answers.
    fn page(&self, trace: &str) -> Vec<u8> {
        let page = ProblemPage {
            r#type: "about:blank".to_owned(),
            title: self.status.canonical_reason().unwrap_or("Error").to_owned(),
            status: self.status.as_u16(),
            reason: self.reason.to_owned(),
            detail: self.detail.clone(),
            trace_id: trace.to_owned(),
        };
        // Strings and a number always serialise.
        serde_json::to_vec(&page).unwrap_or_default()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.page("")));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        // The trace id is not known here: `sign_page` puts it in on the way out.
        response.extensions_mut().insert(self);
        response
    }
}

/// Puts the trace id into a response that is a [`Problem`].
pub(crate) fn sign_page(response: &mut Response, trace: &TraceId) {
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        response.headers_mut().remove(CONTENT_LENGTH);
        *response.body_mut() = Body::from(problem.page(trace.as_str()));
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Conflict(what) => Self::new(
                StatusCode::CONFLICT,
                error.code(),
                format!("this {what} is already in use"),
            ),
            StoreError::Full => Self::unavailable(
                error.code(),
                "the control plane's disk is full: until there is room, only sessions, sign-ins and accounts can be ended",
                60,
            ),
            StoreError::TooMany(what) => {
                Self::unavailable(error.code(), format!("there are too many {what}"), 60)
            }
            StoreError::Unavailable(_) | StoreError::Locked => {
                tracing::warn!(reason = error.code(), %error, "the store did not answer");
                Self::unavailable(
                    error.code(),
                    "the control plane cannot reach its data now; try again",
                    1,
                )
            }
            // A write that does not fit is a slip of ours: ids from outside were looked up before.
            StoreError::Invalid(_) | StoreError::Corrupt(_) | StoreError::TooNew { .. } => {
                tracing::error!(reason = error.code(), %error, "the store refused");
                Self::internal()
            }
        }
    }
}

/// Answers a path nobody knows.
pub(crate) async fn not_found() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "not_found",
        "there is nothing at this address",
    )
}

/// Answers a method the path does not take.
pub(crate) async fn method_not_allowed() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "this address does not take this method",
    )
}
