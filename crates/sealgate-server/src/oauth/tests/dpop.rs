//! Tokens bound to a key.

use std::time::Duration;

use sealgate_jose::Algorithm;
use sealgate_jose::dpop::access_token_hash;
use serde_json::json as value;

use super::machines::key;
use super::*;

const TOKEN: &str = "/oauth/token";
const USERINFO: &str = "/oauth/userinfo";

async fn post(
    house: &House,
    client: Option<&str>,
    pairs: &[(&str, &str)],
    proof: &str,
) -> Response {
    let mut request = request(Method::POST, TOKEN)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("dpop", proof);
    if let Some(client) = client {
        request = request.header(AUTHORIZATION, basic(client, &secret(client)));
    }
    house
        .send(request.body(Body::from(form(pairs))).unwrap())
        .await
}

async fn own_token(house: &House, proof: &str) -> Response {
    post(
        house,
        Some("robot"),
        &[("grant_type", "client_credentials")],
        proof,
    )
    .await
}

/// A public client's tokens, bound to `key`.
async fn native_tokens(house: &House, key: &sealgate_jose::SigningKey) -> Tokens {
    let code = house.code("native", "openid offline_access").await;
    let mut pairs = redemption(&code).to_vec();
    pairs.push(("client_id", "native"));
    let proof = house.proof(key, "POST", TOKEN, &value!({}));
    tokens(post(house, None, &pairs, &proof).await).await
}

