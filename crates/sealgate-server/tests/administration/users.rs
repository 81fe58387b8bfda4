//! Accounts.

use futures_util::future::join_all;
use sealgate_model::UserId;
use sealgate_server::Lifetimes;
use sealgate_server::admin::{CreatedUser, InvitedUser, UserView, Users};
use sealgate_store::{Audit, AuditActor, RevokeReason, UserRow, UserStatus};
use serde_json::{Value, json};

use crate::plane::{NOW, Plane, application};

#[tokio::test]
async fn an_address_in_use_is_a_conflict() {
    let plane = Plane::new().await;
    let added = plane
        .post("/users", json!({ "email": "ada@example.com" }))
        .await;
    assert_eq!(added.status, 201);
    plane
        .post("/users", json!({ "email": "ADA@example.com" }))
        .await
        .refused(409, "conflict");
}

#[tokio::test]
async fn a_user_with_a_password_is_active_and_one_without_gets_a_link() {
    let plane = Plane::new().await;
    let invited = plane
        .post(
            "/users",
            json!({ "email": "ada@example.com", "tenant": "acme" }),
        )
        .await
        .read::<CreatedUser>();
    let link = invited.invitation.unwrap();
    assert!(link.url.starts_with("https://id.example/invitation?token="));
    assert_eq!(link.expires_at, NOW + Lifetimes::default().invitation);
    assert_eq!(invited.user.status, UserStatus::Invited);
    assert_eq!(invited.user.tenant.unwrap().as_str(), "acme");

    let body = json!({ "email": "grace@example.com", "password": "correct horse battery staple" });
    let active = plane.post("/users", body).await;
    assert!(!active.body.contains("horse"));
    let active = active.read::<CreatedUser>();
    assert_eq!(
        (active.user.status, active.invitation),
        (UserStatus::Active, None)
    );

    let found = plane
        .get("/users?email=GRACE%40example.com")
        .await
        .read::<Users>();
    assert_eq!(found.users[..], std::slice::from_ref(&active.user)[..]);
    let id = active.user.id;
    let shown: UserView = plane.get(&format!("/users/{id}")).await.read();
    assert_eq!(shown, active.user);
    let disabled = plane
        .post(&format!("/users/{id}/disable"), Value::Null)
        .await
        .read::<UserView>();
    assert_eq!(
        (disabled.status, disabled.disabled_at),
        (UserStatus::Disabled, Some(NOW))
    );
}

#[tokio::test]
async fn a_new_link_is_made_for_accounts_that_can_use_it_and_is_on_record() {
    let plane = Plane::new().await;
    let added = plane
        .post("/users", json!({ "email": "ada@example.com" }))
        .await;
    let added: CreatedUser = added.read();
    let path = format!("/users/{}/invite", added.user.id);
    let seen = plane.post(&path, json!(null)).await;
    let invited: InvitedUser = seen.read();
    assert_eq!(seen.status.as_u16(), 201);
    assert_eq!(invited.user, added.user);
    assert_ne!(Some(&invited.invitation), added.invitation.as_ref());
    assert!(!format!("{invited:?}").contains(&invited.invitation.url));
    let record = plane.last_record().await;
    assert_eq!(
        (record.actor.as_str(), record.action.as_str(), record.trace),
        ("operator", "invitation.create", Some(seen.trace))
    );
    let disable = format!("/users/{}/disable", added.user.id);
    plane.post(&disable, json!(null)).await;
    plane
        .post(&path, json!(null))
        .await
        .refused(409, "account_disabled");
}

#[tokio::test]
async fn what_is_not_named_in_a_change_stays() {
    let plane = Plane::new().await;
    let id = plane.add_user("ada@example.com", &["accountant"]).await;
    let path = format!("/users/{id}");
    let change = async |body: Value| plane.patch(&path, body).await.read::<UserView>();
    let named = change(json!({ "name": " Ada Lovelace " })).await;
    assert_eq!(
        (named.name.as_str(), named.roles.len()),
        ("Ada Lovelace", 1)
    );
    let moved = change(json!({ "tenant": "acme" })).await;
    assert_eq!(moved.tenant.as_ref().unwrap().as_str(), "acme");
    let roles = change(json!({ "roles": ["b", "a", "b"] })).await;
    assert_eq!(roles.roles, ["a", "b"]);
    assert_eq!(
        (roles.name.as_str(), &roles.tenant),
        ("Ada Lovelace", &moved.tenant)
    );
    assert_eq!(change(json!({ "tenant": null })).await.tenant, None);
    plane
        .patch(&path, json!({ "email": "eve@example.com" }))
        .await
        .refused(400, "body_malformed");
    plane
        .patch(&path, json!({ "roles": ["a b"] }))
        .await
        .refused(422, "role_malformed");
}

