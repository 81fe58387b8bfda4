//! Which addresses a request may go to whose URL somebody else chose: public ones, and what the
//! operator lists. Everything of special use is refused, for behind it are this machine, its neighbours
//! and the cloud's metadata service.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(a: u16, b: u16, c: u16, prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), prefix)
}

/// IANA's IPv4 Special-Purpose Address Registry (RFC 6890, 2.2.2, and the RFCs that added to it), and
/// multicast, which has a registry of its own.
const SPECIAL_V4: [(Ipv4Net, &str); 18] = [
    (v4(0, 0, 0, 0, 8), "this network (RFC 791)"),
    (v4(10, 0, 0, 0, 8), "private use (RFC 1918)"),
    (v4(100, 64, 0, 0, 10), "shared address space (RFC 6598)"),
    (v4(127, 0, 0, 0, 8), "loopback (RFC 1122)"),
    (v4(169, 254, 0, 0, 16), "link-local (RFC 3927)"),
    (v4(172, 16, 0, 0, 12), "private use (RFC 1918)"),
    (v4(192, 0, 0, 0, 24), "protocol assignments (RFC 6890)"),
    (v4(192, 0, 2, 0, 24), "documentation (RFC 5737)"),
    (v4(192, 31, 196, 0, 24), "AS112 (RFC 7535)"),
    (v4(192, 52, 193, 0, 24), "AMT (RFC 7450)"),
    (v4(192, 88, 99, 0, 24), "6to4 relays (RFC 7526)"),
    (v4(192, 168, 0, 0, 16), "private use (RFC 1918)"),
    (v4(192, 175, 48, 0, 24), "AS112 (RFC 7534)"),
    (v4(198, 18, 0, 0, 15), "benchmarking (RFC 2544)"),
    (v4(198, 51, 100, 0, 24), "documentation (RFC 5737)"),
    (v4(203, 0, 113, 0, 24), "documentation (RFC 5737)"),
    (v4(224, 0, 0, 0, 4), "multicast (RFC 5771)"),
    (
        v4(240, 0, 0, 0, 4),
        "reserved, broadcast (RFC 1112, RFC 8190)",
    ),
];

/// IANA's IPv6 Special-Purpose Address Registry (RFC 6890, 2.2.3, and the RFCs that added to it). What
/// carries an IPv4 address inside is refused whole, whichever address it carries.
const SPECIAL_V6: [(Ipv6Net, &str); 17] = [
    // Unspecified (::), loopback (::1) and IPv4-compatible addresses (RFC 4291, 2.5).
    (v6(0, 0, 0, 96), "loopback or unspecified (RFC 4291)"),
    (
        Ipv6Net::new_assert(Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96),
        "IPv4-mapped (RFC 4291)",
    ),
    (v6(0x64, 0xff9b, 0, 96), "NAT64 (RFC 6052)"),
    (v6(0x64, 0xff9b, 1, 48), "local NAT64 (RFC 8215)"),
    (v6(0x100, 0, 0, 64), "discard-only (RFC 6666)"),
    (
        Ipv6Net::new_assert(Ipv6Addr::new(0x100, 0, 0, 1, 0, 0, 0, 0), 64),
        "dummy prefix (RFC 9780)",
    ),
    // Teredo, benchmarking, AMT, AS112, ORCHID, DRIP.
    (v6(0x2001, 0, 0, 23), "protocol assignments (RFC 2928)"),
    (v6(0x2001, 0xdb8, 0, 32), "documentation (RFC 3849)"),
    (v6(0x2002, 0, 0, 16), "6to4 (RFC 3056)"),
    (v6(0x2620, 0x4f, 0x8000, 48), "AS112 (RFC 7534)"),
    (v6(0x3ffe, 0, 0, 16), "6bone (RFC 3701)"),
    (v6(0x3fff, 0, 0, 20), "documentation (RFC 9637)"),
    (v6(0x5f00, 0, 0, 16), "segment routing (RFC 9602)"),
    (v6(0xfc00, 0, 0, 7), "unique local (RFC 4193)"),
    (v6(0xfe80, 0, 0, 10), "link-local (RFC 4291)"),
    (v6(0xfec0, 0, 0, 10), "site-local (RFC 3879)"),
    (v6(0xff00, 0, 0, 8), "multicast (RFC 4291)"),
];

/// What IANA gives out as global unicast; the rest is unassigned (RFC 4291, 2.4).
const GLOBAL_V6: Ipv6Net = v6(0x2000, 0, 0, 3);

/// Which addresses are open to requests whose URL somebody else chose.
#[derive(Debug, Clone, Default)]
pub struct AddressPolicy {
    allowed: Vec<IpNet>,
    loopback: bool,
}

impl AddressPolicy {
    /// Public addresses alone.
    pub fn public() -> Self {
        Self::default()
    }

    /// Public addresses, and those in `allowed`, special or not.
    pub fn allowing(allowed: Vec<IpNet>) -> Self {
        Self {
            allowed,
            loopback: false,
        }
    }

    /// Loopback too, and there plain http: for a control plane that is itself on loopback and so can be
    /// reached by nobody but this machine's own users.
    #[must_use]
    pub fn with_loopback(self) -> Self {
        Self {
            loopback: true,
            ..self
        }
    }

    /// Whether a connection to `address` may be made; if not, what it is.
    pub fn check(&self, address: IpAddr) -> Result<(), &'static str> {
        if self.is_own_loopback(address) || self.allowed.iter().any(|net| net.contains(&address)) {
            return Ok(());
        }
        special(address).map_or(Ok(()), Err)
    }

    /// Whether `address` is loopback, and open as such.
    pub(crate) const fn is_own_loopback(&self, address: IpAddr) -> bool {
        self.loopback && address.is_loopback()
    }

    /// Whether any address may be spoken to in plain http.
    pub(crate) const fn allows_plain(&self) -> bool {
        self.loopback
    }
}

