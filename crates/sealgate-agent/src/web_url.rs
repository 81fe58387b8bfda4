//! A URL that may be followed: https, or http on this machine's own loopback.

use std::fmt;
use std::net::IpAddr;

use url::{Host, Url};

use crate::AgentError;

/// The longest URL, in bytes.
const LIMIT: usize = 2048;

/// An absolute URL as it was written, without user name, password and fragment: https, or http where the host is
/// loopback. Equal are those that are written alike.
#[derive(Clone)]
pub struct WebUrl {
    text: String,
    parsed: Url,
}

impl WebUrl {
    /// Reads a URL of at most 2,048 bytes.
    pub fn parse(text: &str) -> Result<Self, AgentError> {
        let refuse = |why| Err(AgentError::UrlUnacceptable(why));
        if text.len() > LIMIT {
            return refuse("is longer than 2048 bytes");
        }
        // What a URL parser would repair or skip, two parsers may understand as two things.
        if !text
            .bytes()
            .all(|b| b.is_ascii_graphic() && !b"\\\"<>^`{|}".contains(&b))
        {
            return refuse("has characters that a URL may not have");
        }
        let rest = text
            .strip_prefix("https://")
            .or_else(|| text.strip_prefix("http://"));
        let Some(rest) = rest.filter(|rest| !rest.starts_with('/')) else {
            return refuse("is not an absolute https URL");
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.contains('@') {
            return refuse("has a user name or password");
        }
        if text.contains('#') {
            return refuse("has a fragment");
        }
        let Ok(parsed) = Url::parse(text) else {
            return refuse("cannot be read");
        };
        let loopback = match parsed.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            // A trailing dot names the same host to the resolver and another to the certificate.
            Some(Host::Domain(name)) if name.len() <= 253 && !name.ends_with('.') => {
                name == "localhost"
            }
            _ => return refuse("names no usable host"),
        };
        if parsed.scheme() != "https" && !loopback {
            return refuse("is not https");
        }
        Ok(Self {
            text: text.to_owned(),
            parsed,
        })
    }

    /// The URL as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Scheme, host and port, such as `https://api.example` or `http://127.0.0.1:8000`.
    pub fn origin(&self) -> String {
        self.parsed.origin().ascii_serialization()
    }

    /// The path, at least `/`.
    pub fn path(&self) -> &str {
        self.parsed.path()
    }

    /// The query without its question mark.
    pub fn query(&self) -> Option<&str> {
        self.parsed.query()
    }

    /// The host, an IPv6 address without brackets.
    pub fn host(&self) -> String {
        match self.parsed.host() {
            Some(Host::Ipv6(address)) => address.to_string(),
            Some(host) => host.to_string(),
            None => String::new(),
        }
    }

    /// The address, when the host is one.
    pub fn literal(&self) -> Option<IpAddr> {
        match self.parsed.host()? {
            Host::Ipv4(address) => Some(IpAddr::V4(address)),
            Host::Ipv6(address) => Some(IpAddr::V6(address)),
            Host::Domain(_) => None,
        }
    }

    /// Whether it is plain http, and so this machine's own loopback.
    pub fn is_plain(&self) -> bool {
        self.parsed.scheme() != "https"
    }

    /// The port, the scheme's own if none is written.
    pub fn port(&self) -> u16 {
        self.parsed.port_or_known_default().unwrap_or(443)
    }

    /// The URL without its query, as a proof names it (RFC 9449, 4.2).
    pub fn without_query(&self) -> &str {
        self.text.split('?').next().unwrap_or_default()
    }

    /// The same origin with another path, which begins with `/`.
    pub(crate) fn at(&self, path: &str) -> Result<Self, AgentError> {
        Self::parse(&format!("{}{path}", self.origin()))
    }

    /// Whether `other` lies at or below this URL: the same origin, and every segment of this path is one of the
    /// other's. A query here is never a parent.
    pub fn contains(&self, other: &Self) -> bool {
        if self.query().is_some() || self.origin() != other.origin() {
            return false;
        }
        let parent = self.path().trim_end_matches('/');
        // An encoded slash, dot or backslash may be decoded by whoever serves the path.
        if other.path() != self.path() && decodes_to_a_step(other.path()) {
            return false;
        }
        other
            .path()
            .strip_prefix(parent)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Whether both are the same but for a slash at the end of the path.
    pub fn is_almost(&self, other: &Self) -> bool {
        self.origin() == other.origin()
            && self.query() == other.query()
            && self.path().trim_end_matches('/') == other.path().trim_end_matches('/')
    }
}

fn decodes_to_a_step(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    ["%2f", "%5c", "%2e"]
        .iter()
        .any(|encoded| lower.contains(encoded))
}

impl PartialEq for WebUrl {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for WebUrl {}

impl fmt::Debug for WebUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text)
    }
}

impl fmt::Display for WebUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn url(text: &str) -> WebUrl {
        WebUrl::parse(text).unwrap()
    }

    #[test]
    fn only_https_and_loopback_are_followed() {
        for good in [
            "https://api.example/mcp",
            "https://api.example:8443",
            "http://localhost:8000/mcp?x=1",
            "http://127.0.0.1/",
            "http://[::1]:9/",
        ] {
            assert_eq!(url(good).as_str(), good);
        }
        for wrong in [
            "",
            "api.example",
            "ftp://api.example/",
            "http://api.example/",
            "http://10.0.0.1/",
            "http://localhost.evil.example/",
            "https:///api.example",
            "https://user@api.example/",
            "https://api.example/#part",
            "https://api.example./",
            "https://api.example/a b",
            "https://api.example\\@evil.example/",
            "https://",
        ] {
            assert!(WebUrl::parse(wrong).is_err(), "{wrong}");
        }
        assert!(WebUrl::parse(&format!("https://a.example/{}", "a".repeat(LIMIT))).is_err());
    }

    #[test]
    fn a_resource_contains_what_lies_below_its_path_alone() {
        let notes = url("https://api.example/notes");
        for below in ["/notes", "/notes/", "/notes/1?x", "/notes?x"] {
            assert!(
                notes.contains(&url(&format!("https://api.example{below}"))),
                "{below}"
            );
        }
        for beside in [
            "https://api.example/notes2",
            "https://api.example/",
            "https://api.example:444/notes",
            "http://localhost/notes",
            "https://api.example/notes/%2e%2e/admin",
            "https://api.example/notes/..%2fadmin",
            "https://api.example/notes/../admin",
        ] {
            assert!(!notes.contains(&url(beside)), "{beside}");
        }
        assert!(url("https://api.example").contains(&notes));
        assert!(!url("https://api.example/?a").contains(&url("https://api.example/b")));
    }

    proptest! {
        #[test]
        fn any_text_gives_a_url_or_an_error(text in "\\PC{0,80}") {
            let _ = WebUrl::parse(&text);
        }

        #[test]
        fn a_url_contains_itself_and_no_other_origin(path in "(/[a-z0-9]{1,5}){0,4}/?") {
            let here = url(&format!("https://a.example{path}"));
            prop_assert!(here.contains(&here));
            prop_assert!(here.is_almost(&here));
            let elsewhere = url(&format!("https://b.example{path}"));
            prop_assert!(!here.contains(&elsewhere));
        }
    }
}
