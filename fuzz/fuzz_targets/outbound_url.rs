//! A URL that may be followed is https and leads to no address of this machine or its neighbours, nor
//! does any address that a resolver makes up for it.
#![no_main]

use std::net::IpAddr;

use libfuzzer_sys::fuzz_target;
use sealgate_host::{AddressPolicy, OutboundTarget};

fuzz_target!(|input: (&str, [u8; 16], bool)| {
    let (url, bytes, narrow) = input;
    let policy = AddressPolicy::public();
    let Ok(target) = OutboundTarget::parse(url, &policy) else {
        return;
    };
    assert!(url.starts_with("https://"));
    let [a, b, c, d, ..] = bytes;
    let resolved = if narrow { IpAddr::from([a, b, c, d]) } else { IpAddr::from(bytes) };
    let admitted = target.admits(resolved, &policy).is_ok().then_some(resolved);
    for address in [target.literal(), admitted].into_iter().flatten() {
        let special = match address {
            IpAddr::V4(v4) => {
                v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_multicast()
                    || v4.is_unspecified() || v4.is_broadcast() || v4.is_documentation()
            }
            IpAddr::V6(v6) => {
                v6.to_ipv4().is_some() || v6.is_unique_local() || v6.is_unicast_link_local() || v6.is_multicast()
                    || v6.segments()[0] == 0x2002 || v6.segments()[0] == 0x64
            }
        };
        assert!(!special, "{address}");
    }
});
