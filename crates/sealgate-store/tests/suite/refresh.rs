//! Refresh tokens: one winner, and nobody signed out for losing.

use std::sync::Arc;

use sealgate_model::RefreshId;
use sealgate_store::{RevokeReason, Rotated, StoreError};

use crate::world::{DAY, MINUTE, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_rotations_of_one_token_have_one_winner_and_the_losers_get_its_answer() {
    let world = World::new();
    let (.., session, first) = world.story().await;
    world.clock.advance(5 * MINUTE);
    let racers: Vec<_> = (0..50)
        .map(|number| {
            let store = Arc::clone(&world.store);
            let (id, successor) = (first.id, world.token(&session, 1));
            let audit = world.audit("session.renew");
            tokio::spawn(async move {
                let answer = format!("answer {number}");
                let id_of_successor = successor.id;
                let rotated = store
                    .refresh_rotate(id, successor, answer.clone(), audit)
                    .await;
                (answer, id_of_successor, rotated.unwrap())
            })
        })
        .collect();
    let (mut winners, mut answers, mut successors) = (Vec::new(), Vec::new(), Vec::new());
    for racer in racers {
        let (own, successor, rotated) = racer.await.unwrap();
        successors.push(successor);
        match rotated {
            Rotated::Won => winners.push((own, successor)),
            Rotated::Lost(token) => {
                assert_eq!((token.id, token.used_at), (first.id, Some(world.now())));
                answers.push(token.answer.unwrap());
            }
            Rotated::Ended => panic!("the session is alive"),
        }
    }
    assert_eq!((winners.len(), answers.len()), (1, 49));
    let (answer, winner) = winners.remove(0);
    assert!(answers.iter().all(|given| *given == answer));
    for successor in successors {
        let stored = world.store.refresh_token(successor).await.unwrap();
        assert_eq!(stored.is_some(), successor == winner);
    }
    assert_eq!(world.session(session.id).await.renewed_at, world.now());
    let renewals = world
        .actions()
        .await
        .iter()
        .filter(|action| *action == "session.renew")
        .count();
    assert_eq!(renewals, 1);
}

#[tokio::test]
async fn a_token_comes_back_as_it_was_stored() {
    let world = World::new();
    let (.., first) = world.story().await;
    let found = world.store.refresh_token(first.id).await.unwrap().unwrap();
    assert_eq!(format!("{found:?}"), format!("{first:?}"));
    assert_eq!(found.secret_hash, first.secret_hash);
    let unknown = RefreshId::generate(world.now(), &world.random);
    assert!(world.store.refresh_token(unknown).await.unwrap().is_none());
}

#[tokio::test]
async fn a_chain_of_rotations_continues_from_the_successor() {
    let world = World::new();
    let (.., session, mut last) = world.story().await;
    for generation in 1..=3 {
        world.clock.advance(5 * MINUTE);
        let next = world.token(&session, generation);
        assert!(matches!(
            world.rotate(last.id, next.clone()).await,
            Rotated::Won
        ));
        last = next;
    }
    let stored = world.store.refresh_token(last.id).await.unwrap().unwrap();
    assert_eq!(
        (stored.generation, stored.used_at, stored.answer),
        (3, None, None)
    );
}

#[tokio::test]
async fn a_revoked_or_expired_session_rotates_nothing_and_replays_nothing() {
    let world = World::new();
    let (_, client, sign_in, revoked, first) = world.story().await;
    let second = world.token(&revoked, 1);
    world.rotate(first.id, second.clone()).await;
    let audit = world.audit("session.revoke");
    world
        .store
        .session_revoke(revoked.id, RevokeReason::Admin, audit)
        .await
        .unwrap();
    let (expired, its_first) = world.session_from(&sign_in, &client.id).await;

    // The spent token, whose answer is kept, and its unspent successor.
    for id in [first.id, second.id] {
        assert!(matches!(
            world.rotate(id, world.token(&revoked, 2)).await,
            Rotated::Ended
        ));
    }
    world.clock.advance(DAY);
    let late = world.token(&expired, 1);
    assert!(matches!(
        world.rotate(its_first.id, late).await,
        Rotated::Ended
    ));
    let unknown = RefreshId::generate(world.now(), &world.random);
    assert!(matches!(
        world.rotate(unknown, world.token(&expired, 1)).await,
        Rotated::Ended
    ));

    for token in [&second, &its_first] {
        let stored = world.store.refresh_token(token.id).await.unwrap().unwrap();
        assert_eq!(stored.used_at, None);
    }
    assert_eq!(
        world.session(expired.id).await.renewed_at,
        expired.renewed_at
    );
}

#[tokio::test]
async fn a_successor_stays_in_its_family() {
    let world = World::new();
    let (_, client, sign_in, session, first) = world.story().await;
    let (other, _) = world.session_from(&sign_in, &client.id).await;
    let audit = world.audit("session.renew");
    let stray = world.token(&other, 1);
    let refused = world
        .store
        .refresh_rotate(first.id, stray, String::new(), audit)
        .await;
    assert!(
        matches!(refused, Err(StoreError::Invalid(_))),
        "{refused:?}"
    );
    assert!(matches!(
        world.rotate(first.id, world.token(&session, 1)).await,
        Rotated::Won
    ));
}

#[tokio::test]
async fn a_token_is_read_together_with_what_decides_on_it() {
    let world = World::new();
    let (user, _, _, session, first) = world.story().await;
    let state = world.store.refresh_state(first.id).await.unwrap().unwrap();
    assert_eq!(format!("{:?}", state.token), format!("{first:?}"));
    assert_eq!(format!("{:?}", state.session), format!("{session:?}"));
    assert_eq!((state.user.id, state.user.roles), (user.id, user.roles));
    world.rotate(first.id, world.token(&session, 1)).await;
    let state = world.store.refresh_state(first.id).await.unwrap().unwrap();
    assert_eq!(state.token.answer.as_deref(), Some("sealed answer"));
    let none = sealgate_model::RefreshId::generate(world.now(), &world.random);
    assert!(world.store.refresh_state(none).await.unwrap().is_none());
}
