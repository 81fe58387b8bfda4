//! Sessions: found, listed, revoked; and browser sign-ins, from which they come.

use sealgate_store::{Page, RevokeReason, Revoked, SessionFilter};

use crate::world::{DAY, HOUR, MINUTE, World};

#[tokio::test]
async fn a_session_comes_back_as_it_was_stored() {
    let world = World::new();
    let (.., session, _) = world.story().await;
    assert_eq!(
        format!("{:?}", world.session(session.id).await),
        format!("{session:?}")
    );
}

#[tokio::test]
async fn sessions_are_listed_by_user_client_and_life_in_pages() {
    let world = World::new();
    let (ada, bob) = (
        world.user("ada@example.com").await,
        world.user("bob@example.com").await,
    );
    let (app, web) = (world.client("app").await, world.client("web").await);
    let (adas, bobs) = (world.sign_in(ada.id).await, world.sign_in(bob.id).await);
    let mut all = Vec::new();
    for (sign_in, client) in [
        (&adas, &app),
        (&bobs, &app),
        (&adas, &web),
        (&adas, &app),
        (&bobs, &web),
    ] {
        all.push(world.session_from(sign_in, &client.id).await.0.id);
        world.clock.advance(HOUR);
    }
    let audit = world.audit("session.revoke");
    world
        .store
        .session_revoke(all[3], RevokeReason::Admin, audit)
        .await
        .unwrap();
    let list = async |user, client, live_at| {
        let filter = SessionFilter {
            user,
            client,
            tenant: None,
            live_at,
        };
        let mut seen = Vec::new();
        let mut page = Page {
            after: None,
            limit: 2,
        };
        loop {
            let rows = world.store.sessions(filter.clone(), page).await.unwrap();
            let Some(last) = rows.last() else { return seen };
            page.after = Some(*last.id.as_bytes());
            seen.extend(rows.iter().map(|session| session.id));
        }
    };
    let pick = |places: &[usize]| places.iter().map(|place| all[*place]).collect::<Vec<_>>();
    assert_eq!(list(None, None, None).await, all);
    assert_eq!(list(Some(ada.id), None, None).await, pick(&[0, 2, 3]));
    assert_eq!(
        list(None, Some(app.id.clone()), None).await,
        pick(&[0, 1, 3])
    );
    assert_eq!(
        list(Some(ada.id), Some(app.id.clone()), None).await,
        pick(&[0, 3])
    );
    let now = Some(world.now());
    assert_eq!(list(None, None, now).await, pick(&[0, 1, 2, 4]));
    assert_eq!(list(Some(ada.id), None, now).await, pick(&[0, 2]));
    assert_eq!(
        list(Some(ada.id), Some(app.id.clone()), now).await,
        pick(&[0])
    );
    // The first was started five hours ago and lives a day.
    let later = Some(world.now() + DAY - 5 * HOUR);
    assert_eq!(list(None, Some(app.id), later).await, pick(&[1]));
}

#[tokio::test]
async fn revoking_a_session_logs_it_for_its_client_once() {
    let world = World::new();
    let (_, client, _, session, _) = world.story().await;
    let mut wakeup = world.store.revocation_wakeup();
    world.clock.advance(MINUTE);
    let at = world.now();
    for reason in [RevokeReason::Logout, RevokeReason::Admin] {
        let audit = world.audit("session.revoke");
        assert!(
            world
                .store
                .session_revoke(session.id, reason, audit)
                .await
                .unwrap()
        );
        world.clock.advance(MINUTE);
    }
    let stored = world.session(session.id).await;
    assert_eq!(
        (stored.revoked_at, stored.revoked_for),
        (Some(at), Some(RevokeReason::Logout))
    );
    let log = world.log().await;
    assert_eq!(log.len(), 1);
    assert_eq!(
        (log[0].seq, log[0].at, &log[0].client),
        (1, at, &Some(client.id))
    );
    assert_eq!(
        (&log[0].what, log[0].expires_at),
        (&Revoked::Session(session.id), session.expires_at)
    );
    assert!(wakeup.has_changed().unwrap());
    assert_eq!(*wakeup.borrow_and_update(), 1);
    let actions = world.actions().await;
    assert_eq!(
        actions
            .iter()
            .filter(|action| *action == "session.revoke")
            .count(),
        1
    );

    let nobody = sealgate_model::SessionId::generate(world.now(), &world.random);
    let audit = world.audit("session.revoke");
    assert!(
        !world
            .store
            .session_revoke(nobody, RevokeReason::Admin, audit)
            .await
            .unwrap()
    );
    assert_eq!(world.actions().await, actions);
    assert!(!wakeup.has_changed().unwrap());
}

#[tokio::test]
async fn ending_a_sign_in_revokes_the_live_sessions_that_came_from_it_and_no_others() {
    let world = World::new();
    let (ada, client, first_browser, oldest, _) = world.story().await;
    world.clock.advance(23 * HOUR);
    let (live, _) = world.session_from(&first_browser, &client.id).await;
    let second_browser = world.sign_in(ada.id).await;
    let (elsewhere, _) = world.session_from(&second_browser, &client.id).await;
    world.clock.advance(HOUR);
    let at = world.now();
    for _ in 0..2 {
        let audit = world.audit("sign_in.end");
        world
            .store
            .sign_in_end(first_browser.id, RevokeReason::Logout, audit)
            .await
            .unwrap();
        world.clock.advance(MINUTE);
    }
    assert_eq!(
        world
            .store
            .sign_in(first_browser.id)
            .await
            .unwrap()
            .unwrap()
            .ended_at,
        Some(at)
    );
    assert_eq!(
        world.session(live.id).await.revoked_for,
        Some(RevokeReason::Logout)
    );
    for untouched in [&oldest, &elsewhere] {
        assert_eq!(world.session(untouched.id).await.revoked_at, None);
    }
    let log = world.log().await;
    assert_eq!(
        log.iter().map(|entry| &entry.what).collect::<Vec<_>>(),
        [&Revoked::Session(live.id)]
    );
    let ends = world
        .actions()
        .await
        .iter()
        .filter(|action| *action == "sign_in.end")
        .count();
    assert_eq!(ends, 1);
}

#[tokio::test]
async fn a_session_can_be_revoked_through_a_sign_in_that_was_swept() {
    let world = World::new();
    let (_, client, sign_in, ..) = world.story().await;
    world.clock.advance(23 * HOUR);
    let (session, _) = world.session_from(&sign_in, &client.id).await;
    world.clock.advance(2 * HOUR);
    world.store.sweep(world.now()).await.unwrap();
    assert!(world.store.sign_in(sign_in.id).await.unwrap().is_none());
    let audit = world.audit("sign_in.end");
    world
        .store
        .sign_in_end(sign_in.id, RevokeReason::Logout, audit)
        .await
        .unwrap();
    assert!(world.session(session.id).await.revoked_at.is_some());
}