async fn userinfo(house: &House, scheme: &str, token: &str, proof: Option<&str>) -> Response {
    let mut request =
        request(Method::GET, USERINFO).header(AUTHORIZATION, format!("{scheme} {token}"));
    if let Some(proof) = proof {
        request = request.header("dpop", proof);
    }
    house.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_proof_of_any_algorithm_binds_the_token_to_its_key() {
    let house = House::new().await;
    house.add_machine("robot", |_| {}).await;
    for algorithm in Algorithm::ALL {
        let key = key(algorithm);
        let proof = house.proof(key, "POST", TOKEN, &value!({}));
        let response = own_token(&house, &proof).await;
        assert!(response.headers().contains_key("dpop-nonce"));
        let given = tokens(response).await;
        assert_eq!(given.body["token_type"], "DPoP");
        let thumbprint = key.public_jwk().thumbprint().unwrap();
        assert_eq!(claims(&given.access)["cnf"], value!({"jkt": thumbprint}));
        let told = introspect::told(&house, "robot", &given.access).await;
        assert_eq!(told["token_type"], "DPoP");
        assert_eq!(told["cnf"]["jkt"], thumbprint);
    }
}

#[tokio::test]
async fn a_proof_without_our_nonce_is_told_the_nonce_to_use() {
    let house = House::new().await;
    house.add_machine("robot", |_| {}).await;
    let mine = key(Algorithm::Ed25519);
    for nonce in [value!(null), value!("x"), value!("AAAAAAAAAAAAAAAAAAAAAA")] {
        let proof = house.proof(mine, "POST", TOKEN, &value!({"nonce": nonce}));
        let response = own_token(&house, &proof).await;
        let nonce = response.headers()["dpop-nonce"]
            .to_str()
            .unwrap()
            .to_owned();
        let bad = StatusCode::BAD_REQUEST;
        assert_refused(response, bad, "use_dpop_nonce", "dpop_nonce_required").await;
        let proof = house.proof(mine, "POST", TOKEN, &value!({"nonce": nonce}));
        tokens(own_token(&house, &proof).await).await;
    }
    // Two minutes later what was told is told no more.
    let old = house.plane.dpop.nonce(house.clock.uptime());
    house.clock.advance(Duration::from_secs(120));
    let proof = house.proof(mine, "POST", TOKEN, &value!({"nonce": old}));
    let response = own_token(&house, &proof).await;
    assert_refused(
        response,
        StatusCode::BAD_REQUEST,
        "use_dpop_nonce",
        "dpop_nonce_required",
    )
    .await;
}

#[tokio::test]
async fn a_proof_is_good_for_one_request_to_one_place_at_one_time() {
    let house = House::new().await;
    house.add_machine("robot", |_| {}).await;
    let mine = key(Algorithm::Es256);
    let now = house.clock.now().as_seconds();
    for (more, reason) in [
        (value!({"htm": "GET"}), "dpop_proof_misdirected"),
        (
            value!({"htu": "https://elsewhere.example/oauth/token"}),
            "dpop_proof_misdirected",
        ),
        (value!({"iat": now - 61}), "dpop_proof_expired"),
        (value!({"iat": now + 61}), "dpop_proof_expired"),
        (value!({"jti": null}), "dpop_proof_malformed"),
        (value!({"iat": "now"}), "dpop_proof_malformed"),
    ] {
        let proof = house.proof(mine, "POST", TOKEN, &more);
        let response = own_token(&house, &proof).await;
        assert_refused(
            response,
            StatusCode::BAD_REQUEST,
            "invalid_dpop_proof",
            reason,
        )
        .await;
    }
    let proof = house.proof(mine, "POST", TOKEN, &value!({}));
    tokens(own_token(&house, &proof).await).await;
    let response = own_token(&house, &proof).await;
    assert_refused(
        response,
        StatusCode::BAD_REQUEST,
        "invalid_dpop_proof",
        "dpop_proof_reused",
    )
    .await;
    let twice = request(Method::POST, TOKEN)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(AUTHORIZATION, basic("robot", &secret("robot")))
        .header("dpop", house.proof(mine, "POST", TOKEN, &value!({})))
        .header("dpop", house.proof(mine, "POST", TOKEN, &value!({})));
    let body = Body::from(form(&[("grant_type", "client_credentials")]));
    let response = house.send(twice.body(body).unwrap()).await;
    let bad = StatusCode::BAD_REQUEST;
    assert_refused(response, bad, "invalid_dpop_proof", "dpop_proof_malformed").await;
}

#[tokio::test]
async fn a_client_that_must_bind_its_tokens_gets_none_without_a_proof() {
    let house = House::new().await;
    house
        .add_machine("robot", |client| client.details.require_dpop = true)
        .await;
    let response = house.own_token("robot", &[]).await;
    assert_refused(
        response,
        StatusCode::BAD_REQUEST,
        "invalid_dpop_proof",
        "dpop_proof_missing",
    )
    .await;
}

#[tokio::test]
async fn a_public_clients_session_is_renewed_by_the_same_key_alone() {
    let house = House::new().await;
    let (mine, thiefs) = (key(Algorithm::Ed25519), key(Algorithm::Es256));
    let given = native_tokens(&house, mine).await;
    let pairs = [
        ("grant_type", "refresh_token"),
        ("refresh_token", given.refresh.as_str()),
        ("client_id", "native"),
    ];
    let response = house.post(TOKEN, None, &pairs).await;
    assert_refused(
        response,
        StatusCode::BAD_REQUEST,
        "invalid_dpop_proof",
        "dpop_proof_missing",
    )
    .await;
    let proof = house.proof(thiefs, "POST", TOKEN, &value!({}));
    assert_grant_refused(
        post(&house, None, &pairs, &proof).await,
        "dpop_key_mismatch",
    )
    .await;
    let proof = house.proof(mine, "POST", TOKEN, &value!({}));
    let renewed = tokens(post(&house, None, &pairs, &proof).await).await;
    assert_eq!(renewed.body["token_type"], "DPoP");
}

#[tokio::test]
async fn a_confidential_client_may_change_its_key_but_a_race_is_answered_to_one_key() {
    let house = House::new().await;
    let (one, two) = (key(Algorithm::Ed25519), key(Algorithm::Es256));
    let given = house.tokens("app", "openid").await;
    let pairs = |token: &str| {
        [
            ("grant_type", "refresh_token".to_owned()),
            ("refresh_token", token.to_owned()),
        ]
    };
    let renew = async |token: &str, key| {
        let pairs = pairs(token);
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let proof = house.proof(key, "POST", TOKEN, &value!({}));
        post(&house, Some("app"), &pairs, &proof).await
    };
    let first = tokens(renew(&given.refresh, one).await).await;
    assert_grant_refused(renew(&given.refresh, two).await, "dpop_key_mismatch").await;
    let again = tokens(renew(&given.refresh, one).await).await;
    assert_eq!(again.refresh, first.refresh);
    let second = tokens(renew(&first.refresh, two).await).await;
    assert_eq!(
        claims(&second.access)["cnf"]["jkt"],
        two.public_jwk().thumbprint().unwrap()
    );
}

#[tokio::test]
async fn userinfo_takes_a_bound_token_with_its_proof_and_not_without() {
    let house = House::new().await;
    let mine = key(Algorithm::Ed25519);
    let given = native_tokens(&house, mine).await;
    let with = |more: Value| house.proof(mine, "GET", USERINFO, &more);
    let ath = access_token_hash(&given.access);
    let proof = with(value!({"ath": ath}));
    let response = userinfo(&house, "DPoP", &given.access, Some(&proof)).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.headers().contains_key("dpop-nonce"));
    assert_eq!(json(response).await["sub"], house.user.to_string());

    let stranger = house.proof(
        key(Algorithm::Es256),
        "GET",
        USERINFO,
        &value!({"ath": ath}),
    );
    let misdirected = with(value!({}));
    let unasked = with(value!({"ath": ath, "nonce": null}));
    let good = with(value!({"ath": ath}));
    for (scheme, proof, error, reason) in [
        (
            "DPoP",
            Some(&proof),
            "invalid_dpop_proof",
            "dpop_proof_reused",
        ),
        ("DPoP", None, "invalid_dpop_proof", "dpop_proof_missing"),
        (
            "DPoP",
            Some(&misdirected),
            "invalid_dpop_proof",
            "dpop_proof_misdirected",
        ),
        ("DPoP", Some(&stranger), "invalid_token", "token_invalid"),
        (
            "DPoP",
            Some(&unasked),
            "use_dpop_nonce",
            "dpop_nonce_required",
        ),
        ("Bearer", Some(&good), "invalid_token", "token_bound"),
        ("Bearer", None, "invalid_token", "token_bound"),
    ] {
        let proof = proof.map(String::as_str);
        let response = userinfo(&house, scheme, &given.access, proof).await;
        let challenge = response.headers()["www-authenticate"]
            .to_str()
            .unwrap()
            .to_owned();
        if proof.is_some() || scheme == "DPoP" {
            assert!(
                challenge.starts_with("DPoP ") && challenge.contains("algs="),
                "{challenge}"
            );
            assert!(
                challenge.contains(&format!("error=\"{error}\"")),
                "{challenge}"
            );
        }
        assert_refused(response, StatusCode::UNAUTHORIZED, error, reason).await;
    }
    let unbound = house.tokens("app", "openid").await;
    let proof = with(value!({"ath": access_token_hash(&unbound.access)}));
    let response = userinfo(&house, "DPoP", &unbound.access, Some(&proof)).await;
    assert_refused(
        response,
        StatusCode::UNAUTHORIZED,
        "invalid_token",
        "token_invalid",
    )
    .await;
}

#[tokio::test]
async fn a_proof_is_spent_by_what_it_brings_about_and_not_by_a_stranger() {
    let house = House::new().await;
    let mine = key(Algorithm::Ed25519);
    let proof = house.proof(mine, "POST", TOKEN, &value!({}));
    let wrong = "A".repeat(64);
    let pairs = [
        ("grant_type", "refresh_token"),
        ("refresh_token", wrong.as_str()),
        ("client_id", "native"),
    ];
    for _ in 0..2 {
        assert_grant_refused(
            post(&house, None, &pairs, &proof).await,
            "refresh_token_unknown",
        )
        .await;
    }
    house.add_machine("robot", |_| {}).await;
    tokens(own_token(&house, &proof).await).await;
}
