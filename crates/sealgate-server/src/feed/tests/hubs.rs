//! One stream for all of a client's subscribers.

use futures_util::future::join_all;
use sealgate_revocation::Message;

use super::database::log_sessions;
use super::house::{House, PATIENCE, beating, quick, resume, revoked, told};
use super::lines::{Lines, Set};
use super::*;

/// The next message of a stream that fits, and as what it was sent.
async fn until(
    house: &House,
    stream: &mut Lines,
    fits: impl Fn(&Message) -> bool,
) -> (Message, Set) {
    for _ in 0..PATIENCE {
        let set = stream.next().await.unwrap();
        let message = house.read("app", &set.data);
        if fits(&message) {
            return (message, set);
        }
    }
    panic!("it is not told");
}

#[tokio::test]
async fn all_subscribers_of_a_client_are_sent_the_same_message_signed_once() {
    let house = House::new().await;
    let session = house.session("app").await;
    let mut streams = Vec::new();
    for _ in 0..5 {
        streams.push(house.follow("app").await);
    }
    house.revoke(session).await;
    let mut told = Vec::new();
    for (follower, stream) in &mut streams {
        let revokes = |message: &Message| !message.entries().is_empty();
        let (message, set) = until(&house, stream, revokes).await;
        follower.message(&message, house.clock.uptime());
        assert_eq!(revoked(follower, session), Some(RevokedBy::Session));
        assert!(follower.is_fresh(house.clock.uptime()));
        told.push(set.data);
    }
    assert!(told.iter().all(|data| *data == told[0]));
}

#[tokio::test]
async fn a_snapshot_stands_where_the_stream_does_whatever_others_had_revoked_since() {
    let house = House::with(quick(2)).await;
    let own = [house.session("app").await, house.session("app").await];
    let (mut early, mut stream) = house.follow("app").await;
    house.revoke(own[0]).await;
    house.until_revoked(&mut early, &mut stream, own[0]).await;
    for _ in 0..5 {
        let foreign = house.session("other").await;
        house.revoke(foreign).await;
    }
    // Both are at the same number, so that one message continues both.
    let (mut late, mut other_stream) = house.follow("app").await;
    assert_eq!(late.position(), early.position());
    house.revoke(own[1]).await;
    house.until_revoked(&mut early, &mut stream, own[1]).await;
    house
        .until_revoked(&mut late, &mut other_stream, own[1])
        .await;
    assert_eq!(late.position(), early.position());
}

#[tokio::test]
async fn whoever_follows_as_one_client_cannot_take_up_the_place_of_another() {
    let house = House::new().await;
    let (own, foreign) = (house.session("app").await, house.session("other").await);
    house.revoke(foreign).await;
    let (_, mut theirs) = house.follow("other").await;
    let (follower, _) = house.follow("app").await;
    // Another client's place in the same history is only a number here.
    let (other, _) = house.follow("other").await;
    assert_ne!(other.position(), None);
    let mut stream = house.stream("app", &resume(&follower)).await;
    house.revoke(own).await;
    let (message, _) = until(&house, &mut stream, |message| !message.entries().is_empty()).await;
    assert_eq!(message.audience, "app");
    for _ in 0..3 {
        house.clock.advance(Duration::from_secs(1));
        let session = house.session("other").await;
        house.revoke(session).await;
        let set = theirs.next().await.unwrap();
        assert_eq!(house.read("other", &set.data).audience, "other");
    }
    assert_eq!(told(&house.snapshot("app").await), 1);
}

#[tokio::test]
async fn one_that_is_far_behind_reads_the_log_for_itself_and_then_goes_along_with_the_others() {
    let house = House::with(quick(16)).await;
    let (mut follower, stream) = house.follow("app").await;
    let query = resume(&follower);
    drop(stream);
    let ids = log_sessions(&house, "app", 900);
    let mut stream = house.stream("app", &query).await;
    for _ in 0..1_000 {
        if revoked(&follower, ids[899]).is_some() {
            break;
        }
        let message = house.read("app", &stream.next().await.unwrap().data);
        let action = follower.message(&message, house.clock.uptime());
        assert!(!matches!(action, Action::Resync(_)), "{action:?}");
    }
    for id in ids {
        assert_eq!(revoked(&follower, id), Some(RevokedBy::Session));
    }
    let session = house.session("app").await;
    house.revoke(session).await;
    house
        .until_revoked(&mut follower, &mut stream, session)
        .await;
    assert!(follower.is_fresh(house.clock.uptime()));
}

