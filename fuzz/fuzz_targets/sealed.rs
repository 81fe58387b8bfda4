//! Any text is a refused seal.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealgate_session::{Context, KeyRing, SealKey};

fuzz_target!(|text: &str| {
    let ring = KeyRing::new(vec![SealKey::from_bytes([7; 32])]).expect("a key makes a ring");
    let context = Context { purpose: "session", cookie: "c", client: "a", issuer: "i" };
    assert!(ring.open(&context, text).is_err());
});
