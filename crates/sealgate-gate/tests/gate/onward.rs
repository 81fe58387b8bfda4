//! Calling onward: whose tokens are used, how long, and where they go.

mod bound;

use std::sync::Arc;
use std::time::Duration;

use sealgate_gate::{Again, Answered, Behalf, Caller, Onward, OnwardError, Target};
use sealgate_host::FetchError;
use sealgate_jose::{DpopExpectation, DpopProof, DpopUrl};
use sealgate_model::{Actor, Clock as _, Machine, SessionId};
use sealgate_revocation::{Entry, Subject};
use serde_json::{Value, json};

use crate::browser::{Browser, signed_in, user};
use crate::provider::{ISSUER, SID, World, world};

const TWO: &str = "https://two.example";
const URL: &str = "https://two.example/orders?page=2";

fn target() -> Target {
    Target::new(TWO, &["orders:read"], &[], false).unwrap()
}

fn bound() -> Target {
    Target::new(TWO, &["orders:read"], &[], true).unwrap()
}

/// The token endpoint's next answer.
fn gives(world: &World, token: &str) {
    gives_for(world, token, "Bearer", 300);
}

fn gives_for(world: &World, token: &str, kind: &str, seconds: u32) {
    let answer = json!({ "access_token": token, "token_type": kind, "expires_in": seconds });
    world.state().token_answers.push_back(Ok((200, answer)));
}

fn refuses(world: &World, error: &str) {
    let answer = (400, json!({ "error": error }));
    world.state().token_answers.push_back(Ok(answer));
}

fn goes_away(world: &World) {
    let answer = Err(FetchError::Unreachable("nobody there".to_owned()));
    world.state().token_answers.push_back(answer);
}

async fn call(world: &World, behalf: Behalf<'_>) -> Result<Onward, OnwardError> {
    world.gate.onward(&target(), behalf, "GET", URL).await
}

/// What `Authorization` would say.
async fn sent(world: &World, behalf: Behalf<'_>) -> String {
    let onward = call(world, behalf).await.unwrap();
    onward.authorization.expose().to_owned()
}

fn asked(world: &World) -> usize {
    world.state().token_requests.len()
}

/// A browser that is signed in, as the application sees it.
async fn ada(world: &World) -> (Browser, Caller) {
    let mut browser = signed_in(world).await;
    let caller = again(world, &mut browser).await;
    world.state().token_requests.clear();
    (browser, caller)
}

async fn again(world: &World, browser: &mut Browser) -> Caller {
    let allowed = browser.send(&world.gate, "GET", "/", &user()).await;
    allowed.unwrap().caller.unwrap()
}

async fn pass(world: &World, seconds: u64) {
    world.clock.advance(Duration::from_secs(seconds));
    world.follow_once().await;
}

#[tokio::test(start_paused = true)]
async fn a_call_of_its_own_is_made_with_a_token_for_that_resource() {
    let world = world().await;
    gives(&world, "t1");
    let at_hand = world
        .gate
        .onward_at_hand(&target(), Behalf::Itself, "GET", URL);
    assert!(at_hand.unwrap().is_none());
    assert_eq!(sent(&world, Behalf::Itself).await, "Bearer t1");
    let fields = [
        ("grant_type", "client_credentials"),
        ("resource", TWO),
        ("scope", "orders:read"),
    ];
    let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(world.state().token_requests, [fields]);
    let at_hand = world
        .gate
        .onward_at_hand(&target(), Behalf::Itself, "GET", URL);
    let onward = at_hand.unwrap().unwrap();
    assert_eq!(onward.authorization.expose(), "Bearer t1");
    assert!(onward.dpop.is_none() && !onward.is_due);
    assert!(!format!("{onward:?}").contains("t1"));
    assert_eq!(asked(&world), 1);
}

#[tokio::test(start_paused = true)]
async fn on_behalf_of_a_session_its_refresh_token_is_exchanged_and_never_sent_on() {
    let world = world().await;
    let (_, caller) = ada(&world).await;
    gives(&world, "delegated");
    assert_eq!(sent(&world, Behalf::Of(&caller)).await, "Bearer delegated");
    let fields = [
        (
            "grant_type",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ),
        ("subject_token", "refresh-1"),
        (
            "subject_token_type",
            "urn:ietf:params:oauth:token-type:refresh_token",
        ),
        (
            "requested_token_type",
            "urn:ietf:params:oauth:token-type:access_token",
        ),
        ("resource", TWO),
        ("scope", "orders:read"),
    ];
    let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(world.state().token_requests, [fields]);
}

