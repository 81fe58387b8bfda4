//! Which client assertions are good.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const ISSUER: &str = "https://id.example";
const TOKEN: &str = "https://id.example/oauth/token";
const NOW: i64 = 1_000_000;

fn sound() -> Value {
    json!({"iss": "app", "sub": "app", "aud": ISSUER, "exp": NOW + 60, "iat": NOW, "jti": "1"})
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = sound();
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = sound();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn read(claims: &Value) -> Result<AssertionClaims, String> {
    serde_json::from_str(&claims.to_string()).map_err(|error| error.to_string())
}

fn check_as(claims: &Value, endpoints: Option<&[String]>) -> Result<i64, OAuthError> {
    let issuer = ISSUER.parse().unwrap();
    let client = "app".parse().unwrap();
    let now = Timestamp::from_seconds(NOW);
    let kept = read(claims)
        .unwrap()
        .check(&issuer, endpoints, &client, now);
    kept.map(Timestamp::as_seconds)
}

fn check(claims: &Value) -> Result<i64, OAuthError> {
    check_as(claims, None)
}

#[test]
fn a_sound_assertion_is_good_once_until_it_ends() {
    assert_eq!(check(&sound()), Ok(NOW + 120), "with the clocks' leeway");
    assert!(check(&without("iat")).is_ok());
    assert!(check(&with("nbf", json!(NOW + 60))).is_ok());
    assert!(check(&with("unknown", json!([1]))).is_ok());
}

#[test]
fn issuer_and_subject_are_the_client() {
    for name in ["iss", "sub"] {
        assert_eq!(
            check(&with(name, json!("other"))),
            Err(OAuthError::AssertionSubject)
        );
    }
}

#[test]
fn the_audience_is_the_issuer_alone_as_a_string() {
    for aud in [
        json!([ISSUER]),
        json!([ISSUER, "https://other.example"]),
        json!([]),
        json!(TOKEN),
        json!("https://id.example/"),
        json!("https://ID.example"),
        json!(""),
    ] {
        assert_eq!(
            check(&with("aud", aud.clone())),
            Err(OAuthError::AssertionAudience),
            "{aud}"
        );
    }
}

#[test]
fn a_client_registered_for_it_may_mean_an_endpoint() {
    let endpoints = [TOKEN.to_owned()];
    let check = |aud: Value| check_as(&with("aud", aud), Some(&endpoints));
    for aud in [
        json!(ISSUER),
        json!(TOKEN),
        json!([TOKEN]),
        json!(["https://other.example", ISSUER]),
    ] {
        assert!(check(aud.clone()).is_ok(), "{aud}");
    }
    for aud in [
        json!("https://id.example/oauth/par"),
        json!([]),
        json!(["https://other.example"]),
    ] {
        assert_eq!(
            check(aud.clone()),
            Err(OAuthError::AssertionAudience),
            "{aud}"
        );
    }
}

#[test]
fn times_hold_within_the_leeway_and_no_further() {
    for (name, time, expected) in [
        ("exp", NOW - 59, Ok(())),
        ("exp", NOW - 60, Err(OAuthError::AssertionExpired)),
        ("exp", NOW + 3660, Ok(())),
        ("exp", NOW + 3661, Err(OAuthError::AssertionLongLived)),
        ("exp", i64::MAX, Err(OAuthError::AssertionLongLived)),
        ("exp", i64::MIN, Err(OAuthError::AssertionExpired)),
        ("nbf", NOW + 60, Ok(())),
        ("nbf", NOW + 61, Err(OAuthError::AssertionEarly)),
        ("nbf", 0, Ok(())),
        ("iat", NOW + 61, Err(OAuthError::AssertionEarly)),
    ] {
        assert_eq!(
            check(&with(name, json!(time))).map(drop),
            expected,
            "{name} {time}"
        );
    }
}

#[test]
fn an_id_has_some_length_and_not_too_much() {
    for jti in [String::new(), "x".repeat(257)] {
        assert_eq!(
            check(&with("jti", json!(jti))),
            Err(OAuthError::AssertionMalformed)
        );
    }
}

#[test]
fn a_claim_of_a_wrong_type_is_refused_never_taken_for_absent() {
    for name in ["exp", "nbf", "iat"] {
        for wrong in [
            json!("1000060"),
            json!(null),
            json!(true),
            json!([NOW]),
            json!({}),
            json!(1e300),
        ] {
            assert!(read(&with(name, wrong.clone())).is_err(), "{name} {wrong}");
        }
    }
    for name in ["iss", "sub", "jti", "aud"] {
        for wrong in [json!(1), json!(null), json!({}), json!([1])] {
            assert!(read(&with(name, wrong.clone())).is_err(), "{name} {wrong}");
        }
    }
    for name in ["iss", "sub", "aud", "exp", "jti"] {
        assert!(read(&without(name)).is_err(), "{name}");
    }
}

#[test]
fn fractions_of_a_second_are_rounded_down() {
    let claims = read(&with("exp", json!(1_000_060.9))).unwrap();
    assert_eq!(claims.exp.0, Timestamp::from_seconds(NOW + 60));
}

#[test]
fn the_subject_is_read_from_a_jwt_only() {
    let jwt = |payload: &str| format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(payload));
    assert_eq!(
        claimed_subject(&jwt(r#"{"sub":"app"}"#)),
        Ok("app".to_owned())
    );
    for wrong in [
        String::new(),
        "a.b".into(),
        "a.b.c.d".into(),
        jwt("{}"),
        jwt("[]"),
        jwt(r#"{"sub":1}"#),
        jwt(r#"{"sub":"a","sub":"b"}"#),
        jwt("{"),
        "e30.!.c2ln".into(),
        jwt(&format!(r#"{{"sub":"{}"}}"#, "a".repeat(8192))),
    ] {
        assert_eq!(
            claimed_subject(&wrong),
            Err(OAuthError::AssertionMalformed),
            "{wrong}"
        );
    }
}

proptest! {
    #[test]
    fn any_text_has_a_subject_or_is_refused(text in "\\PC{0,60}|[A-Za-z0-9_-]{0,20}\\.[A-Za-z0-9_-]{0,60}\\.[A-Za-z0-9_-]{0,20}") {
        let _ = claimed_subject(&text);
    }

    #[test]
    fn any_claims_are_checked_without_a_panic(exp in any::<i64>(), nbf in any::<i64>(), now in any::<i64>()) {
        let claims = read(&json!({"iss": "app", "sub": "app", "aud": ISSUER, "exp": exp, "nbf": nbf, "jti": "1"})).unwrap();
        let kept = claims.check(
            &ISSUER.parse().unwrap(), None, &"app".parse().unwrap(), Timestamp::from_millis(now),
        );
        if let Ok(until) = kept {
            prop_assert!(until > Timestamp::from_millis(now));
        }
    }
}
