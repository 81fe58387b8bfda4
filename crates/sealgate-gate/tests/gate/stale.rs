//! The feed is silent for longer than the staleness bound: what the setting makes of that.

use std::sync::Arc;
use std::time::Duration;

use sealgate_gate::{Decision, Kinds, Need, Requirement, Transport};
use sealgate_host::FetchError;
use sealgate_model::Clock as _;
use sealgate_revocation::{Entry, Subject};
use serde_json::json;

use crate::browser::{Browser, from_here, header, signed_in, user};
use crate::program::{Holder, anybody, bearer, call, claims, nonce, refusal, with};
use crate::provider::{SID, World, cold_world, world_with};

const INTROSPECT: &[(&str, &str)] = &[("SEALGATE_ON_STALE", "introspect")];
pub(crate) const ALLOW: &[(&str, &str)] = &[("SEALGATE_ON_STALE", "allow:60")];

/// A signed-in browser whose gate has heard nothing for too long.
pub(crate) async fn silent(change: &'static [(&str, &str)]) -> (Arc<World>, Browser) {
    let world = world_with(change).await;
    let browser = signed_in(&world).await;
    world.state().token_requests.clear();
    world.clock.advance(Duration::from_secs(11));
    assert!(!world.gate.is_ready());
    (Arc::new(world), browser)
}

pub(crate) fn tagged(kinds: Kinds) -> Requirement {
    Requirement::Actor(Need {
        stale_ok: true,
        ..Need::of(kinds)
    })
}

fn role(name: &str) -> Requirement {
    Requirement::Actor(Need {
        roles: vec![name.to_owned()],
        ..Need::of(Kinds::USER)
    })
}

