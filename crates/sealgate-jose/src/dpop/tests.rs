use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::samples::key;
use crate::{Algorithm, SigningKey};

const NOW: i64 = 1_800_000_000;
const URL: &str = "https://id.example/oauth/token";

fn header(key: &SigningKey) -> Value {
    json!({"typ": "dpop+jwt", "alg": key.algorithm().name(), "jwk": key.public_jwk()})
}

fn claims() -> Value {
    json!({"jti": "a1", "htm": "POST", "htu": URL, "iat": NOW})
}

fn proof(change: impl FnOnce(&mut Value, &mut Value)) -> Result<DpopProof, JoseError> {
    let key = key(Algorithm::Ed25519);
    let (mut header, mut claims) = (header(&key), claims());
    change(&mut header, &mut claims);
    DpopProof::read(&key.sign_with_header(&header, &claims).unwrap())
}

fn request() -> DpopExpectation<'static> {
    DpopExpectation {
        method: "POST",
        url: DpopUrl::Written(URL),
        now: NOW,
        leeway: 60,
        access_token: None,
    }
}

#[test]
fn a_proof_of_every_algorithm_names_its_key() {
    for algorithm in Algorithm::ALL {
        let key = key(algorithm);
        let value = key.sign_with_header(&header(&key), &claims()).unwrap();
        let proof = DpopProof::read(&value).unwrap();
        assert_eq!(Ok(proof.jkt.clone()), key.public_jwk().thumbprint());
        assert_eq!(proof.jti, "a1");
        assert_eq!(proof.nonce, None);
        assert_eq!(proof.check(&request()), Ok(()));
    }
}

#[test]
fn rfc_9449_4_1_and_7_1_examples_are_read() {
    let head = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19";
    let at_token = "eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";
    let at_resource = "eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA";
    let proof = DpopProof::read(&format!("{head}.{at_token}")).unwrap();
    assert_eq!(proof.jkt, "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    assert_eq!(proof.jti, "-BwC3ESc6acc2lTc");
    let token_request = DpopExpectation {
        url: DpopUrl::Written("https://server.example.com/token"),
        now: 1_562_262_616,
        ..request()
    };
    assert_eq!(proof.check(&token_request), Ok(()));

    let proof = DpopProof::read(&format!("{head}.{at_resource}")).unwrap();
    let resource_request = DpopExpectation {
        method: "GET",
        url: DpopUrl::Written("https://resource.example.org/protectedresource"),
        now: 1_562_262_618,
        leeway: 0,
        access_token: Some("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"),
    };
    assert_eq!(proof.check(&resource_request), Ok(()));
}

#[test]
fn a_proof_is_for_one_method_and_one_url_at_one_time() {
    let proof = proof(|_, _| ()).unwrap();
    let refused = |change: fn(&mut DpopExpectation<'static>)| {
        let mut expected = request();
        change(&mut expected);
        proof.check(&expected).unwrap_err().code()
    };
    assert_eq!(refused(|at| at.method = "GET"), "dpop_method_wrong");
    assert_eq!(refused(|at| at.method = "post"), "dpop_method_wrong");
    assert_eq!(
        refused(|at| at.url = DpopUrl::Written("https://id.example/")),
        "dpop_url_wrong"
    );
    assert_eq!(refused(|at| at.now = NOW + 61), "dpop_time_wrong");
    assert_eq!(refused(|at| at.now = NOW - 61), "dpop_time_wrong");
    for now in [NOW - 60, NOW, NOW + 60] {
        assert_eq!(proof.check(&DpopExpectation { now, ..request() }), Ok(()));
    }
}

#[test]
fn times_at_the_end_of_the_range_are_far_away() {
    for (iat, now) in [(i64::MAX, i64::MIN), (i64::MIN, i64::MAX), (i64::MIN, 0)] {
        let proof = proof(|_, claims| claims["iat"] = json!(iat)).unwrap();
        let expected = DpopExpectation { now, ..request() };
        assert_eq!(proof.check(&expected), Err(JoseError::WrongTime));
    }
}

#[test]
fn an_access_token_asks_for_its_own_hash() {
    let check = |ath: Option<&str>, token: Option<&'static str>| {
        let proof = proof(|_, claims| {
            if let Some(ath) = ath {
                claims["ath"] = json!(ath);
            }
        });
        proof.unwrap().check(&DpopExpectation {
            access_token: token,
            ..request()
        })
    };
    let hash = access_token_hash("token");
    assert_eq!(check(Some(&hash), Some("token")), Ok(()));
    assert_eq!(check(Some(&hash), None), Ok(()));
    for wrong in [None, Some(""), Some(&hash[..42]), Some("x")] {
        assert_eq!(
            check(wrong, Some("token")),
            Err(JoseError::WrongAccessToken)
        );
    }
    assert_eq!(
        check(Some(&hash), Some("other")),
        Err(JoseError::WrongAccessToken)
    );
}

#[test]
fn a_proof_states_its_type() {
    assert_eq!(
        proof(|header, _| header["typ"] = json!("JWT")),
        Err(JoseError::WrongType)
    );
    let untyped = proof(|header, _| {
        header.as_object_mut().unwrap().remove("typ");
    });
    assert_eq!(untyped, Err(JoseError::WrongType));
}