#[tokio::test(start_paused = true)]
async fn tokens_are_kept_apart_by_whom_they_are_for() {
    let world = world().await;
    let (_, one) = ada(&world).await;
    pass(&world, 2).await;
    let (_, other) = ada(&world).await;
    for token in ["own", "one", "other", "elsewhere", "more"] {
        gives(&world, token);
    }
    assert_eq!(sent(&world, Behalf::Itself).await, "Bearer own");
    // A second sign-in may know more of the user than the first, even on the same session.
    assert_eq!(sent(&world, Behalf::Of(&one)).await, "Bearer one");
    assert_eq!(sent(&world, Behalf::Of(&other)).await, "Bearer other");
    let elsewhere = Target::new("https://three.example", &["orders:read"], &[], false).unwrap();
    let onward = world
        .gate
        .onward(&elsewhere, Behalf::Itself, "GET", "https://three.example/")
        .await;
    assert_eq!(onward.unwrap().authorization.expose(), "Bearer elsewhere");
    let more = Target::new(TWO, &["orders:read", "orders:write"], &[], false).unwrap();
    let onward = world.gate.onward(&more, Behalf::Itself, "GET", URL).await;
    assert_eq!(onward.unwrap().authorization.expose(), "Bearer more");
    assert_eq!(sent(&world, Behalf::Of(&one)).await, "Bearer one");
    assert_eq!(asked(&world), 5);
}

#[tokio::test(start_paused = true)]
async fn a_token_goes_nowhere_but_to_its_audience() {
    let world = world().await;
    let url = "https://evil.example/?secret=1";
    let refused = world
        .gate
        .onward(&target(), Behalf::Itself, "GET", url)
        .await;
    assert_eq!(refused.unwrap_err().code(), "onward_elsewhere");
    let refused = world
        .gate
        .onward_at_hand(&target(), Behalf::Itself, "GET", url);
    assert_eq!(refused.unwrap_err().code(), "onward_elsewhere");
    assert_eq!(asked(&world), 0);
}

#[tokio::test(start_paused = true)]
async fn fifty_calls_at_once_ask_for_one_token() {
    let world = Arc::new(world().await);
    gives(&world, "t1");
    world.state().slow = 20;
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let world = Arc::clone(&world);
        calls.spawn(async move { sent(&world, Behalf::Itself).await });
    }
    let sent = calls.join_all().await;
    assert!(sent.iter().all(|sent| sent == "Bearer t1"), "{sent:?}");
    assert_eq!(asked(&world), 1);
}

