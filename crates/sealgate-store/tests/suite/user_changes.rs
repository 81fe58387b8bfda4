//! Accounts changed by an administrator.

use sealgate_model::UserId;
use sealgate_store::{RevokeReason, Revoked, UserChange};

use crate::world::World;

#[tokio::test]
async fn a_change_touches_what_it_names_and_nothing_else() {
    let world = World::new();
    let (ada, _, sign_in, session, _) = world.story().await;
    let update = async |change| {
        let audit = world.audit("user.update");
        world
            .store
            .user_update(ada.id, change, audit)
            .await
            .unwrap()
    };
    let acme: sealgate_model::TenantId = "acme".parse().unwrap();
    assert!(
        update(UserChange {
            name: Some("Ada Lovelace".to_owned()),
            tenant: Some(Some(acme.clone())),
            ..UserChange::default()
        })
        .await
    );
    let kept = world.store.user(ada.id).await.unwrap().unwrap();
    assert_eq!(
        (kept.name.as_str(), kept.tenant.as_ref(), &kept.roles),
        ("Ada Lovelace", Some(&acme), &ada.roles)
    );
    assert_eq!(kept.password_hash, ada.password_hash);
    assert!(
        update(UserChange {
            roles: Some(vec!["admin".to_owned()]),
            ..UserChange::default()
        })
        .await
    );
    assert!(world.store.admin_exists().await.unwrap());
    assert!(
        update(UserChange {
            roles: Some(vec![]),
            tenant: Some(None),
            ..UserChange::default()
        })
        .await
    );
    let kept = world.store.user(ada.id).await.unwrap().unwrap();
    assert_eq!((kept.name.as_str(), kept.tenant), ("Ada Lovelace", None));
    assert!(kept.roles.is_empty());
    assert!(!world.store.admin_exists().await.unwrap());
    // Nobody was signed out by any of it.
    assert_eq!(world.fate(session.id).await, None);
    let stays = world.store.sign_in(sign_in.id).await.unwrap().unwrap();
    assert_eq!(stays.ended_at, None);
    let nobody = UserId::generate(world.now(), &world.random);
    let audit = world.audit("user.update");
    let none = world
        .store
        .user_update(nobody, UserChange::default(), audit);
    assert!(!none.await.unwrap());
    let actions = world.actions().await;
    let updates = actions.iter().filter(|action| *action == "user.update");
    assert_eq!(updates.count(), 3);
}

#[tokio::test]
async fn a_role_taken_away_with_signing_out_is_gone_everywhere_at_once() {
    let world = World::new();
    let (ada, client, sign_in, session, _) = world.story().await;
    let change = UserChange {
        roles: Some(vec![]),
        sign_out: Some(RevokeReason::Admin),
        ..UserChange::default()
    };
    let audit = world.audit("user.update");
    assert!(
        world
            .store
            .user_update(ada.id, change, audit)
            .await
            .unwrap()
    );
    assert_eq!(world.fate(session.id).await, Some(RevokeReason::Admin));
    let ended = world.store.sign_in(sign_in.id).await.unwrap().unwrap();
    assert_eq!(ended.ended_at, Some(world.now()));
    let log = world.log().await;
    let told: Vec<_> = log.iter().map(|entry| entry.what.clone()).collect();
    assert_eq!(told, [Revoked::Session(session.id), Revoked::User(ada.id)]);
    assert!(
        log.iter()
            .all(|entry| entry.client == Some(client.id.clone()))
    );
}
