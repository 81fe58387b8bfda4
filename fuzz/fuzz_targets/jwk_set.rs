//! Any bytes are a key set, with what is understood of it, or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealgate_jose::{Jwk, JwkSet, VerifyingKeys};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(set) = JwkSet::parse(bytes) {
        let keys = VerifyingKeys::from_jwks(&set);
        assert!(keys.verify("e30.e30.", &["JWT"]).is_err());
        set.keys.iter().for_each(judge);
    }
    if let Ok(key) = Jwk::parse(bytes) {
        judge(&key);
    }
});

/// A key that can be used has one name, and keeps it when it is written and read again.
fn judge(key: &Jwk) {
    let thumbprint = key.thumbprint();
    assert!(thumbprint.as_ref().is_ok_and(|name| name.len() == 43) || key.check().is_err());
    let written = serde_json::to_vec(key).expect("a key can be written");
    if let Ok(again) = Jwk::parse(&written) {
        assert_eq!(again.thumbprint(), thumbprint);
        assert!(again.check().is_ok() || key.check().is_err());
    }
}
