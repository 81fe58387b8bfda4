//! One receiver that is slow, greedy or gone, and a store that fails, are nobody else's concern.

use tokio::time::Instant;

use super::push::{Workers, work_off};
use super::*;

impl House {
    /// A stream of `rp` that is pushed, with `count` events of as many users; its id.
    async fn owing(&self, count: usize) -> StreamId {
        let token = self.managing("rp").await;
        let asked = json!({ "delivery": push(), "events_requested": [REVOKED] });
        let id = self.stream(&token, asked).await;
        for number in 0..count {
            let user = self.user(&format!("user{number}@example.org")).await;
            let session = self.session(user, "rp").await;
            self.revoke(session).await;
        }
        id.parse().unwrap()
    }

    fn database(&self) -> rusqlite::Connection {
        let files = std::fs::read_dir(self.dir.path()).unwrap();
        let mut files = files.map(|file| file.unwrap().path());
        let file = files.find(|path| path.extension().is_some_and(|end| end == "db"));
        rusqlite::Connection::open(file.unwrap()).unwrap()
    }
}

#[tokio::test]
async fn a_receiver_that_is_down_is_left_alone_although_the_store_cannot_note_it() {
    let house = House::new().await;
    house.owing(1).await;
    house.outbound.set(TARGET, Ok(answer(503, "")));
    house
        .database()
        .execute_batch(
            "CREATE TRIGGER broken BEFORE UPDATE OF failures ON streams
             BEGIN SELECT RAISE(ABORT, 'broken'); END",
        )
        .unwrap();
    let mut workers = Workers::default();
    let due = async || {
        let store = &house.plane.store;
        store.streams_due(house.clock.now()).await.unwrap()
    };
    workers.start(&house.plane, &due().await);
    assert_eq!(workers.count(), 1);
    workers.finished().await.unwrap();
    assert_eq!(house.outbound.sent().len(), 1);
    let still = due().await;
    assert_eq!(still.len(), 1, "nothing was noted");
    workers.start(&house.plane, &still);
    assert_eq!(workers.count(), 0, "at once");
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(11)).await;
    workers.start(&house.plane, &still);
    assert_eq!(workers.count(), 1, "later");
}

#[tokio::test]
async fn a_receiver_that_takes_its_time_gives_up_its_place_after_a_while() {
    let house = House::new().await;
    let id = house.owing(6).await;
    let over = Instant::now();
    for sent in [4, 6] {
        work_off(&house.plane, id, over).await.unwrap();
        assert_eq!(house.outbound.sent().len(), sent, "some, and not for ever");
    }
    let stream = house.plane.store.stream(id).await.unwrap().unwrap();
    assert_eq!((stream.queued, stream.delivered), (0, 6));
}

#[tokio::test]
async fn no_signature_is_made_on_a_thread_that_serves_requests() {
    let house = House::new().await;
    let id = house.owing(8).await;
    let store = &house.plane.store;
    let stream = store.stream(id).await.unwrap().unwrap();
    let signals = store.signals(id, 8).await.unwrap();
    let epoch = store.epoch().await.unwrap();
    let done = std::cell::Cell::new(false);
    let sign = async {
        for signal in &signals {
            let made = render::token(&house.plane, &epoch, &stream, signal).await;
            assert!(made.unwrap().is_some());
        }
        done.set(true);
    };
    let others = async {
        let mut turns = 0;
        while !done.get() {
            turns += 1;
            tokio::task::yield_now().await;
        }
        turns
    };
    let ((), turns) = tokio::join!(sign, others);
    assert!(turns >= signals.len(), "{turns}");
}

