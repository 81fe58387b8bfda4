//! What was seen of a server: answers, by what was asked. Judging them asks nobody anything.

use std::collections::BTreeMap;

use http::HeaderMap;
use sealgate_agent::Challenge;
use serde_json::Value;
use url::Url;

/// An answer.
#[derive(Debug, Clone, Default)]
pub(super) struct Page {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// An answer, or why there is none.
pub(super) type Fetched = Result<Page, String>;

impl Page {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body, if it is a JSON object.
    pub(super) fn json(&self) -> Option<Value> {
        let value: Value = serde_json::from_slice(&self.body).ok()?;
        value.is_object().then_some(value)
    }

    /// A member of the JSON object that is a text.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        Some(self.json()?.get(name)?.as_str()?.to_owned())
    }

    /// Every value of `WWW-Authenticate` in one line, as a browser and most libraries show it.
    pub(super) fn challenge_text(&self) -> Option<String> {
        let values = self.headers.get_all("www-authenticate").iter();
        let values: Vec<&str> = values.filter_map(|value| value.to_str().ok()).collect();
        (!values.is_empty()).then(|| values.join(", "))
    }

    /// The challenges; none of a value that is not written as RFC 9110 says.
    pub(super) fn challenges(&self) -> Vec<Challenge> {
        let values = self.headers.get_all("www-authenticate").iter();
        let read = |value: &http::HeaderValue| Challenge::parse(value.as_bytes());
        values.filter_map(read).flatten().collect()
    }

    /// A parameter of the first challenge for a token that has it.
    pub(super) fn challenged(&self, name: &str) -> Option<String> {
        let challenges = self.challenges();
        let of_tokens = challenges
            .iter()
            .filter(|challenge| matches!(challenge.scheme.as_str(), "bearer" | "dpop"));
        let mut values = of_tokens.filter_map(|challenge| challenge.get(name));
        values.next().map(str::to_owned)
    }

    /// Whether a page of any origin, or of `origin`, may read this.
    pub(super) fn opened_to(&self, origin: &str) -> bool {
        let allowed = self.header("access-control-allow-origin");
        allowed.is_some_and(|allowed| allowed == "*" || allowed == origin)
    }

    /// Whether a page that may read this sees that header.
    pub(super) fn exposes(&self, name: &str) -> bool {
        listed(self.header("access-control-expose-headers"), name)
    }
}

/// Whether a comma-separated list has `name`, or a star.
pub(super) fn listed(list: Option<&str>, name: &str) -> bool {
    let mut names = list.unwrap_or_default().split(',').map(str::trim);
    names.any(|listed| listed == "*" || listed.eq_ignore_ascii_case(name))
}

/// An authorization server, as far as strangers are answered there.
#[derive(Debug, Clone)]
pub(super) struct Server {
    /// What the token endpoint answers to a client that it cannot know.
    pub(super) token: Option<Fetched>,
    /// What the authorization endpoint answers to it.
    pub(super) authorization: Option<Fetched>,
}

/// Everything that was seen.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub(super) url: Url,
    /// To a first message without a token.
    pub(super) asked: Fetched,
    /// To a token that is none.
    pub(super) bad_token: Fetched,
    /// To a token in the query.
    pub(super) query_token: Fetched,
    /// To a page of an origin that has nothing to do with it.
    pub(super) foreign: Fetched,
    /// To a browser that asks whether a page of the Inspector may send a token.
    pub(super) preflight: Fetched,
    /// The URL with a slash at its end, or without the one it has; and what is there.
    pub(super) sibling: (String, Fetched),
    /// Documents, by their URL.
    pub(super) documents: BTreeMap<String, Fetched>,
    /// Authorization servers, by the URL of the document that names their endpoints.
    pub(super) servers: BTreeMap<String, Server>,
    /// What came of registering as a client, by the client's name. Empty unless that was asked for.
    pub(super) registered: BTreeMap<&'static str, Fetched>,
}

/// The origin under which the Inspector's pages are served.
pub(super) const INSPECTOR: &str = "http://localhost:6274";

impl Facts {
    /// The document at a URL that was looked at.
    pub(super) fn document(&self, url: &str) -> Option<&Page> {
        self.documents.get(url)?.as_ref().ok()
    }

    /// The JSON document at a URL, if there is one with status 200.
    pub(super) fn found(&self, url: &str) -> Option<&Page> {
        let page = self.document(url)?;
        (page.status == 200 && page.json().is_some()).then_some(page)
    }
}

/// Where the resource's metadata may be without being told (RFC 9728, 3.1): below its path, at the root.
pub(super) fn resource_places(url: &Url) -> Vec<String> {
    let root = at(url, "/.well-known/oauth-protected-resource");
    if url.path() == "/" {
        return vec![root];
    }
    vec![format!("{root}{}", url.path()), root]
}

/// `path` at the origin of `url`.
pub(super) fn at(url: &Url, path: &str) -> String {
    let mut url = url.clone();
    url.set_path(path);
    url.set_query(None);
    url.set_fragment(None);
    url.into()
}
