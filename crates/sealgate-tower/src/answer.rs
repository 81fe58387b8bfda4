//! The gate's own answers, and what it adds to those of the application.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue, SET_COOKIE};
use http::{Response, StatusCode};
use sealgate_gate::Allowed;

use crate::body::GateBody;
use crate::layer::Refused;

/// The gate's answer as it goes out. What it refuses is in the extensions as [`Refused`].
pub(crate) fn own<R>(answer: sealgate_gate::Response) -> Response<GateBody<R>> {
    let mut response = Response::new(GateBody::own(Bytes::from(answer.body)));
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    append(response.headers_mut(), answer.headers);
    if !answer.reason.is_empty() {
        response.extensions_mut().insert(Refused {
            reason: answer.reason,
            caller: answer.caller,
        });
    }
    response
}

/// Adds what goes with a request that was let through. An answer that sets a cookie is for nobody else.
pub(crate) fn complete<R>(response: &mut Response<R>, allowed: &mut Allowed) {
    let headers = response.headers_mut();
    append(headers, std::mem::take(&mut allowed.headers));
    let cookies = std::mem::take(&mut allowed.set_cookies);
    if cookies.is_empty() {
        return;
    }
    keep_from_shared_caches(headers);
    for cookie in cookies {
        if let Ok(value) = HeaderValue::try_from(cookie) {
            headers.append(SET_COOKIE, value);
        }
    }
}

fn append(headers: &mut HeaderMap, fields: Vec<(&'static str, String)>) {
    for (name, value) in fields {
        // Every value is made of printable ASCII.
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.append(HeaderName::from_static(name), value);
        }
    }
}

/// `Cache-Control: no-store`, unless shared caches are kept off already (RFC 9111, 5.2.2). Fields for one
/// kind of cache only (RFC 9213) would overrule it, and go.
fn keep_from_shared_caches(headers: &mut HeaderMap) {
    let named = |name: &HeaderName| {
        let text = name.as_str();
        text.ends_with("-cache-control") || text == "surrogate-control"
    };
    let others: Vec<_> = headers.keys().filter(|name| named(name)).cloned().collect();
    for name in others {
        headers.remove(name);
    }
    let values = headers.get_all(CACHE_CONTROL);
    let said = |wanted: &str| {
        let texts = values.iter().filter_map(|value| value.to_str().ok());
        let mut directives = texts.flat_map(|text| text.split(','));
        directives.any(|directive| directive.trim().eq_ignore_ascii_case(wanted))
    };
    if !(said("no-store") || said("private") && !said("public")) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_with_a_cookie_is_kept_from_shared_caches() {
        for (said, expected) in [
            (&[][..], "no-store"),
            (&["public, max-age=60"], "no-store"),
            (&["private, max-age=60"], "private, max-age=60"),
            (&["private, public"], "no-store"),
            (&["max-age=1, no-store"], "max-age=1, no-store"),
        ] {
            let mut response = Response::new(());
            for value in said {
                let value = HeaderValue::from_static(value);
                response.headers_mut().append(CACHE_CONTROL, value);
            }
            let cdn = HeaderName::from_static("cdn-cache-control");
            response
                .headers_mut()
                .insert(cdn.clone(), HeaderValue::from_static("public"));
            let mut allowed = Allowed {
                set_cookies: vec!["a=b".to_owned()],
                ..Allowed::default()
            };
            complete(&mut response, &mut allowed);
            let headers = response.headers();
            let told: Vec<_> = headers.get_all(CACHE_CONTROL).iter().collect();
            assert_eq!(told, [expected], "{said:?}");
            assert_eq!(headers.get(cdn), None);
            assert_eq!(headers[SET_COOKIE], "a=b");
        }
    }

    #[test]
    fn an_answer_without_a_cookie_is_left_alone() {
        let mut response = Response::new(());
        let public = HeaderValue::from_static("public");
        response.headers_mut().insert(CACHE_CONTROL, public);
        complete(&mut response, &mut Allowed::default());
        assert_eq!(response.headers()[CACHE_CONTROL], "public");
        assert_eq!(response.headers().len(), 1);
    }
}
