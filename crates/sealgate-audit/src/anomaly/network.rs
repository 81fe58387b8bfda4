//! Networks, as coarsely as somebody moves within one: an IPv4 /24, an IPv6 /48.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The network of an address, or of a network that is told as an address and a prefix. None for what is
/// neither.
///
/// An access network gives a subscriber another address of the same /24 often, and an IPv6 site is a /48
/// (RFC 6177). Two holders of one credential in the same network are not told apart.
pub fn prefix(text: &str) -> Option<String> {
    let address = text.split_once('/').map_or(text, |(address, _)| address);
    let address: IpAddr = address.parse().ok()?;
    Some(match address.to_canonical() {
        IpAddr::V4(address) => {
            let network = Ipv4Addr::from_bits(address.to_bits() >> 8 << 8);
            format!("{network}/24")
        }
        IpAddr::V6(address) => {
            let network = Ipv6Addr::from_bits(address.to_bits() >> 80 << 80);
            format!("{network}/48")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_network_are_one() {
        let told = |text| prefix(text).unwrap_or_default();
        assert_eq!(told("192.0.2.77"), "192.0.2.0/24");
        assert_eq!(told("::ffff:192.0.2.1"), "192.0.2.0/24");
        assert_eq!(told("2001:db8:1:2::9"), "2001:db8:1::/48");
        assert_eq!(told("2001:db8:1:2::/64"), "2001:db8:1::/48");
        assert_eq!(told("nowhere"), "");
    }
}