/// The special use of `address`, if it has one.
fn special(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => SPECIAL_V4
            .iter()
            .find(|(net, _)| net.contains(&address))
            .map(|(_, use_)| *use_),
        IpAddr::V6(address) => SPECIAL_V6
            .iter()
            .find(|(net, _)| net.contains(&address))
            .map(|(_, use_)| *use_)
            .or_else(|| (!GLOBAL_V6.contains(&address)).then_some("unassigned (RFC 4291)")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What the standard library and the RFCs call special, written independently of the table.
    fn is_plainly_special(address: IpAddr) -> bool {
        match address {
            IpAddr::V4(v4) => {
                let [a, b, c, _] = v4.octets();
                v4.is_loopback()
                    || v4.is_private()
                    || v4.is_link_local()
                    || v4.is_multicast()
                    || v4.is_broadcast()
                    || v4.is_documentation()
                    || a == 0
                    || a >= 224
                    || (a == 100 && b & 0xc0 == 64)
                    || (a == 198 && b & 0xfe == 18)
                    || (a, b, c) == (192, 0, 0)
                    || (a, b, c) == (192, 88, 99)
            }
            IpAddr::V6(v6) => {
                let first = v6.segments()[0];
                v6.is_loopback()
                    || v6.is_unspecified()
                    || v6.is_multicast()
                    || v6.is_unique_local()
                    || v6.is_unicast_link_local()
                    || v6.to_ipv4().is_some()
                    || first == 0x64
                    || first == 0x2002
                    || v6.segments()[..2] == [0x2001, 0]
                    || v6.segments()[..2] == [0x2001, 0xdb8]
            }
        }
    }

    fn refused(text: &str) -> bool {
        let address = text.parse().unwrap();
        AddressPolicy::public().check(address).is_err()
    }

    #[test]
    fn the_first_and_last_of_every_special_range_is_refused() {
        let nets = SPECIAL_V4.iter().map(|(net, _)| IpNet::V4(*net));
        for net in nets.chain(SPECIAL_V6.iter().map(|(net, _)| IpNet::V6(*net))) {
            for address in [net.network(), net.broadcast()] {
                assert!(AddressPolicy::public().check(address).is_err(), "{address}");
            }
        }
    }

    #[test]
    fn what_servers_are_attacked_with_is_refused() {
        for address in [
            "127.0.0.1",
            "0.0.0.0",
            "169.254.169.254",
            "100.100.100.200",
            "10.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::a00:1",
            "2002:7f00:1::",
            "2001:0:4136:e378:8000:63bf:3fff:fdd2",
            "fd00:ec2::254",
            "fe80::1",
            "ff02::1",
            "4000::1",
        ] {
            assert!(refused(address), "{address}");
        }
    }

    #[test]
    fn public_addresses_pass() {
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.0",
            "172.32.0.1",
            "198.20.0.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2001:4860:4860::8888",
            "2a00:1450::1",
        ] {
            assert!(!refused(address), "{address}");
        }
    }

    #[test]
    fn an_allowed_range_opens_itself_and_nothing_else() {
        let policy = AddressPolicy::allowing(vec![
            "10.1.0.0/16".parse().unwrap(),
            "fd00:1::/32".parse().unwrap(),
        ]);
        let passes = |text: &str| policy.check(text.parse().unwrap()).is_ok();
        assert!(passes("10.1.2.3") && passes("fd00:1::5") && passes("1.1.1.1"));
        assert!(!passes("10.2.0.1") && !passes("127.0.0.1") && !passes("::ffff:10.1.2.3"));
    }

    #[test]
    fn loopback_opens_for_a_control_plane_on_loopback_alone() {
        let policy = AddressPolicy::public().with_loopback();
        let passes = |text: &str| policy.check(text.parse().unwrap()).is_ok();
        assert!(passes("127.0.0.1") && passes("127.8.8.8") && passes("::1"));
        assert!(!passes("10.0.0.1") && !passes("::ffff:127.0.0.1") && !passes("0.0.0.0"));
    }

    proptest! {
        #[test]
        fn no_special_use_v4_address_passes(bits: u32) {
            let address = IpAddr::V4(bits.into());
            prop_assert!(!is_plainly_special(address) || AddressPolicy::public().check(address).is_err());
        }

        #[test]
        fn no_special_use_v6_address_passes(
            first in prop_oneof![any::<u16>(), Just(0), Just(0x64), Just(0x2001), Just(0x2002), 0xfc00..=0xffff_u16],
            second in prop_oneof![any::<u16>(), Just(0), Just(0xff9b), Just(0xdb8)],
            rest in prop_oneof![any::<u128>(), any::<u32>().prop_map(u128::from)],
        ) {
            let high = (u128::from(first) << 112) | (u128::from(second) << 96);
            let address = IpAddr::V6((high | (rest & ((1 << 96) - 1))).into());
            prop_assert!(!is_plainly_special(address) || AddressPolicy::public().check(address).is_err());
        }

        #[test]
        fn no_address_inside_a_special_range_passes(which in 0..35_usize, bits: u128) {
            let address = if let Some((net, _)) = SPECIAL_V4.get(which) {
                let host = u32::try_from(bits & u128::from(u32::from(net.hostmask()))).unwrap();
                IpAddr::V4((u32::from(net.network()) | host).into())
            } else {
                let (net, _) = SPECIAL_V6[which - SPECIAL_V4.len()];
                IpAddr::V6((u128::from(net.network()) | (bits & u128::from(net.hostmask()))).into())
            };
            prop_assert!(AddressPolicy::public().check(address).is_err(), "{}", address);
        }
    }
}
