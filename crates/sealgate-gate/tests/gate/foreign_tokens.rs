//! Access tokens of a provider of another kind.

use std::time::Duration;

use sealgate_gate::{Kinds, Need, Requirement};
use sealgate_model::ActorKind;
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::foreign::{foreign, openid};
use crate::provider::World;

/// A caller with a token of the provider's, with these claims instead of good ones.
fn caller(world: &World, header: Value, claims: &[(&str, Value)]) -> Browser {
    let now = 1_790_000_000;
    let mut all = json!({ "iss": crate::provider::ISSUER, "sub": "robot", "client_id": "robot", "jti": "1",
        "aud": crate::provider::APP, "exp": now + 300, "iat": now });
    for (name, value) in claims {
        all[*name] = value.clone();
    }
    let mut head = json!({ "alg": "EdDSA", "kid": "k0", "typ": "at+jwt" });
    if let Value::Object(header) = header {
        for (name, value) in header {
            head[name] = value;
        }
    }
    let token = world.provider.keys[0]
        .sign_with_header(&head, &all)
        .unwrap();
    Browser {
        headers: vec![("authorization", format!("Bearer {token}"))],
        ..Browser::default()
    }
}

fn machine() -> Requirement {
    Requirement::Actor(Need::of(Kinds::only(ActorKind::Machine)))
}

#[tokio::test(start_paused = true)]
async fn a_token_is_taken_by_keys_that_were_not_there_yet_and_then_without_asking() {
    let world = openid();
    let mut robot = caller(&world, json!({}), &[]);
    let allowed = robot
        .send(&world.gate, "GET", "/", &machine())
        .await
        .unwrap();
    assert_eq!(allowed.caller.unwrap().actor.id(), "robot");
    world.state().down = true;
    assert!(
        robot
            .send(&world.gate, "GET", "/", &machine())
            .await
            .is_ok()
    );
    assert_eq!(world.state().keys_asked, 1);
}

#[tokio::test(start_paused = true)]
async fn without_keys_a_token_is_neither_good_nor_bad() {
    let world = openid();
    world.state().down = true;
    let mut robot = caller(&world, json!({}), &[]);
    let denied = robot
        .send(&world.gate, "GET", "/", &machine())
        .await
        .unwrap_err();
    assert_eq!((denied.status, denied.reason), (503, "keys_unavailable"));
    assert!(crate::browser::header(&denied, "retry-after").is_some());
    world.state().down = false;
    world.clock.advance(Duration::from_secs(1));
    assert!(
        robot
            .send(&world.gate, "GET", "/", &machine())
            .await
            .is_ok()
    );
    // A key that is not known yet, when the keys were asked for a moment ago.
    world.clock.advance(Duration::from_secs(1));
    let mut unknown = caller(&world, json!({ "kid": "x" }), &[]);
    let denied = unknown.denied(&world.gate, "GET", "/", &machine()).await;
    assert_eq!(denied, (503, "keys_unavailable"));
    world.clock.advance(Duration::from_secs(9));
    let denied = unknown.denied(&world.gate, "GET", "/", &machine()).await;
    assert_eq!(denied, (401, "token_invalid"));
}

#[tokio::test(start_paused = true)]
async fn tokens_of_another_kind_are_not_taken_for_access_tokens() {
    let world = openid();
    for (header, claims, reason) in [
        (json!({ "typ": "JWT" }), vec![], "token_invalid"),
        (json!({ "typ": "logout+jwt" }), vec![], "token_invalid"),
        (
            json!({}),
            vec![("aud", json!("expenses"))],
            "token_audience_wrong",
        ),
        (
            json!({}),
            vec![("iss", json!("https://evil.example"))],
            "token_issuer_wrong",
        ),
        (
            json!({}),
            vec![("act", json!({ "sub": "x" }))],
            "token_invalid",
        ),
    ] {
        let mut robot = caller(&world, header, &claims);
        let denied = robot.denied(&world.gate, "GET", "/", &machine()).await;
        assert_eq!(denied, (401, reason));
    }
    // Where access tokens are of no type of their own, the nonce of a sign-in tells.
    let auth0 = foreign(&[("SEALGATE_PROVIDER", "auth0")]);
    let plain = json!({ "typ": "JWT" });
    let itself = ("sub", json!("robot@clients"));
    let mut robot = caller(&auth0, plain.clone(), std::slice::from_ref(&itself));
    assert!(
        robot
            .send(&auth0.gate, "GET", "/", &machine())
            .await
            .is_ok()
    );
    let mut robot = caller(&auth0, plain, &[itself, ("nonce", json!("n"))]);
    let denied = robot.denied(&auth0.gate, "GET", "/", &machine()).await;
    assert_eq!(denied, (401, "token_invalid"));
}

#[tokio::test(start_paused = true)]
async fn a_token_is_nothing_where_the_provider_has_none_that_can_be_verified() {
    let world = foreign(&[("SEALGATE_PROVIDER", "google")]);
    let mut robot = caller(&world, json!({}), &[]);
    let denied = robot.denied(&world.gate, "GET", "/", &machine()).await;
    assert_eq!(denied, (401, "token_invalid"));
    assert_eq!(world.state().keys_asked, 0);
}
