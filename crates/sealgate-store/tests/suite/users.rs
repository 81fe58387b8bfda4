//! Accounts: found, listed, disabled and enabled.

use sealgate_store::{Page, RevokeReason, Revoked, StoreError, UserStatus};

use crate::world::{DAY, HOUR, MINUTE, World};

#[tokio::test]
async fn an_address_is_one_account_whatever_its_case() {
    let world = World::new();
    let ada = world.user("Ada.Lovelace@Example.com").await;
    for taken in ["ada.lovelace@example.com", "  ADA.LOVELACE@EXAMPLE.COM "] {
        let again = world.user_row(taken);
        let refused = world
            .store
            .user_create(again, None, world.audit("user.create"))
            .await;
        assert!(
            matches!(refused, Err(StoreError::Conflict("e-mail address"))),
            "{refused:?}"
        );
        let found = world.store.user_by_email(taken).await.unwrap().unwrap();
        assert_eq!(
            (found.id, found.email.as_str()),
            (ada.id, "Ada.Lovelace@Example.com")
        );
    }
    world.user("ÅSA@example.com").await;
    assert!(
        world
            .store
            .user_by_email("åsa@example.com")
            .await
            .unwrap()
            .is_some()
    );
    assert!(
        world
            .store
            .user_by_email("asa@example.com")
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(world.actions().await, ["user.create", "user.create"]);
}

#[tokio::test]
async fn an_account_comes_back_as_it_was_stored() {
    let world = World::new();
    let mut ada = world.user_row("ada@example.com");
    ada.roles = vec!["admin".to_owned(), "\"quoted\", role".to_owned()];
    ada.name = "Ada, Gräfin Lovelace".to_owned();
    world
        .store
        .user_create(ada.clone(), None, world.audit("user.create"))
        .await
        .unwrap();
    let found = world.store.user(ada.id).await.unwrap().unwrap();
    assert_eq!((found.roles, found.name), (ada.roles, ada.name));
    assert_eq!(
        (found.password_hash, found.created_at),
        (ada.password_hash, ada.created_at)
    );
    assert_eq!(found.disabled_at, None);
}

#[tokio::test]
async fn accounts_are_listed_oldest_first_in_pages() {
    let world = World::new();
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(world.user(&format!("user{number}@example.com")).await.id);
        world.clock.advance(MINUTE);
    }
    let mut seen = Vec::new();
    let mut page = Page {
        after: None,
        limit: 2,
    };
    loop {
        let users = world.store.users(page).await.unwrap();
        assert!(users.len() <= 2);
        let Some(last) = users.last() else { break };
        page.after = Some(*last.id.as_bytes());
        seen.extend(users.into_iter().map(|user| user.id));
    }
    assert_eq!(seen, ids);
}

