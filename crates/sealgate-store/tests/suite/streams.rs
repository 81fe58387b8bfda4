//! Streams of security events: what is owed on them is written with the act it tells of.

mod delivery;

use sealgate_model::{ClientId, StreamId, UserId};
use sealgate_store::{
    PushTarget, RevokeReason, Settled, Signal, SignalKind, StoreError, Stream, StreamConfig,
    StreamStatus, StreamStore as _, UserChange, Verification,
};

use crate::world::{MINUTE, World, open};

impl World {
    fn stream_row(&self, client: &ClientId) -> Stream {
        Stream {
            id: StreamId::generate(self.now(), &self.random),
            client: client.clone(),
            config: StreamConfig {
                push: None,
                requested: Some(vec!["urn:example".to_owned()]),
                kinds: SignalKind::ALL[..6].to_vec(),
                description: Some("for us".to_owned()),
            },
            status: StreamStatus::Enabled,
            status_reason: None,
            held: false,
            inactivity: None,
            created_at: self.now(),
            active_at: self.now(),
            verified_at: None,
            queued: 0,
            delivered: 0,
            dropped: 0,
            failures: 0,
            next_try_at: self.now(),
            last_error: None,
        }
    }

    async fn stream(&self, client: &ClientId, change: impl FnOnce(&mut Stream)) -> Stream {
        let mut stream = self.stream_row(client);
        change(&mut stream);
        let audit = self.audit("stream.create");
        let made = self.store.stream_create(stream.clone(), 4, audit);
        made.await.unwrap();
        stream
    }

    async fn owed(&self, stream: &Stream) -> Vec<Signal> {
        self.store.signals(stream.id, 100).await.unwrap()
    }

    async fn kinds(&self, stream: &Stream) -> Vec<SignalKind> {
        let owed = self.owed(stream).await;
        owed.into_iter().map(|signal| signal.kind).collect()
    }

    async fn ended(&self, user: UserId, client: &ClientId) -> sealgate_model::SessionId {
        let (session, _) = self.session_from(&self.sign_in(user).await, client).await;
        let audit = self.audit("session.revoke");
        let revoked = self
            .store
            .session_revoke(session.id, RevokeReason::Admin, audit);
        assert!(revoked.await.unwrap());
        session.id
    }

    async fn set_status(&self, stream: &Stream, status: StreamStatus, announce: bool) {
        let audit = self.audit("stream.status");
        let reason = Some("so".to_owned());
        let set = self
            .store
            .stream_set_status(stream.id, status, reason, None, announce, audit);
        assert!(set.await.unwrap());
    }
}

#[tokio::test]
async fn a_stream_is_kept_as_it_was_made_and_a_client_has_only_so_many() {
    let world = World::new();
    let client = world.client("rp").await;
    let push = PushTarget {
        url: "https://rp.example/".to_owned(),
        sealed_authorization: Some("sealed".to_owned()),
    };
    let made = world
        .stream(&client.id, |stream| {
            stream.config.push = Some(push.clone());
            stream.inactivity = Some(60);
        })
        .await;
    assert_eq!(
        world.store.stream(made.id).await.unwrap(),
        Some(made.clone())
    );
    for _ in 0..3 {
        world.stream(&client.id, |_| {}).await;
    }
    let more = world.stream_row(&client.id);
    let refused = world
        .store
        .stream_create(more, 4, world.audit("stream.create"));
    assert!(matches!(refused.await, Err(StoreError::TooMany(_))));
    let other = world.client("other").await;
    world.stream(&other.id, |_| {}).await;
    let count = async |client| world.store.streams(client).await.unwrap().len();
    assert_eq!((count(Some(&client.id)).await, count(None).await), (4, 5));
    let debug = format!("{made:?}");
    assert!(!debug.contains("sealed\""), "{debug}");
}