#[tokio::test]
async fn one_that_is_too_far_behind_is_sent_for_a_snapshot() {
    let house = House::with(quick(256)).await;
    let (follower, stream) = house.follow("app").await;
    drop(stream);
    // More than is kept signed for others.
    log_sessions(&house, "app", 5_000);
    let mut stream = house.stream("app", &resume(&follower)).await;
    let mut last = Set::default();
    for _ in 0..1_200 {
        match stream.next().await {
            Some(set) => last = set,
            None => break,
        }
    }
    assert_eq!((last.event.as_str(), last.data.as_str()), ("reset", "{}"));
    // Rows that it cannot see are only looked through, and far more of them.
    let (follower, stream) = house.follow("app").await;
    drop(stream);
    log_sessions(&house, "other", 5_000);
    let mut stream = house.stream("app", &resume(&follower)).await;
    assert_eq!(stream.next().await.unwrap().event, "set");
}

#[tokio::test]
async fn many_revocations_come_in_few_writes() {
    let house = House::new().await;
    let (follower, stream) = house.follow("app").await;
    let ids = log_sessions(&house, "app", 200);
    drop(stream);
    let path = format!("/feed/events{}", resume(&follower));
    let mut body = house.get("app", &path).await.into_body().into_data_stream();
    let (mut writes, mut text) = (0, String::new());
    while !text.contains(&format!(".{}\n", ids.len())) {
        let bytes = futures_util::StreamExt::next(&mut body).await.unwrap();
        text.push_str(std::str::from_utf8(&bytes.unwrap()).unwrap());
        writes += 1;
    }
    assert!(writes < 10, "{writes}");
}

#[tokio::test]
async fn one_that_takes_nothing_for_half_a_minute_loses_its_place() {
    let house = House::with(quick(16)).await;
    let (_, mut taking) = house.follow("app").await;
    let (_, mut stalled) = house.follow("app").await;
    assert!(stalled.next().await.is_some());
    assert_eq!(house.plane.feed.subscribers(), 2);
    for _ in 0..31 {
        house.clock.advance(Duration::from_secs(1));
        for _ in 0..3 {
            assert!(taking.next().await.is_some());
        }
    }
    assert_eq!(house.plane.feed.subscribers(), 1);
    assert_eq!(stalled.next().await, None);
    assert!(taking.next().await.is_some());
}

#[tokio::test]
async fn a_client_that_is_disabled_hears_of_it_and_follows_no_more() {
    // It has some heartbeats to take it in, which have to be longer than a busy machine's pauses.
    let house = House::with(beating(Duration::from_millis(100), 2)).await;
    let (_, mut stream) = house.follow("app").await;
    let (_, mut other) = house.follow("other").await;
    let id: ClientId = "app".parse().unwrap();
    let disabled = house.plane.store.client_disable(&id, house.audit()).await;
    assert!(disabled.unwrap());
    // However late it takes what it was told.
    for _ in 0..3 {
        assert_eq!(other.next().await.unwrap().event, "set");
    }
    let ends = |message: &Message| !message.entries().is_empty();
    until(&house, &mut stream, ends).await;
    let mut last = None;
    for _ in 0..PATIENCE {
        let Some(set) = stream.next().await else {
            break;
        };
        last = Some(set.event);
    }
    // That is the last thing it is told.
    assert_eq!(last.as_deref(), Some("reset"));
    assert_eq!(house.get("app", "/feed/snapshot").await.status(), 401);
    for _ in 0..3 {
        assert_eq!(other.next().await.unwrap().event, "set");
    }
}

#[tokio::test]
async fn a_roll_call_asks_every_subscriber_in_one_message() {
    let house = House::new().await;
    let mut streams = [house.follow("app").await.1, house.follow("app").await.1];
    for stream in &mut streams {
        assert!(!until(&house, stream, |_| true).await.0.ack);
    }
    house.plane.feed.gates.roll_call();
    let mut asked = Vec::new();
    for stream in &mut streams {
        asked.push(until(&house, stream, |message| message.ack).await.1.data);
    }
    assert_eq!(asked[0], asked[1]);
    // Each is asked now and then without anybody's waiting.
    let house = House::with(quick(16)).await;
    let (_, mut stream) = house.follow("app").await;
    until(&house, &mut stream, |message| message.ack).await;
}

#[tokio::test]
async fn a_heartbeat_comes_at_once_whoever_came_before() {
    let house = House::new().await;
    for _ in 0..3 {
        let (mut follower, mut stream) = house.follow("app").await;
        house.clock.advance(Duration::from_millis(500));
        let (mut second, mut second_stream) = house.follow("app").await;
        for (follower, stream) in [
            (&mut follower, &mut stream),
            (&mut second, &mut second_stream),
        ] {
            let message = house.read("app", &stream.next().await.unwrap().data);
            assert_eq!(message.event, Event::Heartbeat {});
            let action = follower.message(&message, house.clock.uptime());
            assert!(!matches!(action, Action::Resync(_)), "{action:?}");
        }
    }
}

