//! What is read of an answer's headers before its body is taken.

use std::time::Duration;

use hyper::HeaderMap;
use hyper::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE};

/// Whether the answer says, once, that it is JSON (RFC 8259, 11; RFC 6839, 3.1), and sends it as it is.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(one), None) = (types.next(), types.next()) else {
        return false;
    };
    let kind = one.to_str().unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let kind = kind.to_ascii_lowercase();
    let json = kind == "application/json"
        || (kind.starts_with("application/")
            && kind.len() > "application/+json".len()
            && kind.ends_with("+json"));
    json && !headers.contains_key(CONTENT_ENCODING)
}

/// How long the answer may be kept. The shortest of several wins.
pub(crate) fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let lines = headers.get_all(CACHE_CONTROL).iter();
    lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .filter_map(directive)
        .min()
}

fn directive(text: &str) -> Option<Duration> {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    match name.trim().to_ascii_lowercase().as_str() {
        "no-store" | "no-cache" => Some(Duration::ZERO),
        "max-age" => {
            let value = value.trim().trim_matches('"');
            // What cannot be read counts as stale (RFC 9111, 4.2.1).
            let seconds = value.parse::<u32>().unwrap_or_else(|_| {
                let long = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
                if long { u32::MAX } else { 0 }
            });
            Some(Duration::from_secs(seconds.into()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderName;

    use super::*;

    fn headers(lines: &[(HeaderName, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn only_json_types_are_json() {
        for (kind, json) in [
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("application/jwk-set+json", true),
            ("application/+json", false),
            ("text/json", false),
            ("text/html", false),
            ("image/svg+json", false),
            ("", false),
        ] {
            assert_eq!(is_json(&headers(&[(CONTENT_TYPE, kind)])), json, "{kind}");
        }
        assert!(!is_json(&headers(&[])));
        let twice = [
            (CONTENT_TYPE, "application/json"),
            (CONTENT_TYPE, "application/json"),
        ];
        assert!(!is_json(&headers(&twice)));
        let encoded = [
            (CONTENT_TYPE, "application/json"),
            (CONTENT_ENCODING, "gzip"),
        ];
        assert!(!is_json(&headers(&encoded)));
    }

    #[test]
    fn the_strictest_word_on_keeping_wins() {
        for (value, seconds) in [
            ("max-age=60", Some(60)),
            ("public, Max-Age=60, must-revalidate", Some(60)),
            ("max-age=\"60\"", Some(60)),
            ("max-age=60, max-age=5", Some(5)),
            ("max-age=60, no-store", Some(0)),
            ("no-cache", Some(0)),
            ("max-age=soon", Some(0)),
            ("max-age=-1", Some(0)),
            ("max-age", Some(0)),
            ("max-age=99999999999999999999", Some(u64::from(u32::MAX))),
            ("public", None),
        ] {
            let found = max_age(&headers(&[(CACHE_CONTROL, value)]));
            assert_eq!(found, seconds.map(Duration::from_secs), "{value}");
        }
        assert_eq!(max_age(&headers(&[])), None);
    }
}
