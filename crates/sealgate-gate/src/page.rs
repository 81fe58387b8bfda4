//! The gate's own answers: problem documents for programs, plain pages for people.

use askama::Template;

use crate::denial::Denial;
use crate::response::Response;

/// A page that says what went wrong with a sign-in and what to do next.
#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    title: &'a str,
    explanation: &'a str,
    reason: &'a str,
    action: Option<(&'a str, &'a str)>,
}

/// What a page about a failure says.
pub(crate) struct Problem<'a> {
    pub(crate) status: u16,
    pub(crate) reason: &'static str,
    pub(crate) title: &'a str,
    pub(crate) explanation: &'a str,
    /// Where to go on: a URL of this application and its label.
    pub(crate) action: Option<(&'a str, &'a str)>,
}

/// No script, nothing from elsewhere, in no frame; the style stands in the page itself.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'sha256-STYLE'; base-uri 'none'; form-action 'none'; \
                           frame-ancestors 'none'";

/// A page for people.
pub(crate) fn page(problem: &Problem<'_>) -> Response {
    let page = ProblemPage {
        title: problem.title,
        explanation: problem.explanation,
        reason: problem.reason,
        action: problem.action,
    };
    // Rendering fails only if writing to memory fails; the plain title still tells what happened.
    let body = page.render().unwrap_or_else(|_| problem.title.to_owned());
    let mut response = answer(
        problem.status,
        problem.reason,
        "text/html; charset=utf-8",
        body.into_bytes(),
    );
    response.headers.push((
        "content-security-policy",
        PAGE_POLICY.replace("STYLE", STYLE_HASH),
    ));
    response
        .headers
        .push(("referrer-policy", "no-referrer".to_owned()));
    response
}

/// A denial for a program.
pub(crate) fn denial(denial: Denial) -> Response {
    let body = serde_json::json!({
        "type": "about:blank",
        "title": denial.title(),
        "status": denial.status(),
        "reason": denial.code(),
    });
    answer(
        denial.status(),
        denial.code(),
        "application/problem+json",
        body.to_string().into_bytes(),
    )
}

/// A denial for a person: signing in again, or a page that explains.
pub(crate) fn denial_page(denial: Denial, sign_in: &str) -> Response {
    if denial.is_mended_by_sign_in() {
        let mut response = redirect(sign_in);
        response.reason = denial.code();
        return response;
    }
    page(&Problem {
        status: denial.status(),
        reason: denial.code(),
        title: if denial.status() == 503 {
            "Please try again in a moment"
        } else {
            "You cannot open this"
        },
        explanation: denial.title(),
        action: None,
    })
}

/// 303: the next request is a GET whatever this one was (RFC 9110, 15.4.4).
pub(crate) fn redirect(location: &str) -> Response {
    let mut response = answer(303, "", "text/plain; charset=utf-8", Vec::new());
    response.headers.push(("location", location.to_owned()));
    response
}

/// A small JSON answer that refuses nothing.
pub(crate) fn json(body: &serde_json::Value) -> Response {
    answer(200, "", "application/json", body.to_string().into_bytes())
}

pub(crate) fn answer(
    status: u16,
    reason: &'static str,
    content_type: &str,
    body: Vec<u8>,
) -> Response {
    let mut headers = vec![
        ("content-type", content_type.to_owned()),
        ("content-length", body.len().to_string()),
        ("cache-control", "no-store".to_owned()),
        ("x-content-type-options", "nosniff".to_owned()),
        ("vary", "cookie, accept, sec-fetch-mode".to_owned()),
    ];
    match status {
        // RFC 9110, 11.6.1 asks for a challenge with every 401. Browsers show no dialogue for this one.
        401 => headers.push(("www-authenticate", "Session realm=\"sealgate\"".to_owned())),
        503 => headers.push(("retry-after", "2".to_owned())),
        _ => {}
    }
    Response {
        status,
        headers,
        body,
        reason,
        caller: None,
    }
}

/// The SHA-256 of the template's style element, base64; a test holds the two together.
const STYLE_HASH: &str = "e0Ze9t+QPOgrNhAipz1odmt+ctiv+3Vd3UDz3HSut+c=";

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use sealgate_host::sha256;

    use super::*;

    fn sample() -> Response {
        page(&Problem {
            status: 400,
            reason: "transaction_missing",
            title: "This sign-in cannot be finished <here>",
            explanation: "It began in another browser, or its cookie was lost.",
            action: Some(("/auth/login", "Sign in again")),
        })
    }

    #[test]
    fn the_policy_names_the_hash_of_the_style() {
        let html = String::from_utf8(sample().body).unwrap();
        let style = html
            .split_once("<style>")
            .and_then(|(_, rest)| rest.split_once("</style>"))
            .unwrap()
            .0;
        let hash = STANDARD.encode(sha256(style.as_bytes()).as_bytes());
        assert_eq!(STYLE_HASH, hash);
    }

    #[test]
    fn text_is_escaped() {
        let html = String::from_utf8(sample().body).unwrap();
        assert!(
            html.contains("&#60;here&#62;") || html.contains("&lt;here&gt;"),
            "{html}"
        );
        assert!(!html.contains("<here>"));
    }

    #[test]
    fn a_503_says_when_to_come_back() {
        let response = denial(Denial::FeedStale);
        assert!(response.headers.contains(&("retry-after", "2".to_owned())));
        assert_eq!(response.status, 503);
    }
}
