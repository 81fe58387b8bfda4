//! Who hears of the end of what can be presented to them, beside the client it began on.

use sealgate_model::{ClientId, GrantId, SessionId, UserId};
use sealgate_store::{
    Delegated, NewDelegation, RevokeReason, Revoked, SessionSelector, TokenRevocation, UserChange,
};

use crate::world::{DAY, HOUR, World};

const API: &str = "https://api.example";
const FILES: &str = "https://files.example";

/// A client that serves a resource.
async fn server(world: &World, id: &str, uri: &str) -> ClientId {
    let client = world.client(id).await.id;
    world.resource(uri, Some(&client)).await;
    client
}

/// What the log tells and whom, from a place on.
async fn told(world: &World, after: usize) -> Vec<(Revoked, String)> {
    let log = world.log().await;
    log.into_iter()
        .skip(after)
        .map(|entry| {
            let reader = entry.client.map_or("all".to_owned(), |id| id.to_string());
            (entry.what, reader)
        })
        .collect()
}

async fn revoke(world: &World, id: SessionId) {
    let audit = world.audit("session.revoke");
    let revoked = world.store.session_revoke(id, RevokeReason::Admin, audit);
    assert!(revoked.await.unwrap());
}

async fn delegate(world: &World, id: SessionId, resources: &[&str]) -> bool {
    let client: ClientId = "expenses".parse().unwrap();
    let known = world.store.delegation_of(id, &client, None).await.unwrap();
    let new = NewDelegation {
        id: known.unwrap_or_else(|| GrantId::generate(world.now(), &world.random)),
        session: id,
        client,
        parent: None,
        resources: resources.iter().map(ToString::to_string).collect(),
    };
    let audit = world.audit("token.exchange");
    let done = world.store.session_delegate(new, audit).await;
    done.unwrap() == Delegated::Done
}

fn session(id: SessionId, readers: &[&str]) -> Vec<(Revoked, String)> {
    let entry = |reader: &&str| (Revoked::Session(id), (*reader).to_owned());
    readers.iter().map(entry).collect()
}

fn user(id: UserId, readers: &[&str]) -> Vec<(Revoked, String)> {
    let entry = |reader: &&str| (Revoked::User(id), (*reader).to_owned());
    readers.iter().map(entry).collect()
}

#[tokio::test]
async fn whoever_serves_a_resource_hears_of_the_sessions_that_were_granted_for_it() {
    let world = World::new();
    let (_, app, sign_in, plain, _) = world.story().await;
    server(&world, "api", API).await;
    server(&world, "files", FILES).await;
    let for_api = world
        .session_for_resources(&sign_in, &app.id, &[API, "https://gone.example"])
        .await;
    let for_both = world
        .session_for_resources(&sign_in, &app.id, &[FILES, API])
        .await;
    for id in [plain.id, for_api.id, for_both.id] {
        revoke(&world, id).await;
    }
    let expected = [
        session(plain.id, &["expenses"]),
        session(for_api.id, &["api", "expenses"]),
        session(for_both.id, &["api", "expenses", "files"]),
    ];
    assert_eq!(told(&world, 0).await, expected.concat());
    // Each entry has a number of its own, without gaps.
    let numbers: Vec<u64> = world.log().await.iter().map(|entry| entry.seq).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6]);
}

#[tokio::test]
async fn whoever_serves_a_resource_that_tokens_were_exchanged_for_hears_of_it_too() {
    let world = World::new();
    let (_, app, sign_in, plain, _) = world.story().await;
    server(&world, "api", API).await;
    server(&world, "files", FILES).await;
    assert!(delegate(&world, plain.id, &[API]).await);
    assert!(delegate(&world, plain.id, &[API, FILES]).await);
    let (other, _) = world.session_from(&sign_in, &app.id).await;
    revoke(&world, other.id).await;
    revoke(&world, plain.id).await;
    let expected = [
        session(other.id, &["expenses"]),
        session(plain.id, &["api", "expenses", "files"]),
    ];
    assert_eq!(told(&world, 0).await, expected.concat());
    let actions = world.actions().await;
    let exchanges = actions.iter().filter(|action| *action == "token.exchange");
    assert_eq!(exchanges.count(), 2);
}

