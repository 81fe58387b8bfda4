//! Any text is a refused token: nobody but the key's holder makes one that verifies.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealgate_jose::{JwkSet, SigningKey, VerifyingKeys};

fuzz_target!(|text: &str| {
    let key = SigningKey::from_seed("k", &[1; 32]).expect("a seed makes a key");
    let keys = VerifyingKeys::from_jwks(&JwkSet { keys: vec![key.public_jwk()] });
    assert!(keys.verify(text, &["JWT", "at+jwt"]).is_err());
});