#[tokio::test]
async fn what_a_gate_says_of_itself_is_checked_before_it_follows() {
    let house = House::new().await;
    let (follower, _) = house.follow("app").await;
    let at = resume(&follower);
    let instance = "0123456789abcdef0123456789abcdef";
    for (more, status) in [
        (format!("&gate=web-1&instance={instance}&bound=10000"), 200),
        ("&gate=".to_owned(), 400),
        (format!("&gate={}", "x".repeat(65)), 400),
        ("&instance=short".to_owned(), 400),
        ("&bound=0".to_owned(), 400),
        ("&bound=soon".to_owned(), 400),
    ] {
        let response = house.get("app", &format!("/feed/events{at}{more}")).await;
        assert_eq!(response.status(), status, "{more}");
    }
}

#[tokio::test]
async fn a_snapshot_repeats_the_nonce_of_its_request_and_refuses_what_is_none() {
    let house = House::new().await;
    let path = "/feed/snapshot?nonce=0aZ-_";
    let body = axum::body::to_bytes(house.get("app", path).await.into_body(), 1 << 20).await;
    let message = house.read("app", std::str::from_utf8(&body.unwrap()).unwrap());
    assert_eq!(message.nonce.as_deref(), Some("0aZ-_"));
    assert_eq!(house.snapshot("app").await.nonce, None);
    for nonce in ["", "a%20b", "a%22", &"x".repeat(129)] {
        let path = format!("/feed/snapshot?nonce={nonce}");
        assert_eq!(house.get("app", &path).await.status(), 400, "{nonce}");
    }
}

#[tokio::test]
async fn who_asks_before_a_reading_begins_shares_it_and_who_asks_later_does_not() {
    let house = House::new().await;
    let client = "app".parse().unwrap();
    let readings = &house.plane.feed.snapshots.readings;
    let questions: Vec<_> = (0..5).map(|_| readings.ask(&client)).collect();
    for question in questions {
        let whole = question.answer(&house.plane).await.unwrap();
        assert_eq!(whole.newest, 0);
    }
    assert_eq!(readings.begun(), 1);
    // Two that wait while something is revoked: neither is given what was read before it asked.
    let early = readings.ask(&client);
    let late = readings.ask(&client);
    early.answer(&house.plane).await.unwrap();
    let session = house.session("app").await;
    house.revoke(session).await;
    let asked_since = readings.ask(&client);
    late.answer(&house.plane).await.unwrap();
    let whole = asked_since.answer(&house.plane).await.unwrap();
    assert_eq!((whole.newest, whole.sessions.len()), (1, 1));
    assert_eq!(readings.begun(), 3);
}

#[tokio::test]
async fn snapshots_that_are_asked_for_at_once_have_each_its_own_nonce() {
    let house = House::new().await;
    let asked = (0..5).map(|number| {
        let house = &house;
        async move {
            let path = format!("/feed/snapshot?nonce=n{number}");
            let body = house.get("app", &path).await.into_body();
            let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
            house.read("app", std::str::from_utf8(&bytes).unwrap())
        }
    });
    let messages = join_all(asked).await;
    for (number, message) in messages.iter().enumerate() {
        assert_eq!(message.nonce, Some(format!("n{number}")));
    }
}

#[tokio::test]
async fn a_snapshot_of_very_many_sessions_is_short_and_a_gate_takes_it() {
    const SESSIONS: u32 = 200_000;
    let house = House::new().await;
    let ids = log_sessions(&house, "app", SESSIONS);
    let response = house.get("app", "/feed/snapshot").await;
    let bytes = axum::body::to_bytes(response.into_body(), 64 << 20).await;
    let bytes = bytes.unwrap();
    // 16 bytes each, as text and as text again.
    assert!(bytes.len() < 29 * SESSIONS as usize, "{}", bytes.len());
    let message = house.read("app", std::str::from_utf8(&bytes).unwrap());
    assert_eq!(
        (told(&message), message.seq),
        (ids.len(), u64::from(SESSIONS))
    );
    let mut follower = Follower::new(Arc::new(View::new()), house::BOUND);
    let now = house.clock.uptime();
    assert_eq!(follower.snapshot(&message, now, now), Action::Continue);
    for id in ids.iter().step_by(999) {
        assert_eq!(revoked(&follower, *id), Some(RevokedBy::Session));
    }
    let mut stream = house.stream("app", &resume(&follower)).await;
    let beat = house.read("app", &stream.next().await.unwrap().data);
    let action = follower.message(&beat, now);
    assert!(!matches!(action, Action::Resync(_)), "{action:?}");
}

#[tokio::test(start_paused = true)]
async fn slow_readers_of_long_snapshots_hold_up_no_short_one() {
    let house = House::new().await;
    log_sessions(&house, "app", 10_000);
    let room = house.plane.feed.snapshots.all_room();
    let refusal = house.get("app", "/feed/snapshot").await;
    assert_eq!(refusal.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refusal.headers()[RETRY_AFTER], "2");
    assert_eq!(told(&house.snapshot("other").await), 0);
    drop(room);
    assert_eq!(told(&house.snapshot("app").await), 10_000);
}
