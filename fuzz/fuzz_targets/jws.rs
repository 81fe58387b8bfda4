//! Any text is a refused token: nobody but the key's holder makes one that verifies.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sealgate_jose::{Algorithm, Expect, JwkSet, SigningKey, VerifyingKeys};
use serde_json::json;

static KEYS: LazyLock<VerifyingKeys> = LazyLock::new(|| {
    let keys = Algorithm::ALL.map(|algorithm| {
        let key = SigningKey::generate(algorithm, algorithm.name());
        key.expect("every algorithm makes a key").0.public_jwk()
    });
    VerifyingKeys::from_jwks(&JwkSet { keys: keys.into() })
});

/// The first parts of tokens that come as far as the signature.
static HEADERS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let signer = SigningKey::from_seed("k", &[1; 32]).expect("a seed makes a key");
    let headers = Algorithm::ALL.map(|algorithm| {
        let header = json!({"alg": algorithm.name(), "kid": algorithm.name(), "typ": "JWT"});
        let token = signer.sign_with_header(&header, &()).expect("a key signs");
        token
            .split('.')
            .next()
            .expect("a token has parts")
            .to_owned()
    });
    headers.into()
});

fuzz_target!(|text: &str| {
    let expect = Expect {
        types: &["JWT", "at+jwt"],
        type_optional: true,
        kid_optional: true,
        limit: sealgate_jose::TOKEN_LIMIT,
    };
    assert!(KEYS.verify(text, expect.types).is_err());
    // What it says of itself is text or nothing, and no more than a choice.
    let _ = (
        sealgate_jose::claimed_key(text),
        sealgate_jose::claimed_issuer(text),
    );
    assert!(KEYS.verify_as(text, &expect).is_err());
    for header in HEADERS.iter() {
        assert!(
            KEYS.verify_as(&format!("{header}.{text}"), &expect)
                .is_err()
        );
    }
});
