//! Tokens that the gate has verified before, and those for which it has to ask for keys: what is known of them
//! is never more than what is true now.

use std::time::Duration;

use proptest::prelude::*;
use sealgate_gate::{Decision, Requirement, Transport};
use sealgate_model::{Clock as _, Timestamp};
use sealgate_revocation::{Entry, Subject};
use serde_json::{Value, json};

use crate::browser::header;
use crate::program::{anybody, bearer, call, claims, machine, refusal, scoped, with};
use crate::provider::{SID, World, cold_world, world};

fn decide(world: &World, token: &str, requirement: &Requirement) -> Decision {
    bearer(token).decide(&world.gate, Transport::Http, "GET", "/", requirement)
}

async fn revoke(world: &World, subject: Subject) {
    let expires_at = world.clock.now() + Duration::from_secs(90_000);
    world.state().entries.push(Entry {
        subject,
        expires_at,
        reason: None,
    });
    world.clock.advance(Duration::from_secs(1));
    world.follow_once().await;
}

#[tokio::test(start_paused = true)]
async fn whatever_is_revoked_of_a_known_token_refuses_it_at_once() {
    let at = Timestamp::from_seconds(1_790_000_000);
    let subjects = [
        Subject::Token { jti: "t1".into() },
        Subject::Session(SID.parse().unwrap()),
        Subject::User {
            sub: "ada".into(),
            not_before: at,
        },
        Subject::Client {
            client: "cli".parse().unwrap(),
            not_before: at,
        },
        Subject::Key { kid: "k0".into() },
        Subject::All { not_before: at },
    ];
    for subject in subjects {
        let world = world().await;
        let token = world.user_token();
        let caller = call(&world, &token).await.unwrap().caller.unwrap();
        assert!(world.gate.standing(&caller).is_none());
        revoke(&world, subject.clone()).await;
        let refused = refusal(call(&world, &token).await);
        let expected = match subject {
            // Nothing that the key signed is believed, so that nothing is known of the token either.
            Subject::Key { .. } => "token_invalid",
            _ => "token_revoked",
        };
        assert_eq!(refused, (401, expected), "{subject:?}");
        let fallen = world.gate.standing(&caller).unwrap();
        assert_eq!(fallen.code(), "token_revoked", "{subject:?}");
        // Also while nothing more is heard.
        world.clock.advance(Duration::from_secs(60));
        let refused = refusal(call(&world, &token).await);
        assert_eq!(refused, (401, expected), "{subject:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_acts_for_the_user_is_revoked_like_the_client() {
    let world = world().await;
    let chain = json!({"sub": "cli", "act": {"sub": "shop", "act": {"sub": "robot"}}});
    let token = world.token(&with(claims(&world), "act", chain));
    let caller = call(&world, &token).await.unwrap().caller.unwrap();
    let not_before = world.clock.now();
    let client = "robot".parse().unwrap();
    revoke(&world, Subject::Client { client, not_before }).await;
    assert_eq!(refusal(call(&world, &token).await), (401, "token_revoked"));
    assert_eq!(
        world.gate.standing(&caller).unwrap().code(),
        "token_revoked"
    );
}

#[tokio::test(start_paused = true)]
async fn a_machines_token_is_not_a_users_of_the_same_name() {
    let world = world().await;
    let token = world.token(&machine(&world));
    let not_before = world.clock.now();
    revoke(
        &world,
        Subject::User {
            sub: "batch".into(),
            not_before,
        },
    )
    .await;
    assert!(call(&world, &token).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_known_token_ends_when_it_ends() {
    let world = world().await;
    let token = world.user_token();
    let caller = call(&world, &token).await.unwrap().caller.unwrap();
    world.clock.advance(Duration::from_secs(359));
    world.follow_once().await;
    assert!(call(&world, &token).await.is_ok() && world.gate.standing(&caller).is_none());
    world.clock.advance(Duration::from_secs(1));
    world.follow_once().await;
    assert_eq!(refusal(call(&world, &token).await), (401, "token_expired"));
    assert_eq!(
        world.gate.standing(&caller).unwrap().code(),
        "token_expired"
    );
}

#[tokio::test(start_paused = true)]
async fn a_known_token_is_a_503_while_nothing_is_heard() {
    let world = world().await;
    let token = world.user_token();
    let caller = call(&world, &token).await.unwrap().caller.unwrap();
    world.clock.advance(Duration::from_secs(11));
    let refused = call(&world, &token).await.unwrap_err();
    assert_eq!((refused.status, refused.reason), (503, "feed_stale"));
    assert!(header(&refused, "retry-after").is_some());
    assert_eq!(world.gate.standing(&caller).unwrap().code(), "feed_stale");
    world.follow_once().await;
    assert!(call(&world, &token).await.is_ok() && world.gate.standing(&caller).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_known_token_is_judged_for_each_route_anew() {
    let world = world().await;
    let token = world.user_token();
    for _ in 0..2 {
        assert!(matches!(
            decide(&world, &token, &anybody()),
            Decision::Allow(_)
        ));
        let Decision::Respond(refused) = decide(&world, &token, &scoped(&["more"])) else {
            panic!("the scope is missing");
        };
        assert_eq!((refused.status, refused.reason), (403, "scope_missing"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_left_the_set_takes_its_tokens_along() {
    let world = world().await;
    let token = world.user_token();
    assert!(call(&world, &token).await.is_ok());
    world.state().retired = 1;
    world.state().signing = 1;
    // The background asks again in its own time.
    tokio::time::advance(Duration::from_secs(400)).await;
    world.clock.advance(Duration::from_secs(330));
    world.follow_once().await;
    world.follow_once().await;
    let refused = refusal(call(&world, &token).await);
    assert_eq!(refused, (401, "token_invalid"));
    let now = world.user_token();
    assert!(call(&world, &now).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn the_first_token_waits_for_keys_and_the_next_ones_do_not() {
    let world = cold_world(&[]);
    let token = world.user_token();
    let Decision::Pending(pending) = decide(&world, &token, &anybody()) else {
        panic!("no key is known");
    };
    assert_eq!(format!("{pending:?}"), "Pending(token)");
    assert_eq!(pending.body_limit(), None);
    // Nothing was heard of the feed: the token is good, but it cannot be told whether it stands.
    let Decision::Respond(refused) = world.gate.finish(*pending).await else {
        panic!("the view is not there");
    };
    assert_eq!((refused.status, refused.reason), (503, "feed_stale"));
    assert_eq!(world.state().keys_asked, 1);
    world.follow_once().await;
    let asked = world.state().keys_asked;
    for _ in 0..3 {
        assert!(matches!(
            decide(&world, &token, &anybody()),
            Decision::Allow(_)
        ));
    }
    assert_eq!(world.state().keys_asked, asked);
}

#[tokio::test(start_paused = true)]
async fn a_new_key_is_asked_for_and_the_request_goes_on() {
    let world = world().await;
    world.state().signing = 1;
    world.clock.advance(Duration::from_secs(9));
    world.follow_once().await;
    world.clock.advance(Duration::from_secs(9));
    world.follow_once().await;
    let token = world.user_token();
    let mut program = bearer(&token);
    let allowed = program
        .send(&world.gate, "POST", "/expenses", &anybody())
        .await;
    assert_eq!(allowed.unwrap().caller.unwrap().actor.id(), "ada");
}

#[tokio::test(start_paused = true)]
async fn keys_that_cannot_be_had_are_a_503_and_never_a_401() {
    let world = cold_world(&[]);
    world.state().down = true;
    let token = world.user_token();
    for _ in 0..3 {
        let refused = call(&world, &token).await.unwrap_err();
        assert_eq!((refused.status, refused.reason), (503, "keys_unavailable"));
        assert!(header(&refused, "retry-after").is_some());
        assert!(header(&refused, "www-authenticate").is_none());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn what_is_known_of_a_token_is_what_would_be_found_out(
        life in -120..400_i64, early in -120..120_i64, wait in 0..500_u64, wrong in 0..8_usize,
        revoked in 0..4_usize, asked in proptest::bool::ANY,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let (knows, fresh) = (world().await, world().await);
            let now = knows.clock.now().as_seconds();
            let claims = with(claims(&knows), "exp", json!(now + life));
            let claims = with(claims, "nbf", json!(now + early));
            let claims = match wrong {
                0 => with(claims, "aud", json!("https://other.example")),
                1 => with(claims, "scope", Value::Null),
                2 => with(claims, "cnf", json!({"jkt": "x"})),
                _ => claims,
            };
            let token = knows.token(&claims);
            let requirement = if asked { scoped(&["expenses:read"]) } else { scoped(&["other"]) };
            decide(&knows, &token, &requirement);
            for world in [&knows, &fresh] {
                world.clock.advance(Duration::from_secs(wait));
                let subject = match revoked {
                    0 => Subject::Token { jti: "t1".into() },
                    1 => Subject::Session(SID.parse().unwrap()),
                    _ => Subject::Token { jti: "t9".into() },
                };
                revoke(world, subject).await;
            }
            let told = |decision: Decision| match decision {
                Decision::Allow(allowed) => (200, String::new(), allowed.caller.map(|caller| caller.actor)),
                Decision::Respond(response) => (response.status, response.reason.to_owned(), None),
                Decision::Pending(_) => panic!("the keys are known"),
            };
            let (known, found) = (decide(&knows, &token, &requirement), decide(&fresh, &token, &requirement));
            assert_eq!(told(known), told(found));
        });
    }
}