#[tokio::test]
async fn two_polls_wait_on_one_stream_and_the_next_is_answered_at_once() {
    let signals = Signals::new();
    let stream = |byte| StreamId::from_bytes([byte; 16]);
    let one = signals.place(stream(1));
    let two = signals.place(stream(1));
    assert!(one.is_some() && two.is_some());
    assert!(signals.place(stream(1)).is_none());
    assert!(signals.place(stream(2)).is_some(), "another's");
    drop(one);
    assert!(signals.place(stream(1)).is_some());
    drop(two);
    assert_eq!(signals.polls.available_permits(), WAITING);
    assert!(signals.polled.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_poll_that_waits_is_told_nothing_once_its_client_is_disabled() {
    let house = House::new().await;
    let token = house.managing("rp").await;
    let id = house
        .stream(&token, json!({ "events_requested": [REVOKED] }))
        .await;
    let ada = house.user("ada@example.org").await;
    let session = house.session(ada, "rp").await;
    let path = format!("/ssf/poll/{id}");
    let poll = house.ask(Method::POST, &path, Some(&token), Some(json!({})));
    let disable = async {
        while house.plane.signals.polls.available_permits() == WAITING {
            tokio::task::yield_now().await;
        }
        let path = "/clients/rp/disable";
        house.operate(Method::POST, path, Value::Null).await.is(200);
        let path = format!("/sessions/{session}/revoke");
        house.operate(Method::POST, &path, Value::Null).await;
        house.plane.signals.wake();
    };
    let (told, ()) = tokio::join!(poll, disable);
    told.refused(403, "registration_withdrawn");
}

#[tokio::test]
async fn leaving_out_somebody_unknown_is_the_same_work_as_leaving_out_a_user() {
    let house = House::new().await;
    let token = house.managing("rp").await;
    let id = house.stream(&token, json!({})).await;
    house.user("ada@example.org").await;
    let mut written = Vec::new();
    for email in ["ada@example.org", "nobody@example.org"] {
        for verb in ["remove", "remove", "add", "add"] {
            let subject = json!({ "format": "email", "email": email });
            let body = json!({ "stream_id": id, "subject": subject });
            let path = format!("/ssf/subjects/{verb}");
            let seen = house.ask(Method::POST, &path, Some(&token), Some(body));
            let status = seen.await.status;
            let removed = house.records("stream.remove_subject").await.len();
            let added = house.records("stream.add_subject").await.len();
            written.push((status, removed, added));
        }
    }
    let of_ada = [(204, 1, 0), (204, 1, 0), (200, 1, 1), (200, 1, 1)];
    let of_nobody = of_ada.map(|(status, removed, added)| (status, removed + 1, added + 1));
    assert_eq!(written[..4], of_ada);
    // A place is taken and given back, on record, as of somebody who is here.
    assert_eq!(written[4], (204, 2, 1));
    assert_eq!(written[5], (204, 2, 1));
    assert_eq!(written[6..], of_nobody[2..]);
}

#[tokio::test]
async fn an_event_is_signed_with_a_published_key_after_a_rotation_and_a_revocation() {
    let house = House::new().await;
    house.owing(1).await;
    let rsa = || -> Vec<String> {
        let set: Value = serde_json::from_slice(&house.plane.keys.jwks()).unwrap();
        let keys = set["keys"].as_array().unwrap().iter();
        keys.filter(|key| key["alg"] == "RS256")
            .map(|key| key["kid"].as_str().unwrap().to_owned())
            .collect()
    };
    push::round(&house.plane).await.unwrap();
    let used = || {
        let sent = house.outbound.sent();
        let (_, _, token) = sent.last().unwrap().text.clone().unwrap();
        // Under the keys that are published now.
        house.verified(&token);
        jsonwebtoken::decode_header(&token).unwrap().kid.unwrap()
    };
    let mut seen = vec![used()];
    let verify = async || {
        house.clock.advance(Duration::from_secs(60));
        let streams = house.plane.store.streams(None).await.unwrap();
        let asked = house.plane.store.stream_verify(
            streams[0].id,
            None,
            Duration::from_secs(30),
            house.audit(),
        );
        asked.await.unwrap();
        push::round(&house.plane).await.unwrap();
    };
    let rotated = house.plane.keys.rotate(None, true, house.audit()).await;
    rotated.unwrap();
    verify().await;
    seen.push(used());
    // Every one that there is: the next as well.
    for kid in rsa() {
        let path = format!("/keys/{kid}/revoke");
        house
            .operate(Method::POST, &path, Value::Null)
            .await
            .is(200);
    }
    verify().await;
    seen.push(used());
    seen.dedup();
    assert_eq!(seen.len(), 3, "{seen:?}");
}

#[tokio::test]
async fn a_query_that_names_two_streams_is_refused_with_a_reason() {
    let house = House::new().await;
    let token = house.managing("rp").await;
    for path in ["streams", "status"] {
        let path = format!("/ssf/{path}?stream_id=a&stream_id=b");
        house
            .ask(Method::GET, &path, Some(&token), None)
            .await
            .refused(400, "query_malformed");
    }
}
