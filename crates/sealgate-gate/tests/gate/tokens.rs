//! Access tokens at the gate: what is a credential, and whom a token makes of the caller.

use sealgate_gate::{CredentialKind, Decision, Requirement, Transport};
use sealgate_model::{Actor, ActorKind, Clock as _};
use serde_json::{Value, json};

use crate::browser::{Browser, signed_in, user};
use crate::program::{anybody, bearer, call, calling, challenges, claims, machine, refusal, with};
use crate::provider::{APP, SID, world, world_with};

#[tokio::test(start_paused = true)]
async fn a_token_makes_its_user_the_caller() {
    let world = world().await;
    let allowed = call(&world, &world.user_token()).await.unwrap();
    assert!(allowed.headers.is_empty() && allowed.set_cookies.is_empty());
    let caller = allowed.caller.unwrap();
    let Actor::User(user) = &*caller.actor else {
        panic!("it is a user's token");
    };
    assert_eq!(
        (user.id.as_str(), user.client.as_deref()),
        ("ada", Some("cli"))
    );
    assert_eq!(user.tenant.as_deref(), Some("acme"));
    assert_eq!(caller.credential.kind, CredentialKind::Bearer);
    assert_eq!(caller.credential.session, Some(SID.parse().unwrap()));
    let machine = call(&world, &world.token(&machine(&world))).await.unwrap();
    assert_eq!(machine.caller.unwrap().actor.kind(), ActorKind::Machine);
}

