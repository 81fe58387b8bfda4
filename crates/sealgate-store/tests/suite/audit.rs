//! Records: numbered without gaps, kept with their act, and never holding a secret.

use std::sync::Arc;

use sealgate_store::{Audit, AuditActor, AuditFilter, Outcome, RevokeReason, StoreError};

use crate::world::{HOUR, World};

#[tokio::test]
async fn a_record_keeps_all_it_was_given() {
    let world = World::new();
    let (user, client, _, session, _) = world.story().await;
    let before = i64::try_from(world.records().await.len()).unwrap();
    let mut audit = Audit::denied(
        world.now(),
        AuditActor::User(user.id),
        "sign_in.create",
        "password_wrong",
    );
    audit.user = Some(user.id);
    audit.client = Some(client.id.clone());
    audit.session = Some(session.id);
    audit.object = Some("https://api.example".to_owned());
    audit.network = Some("2001:db8::1".to_owned());
    audit.trace = Some("4bf92f3577b34da6a3ce929d0e0e4736".to_owned());
    audit.count = 7;
    world.store.record(audit).await.unwrap();
    let rows = world.store.audit_after(before, 10).await.unwrap();
    assert_eq!(rows.len(), 1);
    let row = &rows[0];
    assert_eq!((row.number, row.at), (before + 1, world.now()));
    assert_eq!(row.actor, format!("user:{}", user.id));
    assert_eq!(
        (&*row.action, &*row.outcome, &*row.reason),
        ("sign_in.create", "denied", "password_wrong")
    );
    assert_eq!(
        (row.user, row.client.as_ref(), row.session),
        (Some(user.id), Some(&client.id), Some(session.id))
    );
    assert_eq!(row.object.as_deref(), Some("https://api.example"));
    assert_eq!(row.network.as_deref(), Some("2001:db8::1"));
    assert_eq!(
        row.trace.as_deref(),
        Some("4bf92f3577b34da6a3ce929d0e0e4736")
    );
    assert_eq!(row.count, 7);
}

#[tokio::test]
async fn every_kind_of_actor_has_a_name() {
    let world = World::new();
    let client: sealgate_model::ClientId = "expenses".parse().unwrap();
    for actor in [
        AuditActor::Client(client),
        AuditActor::Operator,
        AuditActor::Anonymous,
        AuditActor::System,
    ] {
        world
            .store
            .record(Audit::allowed(world.now(), actor, "test.act"))
            .await
            .unwrap();
    }
    let actors: Vec<_> = world
        .records()
        .await
        .into_iter()
        .map(|row| row.actor)
        .collect();
    assert_eq!(
        actors,
        ["client:expenses", "operator", "anonymous", "system"]
    );
    assert_eq!(world.store.audit_after(1, 2).await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_have_no_gaps_under_concurrent_writes_of_which_some_fail() {
    let world = World::new();
    let (_, client, sign_in, ..) = world.story().await;
    let mut sessions = Vec::new();
    for _ in 0..20 {
        sessions.push(world.session_from(&sign_in, &client.id).await.0.id);
    }
    let before = world.records().await.len();
    let mut writes = Vec::new();
    for (number, session) in sessions.into_iter().enumerate() {
        let store = Arc::clone(&world.store);
        let audit = world.audit("session.revoke");
        writes.push(tokio::spawn(async move {
            store
                .session_revoke(session, RevokeReason::Admin, audit)
                .await
                .map(drop)
        }));
        // Half of these addresses are taken: those writes fail after the row was begun.
        let store = Arc::clone(&world.store);
        let user = world.user_row(&format!("user{}@example.com", number / 2));
        let audit = world.audit("user.create");
        writes.push(tokio::spawn(async move {
            store.user_create(user, None, audit).await
        }));
    }
    let (mut done, mut conflicts) = (0, 0);
    for write in writes {
        match write.await.unwrap() {
            Ok(()) => done += 1,
            Err(StoreError::Conflict("e-mail address")) => conflicts += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!((done, conflicts), (30, 10));
    let numbers: Vec<_> = world.records().await.iter().map(|row| row.number).collect();
    assert_eq!(
        numbers,
        (1..=i64::try_from(before + 30).unwrap()).collect::<Vec<_>>()
    );
    let seqs: Vec<_> = world.log().await.iter().map(|entry| entry.seq).collect();
    assert_eq!(seqs, (1..=20).collect::<Vec<_>>());
    assert_eq!(world.store.revocation_head().await.unwrap(), 20);
    assert_eq!(*world.store.revocation_wakeup().borrow(), 20);
}

#[tokio::test]
async fn nothing_that_is_printed_shows_a_secret() {
    let world = World::new();
    let (user, client, sign_in, _, token) = world.story().await;
    let printed = format!(
        "{user:?} {client:?} {sign_in:?} {token:?} {:?}",
        world.records().await
    );
    assert!(!printed.contains("argon2id"), "{printed}");
    assert!(printed.contains("SecretHash(…)"));
    let refused = world
        .store
        .user_create(
            world.user_row("ADA@example.com"),
            None,
            world.audit("user.create"),
        )
        .await;
    assert_eq!(
        refused.unwrap_err().to_string(),
        "e-mail address is already in use"
    );
}

#[tokio::test]
async fn records_are_listed_newest_first_by_what_they_are_looked_for_by() {
    let world = World::new();
    let (ada, client, ..) = world.story().await;
    let before = i64::try_from(world.records().await.len()).unwrap();
    world.clock.advance(HOUR);
    let later = world.now();
    for (actor, denied) in [
        (AuditActor::User(ada.id), false),
        (AuditActor::Client(client.id.clone()), true),
        (AuditActor::User(ada.id), true),
    ] {
        let mut audit = if denied {
            Audit::denied(later, actor, "test.act", "because")
        } else {
            Audit::allowed(later, actor, "test.act")
        };
        audit.user = Some(ada.id);
        audit.client = denied.then(|| client.id.clone());
        world.store.record(audit).await.unwrap();
    }
    let list = async |filter, limit| {
        let rows = world.store.audit_list(filter, limit).await.unwrap();
        rows.iter()
            .map(|row| row.number - before)
            .collect::<Vec<_>>()
    };
    let any = AuditFilter::default;
    assert_eq!(list(any(), 2).await, [3, 2]);
    assert_eq!(list(any(), 1000).await.len(), world.records().await.len());
    let page = AuditFilter {
        before: Some(before + 3),
        ..any()
    };
    assert_eq!(list(page, 2).await, [2, 1]);
    let by_actor = AuditFilter {
        actor: Some(format!("user:{}", ada.id)),
        ..any()
    };
    assert_eq!(list(by_actor.clone(), 10).await, [3, 1]);
    let denied = AuditFilter {
        outcome: Some(Outcome::Denied),
        ..by_actor
    };
    assert_eq!(list(denied, 10).await, [3]);
    let about = AuditFilter {
        user: Some(ada.id),
        client: Some(client.id),
        action: Some("test.act".to_owned()),
        ..any()
    };
    assert_eq!(list(about, 10).await, [3, 2]);
    let since = AuditFilter {
        since: Some(later),
        ..any()
    };
    assert_eq!(list(since, 10).await, [3, 2, 1]);
    let nothing = AuditFilter {
        action: Some("test.other".to_owned()),
        ..any()
    };
    assert!(list(nothing, 10).await.is_empty());
}
