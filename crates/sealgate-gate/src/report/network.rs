//! Where a request came from, as much of it as is told.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How much of an address is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NetworkTold {
    /// All of it.
    Full,
    /// The network: 24 bits of an IPv4 address, 48 of an IPv6 address.
    Prefix,
    /// Nothing.
    None,
}

/// An address or a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Network {
    address: IpAddr,
    bits: u8,
}

impl NetworkTold {
    /// As much of `address` as is told.
    pub(super) fn of(self, address: Option<IpAddr>) -> Option<Network> {
        let address = address?.to_canonical();
        match (self, address) {
            (Self::None, _) => None,
            (Self::Full, IpAddr::V4(_)) => Some(Network { address, bits: 32 }),
            (Self::Full, IpAddr::V6(_)) => Some(Network { address, bits: 128 }),
            (Self::Prefix, IpAddr::V4(address)) => {
                let [a, b, c, _] = address.octets();
                Some(Network {
                    address: Ipv4Addr::new(a, b, c, 0).into(),
                    bits: 24,
                })
            }
            (Self::Prefix, IpAddr::V6(address)) => {
                let [a, b, c, ..] = address.segments();
                Some(Network {
                    address: Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0).into(),
                    bits: 48,
                })
            }
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.address, self.bits) {
            (IpAddr::V4(address), 32) => address.fmt(f),
            (IpAddr::V6(address), 128) => address.fmt(f),
            (address, bits) => write!(f, "{address}/{bits}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_of_an_address_is_told_than_was_asked_for() {
        let told = |how: NetworkTold, address: &str| {
            how.of(Some(address.parse().unwrap()))
                .map(|network| network.to_string())
        };
        for (how, address, expected) in [
            (NetworkTold::Full, "203.0.113.9", Some("203.0.113.9")),
            (NetworkTold::Prefix, "203.0.113.9", Some("203.0.113.0/24")),
            (
                NetworkTold::Prefix,
                "::ffff:203.0.113.9",
                Some("203.0.113.0/24"),
            ),
            (
                NetworkTold::Full,
                "2001:db8:1:2::5",
                Some("2001:db8:1:2::5"),
            ),
            (
                NetworkTold::Prefix,
                "2001:db8:1:2::5",
                Some("2001:db8:1::/48"),
            ),
            (NetworkTold::None, "203.0.113.9", None),
        ] {
            assert_eq!(told(how, address).as_deref(), expected);
        }
        assert_eq!(NetworkTold::Full.of(None), None);
    }
}
