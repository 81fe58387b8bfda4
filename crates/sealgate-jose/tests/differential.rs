//! The crate `jsonwebtoken` as a second opinion: what one signs the other accepts, and what is changed on the
//! way both refuse.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::LazyLock;

use jsonwebtoken as peer;
use proptest::prelude::*;
use sealgate_jose::{Algorithm, JwkSet, SigningKey, VerifyingKeys};
use serde_json::{Map, Value, json};

/// ML-DSA is not known to the peer.
const ALGORITHMS: [Algorithm; 4] = [
    Algorithm::Ed25519,
    Algorithm::Es256,
    Algorithm::Rs256,
    Algorithm::Ps256,
];

struct Both {
    ours: SigningKey,
    verifying: VerifyingKeys,
    theirs: peer::EncodingKey,
    their_verifying: peer::DecodingKey,
    algorithm: peer::Algorithm,
}

static KEYS: LazyLock<[Both; 4]> = LazyLock::new(|| ALGORITHMS.map(both));

fn both(algorithm: Algorithm) -> Both {
    let (ours, private) = SigningKey::generate(algorithm, "k").unwrap();
    let jwk = ours.public_jwk();
    let verifying = VerifyingKeys::from_jwks(&JwkSet {
        keys: vec![jwk.clone()],
    });
    let theirs = match algorithm {
        // RFC 8410, 7: the seed in PKCS#8.
        Algorithm::Ed25519 => {
            let frame = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";
            peer::EncodingKey::from_ed_der(&[&frame[..], &private[..]].concat())
        }
        Algorithm::Es256 => peer::EncodingKey::from_ec_der(&private),
        _ => peer::EncodingKey::from_rsa_der(pkcs1(&private)),
    };
    let published: peer::jwk::Jwk =
        serde_json::from_value(serde_json::to_value(&jwk).unwrap()).unwrap();
    Both {
        verifying,
        theirs,
        their_verifying: peer::DecodingKey::from_jwk(&published).unwrap(),
        algorithm: ours.algorithm().name().parse().unwrap(),
        ours,
    }
}

/// The RSA key within PKCS#8 (RFC 5958): the last member, an octet string, is the rest of the document.
fn pkcs1(pkcs8: &[u8]) -> &[u8] {
    // SEQUENCE, version, algorithm (rsaEncryption, NULL), OCTET STRING with a length of two bytes.
    let frame = 4 + 3 + 15 + 4;
    assert_eq!(pkcs8[frame - 4], 4, "an octet string");
    &pkcs8[frame..]
}

fn they_read(both: &Both, token: &str) -> Option<Value> {
    let mut validation = peer::Validation::new(both.algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    peer::decode::<Value>(token, &both.their_verifying, &validation)
        .ok()
        .map(|read| read.claims)
}

fn we_read(both: &Both, token: &str) -> Option<Value> {
    let verified = both.verifying.verify(token, &["JWT"]).ok()?;
    verified.claims().ok()
}

fn they_sign(both: &Both, claims: &Value) -> String {
    let mut header = peer::Header::new(both.algorithm);
    header.kid = Some("k".to_owned());
    peer::encode(&header, claims, &both.theirs).unwrap()
}

fn claims() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        proptest::collection::vec(".{0,5}", 0..3).prop_map(Value::from),
    ];
    proptest::collection::btree_map("[a-z_]{1,6}", leaf, 0..5).prop_map(|members| {
        // Not one that the peer gives a meaning of its own.
        let foreign =
            |name: &String| !matches!(name.as_str(), "exp" | "nbf" | "aud" | "iss" | "sub");
        let members: Map<String, Value> = members
            .into_iter()
            .filter(|(name, _)| foreign(name))
            .collect();
        Value::Object(members)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_we_sign_they_read(claims in claims(), which in 0usize..4) {
        let both = &KEYS[which];
        let token = both.ours.sign("JWT", &claims).unwrap();
        prop_assert_eq!(they_read(both, &token), Some(claims.clone()));
        prop_assert_eq!(we_read(both, &token), Some(claims));
    }

    #[test]
    fn what_they_sign_we_read(claims in claims(), which in 0usize..4) {
        let both = &KEYS[which];
        let token = they_sign(both, &claims);
        prop_assert_eq!(we_read(both, &token), Some(claims.clone()));
        prop_assert_eq!(they_read(both, &token), Some(claims));
    }

    #[test]
    fn what_is_changed_neither_reads(
        claims in claims(),
        which in 0usize..4,
        at in any::<prop::sample::Index>(),
        to in "[A-Za-z0-9_.=~ -]",
        theirs in any::<bool>(),
    ) {
        let both = &KEYS[which];
        let token = if theirs {
            they_sign(both, &claims)
        } else {
            both.ours.sign("JWT", &claims).unwrap()
        };
        let at = at.index(token.len());
        let changed = format!("{}{to}{}", &token[..at], &token[at + 1..]);
        prop_assume!(changed != token);
        prop_assert_eq!(we_read(both, &changed), None);
        prop_assert_eq!(they_read(both, &changed), None);
    }

    #[test]
    fn what_is_cut_or_extended_neither_reads(which in 0usize..4, cut in 1usize..40, tail in "[A-Za-z0-9_.=-]{1,8}") {
        let both = &KEYS[which];
        let token = both.ours.sign("JWT", &json!({"sub": "x"})).unwrap();
        let shorter = &token[..token.len() - cut];
        let longer = format!("{token}{tail}");
        for changed in [shorter, &longer] {
            prop_assert_eq!(we_read(both, changed), None);
            prop_assert_eq!(they_read(both, changed), None);
        }
    }

    #[test]
    fn no_key_reads_what_another_signed(signer in 0usize..4, reader in 0usize..4) {
        prop_assume!(signer != reader);
        let token = KEYS[signer].ours.sign("JWT", &json!({})).unwrap();
        prop_assert_eq!(we_read(&KEYS[reader], &token), None);
        prop_assert_eq!(they_read(&KEYS[reader], &token), None);
    }
}
