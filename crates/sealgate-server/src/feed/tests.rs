mod database;
mod house;
mod hubs;
mod lines;
mod policies;
mod receipts;
mod resources;
mod restored;

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, ETAG, IF_NONE_MATCH, RETRY_AFTER};
use http::{Request, StatusCode};
use sealgate_host::FakeRandom;
use sealgate_model::Clock as _;
use sealgate_revocation::{Action, Credential, Event, Follower, RevokedBy, View};

use super::*;
use house::{House, PATIENCE, assemble, quick, resume, revoked, signed, told};
use lines::{Lines, Set};

#[tokio::test]
async fn only_a_confidential_client_with_its_secret_may_follow() {
    let house = House::new().await;
    for path in ["/feed/snapshot", "/feed/events"] {
        assert_eq!(
            house
                .send(Request::get(path).body(Body::empty()).unwrap())
                .await
                .status(),
            401
        );
        assert_eq!(house.get("nobody", path).await.status(), 401);
        assert_eq!(house.get("spa", path).await.status(), 401);
        let wrong = STANDARD.encode("app:guess");
        let request = Request::get(path).header(AUTHORIZATION, format!("Basic {wrong}"));
        assert_eq!(
            house
                .send(request.body(Body::empty()).unwrap())
                .await
                .status(),
            401
        );
    }
}

#[tokio::test]
async fn a_gate_learns_of_a_revocation_from_the_snapshot_or_from_the_stream() {
    let house = House::new().await;
    let (before, during) = (house.session("app").await, house.session("app").await);
    house.revoke(before).await;
    let (mut follower, mut stream) = house.follow("app").await;
    assert_eq!(revoked(&follower, before), Some(RevokedBy::Session));
    assert_eq!(revoked(&follower, during), None);
    house.revoke(during).await;
    house
        .until_revoked(&mut follower, &mut stream, during)
        .await;
    assert!(follower.is_fresh(house.clock.uptime()));
}

#[tokio::test]
async fn disabling_a_user_reaches_every_client_that_knows_the_user() {
    let house = House::new().await;
    let session = house.session("app").await;
    house.session("other").await;
    let (mut follower, mut stream) = house.follow("app").await;
    let (mut other, mut other_stream) = house.follow("other").await;
    assert!(
        house
            .plane
            .store
            .user_disable(house.user, house.audit())
            .await
            .unwrap()
    );
    house
        .until_revoked(&mut follower, &mut stream, session)
        .await;
    let user = house.user.to_string();
    let started_at = house.clock.now();
    let credential = Credential {
        tenant: None,
        grants: &[],
        session: None,
        subject: Some(&user),
        client: "other",
        key: None,
        token: None,
        started_at,
    };
    for _ in 0..PATIENCE {
        let message = house.read("other", &other_stream.next().await.unwrap().data);
        other.message(&message, house.clock.uptime());
        if other.check(&credential).is_some() {
            break;
        }
    }
    assert_eq!(other.check(&credential), Some(RevokedBy::User));
    assert_eq!(revoked(&other, session), None);
}

#[tokio::test]
async fn every_gate_hears_of_a_revoked_key_and_never_from_that_key() {
    let house = House::new().await;
    let (mut follower, mut stream) = house.follow("app").await;
    let rows = house.plane.store.keys().await.unwrap();
    let active = |row: &sealgate_store::KeyRow| row.state == sealgate_store::KeyState::Active;
    let kid = rows.into_iter().find(active).unwrap().kid;
    house.plane.keys.revoke(&kid, house.audit()).await.unwrap();
    let credential = Credential {
        tenant: None,
        grants: &[],
        session: None,
        subject: None,
        client: "app",
        key: Some(&kid),
        token: None,
        started_at: house.clock.now(),
    };
    for _ in 0..PATIENCE {
        if follower.check(&credential).is_some() {
            break;
        }
        // Verified with the published keys, of which the revoked one is none.
        let message = house.read("app", &stream.next().await.unwrap().data);
        follower.message(&message, house.clock.uptime());
    }
    assert_eq!(follower.check(&credential), Some(RevokedBy::Key));
    // A gate that starts now learns it too, whichever client it is of.
    let (other, _) = house.follow("other").await;
    assert_eq!(other.check(&credential), Some(RevokedBy::Key));
}

