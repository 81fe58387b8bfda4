use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::*;
use crate::Algorithm;
use crate::samples::key;

fn public(algorithm: Algorithm) -> Value {
    serde_json::to_value(key(algorithm).public_jwk()).unwrap()
}

fn read(json: &Value) -> Result<Jwk, JoseError> {
    Jwk::parse(json.to_string().as_bytes())
}

fn refusal(json: &Value) -> &'static str {
    match read(json).unwrap().check() {
        Err(JoseError::UnusableKey(why)) => why,
        other => panic!("{other:?}: {json}"),
    }
}

#[test]
fn a_key_with_any_private_member_is_unusable_even_if_it_is_null() {
    for member in ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"] {
        for algorithm in Algorithm::ALL {
            for value in [json!("AA"), json!(null), json!([]), json!(1)] {
                let mut jwk = public(algorithm);
                jwk[member] = value;
                assert_eq!(refusal(&jwk), "it holds a private part", "{member}");
            }
        }
    }
}

#[test]
fn private_members_are_never_written() {
    let mut jwk = public(Algorithm::Ed25519);
    jwk["d"] = json!("secret");
    let written = serde_json::to_string(&read(&jwk).unwrap()).unwrap();
    assert!(!written.contains("secret") && !written.contains("\"d\""));
    assert!(!format!("{:?}", read(&jwk).unwrap()).contains("secret"));
}

#[test]
fn a_symmetric_key_is_unusable() {
    assert_eq!(
        refusal(&json!({"kty": "oct", "k": "AAAA", "alg": "HS256"})),
        "it holds a private part"
    );
    assert_eq!(refusal(&json!({"kty": "oct"})), "its type is not known");
}

#[test]
fn a_key_for_something_else_is_unusable() {
    let with = |member: &str, value: Value| {
        let mut jwk = public(Algorithm::Es256);
        jwk[member] = value;
        refusal(&jwk)
    };
    assert_eq!(with("use", json!("enc")), "it is not for signatures");
    assert_eq!(with("key_ops", json!(["sign"])), "it is not for verifying");
    assert_eq!(with("key_ops", json!([])), "it is not for verifying");
    assert_eq!(
        with("alg", json!("ES384")),
        "its algorithm is not its type's"
    );
    assert_eq!(
        with("alg", json!("EdDSA")),
        "its algorithm is not its type's"
    );
    assert_eq!(with("crv", json!("P-384")), "its type is not known");
    assert_eq!(with("kty", json!("ec")), "its type is not known");
    assert_eq!(with("x", json!("AA")), "its x is not 32 bytes");
    // The curve has no such point.
    assert_eq!(
        with("x", json!(URL_SAFE_NO_PAD.encode([1; 32]))),
        "its numbers make no key"
    );
    let mut verifies = public(Algorithm::Es256);
    verifies["key_ops"] = json!(["verify"]);
    assert_eq!(read(&verifies).unwrap().check(), Ok(()));
}

