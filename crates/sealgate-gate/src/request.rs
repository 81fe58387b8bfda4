//! What the gate reads of a request: one pass over its raw headers.

use crate::cookies::{self, CookieNames, Found};
use crate::origin::{Provenance, Whence};
use crate::resource::Scheme;
use crate::settings::Settings;

/// How a request arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// A request with one answer.
    Http,
    /// A WebSocket handshake.
    WebSocket,
}

/// A request, before its body.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// How it arrives.
    pub transport: Transport,
    /// The method, in upper case; `GET` for a WebSocket.
    pub method: &'a str,
    /// The decoded path, from the root of the host.
    pub path: &'a str,
    /// The raw query string, without `?`.
    pub query: &'a [u8],
    /// Header names, in lower case, and values, in order.
    pub headers: &'a [(&'a [u8], &'a [u8])],
}

impl Request<'_> {
    /// Whether the method may change something (RFC 9110, 9.2.1), or opens a socket that may.
    pub(crate) fn changes_state(&self) -> bool {
        self.transport == Transport::WebSocket
            || !matches!(self.method, "GET" | "HEAD" | "OPTIONS" | "TRACE")
    }
}

/// The credential that a request comes with.
pub(crate) enum Credential<'a> {
    /// A session, if any.
    Session(Found<'a>),
    /// A token: its scheme and what follows it.
    Token(Scheme, &'a [u8]),
    /// More than one.
    Several,
}

/// What matters in the headers.
pub(crate) struct Seen<'a> {
    pub(crate) session: Found<'a>,
    authorization: Found<'a>,
    pub(crate) dpop: Found<'a>,
    provenance: Provenance<'a>,
    fetch_mode: Option<&'a [u8]>,
    accept: Option<&'a [u8]>,
}

impl<'a> Seen<'a> {
    pub(crate) fn read(request: &Request<'a>, names: &CookieNames) -> Self {
        let mut seen = Self {
            session: Found::Nothing,
            authorization: Found::Nothing,
            dpop: Found::Nothing,
            provenance: Provenance::unsaid(),
            fetch_mode: None,
            accept: None,
        };
        for (name, value) in request.headers {
            match *name {
                b"cookie" => seen.session = cookies::find(value, names.session(), seen.session),
                b"authorization" => seen.authorization = seen.authorization.and(value),
                b"dpop" => seen.dpop = seen.dpop.and(value),
                b"origin" => seen.provenance.add_origin(value),
                b"sec-fetch-site" => seen.provenance.add_fetch_site(value),
                b"sec-fetch-mode" => seen.fetch_mode = Some(value),
                b"accept" => seen.accept = Some(value),
                _ => {}
            }
        }
        seen
    }

    /// Which credential is there. Credentials of other schemes are not for the gate, but for somebody in front
    /// of it or behind it. Two `Authorization` headers are refused whatever they say: whoever stands in front
    /// may have read the other one.
    pub(crate) fn credential(&self) -> Credential<'a> {
        let token = match self.authorization {
            Found::Nothing => None,
            Found::One(value) => Scheme::of(value),
            Found::Several => return Credential::Several,
        };
        match (token, self.session) {
            (None, session) => Credential::Session(session),
            (Some((scheme, rest)), Found::Nothing) => Credential::Token(scheme, rest),
            (Some(_), _) => Credential::Several,
        }
    }

    /// Whether a person is looking at a page, rather than a script at an answer.
    pub(crate) fn is_navigation(&self, request: &Request<'_>) -> bool {
        if request.transport != Transport::Http || !matches!(request.method, "GET" | "HEAD") {
            return false;
        }
        match self.fetch_mode {
            Some(mode) => mode == b"navigate",
            None => self.wants_html(),
        }
    }

    /// Whether a page is wanted: `text/html` is named in `Accept` before any JSON type.
    pub(crate) fn wants_html(&self) -> bool {
        let Some(accept) = self.accept else {
            return false;
        };
        let first = accept.split(|byte| *byte == b',').find_map(|part| {
            let kind = part
                .split(|byte| *byte == b';')
                .next()
                .unwrap_or_default()
                .trim_ascii();
            match kind {
                b"text/html" | b"application/xhtml+xml" => Some(true),
                _ if kind.ends_with(b"json") => Some(false),
                _ => None,
            }
        });
        first.unwrap_or(false)
    }

    /// The `Authorization` header.
    pub(crate) const fn token(&self) -> Found<'a> {
        self.authorization
    }

    /// Where a browser says that this comes from, for whoever is at `own` and trusts pages of `others`.
    pub(crate) fn whence_among(
        &self,
        transport: Transport,
        own: &str,
        others: &[String],
    ) -> Whence {
        self.provenance.whence(transport, own, others)
    }

    /// Where a browser says that this comes from.
    pub(crate) fn whence(&self, transport: Transport, settings: &Settings) -> Whence {
        let (own, others) = (settings.base_url.origin(), &settings.allowed_origins);
        self.provenance.whence(transport, own, others)
    }
}

/// Every cookie whose name `wanted` accepts, as text; those that are not UTF-8 are left out.
pub(crate) fn cookies_where<'a>(
    request: &Request<'a>,
    wanted: impl Fn(&str) -> bool,
) -> Vec<(&'a str, &'a str)> {
    let headers = request
        .headers
        .iter()
        .filter(|(name, _)| *name == b"cookie");
    headers
        .flat_map(|(_, value)| cookies::pairs(value))
        .filter_map(|(name, value)| Some((str::from_utf8(name).ok()?, str::from_utf8(value).ok()?)))
        .filter(|(name, _)| wanted(name))
        .take(64)
        .collect()
}