#[tokio::test]
async fn a_client_sees_nothing_of_another_clients_sessions_and_misses_nothing_of_its_own() {
    let house = House::with(quick(2)).await;
    let (mut follower, mut stream) = house.follow("app").await;
    let (mut own, mut foreign) = (Vec::new(), Vec::new());
    for _ in 0..4 {
        own.push(house.session("app").await);
        foreign.push(house.session("other").await);
        foreign.push(house.session("other").await);
    }
    for place in 0..4 {
        house.revoke(foreign[place]).await;
        house.revoke(own[place]).await;
        house.revoke(foreign[place + 4]).await;
    }
    // The log is read two rows at a time, so some readings show this client nothing.
    house
        .until_revoked(&mut follower, &mut stream, own[3])
        .await;
    let snapshot = house.snapshot("app").await;
    assert_eq!(told(&snapshot), 4);
    // The last row that this client can see.
    assert_eq!(snapshot.seq, 11);
    for session in own {
        assert_eq!(revoked(&follower, session), Some(RevokedBy::Session));
    }
    for session in foreign {
        assert_eq!(revoked(&follower, session), None);
    }
}

#[tokio::test]
async fn a_lost_stream_goes_on_where_it_was_by_query_or_by_last_event_id() {
    let house = House::with(quick(2)).await;
    let mut sessions = Vec::new();
    for _ in 0..6 {
        sessions.push(house.session("app").await);
    }
    let (mut follower, mut stream) = house.follow("app").await;
    house.revoke(sessions[0]).await;
    house
        .until_revoked(&mut follower, &mut stream, sessions[0])
        .await;
    drop(stream);
    for session in &sessions[1..5] {
        house.revoke(*session).await;
    }
    let mut stream = house.stream("app", &resume(&follower)).await;
    house
        .until_revoked(&mut follower, &mut stream, sessions[4])
        .await;
    drop(stream);
    house.revoke(sessions[5]).await;
    let (epoch, seq) = follower.position().unwrap();
    let request = signed("app", "/feed/events").header("Last-Event-ID", format!("{epoch}.{seq}"));
    let mut stream = Lines::of(house.send(request.body(Body::empty()).unwrap()).await);
    house
        .until_revoked(&mut follower, &mut stream, sessions[5])
        .await;
    for session in sessions {
        assert_eq!(revoked(&follower, session), Some(RevokedBy::Session));
    }
}

#[tokio::test]
async fn a_stream_that_cannot_go_on_says_reset_and_ends() {
    let house = House::new().await;
    let epoch = house.snapshot("app").await.epoch;
    for query in [
        String::new(),
        "?epoch=other&after=0".into(),
        format!("?epoch={epoch}"),
        format!("?epoch={epoch}&after=1"),
    ] {
        let mut stream = house.stream("app", &query).await;
        let reset = Set {
            event: "reset".into(),
            id: String::new(),
            data: "{}".into(),
        };
        assert_eq!(stream.next().await, Some(reset), "{query}");
        assert_eq!(stream.next().await, None, "{query}");
    }
}

#[tokio::test]
async fn a_position_that_is_none_is_a_bad_request() {
    let house = House::new().await;
    for query in ["?epoch=e&after=x", "?epoch=e&after=-1", "?after=1&after=2"] {
        assert_eq!(
            house
                .get("app", &format!("/feed/events{query}"))
                .await
                .status(),
            400,
            "{query}"
        );
    }
}

#[tokio::test]
async fn heartbeats_tell_a_time_that_no_correction_of_the_wall_clock_moves() {
    let house = House::with(quick(256)).await;
    let (mut follower, mut stream) = house.follow("app").await;
    let start = follower.position().map(|(epoch, _)| epoch.clone());
    house
        .clock
        .step_wall_clock(Timestamp::from_seconds(1_700_000_000));
    house.clock.advance(Duration::from_secs(8));
    for _ in 0..PATIENCE {
        let message = house.read("app", &stream.next().await.unwrap().data);
        assert_eq!(
            (&message.event, Some(&message.epoch)),
            (&Event::Heartbeat {}, start.as_ref())
        );
        follower.message(&message, house.clock.uptime());
        if message.as_of == Timestamp::from_seconds(1_800_000_008) {
            break;
        }
    }
    house.clock.advance(Duration::from_secs(10));
    assert!(follower.is_fresh(house.clock.uptime()));
    house.clock.advance(Duration::from_millis(1));
    assert!(!follower.is_fresh(house.clock.uptime()));
}

