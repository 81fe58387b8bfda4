//! Where a request comes from, when it comes through proxies: their word, and only theirs.
//!
//! Each proxy appends the address that connected to it, so the list of addresses is read from its end:
//! an entry counts as long as whoever wrote it is trusted. The last one that counts is the caller. What
//! stands further left was written by the caller, or by whoever the caller trusts.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

/// More trusted proxies than this in a row are a loop, not a path.
const HOPS: usize = 16;

/// Bytes of one entry. The longest address with its port has 47, and the words around it are few.
const ENTRY: usize = 256;

/// The header by which proxies tell whom they speak for. There is one: a proxy passes on, untouched, the
/// other one that a stranger wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ForwardingHeader {
    /// `X-Forwarded-For`: addresses.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239): `for=` among others.
    Forwarded,
}

impl ForwardingHeader {
    /// Its name, in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::XForwardedFor => "x-forwarded-for",
            Self::Forwarded => "forwarded",
        }
    }
}

/// The proxies that are believed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies {
    networks: Vec<IpNet>,
    header: ForwardingHeader,
}

/// Where a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// An address; IPv4 addresses inside IPv6 are IPv4.
    pub address: IpAddr,
    /// Whether it is the caller's. If not it is that of a trusted proxy, which does not tell whose the
    /// request is.
    pub is_callers: bool,
}

impl TrustedProxies {
    /// Those in `networks`, which speak by `header`.
    pub fn new(networks: Vec<IpNet>, header: ForwardingHeader) -> Self {
        Self { networks, header }
    }

    /// Whether none is trusted.
    pub fn is_empty(&self) -> bool {
        self.networks.is_empty()
    }

    /// The header to hand to [`Self::source`].
    pub const fn header(&self) -> ForwardingHeader {
        self.header
    }

    /// Where a request comes from that `peer` sent, with these lines of the header, in order.
    pub fn source<'h>(
        &self,
        peer: IpAddr,
        lines: impl DoubleEndedIterator<Item = &'h [u8]>,
    ) -> Source {
        let mut source = Source {
            address: peer.to_canonical(),
            is_callers: true,
        };
        if !self.trusts(source.address) {
            return source;
        }
        let mut entries = lines.rev().flat_map(Backwards).take(HOPS).peekable();
        source.is_callers = entries.peek().is_some();
        for entry in entries {
            match self.read(entry) {
                Some(address) if self.trusts(address) => source.address = address,
                Some(address) => {
                    source.address = address;
                    return source;
                }
                // A trusted proxy says that it does not know, or will not tell.
                None => {
                    source.is_callers = false;
                    return source;
                }
            }
        }
        source
    }

    /// Whether `address` is that of a trusted proxy.
    pub fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks.iter().any(|net| net.contains(&address))
    }

    fn read(&self, entry: &[u8]) -> Option<IpAddr> {
        let entry = str::from_utf8(entry).ok()?;
        if entry.len() > ENTRY {
            return None;
        }
        let address = match self.header {
            ForwardingHeader::XForwardedFor => entry,
            ForwardingHeader::Forwarded => node(entry)?,
        };
        address_of(address)
    }
}

/// An address as proxies write it: bare, with a port, or in brackets with or without one.
fn address_of(text: &str) -> Option<IpAddr> {
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let with_port = || text.parse().map(|address: SocketAddr| address.ip()).ok();
    let bare = text.parse().ok();
    let address = bare.or_else(with_port).or_else(bracketed)?;
    Some(address.to_canonical())
}

/// What `for=` names (RFC 7239, 4 and 6). A second `for=` in one entry makes it nobody's.
fn node(entry: &str) -> Option<&str> {
    let mut named = None;
    for pair in entry.split(';') {
        let Some((name, value)) = pair.split_once('=') else {
            continue;
        };
        if name.trim().eq_ignore_ascii_case("for") && named.replace(value.trim()).is_some() {
            return None;
        }
    }
    let value = named?;
    match value.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"'),
        None => Some(value),
    }
}

/// The entries of one line, from its end. What a stranger wrote stands further left, so a quotation mark
/// of theirs that is never closed swallows nothing.
struct Backwards<'h>(&'h [u8]);

impl<'h> Iterator for Backwards<'h> {
    type Item = &'h [u8];