#[tokio::test(start_paused = true)]
async fn asked_is_about_the_sessions_refresh_token_or_the_token_itself() {
    let (world, mut browser) = silent(INTROSPECT).await;
    let allowed = browser
        .send(&world.gate, "GET", "/", &user())
        .await
        .unwrap();
    assert_eq!(allowed.caller.unwrap().actor.id(), "ada");
    assert!(allowed.set_cookies.is_empty() && allowed.reason.is_empty());
    let token = world.user_token();
    assert!(call(&world, &token).await.is_ok());
    let expected = [
        ("refresh-1".to_owned(), "refresh_token".to_owned()),
        (token, "access_token".to_owned()),
    ];
    assert_eq!(world.state().introspections, expected);
    // Nobody is asked once the feed is heard again.
    world.follow_once().await;
    world.clock.advance(Duration::from_secs(2));
    assert!(browser.send(&world.gate, "GET", "/", &user()).await.is_ok());
    assert_eq!(world.state().introspections.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_active_is_refused_like_what_is_revoked() {
    let (world, mut browser) = silent(INTROSPECT).await;
    let old = browser.session().unwrap().to_owned();
    for _ in 0..2 {
        let inactive = Ok((200, json!({"active": false})));
        world.state().introspection_answers.push_back(inactive);
    }
    let refused = browser.denied(&world.gate, "GET", "/", &user()).await;
    assert_eq!(refused, (401, "session_revoked"));
    assert_eq!(browser.session().unwrap(), old);
    let refused = refusal(call(&world, &world.user_token()).await);
    assert_eq!(refused, (401, "token_revoked"));
}

#[tokio::test(start_paused = true)]
async fn without_an_answer_it_is_a_503_and_the_cookie_stays() {
    for answer in [
        Err(FetchError::TimedOut),
        Ok((503, json!({}))),
        Ok((429, json!({}))),
        Ok((401, json!({"error": "invalid_client"}))),
        Ok((200, json!({"active": "yes"}))),
        Ok((200, json!({"active": true, "sub": "eve"}))),
    ] {
        let (world, mut browser) = silent(INTROSPECT).await;
        let old = browser.session().unwrap().to_owned();
        world.state().introspection_answers.push_back(answer);
        let refused = browser
            .send(&world.gate, "GET", "/", &user())
            .await
            .unwrap_err();
        assert_eq!((refused.status, refused.reason), (503, "feed_stale"));
        assert!(header(&refused, "retry-after").is_some());
        assert!(header(&refused, "set-cookie").is_none());
        assert_eq!(browser.session().unwrap(), old);
    }
}

#[tokio::test(start_paused = true)]
async fn who_never_answers_is_waited_for_two_seconds() {
    let (world, mut browser) = silent(INTROSPECT).await;
    world.state().introspection_takes = Duration::from_secs(3_600);
    let began = tokio::time::Instant::now();
    let refused = browser.denied(&world.gate, "GET", "/", &user()).await;
    assert_eq!(refused, (503, "feed_stale"));
    assert_eq!(began.elapsed(), Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn a_revocation_that_is_known_is_not_asked_about() {
    for policy in [INTROSPECT, ALLOW] {
        let world = world_with(policy).await;
        let mut browser = signed_in(&world).await;
        let token = world.user_token();
        let expires_at = world.clock.now() + Duration::from_secs(90_000);
        world.state().entries.push(Entry {
            subject: Subject::Session(SID.parse().unwrap()),
            expires_at,
            reason: None,
        });
        world.clock.advance(Duration::from_secs(1));
        world.follow_once().await;
        world.clock.advance(Duration::from_secs(30));
        assert!(!world.gate.is_ready());
        let tag = tagged(Kinds::ANY);
        let refused = browser.denied(&world.gate, "GET", "/", &tag).await;
        assert_eq!(refused, (401, "session_revoked"));
        let called = bearer(&token).send(&world.gate, "GET", "/", &tag).await;
        assert_eq!(refusal(called), (401, "token_revoked"));
        assert!(world.state().introspections.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn requests_with_one_credential_share_an_answer_for_a_second() {
    let (world, browser) = silent(INTROSPECT).await;
    world.state().introspection_takes = Duration::from_millis(100);
    let mut tabs = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let (world, mut browser) = (Arc::clone(&world), browser.clone());
        tabs.spawn(async move { browser.send(&world.gate, "GET", "/", &user()).await.is_ok() });
    }
    assert!(tabs.join_all().await.into_iter().all(|passed| passed));
    assert_eq!(world.state().introspections.len(), 1);
    let mut browser = browser.clone();
    for (wait, asked) in [(999, 1), (1, 2), (0, 2)] {
        world.clock.advance(Duration::from_millis(wait));
        assert!(browser.send(&world.gate, "GET", "/", &user()).await.is_ok());
        assert_eq!(world.state().introspections.len(), asked);
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_than_eight_are_asked_about_at_once() {
    let (world, _) = silent(INTROSPECT).await;
    world.state().introspection_takes = Duration::from_millis(100);
    let mut calls = tokio::task::JoinSet::new();
    for n in 0..30 {
        let token = world.token(&with(claims(&world), "jti", json!(format!("t{n}"))));
        let world = Arc::clone(&world);
        calls.spawn(async move { call(&world, &token).await.map_err(|refused| refused.status) });
    }
    let outcomes = calls.join_all().await;
    let passed = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    let told_to_wait = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, Err(503)))
        .count();
    assert_eq!((passed, told_to_wait), (8, 22));
    assert_eq!(world.state().introspecting, (0, 8));
}

#[tokio::test(start_paused = true)]
async fn who_gives_no_answer_is_left_alone_for_a_while() {
    let (world, mut browser) = silent(INTROSPECT).await;
    for _ in 0..6 {
        let down = Err(FetchError::TimedOut);
        world.state().introspection_answers.push_back(down);
    }
    for _ in 0..50 {
        let refused = browser.denied(&world.gate, "GET", "/", &user()).await;
        assert_eq!(refused, (503, "feed_stale"));
    }
    assert_eq!(world.state().introspections.len(), 5);
    // After a pause one asks, in vain; after a longer one the next, and then it is over.
    world.clock.advance(Duration::from_millis(500));
    for _ in 0..3 {
        let refused = browser.denied(&world.gate, "GET", "/", &user()).await;
        assert_eq!(refused, (503, "feed_stale"));
    }
    assert_eq!(world.state().introspections.len(), 6);
    world.clock.advance(Duration::from_secs(1));
    assert!(browser.send(&world.gate, "GET", "/", &user()).await.is_ok());
    assert!(call(&world, &world.user_token()).await.is_ok());
    assert_eq!(world.state().introspections.len(), 8);
}

#[tokio::test(start_paused = true)]
async fn a_role_that_the_answer_does_not_have_any_more_is_not_believed() {
    let (world, mut browser) = silent(INTROSPECT).await;
    let token = world.user_token();
    let less = || Ok((200, json!({"active": true, "sub": "ada", "roles": []})));
    world
        .state()
        .introspection_answers
        .extend([less(), less(), less()]);
    let refused = call(&world, &token).await;
    assert_eq!(refusal(refused), (401, "token_outdated"));
    // The session is renewed, and asked about once more.
    world.state().claims.push(("roles", json!([])));
    let refused = browser
        .denied(&world.gate, "GET", "/", &role("accountant"))
        .await;
    assert_eq!(refused, (403, "role_missing"));
    let asked: Vec<_> = world
        .state()
        .introspections
        .iter()
        .map(|(token, _)| token.clone())
        .collect();
    assert_eq!(asked[1..], ["refresh-1", "refresh-2"]);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_due_is_renewed_and_the_new_one_is_asked_about() {
    let (world, mut browser) = silent(INTROSPECT).await;
    world.clock.advance(Duration::from_secs(301));
    let allowed = browser.send(&world.gate, "GET", "/", &user()).await;
    assert_eq!(allowed.unwrap().set_cookies.len(), 1);
    assert_eq!(world.state().introspections[0].0, "refresh-2");
    // Where it cannot be renewed it does not pass, and its cookie stays.
    world.clock.advance(Duration::from_secs(301));
    world.state().down = true;
    let refused = browser
        .send(&world.gate, "GET", "/", &user())
        .await
        .unwrap_err();
    assert_eq!(
        (refused.status, refused.reason),
        (503, "renewal_unavailable")
    );
    assert!(header(&refused, "set-cookie").is_none());
}

#[tokio::test(start_paused = true)]
async fn requests_that_change_something_are_asked_about_too_and_forms_are_read_first() {
    let (world, mut browser) = silent(INTROSPECT).await;
    browser.headers = from_here();
    assert!(
        browser
            .send(&world.gate, "POST", "/", &user())
            .await
            .is_ok()
    );
    browser.headers = vec![("origin", "https://evil.example".into())];
    let refused = browser.denied(&world.gate, "POST", "/", &user()).await;
    assert_eq!(refused, (403, "cross_origin"));
    assert_eq!(world.state().introspections.len(), 1);
    browser.headers = vec![(
        "content-type",
        "application/x-www-form-urlencoded".to_owned(),
    )];
    world.clock.advance(Duration::from_secs(2));
    let Decision::Pending(mut form) =
        browser.decide(&world.gate, Transport::Http, "POST", "/", &user())
    else {
        panic!("the form has to be read");
    };
    let caller = {
        let mut browser = browser.clone();
        browser.headers.clear();
        let allowed = browser.send(&world.gate, "GET", "/", &user()).await;
        allowed.unwrap().caller.unwrap()
    };
    let token = world.gate.csrf_token(&caller).unwrap();
    form.set_body(format!("csrf_token={token}").into_bytes());
    assert!(matches!(world.gate.finish(*form).await, Decision::Allow(_)));
}

#[tokio::test(start_paused = true)]
async fn nobody_is_asked_about_a_connection_that_lasts() {
    let (world, mut browser) = silent(INTROSPECT).await;
    browser.headers = from_here();
    for requirement in [user(), tagged(Kinds::USER)] {
        let decided = browser.decide(&world.gate, Transport::WebSocket, "GET", "/", &requirement);
        let Decision::Respond(refused) = decided else {
            panic!("it would be closed at once");
        };
        assert_eq!((refused.status, refused.reason), (503, "feed_stale"));
    }
    let allowed = browser.send(&world.gate, "GET", "/", &user()).await;
    let fallen = world.gate.standing(&allowed.unwrap().caller.unwrap());
    assert_eq!(fallen.unwrap().code(), "feed_stale");
    assert_eq!(world.state().introspections.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_proof_is_spent_once_the_token_is_known_to_stand() {
    let (world, _) = silent(INTROSPECT).await;
    let holder = Holder::new(&world);
    let nonce = nonce(&world).await;
    let proof = holder.claims(&world, "https://app.example/a", &nonce, "p1");
    let down = Err(FetchError::TimedOut);
    world.state().introspection_answers.push_back(down);
    let refused = holder.call(&world, "/a", &proof).await;
    assert_eq!(refusal(refused), (503, "feed_stale"));
    assert!(holder.call(&world, "/a", &proof).await.is_ok());
    let again = holder.call(&world, "/a", &proof).await;
    assert_eq!(refusal(again), (401, "dpop_proof_reused"));
    // A proof that is wrong is no reason to ask.
    let asked = world.state().introspections.len();
    world.clock.advance(Duration::from_secs(2));
    let wrong = holder.claims(&world, "https://app.example/b", &nonce, "p2");
    let refused = holder.call(&world, "/a", &wrong).await;
    assert_eq!(refusal(refused), (401, "dpop_proof_misdirected"));
    assert_eq!(world.state().introspections.len(), asked);
}

#[tokio::test(start_paused = true)]
async fn a_process_that_has_just_begun_waits_for_its_first_view_before_it_asks() {
    let world = Arc::new(cold_world(INTROSPECT));
    let token = world.user_token();
    let calling = {
        let (world, token) = (Arc::clone(&world), token.clone());
        tokio::spawn(async move { call(&world, &token).await.is_ok() })
    };
    tokio::task::yield_now().await;
    world.follow_once().await;
    assert!(calling.await.unwrap());
    assert!(world.state().introspections.is_empty());
    // And where none comes, it asks.
    let world = cold_world(INTROSPECT);
    assert!(call(&world, &world.user_token()).await.is_ok());
    assert_eq!(world.state().introspections.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn where_nobody_is_fine_too_the_setting_makes_somebody_of_them() {
    let optional = |stale_ok| {
        Requirement::Actor(Need {
            optional: true,
            stale_ok,
            ..Need::of(Kinds::ANY)
        })
    };
    for (policy, stale_ok, is_somebody) in [
        (&[][..], true, false),
        (INTROSPECT, false, true),
        (ALLOW, false, false),
        (ALLOW, true, true),
    ] {
        let (world, mut browser) = silent(policy).await;
        let allowed = browser
            .send(&world.gate, "GET", "/", &optional(stale_ok))
            .await;
        assert_eq!(allowed.unwrap().caller.is_some(), is_somebody);
    }
    let (world, mut browser) = silent(INTROSPECT).await;
    world
        .state()
        .introspection_answers
        .push_back(Ok((200, json!({"active": false}))));
    let allowed = browser
        .send(&world.gate, "GET", "/", &optional(false))
        .await;
    assert!(allowed.unwrap().caller.is_none());
    let called = bearer(&world.user_token())
        .send(&world.gate, "GET", "/", &anybody())
        .await;
    assert!(called.is_ok());
}
