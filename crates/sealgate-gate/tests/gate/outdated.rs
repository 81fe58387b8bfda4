//! Claims that changed: what a credential says of roles and scopes is not believed past the change, and nobody
//! signs in again for it.

use std::sync::Arc;
use std::time::Duration;

use sealgate_gate::{Gate, Kinds, Need, Requirement};
use sealgate_host::FetchError;
use sealgate_model::{Clock as _, Timestamp};
use sealgate_revocation::{Entry, Subject};
use serde_json::json;

use crate::browser::{Browser, header, signed_in, user};
use crate::program::{call, challenges, claims, machine, refusal, with};
use crate::provider::{World, world};

fn role(name: &str) -> Requirement {
    Requirement::Actor(Need {
        roles: vec![name.to_owned()],
        ..Need::of(Kinds::USER)
    })
}

/// Tells the feed of something that happened just now, some milliseconds into the second.
async fn tell(world: &World, subject: impl FnOnce(Timestamp) -> Subject) {
    let now = world.clock.now();
    world.state().entries.push(Entry {
        subject: subject(now),
        expires_at: now + Duration::from_secs(90_000),
        reason: None,
    });
    world.clock.advance(Duration::from_millis(1));
    world.follow_once().await;
}

async fn ada_changes(world: &World) {
    tell(world, |not_before| Subject::UserClaims {
        sub: "ada".into(),
        not_before,
    })
    .await;
}

/// A signed-in browser some seconds later.
async fn later() -> (Arc<World>, Browser) {
    let world = world().await;
    let browser = signed_in(&world).await;
    world.state().token_requests.clear();
    world.clock.advance(Duration::from_millis(5_300));
    world.follow_once().await;
    (Arc::new(world), browser)
}

async fn passes(browser: &mut Browser, gate: &Gate, requirement: &Requirement) -> bool {
    browser.send(gate, "GET", "/", requirement).await.is_ok()
}

