//! Many sessions revoked at once.

use std::time::Duration;

use sealgate_model::{ClientId, TenantId, Timestamp, UserId};
use sealgate_store::{
    DeviceApproval, DeviceDecision, GrantDetails, Redeemed, RevokeReason, Revoked, SessionFilter,
    SessionSelector, StoreError, UserChange,
};

use crate::world::{DAY, HOUR, World};

fn all(before: Timestamp) -> SessionSelector {
    SessionSelector {
        user: None,
        client: None,
        tenant: None,
        started_at_or_before: before,
    }
}

fn of_user(user: UserId, before: Timestamp) -> SessionSelector {
    SessionSelector {
        user: Some(user),
        ..all(before)
    }
}

fn on_client(client: &ClientId, before: Timestamp) -> SessionSelector {
    SessionSelector {
        client: Some(client.clone()),
        ..all(before)
    }
}

async fn revoke(world: &World, selector: SessionSelector, reason: RevokeReason) -> u64 {
    let audit = world.audit("session.revoke_many");
    let revoked = world.store.sessions_revoke(selector, reason, audit).await;
    revoked.unwrap()
}

async fn told(world: &World) -> Vec<(Revoked, Option<ClientId>, Timestamp)> {
    let log = world.log().await.into_iter();
    log.map(|entry| (entry.what, entry.client, entry.at))
        .collect()
}

#[tokio::test]
async fn everything_before_a_time_ends_and_what_came_later_stays() {
    let world = World::new();
    let (ada, client, early, session, _) = world.story().await;
    let on_its_way = world.code(&early, &client.id).await;
    let before = world.now();
    world.clock.advance(Duration::from_millis(1));
    let bob = world.user("bob@example.com").await;
    let late = world.sign_in(bob.id).await;
    let (spared, _) = world.session_from(&late, &client.id).await;
    // Started later, but from the sign-in that is not believed any more.
    let (inherited, _) = world.session_from(&early, &client.id).await;

    let revoked = revoke(&world, all(before), RevokeReason::Everything).await;
    assert_eq!(revoked, 2);
    for id in [session.id, inherited.id] {
        assert_eq!(world.fate(id).await, Some(RevokeReason::Everything));
    }
    assert_eq!(world.fate(spared.id).await, None);
    let ended = world.store.sign_in(early.id).await.unwrap().unwrap();
    assert_eq!(ended.ended_at, Some(world.now()));
    let stays = world.store.sign_in(late.id).await.unwrap().unwrap();
    assert_eq!(stays.ended_at, None);
    let started = world.session_for(&on_its_way);
    assert_eq!(
        world.redeem(&on_its_way, &started, None).await.unwrap(),
        Redeemed::Ended
    );
    let log = told(&world).await;
    assert_eq!(log[0], (Revoked::All, None, before));
    let visible = Some(client.id.clone());
    assert_eq!(
        log[1..],
        [
            (Revoked::Session(session.id), visible.clone(), world.now()),
            (Revoked::Session(inherited.id), visible, world.now()),
        ]
    );
    let entries = world.log().await;
    assert_eq!(entries[0].expires_at, world.now() + DAY + HOUR);
    let record = world.records().await.pop().unwrap();
    assert_eq!(
        (record.action.as_str(), record.count),
        ("session.revoke_many", 2)
    );
    assert!(world.store.user(ada.id).await.unwrap().is_some());
}

#[tokio::test]
async fn a_clients_sessions_end_and_the_sign_ins_they_came_from_stay() {
    let world = World::new();
    let (_, client, sign_in, session, _) = world.story().await;
    let other = world.client("other").await;
    let (spared, _) = world.session_from(&sign_in, &other.id).await;
    let on_its_way = world.code(&sign_in, &client.id).await;
    let now = world.now();
    let revoked = revoke(&world, on_client(&client.id, now), RevokeReason::Admin).await;
    assert_eq!(revoked, 1);
    assert_eq!(world.fate(session.id).await, Some(RevokeReason::Admin));
    assert_eq!(world.fate(spared.id).await, None);
    let sign_in_now = world.store.sign_in(sign_in.id).await.unwrap().unwrap();
    assert_eq!(sign_in_now.ended_at, None);
    let started = world.session_for(&on_its_way);
    assert_eq!(
        world.redeem(&on_its_way, &started, None).await.unwrap(),
        Redeemed::Ended
    );
    assert_eq!(
        told(&world).await,
        [
            (Revoked::Client(client.id.clone()), None, now),
            (Revoked::Session(session.id), Some(client.id.clone()), now),
        ]
    );
    // A new one starts at the next moment, as before.
    world.clock.advance(Duration::from_millis(1));
    let (fresh, _) = world.session_from(&sign_in, &client.id).await;
    assert_eq!(world.fate(fresh.id).await, None);
    let nobody: ClientId = "nobody".parse().unwrap();
    let records = world.records().await.len();
    let revoked = revoke(&world, on_client(&nobody, now), RevokeReason::Admin).await;
    assert_eq!((revoked, world.log().await.len()), (0, 2));
    assert_eq!(world.records().await.len(), records);
}

