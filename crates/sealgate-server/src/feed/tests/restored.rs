//! A control plane on a copy of its database, and gates that know more than it does.

use sealgate_store::{RevokeReason, SqliteStore};

use super::database::session_of;
use super::house::{House, quick, revoked, secret};
use super::*;

const HEADER: &str = "sealgate-last-message";

/// The control plane goes on with a copy of its database in another place.
async fn go_on_with_a_copy(house: &mut House, copy: &tempfile::TempDir) {
    let clock = Arc::clone(&house.clock);
    let random = FakeRandom::seeded(77);
    let store = SqliteStore::open(copy.path(), &*clock, &random).unwrap();
    assert_eq!(store.restored(), None);
    house.plane = assemble(Arc::new(store), clock, random, quick(16)).await;
}

async fn show(house: &House, client: &str, path: &str, message: &str) -> axum::response::Response {
    let request = signed(client, path).header(HEADER, message);
    house.send(request.body(Body::empty()).unwrap()).await
}

async fn history(house: &House) -> String {
    house.plane.store.epoch().await.unwrap()
}

/// A control plane on a copy that does not know that the second of two sessions was revoked; what a gate
/// was told before the copy was made, and what after; and the gate.
struct Story {
    house: House,
    sessions: [sealgate_model::SessionId; 2],
    before: String,
    after: String,
    follower: sealgate_revocation::Follower,
    _copy: tempfile::TempDir,
}

impl Story {
    async fn new() -> Self {
        let mut house = House::new().await;
        let sessions = [house.session("app").await, house.session("app").await];
        let (mut follower, mut stream) = house.follow("app").await;
        house.revoke(sessions[0]).await;
        let before = Self::told(&house, &mut follower, &mut stream, sessions[0]).await;
        let copy = house.copy();
        house.revoke(sessions[1]).await;
        let after = Self::told(&house, &mut follower, &mut stream, sessions[1]).await;
        go_on_with_a_copy(&mut house, &copy).await;
        Self {
            house,
            sessions,
            before,
            after,
            follower,
            _copy: copy,
        }
    }

    async fn told(
        house: &House,
        follower: &mut sealgate_revocation::Follower,
        stream: &mut Lines,
        session: sealgate_model::SessionId,
    ) -> String {
        loop {
            let data = stream.next().await.unwrap().data;
            follower.message(&house.read("app", &data), house.clock.uptime());
            if revoked(follower, session).is_some() {
                return data;
            }
        }
    }
}

#[tokio::test]
async fn what_a_gate_was_told_gives_a_copy_away_and_nothing_revoked_comes_back() {
    for path in ["/feed/snapshot", "/feed/events"] {
        let Story {
            house,
            sessions,
            after,
            mut follower,
            ..
        } = Story::new().await;
        let store = &house.plane.store;
        assert_eq!(session_of(&house, sessions[1]).await.revoked_at, None);
        let keys = store.keys().await.unwrap();
        let stale = history(&house).await;
        assert!(
            show(&house, "app", path, &after)
                .await
                .status()
                .is_success()
        );
        assert_ne!(history(&house).await, stale);
        let revoked_for = session_of(&house, sessions[1]).await.revoked_for;
        assert_eq!(revoked_for, Some(RevokeReason::Restored));
        // A key that was revoked since the copy was made would sign again: all are new.
        for key in store.keys().await.unwrap() {
            assert!(keys.iter().all(|old| old.kid != key.kid));
        }
        // The gate takes up the new history, and goes on to deny what it knew.
        let asked_at = house.clock.uptime();
        let snapshot = house.snapshot("app").await;
        let action = follower.snapshot(&snapshot, asked_at, asked_at);
        assert_eq!(action, Action::Continue);
        assert!(follower.is_fresh(asked_at));
        for session in sessions {
            assert!(revoked(&follower, session).is_some());
        }
        // One that starts now knows of neither session, and denies whatever was started by then.
        let (fresh, _) = house.follow("app").await;
        assert!(revoked(&fresh, sessions[1]).is_some());
        let actions = store.audit_after(0, 1_000).await.unwrap();
        let restored = actions
            .iter()
            .filter(|record| record.action == "store.restored");
        assert_eq!(restored.count(), 1);
        // The same evidence once more changes nothing.
        let now = history(&house).await;
        show(&house, "app", path, &after).await;
        assert_eq!(history(&house).await, now);
    }
}

#[tokio::test]
async fn keys_that_a_process_has_left_in_use_are_put_out_of_use_by_the_next_one() {
    let house = House::new().await;
    let kids = async || -> Vec<String> {
        let keys = house.plane.store.keys().await.unwrap();
        keys.into_iter().map(|key| key.kid).collect()
    };
    let before = kids().await;
    house.clock.advance(Duration::from_secs(1));
    let at = house.clock.now();
    house.plane.goes_on_restored(at).await;
    let after = kids().await;
    assert!(!after.is_empty() && after.iter().all(|kid| !before.contains(kid)));
    // And then never again.
    house.clock.advance(Duration::from_secs(1));
    house.plane.goes_on_restored(at).await;
    assert_eq!(kids().await, after);
}

#[tokio::test]
async fn streams_that_were_open_are_sent_for_a_snapshot_then() {
    let Story { house, after, .. } = Story::new().await;
    let (_, mut stream) = house.follow("app").await;
    let (_, mut other) = house.follow("other").await;
    assert_eq!(stream.next().await.unwrap().event, "set");
    assert_eq!(other.next().await.unwrap().event, "set");
    show(&house, "app", "/feed/snapshot", &after).await;
    for stream in [&mut stream, &mut other] {
        let mut last = None;
        for _ in 0..house::PATIENCE {
            match stream.next().await {
                Some(set) => last = Some(set.event),
                None => break,
            }
        }
        assert_eq!(last.as_deref(), Some("reset"));
    }
}

#[tokio::test]
async fn nobody_else_can_bring_it_about() {
    let Story {
        house,
        before,
        after,
        ..
    } = Story::new().await;
    let stale = history(&house).await;
    let (head, tail) = after.split_at(after.len() / 2);
    let forged = format!("{head}A{}", &tail[1..]);
    let long = "a".repeat(20_000);
    for (what, client, message) in [
        ("another client", "other", after.as_str()),
        ("a public client", "spa", &after),
        ("nobody we know", "nobody", &after),
        ("what the log has anyway", "app", &before),
        ("another message under the same signature", "app", &forged),
        ("no message", "app", "nonsense"),
        ("no message", "app", ""),
        ("no message", "app", &long),
    ] {
        show(&house, client, "/feed/snapshot", message).await;
        assert_eq!(history(&house).await, stale, "{what}");
    }
    // Without the client's secret.
    let basic = STANDARD.encode(format!("app:{}", secret("other")));
    let request = Request::get("/feed/snapshot")
        .header(AUTHORIZATION, format!("Basic {basic}"))
        .header(HEADER, &after);
    let answer = house.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    // What this process says of its own log is in it.
    let (_, mut stream) = house.follow("app").await;
    let own = stream.next().await.unwrap().data;
    show(&house, "app", "/feed/events", &own).await;
    assert_eq!(history(&house).await, stale);
}
