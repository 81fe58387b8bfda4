//! What the gate reads of a request: one pass over its raw headers.

use crate::cookies::{self, CookieNames, Found};

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

/// What matters in the headers.
pub(crate) struct Seen<'a> {
    pub(crate) session: Found<'a>,
    /// Whether there is a bearer or `DPoP` credential.
    pub(crate) bearer: bool,
    origin: Found<'a>,
    fetch_site: Found<'a>,
    fetch_mode: Option<&'a [u8]>,
    accept: Option<&'a [u8]>,
}

impl<'a> Seen<'a> {
    pub(crate) fn read(request: &Request<'a>, names: &CookieNames) -> Self {
        let mut seen = Self {
            session: Found::Nothing,
            bearer: false,
            origin: Found::Nothing,
            fetch_site: Found::Nothing,
            fetch_mode: None,
            accept: None,
        };
        for (name, value) in request.headers {
            match *name {
                b"cookie" => seen.session = cookies::find(value, names.session(), seen.session),
                b"authorization" => seen.bearer |= is_bearer(value),
                b"origin" => seen.origin = once(seen.origin, value),
                b"sec-fetch-site" => seen.fetch_site = once(seen.fetch_site, value),
                b"sec-fetch-mode" => seen.fetch_mode = Some(value),
                b"accept" => seen.accept = Some(value),
                _ => {}
            }
        }
        seen
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

    /// Whether a browser says, or may be hiding, that another site made this request.
    ///
    /// Browsers send `Sec-Fetch-Site` on trustworthy origins and `Origin` on every state-changing or
    /// WebSocket request; when one is there it must name this application. `Origin: null` comes from a
    /// page that hides its address (`Referrer-Policy: no-referrer`), and from sandboxed foreign ones: it
    /// counts as nothing said where `Sec-Fetch-Site`, which pages cannot influence, speaks for the
    /// request. When neither is there, no current browser made the request, and `SameSite=Lax` still keeps
    /// the cookie from foreign forms; only a WebSocket handshake is then not given the benefit of the doubt.
    pub(crate) fn is_cross_origin(&self, transport: Transport, own_origin: &str) -> bool {
        let same_site = match self.fetch_site {
            Found::Nothing => None,
            Found::One(site) => Some(matches!(site, b"same-origin" | b"none")),
            Found::Several => Some(false),
        };
        let same_origin = match self.origin {
            Found::Nothing => None,
            Found::One(b"null") if same_site == Some(true) => None,
            Found::One(origin) => Some(origin == own_origin.as_bytes()),
            Found::Several => Some(false),
        };
        match (same_site, same_origin) {
            (Some(false), _) | (_, Some(false)) => true,
            (None, None) => transport == Transport::WebSocket,
            (Some(true), None) => {
                transport == Transport::WebSocket && self.origin == Found::Nothing
            }
            (_, Some(true)) => false,
        }
    }
}

fn once<'a>(found: Found<'a>, value: &'a [u8]) -> Found<'a> {
    if found == Found::Nothing {
        Found::One(value)
    } else {
        Found::Several
    }
}

fn is_bearer(value: &[u8]) -> bool {
    let scheme = value
        .trim_ascii()
        .split(u8::is_ascii_whitespace)
        .next()
        .unwrap_or_default();
    scheme.eq_ignore_ascii_case(b"bearer") || scheme.eq_ignore_ascii_case(b"dpop")
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