#[tokio::test]
async fn a_users_sessions_end_with_a_barrier_on_each_client_that_knows_the_user() {
    let world = World::new();
    let (ada, client, sign_in, session, _) = world.story().await;
    let bob = world.user("bob@example.com").await;
    let bobs = world.sign_in(bob.id).await;
    let (spared, _) = world.session_from(&bobs, &client.id).await;
    world.client("unknown").await;
    let now = world.now();
    let device = world.device(&client.id, "BCDFGHJK").await;
    let decision = DeviceDecision::Approved {
        approval: DeviceApproval {
            user: ada.id,
            sign_in: sign_in.id,
            auth_time: sign_in.auth_time,
            methods: vec![],
        },
        details: GrantDetails::default(),
    };
    let audit = world.audit("device.decide");
    let decided = world.store.device_decide(device.id, decision, audit).await;
    assert!(decided.unwrap());
    assert_eq!(
        revoke(&world, of_user(ada.id, now), RevokeReason::Admin).await,
        1
    );
    assert_eq!(world.fate(session.id).await, Some(RevokeReason::Admin));
    assert_eq!(world.fate(spared.id).await, None);
    let ended = world.store.sign_in(sign_in.id).await.unwrap().unwrap();
    assert!(ended.ended_at.is_some());
    assert!(world.store.device(device.id).await.unwrap().is_none());
    let visible = Some(client.id);
    assert_eq!(
        told(&world).await,
        [
            (Revoked::User(ada.id), visible.clone(), now),
            (Revoked::Session(session.id), visible, now),
        ]
    );
    // Nothing is left of what the selector names but the barrier.
    assert_eq!(
        revoke(&world, of_user(ada.id, now), RevokeReason::Admin).await,
        0
    );
}

