//! Links by which a password is set: invitations and the set-up link.

use sealgate_store::{Accepted, RevokeReason, StoreError, UserChange, UserStatus};

use crate::world::{HOUR, World};

#[tokio::test]
async fn an_invitation_sets_the_password_once_and_replaces_the_accounts_earlier_link() {
    let world = World::new();
    let mut ada = world.user_row("ada@example.com");
    ada.password_hash = None;
    let (first, second) = (
        world.invitation(Some(ada.id)),
        world.invitation(Some(ada.id)),
    );
    let audit = world.audit("user.create");
    world
        .store
        .user_create(ada.clone(), Some(second.clone()), audit)
        .await
        .unwrap();
    let audit = world.audit("invitation.create");
    world
        .store
        .invitation_create(first.clone(), None, audit)
        .await
        .unwrap();
    assert_eq!(ada.status(), UserStatus::Invited);

    ada.password_hash = Some("chosen".to_owned());
    ada.name = "Ada L.".to_owned();
    for (link, expected) in [(&first, Accepted::Done), (&first, Accepted::Spent)] {
        let (sign_in, audit) = (world.sign_in_row(ada.id), world.audit("invitation.accept"));
        let accepted = world
            .store
            .invitation_accept(link.id, ada.clone(), sign_in.clone(), audit)
            .await;
        assert_eq!(accepted.unwrap(), expected);
        let stored = world.store.sign_in(sign_in.id).await.unwrap();
        assert_eq!(stored.is_some(), expected == Accepted::Done);
    }
    let (sign_in, audit) = (world.sign_in_row(ada.id), world.audit("invitation.accept"));
    let accepted = world
        .store
        .invitation_accept(second.id, ada.clone(), sign_in, audit)
        .await;
    assert_eq!(accepted.unwrap(), Accepted::Spent);
    let stored = world.store.user(ada.id).await.unwrap().unwrap();
    assert_eq!(
        (stored.status(), stored.name.as_str()),
        (UserStatus::Active, "Ada L.")
    );
    assert_eq!(
        world.actions().await,
        ["user.create", "invitation.create", "invitation.accept"]
    );
}

#[tokio::test]
async fn an_invitation_is_refused_when_expired_or_for_a_disabled_or_another_account() {
    let world = World::new();
    let (ada, bob) = (
        world.user("ada@example.com").await,
        world.user("bob@example.com").await,
    );
    let accept = async |link, user: &sealgate_store::UserRow| {
        let (sign_in, audit) = (world.sign_in_row(user.id), world.audit("invitation.accept"));
        world
            .store
            .invitation_accept(link, user.clone(), sign_in, audit)
            .await
    };
    let late = world.invitation(Some(ada.id));
    let audit = world.audit("invitation.create");
    world
        .store
        .invitation_create(late.clone(), None, audit.clone())
        .await
        .unwrap();
    assert!(matches!(
        accept(late.id, &bob).await,
        Err(StoreError::Invalid(_))
    ));
    assert_eq!(
        world
            .store
            .invitation(late.id)
            .await
            .unwrap()
            .unwrap()
            .used_at,
        None
    );
    world.clock.advance(72 * HOUR);
    assert_eq!(accept(late.id, &ada).await.unwrap(), Accepted::Spent);

    let link = world.invitation(Some(ada.id));
    world
        .store
        .invitation_create(link.clone(), None, audit)
        .await
        .unwrap();
    world
        .store
        .user_disable(ada.id, world.audit("user.disable"))
        .await
        .unwrap();
    assert_eq!(accept(link.id, &ada).await.unwrap(), Accepted::Spent);
    let unknown = world.invitation(None).id;
    assert_eq!(accept(unknown, &ada).await.unwrap(), Accepted::Spent);
}

#[tokio::test]
async fn a_set_up_link_replaces_the_earlier_one_and_makes_the_account() {
    let world = World::new();
    let (old, new) = (world.invitation(None), world.invitation(None));
    let other = world.user("bob@example.com").await;
    let invited = world.invitation(Some(other.id));
    for link in [&invited, &old, &new] {
        let audit = world.audit("invitation.create");
        world
            .store
            .invitation_create(link.clone(), None, audit)
            .await
            .unwrap();
    }
    assert!(world.store.invitation(old.id).await.unwrap().is_none());
    assert!(world.store.invitation(invited.id).await.unwrap().is_some());

    let taken = world.user_row("BOB@example.com");
    let (sign_in, audit) = (
        world.sign_in_row(taken.id),
        world.audit("invitation.accept"),
    );
    let refused = world
        .store
        .invitation_accept(new.id, taken, sign_in, audit)
        .await;
    assert!(matches!(
        refused,
        Err(StoreError::Conflict("e-mail address"))
    ));

    // The collision did not cost the link.
    let ada = world.user_row("ada@example.com");
    let (sign_in, audit) = (world.sign_in_row(ada.id), world.audit("invitation.accept"));
    let accepted = world
        .store
        .invitation_accept(new.id, ada.clone(), sign_in, audit)
        .await;
    assert_eq!(accepted.unwrap(), Accepted::Done);
    assert!(world.store.user(ada.id).await.unwrap().is_some());
}

