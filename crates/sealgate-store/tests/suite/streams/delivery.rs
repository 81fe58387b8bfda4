//! Streams whose receiver is asked, cannot be reached or is silent.

use sealgate_model::StreamId;
use sealgate_store::{PushTarget, SignalKind, Verification};

use crate::world::{DAY, HOUR, MINUTE, World};

#[tokio::test]
async fn a_verification_is_queued_every_so_often() {
    let world = World::new();
    let client = world.client("rp").await;
    let stream = world.stream(&client.id, |_| {}).await;
    let verify = async || {
        let audit = world.audit("stream.verify");
        let state = Some("s".to_owned());
        let verify = world.store.stream_verify(stream.id, state, MINUTE, audit);
        verify.await.unwrap()
    };
    assert_eq!(verify().await, Verification::Queued);
    world.clock.advance(MINUTE / 2);
    assert_eq!(verify().await, Verification::TooSoon(30_000));
    world.clock.advance(MINUTE / 2);
    assert_eq!(verify().await, Verification::Queued);
    // A clock that is set back bars nobody for longer than the interval.
    world.clock.step_wall_clock(world.now() - DAY);
    assert_eq!(verify().await, Verification::TooSoon(60_000));
    let owed = world.owed(&stream).await;
    assert_eq!(owed.len(), 2);
    assert_eq!(owed[0].details, Some(serde_json::json!({ "state": "s" })));
}

#[tokio::test]
async fn a_failed_push_waits_and_what_is_too_old_goes_on_record() {
    let world = World::new();
    let client = world.client("rp").await;
    let stream = world
        .stream(&client.id, |stream| {
            stream.config.push = Some(PushTarget {
                url: "https://rp.example/".to_owned(),
                sealed_authorization: None,
            });
        })
        .await;
    let ada = world.user("ada@example.com").await;
    world.ended(ada.id, &client.id).await;
    let due = async || world.store.streams_due(world.now()).await.unwrap().len();
    assert_eq!(due().await, 1);
    let (now, later) = (world.now(), world.now() + MINUTE);
    let failed = world
        .store
        .stream_failed(stream.id, "outbound_timed_out", later, now);
    failed.await.unwrap();
    assert_eq!(due().await, 0);
    world.clock.advance(HOUR);
    assert_eq!(due().await, 1);
    let stored = world.store.stream(stream.id).await.unwrap().unwrap();
    assert_eq!(
        (stored.failures, stored.last_error),
        (1, Some(("outbound_timed_out".to_owned(), now)))
    );
    let audit = world.audit("signal.deliver");
    let dropped = world
        .store
        .signals_expire(world.now(), audit)
        .await
        .unwrap();
    assert_eq!(dropped, 2);
    assert_eq!(world.kinds(&stream).await, [SignalKind::StreamUpdated]);
    let record = world.records().await.pop().unwrap();
    assert_eq!(
        (record.action.as_str(), record.count, record.object),
        ("signal.deliver", 2, Some(stream.id.to_string()))
    );
}

#[tokio::test]
async fn a_silent_receiver_is_found_by_the_stream_that_allows_no_silence() {
    let world = World::new();
    let client = world.client("rp").await;
    let strict = world
        .stream(&client.id, |stream| stream.inactivity = Some(3600))
        .await;
    world.stream(&client.id, |_| {}).await;
    let idle = async || -> Vec<StreamId> {
        let idle = world.store.streams_idle(world.now()).await.unwrap();
        idle.into_iter().map(|stream| stream.id).collect()
    };
    world.clock.advance(HOUR);
    assert_eq!(idle().await, []);
    world.clock.advance(MINUTE);
    assert_eq!(idle().await, [strict.id]);
    world
        .store
        .stream_heard(strict.id, world.now())
        .await
        .unwrap();
    assert_eq!(idle().await, []);
}

#[tokio::test]
async fn a_clock_that_is_set_back_holds_up_nothing() {
    let world = World::new();
    let client = world.client("rp").await;
    let stream = world
        .stream(&client.id, |stream| {
            stream.config.push = Some(PushTarget {
                url: "https://rp.example/".to_owned(),
                sealed_authorization: None,
            });
        })
        .await;
    let ada = world.user("ada@example.com").await;
    world.ended(ada.id, &client.id).await;
    let due = async |now| world.store.streams_due(now).await.unwrap().len();
    let now = world.now();
    assert_eq!(due(now - MINUTE).await, 1, "nothing has failed");
    assert_eq!(due(now - HOUR - HOUR).await, 1);
    let next = now + MINUTE;
    let failed = world.store.stream_failed(stream.id, "x", next, now);
    failed.await.unwrap();
    assert_eq!(due(now).await, 0);
    assert_eq!(due(now - MINUTE).await, 0, "the pause is kept");
    assert_eq!(due(now - HOUR).await, 1, "but never for a day");
}
