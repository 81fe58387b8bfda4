//! Device codes: decided once by a person, redeemed once by the device.

use std::time::Duration;

use sealgate_model::{DeviceId, SessionId};
use sealgate_store::{
    DeviceApproval, DeviceCode, DeviceDecision, DeviceState, GrantDetails, Redeemed, RevokeReason,
    Session, SignIn, StoreError,
};

use crate::world::{DAY, MINUTE, World};

fn approval(sign_in: &SignIn) -> DeviceDecision {
    DeviceDecision::Approved {
        approval: DeviceApproval {
            user: sign_in.user,
            sign_in: sign_in.id,
            auth_time: sign_in.auth_time,
            methods: sign_in.methods.clone(),
        },
        details: GrantDetails {
            acr: Some("urn:sealgate:acr:password".to_owned()),
            ..GrantDetails::default()
        },
    }
}

async fn decide(world: &World, id: DeviceId, decision: DeviceDecision) -> bool {
    let audit = world.audit("device.decide");
    world
        .store
        .device_decide(id, decision, audit)
        .await
        .unwrap()
}

fn session_for(world: &World, device: &DeviceCode, sign_in: &SignIn) -> Session {
    Session {
        id: SessionId::generate(world.now(), &world.random),
        user: sign_in.user,
        client: device.client.clone(),
        sign_in: sign_in.id,
        scopes: device.scopes.clone(),
        details: device.details.clone(),
        auth_time: sign_in.auth_time,
        methods: sign_in.methods.clone(),
        created_at: world.now(),
        renewed_at: world.now(),
        network: None,
        expires_at: world.now() + DAY,
        revoked_at: None,
        revoked_for: None,
    }
}

async fn redeem(world: &World, id: DeviceId, session: &Session) -> Result<Redeemed, StoreError> {
    let first = world.token(session, 0);
    let audit = world.audit("session.start");
    world
        .store
        .device_redeem(id, session.clone(), Some(first), audit)
        .await
}

