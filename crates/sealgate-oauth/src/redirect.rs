//! Redirect URIs: what may be registered, and what matches a registration.
//!
//! Matching is comparison of text (RFC 9700, 2.1). That is only safe if the text means to a browser
//! what it means here, so a registration must be written in the form a browser would give it.
//!
//! A native application may have a scheme of its own (RFC 8252, 7.1), named after a domain of its makers
//! so that no two take the same by accident and none is taken for what a browser itself understands.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;
use url::{Host, Url};

/// Why a redirect URI cannot be registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RedirectUriError {
    /// Longer than 2000 bytes.
    #[error("the redirect URI is longer than 2000 bytes")]
    TooLong,
    /// Not an absolute URL.
    #[error("the redirect URI is not an absolute URL")]
    NotAbsolute,
    /// `http` to another machine, or a scheme that is nobody's own.
    #[error(
        "the redirect URI must be https, http on 127.0.0.1, [::1] or localhost, or of an application's \
         own scheme, which is a domain name read backwards such as com.example.app"
    )]
    Scheme,
    /// Of an application's own scheme, and with a host or without a path (RFC 8252, 7.1).
    #[error(
        "behind an application's own scheme there is no host but a path, which begins with one slash: \
         com.example.app:/callback"
    )]
    PrivateUseForm,
    /// With a fragment (RFC 6749, 3.1.2).
    #[error("the redirect URI has a fragment")]
    Fragment,
    /// With user information.
    #[error("the redirect URI has user information")]
    UserInfo,
    /// With a `*`, which some servers expand.
    #[error("the redirect URI has a wildcard")]
    Wildcard,
    /// Not the spelling a browser gives it: upper-case host, dot segments, default port, spaces.
    #[error("the redirect URI is not written in its normal form")]
    NotNormal,
    /// With a query parameter that the answer sets.
    #[error("the redirect URI has a query parameter that authorization answers use")]
    ReservedParameter,
}

impl RedirectUriError {
    /// The stable reason code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLong => "redirect_uri_too_long",
            Self::NotAbsolute => "redirect_uri_not_absolute",
            Self::Scheme => "redirect_uri_scheme",
            Self::PrivateUseForm => "redirect_uri_private_use_form",
            Self::Fragment => "redirect_uri_fragment",
            Self::UserInfo => "redirect_uri_user_info",
            Self::Wildcard => "redirect_uri_wildcard",
            Self::NotNormal => "redirect_uri_not_normal",
            Self::ReservedParameter => "redirect_uri_reserved_parameter",
        }
    }
}

/// A redirect URI fit to be registered; also used for the URIs a browser is sent to after logout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectUri(String);

impl RedirectUri {
    /// The URI as registered.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is of an application's own scheme. Nobody but the user's computer decides which
    /// application that is, so that it suits public clients only (RFC 8252, 8.6).
    pub fn is_private_use(&self) -> bool {
        is_private_use(&self.0)
    }

    /// Whether `presented` is this URI: byte for byte, except that the port is free where the host
    /// is a loopback address (RFC 8252, 7.3), because a native application cannot choose it.
    pub fn matches(&self, presented: &str) -> bool {
        self.0 == presented
            || ["http://127.0.0.1", "http://[::1]"]
                .iter()
                .any(|host| self.differs_by_port(presented, host))
    }

    /// Whether `presented` is this URI but for its port, on `localhost`. A name, which the user's computer
    /// could send elsewhere: only where the client's own word is all there is anyway.
    pub(crate) fn matches_on_localhost(&self, presented: &str) -> bool {
        self.differs_by_port(presented, "http://localhost")
    }

    fn differs_by_port(&self, presented: &str, host: &str) -> bool {
        let after_host = |text: &str| {
            let rest = text.strip_prefix(host)?;
            let rest = without_port(rest).unwrap_or(rest);
            // What goes on behind the name would be another host.
            let ends = rest.is_empty() || rest.starts_with(['/', '?']);
            ends.then(|| rest.to_owned())
        };
        let ours = after_host(&self.0);
        ours.is_some() && ours == after_host(presented)
    }
}