#[tokio::test]
async fn disabling_a_user_ends_sign_ins_revokes_sessions_and_logs_every_one() {
    let world = World::new();
    let (ada, client, sign_in, first, _) = world.story().await;
    let other = world.client("reports").await;
    world.clock.advance(HOUR);
    let (second, _) = world.session_from(&sign_in, &other.id).await;
    let bob = world.user("bob@example.com").await;
    let bobs = world.sign_in(bob.id).await;
    let (unharmed, _) = world.session_from(&bobs, &client.id).await;

    world.clock.advance(HOUR);
    let at = world.now();
    assert!(
        world
            .store
            .user_disable(ada.id, world.audit("user.disable"))
            .await
            .unwrap()
    );

    let user = world.store.user(ada.id).await.unwrap().unwrap();
    assert_eq!(
        (user.status(), user.disabled_at),
        (UserStatus::Disabled, Some(at))
    );
    assert_eq!(
        world
            .store
            .sign_in(sign_in.id)
            .await
            .unwrap()
            .unwrap()
            .ended_at,
        Some(at)
    );
    for session in [&first, &second] {
        let session = world.session(session.id).await;
        assert_eq!(session.revoked_at, Some(at));
        assert_eq!(session.revoked_for, Some(RevokeReason::UserDisabled));
    }
    assert_eq!(world.session(unharmed.id).await.revoked_at, None);
    assert_eq!(
        world
            .store
            .sign_in(bobs.id)
            .await
            .unwrap()
            .unwrap()
            .ended_at,
        None
    );

    let log = world.log().await;
    let seen: Vec<_> = log
        .iter()
        .map(|entry| {
            (
                entry.seq,
                entry.what.clone(),
                entry.client.clone(),
                entry.expires_at,
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            (
                1,
                Revoked::Session(first.id),
                Some(client.id),
                first.expires_at
            ),
            (
                2,
                Revoked::Session(second.id),
                Some(other.id),
                second.expires_at
            ),
            (
                3,
                Revoked::User(ada.id),
                Some("expenses".parse().unwrap()),
                at + DAY + HOUR
            ),
            (
                4,
                Revoked::User(ada.id),
                Some("reports".parse().unwrap()),
                at + DAY + HOUR
            ),
        ]
    );
    assert!(log.iter().all(|entry| entry.at == at));
    assert_eq!(
        world.actions().await.last().map(String::as_str),
        Some("user.disable")
    );
}

#[tokio::test]
async fn a_users_revocation_outlives_the_users_longest_session() {
    let world = World::new();
    let ada = world.user("ada@example.com").await;
    let client = world.client("expenses").await;
    let sign_in = world.sign_in(ada.id).await;
    let code = world.code(&sign_in, &client.id).await;
    let mut session = world.session_for(&code);
    session.expires_at = world.now() + 30 * DAY;
    world.redeem(&code, &session, None).await.unwrap();
    world
        .store
        .user_disable(ada.id, world.audit("user.disable"))
        .await
        .unwrap();
    assert_eq!(world.log().await[1].expires_at, session.expires_at);
}

#[tokio::test]
async fn a_user_is_told_revoked_only_where_there_was_a_session() {
    let world = World::new();
    let (ada, client, .., session, _) = world.story().await;
    world.client("never-used").await;
    let audit = world.audit("session.revoke");
    world
        .store
        .session_revoke(session.id, RevokeReason::Logout, audit)
        .await
        .unwrap();
    let nobody = world.user("bob@example.com").await;
    for user in [ada.id, nobody.id] {
        let audit = world.audit("user.disable");
        assert!(world.store.user_disable(user, audit).await.unwrap());
    }
    let log = world.log().await;
    let told: Vec<_> = log
        .into_iter()
        .map(|entry| (entry.what, entry.client))
        .collect();
    let client = Some(client.id);
    assert_eq!(
        told,
        [
            (Revoked::Session(session.id), client.clone()),
            (Revoked::User(ada.id), client)
        ]
    );
}

#[tokio::test]
async fn disabling_and_enabling_again_change_and_record_nothing() {
    let world = World::new();
    let (ada, .., session, _) = world.story().await;
    for _ in 0..2 {
        assert!(
            world
                .store
                .user_disable(ada.id, world.audit("user.disable"))
                .await
                .unwrap()
        );
        world.clock.advance(MINUTE);
    }
    for _ in 0..2 {
        assert!(
            world
                .store
                .user_enable(ada.id, world.audit("user.enable"))
                .await
                .unwrap()
        );
    }
    assert_eq!(world.log().await.len(), 2);
    let actions = world.actions().await;
    assert_eq!(
        actions
            .iter()
            .filter(|action| action.starts_with("user."))
            .count(),
        3
    );
    assert!(world.session(session.id).await.revoked_at.is_some());

    let nobody = world.user_row("nobody@example.com").id;
    assert!(
        !world
            .store
            .user_disable(nobody, world.audit("user.disable"))
            .await
            .unwrap()
    );
    assert!(
        !world
            .store
            .user_enable(nobody, world.audit("user.enable"))
            .await
            .unwrap()
    );
    assert_eq!(world.actions().await, actions);
}

#[tokio::test]
async fn a_sign_in_that_comes_after_the_disabling_never_lives() {
    let world = World::new();
    let ada = world.user("ada@example.com").await;
    world
        .store
        .user_disable(ada.id, world.audit("user.disable"))
        .await
        .unwrap();
    let late = world.sign_in(ada.id).await;
    world
        .store
        .user_enable(ada.id, world.audit("user.enable"))
        .await
        .unwrap();
    assert!(
        world
            .store
            .sign_in(late.id)
            .await
            .unwrap()
            .unwrap()
            .ended_at
            .is_some()
    );
}

#[tokio::test]
async fn an_administrator_counts_only_with_a_password_and_while_not_disabled() {
    let world = World::new();
    let exists = || async { world.store.admin_exists().await.unwrap() };
    let mut near_miss = world.user_row("near@example.com");
    near_miss.roles = vec!["administrator".to_owned(), "x\"admin\"".to_owned()];
    world
        .store
        .user_create(near_miss, None, world.audit("user.create"))
        .await
        .unwrap();
    let mut ada = world.user_row("ada@example.com");
    ada.roles = vec!["accountant".to_owned(), "admin".to_owned()];
    ada.password_hash = None;
    let invitation = world.invitation(Some(ada.id));
    let audit = world.audit("user.create");
    world
        .store
        .user_create(ada.clone(), Some(invitation.clone()), audit)
        .await
        .unwrap();
    assert!(!exists().await);

    ada.password_hash = Some("$argon2id$…".to_owned());
    let sign_in = world.sign_in_row(ada.id);
    let audit = world.audit("invitation.accept");
    world
        .store
        .invitation_accept(invitation.id, ada.clone(), sign_in, audit)
        .await
        .unwrap();
    assert!(exists().await);

    world
        .store
        .user_disable(ada.id, world.audit("user.disable"))
        .await
        .unwrap();
    assert!(!exists().await);
}
