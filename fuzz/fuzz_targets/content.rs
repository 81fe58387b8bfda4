//! What decodes as content encodes to what decodes to the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealgate_session::{SessionContent, TransactionContent};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(content) = SessionContent::decode(bytes) {
        let again = content.encode().expect("content encodes");
        assert!(SessionContent::decode(&again) == Ok(content));
    }
    if let Ok(content) = TransactionContent::decode(bytes) {
        let again = content.encode().expect("content encodes");
        assert!(TransactionContent::decode(&again) == Ok(content));
    }
});
