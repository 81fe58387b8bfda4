//! Versions of the policies: each is later than all before, is told to every gate with the act, and repeats no number.

use std::time::Duration;

use sealgate_model::Timestamp;
use sealgate_store::{NewPolicy, PolicyApplied, PolicyVersion, Revoked, StoreError};

use crate::world::{DAY, HOUR, World};

fn new(text: &str) -> NewPolicy {
    NewPolicy {
        document: text.to_owned(),
        digest: format!("{text:0>64}"),
        before: None,
        note: Some(format!("as {text} says")),
        repeats: None,
    }
}

async fn apply(world: &World, text: &str) -> PolicyVersion {
    match apply_new(world, new(text)).await.unwrap() {
        PolicyApplied::Applied(version) => version,
        other => panic!("{other:?}"),
    }
}

async fn apply_new(world: &World, new: NewPolicy) -> Result<PolicyApplied, StoreError> {
    world
        .store
        .policy_apply(new, world.audit("policy.apply"))
        .await
}

/// The moments that gates are told of, and until when.
async fn told(world: &World) -> Vec<(Timestamp, Timestamp)> {
    let log = world.log().await.into_iter();
    log.filter(|row| row.what == Revoked::Policy)
        .inspect(|row| assert_eq!(row.client, None, "every client hears of it"))
        .map(|row| (row.at, row.expires_at))
        .collect()
}

#[tokio::test]
async fn a_version_is_told_in_the_act_that_applies_it() {
    let world = World::new();
    assert_eq!(world.store.policy_current().await.unwrap(), None);
    let first = apply(&world, "a").await;
    assert_eq!((first.version, first.made_at), (1, world.now()));
    assert_eq!((first.by.as_str(), first.bytes), ("operator", 1));
    let tick = Duration::from_millis(1);
    assert_eq!(told(&world).await[0].0, first.made_at - tick);
    let second = apply(&world, "b").await;
    // What was made at the same moment is the one before, and counts no more.
    assert_eq!(second.made_at, first.made_at + tick);
    assert_eq!(told(&world).await[1].0, first.made_at);
    let current = world.store.policy_current().await.unwrap().unwrap();
    assert_eq!((current.version, current.document.as_str()), (second, "b"));
    let records = world.store.audit_after(0, 10).await.unwrap();
    let objects: Vec<_> = records
        .iter()
        .map(|record| record.object.as_deref())
        .collect();
    assert_eq!(objects, [Some("1"), Some("2")]);
}

#[tokio::test]
async fn a_clock_that_is_set_back_makes_no_earlier_version() {
    let world = World::new();
    world.clock.advance(DAY);
    let first = apply(&world, "a").await;
    world
        .clock
        .step_wall_clock(Timestamp::from_seconds(1_800_000_000));
    let second = apply(&world, "b").await;
    assert!(second.made_at > first.made_at);
    let moments = told(&world).await;
    assert!(moments[1].0 >= first.made_at && moments[1].0 < second.made_at);
}

#[tokio::test]
async fn what_says_the_same_or_comes_too_late_changes_nothing() {
    let world = World::new();
    let first = apply(&world, "a").await;
    let head = world.store.revocation_head().await.unwrap();
    let same = apply_new(&world, new("a")).await.unwrap();
    assert_eq!(same, PolicyApplied::Unchanged(first));
    for before in [0, 2] {
        let late = NewPolicy {
            before: Some(before),
            ..new("b")
        };
        assert_eq!(
            apply_new(&world, late).await.unwrap(),
            PolicyApplied::Outdated(1)
        );
    }
    assert_eq!(world.store.revocation_head().await.unwrap(), head);
    assert_eq!(world.store.audit_after(0, 10).await.unwrap().len(), 1);
    let right = NewPolicy {
        before: Some(1),
        repeats: Some(1),
        ..new("b")
    };
    match apply_new(&world, right).await.unwrap() {
        PolicyApplied::Applied(version) => {
            assert_eq!((version.version, version.repeats), (2, Some(1)));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_newest_word_is_kept_for_ever_and_older_ones_are_let_go_of() {
    let world = World::new();
    apply(&world, "a").await;
    apply(&world, "b").await;
    let [first, second] = told(&world).await.try_into().unwrap();
    assert!(first.1 < world.now() + DAY * 2 && second.1 > world.now() + DAY * 365 * 100);
    world.clock.advance(DAY * 3);
    world.store.sweep(world.now()).await.unwrap();
    assert_eq!(told(&world).await, [second]);
    // Numbers and moments go on all the same.
    let third = apply(&world, "c").await;
    assert_eq!(third.version, 3);
}

#[tokio::test]
async fn the_newest_thousand_versions_are_kept() {
    let world = World::new();
    for number in 0..1_003 {
        apply(&world, &number.to_string()).await;
    }
    let all = world.store.policies(None, 2_000).await.unwrap();
    let numbers: Vec<_> = all.iter().map(|version| version.version).collect();
    assert_eq!((numbers.len(), numbers[0], numbers[999]), (1_000, 1_003, 4));
    assert!(numbers.is_sorted_by(|one, other| one > other));
    let page = world.store.policies(Some(1_001), 2).await.unwrap();
    assert_eq!(
        page.iter()
            .map(|version| version.version)
            .collect::<Vec<_>>(),
        [1_000, 999]
    );
    assert_eq!(world.store.policy(3).await.unwrap(), None);
    assert_eq!(world.store.policy(u64::MAX).await.unwrap(), None);
    assert_eq!(world.store.policy(4).await.unwrap().unwrap().document, "3");
}

#[tokio::test]
async fn notes_and_documents_have_their_limits() {
    let world = World::new();
    let long = |document: usize, note: usize| NewPolicy {
        document: "x".repeat(document),
        note: Some("n".repeat(note)),
        ..new("a")
    };
    for (document, note) in [(0, 1), (380 * 1024 + 1, 1), (1, 501)] {
        let refused = apply_new(&world, long(document, note)).await;
        assert!(
            matches!(refused, Err(StoreError::Invalid(_))),
            "{document} {note}"
        );
    }
    assert!(apply_new(&world, long(380 * 1024, 500)).await.is_ok());
    world.clock.advance(HOUR);
}
