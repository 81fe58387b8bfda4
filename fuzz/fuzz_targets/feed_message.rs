//! A message of the feed that is accepted is written and read back as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealgate_revocation::{Expected, Message};

fuzz_target!(|bytes: &[u8]| {
    let expected = Expected {
        issuer: "https://id.example".parse().expect("an issuer"),
        client: "expenses".parse().expect("a client id"),
    };
    if let Ok(message) = Message::parse(bytes, &expected) {
        let again = serde_json::to_vec(&message).expect("a message is JSON");
        assert_eq!(Message::parse(&again, &expected).expect("it is still a message"), message);
    }
});
