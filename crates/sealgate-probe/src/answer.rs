//! What came back, and what one answer says alone.

use std::fmt::{self, Display, Formatter};

use serde::{Deserialize, Serialize};

/// What came back for one request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Answer {
    /// The status of the response, also of one that denies a WebSocket.
    pub status: Option<u16>,
    /// The response's headers, with names in lower case.
    pub headers: Vec<(String, String)>,
    /// Whether the WebSocket was accepted.
    pub accepted: bool,
    /// The code that the WebSocket was closed with.
    pub closed: Option<u16>,
    /// Whether the WebSocket sent anything after it was accepted.
    pub sent: bool,
    /// Why there is no answer, or why it is what it is: a timeout, or the type of an exception.
    pub error: Option<String>,
}

impl Answer {
    /// A response with a status alone.
    pub fn of(status: u16) -> Self {
        Self {
            status: Some(status),
            ..Self::default()
        }
    }

    /// No answer, for a reason.
    pub fn failed(error: impl Into<String>) -> Self {
        Self {
            error: Some(error.into()),
            ..Self::default()
        }
    }

    /// The values of a header, by its name in lower case.
    pub fn header<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let headers = self.headers.iter();
        headers
            .filter(move |(other, _)| other == name)
            .map(|(_, value)| value.as_str())
    }
}

impl Display for Answer {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match (self.accepted, self.closed, self.status, &self.error) {
            (true, Some(code), ..) => write!(f, "accepted, then closed with {code}"),
            (true, None, ..) => f.write_str("accepted"),
            (.., Some(status), Some(error)) => write!(f, "{status} ({error})"),
            (.., Some(status), None) => write!(f, "{status}"),
            (_, Some(code), None, _) => write!(f, "closed with {code} before it was accepted"),
            (.., Some(error)) => f.write_str(error),
            _ => f.write_str("no answer"),
        }
    }
}

/// What an answer says of the gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The caller was turned away.
    Denied,
    /// The caller got in.
    Open,
    /// Neither can be told. Never counts as denied.
    Indeterminate(String),
}

/// Close codes of RFC 6455 and its registry, and of common use, that say that the caller may not.
const DENIALS: [u16; 5] = [1008, 3000, 3003, 4401, 4403];

/// Last parts of paths to which people are sent to sign in.
const LOGINS: [&str; 8] = [
    "login",
    "log-in",
    "log_in",
    "signin",
    "sign-in",
    "sign_in",
    "authorize",
    "sso",
];

impl Verdict {
    /// What `answer` says. `login_paths` are the paths to which redirects are denials, besides the usual ones.
    pub fn of(answer: &Answer, login_paths: &[String]) -> Self {
        if answer.accepted {
            return accepted(answer);
        }
        match (answer.status, answer.closed) {
            (Some(101 | 200..=299), _) => Self::Open,
            (Some(401 | 403), _) => Self::Denied,
            (Some(300..=399), _) => redirected(answer, login_paths),
            (Some(429), _) => unknown("429: it limits how often it is asked"),
            (None, Some(code)) if DENIALS.contains(&code) => Self::Denied,
            (None, Some(code)) => Self::Indeterminate(format!(
                "closed with {code}, which does not say that the caller may not"
            )),
            _ => unknown(&answer.to_string()),
        }
    }
}

fn unknown(why: &str) -> Verdict {
    Verdict::Indeterminate(why.to_owned())
}

/// A WebSocket that is closed before it has sent anything gave nothing away, but its handler ran.
fn accepted(answer: &Answer) -> Verdict {
    match answer.closed {
        Some(code) if DENIALS.contains(&code) && !answer.sent => Verdict::Indeterminate(format!(
            "accepted, then closed with {code} before it sent anything: close it before it is accepted"
        )),
        _ => Verdict::Open,
    }
}