#[tokio::test(start_paused = true)]
async fn fifty_calls_at_once_learn_of_one_outage() {
    let world = Arc::new(world().await);
    call(&world, Behalf::Itself).await.ok();
    world.state().token_requests.clear();
    pass(&world, 400).await;
    goes_away(&world);
    world.state().slow = 20;
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let world = Arc::clone(&world);
        calls.spawn(async move { call(&world, Behalf::Itself).await.unwrap_err() });
    }
    for error in calls.join_all().await {
        assert_eq!(
            (error.code(), error.is_temporary()),
            ("onward_unavailable", true)
        );
    }
    assert_eq!(asked(&world), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_before_it_ends_and_without_anybody_waiting() {
    let world = world().await;
    gives(&world, "t1");
    assert_eq!(sent(&world, Behalf::Itself).await, "Bearer t1");
    let at_hand = || {
        let found = world
            .gate
            .onward_at_hand(&target(), Behalf::Itself, "GET", URL);
        found
            .unwrap()
            .map(|onward| (onward.authorization.expose().to_owned(), onward.is_due))
    };
    // Renewed from 80 % of its life on, less a little that differs from one to the next.
    pass(&world, 220).await;
    assert_eq!(at_hand(), Some(("Bearer t1".to_owned(), false)));
    pass(&world, 25).await;
    assert_eq!(at_hand(), Some(("Bearer t1".to_owned(), true)));
    gives(&world, "t2");
    assert_eq!(sent(&world, Behalf::Itself).await, "Bearer t2");
    assert_eq!(at_hand(), Some(("Bearer t2".to_owned(), false)));
    assert_eq!(asked(&world), 2);
}

#[tokio::test(start_paused = true)]
async fn a_token_outlives_an_outage_but_not_itself() {
    let world = world().await;
    gives(&world, "t1");
    assert_eq!(sent(&world, Behalf::Itself).await, "Bearer t1");
    pass(&world, 250).await;
    goes_away(&world);
    assert_eq!(sent(&world, Behalf::Itself).await, "Bearer t1");
    // Nobody asks again at once.
    assert_eq!(sent(&world, Behalf::Itself).await, "Bearer t1");
    assert_eq!(asked(&world), 2);
    pass(&world, 45).await;
    goes_away(&world);
    let error = call(&world, Behalf::Itself).await.unwrap_err();
    assert_eq!(error.code(), "onward_unavailable");
    pass(&world, 2).await;
    gives(&world, "t2");
    assert_eq!(sent(&world, Behalf::Itself).await, "Bearer t2");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_the_last_word_and_not_asked_for_again_at_once() {
    let world = world().await;
    gives(&world, "t1");
    assert_eq!(sent(&world, Behalf::Itself).await, "Bearer t1");
    pass(&world, 250).await;
    refuses(&world, "invalid_scope");
    for _ in 0..3 {
        let error = call(&world, Behalf::Itself).await.unwrap_err();
        assert_eq!(error, OnwardError::Refused("invalid_scope".to_owned()));
        assert!(!error.is_temporary());
    }
    assert_eq!(asked(&world), 2);
    pass(&world, 6).await;
    gives(&world, "t2");
    assert_eq!(sent(&world, Behalf::Itself).await, "Bearer t2");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_busy_is_away_and_has_refused_nothing() {
    let world = world().await;
    for answer in [(503, "x"), (429, "x"), (400, "temporarily_unavailable")] {
        let body = json!({ "error": answer.1 });
        world.state().token_answers.push_back(Ok((answer.0, body)));
        let error = call(&world, Behalf::Itself).await.unwrap_err();
        assert_eq!(error.code(), "onward_unavailable", "{answer:?}");
        pass(&world, 2).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_not_what_was_asked_for_is_not_used() {
    let world = world().await;
    let good = json!({ "access_token": "t", "token_type": "Bearer", "expires_in": 300 });
    for (name, value) in [
        ("access_token", json!("")),
        ("access_token", json!("a b")),
        ("access_token", json!("t\r\nx: y")),
        ("access_token", json!("t".repeat(17_000))),
        ("access_token", Value::Null),
        ("token_type", json!("DPoP")),
        ("token_type", json!("N_A")),
        ("expires_in", json!(-1)),
        ("expires_in", json!("300")),
        (
            "issued_token_type",
            json!("urn:ietf:params:oauth:token-type:id_token"),
        ),
    ] {
        let mut answer = good.clone();
        answer[name] = value.clone();
        world.state().token_answers.push_back(Ok((200, answer)));
        let error = call(&world, Behalf::Itself).await.unwrap_err();
        assert_eq!(error.code(), "onward_unacceptable", "{name} {value}");
        pass(&world, 6).await;
    }
    // Bound was asked for, and bound it must be: whoever finds this one could use it.
    gives(&world, "t");
    let error = world
        .gate
        .onward(&bound(), Behalf::Itself, "GET", URL)
        .await
        .unwrap_err();
    assert_eq!(error.code(), "onward_unacceptable");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_lives_shortly_is_used_shortly() {
    let world = world().await;
    gives_for(&world, "t0", "Bearer", 0);
    gives_for(&world, "t1", "Bearer", 10);
    assert_eq!(sent(&world, Behalf::Itself).await, "Bearer t0");
    assert_eq!(sent(&world, Behalf::Itself).await, "Bearer t1");
    pass(&world, 4).await;
    assert_eq!(sent(&world, Behalf::Itself).await, "Bearer t1");
    gives(&world, "t2");
    pass(&world, 6).await;
    assert_eq!(sent(&world, Behalf::Itself).await, "Bearer t2");
}

#[tokio::test(start_paused = true)]
async fn what_was_had_for_a_session_goes_when_it_falls() {
    let world = world().await;
    let (_, caller) = ada(&world).await;
    gives(&world, "delegated");
    assert_eq!(sent(&world, Behalf::Of(&caller)).await, "Bearer delegated");
    world.state().entries.push(Entry {
        subject: Subject::Session(SID.parse::<SessionId>().unwrap()),
        expires_at: world.clock.now() + Duration::from_secs(86_400),
        reason: None,
    });
    pass(&world, 1).await;
    let error = call(&world, Behalf::Of(&caller)).await.unwrap_err();
    assert_eq!(
        (error.code(), error.is_temporary()),
        ("onward_caller_refused", false)
    );
    let at_hand = world
        .gate
        .onward_at_hand(&target(), Behalf::Of(&caller), "GET", URL);
    assert_eq!(at_hand.unwrap_err().code(), "onward_caller_refused");
    assert_eq!(asked(&world), 1);
}

#[tokio::test(start_paused = true)]
async fn what_was_had_before_the_users_claims_changed_is_not_sent_any_more() {
    let world = world().await;
    let (mut browser, caller) = ada(&world).await;
    gives(&world, "old");
    assert_eq!(sent(&world, Behalf::Of(&caller)).await, "Bearer old");
    let not_before = world.clock.now();
    world.state().entries.push(Entry {
        subject: Subject::UserClaims {
            sub: "ada".into(),
            not_before,
        },
        expires_at: not_before + Duration::from_secs(86_400),
        reason: None,
    });
    pass(&world, 1).await;
    let error = call(&world, Behalf::Of(&caller)).await.unwrap_err();
    assert_eq!(error.code(), "onward_caller_refused");
    let caller = again(&world, &mut browser).await;
    gives(&world, "new");
    for _ in 0..2 {
        assert_eq!(sent(&world, Behalf::Of(&caller)).await, "Bearer new");
    }
}

#[tokio::test(start_paused = true)]
async fn while_the_feed_is_silent_nobody_acts_for_a_user() {
    let world = world().await;
    let (_, caller) = ada(&world).await;
    for token in ["delegated", "own"] {
        gives(&world, token);
        let behalf = if token == "own" {
            Behalf::Itself
        } else {
            Behalf::Of(&caller)
        };
        assert_eq!(sent(&world, behalf).await, format!("Bearer {token}"));
    }
    world.clock.advance(Duration::from_secs(20));
    let error = call(&world, Behalf::Of(&caller)).await.unwrap_err();
    assert_eq!(
        (error.code(), error.is_temporary()),
        ("onward_caller_refused", true)
    );
    assert_eq!(sent(&world, Behalf::Itself).await, "Bearer own");
    // It was silence and no revocation: the token is still there.
    world.follow_once().await;
    assert_eq!(sent(&world, Behalf::Of(&caller)).await, "Bearer delegated");
    assert_eq!(asked(&world), 2);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_token_that_may_be_spent_is_not_presented() {
    let world = world().await;
    let (mut browser, old) = ada(&world).await;
    gives(&world, "delegated");
    assert_eq!(sent(&world, Behalf::Of(&old)).await, "Bearer delegated");
    // A socket still holds the old actor when the browser has long renewed the session.
    pass(&world, 301).await;
    let new = again(&world, &mut browser).await;
    pass(&world, 9).await;
    world.state().token_requests.clear();
    let error = call(&world, Behalf::Of(&old)).await.unwrap_err();
    assert_eq!(error.code(), "onward_caller_outdated");
    assert_eq!(asked(&world), 0);
    gives(&world, "newer");
    assert_eq!(sent(&world, Behalf::Of(&new)).await, "Bearer newer");
    let request = world.state().token_requests[0].clone();
    assert!(
        request.contains(&("subject_token".to_owned(), "refresh-3".to_owned())),
        "{request:?}"
    );
    // What was had for the session is good for whoever holds an older actor of it.
    assert_eq!(sent(&world, Behalf::Of(&old)).await, "Bearer newer");
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_began_before_the_renewal_has_a_moment_more() {
    for (seconds, expected) in [
        (309, Ok("Bearer late")),
        (310, Err("onward_caller_outdated")),
    ] {
        let world = world().await;
        let (_, caller) = ada(&world).await;
        pass(&world, seconds).await;
        gives(&world, "late");
        let onward = call(&world, Behalf::Of(&caller)).await;
        let onward = onward.as_ref().map(|onward| onward.authorization.expose());
        assert_eq!(onward.map_err(OnwardError::code), expected, "{seconds}");
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_acts_for_a_caller_who_is_no_user_or_came_with_nothing() {
    let world = world().await;
    let (_, caller) = ada(&world).await;
    let machine = Caller {
        actor: Arc::new(Actor::Machine(Machine::default())),
        credential: Arc::clone(&caller.credential),
        mapping: None,
        decided_by: None,
    };
    let error = call(&world, Behalf::Of(&machine)).await.unwrap_err();
    assert_eq!(error.code(), "onward_caller_userless");
    let nobody = Caller::for_test(Actor::clone(&caller.actor), "https://id.example");
    let error = call(&world, Behalf::Of(&nobody)).await.unwrap_err();
    assert_eq!(error.code(), "onward_caller_tokenless");
    assert_eq!(asked(&world), 0);
}

#[tokio::test(start_paused = true)]
async fn however_many_tokens_are_had_only_so_many_are_kept() {
    let world = world().await;
    let number = |n: usize| Target::new(&format!("https://{n}.example"), &[""; 0], &[], false);
    for n in 0..4_200 {
        gives(&world, "t");
        let url = format!("https://{n}.example/");
        let onward = world
            .gate
            .onward(&number(n).unwrap(), Behalf::Itself, "GET", &url)
            .await;
        onward.unwrap();
    }
    let kept = (0..4_200).filter(|n| {
        let target = number(*n).unwrap();
        let url = format!("https://{n}.example/");
        let at_hand = world
            .gate
            .onward_at_hand(&target, Behalf::Itself, "GET", &url);
        at_hand.unwrap().is_some()
    });
    assert_eq!(kept.count(), 4_096);
}
