//! Resource indicators (RFC 8707): which resources a token is wanted for.

use std::fmt;
use std::str::FromStr;

use sealgate_model::Issuer;
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::{OAuthError, Params};

/// A URI that can name a resource: absolute, at most 512 bytes, without fragment (RFC 8707, 2) or user
/// information, https or http on the loopback, written as a browser would write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceUri(String);

impl ResourceUri {
    /// The URI.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The URI, to keep.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl FromStr for ResourceUri {
    type Err = OAuthError;
    fn from_str(text: &str) -> Result<Self, OAuthError> {
        const MALFORMED: OAuthError = OAuthError::ResourceMalformed;
        if text.len() > 512 || text.contains(['#', '\\']) {
            return Err(MALFORMED);
        }
        let url = Url::parse(text).map_err(|_| MALFORMED)?;
        let loopback = match url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => false,
        };
        let reachable = url.scheme() == "https" || url.scheme() == "http" && loopback;
        let anonymous = !url.authority().contains('@');
        let normal = is_same(url.as_str(), text);
        if reachable && anonymous && normal {
            Ok(Self(text.to_owned()))
        } else {
            Err(MALFORMED)
        }
    }
}

impl fmt::Display for ResourceUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether two URIs are byte for byte the same. Only an empty path is the path `/` (RFC 3986, 6.2.3):
/// programs disagree on whether an origin ends in one.
fn is_same(left: &str, right: &str) -> bool {
    without_bare_slash(left) == without_bare_slash(right)
}

fn without_bare_slash(text: &str) -> &str {
    let is_origin = |text: &str| {
        let authority = text.split_once("://").map(|(_, rest)| rest);
        authority.is_some_and(|rest| !rest.contains(['/', '?']))
    };
    match text.strip_suffix('/') {
        Some(origin) if is_origin(origin) => origin,
        _ => text,
    }
}

/// The resources of one request: well formed, at most 8, each once. None: those that were granted, or
/// the issuer itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Resources(Vec<String>);

impl Resources {
    /// How many there may be in one request.
    pub const MOST: usize = 8;

    /// Reads every `resource` parameter.
    pub fn from_params(params: &Params) -> Result<Self, OAuthError> {
        Self::collect(params.all("resource"))
    }

    /// Reads every `resource` and every `audience` parameter of an exchange (RFC 8693, 2.1): the names that
    /// audiences go by here are their URIs.
    pub fn of_exchange(params: &Params) -> Result<Self, OAuthError> {
        Self::collect(params.all("resource").chain(params.all("audience")))
    }

    fn collect<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, OAuthError> {
        let mut kept: Vec<String> = Vec::new();
        for (index, text) in texts.into_iter().enumerate() {
            if index == Self::MOST {
                return Err(OAuthError::TooManyResources);
            }
            let uri: ResourceUri = text.parse()?;
            if !kept.contains(&uri.0) {
                kept.push(uri.0);
            }
        }
        Ok(Self(kept))
    }

    /// The same resources as `registered` spells them, if the client is registered for each.
    pub fn registered(&self, registered: &[String]) -> Result<Self, OAuthError> {
        self.spelled_in(registered)
            .map(Self)
            .ok_or(OAuthError::ResourceNotAllowed)
    }

    /// The resources of a token that is asked for under a grant (RFC 8707, 2.2): of those `granted`,
    /// the ones asked for; if none is, all. A grant without resources is one for `issuer` alone.
    pub fn narrow(&self, granted: &[String], issuer: &Issuer) -> Result<Vec<String>, OAuthError> {
        if self.is_empty() {
            return Ok(granted.to_vec());
        }
        if granted.is_empty() {
            let own = [issuer.as_str().to_owned()];
            let asked = self.spelled_in(&own);
            return asked.map(|_| Vec::new()).ok_or(OAuthError::ResourceWidened);
        }
        self.spelled_in(granted).ok_or(OAuthError::ResourceWidened)
    }

    fn spelled_in(&self, known: &[String]) -> Option<Vec<String>> {
        let mut kept: Vec<String> = Vec::new();
        for asked in &self.0 {
            let exact = known.iter().find(|uri| *uri == asked);
            let found = exact.or_else(|| known.iter().find(|uri| is_same(uri, asked)))?;
            if !kept.contains(found) {
                kept.push(found.clone());
            }
        }
        Some(kept)
    }

    /// Whether none was named.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The URIs.
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }

    /// The URIs, to keep.
    pub fn into_vec(self) -> Vec<String> {
        self.0
    }
}

impl TryFrom<Vec<String>> for Resources {
    type Error = OAuthError;
    fn try_from(texts: Vec<String>) -> Result<Self, OAuthError> {
        Self::collect(texts.iter().map(String::as_str))
    }
}

