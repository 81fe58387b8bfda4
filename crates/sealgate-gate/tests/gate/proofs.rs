//! Tokens that are bound to a key, at the gate of an application (RFC 9449).

use std::time::Duration;

use sealgate_gate::CredentialKind;
use serde_json::{Value, json};

use crate::browser::header;
use crate::program::{Holder, anybody, bearer, calling, challenges, nonce, refusal, scoped, with};
use crate::provider::{World, world, world_with};

const URL: &str = "https://app.example/expenses";

async fn house() -> (World, Holder, String) {
    let world = world().await;
    let holder = Holder::new(&world);
    let nonce = nonce(&world).await;
    (world, holder, nonce)
}

#[tokio::test(start_paused = true)]
async fn a_bound_token_passes_with_a_proof_of_its_key() {
    let (world, holder, nonce) = house().await;
    let claims = holder.claims(&world, URL, &nonce, "p1");
    let allowed = holder.call(&world, "/expenses", &claims).await.unwrap();
    assert!(allowed.headers.is_empty());
    assert_eq!(
        allowed.caller.unwrap().credential.kind,
        CredentialKind::Dpop
    );
    // The token is known by now: its proofs are judged all the same.
    let again = holder.call(&world, "/expenses", &claims).await;
    assert_eq!(refusal(again), (401, "dpop_proof_reused"));
    let next = holder.claims(&world, URL, &nonce, "p2");
    assert!(holder.call(&world, "/expenses", &next).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_bound_token_is_no_bearer_token_and_the_other_way_round() {
    let (world, holder, nonce) = house().await;
    let refused = bearer(&holder.token)
        .send(&world.gate, "GET", "/expenses", &anybody())
        .await
        .unwrap_err();
    assert_eq!((refused.status, refused.reason), (401, "token_bound"));
    assert!(challenges(&refused)[1].contains("error=\"invalid_token\""));
    let claims = holder.claims(&world, URL, &nonce, "p1");
    let mut beside = bearer(&holder.token);
    beside.headers.push(("dpop", holder.proof(&claims)));
    let refused = beside
        .denied(&world.gate, "GET", "/expenses", &anybody())
        .await;
    assert_eq!(refused, (401, "token_bound"));
    let unbound = Holder {
        token: world.user_token(),
        ..Holder::new(&world)
    };
    let claims = unbound.claims(&world, URL, &nonce, "p1");
    let refused = refusal(unbound.call(&world, "/expenses", &claims).await);
    assert_eq!(refused, (401, "token_unbound"));
}

#[tokio::test(start_paused = true)]
async fn a_proof_is_for_this_request_this_token_and_now() {
    let (world, holder, nonce) = house().await;
    let sound = holder.claims(&world, URL, &nonce, "p1");
    let now = sound["iat"].as_i64().unwrap();
    let cases = [
        ("htm", json!("POST"), "dpop_proof_misdirected"),
        ("htm", json!("get"), "dpop_proof_misdirected"),
        (
            "htu",
            json!("https://app.example/expenses/"),
            "dpop_proof_misdirected",
        ),
        (
            "htu",
            json!("https://app.example/"),
            "dpop_proof_misdirected",
        ),
        (
            "htu",
            json!("http://app.example/expenses"),
            "dpop_proof_misdirected",
        ),
        (
            "htu",
            json!("https://inside.example/expenses"),
            "dpop_proof_misdirected",
        ),
        (
            "htu",
            json!("https://app.example:8443/expenses"),
            "dpop_proof_misdirected",
        ),
        ("htu", json!("/expenses"), "dpop_proof_misdirected"),
        ("ath", json!("a"), "dpop_proof_misdirected"),
        ("iat", json!(now - 61), "dpop_proof_expired"),
        ("iat", json!(now + 61), "dpop_proof_expired"),
        ("nonce", json!("other"), "dpop_nonce_required"),
        ("jti", json!(""), "dpop_proof_malformed"),
    ];
    for (claim, value, reason) in cases {
        let proof = with(sound.clone(), claim, value.clone());
        let refused = refusal(holder.call(&world, "/expenses", &proof).await);
        assert_eq!(refused, (401, reason), "{claim} = {value}");
    }
    // None of those used up the id.
    assert!(
        holder
            .call(&world, "/expenses?page=2", &sound)
            .await
            .is_ok()
    );
}

#[tokio::test(start_paused = true)]
async fn a_path_is_the_same_however_it_was_encoded_on_the_way() {
    let (world, holder, nonce) = house().await;
    for (jti, url, path) in [
        ("a", "https://app.example/caf%C3%A9/a%20b", "/caf\u{e9}/a b"),
        (
            "b",
            "https://APP.example:443/caf%c3%a9/a%20b?x=%20",
            "/caf\u{e9}/a b",
        ),
        ("c", "https://app.example/a:b@c;d", "/a:b@c;d"),
        ("d", "https://app.example/a%3Ab%40c%3Bd", "/a:b@c;d"),
        ("e", "https://app.example/100%25", "/100%"),
        ("f", "https://app.example", "/"),
    ] {
        let claims = holder.claims(&world, url, &nonce, jti);
        assert!(
            holder.call(&world, path, &claims).await.is_ok(),
            "{url} {path}"
        );
    }
    let wrong = holder.claims(&world, "https://app.example/%2561", &nonce, "g");
    let refused = refusal(holder.call(&world, "/a", &wrong).await);
    assert_eq!(refused, (401, "dpop_proof_misdirected"));
}

#[tokio::test(start_paused = true)]
async fn below_a_path_of_the_host_the_whole_path_counts() {
    let world = world_with(&[("SEALGATE_BASE_URL", "https://app.example/api")]).await;
    let holder = Holder::new(&world);
    let bound = with(
        crate::program::claims(&world),
        "aud",
        json!("https://app.example/api"),
    );
    let jkt = holder.key.public_jwk().thumbprint().unwrap();
    let token = world.token(&with(bound, "cnf", json!({ "jkt": jkt })));
    let holder = Holder { token, ..holder };
    let nonce = nonce(&world).await;
    let sound = holder.claims(&world, "https://app.example/api/x", &nonce, "p");
    assert!(holder.call(&world, "/api/x", &sound).await.is_ok());
    let wrong = holder.claims(&world, "https://app.example/api/api/x", &nonce, "q");
    let refused = refusal(holder.call(&world, "/api/x", &wrong).await);
    assert_eq!(refused, (401, "dpop_proof_misdirected"));
}

#[tokio::test(start_paused = true)]
async fn there_is_one_proof_and_it_is_one() {
    let (world, holder, nonce) = house().await;
    let proof = holder.proof(&holder.claims(&world, URL, &nonce, "p1"));
    let cases: [(&[&str], &str); 5] = [
        (&[], "dpop_proof_missing"),
        (&[&proof, &proof], "dpop_proof_malformed"),
        (&["\u{ff}"], "dpop_proof_malformed"),
        (&[&holder.token], "dpop_proof_malformed"),
        (&[""], "dpop_proof_malformed"),
    ];
    for (proofs, reason) in cases {
        let refused = holder
            .calling(proofs)
            .denied(&world.gate, "GET", "/expenses", &anybody())
            .await;
        assert_eq!(refused, (401, reason), "{proofs:?}");
    }
    let thief = Holder {
        key: sealgate_jose::SigningKey::from_seed("thief", &[8; 32]).unwrap(),
        token: holder.token.clone(),
    };
    let claims = thief.claims(&world, URL, &nonce, "p1");
    let refused = refusal(thief.call(&world, "/expenses", &claims).await);
    assert_eq!(refused, (401, "dpop_key_mismatch"));
    let alone = calling("Basic x").headers.len();
    assert_eq!(alone, 1);
    // A proof without a token is no credential.
    let mut program = crate::browser::Browser::default();
    program.headers.push(("dpop", proof));
    let refused = program
        .denied(&world.gate, "GET", "/expenses", &anybody())
        .await;
    assert_eq!(refused, (401, "credential_missing"));
}

#[tokio::test(start_paused = true)]
async fn whoever_lacks_a_nonce_is_told_one_and_a_newer_one_in_time() {
    let (world, holder, _) = house().await;
    let claims = holder.claims(&world, URL, "none", "p1");
    let refused = holder.call(&world, "/expenses", &claims).await.unwrap_err();
    assert_eq!(
        (refused.status, refused.reason),
        (401, "dpop_nonce_required")
    );
    assert!(challenges(&refused)[1].contains("error=\"use_dpop_nonce\""));
    let told = header(&refused, "dpop-nonce").unwrap().to_owned();
    let claims = holder.claims(&world, URL, &told, "p1");
    assert!(holder.call(&world, "/expenses", &claims).await.is_ok());
    world.clock.advance(Duration::from_secs(60));
    world.follow_once().await;
    let claims = holder.claims(&world, URL, &told, "p2");
    let allowed = holder.call(&world, "/expenses", &claims).await.unwrap();
    assert_eq!(allowed.headers, [("dpop-nonce", nonce(&world).await)]);
    world.clock.advance(Duration::from_secs(60));
    world.follow_once().await;
    let claims = holder.claims(&world, URL, &told, "p3");
    let refused = refusal(holder.call(&world, "/expenses", &claims).await);
    assert_eq!(refused, (401, "dpop_nonce_required"));
}

#[tokio::test(start_paused = true)]
async fn processes_of_one_application_know_each_others_nonces() {
    let (one, holder, nonce) = house().await;
    // Started later, so that its own uptime is another one.
    one.clock.advance(Duration::from_secs(30));
    one.follow_once().await;
    let other = world().await;
    other.clock.advance(Duration::from_secs(30));
    other.follow_once().await;
    let claims = holder.claims(&other, URL, &nonce, "p1");
    assert!(holder.call(&other, "/expenses", &claims).await.is_ok());
    let elsewhere = world_with(&[(
        "SEALGATE_SEAL_KEYS",
        "BQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA",
    )])
    .await;
    let claims = holder.claims(&elsewhere, URL, &nonce, "p1");
    let refused = refusal(holder.call(&elsewhere, "/expenses", &claims).await);
    assert_eq!(refused, (401, "dpop_nonce_required"));
}

#[tokio::test(start_paused = true)]
async fn a_proof_that_was_good_is_used_up_even_if_the_token_is_not_enough() {
    let (world, holder, nonce) = house().await;
    let proof = holder.proof(&holder.claims(&world, URL, &nonce, "p1"));
    let mut program = holder.calling(&[&proof]);
    let refused = program
        .denied(&world.gate, "GET", "/expenses", &scoped(&["more"]))
        .await;
    assert_eq!(refused, (403, "scope_missing"));
    let refused = program
        .denied(&world.gate, "GET", "/expenses", &anybody())
        .await;
    assert_eq!(refused, (401, "dpop_proof_reused"));
}

#[tokio::test(start_paused = true)]
async fn a_proof_has_to_be_of_its_types() {
    let (world, holder, nonce) = house().await;
    let sound = holder.claims(&world, URL, &nonce, "p1");
    for claim in ["jti", "htm", "htu", "iat", "ath", "nonce"] {
        for wrong in [Value::Null, json!([]), json!(true)] {
            let value = with(sound.clone(), claim, wrong.clone());
            let mut jwk = serde_json::to_value(holder.key.public_jwk()).unwrap();
            for member in ["kid", "use", "alg"] {
                jwk.as_object_mut().unwrap().remove(member);
            }
            let header =
                json!({"typ": "dpop+jwt", "alg": holder.key.algorithm().name(), "jwk": jwk});
            let proof = holder.key.sign_with_header(&header, &value).unwrap();
            let refused = holder
                .calling(&[&proof])
                .denied(&world.gate, "GET", "/expenses", &anybody())
                .await;
            assert_eq!(refused, (401, "dpop_proof_malformed"), "{claim} = {wrong}");
        }
    }
}
