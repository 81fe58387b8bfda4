//! A sink's secrets: what its deliveries are signed with, and the headers that its receiver asks for. Sealed at rest
//! under the master key, and shown to nobody.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealgate_audit::forms::webhook::{SECRET, secret_text};
use sealgate_model::{Secret, Timestamp};
use sealgate_session::Context;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ControlPlane;

/// The longest sealed secrets, in bytes.
const SEALED: usize = 32 * 1024;

/// The most headers, and the longest value of one in bytes.
const HEADERS: usize = 8;
const VALUE: usize = 2048;

/// A header to send along. Its value may be a secret, and its `Debug` does not tell it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Its name.
    #[schema(min_length = 1, max_length = 64)]
    pub name: String,
    /// Its value.
    #[schema(min_length = 1, max_length = 2048)]
    pub value: String,
}

impl std::fmt::Debug for Header {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Header({})", self.name)
    }
}

impl Header {
    /// What is wrong with it; nothing if it can be sent.
    fn unsound(&self) -> Option<&'static str> {
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        let name = self.name.to_ascii_lowercase();
        if !(1..=64).contains(&name.len()) || !name.bytes().all(token) {
            return Some("a header's name has 1 to 64 letters, digits and marks (RFC 9110, 5.6.2)");
        }
        let ours = [
            "host",
            "connection",
            "transfer-encoding",
            "user-agent",
            "te",
            "upgrade",
        ];
        if ours.contains(&name.as_str())
            || name.starts_with("content-")
            || name.starts_with("webhook-")
        {
            return Some("this header is not for a sink to set");
        }
        let visible = |byte: u8| matches!(byte, b' '..=b'~');
        let sound = (1..=VALUE).contains(&self.value.len()) && self.value.bytes().all(visible);
        (!sound).then_some("a header's value has 1 to 2048 visible ASCII characters")
    }
}

/// What is wrong with these headers; nothing if they can be sent.
pub(crate) fn unsound(headers: &[Header]) -> Option<&'static str> {
    if headers.len() > HEADERS {
        return Some("there are more than 8 headers");
    }
    headers.iter().find_map(Header::unsound)
}

#[derive(Clone, Serialize, Deserialize)]
struct Key {
    secret: String,
    /// Until when it signs too; none: until it is replaced.
    until: Option<i64>,
}

/// The secrets of one sink.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Secrets {
    keys: Vec<Key>,
    headers: Vec<Header>,
    /// What stands behind the path of the receiver's URL, after the question mark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    query: Option<String>,
}

impl Secrets {
    /// None but these headers, and what stands behind the path of the URL.
    pub(crate) const fn with(headers: Vec<Header>, query: Option<String>) -> Self {
        Self {
            keys: Vec::new(),
            headers,
            query,
        }
    }

    /// What stands behind the path of the URL.
    pub(crate) fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// Whether there is anything to keep.
    pub(crate) const fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.headers.is_empty() && self.query.is_none()
    }

    /// A new secret to sign with, and its text, which is to be shown once. What signed before signs beside it for
    /// `keep` more, and what was before that no more.
    pub(crate) fn rotate(
        &mut self,
        plane: &ControlPlane,
        now: Timestamp,
        keep: Duration,
    ) -> String {
        let secret = plane.random.bytes::<SECRET>();
        self.keys.truncate(1);
        if let Some(before) = self.keys.first_mut() {
            before.until = Some((now + keep).as_millis());
        }
        if keep.is_zero() {
            self.keys.clear();
        }
        let key = Key {
            secret: STANDARD.encode(secret),
            until: None,
        };
        self.keys.insert(0, key);
        secret_text(&secret)
    }

    /// What signs at `now`.
    pub(super) fn signing(&self, now: Timestamp) -> Vec<Vec<u8>> {
        let counts = |key: &&Key| key.until.is_none_or(|until| until > now.as_millis());
        let bytes = |key: &Key| STANDARD.decode(&key.secret).ok();
        self.keys.iter().filter(counts).filter_map(bytes).collect()
    }

    /// The headers to send along.
    pub(super) fn headers(&self) -> Vec<(String, Secret)> {
        let pair = |header: &Header| (header.name.clone(), Secret::new(header.value.clone()));
        self.headers.iter().map(pair).collect()
    }

    /// The names of the headers, which are no secret.
    pub(crate) fn header_names(&self) -> Vec<String> {
        self.headers.iter().map(|one| one.name.clone()).collect()
    }

    /// Sealed for the sink of this name.
    pub(crate) fn seal(&self, plane: &ControlPlane, name: &str) -> Result<String, String> {
        let plain = serde_json::to_vec(self).map_err(|error| error.to_string())?;
        plane
            .master
            .seal_up_to(SEALED, &context(plane, name), &*plane.random, &plain)
            .map_err(|error| error.to_string())
    }

    /// What was sealed for the sink of this name.
    pub(crate) fn open(
        plane: &ControlPlane,
        name: &str,
        sealed: Option<&str>,
    ) -> Result<Self, String> {
        let Some(sealed) = sealed else {
            return Ok(Self::default());
        };
        let opened = plane
            .master
            .open_up_to(SEALED, &context(plane, name), sealed)
            .map_err(|error| error.to_string())?;
        // What is wrong with it is told without it.
        serde_json::from_slice(&opened.plain).map_err(|_| "it is of another form".to_owned())
    }
}

/// The secrets of one sink open as nothing else.
fn context<'c>(plane: &'c ControlPlane, name: &'c str) -> Context<'c> {
    Context {
        purpose: "sink-secrets",
        cookie: name,
        client: "",
        issuer: plane.issuer.as_str(),
    }
}
