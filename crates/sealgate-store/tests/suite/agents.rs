//! AI agents: sessions that go on without a browser, who lets which agent act, and taking it back.

use sealgate_model::ClientId;
use sealgate_store::{
    AgentRow, AuditFilter, Client, ConsentRow, GrantDetails, Redeemed, RevokeReason, Revoked,
    Session, SignIn, UserRow, Withdrawn,
};

use crate::world::{DAY, MINUTE, World};

/// A session that an agent may keep.
async fn lasting(world: &World, sign_in: &SignIn, client: &ClientId) -> Session {
    let details = GrantDetails {
        lasting: true,
        ..GrantDetails::default()
    };
    let code = world.code_with(sign_in, client, details).await;
    let session = Session {
        expires_at: world.now() + 30 * DAY,
        network: Some("192.0.2.7".to_owned()),
        ..world.session_for(&code)
    };
    let first = world.token(&session, 0);
    let redeemed = world.redeem(&code, &session, Some(first)).await;
    assert_eq!(redeemed.unwrap(), Redeemed::Started);
    session
}

async fn agent(world: &World, id: &str) -> Client {
    world.client_with(id, |details| details.agent = true).await
}

async fn allow(world: &World, user: &UserRow, client: &Client) {
    let consent = ConsentRow {
        user: user.id,
        client: client.id.clone(),
        scopes: vec!["openid".to_owned()],
        resources: vec![],
        grants: vec![],
        granted_at: world.now(),
    };
    let audit = world.audit("consent.grant");
    world.store.consent_grant(consent, audit).await.unwrap();
}

/// A user with a browser session and an agent's, from one sign-in.
async fn story(world: &World) -> (UserRow, Client, SignIn, Session, Session) {
    let (user, _, sign_in, session, _) = world.story().await;
    let agent = agent(world, "agent").await;
    let own = lasting(world, &sign_in, &agent.id).await;
    (user, agent, sign_in, session, own)
}

#[tokio::test]
async fn the_end_of_a_browser_leaves_what_may_go_on_without_it() {
    let world = World::new();
    let (_, _, sign_in, session, own) = story(&world).await;
    let audit = world.audit("sign_in.end");
    let ended = world
        .store
        .sign_in_end(sign_in.id, RevokeReason::Logout, audit);
    ended.await.unwrap();
    assert_eq!(world.fate(session.id).await, Some(RevokeReason::Logout));
    assert_eq!(world.fate(own.id).await, None);
    let kept = world.session(own.id).await;
    assert_eq!(kept.network.as_deref(), Some("192.0.2.7"));
    assert!(kept.details.lasting);
}

#[tokio::test]
async fn a_renewal_tells_where_from() {
    let world = World::new();
    let (_, _, _, session, first) = world.story().await;
    assert_eq!(world.session(session.id).await.network, None);
    let audit = sealgate_store::Audit {
        network: Some("198.51.100.4".to_owned()),
        ..world.audit("session.renew")
    };
    let successor = world.token(&session, 1);
    let rotated = world
        .store
        .refresh_rotate(first.id, successor, "sealed".to_owned(), audit);
    rotated.await.unwrap();
    let network = world.session(session.id).await.network;
    assert_eq!(network.as_deref(), Some("198.51.100.4"));
}

#[tokio::test]
async fn every_browser_can_be_signed_out_without_the_agents_or_with_them() {
    let world = World::new();
    let (user, _, first, session, own) = story(&world).await;
    let second = world.sign_in(user.id).await;
    let audit = world.audit("sign_in.end");
    let ended = world
        .store
        .browsers_sign_out(user.id, RevokeReason::Logout, audit);
    ended.await.unwrap();
    for sign_in in [first.id, second.id] {
        let known = world.store.sign_in(sign_in).await.unwrap().unwrap();
        assert!(known.ended_at.is_some());
    }
    assert_eq!(world.fate(session.id).await, Some(RevokeReason::Logout));
    assert_eq!(world.fate(own.id).await, None);
    let audit = world.audit("sign_in.end");
    let ended = world
        .store
        .user_sign_out(user.id, RevokeReason::Logout, audit);
    ended.await.unwrap();
    assert_eq!(world.fate(own.id).await, Some(RevokeReason::Logout));
}

#[tokio::test]
async fn what_ends_a_user_ends_the_agents_sessions_too() {
    let world = World::new();
    let (user, agent, sign_in, ..) = story(&world).await;
    let own = lasting(&world, &sign_in, &agent.id).await;
    let change = sealgate_store::UserChange {
        sign_out: Some(RevokeReason::PasswordReset),
        ..sealgate_store::UserChange::default()
    };
    let audit = world.audit("user.update");
    assert!(
        world
            .store
            .user_update(user.id, change, audit)
            .await
            .unwrap()
    );
    assert_eq!(world.fate(own.id).await, Some(RevokeReason::PasswordReset));

    let sign_in = world.sign_in(user.id).await;
    world.clock.advance(MINUTE);
    let own = lasting(&world, &sign_in, &agent.id).await;
    let audit = world.audit("user.disable");
    assert!(world.store.user_disable(user.id, audit).await.unwrap());
    assert_eq!(world.fate(own.id).await, Some(RevokeReason::UserDisabled));
    // Its end is told for as long as any of its tokens could be taken for good.
    let log = world.log().await;
    let told = |what: &Revoked| *what == Revoked::User(user.id);
    let mut of_agent = log
        .iter()
        .filter(|entry| entry.client.as_ref() == Some(&agent.id));
    let last = of_agent.rfind(|entry| told(&entry.what));
    assert!(last.unwrap().expires_at >= own.expires_at);
}