#[tokio::test(start_paused = true)]
async fn a_session_and_a_token_at_once_are_refused_whatever_they_are_worth() {
    let world = world().await;
    let token = world.user_token();
    for cookie in [signed_in(&world).await.session().unwrap(), "", "broken"] {
        for authorization in [format!("Bearer {token}"), "bearer x".into(), "DPoP".into()] {
            let mut both = calling(&authorization);
            both.cookies
                .insert("__Host-Http-sealgate".into(), cookie.to_owned());
            let refused = both.denied(&world.gate, "GET", "/", &anybody()).await;
            assert_eq!(
                refused,
                (400, "credential_duplicate"),
                "{cookie} {authorization}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn two_authorization_headers_are_refused_whatever_they_say() {
    let world = world().await;
    let good = format!("Bearer {}", world.user_token());
    for (one, other) in [
        (good.as_str(), good.as_str()),
        (&good, "Basic YTpi"),
        ("Basic YTpi", "Basic YTpi"),
    ] {
        let mut program = calling(one);
        program.headers.push(("authorization", other.to_owned()));
        let refused = program
            .send(&world.gate, "GET", "/", &anybody())
            .await
            .unwrap_err();
        assert_eq!(
            (refused.status, refused.reason),
            (400, "credential_duplicate")
        );
        assert!(challenges(&refused)[0].contains("error=\"invalid_request\""));
        let mut browser = signed_in(&world).await;
        browser.headers = program.headers;
        let refused = browser.denied(&world.gate, "GET", "/", &user()).await;
        assert_eq!(refused, (400, "credential_duplicate"));
    }
}

#[tokio::test(start_paused = true)]
async fn credentials_of_other_schemes_are_not_for_the_gate() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    for scheme in [
        "Basic cHJveHk6eA==",
        "Negotiate x",
        "Bearers x",
        "",
        "\u{ff}",
    ] {
        browser.headers = vec![("authorization", scheme.into())];
        assert!(browser.send(&world.gate, "GET", "/", &user()).await.is_ok());
        let refused = calling(scheme)
            .denied(&world.gate, "GET", "/", &user())
            .await;
        assert_eq!(refused, (401, "credential_missing"), "{scheme}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_in_the_query_is_none() {
    let world = world().await;
    let target = format!("/expenses?access_token={}", world.user_token());
    let refused = Browser::default()
        .denied(&world.gate, "GET", &target, &anybody())
        .await;
    assert_eq!(refused, (401, "credential_missing"));
}

#[tokio::test(start_paused = true)]
async fn a_public_route_looks_at_no_credential() {
    let world = world().await;
    let public = Requirement::Public {
        reason: "probe".into(),
    };
    let mut program = bearer("rubbish");
    program
        .headers
        .push(("authorization", "Bearer more".into()));
    let allowed = program
        .send(&world.gate, "GET", "/health", &public)
        .await
        .unwrap();
    assert!(allowed.caller.is_none());
}

#[tokio::test(start_paused = true)]
async fn what_is_no_token_of_ours_is_refused_without_asking_anybody() {
    let world = world().await;
    let asked = world.state().keys_asked;
    let stranger = world.provider.keys[0].sign("JWT", &claims(&world)).unwrap();
    for token in [
        "",
        "a",
        "a.b.c",
        "=",
        "a b",
        "a,b",
        "\u{e4}",
        &stranger,
        &"a".repeat(16_384),
    ] {
        let refused = refusal(call(&world, token).await);
        assert_eq!(refused, (401, "token_invalid"), "{token}");
    }
    let long = refusal(call(&world, &"a".repeat(20_000)).await);
    assert_eq!(long, (401, "credential_oversize"));
    assert_eq!(world.state().keys_asked, asked);
}

#[tokio::test(start_paused = true)]
async fn every_claim_is_there_and_of_its_type() {
    let world = world().await;
    for claim in ["iss", "aud", "sub", "client_id", "jti", "iat", "exp"] {
        let mut lacking = claims(&world);
        lacking.as_object_mut().unwrap().remove(claim);
        let refused = refusal(call(&world, &world.token(&lacking)).await);
        assert_eq!(refused, (401, "token_invalid"), "{claim}");
    }
    for claim in [
        "iss",
        "aud",
        "sub",
        "client_id",
        "jti",
        "iat",
        "exp",
        "nbf",
        "scope",
        "sid",
        "roles",
        "tenant",
        "acr",
        "auth_time",
        "cnf",
        "act",
        "sub_profile",
    ] {
        for wrong in [
            Value::Null,
            json!(true),
            json!({"a": 1}),
            json!([1]),
            json!(1.5),
        ] {
            let token = world.token(&with(claims(&world), claim, wrong.clone()));
            let refused = refusal(call(&world, &token).await);
            assert_eq!(refused, (401, "token_invalid"), "{claim} = {wrong}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_is_of_this_issuer_for_one_of_these_resources() {
    let world = world_with(&[(
        "SEALGATE_AUDIENCES",
        "https://api.example urn:example:expenses",
    )])
    .await;
    let audience = |audience: Value| world.token(&with(claims(&world), "aud", audience));
    for good in [
        json!("https://api.example"),
        json!("urn:example:expenses"),
        json!(["https://other.example", "https://api.example"]),
    ] {
        assert!(
            call(&world, &audience(good.clone())).await.is_ok(),
            "{good}"
        );
    }
    for bad in [
        json!(APP),
        json!("https://api.example/"),
        json!([]),
        json!("expenses"),
    ] {
        let refused = refusal(call(&world, &audience(bad.clone())).await);
        assert_eq!(refused, (401, "token_audience_wrong"), "{bad}");
    }
    let elsewhere = with(claims(&world), "iss", json!("https://id.example/"));
    let refused = refusal(call(&world, &world.token(&elsewhere)).await);
    assert_eq!(refused, (401, "token_issuer_wrong"));
}

#[tokio::test(start_paused = true)]
async fn clocks_may_be_a_minute_apart() {
    let world = world().await;
    let now = world.clock.now().as_seconds();
    for (claim, value, reason) in [
        ("exp", now - 60, Some("token_expired")),
        ("exp", now - 59, None),
        ("exp", i64::MIN, Some("token_expired")),
        ("nbf", now + 61, Some("token_not_yet_valid")),
        ("nbf", now + 60, None),
        ("iat", now + 61, Some("token_not_yet_valid")),
        ("iat", i64::MAX, Some("token_not_yet_valid")),
        ("iat", now + 60, None),
    ] {
        let called = call(
            &world,
            &world.token(&with(claims(&world), claim, json!(value))),
        )
        .await;
        assert_eq!(
            called.err().map(|response| response.reason),
            reason,
            "{claim} {value}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_route_that_nobody_marked_is_for_users_alone() {
    let world = world().await;
    let unmarked = Requirement::Unmarked;
    let mut person = bearer(&world.user_token());
    assert!(
        person
            .send(&world.gate, "GET", "/", &unmarked)
            .await
            .is_ok()
    );
    let mut batch = bearer(&world.token(&machine(&world)));
    let refused = batch.denied(&world.gate, "GET", "/", &unmarked).await;
    assert_eq!(refused, (403, "actor_wrong"));
    let closed = world_with(&[("SEALGATE_UNMARKED", "deny")]).await;
    let refused = person.denied(&closed.gate, "GET", "/", &unmarked).await;
    assert_eq!(refused, (403, "route_unmarked"));
}

#[tokio::test(start_paused = true)]
async fn whoever_comes_with_a_token_need_not_say_from_where() {
    let world = world().await;
    let mut program = bearer(&world.user_token());
    assert!(
        program
            .send(&world.gate, "POST", "/expenses", &anybody())
            .await
            .is_ok()
    );
    program
        .headers
        .push(("origin", "https://evil.example".into()));
    assert!(
        program
            .send(&world.gate, "DELETE", "/expenses", &anybody())
            .await
            .is_ok()
    );
    let socket = program.decide(
        &world.gate,
        Transport::WebSocket,
        "GET",
        "/live",
        &anybody(),
    );
    assert!(matches!(socket, Decision::Allow(_)));
}