#[tokio::test]
async fn a_tenants_sessions_end_and_those_of_others_stay() {
    let world = World::new();
    let acme: TenantId = "acme".parse().unwrap();
    let (ada, bob) = (
        world.user("ada@example.com").await,
        world.user("bob@example.com").await,
    );
    let change = UserChange {
        tenant: Some(Some(acme.clone())),
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
    let client = world.client("app").await;
    let (adas, bobs) = (world.sign_in(ada.id).await, world.sign_in(bob.id).await);
    let first = world.session_in("acme", &adas, &client.id).await;
    world.clock.advance(Duration::from_millis(1));
    let second = world.session_in("acme", &adas, &client.id).await;
    let other = world.session_in("globex", &bobs, &client.id).await;
    let (none, _) = world.session_from(&bobs, &client.id).await;

    let filter = SessionFilter {
        tenant: Some(acme.clone()),
        ..SessionFilter::default()
    };
    let listed = world
        .store
        .sessions(filter, sealgate_store::Page::default())
        .await
        .unwrap();
    let ids: Vec<_> = listed.iter().map(|session| session.id).collect();
    assert_eq!(ids, [first.id, second.id]);
    assert_eq!(listed[0].details, first.details);

    let now = world.now();
    let selector = SessionSelector {
        tenant: Some(acme),
        ..all(now)
    };
    assert_eq!(
        revoke(&world, selector, RevokeReason::TenantRevoked).await,
        2
    );
    for id in [first.id, second.id] {
        assert_eq!(world.fate(id).await, Some(RevokeReason::TenantRevoked));
    }
    for id in [other.id, none.id] {
        assert_eq!(world.fate(id).await, None);
    }
    let ended = world.store.sign_in(adas.id).await.unwrap().unwrap();
    assert!(ended.ended_at.is_some());
    let stays = world.store.sign_in(bobs.id).await.unwrap().unwrap();
    assert!(stays.ended_at.is_none());
    let log = told(&world).await;
    // One barrier for each client that takes the tenant's tokens, not one for each user or session.
    let of_tenant = Revoked::Tenant("acme".parse().unwrap());
    assert_eq!(log[0], (of_tenant, Some(client.id.clone()), now));
    assert_eq!(log.len(), 3);
}

#[tokio::test]
async fn a_user_on_one_client_ends_there_only() {
    let world = World::new();
    let (ada, client, sign_in, session, _) = world.story().await;
    let other = world.client("other").await;
    let (spared, _) = world.session_from(&sign_in, &other.id).await;
    let now = world.now();
    let selector = SessionSelector {
        client: Some(client.id.clone()),
        ..of_user(ada.id, now)
    };
    assert_eq!(revoke(&world, selector, RevokeReason::Admin).await, 1);
    assert_eq!(world.fate(session.id).await, Some(RevokeReason::Admin));
    assert_eq!(world.fate(spared.id).await, None);
    assert_eq!(
        told(&world).await[0],
        (Revoked::User(ada.id), Some(client.id), now)
    );
}

#[tokio::test]
async fn more_than_a_batch_ends_whole_and_every_batch_is_on_record() {
    let world = World::new();
    let (_, client, sign_in, ..) = world.story().await;
    for _ in 0..300 {
        let code = world.code(&sign_in, &client.id).await;
        let session = world.session_for(&code);
        world.redeem(&code, &session, None).await.unwrap();
    }
    let now = world.now();
    let revoked = revoke(&world, on_client(&client.id, now), RevokeReason::Admin).await;
    assert_eq!(revoked, 301);
    let live = SessionFilter {
        live_at: Some(now),
        ..SessionFilter::default()
    };
    let page = sealgate_store::Page::default();
    assert!(world.store.sessions(live, page).await.unwrap().is_empty());
    let log = world.log().await;
    assert_eq!(log.len(), 302);
    for (entry, seq) in log.iter().zip(1..) {
        assert_eq!(entry.seq, seq);
    }
    assert_eq!(*world.store.revocation_wakeup().borrow(), 302);
    let records = world.records().await;
    let counts: Vec<_> = records
        .iter()
        .filter(|record| record.action == "session.revoke_many")
        .map(|record| record.count)
        .collect();
    assert_eq!(counts, [256, 45]);
}

#[tokio::test]
async fn a_time_that_is_yet_to_come_is_refused() {
    let world = World::new();
    let (.., session, _) = world.story().await;
    let audit = world.audit("session.revoke_many");
    let later = world.now() + Duration::from_millis(1);
    let refused = world
        .store
        .sessions_revoke(all(later), RevokeReason::Everything, audit)
        .await;
    assert!(
        matches!(refused, Err(StoreError::Invalid(_))),
        "{refused:?}"
    );
    assert_eq!(world.fate(session.id).await, None);
    assert!(world.log().await.is_empty());
}

#[tokio::test]
async fn a_session_signed_out_takes_its_sign_in_and_its_siblings_along() {
    let world = World::new();
    let (ada, client, sign_in, session, _) = world.story().await;
    let other = world.client("other").await;
    let (sibling, _) = world.session_from(&sign_in, &other.id).await;
    let elsewhere = world.sign_in(ada.id).await;
    let (spared, _) = world.session_from(&elsewhere, &client.id).await;
    let sign_out = async |id| {
        let audit = world.audit("session.sign_out");
        world
            .store
            .session_sign_out(id, RevokeReason::Admin, audit)
            .await
            .unwrap()
    };
    assert!(sign_out(session.id).await);
    for id in [session.id, sibling.id] {
        assert_eq!(world.fate(id).await, Some(RevokeReason::Admin));
    }
    assert_eq!(world.fate(spared.id).await, None);
    let ended = world.store.sign_in(sign_in.id).await.unwrap().unwrap();
    assert!(ended.ended_at.is_some());
    let records = world.records().await.len();
    assert!(sign_out(session.id).await);
    let none = sealgate_model::SessionId::generate(world.now(), &world.random);
    assert!(!sign_out(none).await);
    assert_eq!(world.records().await.len(), records);
}

#[tokio::test]
async fn what_was_begun_is_finished_when_the_caller_has_left() {
    let world = World::new();
    let (_, client, sign_in, ..) = world.story().await;
    for _ in 0..600 {
        let code = world.code(&sign_in, &client.id).await;
        let session = world.session_for(&code);
        world.redeem(&code, &session, None).await.unwrap();
    }
    let (store, audit) = (world.store.clone(), world.audit("client.remove"));
    let id = client.id.clone();
    let caller = tokio::spawn(async move { store.client_remove(&id, audit).await });
    // It leaves as soon as the first batch is done.
    let mut wakeup = world.store.revocation_wakeup();
    wakeup.wait_for(|head| *head > 0).await.unwrap();
    caller.abort();
    wakeup.wait_for(|head| *head == 602).await.unwrap();
    let live = SessionFilter {
        live_at: Some(world.now()),
        ..SessionFilter::default()
    };
    let page = sealgate_store::Page::default();
    assert!(world.store.sessions(live, page).await.unwrap().is_empty());
}
