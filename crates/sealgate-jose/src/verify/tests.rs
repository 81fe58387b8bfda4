use jsonwebtoken as peer;
use proptest::prelude::*;
use serde_json::{Value, json};

mod confusion;
mod foreign;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::*;
use crate::SigningKey;

fn key(kid: &str, seed: u8) -> SigningKey {
    SigningKey::from_seed(kid, &[seed; 32]).unwrap()
}

fn keys() -> VerifyingKeys {
    VerifyingKeys::from_jwks(&JwkSet {
        keys: vec![key("a", 1).public_jwk(), key("b", 2).public_jwk()],
    })
}

fn with_header(header: &Value, signer: &SigningKey) -> String {
    let good = signer.sign("JWT", &json!({"sub": "x"})).unwrap();
    let (_, rest) = good.split_once('.').unwrap();
    format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header.to_string()))
}

#[test]
fn a_signed_token_verifies_and_gives_its_claims_back() {
    let token = key("b", 2)
        .sign("at+jwt", &json!({"sub": "x", "n": 1}))
        .unwrap();
    let verified = keys().verify(&token, &["at+jwt"]).unwrap();
    assert_eq!(verified.kid, "b");
    assert_eq!(
        verified.claims::<Value>().unwrap(),
        json!({"sub": "x", "n": 1})
    );
}

#[test]
fn a_foreign_library_accepts_our_tokens() {
    let signer = key("a", 1);
    let token = signer
        .sign("JWT", &json!({"sub": "x", "exp": 4_000_000_000_u64}))
        .unwrap();
    let jwk = signer.public_jwk();
    let theirs = peer::DecodingKey::from_ed_components(jwk.x.as_deref().unwrap()).unwrap();
    let read = peer::decode::<Value>(
        &token,
        &theirs,
        &peer::Validation::new(peer::Algorithm::EdDSA),
    )
    .unwrap();
    assert_eq!(read.claims["sub"], "x");
    assert_eq!(read.header.kid.as_deref(), Some("a"));
}

#[test]
fn another_type_is_refused_even_when_the_signature_holds() {
    let token = key("a", 1).sign("JWT", &json!({})).unwrap();
    assert_eq!(
        keys().verify(&token, &["at+jwt"]),
        Err(JoseError::WrongType)
    );
    let spelled = key("a", 1).sign("application/AT+jwt", &json!({})).unwrap();
    assert!(keys().verify(&spelled, &["at+jwt"]).is_ok());
}

#[test]
fn the_header_never_chooses_the_algorithm_or_the_key() {
    let signer = key("a", 1);
    for alg in ["none", "None", "HS256", "RS256", "ES256", "", "eddsa"] {
        let token = with_header(&json!({"alg": alg, "kid": "a", "typ": "JWT"}), &signer);
        assert_eq!(
            keys().verify(&token, &["JWT"]),
            Err(JoseError::WrongAlgorithm),
            "{alg}"
        );
    }
    for (member, value) in [
        ("jwk", json!({"kty": "OKP"})),
        ("jku", json!("https://evil.example")),
        ("x5u", json!("x")),
        ("x5c", json!([])),
        ("crit", json!(["b64"])),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
    ] {
        let mut header = json!({"alg": "EdDSA", "kid": "a", "typ": "JWT"});
        header[member] = value;
        let token = with_header(&header, &signer);
        assert!(
            matches!(
                keys().verify(&token, &["JWT"]),
                Err(JoseError::Malformed(_))
            ),
            "{member}"
        );
    }
    let unnamed = with_header(&json!({"alg": "EdDSA", "typ": "JWT"}), &signer);
    assert!(matches!(
        keys().verify(&unnamed, &["JWT"]),
        Err(JoseError::Malformed(_))
    ));
}

#[test]
fn a_header_member_that_is_there_twice_is_refused() {
    let good = key("a", 1).sign("JWT", &json!({})).unwrap();
    let (_, rest) = good.split_once('.').unwrap();
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"EdDSA","alg":"EdDSA","kid":"a","typ":"JWT"}"#);
    assert!(matches!(
        keys().verify(&format!("{header}.{rest}"), &["JWT"]),
        Err(JoseError::Malformed(_))
    ));
}

#[test]
fn a_token_of_another_key_under_the_same_id_is_refused() {
    let token = key("a", 9).sign("JWT", &json!({})).unwrap();
    assert_eq!(
        keys().verify(&token, &["JWT"]),
        Err(JoseError::BadSignature)
    );
    let token = key("c", 1).sign("JWT", &json!({})).unwrap();
    assert_eq!(keys().verify(&token, &["JWT"]), Err(JoseError::UnknownKey));
}

#[test]
fn a_key_set_leaves_out_what_it_does_not_understand() {
    let set = JwkSet::parse(
        br#"{"keys":[{"kty":"RSA","kid":"r","n":"AQAB","e":"AQAB"},{"kty":"OKP","crv":"X25519","kid":"x","x":"AA"},
        {"kty":"OKP","crv":"Ed25519","kid":"enc","use":"enc","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
        {"kty":"OKP","crv":"Ed25519","kid":"priv","d":"AA","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
        {"kty":"OKP","crv":"Ed25519","kid":"ok","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#,
    )
    .unwrap();
    let keys = VerifyingKeys::from_jwks(&set);
    assert_eq!(format!("{keys:?}"), r#"["ok"]"#);
}

#[test]
fn limits_come_before_parsing() {
    let long = "a".repeat(TOKEN_LIMIT + 1);
    assert_eq!(
        keys().verify(&long, &["JWT"]),
        Err(JoseError::TooLong { limit: TOKEN_LIMIT })
    );
    assert!(matches!(
        JwkSet::parse(&vec![b' '; JwkSet::LIMIT + 1]),
        Err(JoseError::TooLong { .. })
    ));
}

proptest! {
    #[test]
    fn no_text_makes_verification_panic_or_pass(text in ".{0,200}") {
        prop_assert!(keys().verify(&text, &["JWT"]).is_err());
    }

    #[test]
    fn a_changed_character_never_passes(at in 0usize..200, to in "[A-Za-z0-9_.-]") {
        let token = key("a", 1).sign("JWT", &json!({"sub": "somebody", "aud": "something"})).unwrap();
        let at = at % token.len();
        let changed = format!("{}{to}{}", &token[..at], &token[at + 1..]);
        prop_assume!(changed != token);
        prop_assert!(keys().verify(&changed, &["JWT"]).is_err());
    }

    #[test]
    fn any_bytes_are_a_key_set_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = JwkSet::parse(&bytes).map(|set| VerifyingKeys::from_jwks(&set));
    }
}
