//! What a registration answers is a registration again, and the same one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealgate_oauth::ClientRegistration;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(read) = ClientRegistration::parse(bytes) {
        assert!(bytes.len() <= ClientRegistration::LIMIT);
        let told = serde_json::to_vec(&read.registered()).unwrap();
        let again = ClientRegistration::parse(&told).unwrap();
        assert_eq!(again.digest(), read.digest());
        assert_eq!(again.registered(), read.registered());
    }
});