#[tokio::test]
async fn other_roles_sign_nobody_out_unless_that_is_asked_for_and_another_tenant_does() {
    let plane = Plane::new().await;
    let mut app = application();
    app["id"] = "app".into();
    plane.post("/clients", app).await;
    let id = plane.add_user("ada@example.com", &["accountant"]).await;
    let path = format!("/users/{id}");
    let ends = async |body: Value| {
        let session = plane.start_session(id, "app").await.unwrap();
        assert_eq!(plane.patch(&path, body).await.status, 200);
        let after = plane.plane.store.session(session.id).await.unwrap();
        let ended = after.unwrap().revoked_for == Some(RevokeReason::Admin);
        plane.clock.advance(std::time::Duration::from_secs(1));
        ended
    };
    assert!(!ends(json!({ "name": "Ada" })).await);
    assert!(!ends(json!({ "roles": ["accountant", "auditor"] })).await);
    assert!(!ends(json!({ "roles": ["auditor"] })).await);
    assert!(!ends(json!({ "roles": [] })).await);
    assert!(ends(json!({ "roles": ["auditor"], "sign_out": true })).await);
    assert!(ends(json!({ "tenant": "acme" })).await);
    assert!(!ends(json!({ "tenant": "acme" })).await);
    assert!(ends(json!({ "sign_out": true })).await);
}

#[tokio::test]
async fn a_user_is_signed_out_everywhere_and_keeps_the_account() {
    let plane = Plane::new().await;
    let mut app = application();
    app["id"] = "app".into();
    plane.post("/clients", app).await;
    let id = plane.add_user("ada@example.com", &[]).await;
    let session = plane.start_session(id, "app").await.unwrap();
    let seen = plane
        .post(&format!("/users/{id}/sign-out"), Value::Null)
        .await;
    assert_eq!(seen.read::<UserView>().status, UserStatus::Active);
    let after = plane
        .plane
        .store
        .session(session.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(after.revoked_for, Some(RevokeReason::Admin));
    let sign_in = plane.plane.store.sign_in(session.sign_in).await.unwrap();
    assert!(sign_in.unwrap().ended_at.is_some());
    let record = plane.last_record().await;
    assert_eq!(
        (record.action.as_str(), record.user),
        ("user.sign_out", Some(id))
    );
}

#[tokio::test]
async fn a_long_list_comes_in_pages_that_leave_nobody_out() {
    let plane = Plane::new().await;
    let writes = (0..1001_u32).map(|number| {
        let mut id = [0; 16];
        id[12..].copy_from_slice(&number.to_be_bytes());
        let user = UserRow {
            id: UserId::from_bytes(id),
            email: format!("user-{number}@example.com"),
            name: String::new(),
            password_hash: None,
            roles: Vec::new(),
            tenant: None,
            created_at: NOW,
            disabled_at: None,
        };
        let audit = Audit::allowed(NOW, AuditActor::System, "test");
        plane.plane.store.user_create(user, None, audit)
    });
    for written in join_all(writes).await {
        written.unwrap();
    }
    let first = plane.get("/users").await.read::<Users>();
    assert_eq!(first.users.len(), 1000);
    let rest = plane
        .get(&format!("/users?after={}", first.next.unwrap()))
        .await
        .read::<Users>();
    assert_eq!((rest.users.len(), rest.next), (1, None));
    assert!(first.users.last().unwrap().id < rest.users[0].id);
    let few = plane.get("/users?limit=2").await.read::<Users>();
    assert_eq!(few.users[..], first.users[..2]);
    assert_eq!(few.next, Some(few.users[1].id));
}
