//! What users have granted clients, and how they take it back.

use std::time::Duration;

use sealgate_model::{ClientId, UserId};
use sealgate_store::{
    Code, Consent, ConsentRow, GrantedTogether, Redeemed, RevokeReason, Revoked, SessionSelector,
};

use crate::world::{DAY, HOUR, World};

async fn grant(
    world: &World,
    user: UserId,
    client: &ClientId,
    scopes: &[&str],
    resources: &[&str],
) {
    let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect();
    let consent = ConsentRow {
        user,
        client: client.clone(),
        scopes: words(scopes),
        resources: words(resources),
        grants: Vec::new(),
        granted_at: world.now(),
    };
    let audit = world.audit("consent.grant");
    world.store.consent_grant(consent, audit).await.unwrap();
}

#[tokio::test]
async fn what_is_granted_adds_up() {
    let world = World::new();
    let (user, client, ..) = world.story().await;
    grant(
        &world,
        user.id,
        &client.id,
        &["openid", "a"],
        &["https://x"],
    )
    .await;
    world.clock.advance(HOUR);
    grant(&world, user.id, &client.id, &["b", "a"], &[]).await;
    let kept = world.store.consent(user.id, &client.id).await.unwrap();
    let expected = ConsentRow {
        user: user.id,
        client: client.id.clone(),
        scopes: ["a", "b", "openid"].map(str::to_owned).to_vec(),
        resources: vec!["https://x".to_owned()],
        grants: vec![
            together(&["a", "openid"], &["https://x"]),
            together(&["a", "b"], &[]),
        ],
        granted_at: world.now(),
    };
    assert_eq!(kept.as_ref(), Some(&expected));
    assert_eq!(world.store.consents_of(user.id).await.unwrap(), [expected]);
    let bob = world.user("bob@example.com").await;
    assert!(world.store.consents_of(bob.id).await.unwrap().is_empty());
    let none = world.store.consent(bob.id, &client.id).await.unwrap();
    assert!(none.is_none());
}

fn together(scopes: &[&str], resources: &[&str]) -> GrantedTogether {
    let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
    GrantedTogether {
        scopes: owned(scopes),
        resources: owned(resources),
    }
}

#[tokio::test]
async fn what_was_granted_for_one_resource_is_not_granted_for_another() {
    let world = World::new();
    let (user, client, ..) = world.story().await;
    let (mail, cal) = ("https://mail.example", "https://cal.example");
    grant(&world, user.id, &client.id, &["read"], &[mail]).await;
    grant(&world, user.id, &client.id, &["delete"], &[cal]).await;
    // An answer to a wider question takes the place of those it covers.
    grant(&world, user.id, &client.id, &["read", "list"], &[mail]).await;
    let kept = world.store.consent(user.id, &client.id).await.unwrap();
    let grants = kept.unwrap().grants;
    assert_eq!(
        grants,
        [
            together(&["delete"], &[cal]),
            together(&["list", "read"], &[mail])
        ]
    );
    let covered = |scope: &str, resources: &[&str]| {
        let asked = together(&[scope], resources);
        grants
            .iter()
            .any(|known| known.covers(&asked.scopes, &asked.resources))
    };
    assert!(covered("read", &[mail]) && covered("delete", &[cal]));
    assert!(!covered("delete", &[mail]) && !covered("delete", &[]));
    assert!(!covered("read", &[mail, cal]));
}

