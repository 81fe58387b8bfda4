//! Answers that are the same for everybody: bytes made once, with a validator.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use sealgate_host::sha256;

/// A public document, ready to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    kind: &'static str,
    cache: HeaderValue,
    etag: HeaderValue,
    body: Bytes,
}

impl Prepared {
    /// A document of content type `kind` that may be cached for `max_age`.
    pub(crate) fn new(kind: &'static str, max_age: Duration, body: Vec<u8>) -> Self {
        let digest = sha256(&body);
        let tag = digest
            .as_bytes()
            .first_chunk::<8>()
            .map_or(0, |head| u64::from_be_bytes(*head));
        // Digits and quotes always make a header value; without one there is no validator.
        let value = |text: String| {
            HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("no-store"))
        };
        Self {
            kind,
            cache: value(format!("public, max-age={}", max_age.as_secs())),
            etag: value(format!("\"{tag:016x}\"")),
            body: Bytes::from(body),
        }
    }

    /// The document, or 304 for who has it (RFC 9110, 13.1.2).
    pub(crate) fn answer(self, headers: &HeaderMap) -> Response {
        let known = headers
            .get_all(IF_NONE_MATCH)
            .iter()
            .any(|value| matches(value, &self.etag));
        let body = if known {
            Body::empty()
        } else {
            Body::from(self.body)
        };
        let mut response = Response::new(body);
        if known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        }
        let fields = response.headers_mut();
        // With the ones that follow on the way out: growing costs more than making room at once.
        fields.reserve(8);
        fields.insert(CACHE_CONTROL, self.cache);
        fields.insert(ETAG, self.etag);
        fields.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        // Public knowledge: a client that runs in a browser reads it too.
        fields.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        if !known {
            fields.insert(CONTENT_TYPE, HeaderValue::from_static(self.kind));
        }
        response
    }
}

/// Whether one of the tags in `If-None-Match` is `etag`, compared weakly.
fn matches(value: &HeaderValue, etag: &HeaderValue) -> bool {
    let Ok(text) = value.to_str() else {
        return false;
    };
    let tags = text.split(',').map(str::trim);
    tags.map(|tag| tag.strip_prefix("W/").unwrap_or(tag))
        .any(|tag| tag == "*" || tag.as_bytes() == etag.as_bytes())
}