#[tokio::test]
async fn a_device_code_is_found_by_both_its_codes() {
    let world = World::new();
    let client = world.client("tv").await;
    let device = world.device(&client.id, "BCDFGHJK").await;
    let by_id = world.store.device(device.id).await.unwrap().unwrap();
    let found = world.store.device_by_user_code("BCDFGHJK").await.unwrap();
    assert_eq!(by_id, device);
    assert_eq!(found, Some(device.clone()));
    assert!(!format!("{device:?}").contains("BCDFGHJK"));
    let other = world.store.device_by_user_code("BCDFGHJL").await.unwrap();
    assert!(other.is_none());
    let taken = world.device_row(&client.id, "BCDFGHJK");
    let refused = world
        .store
        .device_create(taken, world.audit("device.create"))
        .await;
    assert!(
        matches!(refused, Err(StoreError::Conflict("user code"))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn an_approved_code_starts_one_session_once() {
    let world = World::new();
    let (user, client, sign_in, ..) = world.story().await;
    let device = world.device(&client.id, "BCDFGHJK").await;
    let session = session_for(&world, &device, &sign_in);
    // Not before a person has said so.
    assert_eq!(
        redeem(&world, device.id, &session).await.unwrap(),
        Redeemed::Ended
    );
    assert!(decide(&world, device.id, approval(&sign_in)).await);
    assert!(!decide(&world, device.id, DeviceDecision::Denied).await);
    let kept = world.store.device(device.id).await.unwrap().unwrap();
    assert_eq!(
        kept.details.acr.as_deref(),
        Some("urn:sealgate:acr:password")
    );
    let DeviceState::Approved(by) = kept.state else {
        panic!("{:?}", kept.state);
    };
    assert_eq!((by.user, by.sign_in), (user.id, sign_in.id));

    let mut tasks = Vec::new();
    for _ in 0..10 {
        let mine = session_for(&world, &device, &sign_in);
        let (store, audit) = (world.store.clone(), world.audit("session.start"));
        tasks.push(tokio::spawn(async move {
            let redeemed = store.device_redeem(device.id, mine.clone(), None, audit);
            (mine.id, redeemed.await.unwrap())
        }));
    }
    let mut started = Vec::new();
    for task in tasks {
        match task.await.unwrap() {
            (id, Redeemed::Started) => started.push(id),
            (_, other) => assert_eq!(other, Redeemed::Reused),
        }
    }
    assert_eq!(started.len(), 1);
    let kept = world.store.device(device.id).await.unwrap().unwrap();
    assert_eq!(kept.state, DeviceState::Redeemed(started[0]));
    // A device that asks again because its answer was lost has done no harm.
    assert_eq!(world.fate(started[0]).await, None);
}

#[tokio::test]
async fn a_denied_or_expired_code_is_worth_nothing() {
    let world = World::new();
    let (_, client, sign_in, ..) = world.story().await;
    let denied = world.device(&client.id, "BCDFGHJK").await;
    let late = world.device(&client.id, "BCDFGHJL").await;
    let approved = world.device(&client.id, "BCDFGHJM").await;
    assert!(decide(&world, denied.id, DeviceDecision::Denied).await);
    assert!(decide(&world, approved.id, approval(&sign_in)).await);
    assert!(!decide(&world, denied.id, approval(&sign_in)).await);
    world.clock.advance(10 * MINUTE);
    assert!(!decide(&world, late.id, approval(&sign_in)).await);
    for device in [denied, late, approved] {
        let session = session_for(&world, &device, &sign_in);
        assert_eq!(
            redeem(&world, device.id, &session).await.unwrap(),
            Redeemed::Ended
        );
    }
}

#[tokio::test]
async fn a_session_of_another_user_or_client_does_not_spend_the_code() {
    let world = World::new();
    let (_, client, sign_in, ..) = world.story().await;
    let eve = world.user("eve@example.com").await;
    let web = world.client("web").await;
    let device = world.device(&client.id, "BCDFGHJK").await;
    assert!(decide(&world, device.id, approval(&sign_in)).await);
    let session = session_for(&world, &device, &sign_in);
    for wrong in [
        Session {
            user: eve.id,
            ..session.clone()
        },
        Session {
            client: web.id,
            ..session.clone()
        },
    ] {
        let refused = redeem(&world, device.id, &wrong).await;
        assert!(
            matches!(refused, Err(StoreError::Invalid(_))),
            "{refused:?}"
        );
    }
    assert_eq!(
        redeem(&world, device.id, &session).await.unwrap(),
        Redeemed::Started
    );
}

#[tokio::test]
async fn an_approval_does_not_outlive_the_sign_in_or_the_account_it_came_from() {
    let world = World::new();
    let (user, client, sign_in, ..) = world.story().await;
    let first = world.device(&client.id, "BCDFGHJK").await;
    assert!(decide(&world, first.id, approval(&sign_in)).await);
    // It follows the sign-in to the one that takes its place, and ends with that.
    let after = world.sign_in_row(user.id);
    let audit = world.audit("sign_in.start");
    world
        .store
        .sign_in_replace(sign_in.id, after.clone(), audit)
        .await
        .unwrap();
    let audit = world.audit("sign_in.end");
    world
        .store
        .sign_in_end(after.id, RevokeReason::Logout, audit)
        .await
        .unwrap();
    let session = session_for(&world, &first, &sign_in);
    assert_eq!(
        redeem(&world, first.id, &session).await.unwrap(),
        Redeemed::Ended
    );
    // Nor can one that has ended approve.
    let second = world.device(&client.id, "BCDFGHJL").await;
    assert!(!decide(&world, second.id, approval(&after)).await);

    let fresh = world.sign_in(user.id).await;
    assert!(decide(&world, second.id, approval(&fresh)).await);
    let audit = world.audit("user.disable");
    assert!(world.store.user_disable(user.id, audit).await.unwrap());
    let session = session_for(&world, &second, &fresh);
    assert_eq!(
        redeem(&world, second.id, &session).await.unwrap(),
        Redeemed::Ended
    );
}

#[tokio::test]
async fn the_session_belongs_to_the_sign_in_that_took_the_place_of_the_first() {
    let world = World::new();
    let (user, client, sign_in, ..) = world.story().await;
    let device = world.device(&client.id, "BCDFGHJK").await;
    assert!(decide(&world, device.id, approval(&sign_in)).await);
    let after = world.sign_in_row(user.id);
    let audit = world.audit("sign_in.start");
    world
        .store
        .sign_in_replace(sign_in.id, after.clone(), audit)
        .await
        .unwrap();
    let session = session_for(&world, &device, &sign_in);
    assert_eq!(
        redeem(&world, device.id, &session).await.unwrap(),
        Redeemed::Started
    );
    assert_eq!(world.session(session.id).await.sign_in, after.id);
}

#[tokio::test]
async fn polling_too_soon_makes_the_interval_grow() {
    let world = World::new();
    let client = world.client("tv").await;
    let device = world.device(&client.id, "BCDFGHJK").await;
    let records = world.records().await.len();
    let poll = async || {
        let polled = world.store.device_poll(device.id, world.now()).await;
        let polled = polled.unwrap().unwrap();
        assert_eq!(polled.device.polled_at, Some(world.now()));
        (polled.too_soon, polled.device.interval)
    };
    assert_eq!(poll().await, (false, 5));
    world.clock.advance(Duration::from_secs(5));
    assert_eq!(poll().await, (false, 5));
    // The network may have held up the one before.
    world.clock.advance(Duration::from_millis(4_500));
    assert_eq!(poll().await, (false, 5));
    world.clock.advance(Duration::from_millis(4_499));
    assert_eq!(poll().await, (true, 10));
    world.clock.advance(Duration::from_secs(9));
    assert_eq!(poll().await, (true, 15));
    world.clock.advance(Duration::from_secs(15));
    assert_eq!(poll().await, (false, 15));
    assert_eq!(world.records().await.len(), records);
    let none = DeviceId::generate(world.now(), &world.random);
    let polled = world.store.device_poll(none, world.now()).await.unwrap();
    assert!(polled.is_none());
}

#[tokio::test]
async fn the_interval_grows_to_a_minute_and_a_clock_set_back_makes_it_no_longer() {
    let world = World::new();
    let client = world.client("tv").await;
    let device = world.device(&client.id, "BCDFGHJK").await;
    let poll = async |now| {
        let polled = world.store.device_poll(device.id, now).await;
        let polled = polled.unwrap().unwrap();
        (polled.too_soon, polled.device.interval)
    };
    let now = world.now();
    assert_eq!(poll(now).await, (false, 5));
    for grown in (10..=60).step_by(5) {
        assert_eq!(poll(now).await, (true, grown));
    }
    // Told so often enough, a hasty device costs no write any more.
    let noted = world.store.device(device.id).await.unwrap().unwrap();
    let soon = now + MINUTE / 2;
    assert_eq!(poll(soon).await, (true, 60));
    let still = world.store.device(device.id).await.unwrap().unwrap();
    assert_eq!(still, noted);
    let before = now - Duration::from_secs(3600);
    assert_eq!(poll(before).await, (false, 60));
    assert_eq!(poll(before).await, (true, 60));
}

#[tokio::test]
async fn an_approval_is_worth_nothing_after_a_revocation_that_had_not_seen_it() {
    let world = World::new();
    let (user, client, sign_in, ..) = world.story().await;
    // The device has asked before; what counts is when the user said yes.
    let [early, late] = [
        world.device(&client.id, "BCDFGHJK").await,
        world.device(&client.id, "BCDFGHJL").await,
    ];
    world.clock.advance(MINUTE);
    let audit = world.audit("session.revoke");
    let selector = sealgate_store::SessionSelector {
        user: Some(user.id),
        client: Some(client.id.clone()),
        tenant: None,
        started_at_or_before: world.now(),
    };
    let revoked = world
        .store
        .sessions_revoke(selector, RevokeReason::Admin, audit);
    revoked.await.unwrap();
    assert!(decide(&world, early.id, approval(&sign_in)).await);
    let session = session_for(&world, &early, &sign_in);
    assert_eq!(
        redeem(&world, early.id, &session).await.unwrap(),
        Redeemed::Ended
    );
    world.clock.advance(Duration::from_millis(1));
    assert!(decide(&world, late.id, approval(&sign_in)).await);
    let audit = world.audit("client.disable");
    assert!(world.store.client_disable(&client.id, audit).await.unwrap());
    let again = world.device(&client.id, "BCDFGHJM").await;
    world.clock.advance(Duration::from_millis(1));
    assert!(decide(&world, again.id, approval(&sign_in)).await);
    for device in [&late, &again] {
        let session = session_for(&world, device, &sign_in);
        assert_eq!(
            redeem(&world, device.id, &session).await.unwrap(),
            Redeemed::Ended
        );
    }
    let audit = world.audit("client.enable");
    assert!(world.store.client_enable(&client.id, audit).await.unwrap());
    let session = session_for(&world, &again, &sign_in);
    assert_eq!(
        redeem(&world, again.id, &session).await.unwrap(),
        Redeemed::Started
    );
}