#[tokio::test]
async fn withdrawing_ends_what_the_client_has_of_that_user_and_nothing_else() {
    let world = World::new();
    let (ada, client, sign_in, session, _) = world.story().await;
    let (bob, other) = (
        world.user("bob@example.com").await,
        world.client("other").await,
    );
    let bobs = world.sign_in(bob.id).await;
    let (of_bob, _) = world.session_from(&bobs, &client.id).await;
    let (elsewhere, _) = world.session_from(&sign_in, &other.id).await;
    let code = world.code(&sign_in, &client.id).await;
    let code_elsewhere = world.code(&sign_in, &other.id).await;
    grant(&world, ada.id, &client.id, &["openid"], &[]).await;
    grant(&world, ada.id, &other.id, &["openid"], &[]).await;

    let withdraw = async || {
        let audit = world.audit("consent.withdraw");
        world
            .store
            .consent_withdraw(ada.id, &client.id, audit)
            .await
            .unwrap()
    };
    assert!(withdraw().await);
    let kept = world.store.consents_of(ada.id).await.unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].client, other.id);
    assert_eq!(
        world.fate(session.id).await,
        Some(RevokeReason::ConsentWithdrawn)
    );
    for spared in [of_bob.id, elsewhere.id] {
        assert_eq!(world.fate(spared).await, None);
    }
    let late = world.session_for(&code);
    assert_eq!(
        world.redeem(&code, &late, None).await.unwrap(),
        Redeemed::Ended
    );
    let late = world.session_for(&code_elsewhere);
    assert_eq!(
        world.redeem(&code_elsewhere, &late, None).await.unwrap(),
        Redeemed::Started
    );
    let log = world.log().await;
    let told: Vec<_> = log.iter().map(|entry| entry.what.clone()).collect();
    assert_eq!(told, [Revoked::Session(session.id), Revoked::User(ada.id)]);
    assert!(
        log.iter()
            .all(|entry| entry.client == Some(client.id.clone()))
    );
    assert_eq!(log[1].expires_at, world.now() + DAY + HOUR);

    // Nothing is left to withdraw, and nothing is recorded.
    let records = world.records().await.len();
    assert!(!withdraw().await);
    assert_eq!(world.records().await.len(), records);
    assert_eq!(world.log().await.len(), 2);
}

#[tokio::test]
async fn a_session_without_a_remembered_consent_ends_too() {
    let world = World::new();
    let (ada, client, _, session, _) = world.story().await;
    let audit = world.audit("consent.withdraw");
    let done = world.store.consent_withdraw(ada.id, &client.id, audit);
    assert!(done.await.unwrap());
    assert_eq!(
        world.fate(session.id).await,
        Some(RevokeReason::ConsentWithdrawn)
    );
}

#[tokio::test]
async fn a_code_stored_after_the_consent_was_taken_back_is_worth_nothing() {
    let world = World::new();
    let ada = world.user("ada@example.com").await;
    let client = world
        .client_with("expenses", |details| details.consent = Consent::Required)
        .await
        .id;
    let sign_in = world.sign_in(ada.id).await;
    let attempt = async |code: &Code| {
        let session = world.session_for(code);
        world.redeem(code, &session, None).await.unwrap()
    };
    grant(&world, ada.id, &client, &["openid"], &[]).await;
    let audit = world.audit("consent.withdraw");
    let done = world.store.consent_withdraw(ada.id, &client, audit);
    assert!(done.await.unwrap());
    // The request for it had read the consent before; its clock may be ahead.
    let same_moment = world.code(&sign_in, &client).await;
    world.clock.advance(Duration::from_millis(1));
    let after = world.code(&sign_in, &client).await;
    assert_eq!(attempt(&after).await, Redeemed::Ended);
    // Given anew, the consent is for what is asked for from now on.
    grant(&world, ada.id, &client, &["openid"], &[]).await;
    assert_eq!(attempt(&same_moment).await, Redeemed::Ended);
    let fresh = world.code(&sign_in, &client).await;
    assert_eq!(attempt(&fresh).await, Redeemed::Started);
}

#[tokio::test]
async fn a_code_stored_after_a_users_revocation_on_a_client_is_worth_nothing() {
    let world = World::new();
    let (ada, client) = (
        world.user("ada@example.com").await,
        world.client("app").await.id,
    );
    let sign_in = world.sign_in(ada.id).await;
    let selector = SessionSelector {
        user: Some(ada.id),
        client: Some(client.clone()),
        tenant: None,
        started_at_or_before: world.now(),
    };
    let audit = world.audit("session.revoke");
    let revoked = world
        .store
        .sessions_revoke(selector, RevokeReason::Admin, audit);
    assert_eq!(revoked.await.unwrap(), 0);
    let code = world.code(&sign_in, &client).await;
    world.clock.advance(Duration::from_millis(1));
    let session = world.session_for(&code);
    assert_eq!(
        world.redeem(&code, &session, None).await.unwrap(),
        Redeemed::Ended
    );
    world.session_from(&sign_in, &client).await;
}
