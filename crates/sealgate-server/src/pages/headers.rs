//! The headers of every page.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use sealgate_host::sha256;
use sealgate_oauth::RedirectUri;
use sealgate_store::ClientKind;
use url::{Host, Url};

/// Where a page's forms may lead, besides our own origin.
///
/// Chromium applies `form-action` to every redirect that follows a posted form, so the page that
/// starts a sign-in must allow the client's redirect URI or its answer never arrives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FormTargets {
    sources: BTreeSet<String>,
    /// Whether the page that opened this one in another window is kept in touch with it.
    opener: bool,
}

/// The one script on any page: it presses the button of a page that only carries an answer on. Without
/// it people press it themselves.
pub(crate) const SUBMIT: &str = "document.forms[0].submit()";

impl FormTargets {
    /// Our own origin only.
    pub(crate) fn own() -> Self {
        Self::default()
    }

    /// Our own origin and those of `uris`, which are registered with a client.
    pub(crate) fn and<'a>(uris: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            sources: uris.into_iter().filter_map(source).collect(),
            opener: false,
        }
    }

    /// The same, on a page of a sign-in for a client of this kind.
    ///
    /// Applications that run in a browser, which are public, open the sign-in in a window of its own and
    /// are told of its end by that window. `Cross-Origin-Opener-Policy` would cut it off for good. What
    /// the opener gets is a handle: it cannot read the page, and frames stay forbidden.
    pub(crate) fn opened_by(mut self, kind: ClientKind) -> Self {
        self.opener = kind == ClientKind::Public;
        self
    }

    /// The same and wherever the client sends the browser from there, which is its own affair: Chromium
    /// holds the policy against that redirect too.
    pub(crate) fn beyond_redirects(mut self) -> Self {
        self.sources.insert("https:".to_owned());
        self
    }
}

/// The CSP source (CSP 3, 2.3.1) that covers `uri`.
fn source(uri: &str) -> Option<String> {
    let url = Url::parse(uri).ok()?;
    let scheme = url.scheme();
    let Some(host) = url.host().filter(|_| matches!(scheme, "https" | "http")) else {
        // An application's own scheme (RFC 8252, 7.1), with or without a host behind it: of those that may be
        // registered none lets a form lead to a script.
        let own = uri.parse::<RedirectUri>();
        let own = own.is_ok_and(|uri| uri.is_private_use());
        return own.then(|| format!("{scheme}:"));
    };
    Some(match host {
        // The grammar of sources has no IPv6 addresses.
        Host::Ipv6(_) => format!("{scheme}:"),
        // A native application's port is its own affair (RFC 8252, 7.3).
        Host::Ipv4(address) if address.is_loopback() => format!("{scheme}://{address}:*"),
        Host::Ipv4(_) | Host::Domain(_) => url.origin().ascii_serialization(),
    })
}

/// Sets the headers of a page. `https`: whether the issuer is reached over TLS.
pub(crate) fn set(headers: &mut HeaderMap, targets: &FormTargets, https: bool) {
    const FIXED: [(HeaderName, &str); 4] = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        // Not `no-referrer`: that makes browsers send `Origin: null` with our own forms.
        (REFERRER_POLICY, "same-origin"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "no-store"),
    ];
    const OPENER: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let opener = if targets.opener {
        "unsafe-none"
    } else {
        "same-origin"
    };
    headers.insert(OPENER, HeaderValue::from_static(opener));
    let mut policy = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; \
                      frame-ancestors 'none'; form-action 'self'"
        .to_owned();
    for target in &targets.sources {
        policy.push(' ');
        policy.push_str(target);
    }
    // Origins and schemes from the URL parser are plain ASCII; should one ever not be, the page is
    // left with the strictest policy rather than with none.
    let policy =
        HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'none'"));
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    if https {
        set_transport(headers);
    }
}

/// Changes the headers of a page that posts an answer to a client by itself: its one script may run,
/// known by its hash, and the client may see that the form is ours (`Origin`, which browsers send as
/// `null` under a stricter referrer policy).
pub(crate) fn set_posting(headers: &mut HeaderMap) {
    let digest = STANDARD.encode(sha256(SUBMIT.as_bytes()).as_bytes());
    let policy = headers.get(CONTENT_SECURITY_POLICY).map(|policy| {
        let mut policy = policy.as_bytes().to_vec();
        policy.extend_from_slice(format!("; script-src 'sha256-{digest}'").as_bytes());
        policy
    });
    if let Some(Ok(policy)) = policy.map(|policy| HeaderValue::from_bytes(&policy)) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("strict-origin"));
}

/// Tells browsers to come back over TLS only, for a year.
pub(crate) fn set_transport(headers: &mut HeaderMap) {
    headers.insert(
        STRICT_TRANSPORT_SECURITY,
        HeaderValue::from_static("max-age=31536000"),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(targets: &FormTargets) -> String {
        let mut headers = HeaderMap::new();
        set(&mut headers, targets, false);
        headers[CONTENT_SECURITY_POLICY]
            .to_str()
            .unwrap()
            .to_owned()
    }

    #[test]
    fn a_form_may_lead_to_the_clients_origins_and_nowhere_else() {
        let uris = [
            "https://app.example/auth/callback?x=1",
            "https://app.example/other",
            "http://127.0.0.1:9000/cb",
            "http://localhost:8000/cb",
            "http://[::1]:8000/cb",
            "com.example.app:/cb",
            "cursor://anysphere.cursor-mcp/oauth/callback",
            "javascript://claude.ai/%0aalert(1)",
            "javascript:alert(1)",
            "data:text/html,x",
            "https://bücher.example/cb",
            "not a url; script-src *",
        ];
        assert!(policy(&FormTargets::and(uris)).ends_with(
            "; form-action 'self' com.example.app: cursor: http: http://127.0.0.1:* http://localhost:8000 https://app.example \
             https://xn--bcher-kva.example"
        ));
        assert!(policy(&FormTargets::own()).ends_with("; form-action 'self'"));
    }

    #[test]
    fn only_the_sign_in_for_a_public_client_stays_in_touch_with_its_opener() {
        let policy = |targets: FormTargets| {
            let mut headers = HeaderMap::new();
            set(&mut headers, &targets, true);
            headers["cross-origin-opener-policy"]
                .to_str()
                .unwrap()
                .to_owned()
        };
        let targets = || FormTargets::and(["https://app.example/cb"]);
        assert_eq!(policy(FormTargets::own()), "same-origin");
        assert_eq!(policy(targets()), "same-origin");
        assert_eq!(
            policy(targets().opened_by(ClientKind::Confidential)),
            "same-origin"
        );
        assert_eq!(
            policy(targets().opened_by(ClientKind::Public)),
            "unsafe-none"
        );
    }

    #[test]
    fn strict_transport_is_for_https_only() {
        let mut headers = HeaderMap::new();
        set(&mut headers, &FormTargets::own(), false);
        assert!(!headers.contains_key(STRICT_TRANSPORT_SECURITY));
        set(&mut headers, &FormTargets::own(), true);
        assert_eq!(headers[STRICT_TRANSPORT_SECURITY], "max-age=31536000");
    }
}
