//! A request as the gate reads it.

use std::borrow::Cow;
use std::sync::Arc;

use http::request::Parts;
use http::{Method, header};
use percent_encoding::percent_decode_str;
use sealgate_gate::{About, Decision, Gate, Request, Requirement, Transport, Verb, trace_of};

/// The gate's decision about a request whose path is below `prefix`.
pub(crate) fn decide(
    gate: &Gate,
    parts: &Parts,
    prefix: &str,
    requirement: &Requirement,
) -> Decision {
    let headers: Vec<(&[u8], &[u8])> = parts
        .headers
        .iter()
        .map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes()))
        .collect();
    let transport = transport(parts);
    let path = path(parts, prefix);
    let request = Request {
        transport,
        method: match transport {
            Transport::Http => parts.method.as_str(),
            Transport::WebSocket => "GET",
        },
        path: &path,
        query: parts.uri.query().unwrap_or_default().as_bytes(),
        headers: &headers,
    };
    gate.decide(&request, requirement)
}

/// What records tell of a request to `route`. The address that it came from is not known here.
pub(crate) fn about(parts: &Parts, route: Option<Arc<str>>) -> About {
    let transport = transport(parts);
    let trace = parts.headers.get("traceparent");
    About {
        route,
        method: Verb::of(match transport {
            Transport::Http => parts.method.as_str(),
            Transport::WebSocket => "GET",
        }),
        transport,
        address: None,
        trace: trace.and_then(|value| trace_of(value.as_bytes())),
    }
}

/// The decoded path, from the root of the host.
fn path<'a>(parts: &'a Parts, prefix: &str) -> Cow<'a, str> {
    let path = percent_decode_str(parts.uri.path()).decode_utf8_lossy();
    if prefix.is_empty() {
        path
    } else {
        Cow::Owned(format!("{prefix}{path}"))
    }
}

/// A handshake by GET (RFC 6455, 4.1) or by CONNECT (RFC 8441, 5).
fn transport(parts: &Parts) -> Transport {
    let names_websocket = || {
        let mut upgrades = parts.headers.get_all(header::UPGRADE).iter();
        upgrades.any(|value| {
            let mut names = value.as_bytes().split(|byte| *byte == b',');
            names.any(|name| name.trim_ascii().eq_ignore_ascii_case(b"websocket"))
        })
    };
    let asks = match parts.method {
        Method::GET => names_websocket(),
        Method::CONNECT => parts.headers.contains_key(header::SEC_WEBSOCKET_VERSION),
        _ => false,
    };
    if asks {
        Transport::WebSocket
    } else {
        Transport::Http
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(method: Method, uri: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = http::Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn a_handshake_is_told_from_a_request() {
        for (method, headers, expected) in [
            (Method::GET, &[("upgrade", "WebSocket")][..], true),
            (Method::GET, &[("upgrade", "h2c, websocket")], true),
            (Method::CONNECT, &[("sec-websocket-version", "13")], true),
            (Method::GET, &[("upgrade", "h2c")], false),
            (Method::GET, &[("sec-websocket-version", "13")], false),
            (Method::POST, &[("upgrade", "websocket")], false),
            (Method::CONNECT, &[], false),
        ] {
            let parts = parts(method.clone(), "/", headers);
            let found = transport(&parts) == Transport::WebSocket;
            assert_eq!(found, expected, "{method} {headers:?}");
        }
    }

    #[test]
    fn a_path_is_decoded_and_counts_from_the_root_of_the_host() {
        for (uri, prefix, expected) in [
            ("/a%20b?c", "", "/a b"),
            ("/auth/log%69n", "", "/auth/login"),
            ("/x", "/app", "/app/x"),
            ("/%ff", "", "/\u{fffd}"),
        ] {
            assert_eq!(path(&parts(Method::GET, uri, &[]), prefix), expected);
        }
    }
}