/// Whether this redirect URI, which has been registered, is of an application's own scheme.
pub(crate) fn is_private_use(uri: &str) -> bool {
    !uri.starts_with("https:") && !uri.starts_with("http:")
}

/// The schemes of widely used applications that are not named after a domain, and that have a host behind them.
/// They came before anybody could ask their makers for another.
const WITHOUT_A_DOMAIN: [&str; 1] = ["cursor"];

/// Whether `scheme` is a domain name read backwards (RFC 8252, 7.1 and 8.4). No scheme that a browser
/// understands by itself has a dot in it.
fn is_reverse_domain(scheme: &str) -> bool {
    let is_label = |label: &str| {
        let sound = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        !label.is_empty()
            && label.chars().all(sound)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    scheme.contains('.') && scheme.split('.').all(is_label)
}

/// `rest` behind its `:port`, if it starts with one from 1 to 65535 without leading zeros.
fn without_port(rest: &str) -> Option<&str> {
    let digits = rest.strip_prefix(':')?;
    let end = digits
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(digits.len());
    let (port, path) = digits.split_at(end);
    let sound = !port.starts_with('0') && port.parse::<u16>().is_ok();
    sound.then_some(path)
}

/// Parameters that an authorization answer may carry.
const RESERVED: [&str; 8] = [
    "code",
    "state",
    "iss",
    "error",
    "error_description",
    "error_uri",
    "reason",
    "response",
];

impl FromStr for RedirectUri {
    type Err = RedirectUriError;
    fn from_str(text: &str) -> Result<Self, RedirectUriError> {
        if text.len() > 2000 {
            return Err(RedirectUriError::TooLong);
        }
        let url = Url::parse(text).map_err(|_| RedirectUriError::NotAbsolute)?;
        check_place(&url, text)?;
        if text.contains('#') {
            return Err(RedirectUriError::Fragment);
        }
        if !url.username().is_empty() || url.password().is_some() || url.authority().contains('@') {
            return Err(RedirectUriError::UserInfo);
        }
        if text.contains('*') {
            return Err(RedirectUriError::Wildcard);
        }
        // An empty path is the one thing a browser adds that changes nothing.
        let bare = url.path() == "/" && url.query().is_none();
        let normal = url.as_str() == text || bare && url.as_str().strip_suffix('/') == Some(text);
        if !normal || text.contains('\\') {
            return Err(RedirectUriError::NotNormal);
        }
        if url
            .query_pairs()
            .any(|(name, _)| RESERVED.contains(&name.as_ref()))
        {
            return Err(RedirectUriError::ReservedParameter);
        }
        Ok(Self(text.to_owned()))
    }
}

/// Whether `url`, written as `text`, leads where a registration may lead.
fn check_place(url: &Url, text: &str) -> Result<(), RedirectUriError> {
    let loopback = match url.host() {
        Some(Host::Ipv4(address)) => address == std::net::Ipv4Addr::LOCALHOST,
        Some(Host::Ipv6(address)) => address == std::net::Ipv6Addr::LOCALHOST,
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    match url.scheme() {
        "https" => Ok(()),
        "http" if loopback => Ok(()),
        own if is_reverse_domain(own) => {
            let rest = text.get(own.len()..).unwrap_or_default();
            let rooted = rest.starts_with(":/") && !rest.starts_with("://");
            // `com.example.app:/.//x` has a path, but what takes it apart again may read a host there.
            if rooted && !url.path().contains("//") {
                Ok(())
            } else {
                Err(RedirectUriError::PrivateUseForm)
            }
        }
        known if WITHOUT_A_DOMAIN.contains(&known) => Ok(()),
        _ => Err(RedirectUriError::Scheme),
    }
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn registered(text: &str) -> RedirectUri {
        text.parse().unwrap()
    }

    #[test]
    fn https_and_loopback_http_can_be_registered() {
        for sound in [
            "https://app.example/auth/callback",
            "https://app.example",
            "https://app.example:8443/cb?tenant=a",
            "http://127.0.0.1/cb",
            "http://127.0.0.1:8000/cb",
            "http://[::1]:8000/cb",
            "http://localhost:8000/auth/callback",
        ] {
            assert_eq!(registered(sound).as_str(), sound);
            assert!(!registered(sound).is_private_use(), "{sound}");
        }
    }

    #[test]
    fn an_applications_own_scheme_can_be_registered() {
        for sound in [
            "com.example.app:/cb",
            "com.example.app:/oauth2redirect/example-provider?tenant=a",
            "com.example.app:/",
            "io.github.some-body.app2:/cb",
            "httpx.example:/cb",
            "cursor://anysphere.cursor-mcp/oauth/callback",
        ] {
            assert_eq!(registered(sound).as_str(), sound);
            assert!(registered(sound).is_private_use(), "{sound}");
        }
    }

    #[test]
    fn a_scheme_that_is_not_an_applications_own_cannot_be_registered() {
        use RedirectUriError as E;
        for (wrong, error) in [
            ("javascript:alert(1)", E::Scheme),
            ("javascript:/alert(1)", E::Scheme),
            ("data:/text", E::Scheme),
            ("vbscript:/cb", E::Scheme),
            ("file:/etc/passwd", E::Scheme),
            ("blob:/cb", E::Scheme),
            ("intent:/cb", E::Scheme),
            ("myapp:/cb", E::Scheme),
            ("my-app:/cb", E::Scheme),
            ("cursors://anysphere.cursor-mcp/oauth/callback", E::Scheme),
            ("cursor://anysphere.cursor-mcp/oauth/callback#", E::Fragment),
            ("com.:/cb", E::Scheme),
            ("com..app:/cb", E::Scheme),
            ("com.example+x:/cb", E::Scheme),
            ("com.-example:/cb", E::Scheme),
            ("com.example-:/cb", E::Scheme),
            (".com.example:/cb", E::NotAbsolute),
            ("1com.example:/cb", E::NotAbsolute),
            ("com.example.app", E::NotAbsolute),
            ("com.example.app:", E::PrivateUseForm),
            ("com.example.app:cb", E::PrivateUseForm),
            ("com.example.app://cb", E::PrivateUseForm),
            ("com.example.app:///cb", E::PrivateUseForm),
            ("com.example.app://user@host/cb", E::PrivateUseForm),
            ("com.example.app:?a=1", E::PrivateUseForm),
            ("COM.example.app:/cb", E::NotNormal),
            ("com.example.app:/cb#", E::Fragment),
            ("com.example.app:/*", E::Wildcard),
            ("com.example.app:/a/../cb", E::NotNormal),
            ("com.example.app:/a b", E::NotNormal),
            ("com.example.app:/a\\b", E::NotNormal),
            ("com.example.app:/.//cb", E::PrivateUseForm),
            ("com.example.app:/cb?code=x", E::ReservedParameter),
        ] {
            assert_eq!(wrong.parse::<RedirectUri>(), Err(error), "{wrong}");
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_cannot_be_registered() {
        use RedirectUriError as E;
        for (wrong, error) in [
            ("", E::NotAbsolute),
            ("/cb", E::NotAbsolute),
            ("//app.example/cb", E::NotAbsolute),
            ("http://app.example/cb", E::Scheme),
            ("http://localhost.evil.example/cb", E::Scheme),
            ("http://127.0.0.2/cb", E::Scheme),
            ("ftp://app.example/", E::Scheme),
            ("https://app.example/cb#", E::Fragment),
            ("https://app.example/cb#x", E::Fragment),
            ("https://user@app.example/cb", E::UserInfo),
            ("https://user:pass@app.example/cb", E::UserInfo),
            ("https://app.example/*", E::Wildcard),
            ("https://*.example/cb", E::Wildcard),
            ("https://APP.example/cb", E::NotNormal),
            ("https://app.example:443/cb", E::NotNormal),
            ("https://app.example/a/../cb", E::NotNormal),
            ("https://app.example/a b", E::NotNormal),
            (" https://app.example/cb", E::NotNormal),
            ("https:app.example/cb", E::NotNormal),
            ("https://app.example\\cb", E::NotNormal),
            ("http://127.1/cb", E::NotNormal),
            ("https://app.example/cb?state=x", E::ReservedParameter),
            ("https://app.example/cb?a=1&%63ode=x", E::ReservedParameter),
        ] {
            assert_eq!(wrong.parse::<RedirectUri>(), Err(error), "{wrong}");
        }
        let long = format!("https://app.example/{}", "a".repeat(2000));
        assert_eq!(long.parse::<RedirectUri>(), Err(E::TooLong));
    }

    #[test]
    fn a_match_is_exact() {
        let uri = registered("https://app.example/cb?a=1");
        assert!(uri.matches("https://app.example/cb?a=1"));
        for other in [
            "https://app.example/cb",
            "https://app.example/cb?a=1&b=2",
            "https://app.example/cb/?a=1",
            "https://app.example:8443/cb?a=1",
            "https://APP.example/cb?a=1",
            "https://app.example/cb?a=%31",
            "http://app.example/cb?a=1",
            "https://app.example.evil.example/cb?a=1",
        ] {
            assert!(!uri.matches(other), "{other}");
        }
        let own = registered("com.example.app:/cb");
        assert!(own.matches("com.example.app:/cb"));
        for other in [
            "com.example.app:/cb/",
            "com.example.app:/CB",
            "COM.example.app:/cb",
            "com.example.app://cb",
            "com.example.app:///cb",
            "com.example.app:cb",
            "com.example.app:/cb?a=1",
            "com.example.app2:/cb",
        ] {
            assert!(!own.matches(other), "{other}");
        }
    }

    #[test]
    fn only_a_loopback_address_over_http_has_a_free_port() {
        for (registration, presented, same) in [
            ("http://127.0.0.1/cb", "http://127.0.0.1:49152/cb", true),
            ("http://127.0.0.1:8000/cb", "http://127.0.0.1:9000/cb", true),
            ("http://127.0.0.1:8000/cb", "http://127.0.0.1/cb", true),
            ("http://[::1]/cb", "http://[::1]:1/cb", true),
            ("http://127.0.0.1/cb", "http://127.0.0.1:49152/other", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:0/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:080/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:65536/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:/cb", false),
            (
                "http://127.0.0.1/cb",
                "http://127.0.0.1:80@evil.example/cb",
                false,
            ),
            ("http://127.0.0.1", "http://127.0.0.1.evil.example", false),
            ("http://127.0.0.1/cb", "http://[::1]/cb", false),
            (
                "http://localhost:8000/cb",
                "http://localhost:9000/cb",
                false,
            ),
            (
                "https://127.0.0.1:8000/cb",
                "https://127.0.0.1:9000/cb",
                false,
            ),
        ] {
            assert_eq!(
                registered(registration).matches(presented),
                same,
                "{registration} {presented}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_sound_uri_or_an_error(text in "\\PC{0,60}|https?://\\PC{0,60}|http://127.0.0.1\\PC{0,20}|[a-z.+-]{1,12}:/{0,3}\\PC{0,20}") {
            if let Ok(uri) = text.parse::<RedirectUri>() {
                prop_assert!(uri.matches(&text));
                let url = Url::parse(&text).unwrap();
                if uri.is_private_use() {
                    let known = WITHOUT_A_DOMAIN.contains(&url.scheme());
                    prop_assert!(known || (!url.has_authority() && url.scheme().contains('.')));
                }
                prop_assert_eq!(uri.to_string().parse::<RedirectUri>(), Ok(uri));
            }
            let _ = registered("http://127.0.0.1/cb").matches(&text);
        }

        #[test]
        fn nothing_that_matches_a_loopback_registration_leaves_the_loopback(rest in "[:0-9a-z./@?#\\\\-]{0,30}") {
            let presented = format!("http://127.0.0.1{rest}");
            if registered("http://127.0.0.1/cb").matches(&presented) {
                let url = Url::parse(&presented).unwrap();
                prop_assert_eq!(url.host_str(), Some("127.0.0.1"));
                prop_assert_eq!(url.path(), "/cb");
            }
        }
    }
}