#[tokio::test]
async fn a_change_of_a_stream_that_is_not_as_it_was_read_is_refused() {
    let world = World::new();
    let client = world.client("rp").await;
    let made = world.stream(&client.id, |_| {}).await;
    let mut changed = made.config.clone();
    changed.kinds = vec![SignalKind::SessionRevoked];
    let configure = async |before: &StreamConfig| {
        let audit = world.audit("stream.update");
        let (before, after) = (before.clone(), changed.clone());
        world
            .store
            .stream_configure(made.id, before, after, audit)
            .await
    };
    assert!(configure(&made.config).await.unwrap());
    assert!(matches!(
        configure(&made.config).await,
        Err(StoreError::Conflict("stream"))
    ));
    let stored = world.store.stream(made.id).await.unwrap().unwrap();
    assert_eq!(stored.config, changed);
    let remove = async || {
        let audit = world.audit("stream.remove");
        world.store.stream_remove(made.id, audit).await.unwrap()
    };
    assert!(remove().await);
    assert!(!remove().await);
    assert!(!configure(&changed).await.unwrap());
}

#[tokio::test]
async fn an_act_is_owed_to_the_streams_of_those_who_may_know_of_it_and_to_no_others() {
    let world = World::new();
    let (rp, stranger) = (world.client("rp").await, world.client("stranger").await);
    let theirs = world.stream(&rp.id, |_| {}).await;
    let few = world
        .stream(&rp.id, |stream| {
            stream.config.kinds = vec![SignalKind::AccountDisabled];
        })
        .await;
    let foreign = world.stream(&stranger.id, |_| {}).await;
    let ada = world.user("ada@example.com").await;
    let session = world.ended(ada.id, &rp.id).await;
    let owed = world.owed(&theirs).await;
    let kinds: Vec<_> = owed.iter().map(|signal| signal.kind).collect();
    assert_eq!(
        kinds,
        [SignalKind::SessionEstablished, SignalKind::SessionRevoked]
    );
    let told = &owed[1];
    assert_eq!((told.user, told.session), (Some(ada.id), Some(session)));
    assert_eq!(told.reason.as_deref(), Some("admin"));
    assert_eq!((told.number, told.at), (2, world.now()));
    // The record of the act is known by its number, and so is who did it.
    assert_eq!(told.actor.as_deref(), Some("operator"));
    let record = &world.records().await[usize::try_from(told.cause).unwrap() - 1];
    assert_eq!(record.action, "session.revoke");

    let audit = world.audit("user.disable");
    assert!(world.store.user_disable(ada.id, audit).await.unwrap());
    let audit = world.audit("user.enable");
    assert!(world.store.user_enable(ada.id, audit).await.unwrap());
    let change = UserChange {
        roles: Some(vec!["admin".to_owned()]),
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
    assert_eq!(
        world.kinds(&theirs).await[2..],
        [
            SignalKind::AccountDisabled,
            SignalKind::AccountEnabled,
            SignalKind::ClaimsChange
        ]
    );
    assert_eq!(world.kinds(&few).await, [SignalKind::AccountDisabled]);
    assert_eq!(world.owed(&foreign).await, []);
}

#[tokio::test]
async fn what_is_undone_owes_nothing() {
    let world = World::new();
    let client = world.client("rp").await;
    let stream = world.stream(&client.id, |_| {}).await;
    let ada = world.user("ada@example.com").await;
    let session = world.ended(ada.id, &client.id).await;
    let before = world.owed(&stream).await.len();
    // Revoked already: nothing happens, and nothing is told.
    let audit = world.audit("session.revoke");
    let again = world
        .store
        .session_revoke(session, RevokeReason::Admin, audit);
    assert!(again.await.unwrap());
    let conflict = UserChange {
        before: Some(world.user_row("other@example.com")).map(|mut row| {
            row.roles.clear();
            row
        }),
        roles: Some(vec!["admin".to_owned()]),
        ..UserChange::default()
    };
    let audit = world.audit("user.update");
    let refused = world.store.user_update(ada.id, conflict, audit).await;
    assert!(refused.is_err());
    assert_eq!(world.owed(&stream).await.len(), before);
}

#[tokio::test]
async fn what_is_owed_survives_the_process() {
    let world = World::new();
    let client = world.client("rp").await;
    let stream = world.stream(&client.id, |_| {}).await;
    let ada = world.user("ada@example.com").await;
    world.ended(ada.id, &client.id).await;
    let owed = world.owed(&stream).await;
    let World {
        store,
        clock,
        random,
        dir,
    } = world;
    drop(store);
    let again = open(&dir.path().join("data"), &clock, &random).unwrap();
    assert_eq!(again.signals(stream.id, 100).await.unwrap(), owed);
}

#[tokio::test]
async fn a_paused_stream_keeps_and_a_disabled_one_forgets() {
    let world = World::new();
    let client = world.client("rp").await;
    let stream = world
        .stream(&client.id, |stream| {
            stream.config.push = Some(PushTarget {
                url: "https://rp.example/".to_owned(),
                sealed_authorization: None,
            });
        })
        .await;
    let ada = world.user("ada@example.com").await;
    world.set_status(&stream, StreamStatus::Paused, true).await;
    world.ended(ada.id, &client.id).await;
    assert_eq!(world.kinds(&stream).await, [SignalKind::StreamUpdated]);
    let due = async || world.store.streams_due(world.now()).await.unwrap().len();
    assert_eq!(due().await, 1, "what it has to say of itself");
    let audit = world.audit("signal.deliver");
    let settled = world
        .store
        .signals_settle(stream.id, vec![1], Settled::Delivered, audit);
    assert_eq!(settled.await.unwrap(), 1);
    assert_eq!(due().await, 0);
    world
        .set_status(&stream, StreamStatus::Enabled, false)
        .await;
    assert_eq!(
        world.kinds(&stream).await,
        [SignalKind::SessionEstablished, SignalKind::SessionRevoked]
    );
    world
        .set_status(&stream, StreamStatus::Disabled, true)
        .await;
    world.ended(ada.id, &client.id).await;
    assert_eq!(world.kinds(&stream).await, [SignalKind::StreamUpdated]);
    let audit = world.audit("stream.verify");
    let verify = world.store.stream_verify(stream.id, None, MINUTE, audit);
    assert_eq!(verify.await.unwrap(), Verification::Missing);
}

#[tokio::test]
async fn numbers_are_never_given_twice() {
    let world = World::new();
    let client = world.client("rp").await;
    let stream = world.stream(&client.id, |_| {}).await;
    let ada = world.user("ada@example.com").await;
    world.ended(ada.id, &client.id).await;
    let numbers = async || -> Vec<u64> {
        let owed = world.owed(&stream).await;
        owed.iter().map(|signal| signal.number).collect()
    };
    assert_eq!(numbers().await, [1, 2]);
    let audit = world.audit("signal.deliver");
    let settled = world.store.signals_settle(
        stream.id,
        vec![1, 2, 99, u64::MAX],
        Settled::Delivered,
        audit,
    );
    assert_eq!(settled.await.unwrap(), 2);
    world
        .set_status(&stream, StreamStatus::Disabled, false)
        .await;
    world
        .set_status(&stream, StreamStatus::Enabled, false)
        .await;
    world.ended(ada.id, &client.id).await;
    assert_eq!(numbers().await, [3, 4]);
    let stored = world.store.stream(stream.id).await.unwrap().unwrap();
    assert_eq!((stored.queued, stored.delivered), (2, 2));
}

#[tokio::test]
async fn a_user_who_is_left_out_is_not_told_of() {
    let world = World::new();
    let client = world.client("rp").await;
    let stream = world.stream(&client.id, |_| {}).await;
    let (ada, bob) = (
        world.user("ada@example.com").await,
        world.user("bob@example.com").await,
    );
    let set = async |user, told| {
        let audit = world.audit("stream.remove_subject");
        let set = world.store.stream_set_told(stream.id, user, told, audit);
        set.await.unwrap()
    };
    assert!(set(ada.id, false).await);
    assert!(!set(ada.id, false).await);
    world.ended(ada.id, &client.id).await;
    world.ended(bob.id, &client.id).await;
    let users: Vec<_> = world
        .owed(&stream)
        .await
        .iter()
        .map(|one| one.user)
        .collect();
    assert_eq!(users, [Some(bob.id); 2]);
    assert!(set(ada.id, true).await);
    assert!(!set(ada.id, true).await);
    world.ended(ada.id, &client.id).await;
    assert_eq!(world.owed(&stream).await.len(), 4);
}

#[tokio::test]
async fn a_removed_client_leaves_no_stream() {
    let world = World::new();
    let client = world.client("rp").await;
    let stream = world.stream(&client.id, |_| {}).await;
    let ada = world.user("ada@example.com").await;
    world.ended(ada.id, &client.id).await;
    let audit = world.audit("client.remove");
    assert!(world.store.client_remove(&client.id, audit).await.unwrap());
    assert_eq!(world.store.stream(stream.id).await.unwrap(), None);
    assert_eq!(world.owed(&stream).await, []);
}
