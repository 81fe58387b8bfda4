use serde_json::json;

use super::*;
use crate::samples::key;
use crate::{JwkSet, VerifyingKeys};

#[test]
fn a_generated_key_comes_back_from_its_private_part() {
    for algorithm in Algorithm::ALL {
        let (key, private) = SigningKey::generate(algorithm, "k").unwrap();
        let again = SigningKey::from_private(algorithm, "k", &private).unwrap();
        assert_eq!(key.algorithm(), algorithm);
        assert_eq!(again.public_jwk(), key.public_jwk());
        if matches!(algorithm, Algorithm::Ed25519 | Algorithm::MlDsa65) {
            assert_eq!(private.len(), 32, "a seed");
        }
    }
}

#[test]
fn two_generated_keys_differ() {
    for algorithm in [Algorithm::Ed25519, Algorithm::Es256, Algorithm::MlDsa65] {
        let (one, _) = SigningKey::generate(algorithm, "k").unwrap();
        let (other, _) = SigningKey::generate(algorithm, "k").unwrap();
        assert_ne!(one.public_jwk(), other.public_jwk());
    }
}

#[test]
fn a_token_of_every_algorithm_verifies_under_the_published_key() {
    for algorithm in Algorithm::ALL {
        let key = key(algorithm);
        let token = key.sign("at+jwt", &json!({"sub": "x"})).unwrap();
        let published = serde_json::to_vec(&JwkSet {
            keys: vec![key.public_jwk()],
        });
        let set = JwkSet::parse(&published.unwrap()).unwrap();
        let verified = VerifyingKeys::from_jwks(&set)
            .verify(&token, &["at+jwt"])
            .unwrap();
        assert_eq!(verified.kid, algorithm.name());
        assert_eq!(verified.algorithm, algorithm);
        assert_eq!(verified.payload, br#"{"sub":"x"}"#);
    }
}

#[test]
fn signatures_have_the_length_of_their_algorithm() {
    for algorithm in Algorithm::ALL {
        let token = key(algorithm).sign("JWT", &json!({})).unwrap();
        let (_, signature) = token.rsplit_once('.').unwrap();
        let length = URL_SAFE_NO_PAD.decode(signature).unwrap().len();
        let expected = match algorithm {
            // Of ES256: r and s, 32 bytes each, also where ASN.1 would be shorter.
            Algorithm::Ed25519 | Algorithm::Es256 => 64,
            Algorithm::Rs256 | Algorithm::Ps256 => 256,
            Algorithm::MlDsa65 => 3309,
        };
        assert_eq!(length, expected, "{algorithm:?}");
    }
}

#[test]
fn a_published_key_has_its_public_members_only() {
    for algorithm in Algorithm::ALL {
        let jwk = serde_json::to_value(key(algorithm).public_jwk()).unwrap();
        let mut members: Vec<&str> = jwk
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        members.sort_unstable();
        let expected: &[&str] = match algorithm {
            Algorithm::Ed25519 => &["alg", "crv", "kid", "kty", "use", "x"],
            Algorithm::Es256 => &["alg", "crv", "kid", "kty", "use", "x", "y"],
            Algorithm::Rs256 | Algorithm::Ps256 => &["alg", "e", "kid", "kty", "n", "use"],
            Algorithm::MlDsa65 => &["alg", "kid", "kty", "pub", "use"],
        };
        assert_eq!(members, expected);
    }
}

#[test]
fn a_private_part_of_another_kind_makes_no_key() {
    let (_, ec) = SigningKey::generate(Algorithm::Es256, "k").unwrap();
    for algorithm in Algorithm::ALL {
        for private in [&b""[..], &[1; 31], &[1; 33], b"not a key at all"] {
            assert!(
                matches!(
                    SigningKey::from_private(algorithm, "k", private),
                    Err(JoseError::UnusableKey(_))
                ),
                "{algorithm:?}"
            );
        }
        if algorithm != Algorithm::Es256 {
            assert!(SigningKey::from_private(algorithm, "k", &ec).is_err());
        }
    }
}

#[test]
fn a_header_of_ones_own_is_signed_as_it_is() {
    let key = key(Algorithm::Ed25519);
    let header = json!({"alg": "EdDSA", "typ": "dpop+jwt", "jwk": key.public_jwk()});
    let token = key.sign_with_header(&header, &json!({"a": 1})).unwrap();
    let first = URL_SAFE_NO_PAD
        .decode(token.split('.').next().unwrap())
        .unwrap();
    assert_eq!(
        serde_json::from_slice::<serde_json::Value>(&first).unwrap(),
        header
    );
}

#[test]
fn a_signing_key_shows_its_id_and_nothing_else() {
    for algorithm in Algorithm::ALL {
        let shown = format!("{:?}", key(algorithm));
        assert_eq!(shown, format!("SigningKey({})", algorithm.name()));
    }
}
