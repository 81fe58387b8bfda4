//! Whom a token is for, and where it may be sent.

use url::{Host, Url};

use super::cache::{Key, Subject};
use super::error::OnwardError;

/// The longest audience and URL, in bytes.
const LIMIT: usize = 8 * 1024;

/// Whom a token is for, with which scopes, and where it may be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    audience: String,
    /// Sorted, each once.
    scopes: Vec<String>,
    origins: Vec<String>,
    dpop: bool,
}

/// Where a request goes.
pub(super) struct Place {
    /// Scheme, host and port.
    pub(super) origin: String,
    /// The URL without query and fragment, as a proof names it (RFC 9449, 4.2).
    pub(super) url: String,
}

impl Target {
    /// The resource `audience` (RFC 8707: an absolute URI without fragment), with `scopes`, or without any
    /// being named. `dpop`: whether tokens are bound to a key of this process (RFC 9449).
    ///
    /// Tokens are sent to the audience's own origin, or else to those of `places` only: URLs such as
    /// `http://orders.internal:8000`, of which the origin counts. Without any, plain http is for loopback
    /// addresses.
    ///
    /// # Errors
    /// [`OnwardError::TargetUnusable`].
    pub fn new<S: AsRef<str>>(
        audience: &str,
        scopes: &[S],
        places: &[S],
        dpop: bool,
    ) -> Result<Self, OnwardError> {
        let unusable = |why: String| Err(OnwardError::TargetUnusable(why));
        let uri = Url::parse(audience)
            .ok()
            .filter(|_| audience.len() <= LIMIT);
        let Some(uri) = uri.filter(|uri| uri.fragment().is_none() && is_visible(audience)) else {
            return unusable(format!(
                "the audience {audience:?} is not an absolute URI without a fragment"
            ));
        };
        let mut scopes: Vec<_> = scopes.iter().map(|one| one.as_ref().to_owned()).collect();
        if let Some(wrong) = scopes.iter().find(|one| !is_scope(one)) {
            return unusable(format!("{wrong:?} is not the name of one scope"));
        }
        scopes.sort_unstable();
        scopes.dedup();
        let mut origins = Vec::new();
        for place in places {
            let place = place.as_ref();
            match Url::parse(place).ok().and_then(|url| origin(&url)) {
                Some(origin) => origins.push(origin),
                None => return unusable(format!("{place:?} is not an http(s) URL")),
            }
        }
        if origins.is_empty() {
            match origin(&uri) {
                Some(origin) if uri.scheme() == "https" || is_loopback(&uri) => {
                    origins.push(origin);
                }
                Some(_) => {
                    return unusable(format!(
                        "{audience} is plain http, where everybody on the way reads the token: say that it \
                         may be sent there"
                    ));
                }
                None => {
                    return unusable(format!(
                        "the audience {audience} is no http(s) URL: say where its tokens may be sent"
                    ));
                }
            }
        }
        Ok(Self {
            audience: audience.to_owned(),
            scopes,
            origins,
            dpop,
        })
    }

    /// Whom tokens are for.
    pub fn audience(&self) -> &str {
        &self.audience
    }

    pub(super) fn scopes(&self) -> &[String] {
        &self.scopes
    }

    pub(super) const fn dpop(&self) -> bool {
        self.dpop
    }

    pub(super) fn key(&self, subject: Subject) -> Key {
        Key {
            audience: self.audience.clone(),
            scopes: self.scopes.clone(),
            dpop: self.dpop,
            subject,
        }
    }

    /// Where `url` leads, if tokens may be sent there.
    pub(super) fn place(&self, url: &str) -> Result<Place, OnwardError> {
        let parsed = Url::parse(url).ok().filter(|_| url.len() <= LIMIT);
        let place = parsed.and_then(|url| {
            let origin = origin(&url)?;
            self.origins.contains(&origin).then_some((origin, url))
        });
        let Some((origin, mut url)) = place else {
            // Of a URL only the origin is told: the rest may hold what logs must not.
            let told = Url::parse(url).ok().and_then(|url| origin(&url));
            let told = told.unwrap_or_else(|| "a URL that is not http(s)".to_owned());
            return Err(OnwardError::Elsewhere(told));
        };
        url.set_query(None);
        url.set_fragment(None);
        // Neither fails on an http(s) URL.
        let _ = (url.set_username(""), url.set_password(None));
        Ok(Place {
            origin,
            url: url.into(),
        })
    }
}

