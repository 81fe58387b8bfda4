//! Attempts to have a token read under another algorithm or key than the one it is for.

use aws_lc_rs::hmac;

use super::*;
use crate::samples::key;

fn set(algorithms: &[Algorithm]) -> VerifyingKeys {
    let keys = algorithms.iter().map(|one| key(*one).public_jwk());
    VerifyingKeys::from_jwks(&JwkSet {
        keys: keys.collect(),
    })
}

#[test]
fn a_header_of_another_family_is_refused_before_anything_is_verified() {
    for algorithm in Algorithm::ALL {
        let (signer, keys) = (key(algorithm), set(&[algorithm]));
        for name in Algorithm::NAMES {
            let header = json!({"alg": name, "kid": algorithm.name(), "typ": "JWT"});
            let token = signer.sign_with_header(&header, &json!({})).unwrap();
            let read = keys.verify(&token, &["JWT"]);
            if algorithm.agrees(name) {
                assert!(read.is_ok(), "{algorithm:?}");
            } else {
                assert_eq!(read, Err(JoseError::WrongAlgorithm), "{algorithm:?} {name}");
            }
        }
    }
}

#[test]
fn an_rsa_key_is_no_hmac_secret() {
    let jwk = key(Algorithm::Rs256).public_jwk();
    let json = serde_json::to_string(&jwk).unwrap();
    let secrets = [jwk.n.unwrap(), json, jwk.e.unwrap()];
    for secret in &secrets {
        for alg in ["HS256", "HS384", "RS256", "hs256"] {
            let header = json!({"alg": alg, "kid": "RS256", "typ": "JWT"}).to_string();
            let signed = format!("{}.e30", URL_SAFE_NO_PAD.encode(header));
            let secret = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
            let tag = hmac::sign(&secret, signed.as_bytes());
            let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag));
            let refused = set(&[Algorithm::Rs256]).verify(&token, &["JWT"]);
            let expected = if alg == "RS256" {
                JoseError::BadSignature
            } else {
                JoseError::WrongAlgorithm
            };
            assert_eq!(refused, Err(expected));
        }
    }
}

#[test]
fn an_algorithm_is_named_letter_by_letter() {
    // A leading space was what got past a guard of 2023 (CVE-2026-34950).
    for alg in [
        " RS256", "RS256 ", "\tRS256", "RS256\0", "rs256", "RS-256", "RS2560", "none", " none",
        "NONE", "nOnE", "",
    ] {
        let signer = key(Algorithm::Rs256);
        let header = json!({"alg": alg, "kid": "RS256", "typ": "JWT"});
        let token = signer.sign_with_header(&header, &json!({})).unwrap();
        assert_eq!(
            set(&[Algorithm::Rs256]).verify(&token, &["JWT"]),
            Err(JoseError::WrongAlgorithm),
            "{alg:?}"
        );
    }
}

#[test]
fn an_unsigned_token_is_refused_whatever_it_says() {
    for alg in ["none", "EdDSA", "ES256", "RS256", "PS256", "ML-DSA-65"] {
        let header = json!({"alg": alg, "kid": "ES256", "typ": "JWT"}).to_string();
        let token = format!("{}.e30.", URL_SAFE_NO_PAD.encode(header));
        assert!(set(&Algorithm::ALL).verify(&token, &["JWT"]).is_err());
    }
}

#[test]
fn a_header_is_an_object_with_strings() {
    let signer = key(Algorithm::Ed25519);
    let keys = set(&[Algorithm::Ed25519]);
    for header in [
        json!(["EdDSA", "EdDSA", "JWT"]),
        json!("EdDSA"),
        json!(null),
        json!({"alg": "EdDSA", "kid": ["EdDSA"], "typ": "JWT"}),
        json!({"alg": "EdDSA", "kid": null, "typ": "JWT"}),
        json!({"alg": "EdDSA", "kid": "EdDSA", "typ": null}),
        json!({"alg": ["EdDSA"], "kid": "EdDSA", "typ": "JWT"}),
        json!({"alg": null, "kid": "EdDSA", "typ": "JWT"}),
        json!({"kid": "EdDSA", "typ": "JWT"}),
        json!({"alg": "EdDSA", "kid": "EdDSA", "typ": "JWT", "crit": null}),
        json!({"alg": "EdDSA", "kid": "EdDSA", "typ": "JWT", "jwk": signer.public_jwk()}),
        json!({"alg": "EdDSA", "kid": "EdDSA", "typ": "JWT", "jwk": null}),
    ] {
        let token = signer.sign_with_header(&header, &json!({})).unwrap();
        assert!(
            matches!(keys.verify(&token, &["JWT"]), Err(JoseError::Malformed(_))),
            "{header}"
        );
    }
}

