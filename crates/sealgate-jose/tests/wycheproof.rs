//! Wycheproof's vectors for JSON Web Signature and JSON Web Key.
//!
//! `vectors/wycheproof-*.json` are `testvectors_v1/json_web_{signature,key}_test.json` of
//! <https://github.com/C2SP/wycheproof> at 3fa63dd0344a (Apache-2.0), without the private keys.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use sealgate_jose::{Expect, Jwk, JwkSet, VerifyingKeys};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Group {
    comment: String,
    key: Value,
    tests: Vec<Test>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Test {
    tc_id: u32,
    comment: String,
    jws: String,
    result: String,
}

fn groups(text: &str) -> Vec<Group> {
    serde_json::from_str(text).unwrap()
}

fn accepted(set: &JwkSet, jws: &str) -> bool {
    let expect = Expect {
        types: &["JWT"],
        type_optional: true,
        kid_optional: true,
        limit: sealgate_jose::TOKEN_LIMIT,
    };
    VerifyingKeys::from_jwks(set)
        .verify_as(jws, &expect)
        .is_ok()
}

#[test]
fn json_web_signature() {
    let (mut taken, mut refused) = (0, 0);
    for group in groups(include_str!("vectors/wycheproof-jws.json")) {
        let jwk = Jwk::parse(group.key.to_string().as_bytes()).unwrap();
        // No HMAC, no hashes but SHA-256: these keys verify nothing. ("ES521" is Wycheproof's own slip.)
        let ours = !matches!(
            group.key["alg"].as_str(),
            Some("HS256" | "RS384" | "RS512" | "PS384" | "PS512" | "ES521")
        );
        let sound = group.key["alg"].is_string();
        assert_eq!(jwk.check().is_ok(), ours && sound, "{}", group.comment);
        let set = JwkSet { keys: vec![jwk] };
        for test in group.tests {
            // RFC 7520, 4.2 is PS384, yet these two give its key as one for PS256: the key is right.
            let mislabelled = matches!(test.tc_id, 346 | 350);
            let valid = test.result == "valid" && ours && !mislabelled;
            assert_eq!(
                accepted(&set, &test.jws),
                valid,
                "{} {} {}",
                group.comment,
                test.tc_id,
                test.comment
            );
            if valid { taken += 1 } else { refused += 1 }
        }
    }
    assert_eq!(taken + refused, 401);
    assert!(taken > 15, "{taken}");
}

#[test]
fn json_web_key() {
    let mut seen = 0;
    for group in groups(include_str!("vectors/wycheproof-jwk.json")) {
        let set = JwkSet::parse(group.key.to_string().as_bytes()).unwrap();
        let symmetric = set.keys.iter().all(|key| key.kty == "oct");
        for test in group.tests {
            let valid = test.result == "valid" && !symmetric;
            assert_eq!(
                accepted(&set, &test.jws),
                valid,
                "{} {} {}",
                group.comment,
                test.tc_id,
                test.comment
            );
            seen += 1;
        }
    }
    assert_eq!(seen, 26);
}