/// Only a redirect to where people sign in is a denial: a page that shows a form with status 200 is not told
/// from any other page.
fn redirected(answer: &Answer, login_paths: &[String]) -> Verdict {
    let status = answer.status.unwrap_or_default();
    let Some(location) = answer.header("location").next() else {
        return Verdict::Indeterminate(format!("{status} that leads nowhere"));
    };
    let (path, query) = split(location);
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or("");
    let asks = query.contains("response_type=") && query.contains("client_id=");
    let pushed = query.contains("client_id=") && query.contains("request_uri=");
    let named = login_paths.iter().any(|login| login == path);
    if named || asks || pushed || LOGINS.contains(&last.to_ascii_lowercase().as_str()) {
        Verdict::Denied
    } else {
        Verdict::Indeterminate(format!(
            "{status} to {path}, which is no known sign-in page"
        ))
    }
}

/// The path and the query of a `Location`, which may have a host or not.
pub(crate) fn split(location: &str) -> (&str, &str) {
    let location = location.split('#').next().unwrap_or_default();
    let (address, query) = location.split_once('?').unwrap_or((location, ""));
    (below_host(address).1, query)
}

/// The host of an address and the path below it. Without a host, an empty one.
pub(crate) fn below_host(address: &str) -> (&str, &str) {
    let after = match address.split_once("://") {
        Some((scheme, after)) if !scheme.contains('/') => after,
        _ => match address.strip_prefix("//") {
            Some(after) => after,
            None => return ("", address),
        },
    };
    match after.find('/') {
        Some(at) => after.split_at(at),
        None => (after, "/"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redirect(location: &str) -> Verdict {
        let answer = Answer {
            headers: vec![("location".to_owned(), location.to_owned())],
            ..Answer::of(303)
        };
        Verdict::of(&answer, &["/enter".to_owned()])
    }

    fn socket(accepted: bool, closed: Option<u16>, sent: bool) -> Verdict {
        let answer = Answer {
            accepted,
            closed,
            sent,
            ..Answer::default()
        };
        Verdict::of(&answer, &[])
    }

    #[test]
    fn only_what_turns_a_caller_away_is_a_denial() {
        for status in [401, 403] {
            assert_eq!(Verdict::of(&Answer::of(status), &[]), Verdict::Denied);
        }
        for status in [200, 201, 204, 206, 101] {
            assert_eq!(Verdict::of(&Answer::of(status), &[]), Verdict::Open);
        }
        for status in [400, 404, 405, 409, 422, 429, 500, 503, 301] {
            let verdict = Verdict::of(&Answer::of(status), &[]);
            assert!(matches!(verdict, Verdict::Indeterminate(_)), "{status}");
        }
        let failed = Verdict::of(&Answer::failed("RuntimeError"), &[]);
        assert_eq!(failed, unknown("RuntimeError"));
        let broken = |status| Answer {
            error: Some("RuntimeError".to_owned()),
            ..Answer::of(status)
        };
        assert_eq!(
            Verdict::of(&broken(500), &[]),
            unknown("500 (RuntimeError)")
        );
        assert_eq!(Verdict::of(&broken(200), &[]), Verdict::Open);
    }

    #[test]
    fn a_redirect_is_a_denial_only_where_people_sign_in() {
        for location in [
            "/login",
            "/auth/login?next=/x",
            "/enter",
            "https://id.example/oauth2/authorize?response_type=code",
            "https://id.example/start?client_id=a&response_type=code",
            "//id.example/sso/",
        ] {
            assert_eq!(redirect(location), Verdict::Denied, "{location}");
        }
        for location in [
            "/",
            "/home",
            "https://login.example",
            "/next?to=/login",
            "/loginx",
        ] {
            assert!(
                matches!(redirect(location), Verdict::Indeterminate(_)),
                "{location}"
            );
        }
    }

    #[test]
    fn a_websocket_is_denied_only_before_it_is_accepted_and_with_a_code_that_says_so() {
        assert_eq!(socket(false, Some(1008), false), Verdict::Denied);
        assert_eq!(socket(false, Some(4401), false), Verdict::Denied);
        assert!(matches!(
            socket(false, Some(1000), false),
            Verdict::Indeterminate(_)
        ));
        assert_eq!(socket(true, None, false), Verdict::Open);
        assert_eq!(socket(true, Some(1000), false), Verdict::Open);
        assert_eq!(socket(true, Some(1008), true), Verdict::Open);
        assert!(matches!(
            socket(true, Some(1008), false),
            Verdict::Indeterminate(_)
        ));
    }
}
