//! Tokens that were made elsewhere.

use super::*;
use crate::samples::key as sample;

const ASSERTION: Expect<'static> = Expect {
    types: &["JWT", "client-authentication+jwt"],
    type_optional: true,
    kid_optional: true,
    limit: 2000,
};

fn unnamed(jwk: Jwk) -> Jwk {
    Jwk { kid: None, ..jwk }
}

fn signed(signer: &SigningKey, header: &Value) -> String {
    signer
        .sign_with_header(header, &json!({"sub": "x"}))
        .unwrap()
}

fn set(keys: Vec<Jwk>) -> VerifyingKeys {
    VerifyingKeys::from_jwks(&JwkSet { keys })
}

#[test]
fn a_token_that_names_no_key_is_read_under_the_only_one_for_its_algorithm() {
    let signer = key("a", 1);
    let token = signed(&signer, &json!({"alg": "EdDSA"}));
    let rsa = sample(Algorithm::Rs256).public_jwk();

    let verified = set(vec![rsa.clone(), signer.public_jwk()]).verify_as(&token, &ASSERTION);
    assert_eq!(verified.unwrap().kid, "a");
    let verified = set(vec![unnamed(signer.public_jwk())]).verify_as(&token, &ASSERTION);
    assert_eq!(verified.unwrap().kid, "", "the key has no id");

    let two = vec![signer.public_jwk(), key("b", 2).public_jwk()];
    assert_eq!(
        set(two).verify_as(&token, &ASSERTION),
        Err(JoseError::Malformed(
            "header names no key, and several are for its algorithm"
        ))
    );
    assert_eq!(
        set(vec![rsa]).verify_as(&token, &ASSERTION),
        Err(JoseError::UnknownKey)
    );
    let named = Expect {
        kid_optional: false,
        ..ASSERTION
    };
    assert_eq!(
        set(vec![signer.public_jwk()]).verify_as(&token, &named),
        Err(JoseError::Malformed("header names no key"))
    );
}

#[test]
fn a_token_that_names_a_key_is_read_under_that_one_only() {
    let signer = key("a", 1);
    let token = signed(&signer, &json!({"alg": "EdDSA", "kid": "other"}));
    for keys in [
        vec![signer.public_jwk()],
        vec![unnamed(signer.public_jwk())],
    ] {
        assert_eq!(
            set(keys).verify_as(&token, &ASSERTION),
            Err(JoseError::UnknownKey)
        );
    }
}

#[test]
fn a_token_without_a_type_passes_where_that_is_allowed_and_one_of_another_never() {
    let signer = key("a", 1);
    let keys = set(vec![signer.public_jwk()]);
    let read = |header: Value, type_optional| {
        let expect = Expect {
            type_optional,
            ..ASSERTION
        };
        keys.verify_as(&signed(&signer, &header), &expect).map(drop)
    };
    let typed = |typ: &str| json!({"alg": "EdDSA", "kid": "a", "typ": typ});
    assert_eq!(read(json!({"alg": "EdDSA", "kid": "a"}), true), Ok(()));
    assert_eq!(
        read(json!({"alg": "EdDSA", "kid": "a"}), false),
        Err(JoseError::WrongType)
    );
    for typ in ["JWT", "jwt", "client-authentication+jwt"] {
        assert_eq!(read(typed(typ), true), Ok(()));
    }
    for typ in ["", "at+jwt", "dpop+jwt", "JWT "] {
        assert_eq!(read(typed(typ), true), Err(JoseError::WrongType));
    }
}

#[test]
fn the_limit_is_the_callers() {
    let keys = set(vec![key("a", 1).public_jwk()]);
    assert_eq!(
        keys.verify_as(&"a".repeat(2001), &ASSERTION),
        Err(JoseError::TooLong { limit: 2000 })
    );
}

#[test]
fn a_key_with_an_empty_id_is_left_out() {
    let jwk = Jwk {
        kid: Some(String::new()),
        ..key("a", 1).public_jwk()
    };
    assert!(set(vec![jwk]).is_empty());
}

#[test]
fn a_set_is_an_object_of_objects() {
    for text in [
        "[[]]",
        r#"{"keys":{}}"#,
        r#"{"keys":[["OKP"]]}"#,
        r#"{"keys":[null]}"#,
        r#"{"keys":null}"#,
        r#"{"keys":[],"keys":[]}"#,
        "{}",
    ] {
        assert_eq!(
            JwkSet::parse(text.as_bytes()),
            Err(JoseError::Malformed("not a JWK set")),
            "{text}"
        );
    }
}

#[test]
fn keys_past_the_sixty_fourth_are_not_looked_at() {
    let mut keys = vec![unnamed(key("a", 1).public_jwk()); 64];
    keys.push(key("last", 2).public_jwk());
    assert!(!set(keys).contains("last"));
}