#[tokio::test]
async fn setting_a_password_anew_ends_what_the_old_one_began_and_nobody_elses() {
    let world = World::new();
    let (mut ada, client, before, session, _) = world.story().await;
    let code = world.code(&before, &client.id).await;
    let bob = world.user("bob@example.com").await;
    let of_bob = world.sign_in(bob.id).await;
    let unharmed = world.session_from(&of_bob, &client.id).await.0;
    let link = world.invitation(Some(ada.id));
    let audit = world.audit("invitation.create");
    world
        .store
        .invitation_create(link.clone(), None, audit)
        .await
        .unwrap();
    ada.password_hash = Some("another".to_owned());
    let (sign_in, audit) = (world.sign_in_row(ada.id), world.audit("invitation.accept"));
    let accepted = world
        .store
        .invitation_accept(link.id, ada.clone(), sign_in.clone(), audit)
        .await;
    assert_eq!(accepted.unwrap(), Accepted::Done);
    let ended = async |id| world.store.sign_in(id).await.unwrap().unwrap().ended_at;
    assert_eq!(ended(before.id).await, Some(world.now()));
    assert_eq!(ended(sign_in.id).await, None);
    assert_eq!(
        world.session(session.id).await.revoked_for,
        Some(RevokeReason::PasswordReset)
    );
    let late = world.session_for(&code);
    assert_eq!(
        world.redeem(&code, &late, None).await.unwrap(),
        sealgate_store::Redeemed::Ended
    );
    assert_eq!(ended(of_bob.id).await, None);
    assert!(world.session(unharmed.id).await.revoked_at.is_none());
}

#[tokio::test]
async fn other_roles_or_a_disabling_take_unused_links_with_them() {
    let world = World::new();
    let ada = world.user("ada@example.com").await;
    let bob = world.user("bob@example.com").await;
    let of_bob = world.invitation(Some(bob.id));
    let audit = world.audit("invitation.create");
    let made = world.store.invitation_create(of_bob.clone(), None, audit);
    made.await.unwrap();
    let survives = async |roles: Option<&[&str]>| {
        let link = world.invitation(Some(ada.id));
        let audit = world.audit("invitation.create");
        let made = world.store.invitation_create(link.clone(), None, audit);
        made.await.unwrap();
        let audit = world.audit("user.change");
        let done = match roles {
            Some(roles) => {
                let change = UserChange {
                    roles: Some(roles.iter().map(|&role| role.to_owned()).collect()),
                    ..UserChange::default()
                };
                world.store.user_update(ada.id, change, audit).await
            }
            None => world.store.user_disable(ada.id, audit).await,
        };
        assert!(done.unwrap());
        world.store.invitation(link.id).await.unwrap().is_some()
    };
    assert!(!survives(Some(&["admin"])).await);
    assert!(survives(Some(&["admin"])).await);
    assert!(!survives(Some(&[])).await);
    assert!(!survives(None).await);
    let kept = world.store.invitation(of_bob.id).await.unwrap();
    assert!(kept.is_some());
}

#[tokio::test]
async fn what_was_judged_of_an_account_that_stands_otherwise_is_not_done() {
    let world = World::new();
    let ada = world.user("ada@example.com").await;
    let promote = UserChange {
        roles: Some(vec!["admin".to_owned()]),
        ..UserChange::default()
    };
    let audit = world.audit("user.update");
    let done = world.store.user_update(ada.id, promote, audit).await;
    assert!(done.unwrap());
    let records = world.records().await.len();

    let link = world.invitation(Some(ada.id));
    let audit = world.audit("invitation.create");
    let late = world
        .store
        .invitation_create(link.clone(), Some(ada.clone()), audit)
        .await;
    assert!(
        matches!(late, Err(StoreError::Conflict("user"))),
        "{late:?}"
    );
    assert!(world.store.invitation(link.id).await.unwrap().is_none());

    let change = UserChange {
        before: Some(ada.clone()),
        name: Some("Late".to_owned()),
        ..UserChange::default()
    };
    let audit = world.audit("user.update");
    let late = world.store.user_update(ada.id, change.clone(), audit).await;
    assert!(
        matches!(late, Err(StoreError::Conflict("user"))),
        "{late:?}"
    );
    assert_eq!(world.records().await.len(), records);
    let now = world.store.user(ada.id).await.unwrap();
    let audit = world.audit("user.update");
    let change = UserChange {
        before: now,
        ..change
    };
    let done = world.store.user_update(ada.id, change, audit).await;
    assert!(done.unwrap());
}