#[test]
fn an_rsa_key_is_within_its_limits() {
    let with = |n: &[u8], e: &[u8]| {
        let (n, e) = (URL_SAFE_NO_PAD.encode(n), URL_SAFE_NO_PAD.encode(e));
        read(&json!({"kty": "RSA", "n": n, "e": e}))
            .unwrap()
            .check()
    };
    let modulus = |bytes: usize| {
        let mut n = vec![0xff; bytes];
        n[1] = 0xfd;
        n
    };
    let usual: &[u8] = &[1, 0, 1];
    assert_eq!(with(&modulus(256), usual), Ok(()));
    assert_eq!(with(&modulus(1024), usual), Ok(()));
    let bad_modulus = Err(JoseError::UnusableKey(
        "its n is not an odd number of 2048 to 8192 bits",
    ));
    assert_eq!(with(&modulus(255), usual), bad_modulus);
    assert_eq!(with(&modulus(1025), usual), bad_modulus);
    let mut short = modulus(256);
    short[0] = 0x7f;
    assert_eq!(with(&short, usual), bad_modulus, "2047 bits");
    let mut even = modulus(256);
    even[255] = 0xfe;
    assert_eq!(with(&even, usual), bad_modulus);

    let bad_exponent = Err(JoseError::UnusableKey(
        "its e is not an odd number of 17 to 32 bits",
    ));
    for e in [
        &[1][..],
        &[3],
        &[0xff, 0xff],
        &[1, 0, 0],
        &[1, 0, 0, 0, 1],
        &[0xff; 256],
    ] {
        assert_eq!(with(&modulus(256), e), bad_exponent, "{e:?}");
    }
    // One way only to write a number: otherwise one key would have many thumbprints.
    let padded = [&[0], &modulus(256)[..]].concat();
    assert_eq!(
        with(&padded, usual),
        Err(JoseError::UnusableKey("its n is not a number"))
    );
    assert_eq!(
        with(&modulus(256), &[0, 1, 0, 1]),
        Err(JoseError::UnusableKey("its e is not a number"))
    );
    assert_eq!(
        with(&[], usual),
        Err(JoseError::UnusableKey("its n is not a number"))
    );
}

#[test]
fn an_ml_dsa_key_says_which_parameters_it_has() {
    let mut jwk = public(Algorithm::MlDsa65);
    jwk["alg"] = json!("ML-DSA-87");
    assert_eq!(refusal(&jwk), "its type is not known");
    jwk.as_object_mut().unwrap().remove("alg");
    assert_eq!(refusal(&jwk), "its type is not known");
}

#[test]
fn a_member_that_is_there_twice_or_of_another_type_is_malformed() {
    for text in [
        r#"{"kty":"OKP","kty":"OKP"}"#,
        r#"{"kty":"OKP","d":"a","d":"b"}"#,
        r#"{"kty":"OKP","kid":1}"#,
        r#"{"kty":"OKP","kid":null}"#,
        r#"{"kty":"OKP","x":["AA"]}"#,
        r#"{"kty":"OKP","key_ops":"verify"}"#,
        r#"{"kty":null}"#,
        r#"{"crv":"Ed25519"}"#,
        r#"{"kty":"OKP"} {}"#,
        r#"["OKP"]"#,
        "",
    ] {
        assert_eq!(
            Jwk::parse(text.as_bytes()),
            Err(JoseError::Malformed("not a JWK")),
            "{text}"
        );
    }
}

#[test]
fn a_key_that_is_too_long_is_not_read() {
    assert_eq!(
        Jwk::parse(&vec![b' '; Jwk::LIMIT + 1]),
        Err(JoseError::TooLong { limit: Jwk::LIMIT })
    );
}

#[test]
fn a_thumbprint_names_the_material_and_nothing_else() {
    for algorithm in Algorithm::ALL {
        let jwk = key(algorithm).public_jwk();
        let mut bare = jwk.clone();
        (bare.kid, bare.usage) = (None, None);
        assert_eq!(jwk.thumbprint(), bare.thumbprint());
        assert_eq!(jwk.thumbprint().unwrap().len(), 43);
    }
    // RS256 and PS256 may be of one key.
    let rsa = |algorithm| key(algorithm).public_jwk().thumbprint();
    assert_eq!(rsa(Algorithm::Rs256), rsa(Algorithm::Ps256));
    assert_ne!(rsa(Algorithm::Rs256), rsa(Algorithm::Ed25519));
}

#[test]
fn a_key_in_another_spelling_has_no_thumbprint() {
    let jwk = key(Algorithm::Ed25519).public_jwk();
    let x = jwk.x.clone().unwrap();
    for spelling in [format!("{x}="), format!(" {x}"), format!("{}B", &x[..42])] {
        let spelled = Jwk {
            x: Some(spelling),
            ..jwk.clone()
        };
        assert!(spelled.thumbprint().is_err(), "{:?}", spelled.x);
    }
}
