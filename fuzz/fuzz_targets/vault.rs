//! Any file is a vault in one form only, or none; what decodes as content encodes to the same bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealgate_agent::vault::{Content, Sealed};
use sealgate_session::{KeyRing, SealKey};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(content) = Content::decode(bytes) {
        assert!(content.encode().as_slice() == bytes);
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(sealed) = Sealed::parse(text) {
        let ring = KeyRing::new(vec![SealKey::from_bytes([7; 32])]).expect("a key makes a ring");
        // Nothing that was not sealed under the key opens.
        assert!(sealed.open(&ring).is_err());
    }
});