fn origin(url: &Url) -> Option<String> {
    let known = matches!(url.scheme(), "https" | "http") && url.has_host();
    known.then(|| url.origin().ascii_serialization())
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(domain)) => domain == "localhost" || domain.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn is_visible(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// RFC 6749, 3.3.
fn is_scope(text: &str) -> bool {
    !text.is_empty() && is_visible(text) && !text.contains(['"', '\\'])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn target(audience: &str, places: &[&str]) -> Result<Target, OnwardError> {
        Target::new(audience, &[], places, true)
    }

    fn place(target: &Target, url: &str) -> Option<(String, String)> {
        let place = target.place(url).ok()?;
        Some((place.origin, place.url))
    }

    #[test]
    fn tokens_are_sent_to_the_audience_and_nowhere_else() {
        let two = target("https://two.example/api", &[]).unwrap();
        let url = "https://user:word@two.example:443/other?q=1#f";
        let expected = ("https://two.example", "https://two.example/other");
        let found = place(&two, url).unwrap();
        assert_eq!((found.0.as_str(), found.1.as_str()), expected);
        for elsewhere in [
            "http://two.example/api",
            "https://two.example:8443/api",
            "https://two.example.evil.example/api",
            "https://evil.example/https://two.example/api",
            "https://two.example@evil.example/",
            "two.example/api",
            "",
        ] {
            assert_eq!(place(&two, elsewhere), None, "{elsewhere}");
        }
        let error = two.place("https://evil.example/?secret=1").err().unwrap();
        assert!(!error.to_string().contains("secret"), "{error}");
    }

    #[test]
    fn places_stand_in_for_an_audience_that_is_reached_otherwise() {
        for audience in ["https://two.example", "urn:example:two", "api://two"] {
            let two = target(
                audience,
                &["http://two.internal:8000/x", "https://b.example"],
            );
            let two = two.unwrap();
            assert!(place(&two, "http://two.internal:8000/y").is_some());
            assert!(place(&two, "https://b.example/").is_some());
            assert_eq!(place(&two, "https://two.example/"), None);
        }
    }

    #[test]
    fn a_target_that_would_leak_or_mean_nothing_is_refused() {
        for (audience, places) in [
            ("http://two.example", &[][..]),
            ("urn:example:two", &[]),
            ("two", &[]),
            ("https://two.example/#a", &[]),
            ("https://two.example/a b", &[]),
            ("https://two.example", &["ftp://two.example"]),
            ("https://two.example", &["two"]),
        ] {
            let error = target(audience, places).unwrap_err();
            assert_eq!(error.code(), "onward_target_unusable", "{audience}");
        }
        for loopback in [
            "http://127.0.0.1:8000",
            "http://[::1]:1",
            "http://localhost",
        ] {
            assert!(target(loopback, &[]).is_ok(), "{loopback}");
        }
        for scope in ["", "a b", "\""] {
            assert!(Target::new("https://two.example", &[scope], &[], false).is_err());
        }
    }

    #[test]
    fn the_order_of_scopes_makes_no_difference() {
        let of = |scopes: &[&str]| Target::new("https://two.example", scopes, &[], false).unwrap();
        assert_eq!(of(&["b", "a", "b"]), of(&["a", "b"]));
    }

    proptest! {
        #[test]
        fn whatever_the_url_a_token_only_goes_to_its_origin(url in "(https?:)?//?\\PC{0,60}") {
            let two = target("https://two.example", &[]).unwrap();
            if let Ok(place) = two.place(&url) {
                prop_assert_eq!(place.origin, "https://two.example");
                prop_assert!(place.url.starts_with("https://two.example/"), "{}", place.url);
            }
        }
    }
}