impl From<Resources> for Vec<String> {
    fn from(resources: Resources) -> Self {
        resources.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Limits;

    fn asked(texts: &[&str]) -> Resources {
        Resources::collect(texts.iter().copied()).unwrap()
    }

    fn uris(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }

    fn issuer() -> Issuer {
        "https://id.example".parse().unwrap()
    }

    #[test]
    fn https_and_loopback_http_can_name_a_resource() {
        for sound in [
            "https://api.example",
            "https://api.example/",
            "https://api.example/mcp?tenant=a",
            "https://id.example/api/v1",
            "http://127.0.0.1:8000/mcp",
            "http://[::1]:8000",
            "http://localhost:3000",
        ] {
            assert_eq!(sound.parse::<ResourceUri>().unwrap().as_str(), sound);
        }
    }

    #[test]
    fn anything_else_is_refused_as_a_target() {
        let long = format!("https://api.example/{}", "a".repeat(512));
        for wrong in [
            "",
            "api",
            "/api",
            "api.example",
            "urn:example:api",
            "http://api.example",
            "https://api.example/#",
            "https://api.example#part",
            "https://user@api.example",
            "https://@api.example",
            "https://API.example",
            "https://api.example:443/",
            "https://api.example/a/../b",
            "https://api.example\\@evil.example",
            "https://api.example/a b",
            "ftp://127.0.0.1/",
            &long,
        ] {
            let refused = wrong.parse::<ResourceUri>();
            assert_eq!(refused, Err(OAuthError::ResourceMalformed), "{wrong}");
        }
        assert_eq!(
            OAuthError::ResourceMalformed.error().as_str(),
            "invalid_target"
        );
    }

    #[test]
    fn a_request_names_up_to_eight() {
        let body = |count: usize| {
            let one = |n| format!("resource=https%3A%2F%2Fapi{n}.example&");
            (0..count).map(one).collect::<String>()
        };
        let read = |body: &str| {
            Resources::from_params(&Params::parse(body.as_bytes(), Limits::STANDARD).unwrap())
        };
        assert_eq!(read(&body(8)).unwrap().as_slice().len(), 8);
        assert_eq!(read(&body(9)), Err(OAuthError::TooManyResources));
        assert!(read("").unwrap().is_empty());
        assert_eq!(read("resource=x"), Err(OAuthError::ResourceMalformed));
    }

    #[test]
    fn only_registered_resources_are_taken_and_as_registered() {
        let registered = uris(&["https://api.example/", "https://b.example/mcp"]);
        assert_eq!(
            asked(&["https://b.example/mcp", "https://api.example"]).registered(&registered),
            Ok(asked(&["https://b.example/mcp", "https://api.example/"]))
        );
        for other in [
            "https://b.example/mcp/",
            "https://b.example",
            "https://api.example/x",
        ] {
            let refused = asked(&[other]).registered(&registered);
            assert_eq!(refused, Err(OAuthError::ResourceNotAllowed), "{other}");
        }
    }

    #[test]
    fn a_token_request_narrows_what_was_granted_and_never_widens_it() {
        let granted = uris(&["https://a.example", "https://b.example"]);
        let narrow = |texts: &[&str]| asked(texts).narrow(&granted, &issuer());
        assert_eq!(narrow(&[]), Ok(granted.clone()));
        assert_eq!(
            narrow(&["https://b.example/"]),
            Ok(uris(&["https://b.example"]))
        );
        for wider in [
            &["https://c.example"][..],
            &["https://a.example", "https://c.example"],
        ] {
            assert_eq!(narrow(wider), Err(OAuthError::ResourceWidened));
        }
    }

    #[test]
    fn a_grant_without_resources_is_one_for_the_issuer() {
        let narrow = |texts: &[&str]| asked(texts).narrow(&[], &issuer());
        assert_eq!(narrow(&[]), Ok(vec![]));
        assert_eq!(narrow(&["https://id.example"]), Ok(vec![]));
        assert_eq!(
            narrow(&["https://api.example"]),
            Err(OAuthError::ResourceWidened)
        );
    }

    proptest! {
        #[test]
        fn any_text_is_a_resource_in_its_one_spelling_or_none(text in "\\PC{0,60}|https://[a-z.:/?#@\\\\*-]{0,40}") {
            if let Ok(uri) = text.parse::<ResourceUri>() {
                let url = Url::parse(uri.as_str()).unwrap();
                prop_assert!(url.fragment().is_none() && url.username().is_empty());
                prop_assert!(is_same(url.as_str(), &text));
            }
        }

        #[test]
        fn what_is_narrowed_lies_within_what_was_granted(
            granted in prop::collection::vec("https://[a-d]\\.example/?", 1..5),
            wanted in prop::collection::vec("https://[a-e]\\.example/?", 0..5),
        ) {
            let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
            if let Ok(narrowed) = asked(&wanted).narrow(&granted, &issuer()) {
                prop_assert!(!narrowed.is_empty());
                prop_assert!(narrowed.iter().all(|uri| granted.contains(uri)));
            }
        }
    }
}