#[tokio::test]
async fn no_token_of_a_session_that_has_ended_is_given_out() {
    let world = World::new();
    let (_, app, sign_in, revoked, _) = world.story().await;
    revoke(&world, revoked.id).await;
    let before = world.records().await.len();
    assert!(!delegate(&world, revoked.id, &[API]).await);
    let unknown = SessionId::generate(world.now(), &world.random);
    assert!(!delegate(&world, unknown, &[API]).await);
    let (expired, _) = world.session_from(&sign_in, &app.id).await;
    let started = world.records().await.len();
    world.clock.advance(DAY);
    assert!(!delegate(&world, expired.id, &[API]).await);
    assert_eq!((before, started), (before, world.records().await.len()));
}

#[tokio::test]
async fn a_user_whose_tokens_a_client_takes_ends_there_too_and_no_other_user_does() {
    let world = World::new();
    let (ada, app, sign_in, first, _) = world.story().await;
    server(&world, "api", API).await;
    server(&world, "files", FILES).await;
    let grace = world.user("grace@example.com").await;
    let hers = world.sign_in(grace.id).await;
    world.session_for_resources(&hers, &app.id, &[FILES]).await;
    let second = world.session_for_resources(&sign_in, &app.id, &[API]).await;
    let audit = world.audit("user.disable");
    assert!(world.store.user_disable(ada.id, audit).await.unwrap());
    let mut ended = [
        (first.id, &["expenses"][..]),
        (second.id, &["api", "expenses"]),
    ];
    ended.sort();
    let expected = [
        session(ended[0].0, ended[0].1),
        session(ended[1].0, ended[1].1),
        user(ada.id, &["api", "expenses"]),
    ];
    assert_eq!(told(&world, 0).await, expected.concat());
    // What the user starts at the resource's own client is barred as well, as everywhere.
    let api: ClientId = "api".parse().unwrap();
    let not_before = world.store.not_before(Some(ada.id), Some(&api), None).await;
    assert_eq!(not_before.unwrap(), Some(world.now()));
}

#[tokio::test]
async fn what_a_user_started_on_one_client_ends_at_a_resource_by_session_alone() {
    let world = World::new();
    let (ada, app, sign_in, ..) = world.story().await;
    server(&world, "api", API).await;
    let web = world.client("web").await.id;
    let goes_on = world.session_for_resources(&sign_in, &web, &[API]).await;
    let ends = world.session_for_resources(&sign_in, &app.id, &[API]).await;
    let selector = SessionSelector {
        user: Some(ada.id),
        client: Some(app.id.clone()),
        tenant: None,
        started_at_or_before: world.now(),
    };
    let audit = world.audit("session.revoke_many");
    let revoked = world
        .store
        .sessions_revoke(selector, RevokeReason::Admin, audit);
    assert_eq!(revoked.await.unwrap(), 2);
    let told = told(&world, 0).await;
    assert!(told.contains(&(Revoked::Session(ends.id), "api".to_owned())));
    assert!(!told.contains(&(Revoked::User(ada.id), "api".to_owned())));
    assert_eq!(world.fate(goes_on.id).await, None);
}

#[tokio::test]
async fn a_client_that_begins_to_serve_a_resource_is_told_of_what_has_ended_before() {
    let world = World::new();
    let (_, app, sign_in, plain, _) = world.story().await;
    let old = server(&world, "api", API).await;
    let new = world.client("api-2").await.id;
    let granted = world.session_for_resources(&sign_in, &app.id, &[API]).await;
    let exchanged = world
        .session_for_resources(&sign_in, &app.id, &[FILES])
        .await;
    let alive = world.session_for_resources(&sign_in, &app.id, &[API]).await;
    assert!(delegate(&world, exchanged.id, &[API]).await);
    let revoked_at = world.now();
    for id in [plain.id, granted.id, exchanged.id] {
        revoke(&world, id).await;
    }
    let token = TokenRevocation {
        jti: "jti".to_owned(),
        client: app.id.clone(),
        others: Some(vec![old.clone()]),
        expires_at: world.now() + 2 * HOUR,
    };
    let audit = world.audit("token.revoke");
    assert!(world.store.token_revoke(token, audit).await.unwrap());
    let before = world.log().await.len();
    world.clock.advance(HOUR);
    world.serve(API, Some(&new)).await;
    let mut ended = [granted.id, exchanged.id];
    ended.sort();
    let expected = [
        session(ended[0], &["api-2"]),
        session(ended[1], &["api-2"]),
        vec![(Revoked::Token("jti".to_owned()), "api-2".to_owned())],
    ];
    assert_eq!(told(&world, before).await, expected.concat());
    let last = world.log().await.pop().unwrap();
    assert_eq!(last.at, revoked_at, "it was revoked then, not now");
    // From now on the new one hears, and the old one does not.
    world.serve(API, Some(&new)).await;
    revoke(&world, alive.id).await;
    let expected = session(alive.id, &["api-2", "expenses"]);
    assert_eq!(told(&world, before + 3).await, expected);
    // Of what can no longer be presented nobody is told.
    let known = world.log().await.len();
    world.clock.advance(DAY);
    world.serve(API, Some(&old)).await;
    assert_eq!(world.log().await.len(), known);
}

