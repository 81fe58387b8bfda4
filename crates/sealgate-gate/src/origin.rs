//! Where a browser says that a request comes from (docs/decisions/0021-csrf-tokens-without-an-origin.md).

use crate::cookies::Found;
use crate::request::Transport;

/// The two headers in which browsers say it. No page can set or drop either.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Provenance<'a> {
    origin: Found<'a>,
    fetch_site: Found<'a>,
}

/// Where a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whence {
    /// A page of the application, or one that is trusted like them.
    Own,
    /// Another site, or a browser that hides it.
    Elsewhere,
    /// Neither header is there: no browser of today, but maybe one of yesterday.
    Unsaid,
}

impl<'a> Provenance<'a> {
    /// Nothing was said yet.
    pub(crate) const fn unsaid() -> Self {
        Self {
            origin: Found::Nothing,
            fetch_site: Found::Nothing,
        }
    }

    /// Takes one `Origin` field.
    pub(crate) fn add_origin(&mut self, value: &'a [u8]) {
        self.origin = once(self.origin, value);
    }

    /// Takes one `Sec-Fetch-Site` field.
    pub(crate) fn add_fetch_site(&mut self, value: &'a [u8]) {
        self.fetch_site = once(self.fetch_site, value);
    }

    /// Where the request comes from, for an application at the origin `own` that trusts pages of `others`
    /// like its own.
    ///
    /// Pages that hide their address send `Origin: null`, and so do sandboxed foreign ones;
    /// `Sec-Fetch-Site` tells them apart. Every browser sends `Origin` with a WebSocket handshake
    /// (RFC 6455, 4.1), so that one without is not given the benefit of the doubt.
    pub(crate) fn whence(&self, transport: Transport, own: &str, others: &[String]) -> Whence {
        let same_site = match self.fetch_site {
            Found::Nothing => None,
            Found::One(site) => Some(matches!(site, b"same-origin" | b"none")),
            Found::Several => return Whence::Elsewhere,
        };
        match (self.origin, same_site) {
            (Found::One(b"null"), Some(true)) => Whence::Own,
            (Found::One(origin), _) if others.iter().any(|other| other.as_bytes() == origin) => {
                Whence::Own
            }
            (Found::One(origin), None | Some(true)) if origin == own.as_bytes() => Whence::Own,
            (Found::One(_) | Found::Several, _) | (Found::Nothing, Some(false)) => {
                Whence::Elsewhere
            }
            (Found::Nothing, _) if transport == Transport::WebSocket => Whence::Elsewhere,
            (Found::Nothing, Some(true)) => Whence::Own,
            (Found::Nothing, None) => Whence::Unsaid,
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

#[cfg(test)]
mod tests {
    use super::Whence::{Elsewhere, Own, Unsaid};
    use super::*;

    const OWN: &str = "https://app.example";

    fn whence(transport: Transport, origin: &[&'static str], site: &[&'static str]) -> Whence {
        let mut provenance = Provenance::unsaid();
        for value in origin {
            provenance.add_origin(value.as_bytes());
        }
        for value in site {
            provenance.add_fetch_site(value.as_bytes());
        }
        provenance.whence(transport, OWN, &["https://www.app.example".to_owned()])
    }

    #[test]
    fn both_headers_together_tell_where_a_request_comes_from() {
        for (origin, site, expected) in [
            (&[][..], &[][..], Unsaid),
            (&[OWN], &[], Own),
            (&[OWN], &["same-origin"], Own),
            (&[], &["same-origin"], Own),
            (&[], &["none"], Own),
            (&["null"], &["same-origin"], Own),
            (&["null"], &[], Elsewhere),
            (&["null"], &["cross-site"], Elsewhere),
            (&["https://evil.example"], &[], Elsewhere),
            (&["https://evil.example"], &["same-origin"], Elsewhere),
            (&["https://app.example.evil.example"], &[], Elsewhere),
            (&["http://app.example"], &[], Elsewhere),
            (&[], &["cross-site"], Elsewhere),
            (&[], &["same-site"], Elsewhere),
            (&[OWN], &["cross-site"], Elsewhere),
            (&[OWN, OWN], &[], Elsewhere),
            (&[OWN], &["same-origin", "same-origin"], Elsewhere),
            (&[""], &[], Elsewhere),
            (&[], &[""], Elsewhere),
        ] {
            assert_eq!(
                whence(Transport::Http, origin, site),
                expected,
                "{origin:?} {site:?}"
            );
        }
    }

    #[test]
    fn pages_of_an_allowed_origin_are_like_the_applications_own() {
        let www = "https://www.app.example";
        for transport in [Transport::Http, Transport::WebSocket] {
            for site in [&[][..], &["same-site"], &["cross-site"]] {
                assert_eq!(whence(transport, &[www], site), Own);
            }
            assert_eq!(whence(transport, &[www, www], &[]), Elsewhere);
        }
    }

    #[test]
    fn a_handshake_without_origin_comes_from_elsewhere() {
        for site in [&[][..], &["same-origin"], &["none"]] {
            assert_eq!(whence(Transport::WebSocket, &[], site), Elsewhere);
        }
        assert_eq!(whence(Transport::WebSocket, &[OWN], &[]), Own);
        assert_eq!(
            whence(Transport::WebSocket, &["null"], &["same-origin"]),
            Own
        );
    }
}
