//! Tokens that are bound to a key, and the proofs that go with them.

use std::time::Duration;

use sealgate_gate::CredentialKind;
use sealgate_jose::SigningKey;
use serde_json::{Value, json};

use crate::house::{House, NOW, any, proof_by, refusal, user, with, without};

#[tokio::test]
async fn a_bound_token_passes_with_a_proof_of_its_key() {
    let house = House::new();
    let token = house.token(&house.bound());
    let proof = house.proof(&house.proof_claims(&token, "p1"));
    let admitted = house.dpop(&token, &proof).await.unwrap();
    assert_eq!(admitted.caller.credential.kind, CredentialKind::Dpop);
    assert_eq!(admitted.fresh_nonce, None);
}

#[tokio::test]
async fn a_bound_token_is_no_bearer_token_and_the_other_way_round() {
    let house = House::new();
    let bound = house.token(&house.bound());
    let denial = house.bearer(&bound).await.unwrap_err();
    assert_eq!((denial.status(), denial.reason()), (401, "token_bound"));
    assert!(denial.challenges()[1].starts_with("DPoP realm="));
    assert!(denial.challenges()[1].contains("error=\"invalid_token\""));
    let proof = house.proof(&house.proof_claims(&bound, "p1"));
    let any = any();
    let beside = house
        .ask(&[&format!("Bearer {bound}")], &[&proof], &any)
        .await;
    assert_eq!(refusal(beside), (401, "token_bound"));
    let unbound = house.token(&user());
    let proof = house.proof(&house.proof_claims(&unbound, "p2"));
    assert_eq!(
        refusal(house.dpop(&unbound, &proof).await),
        (401, "token_unbound")
    );
}

#[tokio::test]
async fn a_proof_is_for_this_request_this_token_and_now() {
    let house = House::new();
    let token = house.token(&house.bound());
    let sound = house.proof_claims(&token, "p1");
    let cases = [
        ("htm", json!("POST"), "dpop_proof_misdirected"),
        (
            "htu",
            json!("https://id.example/api/v1/keys"),
            "dpop_proof_misdirected",
        ),
        (
            "htu",
            json!("http://id.example/api/v1/users"),
            "dpop_proof_misdirected",
        ),
        ("ath", json!("a"), "dpop_proof_misdirected"),
        ("iat", json!(NOW - 61), "dpop_proof_expired"),
        ("iat", json!(NOW + 61), "dpop_proof_expired"),
        ("iat", Value::Null, "dpop_proof_malformed"),
        ("jti", json!(""), "dpop_proof_malformed"),
        ("nonce", json!("other"), "dpop_nonce_required"),
    ];
    for (claim, value, reason) in cases {
        let proof = house.proof(&with(sound.clone(), claim, value.clone()));
        assert_eq!(
            refusal(house.dpop(&token, &proof).await),
            (401, reason),
            "{claim} = {value}"
        );
    }
    let proof = house.proof(&without(sound.clone(), "ath"));
    assert_eq!(
        refusal(house.dpop(&token, &proof).await),
        (401, "dpop_proof_misdirected")
    );
    // None of those used up the id.
    assert!(house.dpop(&token, &house.proof(&sound)).await.is_ok());
}

#[tokio::test]
async fn a_proof_is_one_by_the_right_key() {
    let house = House::new();
    let token = house.token(&house.bound());
    let claims = house.proof_claims(&token, "p1");
    let any = any();
    let presented = format!("DPoP {token}");
    let none = house.ask(&[&presented], &[], &any).await;
    assert_eq!(refusal(none), (401, "dpop_proof_missing"));
    let proof = house.proof(&claims);
    let two = house.ask(&[&presented], &[&proof, &proof], &any).await;
    assert_eq!(refusal(two), (401, "dpop_proof_malformed"));
    let thief = SigningKey::from_seed("thief", &[3; 32]).unwrap();
    let stolen = house.dpop(&token, &proof_by(&thief, &claims)).await;
    assert_eq!(refusal(stolen), (401, "dpop_key_mismatch"));
    let mut forged = proof.clone();
    forged.replace_range(forged.len() - 10..forged.len() - 9, "_");
    if forged != proof {
        let refused = house.dpop(&token, &forged).await;
        assert_eq!(refusal(refused), (401, "dpop_proof_signature"));
    }
    let token_as_proof = house.dpop(&token, &token).await;
    assert_eq!(refusal(token_as_proof), (401, "dpop_proof_malformed"));
}

#[tokio::test]
async fn a_proof_without_nonce_is_told_which_to_use() {
    let house = House::new();
    let token = house.token(&house.bound());
    let claims = without(house.proof_claims(&token, "p1"), "nonce");
    let denial = house.dpop(&token, &house.proof(&claims)).await.unwrap_err();
    assert_eq!(
        (denial.status(), denial.reason()),
        (401, "dpop_nonce_required")
    );
    assert!(denial.challenges()[1].contains("error=\"use_dpop_nonce\""));
    let nonce = denial.nonce().unwrap().to_owned();
    let again = with(claims, "nonce", json!(nonce));
    assert!(house.dpop(&token, &house.proof(&again)).await.is_ok());
}

#[tokio::test]
async fn a_proof_is_taken_once() {
    let house = House::new();
    let token = house.token(&house.bound());
    let proof = house.proof(&house.proof_claims(&token, "p1"));
    assert!(house.dpop(&token, &proof).await.is_ok());
    assert_eq!(
        refusal(house.dpop(&token, &proof).await),
        (401, "dpop_proof_reused")
    );
    house.clock.advance(Duration::from_secs(60));
    assert_eq!(
        refusal(house.dpop(&token, &proof).await),
        (401, "dpop_proof_reused")
    );
    house.clock.advance(Duration::from_secs(60));
    assert_eq!(
        refusal(house.dpop(&token, &proof).await),
        (401, "dpop_nonce_required")
    );
}

#[tokio::test]
async fn a_nonce_of_the_minute_before_is_good_and_the_newer_one_is_told() {
    let house = House::new();
    let token = house.token(&house.bound());
    let proof = house.proof(&house.proof_claims(&token, "p1"));
    house.clock.advance(Duration::from_secs(60));
    let admitted = house.dpop(&token, &proof).await.unwrap();
    assert_eq!(admitted.fresh_nonce, Some(house.nonce()));
}

#[tokio::test]
async fn proofs_of_strangers_take_no_room_and_full_is_full() {
    let house = House::remembering(1);
    let stranger = house.holder.sign("at+jwt", &house.bound()).unwrap();
    for jti in ["a", "b", "c"] {
        let proof = house.proof(&house.proof_claims(&stranger, jti));
        assert_eq!(
            refusal(house.dpop(&stranger, &proof).await),
            (401, "token_invalid")
        );
    }
    let token = house.token(&house.bound());
    let first = house.proof(&house.proof_claims(&token, "p1"));
    assert!(house.dpop(&token, &first).await.is_ok());
    let second = house.proof(&house.proof_claims(&token, "p2"));
    assert_eq!(
        refusal(house.dpop(&token, &second).await),
        (503, "dpop_busy")
    );
}