#[test]
fn a_proof_brings_a_public_asymmetric_key() {
    let mut private = serde_json::to_value(key(Algorithm::Ed25519).public_jwk()).unwrap();
    private["d"] = json!("BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc");
    for jwk in [
        private,
        json!({"kty": "oct", "k": "AAAA"}),
        json!({"kty": "RSA", "n": "AQAB", "e": "AQAB"}),
        json!({"kty": "OKP", "crv": "X25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}),
    ] {
        assert!(matches!(
            proof(|header, _| header["jwk"] = jwk),
            Err(JoseError::UnusableKey(_))
        ));
    }
    for jwk in [
        json!(null),
        json!("key"),
        json!([]),
        json!(["OKP"]),
        json!({}),
    ] {
        assert!(matches!(
            proof(|header, _| header["jwk"] = jwk),
            Err(JoseError::Malformed(_))
        ));
    }
    let none = proof(|header, _| {
        header.as_object_mut().unwrap().remove("jwk");
    });
    assert_eq!(none, Err(JoseError::Malformed("header brings no key")));
}

#[test]
fn the_header_agrees_with_the_key_that_it_brings() {
    for alg in ["none", "HS256", "ES256", "RS256", "EDDSA", " EdDSA", ""] {
        assert_eq!(
            proof(|header, _| header["alg"] = json!(alg)),
            Err(JoseError::WrongAlgorithm),
            "{alg:?}"
        );
    }
    let other = SigningKey::from_seed("k", &[9; 32]).unwrap();
    assert_eq!(
        proof(|header, _| header["jwk"] = json!(other.public_jwk())),
        Err(JoseError::BadSignature)
    );
}

#[test]
fn a_header_that_means_more_is_refused() {
    for member in ["crit", "b64", "zip", "enc", "jku", "x5u", "x5c"] {
        for value in [json!(null), json!([]), json!("x")] {
            assert!(matches!(
                proof(|header, _| header[member] = value),
                Err(JoseError::Malformed(_))
            ));
        }
    }
}

#[test]
fn claims_have_exactly_their_types_and_lengths() {
    for (name, bad) in [
        ("jti", json!(1)),
        ("jti", json!("")),
        ("jti", json!(null)),
        ("jti", json!("j".repeat(129))),
        ("htm", json!(["POST"])),
        ("htu", json!({})),
        ("htu", json!("h".repeat(2049))),
        ("iat", json!("1800000000")),
        ("iat", json!(null)),
        ("iat", json!(1e300)),
        ("iat", json!(u64::MAX)),
        ("nonce", json!(null)),
        ("nonce", json!(5)),
        ("nonce", json!("")),
        ("nonce", json!("n".repeat(257))),
        ("ath", json!(null)),
        ("ath", json!(1)),
    ] {
        let read = proof(|_, claims| claims[name] = bad.clone());
        assert!(matches!(read, Err(JoseError::Malformed(_))), "{name} {bad}");
    }
    for name in ["jti", "htm", "htu", "iat"] {
        let read = proof(|_, claims| {
            claims.as_object_mut().unwrap().remove(name);
        });
        assert!(matches!(read, Err(JoseError::Malformed(_))), "{name}");
    }
    let long = proof(|_, claims| claims["jti"] = json!("j".repeat(128))).unwrap();
    assert_eq!(long.jti.len(), 128);
}

#[test]
fn a_time_may_have_a_fraction() {
    let at = |iat: Value| proof(|_, claims| claims["iat"] = iat).unwrap().iat;
    assert_eq!(at(json!(1_800_000_000.9)), NOW);
    assert_eq!(at(json!(-0.5)), -1);
}

#[test]
fn a_claim_that_is_there_twice_is_refused() {
    let key = key(Algorithm::Ed25519);
    let encoded = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let header = encoded(&header(&key).to_string());
    let payload = encoded(r#"{"jti":"a","jti":"b","htm":"POST","htu":"https://a/","iat":1}"#);
    // Signed properly: only the claims are at fault.
    let seed = aws_lc_rs::signature::Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let signed = format!("{header}.{payload}");
    let signature = URL_SAFE_NO_PAD.encode(seed.sign(signed.as_bytes()));
    assert_eq!(
        DpopProof::read(&format!("{signed}.{signature}")),
        Err(JoseError::Malformed("claims are not as they must be"))
    );
}

#[test]
fn a_value_that_is_too_long_is_not_read() {
    let long = "a".repeat(LIMIT + 1);
    assert_eq!(
        DpopProof::read(&long),
        Err(JoseError::TooLong { limit: LIMIT })
    );
}

#[test]
fn the_longest_sound_proof_is_within_the_limit() {
    let key = key(Algorithm::MlDsa65);
    let claims = json!({
        "jti": "j".repeat(128), "htm": "POST", "iat": NOW, "nonce": "n".repeat(256),
        "htu": format!("https://id.example/{}", "p".repeat(1000)), "ath": access_token_hash("t"),
    });
    let value = key.sign_with_header(&header(&key), &claims).unwrap();
    assert!(value.len() < LIMIT, "{}", value.len());
    assert!(DpopProof::read(&value).is_ok());
}

proptest! {
    #[test]
    fn no_text_makes_reading_panic_or_pass(text in ".{0,200}") {
        prop_assert!(DpopProof::read(&text).is_err());
    }

    #[test]
    fn a_changed_character_never_passes(at in any::<prop::sample::Index>(), to in "[A-Za-z0-9_.-]") {
        let key = key(Algorithm::Ed25519);
        let value = key.sign_with_header(&header(&key), &claims()).unwrap();
        let at = at.index(value.len());
        let changed = format!("{}{to}{}", &value[..at], &value[at + 1..]);
        prop_assume!(changed != value);
        prop_assert!(DpopProof::read(&changed).is_err());
    }
}