    fn next(&mut self) -> Option<&'h [u8]> {
        while !self.0.is_empty() {
            let mut quoted = false;
            let comma = self.0.iter().rposition(|byte| {
                quoted ^= *byte == b'"';
                *byte == b',' && !quoted
            });
            let (rest, entry) = match comma {
                Some(at) => (&self.0[..at], &self.0[at + 1..]),
                None => (&[][..], self.0),
            };
            self.0 = rest;
            let entry = entry.trim_ascii();
            // RFC 9110, 5.6.1.2: empty elements of a list do not count.
            if !entry.is_empty() {
                return Some(entry);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PROXY: &str = "10.0.0.1";
    const STRANGER: &str = "198.51.100.7";

    fn proxies(header: ForwardingHeader) -> TrustedProxies {
        let networks = ["10.0.0.0/8", "fd00::/8"];
        TrustedProxies::new(networks.map(|net| net.parse().unwrap()).to_vec(), header)
    }

    fn source(header: ForwardingHeader, peer: &str, lines: &[&str]) -> (String, bool) {
        let lines = lines.iter().map(|line| line.as_bytes());
        let source = proxies(header).source(peer.parse().unwrap(), lines);
        (source.address.to_string(), source.is_callers)
    }

    fn x_forwarded_for(peer: &str, lines: &[&str]) -> (String, bool) {
        source(ForwardingHeader::XForwardedFor, peer, lines)
    }

    fn callers(address: &str) -> (String, bool) {
        (address.to_owned(), true)
    }

    fn nobodys(address: &str) -> (String, bool) {
        (address.to_owned(), false)
    }

    #[test]
    fn a_stranger_who_connects_is_where_they_are_whatever_they_write() {
        for lines in [
            &["192.0.2.1"][..],
            &["10.0.0.9"],
            &["192.0.2.1, 10.0.0.1"],
            &[],
        ] {
            assert_eq!(x_forwarded_for(STRANGER, lines), callers(STRANGER));
        }
        let nobody = TrustedProxies::default();
        let source = nobody.source(PROXY.parse().unwrap(), [&b"192.0.2.1"[..]].into_iter());
        assert_eq!(
            (source.address.to_string(), source.is_callers),
            callers(PROXY)
        );
    }

    #[test]
    fn the_last_address_that_a_trusted_proxy_wrote_is_the_callers() {
        let cases: [(&[&str], &str); 8] = [
            (&[STRANGER], STRANGER),
            // What the caller wrote stands before it.
            (&["192.0.2.1, 198.51.100.7"], STRANGER),
            (&["192.0.2.1, 10.9.9.9,198.51.100.7"], STRANGER),
            (&["10.9.9.9", STRANGER], STRANGER),
            // Two proxies in a row.
            (&["192.0.2.1, 198.51.100.7, 10.0.0.2"], STRANGER),
            (&["192.0.2.1, 198.51.100.7", " 10.0.0.2 ,, "], STRANGER),
            (&["[2001:db8::1]:4711, fd00::2"], "2001:db8::1"),
            (&["::ffff:198.51.100.7"], STRANGER),
        ];
        for (lines, address) in cases {
            assert_eq!(x_forwarded_for(PROXY, lines), callers(address), "{lines:?}");
        }
        assert_eq!(
            x_forwarded_for("::ffff:10.0.0.1", &[STRANGER]),
            callers(STRANGER)
        );
        assert_eq!(
            x_forwarded_for(PROXY, &["198.51.100.7:80"]),
            callers(STRANGER)
        );
    }

    #[test]
    fn where_only_proxies_are_named_the_first_of_them_asks_for_itself() {
        assert_eq!(
            x_forwarded_for(PROXY, &["10.0.0.9, 10.0.0.2"]),
            callers("10.0.0.9")
        );
    }

    #[test]
    fn what_no_proxy_tells_is_not_known() {
        for lines in [
            &[][..],
            &[""],
            &["unknown"],
            &["192.0.2.1, unknown"],
            &["192.0.2.1, a b"],
        ] {
            assert_eq!(x_forwarded_for(PROXY, lines), nobodys(PROXY), "{lines:?}");
        }
        assert_eq!(
            x_forwarded_for(PROXY, &["192.0.2.1, -, 10.0.0.2"]),
            nobodys("10.0.0.2")
        );
        let endless = "10.0.0.2, ".repeat(100);
        assert_eq!(x_forwarded_for(PROXY, &[&endless]), callers("10.0.0.2"));
    }

    #[test]
    fn forwarded_is_read_as_rfc_7239_has_it() {
        let forwarded = |lines: &[&str]| source(ForwardingHeader::Forwarded, PROXY, lines);
        let cases: [(&[&str], &str); 6] = [
            (&["for=198.51.100.7"], STRANGER),
            (
                &["For=\"198.51.100.7:47011\";proto=https;by=10.0.0.1"],
                STRANGER,
            ),
            (&["for=192.0.2.1, for=198.51.100.7;host=\"a,b\""], STRANGER),
            (
                &["for=\"[2001:db8::1]\", for=\"[fd00::2]:80\""],
                "2001:db8::1",
            ),
            // A quotation mark that a stranger leaves open.
            (&["for=\"192.0.2.1, for=198.51.100.7"], STRANGER),
            (&["for=\"", "for=198.51.100.7"], STRANGER),
        ];
        for (lines, address) in cases {
            assert_eq!(forwarded(lines), callers(address), "{lines:?}");
        }
        for lines in [
            &["for=unknown"][..],
            &["for=_hidden"],
            &["by=198.51.100.7"],
            &["for=198.51.100.7;for=192.0.2.1"],
            &["198.51.100.7"],
            &["for=\"198.51.100.7"],
        ] {
            assert_eq!(forwarded(lines), nobodys(PROXY), "{lines:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_of_a_strangers_in_front_changes_what_the_proxy_appended(
            text in proptest::collection::vec(any::<u8>(), 0..200), lines in any::<bool>(),
            forwarded in any::<bool>(),
        ) {
            let (header, own) = if forwarded {
                (ForwardingHeader::Forwarded, &b"for=198.51.100.7;proto=https"[..])
            } else {
                (ForwardingHeader::XForwardedFor, &b"198.51.100.7"[..])
            };
            let joined = [&text, &b", "[..], own].concat();
            let sent: Vec<&[u8]> = if lines { vec![&text, own] } else { vec![&joined] };
            let source = proxies(header).source(PROXY.parse().unwrap(), sent.into_iter());
            prop_assert_eq!(source.address.to_string(), STRANGER);
            prop_assert!(source.is_callers);
        }

        #[test]
        fn whoever_is_not_trusted_is_never_taken_for_somebody_else(
            peer in any::<std::net::Ipv6Addr>(), text in proptest::collection::vec(any::<u8>(), 0..100),
        ) {
            let trusted = proxies(ForwardingHeader::XForwardedFor);
            let peer = IpAddr::from(peer);
            prop_assume!(!trusted.trusts(peer.to_canonical()));
            let source = trusted.source(peer, [&text[..]].into_iter());
            prop_assert_eq!(source, Source { address: peer.to_canonical(), is_callers: true });
        }
    }
}
