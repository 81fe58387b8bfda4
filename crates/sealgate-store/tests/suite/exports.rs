//! Sinks: their names, their places, and what is recorded of them.

use sealgate_store::{NewSink, SinkPlaces, SinkSource, SinkStart, StoreError};

use crate::world::World;

fn new(name: &str, start: SinkStart) -> NewSink {
    NewSink {
        name: name.to_owned(),
        target: "{}".to_owned(),
        form: "jsonl".to_owned(),
        streams: vec!["acts".to_owned()],
        sealed: Some("v1.first".to_owned()),
        pause_after: None,
        start,
        places: SinkPlaces {
            audit: 0,
            allowed: 5,
            denied: 7,
        },
    }
}

#[tokio::test]
async fn a_sink_begins_with_its_own_record_or_with_the_first_and_has_a_name_of_its_own() {
    let world = World::new();
    let store = &world.store;
    let before = store.audit_head().await.unwrap();
    let create = async |name, start, most| {
        let audit = world.audit("sink.create");
        store.sink_create(new(name, start), most, audit).await
    };
    create("a", SinkStart::Now, 2).await.unwrap();
    assert_eq!(store.audit_head().await.unwrap(), before + 1);
    let places = store.sink("a").await.unwrap().unwrap().places;
    assert_eq!(
        (places.audit, places.allowed, places.denied),
        (before, 5, 7)
    );
    let known = create("a", SinkStart::Now, 2).await;
    assert!(
        matches!(known, Err(StoreError::Conflict("sink"))),
        "{known:?}"
    );
    create("b", SinkStart::Beginning, 2).await.unwrap();
    assert_eq!(store.sink("b").await.unwrap().unwrap().places.audit, 0);
    let full = create("c", SinkStart::Now, 2).await;
    assert!(
        matches!(full, Err(StoreError::TooMany("sinks"))),
        "{full:?}"
    );
    // What was refused left no record.
    assert_eq!(store.audit_head().await.unwrap(), before + 2);
}

#[tokio::test]
async fn a_place_moves_from_where_it_stood_and_passing_over_forgives_no_failure() {
    let world = World::new();
    let store = &world.store;
    let audit = world.audit("sink.create");
    store
        .sink_create(new("a", SinkStart::Beginning), 2, audit)
        .await
        .unwrap();
    let sink = store.sink("a").await.unwrap().unwrap();
    let now = world.now();
    let failed = store.sink_failed(sink.id, "sink_refused", now, now, None);
    failed.await.unwrap();
    let advance = |from, to, records| {
        store.sink_advance(sink.id, SinkSource::Audit, from, to, records, now, None)
    };
    assert!(advance(0, 1, 0).await.unwrap());
    let passed = store.sink("a").await.unwrap().unwrap();
    assert_eq!(
        (passed.places.audit, passed.failures, passed.delivered_at),
        (1, 1, None)
    );
    assert!(!advance(0, 9, 3).await.unwrap(), "it stands elsewhere");
    assert!(advance(1, 3, 2).await.unwrap());
    let moved = store.sink("a").await.unwrap().unwrap();
    assert_eq!(
        (moved.places.audit, moved.failures, moved.delivered),
        (3, 0, 2)
    );
    assert_eq!(moved.delivered_at, Some(now));
    assert_eq!(moved.last_error, Some(("sink_refused".to_owned(), now)));
    let elsewhere = store.sink_advance(sink.id, SinkSource::Denied, 7, 8, 1, now, None);
    assert!(elsewhere.await.unwrap());
    assert_eq!(store.sink("a").await.unwrap().unwrap().places.audit, 3);
}

#[tokio::test]
async fn secrets_are_replaced_by_whoever_has_seen_them_and_what_changes_nothing_is_not_recorded() {
    let world = World::new();
    let store = &world.store;
    let audit = || world.audit("sink.change");
    let sink = new("a", SinkStart::Now);
    store.sink_create(sink, 2, audit()).await.unwrap();
    let first = Some("v1.first".to_owned());
    let set =
        |before, sealed: &str| store.sink_set_secrets("a", before, sealed.to_owned(), audit());
    assert!(set(first.clone(), "v1.second").await.unwrap());
    let late = set(first, "v1.third").await;
    assert!(
        matches!(late, Err(StoreError::Conflict("sink"))),
        "{late:?}"
    );
    assert!(
        store
            .sink_pause("a", true, Some("sink_gone"), audit())
            .await
            .unwrap()
    );
    let head = store.audit_head().await.unwrap();
    assert!(!store.sink_pause("a", true, None, audit()).await.unwrap());
    assert!(!store.sink_remove("none", audit()).await.unwrap());
    assert_eq!(store.audit_head().await.unwrap(), head);
    let sink = store.sink("a").await.unwrap().unwrap();
    assert_eq!(
        (sink.paused, sink.pause_reason.as_deref()),
        (true, Some("sink_gone"))
    );
    assert!(store.sink_remove("a", audit()).await.unwrap());
    assert_eq!(store.sinks().await.unwrap(), []);
}
