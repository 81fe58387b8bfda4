//! Identity systems that are listened to, and the places of tokens in status lists.

use std::collections::BTreeSet;
use std::time::Duration;

use sealgate_host::{FakeRandom, sha256};
use sealgate_model::TransmitterId;
use sealgate_store::{Listed, ListedDetails, ListedPlace, Poll, StoreError, Transmitter};

use crate::world::{HOUR, World};

fn transmitter(world: &World, issuer: &str) -> Transmitter {
    Transmitter {
        id: TransmitterId::generate(world.now(), &FakeRandom::default()),
        name: "Corp".to_owned(),
        issuer: issuer.to_owned(),
        jwks_uri: "https://corp.example/jwks".to_owned(),
        audience: "https://id.example".to_owned(),
        domains: vec!["corp.example".to_owned()],
        may_disable: true,
        push_secret: Some(sha256(b"secret")),
        poll: Some(Poll {
            url: "https://corp.example/poll".to_owned(),
            sealed_token: "sealed".to_owned(),
        }),
        created_at: world.now(),
    }
}

#[tokio::test]
async fn a_transmitter_is_kept_as_it_is_and_its_issuer_is_known_once() {
    let world = World::new();
    let first = transmitter(&world, "https://a.example");
    world.clock.advance(HOUR);
    let second = Transmitter {
        push_secret: None,
        poll: None,
        ..transmitter(&world, "https://b.example")
    };
    let create = async |one: &Transmitter| {
        let audit = world.audit("transmitter.create");
        world.store.transmitter_create(one.clone(), audit).await
    };
    create(&second).await.unwrap();
    create(&first).await.unwrap();
    let twice = Transmitter {
        id: second.id,
        ..first.clone()
    };
    assert!(matches!(create(&twice).await, Err(StoreError::Conflict(_))));
    let all = world.store.transmitters().await.unwrap();
    assert_eq!(all, [first.clone(), second]);
    assert_eq!(
        world.store.transmitter(first.id).await.unwrap(),
        Some(first.clone())
    );
    let remove = || {
        world
            .store
            .transmitter_remove(first.id, world.audit("transmitter.remove"))
    };
    assert!(remove().await.unwrap());
    assert!(!remove().await.unwrap());
    assert_eq!(world.store.transmitter(first.id).await.unwrap(), None);
}

#[tokio::test]
async fn an_event_is_taken_once_and_remembered_longer_than_it_can_be_taken() {
    let world = World::new();
    let one = transmitter(&world, "https://a.example");
    let audit = world.audit("transmitter.create");
    world
        .store
        .transmitter_create(one.clone(), audit)
        .await
        .unwrap();
    let take = || {
        world
            .store
            .event_take(one.id, [7; 32], world.audit("signal.receive"))
    };
    let heard = || world.store.event_heard(one.id, [7; 32]);
    assert!(!heard().await.unwrap());
    assert!(take().await.unwrap());
    assert!(heard().await.unwrap());
    assert!(!take().await.unwrap());
    for (days, known) in [(7, true), (2, false)] {
        world.clock.advance(Duration::from_secs(days * 24 * 3600));
        world.store.sweep(world.now()).await.unwrap();
        assert_eq!(heard().await.unwrap(), known, "{days}");
    }
    // What was heard goes with who said it.
    assert!(take().await.unwrap());
    let audit = world.audit("transmitter.remove");
    assert!(world.store.transmitter_remove(one.id, audit).await.unwrap());
    assert!(!heard().await.unwrap());
}

#[tokio::test]
async fn places_are_given_once_and_end_with_their_tokens() {
    let world = World::new();
    let listed = |jti: &str| Listed {
        details: ListedDetails {
            jti: jti.to_owned(),
            client: "app".parse().unwrap(),
            acting: Vec::new(),
            user: None,
            session: None,
            tenant: Some("acme".parse().unwrap()),
            grants: Vec::new(),
        },
        issued_at: world.now(),
        expires_at: world.now() + HOUR,
    };
    assert_eq!(world.store.listed(0, world.now()).await.unwrap(), None);
    let mut places = BTreeSet::new();
    for number in 0..200_u64 {
        // Seeds that come twice lead to other places.
        let token = listed(&number.to_string());
        let place = world.store.listed_add(token, number / 2).await.unwrap();
        assert_eq!(place.list, 0);
        assert!(place.idx < ListedPlace::SIZE);
        assert!(places.insert(place.idx), "{number}");
    }
    let all = world.store.listed(0, world.now()).await.unwrap().unwrap();
    assert_eq!(
        all.iter().map(|(idx, _)| *idx).collect::<BTreeSet<_>>(),
        places
    );
    assert_eq!(
        all.iter()
            .filter(|(_, token)| token.details.jti == "7")
            .count(),
        1
    );
    assert_eq!(world.store.status_lists(world.now()).await.unwrap(), [0]);
    world.clock.advance(HOUR);
    assert_eq!(
        world.store.listed(0, world.now()).await.unwrap(),
        Some(Vec::new())
    );
    assert!(
        world
            .store
            .status_lists(world.now())
            .await
            .unwrap()
            .is_empty()
    );
    world.clock.advance(HOUR);
    let swept = world.store.sweep(world.now()).await.unwrap();
    assert!(swept.rows.contains(&("listed_tokens", 200)), "{swept:?}");
}