#[tokio::test]
async fn a_snapshot_that_the_client_has_is_not_sent_again() {
    let house = House::new().await;
    let session = house.session("app").await;
    let etag = house.get("app", "/feed/snapshot").await.headers()[ETAG].clone();
    let asking = |tag: &str| {
        signed("app", "/feed/snapshot")
            .header(IF_NONE_MATCH, tag)
            .body(Body::empty())
            .unwrap()
    };
    let again = house
        .send(asking(&format!("\"x\", W/{}", etag.to_str().unwrap())))
        .await;
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(again.headers()[ETAG], etag);
    assert_eq!(house.send(asking("*")).await.status(), StatusCode::OK);
    house.revoke(session).await;
    assert_eq!(
        house.send(asking(etag.to_str().unwrap())).await.status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_subscriber_too_many_is_told_to_come_back_and_finds_a_place_when_one_leaves() {
    let house = House::with(Feed::with_room_for(1)).await;
    let (follower, stream) = house.follow("app").await;
    let path = format!("/feed/events{}", resume(&follower));
    let refusal = house.get("app", &path).await;
    assert_eq!(refusal.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refusal.headers()[RETRY_AFTER], "5");
    drop(stream);
    assert_eq!(house.get("app", &path).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn one_client_cannot_take_every_place() {
    let house = House::with(Feed::with_room_for(70)).await;
    let (follower, _stream) = house.follow("app").await;
    let (other, last) = house.follow("app").await;
    drop(last);
    let path = format!("/feed/events{}", resume(&follower));
    let mut taken = Vec::new();
    for _ in 1..64 {
        let response = house.get("app", &path).await;
        assert_eq!(response.status(), StatusCode::OK);
        taken.push(response);
    }
    let refusal = house.get("app", &path).await;
    assert_eq!(refusal.status(), StatusCode::SERVICE_UNAVAILABLE);
    let (_, _stream) = house.follow("other").await;
    taken.pop();
    let path = format!("/feed/events{}", resume(&other));
    assert_eq!(house.get("app", &path).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn closing_the_feed_ends_its_streams_and_refuses_new_ones() {
    let house = House::new().await;
    let (follower, mut stream) = house.follow("app").await;
    assert!(stream.next().await.is_some());
    house.plane.feed.close();
    assert_eq!(stream.next().await, None);
    let path = format!("/feed/events{}", resume(&follower));
    assert_eq!(
        house.get("app", &path).await.status(),
        StatusCode::SERVICE_UNAVAILABLE
    );
}

#[tokio::test]
async fn another_process_on_the_same_history_is_another_epoch() {
    let mut house = House::new().await;
    let session = house.session("app").await;
    let (mut follower, _) = house.follow("app").await;
    house.revoke(session).await;
    // The clock is wrong after the restart: only the anchor of a new snapshot makes sense of it.
    house
        .clock
        .step_wall_clock(Timestamp::from_seconds(1_700_000_000));
    let store = Arc::clone(&house.plane.store);
    house.plane = assemble(
        store,
        Arc::clone(&house.clock),
        FakeRandom::seeded(2),
        Feed::new(),
    )
    .await;
    let mut stream = house.stream("app", &resume(&follower)).await;
    assert_eq!(stream.next().await.unwrap().event, "reset");
    assert!(matches!(follower.reset(), Action::Resync(_)));
    house.clock.advance(Duration::from_secs(60));
    let asked_at = house.clock.uptime();
    let snapshot = house.snapshot("app").await;
    assert_eq!(
        follower.snapshot(&snapshot, asked_at, asked_at),
        Action::Continue
    );
    assert_eq!(revoked(&follower, session), Some(RevokedBy::Session));
    assert!(follower.is_fresh(asked_at));
}
