//! Any text is a refused proof; any claims under a sound signature are a proof within its limits or an error.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sealgate_jose::{DpopExpectation, DpopProof, DpopUrl, JoseError, SigningKey};
use serde_json::{Value, json};

static KEY: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::from_seed("k", &[1; 32]).expect("a seed makes a key"));

fuzz_target!(|text: &str| {
    if let Ok(proof) = DpopProof::read(text) {
        // A text that was signed by somebody, such as an example of RFC 9449.
        judge(&proof, text);
    }
    let Ok(json) = serde_json::from_str::<Value>(text) else {
        return;
    };
    let header = json!({"typ": "dpop+jwt", "alg": "EdDSA", "jwk": KEY.public_jwk()});
    let claims = json!({"jti": "a", "htm": "GET", "htu": text, "iat": 1});
    for (header, claims) in [(&header, &json), (&json, &claims), (&header, &claims)] {
        let value = KEY.sign_with_header(header, claims).expect("a key signs");
        if let Ok(proof) = DpopProof::read(&value) {
            judge(&proof, text);
        }
    }
});

fn judge(proof: &DpopProof, url: &str) {
    assert_eq!(proof.jkt.len(), 43);
    assert!((1..=128).contains(&proof.jti.len()));
    let request = DpopExpectation {
        method: &proof.htm,
        url: DpopUrl::Written(&proof.htu),
        now: proof.iat,
        leeway: 0,
        access_token: None,
    };
    // A proof is for its own request, unless what it names is no URL at all.
    assert!(matches!(
        proof.check(&request),
        Ok(()) | Err(JoseError::WrongUrl)
    ));
    let token = DpopExpectation {
        url: DpopUrl::Written(url),
        access_token: Some(url),
        ..request
    };
    assert!(proof.check(&token).is_err() || proof.ath.is_some());
}
