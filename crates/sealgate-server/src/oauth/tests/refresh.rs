//! Renewal: rotation, the grace window, and what ends a session.

use std::collections::HashSet;
use std::time::Duration;

use super::*;

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

#[tokio::test]
async fn a_refresh_token_gives_a_successor_and_new_tokens() {
    let house = House::new().await;
    let first = house.tokens("app", "openid email").await;
    house.clock.advance(seconds(400));
    let second = tokens(house.refresh("app", &first.refresh).await).await;
    assert_ne!(second.refresh, first.refresh);
    assert_eq!(second.body["scope"], "openid email");
    assert_eq!(second.body["refresh_expires_in"], 86_400 - 400);
    let (before, id) = (
        claims(&first.access),
        claims(second.body["id_token"].as_str().unwrap()),
    );
    assert_eq!(
        (&id["sid"], &id["sub"], &id["auth_time"]),
        (&before["sid"], &before["sub"], &before["auth_time"])
    );
    assert!(id.get("nonce").is_none());
    assert_eq!(
        house.session_of(&second.access).await.renewed_at,
        house.clock.now()
    );
    let third = tokens(house.refresh("app", &second.refresh).await).await;
    assert_eq!(claims(&third.access)["sid"], before["sid"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_renewals_at_once_make_one_successor_and_sign_nobody_out() {
    let house = Arc::new(House::new().await);
    let first = house.tokens("app", "openid").await;
    let mut race = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let (house, token) = (Arc::clone(&house), first.refresh.clone());
        race.spawn(async move { tokens(house.refresh("app", &token).await).await.refresh });
    }
    let successors: HashSet<String> = race.join_all().await.into_iter().collect();
    assert_eq!(successors.len(), 1);
    assert_eq!(house.revoked_for(&first.access).await, None);
    let rotations = house
        .records()
        .await
        .into_iter()
        .filter(|row| row.action == "session.renew" && row.reason.is_empty());
    assert_eq!(rotations.count(), 1);
    let successor = successors.into_iter().next().unwrap();
    assert_eq!(
        house.refresh("app", &successor).await.status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn inside_the_grace_window_the_same_successor_is_given_again() {
    let house = House::new().await;
    let first = house.tokens("app", "openid").await;
    let second = tokens(house.refresh("app", &first.refresh).await).await;
    house.clock.advance(seconds(20));
    let again = tokens(house.refresh("app", &first.refresh).await).await;
    assert_eq!(again.refresh, second.refresh);
    assert_eq!(house.last_record().await.reason, "grace_window");
    // A successor that is itself spent still leads to its own, so that a slow tab catches up.
    let third = tokens(house.refresh("app", &again.refresh).await).await;
    let late = tokens(house.refresh("app", &second.refresh).await).await;
    assert_eq!(late.refresh, third.refresh);
}

#[tokio::test]
async fn a_spent_token_is_answered_with_the_successor_that_is_not_spent() {
    let house = House::new().await;
    let first = house.tokens("app", "openid").await;
    let second = tokens(house.refresh("app", &first.refresh).await).await;
    house.clock.advance(seconds(10));
    let third = tokens(house.refresh("app", &second.refresh).await).await;
    house.clock.advance(seconds(10));
    let late = tokens(house.refresh("app", &first.refresh).await).await;
    assert_eq!(late.refresh, third.refresh);
    // It can be used whenever its receiver likes.
    house.clock.advance(seconds(21));
    tokens(house.refresh("app", &late.refresh).await).await;
}

#[tokio::test]
async fn a_token_used_under_a_clock_that_was_set_back_since_is_reused() {
    let house = House::new().await;
    let first = house.tokens("app", "openid").await;
    tokens(house.refresh("app", &first.refresh).await).await;
    let now = house.clock.now();
    // By a second: a race with a renewal that came later and won.
    house.clock.step_wall_clock(now - seconds(1));
    tokens(house.refresh("app", &first.refresh).await).await;
    house.clock.step_wall_clock(now - seconds(3600));
    assert_grant_refused(
        house.refresh("app", &first.refresh).await,
        "refresh_token_reused",
    )
    .await;
}

#[tokio::test]
async fn a_refresh_token_reused_after_grace_revokes_the_session() {
    let house = House::new().await;
    let first = house.tokens("app", "openid").await;
    let second = tokens(house.refresh("app", &first.refresh).await).await;
    house.clock.advance(seconds(21));
    assert_grant_refused(
        house.refresh("app", &first.refresh).await,
        "refresh_token_reused",
    )
    .await;
    assert_eq!(
        house.revoked_for(&first.access).await,
        Some(RevokeReason::RefreshReuse)
    );
    assert_grant_refused(
        house.refresh("app", &second.refresh).await,
        "session_revoked",
    )
    .await;
    let records = house.records().await;
    let revoked = records
        .iter()
        .find(|row| row.action == "session.revoke")
        .unwrap();
    assert_eq!(
        (revoked.actor.as_str(), revoked.reason.as_str()),
        ("system", "refresh_token_reused")
    );
}

#[tokio::test]
async fn a_revoked_session_is_not_replayed_inside_the_grace_window() {
    let house = House::new().await;
    let first = house.tokens("app", "openid").await;
    tokens(house.refresh("app", &first.refresh).await).await;
    let session = house.session_of(&first.access).await.id;
    house
        .plane
        .store
        .session_revoke(session, RevokeReason::Admin, house.audit())
        .await
        .unwrap();
    assert_grant_refused(
        house.refresh("app", &first.refresh).await,
        "session_revoked",
    )
    .await;
}

#[tokio::test]
async fn another_client_gets_nothing_and_breaks_nothing() {
    let house = House::new().await;
    let first = house.tokens("app", "openid").await;
    assert_grant_refused(
        house.refresh("other", &first.refresh).await,
        "refresh_client_mismatch",
    )
    .await;
    let second = tokens(house.refresh("app", &first.refresh).await).await;
    assert_grant_refused(
        house.refresh("other", &first.refresh).await,
        "refresh_client_mismatch",
    )
    .await;
    assert_eq!(
        house.refresh("app", &second.refresh).await.status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_token_that_is_not_known_is_refused() {
    let house = House::new().await;
    let first = house.tokens("app", "openid").await;
    let altered = format!("{}AAAA", &first.refresh[..60]);
    for wrong in ["x", &"A".repeat(64), &altered] {
        assert_grant_refused(house.refresh("app", wrong).await, "refresh_token_unknown").await;
    }
}

#[tokio::test]
async fn scope_may_be_narrowed_for_one_access_token_and_never_widened() {
    let house = House::new().await;
    let first = house.tokens("app", "openid email expenses:read").await;
    let ask = async |token: &str, scope: &str| {
        let pairs = [
            ("grant_type", "refresh_token"),
            ("refresh_token", token),
            ("scope", scope),
        ];
        house.post("/oauth/token", Some("app"), &pairs).await
    };
    let response = ask(&first.refresh, "openid profile").await;
    assert_refused(
        response,
        StatusCode::BAD_REQUEST,
        "invalid_scope",
        "scope_widened",
    )
    .await;
    let second = tokens(ask(&first.refresh, "expenses:read").await).await;
    assert_eq!(claims(&second.access)["scope"], "expenses:read");
    assert!(second.body.get("id_token").is_none());
    // The same request inside the window is the same; another one is not, and ends nothing.
    assert_eq!(
        tokens(ask(&first.refresh, "expenses:read").await)
            .await
            .refresh,
        second.refresh
    );
    assert_grant_refused(ask(&first.refresh, "openid").await, "refresh_scope_changed").await;
    assert_grant_refused(
        house.refresh("app", &first.refresh).await,
        "refresh_scope_changed",
    )
    .await;
    let third = tokens(house.refresh("app", &second.refresh).await).await;
    assert_eq!(third.body["scope"], "openid email expenses:read");
}

#[tokio::test]
async fn an_idle_session_ends_after_an_hour_and_a_used_one_after_a_day() {
    let house = House::new().await;
    let idle = house.tokens("app", "openid").await;
    let mut used = house.tokens("app", "openid").await;
    house.clock.advance(seconds(3_599));
    used = tokens(house.refresh("app", &used.refresh).await).await;
    house.clock.advance(seconds(1));
    assert_grant_refused(house.refresh("app", &idle.refresh).await, "session_idle").await;
    for _ in 0..23 {
        house.clock.advance(seconds(3_500));
        used = tokens(house.refresh("app", &used.refresh).await).await;
    }
    house.clock.advance(seconds(2_299));
    used = tokens(house.refresh("app", &used.refresh).await).await;
    assert_eq!(used.body["expires_in"], 1);
    house.clock.advance(seconds(1));
    assert_grant_refused(house.refresh("app", &used.refresh).await, "session_expired").await;
}

#[tokio::test]
async fn a_disabled_user_renews_nothing() {
    let house = House::new().await;
    let first = house.tokens("app", "openid").await;
    house
        .plane
        .store
        .user_disable(house.user, house.audit())
        .await
        .unwrap();
    assert_grant_refused(
        house.refresh("app", &first.refresh).await,
        "session_revoked",
    )
    .await;
}