#[tokio::test(start_paused = true)]
async fn a_role_that_was_taken_away_is_gone_in_the_next_request() {
    let (world, mut browser) = later().await;
    let old = browser.session().unwrap().to_owned();
    assert!(passes(&mut browser, &world.gate, &role("accountant")).await);
    world.state().claims.push(("roles", json!(["auditor"])));
    ada_changes(&world).await;
    let refused = browser
        .denied(&world.gate, "GET", "/", &role("accountant"))
        .await;
    assert_eq!(refused, (403, "role_missing"));
    // The refusal brought the new cookie, and nothing more is asked for.
    assert_ne!(browser.session().unwrap(), old);
    assert!(passes(&mut browser, &world.gate, &role("auditor")).await);
    assert_eq!(world.state().token_requests.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_change_of_the_client_is_one_too_and_one_of_somebody_else_is_none() {
    let (world, mut browser) = later().await;
    for (subject, renewals) in [("eve", 0), ("ada", 1)] {
        tell(&world, |not_before| Subject::UserClaims {
            sub: subject.into(),
            not_before,
        })
        .await;
        assert!(passes(&mut browser, &world.gate, &user()).await);
        assert_eq!(world.state().token_requests.len(), renewals, "{subject}");
    }
    for (client, renewals) in [("other", 1), ("expenses", 2)] {
        tell(&world, |not_before| Subject::ClientClaims {
            client: client.parse().unwrap(),
            not_before,
        })
        .await;
        assert!(passes(&mut browser, &world.gate, &user()).await);
        assert_eq!(world.state().token_requests.len(), renewals, "{client}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_renewal_in_the_second_of_the_change_is_believed_and_the_next_change_is_heard() {
    let (world, mut browser) = later().await;
    for renewals in 1..=3 {
        // All of it within one second: the ID token's time looks older than the change.
        ada_changes(&world).await;
        for _ in 0..5 {
            assert!(passes(&mut browser, &world.gate, &user()).await);
        }
        assert_eq!(world.state().token_requests.len(), renewals);
    }
    assert_eq!(world.clock.now().as_seconds(), 1_790_000_005);
}

#[tokio::test(start_paused = true)]
async fn fifty_tabs_make_one_renewal() {
    let (world, browser) = later().await;
    ada_changes(&world).await;
    world.state().slow = 20;
    let mut tabs = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let (world, mut browser) = (Arc::clone(&world), browser.clone());
        tabs.spawn(async move { passes(&mut browser, &world.gate, &user()).await });
    }
    assert!(tabs.join_all().await.into_iter().all(|passed| passed));
    assert_eq!(world.state().token_requests.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_was_under_way_already_is_followed_by_another() {
    let (world, browser) = later().await;
    world.clock.advance(Duration::from_secs(301));
    world.follow_once().await;
    world.state().tokens_take = Duration::from_millis(600);
    let slow = {
        let (world, mut browser) = (Arc::clone(&world), browser.clone());
        tokio::spawn(async move {
            browser
                .send(&world.gate, "GET", "/", &role("auditor"))
                .await
        })
    };
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    // The control plane tells of what was before, and of the change while its answer is on its way.
    ada_changes(&world).await;
    world.state().claims.push(("roles", json!(["auditor"])));
    assert!(slow.await.unwrap().is_ok());
    let handles: Vec<_> = world
        .state()
        .token_requests
        .iter()
        .map(|form| form[1].1.clone())
        .collect();
    assert_eq!(handles, ["refresh-1", "refresh-2"]);
}

#[tokio::test(start_paused = true)]
async fn a_cookie_that_was_lost_with_its_answer_is_renewed_by_its_successor() {
    let (world, browser) = later().await;
    ada_changes(&world).await;
    let mut lost = browser.clone();
    assert!(passes(&mut lost, &world.gate, &user()).await);
    world.clock.advance(Duration::from_secs(2));
    ada_changes(&world).await;
    // Still with the old cookie: its handle is spent, and must not be presented again.
    let mut again = browser.clone();
    assert!(passes(&mut again, &world.gate, &user()).await);
    assert_ne!(again.session(), lost.session());
    let handles: Vec<_> = world
        .state()
        .token_requests
        .iter()
        .map(|form| form[1].1.clone())
        .collect();
    assert_eq!(handles, ["refresh-1", "refresh-2"]);
}

#[tokio::test(start_paused = true)]
async fn while_it_cannot_be_renewed_nothing_of_it_is_believed() {
    let (world, mut browser) = later().await;
    let old = browser.session().unwrap().to_owned();
    ada_changes(&world).await;
    for outage in [Err(FetchError::TimedOut), Ok((503, json!({})))] {
        world.state().token_answers.push_back(outage);
        let refused = browser
            .send(&world.gate, "GET", "/", &role("accountant"))
            .await
            .unwrap_err();
        assert_eq!(
            (refused.status, refused.reason),
            (503, "renewal_unavailable")
        );
        assert!(header(&refused, "retry-after").is_some());
        assert_eq!(browser.session().unwrap(), old);
        world.clock.advance(Duration::from_secs(1));
        world.follow_once().await;
    }
    // Also where the answer names the old time again and again.
    assert!(passes(&mut browser, &world.gate, &user()).await);
}

#[tokio::test(start_paused = true)]
async fn where_nobody_is_fine_too_an_outage_makes_them_nobody_and_never_the_old_somebody() {
    let (world, mut browser) = later().await;
    let optional = Requirement::Actor(Need {
        optional: true,
        ..Need::of(Kinds::ANY)
    });
    ada_changes(&world).await;
    world
        .state()
        .token_answers
        .push_back(Err(FetchError::TimedOut));
    let allowed = browser
        .send(&world.gate, "GET", "/", &optional)
        .await
        .unwrap();
    assert!(allowed.caller.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_token_of_before_the_change_is_refused_and_one_of_after_it_passes() {
    let world = world().await;
    let token = world.user_token();
    let caller = call(&world, &token).await.unwrap().caller.unwrap();
    ada_changes(&world).await;
    for _ in 0..2 {
        let refused = call(&world, &token).await.unwrap_err();
        assert_eq!((refused.status, refused.reason), (401, "token_outdated"));
        let told = challenges(&refused);
        assert!(
            told.iter()
                .any(|one| one.contains("error=\"invalid_token\""))
        );
    }
    assert_eq!(
        world.gate.standing(&caller).unwrap().code(),
        "token_outdated"
    );
    // In the same second nobody can say which was first.
    assert_eq!(
        refusal(call(&world, &world.user_token()).await).1,
        "token_outdated"
    );
    world.clock.advance(Duration::from_secs(1));
    world.follow_once().await;
    assert!(call(&world, &world.user_token()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_change_of_any_client_that_acts_outdates_the_token() {
    let chain = json!({"sub": "cli", "act": {"sub": "shop", "act": {"sub": "robot"}}});
    for client in ["cli", "shop", "robot"] {
        let world = world().await;
        let token = world.token(&with(claims(&world), "act", chain.clone()));
        let own = world.token(&machine(&world));
        assert!(call(&world, &token).await.is_ok());
        tell(&world, |not_before| Subject::ClientClaims {
            client: client.parse().unwrap(),
            not_before,
        })
        .await;
        assert_eq!(refusal(call(&world, &token).await), (401, "token_outdated"));
        assert!(call(&world, &own).await.is_ok());
    }
    let world = world().await;
    let token = world.token(&machine(&world));
    tell(&world, |not_before| Subject::ClientClaims {
        client: "batch".parse().unwrap(),
        not_before,
    })
    .await;
    assert_eq!(refusal(call(&world, &token).await), (401, "token_outdated"));
}

#[tokio::test(start_paused = true)]
async fn what_lasts_ends_and_comes_back_with_the_new_claims() {
    let (world, mut browser) = later().await;
    let allowed = browser.send(&world.gate, "GET", "/", &user()).await;
    let caller = allowed.unwrap().caller.unwrap();
    assert!(world.gate.standing(&caller).is_none());
    ada_changes(&world).await;
    assert_eq!(
        world.gate.standing(&caller).unwrap().code(),
        "session_outdated"
    );
    let allowed = browser.send(&world.gate, "GET", "/", &user()).await;
    let caller = allowed.unwrap().caller.unwrap();
    assert!(world.gate.standing(&caller).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_session_that_nothing_renews_is_over_with_the_change() {
    let world = world().await;
    world.state().left_out.push("refresh_token");
    let mut browser = signed_in(&world).await;
    world.clock.advance(Duration::from_secs(5));
    world.follow_once().await;
    assert!(passes(&mut browser, &world.gate, &user()).await);
    ada_changes(&world).await;
    let refused = browser.denied(&world.gate, "GET", "/", &user()).await;
    assert_eq!(refused, (401, "session_outdated"));
}

#[tokio::test(start_paused = true)]
async fn a_tenant_takes_its_sessions_and_tokens_along() {
    let world = world().await;
    world.state().claims.push(("tenant", json!("acme")));
    let mut browser = signed_in(&world).await;
    let token = world.user_token();
    world.clock.advance(Duration::from_secs(1));
    world.follow_once().await;
    for (tenant, passes) in [("other", true), ("acme", false)] {
        tell(&world, |not_before| Subject::Tenant {
            tenant: tenant.parse().unwrap(),
            not_before,
        })
        .await;
        let session = browser.send(&world.gate, "GET", "/", &user()).await;
        let token = call(&world, &token).await;
        if passes {
            assert!(session.is_ok() && token.is_ok());
        } else {
            assert_eq!(refusal(session), (401, "session_revoked"));
            assert_eq!(refusal(token), (401, "token_revoked"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_delegation_ends_the_tokens_that_stand_on_it_and_not_the_session() {
    const ROOT: &str = "01928e2a-7c00-7000-8000-000000000001";
    const LEAF: &str = "01928e2a-7c00-7000-8000-000000000002";
    let world = world().await;
    let deep = world.token(&with(claims(&world), "grants", json!([ROOT, LEAF])));
    let root = world.token(&with(
        with(claims(&world), "grants", json!([ROOT])),
        "jti",
        json!("t9"),
    ));
    let own = world.user_token();
    let caller = call(&world, &deep).await.unwrap().caller.unwrap();
    tell(&world, |_| Subject::Grant(LEAF.parse().unwrap())).await;
    assert_eq!(refusal(call(&world, &deep).await), (401, "token_revoked"));
    assert_eq!(
        world.gate.standing(&caller).unwrap().code(),
        "token_revoked"
    );
    assert!(call(&world, &root).await.is_ok());
    tell(&world, |_| Subject::Grant(ROOT.parse().unwrap())).await;
    assert_eq!(refusal(call(&world, &root).await), (401, "token_revoked"));
    assert!(call(&world, &own).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn grants_that_are_not_what_they_must_be_refuse_the_token() {
    let world = world().await;
    let id = "01928e2a-7c00-7000-8000-000000000001";
    for (grants, passes) in [
        (json!([]), true),
        (json!([id, id, id, id]), true),
        (json!([id, id, id, id, id]), false),
        (json!(id), false),
        (json!([1]), false),
        (json!(["x"]), false),
        (json!([id.to_uppercase()]), false),
        (json!(null), false),
        (json!({}), false),
    ] {
        let token = world.token(&with(claims(&world), "grants", grants.clone()));
        let called = call(&world, &token).await;
        assert_eq!(called.is_ok(), passes, "{grants}");
        if !passes {
            assert_eq!(refusal(called), (401, "token_invalid"));
        }
    }
}