#[tokio::test]
async fn all_of_a_users_agents_are_taken_back_at_once_and_nothing_else() {
    let world = World::new();
    let (user, first, sign_in, session, own) = story(&world).await;
    let second = agent(&world, "https://agent.example/client.json").await;
    allow(&world, &user, &second).await;
    let waiting = world.code(&sign_in, &first.id).await;
    let other = world.user("other@example.com").await;
    allow(&world, &other, &second).await;
    world.clock.advance(MINUTE / 2);
    let before = world.actions().await.len();
    let withdraw = async || {
        let audit = world.audit("consent.withdraw");
        world.store.agents_withdraw(user.id, audit).await.unwrap()
    };
    assert_eq!(withdraw().await, 2);
    assert_eq!(withdraw().await, 0);
    assert_eq!(
        world.fate(own.id).await,
        Some(RevokeReason::ConsentWithdrawn)
    );
    assert_eq!(world.fate(session.id).await, None);
    assert!(world.store.code(waiting.id).await.unwrap().is_none());
    assert!(world.store.consents_of(user.id).await.unwrap().is_empty());
    assert_eq!(world.store.consents_of(other.id).await.unwrap().len(), 1);
    let records = world.records().await.split_off(before);
    let told: Vec<_> = records
        .iter()
        .map(|row| (row.action.as_str(), row.client.clone()))
        .collect();
    assert_eq!(
        told,
        [
            ("consent.withdraw", Some(first.id.clone())),
            ("consent.withdraw", Some(second.id.clone()))
        ]
    );
}

#[tokio::test]
async fn an_agent_is_taken_from_everybody() {
    let world = World::new();
    let (user, agent, sign_in, session, own) = story(&world).await;
    allow(&world, &user, &agent).await;
    let waiting = world.code(&sign_in, &agent.id).await;
    let nobody: ClientId = "nobody".parse().unwrap();
    let revoke = async |id: &ClientId| {
        let audit = world.audit("agent.revoke");
        world.store.agent_revoke(id, audit).await.unwrap()
    };
    assert_eq!(revoke(&nobody).await, None);
    let done = revoke(&agent.id).await;
    let expected = Withdrawn {
        consents: 1,
        sessions: 1,
    };
    assert_eq!(done, Some(expected));
    assert_eq!(
        world.fate(own.id).await,
        Some(RevokeReason::ConsentWithdrawn)
    );
    assert_eq!(world.fate(session.id).await, None);
    assert!(world.store.code(waiting.id).await.unwrap().is_none());
    let log = world.log().await;
    assert!(
        log.iter()
            .any(|entry| entry.what == Revoked::Client(agent.id.clone()))
    );
    let kept = world.store.client(&agent.id).await.unwrap().unwrap();
    assert_eq!(kept.disabled_at, None);
}

#[tokio::test]
async fn agents_are_listed_with_who_uses_them() {
    let world = World::new();
    let (user, first, sign_in, _, own) = story(&world).await;
    lasting(&world, &sign_in, &first.id).await;
    let other = world.user("other@example.com").await;
    allow(&world, &user, &first).await;
    allow(&world, &other, &first).await;
    let second = agent(&world, "https://agent.example/client.json").await;
    let list = async |after: Option<&ClientId>, limit| {
        world.store.agents(after, limit, world.now()).await.unwrap()
    };
    let all = list(None, 1000).await;
    let expected = [
        AgentRow {
            client: first.clone(),
            users: 2,
            consents: 2,
            sessions: 2,
            last_used_at: Some(own.renewed_at),
        },
        AgentRow {
            client: second.clone(),
            users: 0,
            consents: 0,
            sessions: 0,
            last_used_at: None,
        },
    ];
    assert_eq!(all, expected);
    assert_eq!(list(None, 1).await, expected[..1]);
    assert_eq!(list(Some(&first.id), 1).await, expected[1..]);
    assert!(list(Some(&second.id), 1).await.is_empty());
}

#[tokio::test]
async fn records_are_found_by_their_trace() {
    let world = World::new();
    for trace in ["one", "two", "one"] {
        let audit = sealgate_store::Audit {
            trace: Some(trace.to_owned()),
            ..world.audit("code.issue")
        };
        world.store.record(audit).await.unwrap();
    }
    let filter = AuditFilter {
        trace: Some("one".to_owned()),
        ..AuditFilter::default()
    };
    let found = world.store.audit_list(filter, 10).await.unwrap();
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|row| row.trace.as_deref() == Some("one")));
}