#[test]
fn claims_are_an_object_with_each_member_once_and_of_its_type() {
    #[derive(Debug, serde::Deserialize)]
    struct Claims {
        exp: Option<u64>,
    }
    let exp = |payload: &str| {
        let verified = Verified {
            kid: String::new(),
            algorithm: Algorithm::Ed25519,
            payload: payload.as_bytes().to_vec(),
        };
        verified.claims::<Claims>().map(|claims| claims.exp)
    };
    assert_eq!(exp(r#"{"exp":1}"#), Ok(Some(1)));
    assert_eq!(exp("{}"), Ok(None));
    // Taking a wrong type for absence is what CVE-2026-25537 was.
    for payload in [
        r#"{"exp":"1"}"#,
        r#"{"exp":-1}"#,
        r#"{"exp":1.5}"#,
        r#"{"exp":[1]}"#,
        r#"{"exp":{}}"#,
        r#"{"exp":1,"exp":2}"#,
        r#"{"exp":1}x"#,
        "[1]",
        "[]",
        "1",
        "null",
        "",
    ] {
        assert_eq!(
            exp(payload),
            Err(JoseError::Malformed("claims are not as they must be")),
            "{payload}"
        );
    }
}

#[test]
fn an_rsa_key_with_an_algorithm_is_for_that_one_and_without_for_both() {
    let sign = |algorithm: Algorithm| {
        let header = json!({"alg": algorithm.name(), "kid": "rsa", "typ": "JWT"});
        key(algorithm)
            .sign_with_header(&header, &json!({}))
            .unwrap()
    };
    let keys = |alg: Option<&str>| {
        let jwk = Jwk {
            kid: Some("rsa".to_owned()),
            alg: alg.map(str::to_owned),
            ..key(Algorithm::Rs256).public_jwk()
        };
        VerifyingKeys::from_jwks(&JwkSet { keys: vec![jwk] })
    };
    let (rs256, ps256) = (sign(Algorithm::Rs256), sign(Algorithm::Ps256));
    for (alg, rs256_holds, ps256_holds) in [
        (None, true, true),
        (Some("RS256"), true, false),
        (Some("PS256"), false, true),
        (Some("RS512"), false, false),
    ] {
        let keys = keys(alg);
        assert_eq!(
            keys.verify(&rs256, &["JWT"]).is_ok(),
            rs256_holds,
            "{alg:?}"
        );
        assert_eq!(
            keys.verify(&ps256, &["JWT"]).is_ok(),
            ps256_holds,
            "{alg:?}"
        );
    }
    // The signature is of one kind only, whatever the header says.
    let (signed, signature) = rs256.rsplit_once('.').unwrap();
    let (_, payload) = signed.split_once('.').unwrap();
    let header = json!({"alg": "PS256", "kid": "rsa", "typ": "JWT"}).to_string();
    let mixed = format!("{}.{payload}.{signature}", URL_SAFE_NO_PAD.encode(header));
    assert_eq!(
        keys(None).verify(&mixed, &["JWT"]),
        Err(JoseError::BadSignature)
    );
}

#[test]
fn two_keys_of_one_id_are_told_apart_by_algorithm_or_not_at_all() {
    let renamed = |jwk: Jwk| Jwk {
        kid: Some("k".to_owned()),
        ..jwk
    };
    let (ed, rsa) = (key(Algorithm::Ed25519), key(Algorithm::Rs256));
    let sign = |signer: &SigningKey| {
        let header = json!({"alg": signer.algorithm().name(), "kid": "k", "typ": "JWT"});
        signer.sign_with_header(&header, &json!({})).unwrap()
    };
    let keys = VerifyingKeys::from_jwks(&JwkSet {
        keys: vec![renamed(ed.public_jwk()), renamed(rsa.public_jwk())],
    });
    for signer in [&ed, &rsa] {
        let verified = keys.verify(&sign(signer), &["JWT"]).unwrap();
        assert_eq!(verified.algorithm, signer.algorithm());
    }
    assert_eq!(
        keys.verify(&sign(&key(Algorithm::Ps256)), &["JWT"]),
        Err(JoseError::WrongAlgorithm)
    );
    let other = SigningKey::from_seed("k", &[8; 32]).unwrap();
    let keys = VerifyingKeys::from_jwks(&JwkSet {
        keys: vec![renamed(ed.public_jwk()), other.public_jwk()],
    });
    assert_eq!(
        keys.verify(&sign(&ed), &["JWT"]),
        Err(JoseError::UnusableKey("another key has its id"))
    );
}
