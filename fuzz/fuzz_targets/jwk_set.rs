//! Any bytes are a key set, with what is understood of it, or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealgate_jose::{JwkSet, VerifyingKeys};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(set) = JwkSet::parse(bytes) {
        let keys = VerifyingKeys::from_jwks(&set);
        assert!(keys.verify("e30.e30.", &["JWT"]).is_err());
    }
});
