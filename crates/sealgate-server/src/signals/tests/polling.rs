//! Events that a receiver takes by polling (RFC 8936).

use super::*;

struct Polled {
    sets: Vec<(String, Value)>,
    more: bool,
}

impl House {
    async fn poll(&self, token: &str, stream: &str, asked: Value) -> Polled {
        let path = format!("/ssf/poll/{stream}");
        let seen = self
            .ask(Method::POST, &path, Some(token), Some(asked))
            .await;
        let body = seen.is(200);
        let sets = body["sets"].as_object().unwrap();
        let mut sets: Vec<_> = sets
            .iter()
            .map(|(jti, token)| (jti.clone(), self.verified(token.as_str().unwrap())))
            .collect();
        sets.sort_by_key(|(jti, _)| {
            let number = jti.rsplit('.').next().unwrap();
            number.parse::<u64>().unwrap()
        });
        assert!(sets.iter().all(|(jti, set)| set["jti"] == *jti));
        Polled {
            sets,
            more: body["moreAvailable"].as_bool().unwrap(),
        }
    }
}

const NOW_OR_NOT: &str = "returnImmediately";

#[tokio::test]
async fn events_come_until_they_are_acknowledged() {
    let house = House::new().await;
    let token = house.managing("rp").await;
    let id = house
        .stream(&token, json!({ "events_requested": [REVOKED] }))
        .await;
    let ada = house.user("ada@example.org").await;
    let mut ended = Vec::new();
    for _ in 0..5 {
        let session = house.session(ada, "rp").await;
        house.revoke(session).await;
        ended.push(session.to_string());
    }
    let first = house
        .poll(&token, &id, json!({ NOW_OR_NOT: true, "maxEvents": 2 }))
        .await;
    assert!(first.more);
    let again = house
        .poll(&token, &id, json!({ NOW_OR_NOT: true, "maxEvents": 2 }))
        .await;
    assert_eq!(
        first.sets, again.sets,
        "what is not acknowledged comes again"
    );
    let ack: Vec<_> = first.sets.iter().map(|(jti, _)| jti.clone()).collect();
    let rest = house
        .poll(&token, &id, json!({ NOW_OR_NOT: true, "ack": ack }))
        .await;
    assert!(!rest.more);
    let told: Vec<_> = first
        .sets
        .iter()
        .chain(&rest.sets)
        .map(|(_, set)| set["sub_id"]["session"]["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(told, ended, "in order");

    // Nothing is asked for, and one is refused: it does not come again, and is on record.
    let refused = &rest.sets[0].0;
    let errors = json!({ refused: { "err": "invalid_request", "description": "what?" } });
    let none = house
        .poll(&token, &id, json!({ "maxEvents": 0, "setErrs": errors }))
        .await;
    assert!(none.sets.is_empty() && none.more);
    let left = house.poll(&token, &id, json!({ NOW_OR_NOT: true })).await;
    assert_eq!(left.sets.len(), 2);
    assert_eq!(house.records("signal.deliver").await.len(), 1);
    let stream = house
        .plane
        .store
        .stream(id.parse().unwrap())
        .await
        .unwrap()
        .unwrap();
    assert_eq!((stream.queued, stream.delivered, stream.dropped), (2, 2, 1));
}

#[tokio::test]
async fn an_acknowledgement_of_something_else_changes_nothing() {
    let house = House::new().await;
    let (one, other) = (house.managing("one").await, house.managing("other").await);
    let (mine, theirs) = (
        house
            .stream(&one, json!({ "events_requested": [REVOKED] }))
            .await,
        house
            .stream(&other, json!({ "events_requested": [REVOKED] }))
            .await,
    );
    let ada = house.user("ada@example.org").await;
    let session = house.session(ada, "one").await;
    house.revoke(session).await;
    let event = house.poll(&one, &mine, json!({ NOW_OR_NOT: true })).await;
    let jti = event.sets[0].0.clone();
    assert!(
        house
            .poll(&other, &theirs, json!({ NOW_OR_NOT: true, "ack": [jti] }))
            .await
            .sets
            .is_empty()
    );
    for ack in [
        "",
        "1",
        ".1",
        "a.b.1",
        &jti.replace(".1", ".01"),
        &format!("{jti}0"),
    ] {
        let left = house
            .poll(&one, &mine, json!({ NOW_OR_NOT: true, "ack": [ack] }))
            .await;
        assert_eq!(left.sets.len(), 1, "{ack:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_poll_waits_for_half_a_minute_at_the_most() {
    let house = House::new().await;
    let token = house.managing("rp").await;
    let id = house
        .stream(&token, json!({ "events_requested": [REVOKED] }))
        .await;
    let began = tokio::time::Instant::now();
    assert!(house.poll(&token, &id, json!({})).await.sets.is_empty());
    let waited = began.elapsed();
    assert!(
        (Duration::from_secs(30)..Duration::from_secs(33)).contains(&waited),
        "{waited:?}"
    );
}

#[tokio::test]
async fn a_poll_that_waits_is_answered_as_soon_as_there_is_an_event() {
    let house = House::new().await;
    let token = house.managing("rp").await;
    let asked = json!({ "events_requested": [REVOKED] });
    let id = house.stream(&token, asked).await;
    let ada = house.user("ada@example.org").await;
    let session = house.session(ada, "rp").await;
    let waiting = house.poll(&token, &id, json!({}));
    let both = async { tokio::join!(waiting, house.revoke(session)) };
    let (polled, ()) = tokio::time::timeout(Duration::from_secs(5), both)
        .await
        .unwrap();
    assert_eq!(polled.sets.len(), 1);
}

#[tokio::test]
async fn a_shutdown_ends_a_poll_that_waits() {
    let house = House::new().await;
    let token = house.managing("rp").await;
    let id = house.stream(&token, json!({})).await;
    let closing = async { house.plane.feed.close() };
    let (polled, ()) = tokio::join!(house.poll(&token, &id, json!({})), closing);
    assert!(polled.sets.is_empty());
}

#[tokio::test]
async fn a_stream_that_is_pushed_is_not_polled() {
    let house = House::new().await;
    let token = house.managing("rp").await;
    let id = house.stream(&token, json!({ "delivery": push() })).await;
    let path = format!("/ssf/poll/{id}");
    house
        .ask(Method::POST, &path, Some(&token), Some(json!({})))
        .await
        .refused(400, "signal_stream_pushed");
    house
        .ask(
            Method::POST,
            "/ssf/poll/none",
            Some(&token),
            Some(json!({})),
        )
        .await
        .refused(404, "signal_stream_unknown");
}
