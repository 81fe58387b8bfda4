//! Whatever strangers write about where they are, a trusted proxy's word about them stands.
#![no_main]

use std::net::IpAddr;

use libfuzzer_sys::fuzz_target;
use sealgate_host::{ForwardingHeader, TrustedProxies};

fuzz_target!(|input: (bool, Vec<&[u8]>)| {
    let (standard, mut lines) = input;
    let (header, own) = if standard {
        (ForwardingHeader::Forwarded, &b"for=198.51.100.7"[..])
    } else {
        (ForwardingHeader::XForwardedFor, &b"198.51.100.7"[..])
    };
    let proxies = TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()], header);
    let [proxy, stranger]: [IpAddr; 2] = ["10.0.0.1", "198.51.100.7"].map(|text| text.parse().unwrap());
    assert_eq!(proxies.source(stranger, lines.iter().copied()).address, stranger);
    proxies.source(proxy, lines.iter().copied());
    let appended = [lines.pop().unwrap_or_default(), b",", own].concat();
    lines.push(&appended);
    let source = proxies.source(proxy, lines.iter().copied());
    assert_eq!((source.address, source.is_callers), (stranger, true));
});