#[tokio::test]
async fn a_client_that_begins_to_serve_a_resource_is_told_of_roles_that_have_changed() {
    for served in [false, true] {
        let world = World::new();
        let (ada, app, sign_in, ..) = world.story().await;
        let bob = world.user("bob@example.com").await;
        let old = world.client("api").await.id;
        world.resource(API, served.then_some(&old)).await;
        let new = world.client("api-2").await.id;
        world.session_for_resources(&sign_in, &app.id, &[API]).await;
        let other = world.sign_in(bob.id).await;
        world.session_for_resources(&other, &app.id, &[FILES]).await;
        for user in [&ada, &bob] {
            let change = UserChange {
                roles: Some(vec!["auditor".to_owned()]),
                ..UserChange::default()
            };
            let audit = world.audit("user.update");
            let done = world.store.user_update(user.id, change, audit).await;
            assert!(done.unwrap());
        }
        let (changed_at, before) = (world.now(), world.log().await.len());
        world.clock.advance(HOUR);
        world.serve(API, Some(&new)).await;
        // Only of those who have tokens for it.
        let expected = [(Revoked::UserClaims(ada.id), "api-2".to_owned())];
        assert_eq!(told(&world, before).await, expected);
        assert_eq!(world.log().await.pop().unwrap().at, changed_at);
    }
}

#[tokio::test]
async fn a_client_that_begins_to_serve_what_nobody_did_is_told_of_tenants_whose_machines_have_tokens_for_it()
 {
    let world = World::new();
    world.resource(API, None).await;
    let new = world.client("api").await.id;
    for (id, tenant, resource) in [("one", "acme", API), ("two", "other", FILES)] {
        world
            .client_with(id, |details| {
                details.tenant = Some(tenant.parse().unwrap());
                details.resources = vec![resource.to_owned()];
            })
            .await;
        let selector = SessionSelector {
            user: None,
            client: None,
            tenant: Some(tenant.parse().unwrap()),
            started_at_or_before: world.now(),
        };
        let (reason, audit) = (RevokeReason::Admin, world.audit("session.revoke"));
        let done = world.store.sessions_revoke(selector, reason, audit).await;
        done.unwrap();
    }
    let before = world.log().await.len();
    world.serve(API, Some(&new)).await;
    let expected = [(Revoked::Tenant("acme".parse().unwrap()), "api".to_owned())];
    assert_eq!(told(&world, before).await, expected);
}

#[tokio::test]
async fn a_token_that_was_given_up_is_known_to_whoever_serves_its_resource_after_a_while_without_anybody()
 {
    for removed in [false, true] {
        let world = World::new();
        let (_, app, ..) = world.story().await;
        let old = server(&world, "api", API).await;
        let token = TokenRevocation {
            jti: "jti".to_owned(),
            client: app.id.clone(),
            others: Some(vec![old]),
            expires_at: world.now() + HOUR,
        };
        let audit = world.audit("token.revoke");
        assert!(world.store.token_revoke(token, audit).await.unwrap());
        let before = world.log().await.len();
        if removed {
            let audit = world.audit("resource.remove");
            assert!(world.store.resource_remove(API, audit).await.unwrap());
        } else {
            world.serve(API, None).await;
        }
        let everybody = [(Revoked::Token("jti".to_owned()), "all".to_owned())];
        assert_eq!(told(&world, before).await, everybody);
    }
}

#[tokio::test]
async fn a_swept_session_takes_along_what_it_was_exchanged_for() {
    let world = World::new();
    let (.., session, _) = world.story().await;
    assert!(delegate(&world, session.id, &[API, FILES]).await);
    world.clock.advance(2 * DAY);
    // The session with its refresh token and its code; its delegation, and two resources of each; and the
    // browser's sign-in.
    assert_eq!(world.sweep().await, 9);
    assert!(world.store.session(session.id).await.unwrap().is_none());
}
