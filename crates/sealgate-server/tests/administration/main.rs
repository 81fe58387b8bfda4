//! The administration API as the command line meets it, and what the network gets in its place.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod plane;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use futures_util::future::join_all;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Request, StatusCode};
use sealgate_model::UserId;
use sealgate_server::admin::{CreatedClient, CreatedUser, InvitedUser, Keys, UserView, Users};
use sealgate_server::{Lifetimes, admin_app, app};
use sealgate_store::{Audit, AuditActor, KeyState, UserRow, UserStatus};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use plane::{NOW, Plane, Seen};

fn client() -> Value {
    json!({ "name": "App", "kind": "confidential", "redirect_uris": ["https://app.example/auth/callback"] })
}

#[tokio::test]
async fn every_act_is_on_record_as_the_operators_under_its_trace_id() {
    let plane = Plane::new().await;
    let added = plane
        .post("/users", json!({ "email": "ada@example.com" }))
        .await;
    let id = added.read::<CreatedUser>().user.id;
    let record = |action: &str, seen: &Seen| {
        (
            "operator".to_owned(),
            action.to_owned(),
            Some(seen.trace.clone()),
        )
    };
    assert_eq!(plane.last_record().await, record("user.create", &added));
    for (path, body, action) in [
        (format!("/users/{id}/disable"), Value::Null, "user.disable"),
        (format!("/users/{id}/enable"), Value::Null, "user.enable"),
        ("/clients".to_owned(), client(), "client.create"),
        ("/keys/rotate".to_owned(), Value::Null, "key.rotate"),
    ] {
        let done = plane.post(&path, body).await;
        assert!(done.status.is_success(), "{path}: {}", done.body);
        assert_eq!(plane.last_record().await, record(action, &done));
    }
}

#[tokio::test]
async fn input_of_another_shape_is_refused_and_changes_nothing() {
    let plane = Plane::new().await;
    let email = "ada@example.com";
    plane
        .post("/users", json!({ "email": email, "admin": true }))
        .await
        .refused(400, "body_malformed");
    plane
        .post("/users", json!({ "email": "ada" }))
        .await
        .refused(400, "email_malformed");
    plane
        .post("/users", json!({ "email": email, "name": "a\u{1b}b" }))
        .await
        .refused(400, "name_malformed");
    plane
        .post("/users", json!({ "email": email, "roles": ["a b"] }))
        .await
        .refused(400, "role_malformed");
    plane
        .post("/users", json!({ "email": email, "password": "short" }))
        .await
        .refused(400, "password_refused");
    plane
        .get("/users?limit=5")
        .await
        .refused(400, "query_malformed");
    plane
        .get("/sessions?user=ada")
        .await
        .refused(400, "query_malformed");
    plane
        .post("/users/ada/disable", Value::Null)
        .await
        .refused(400, "id_malformed");
    plane
        .post("/sessions/ABC/revoke", Value::Null)
        .await
        .refused(400, "id_malformed");
    let nobody = "01890a5d-ac96-774b-bcce-b302099a8057";
    plane
        .post(&format!("/users/{nobody}/disable"), Value::Null)
        .await
        .refused(404, "user_unknown");
    plane
        .post(&format!("/users/{nobody}/enable"), Value::Null)
        .await
        .refused(404, "user_unknown");
    plane
        .post(&format!("/sessions/{nobody}/revoke"), Value::Null)
        .await
        .refused(404, "session_unknown");
    let with = |field: &str, value: Value| {
        let mut client = client();
        client[field] = value;
        client
    };
    plane
        .post("/clients", with("id", "a b".into()))
        .await
        .refused(400, "body_malformed");
    plane
        .post("/clients", with("name", "".into()))
        .await
        .refused(400, "name_malformed");
    plane
        .post("/clients", with("redirect_uris", json!([])))
        .await
        .refused(400, "redirect_uri_missing");
    plane
        .post("/clients", with("logout_uris", json!(["http://a.example"])))
        .await
        .refused(400, "redirect_uri_scheme");
    plane
        .post("/clients", with("scopes", json!(["a b"])))
        .await
        .refused(400, "scope_malformed");
    plane
        .post("/clients", with("secret", "mine".into()))
        .await
        .refused(400, "body_malformed");

    assert_eq!(plane.get("/users").await.read::<Users>().users, []);
    assert_eq!(
        plane.get("/clients").await.read::<Value>(),
        json!({ "clients": [] })
    );
}

#[tokio::test]
async fn a_body_that_is_not_json_or_too_large_is_refused() {
    let plane = Plane::new().await;
    let send = async |kind: &str, body: Vec<u8>| {
        let request = Request::post("/api/v1/users")
            .header(CONTENT_TYPE, kind)
            .body(Body::from(body))
            .unwrap();
        Seen::of(
            admin_app(Arc::clone(&plane.plane))
                .oneshot(request)
                .await
                .unwrap(),
        )
        .await
    };
    send("text/plain", b"{}".to_vec())
        .await
        .refused(415, "content_type_unsupported");
    send("application/json", b"{".to_vec())
        .await
        .refused(400, "body_malformed");
    send(
        "application/json",
        vec![b' '; sealgate_server::BODY_LIMIT + 1],
    )
    .await
    .refused(413, "body_too_large");
}

#[tokio::test]
async fn an_address_or_client_id_in_use_is_a_conflict() {
    let plane = Plane::new().await;
    assert_eq!(
        plane
            .post("/users", json!({ "email": "ada@example.com" }))
            .await
            .status,
        201
    );
    plane
        .post("/users", json!({ "email": "ADA@example.com" }))
        .await
        .refused(409, "conflict");
    let mut named = client();
    named["id"] = "app".into();
    assert_eq!(plane.post("/clients", named.clone()).await.status, 201);
    plane.post("/clients", named).await.refused(409, "conflict");
}

#[tokio::test]
async fn a_user_with_a_password_is_active_and_one_without_gets_a_link() {
    let plane = Plane::new().await;
    let invited = plane
        .post("/users", json!({ "email": "ada@example.com" }))
        .await
        .read::<CreatedUser>();
    let link = invited.invitation.unwrap();
    assert!(link.url.starts_with("https://id.example/invitation?token="));
    assert_eq!(link.expires_at, NOW + Lifetimes::default().invitation);
    assert_eq!(invited.user.status, UserStatus::Invited);

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
    assert_eq!(found.users, [active.user]);
    let id = found.users[0].id;
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
async fn a_clients_secret_is_told_once_and_its_hash_never() {
    let plane = Plane::new().await;
    let created = plane
        .post("/clients", client())
        .await
        .read::<CreatedClient>();
    let secret = created.secret.unwrap();
    let kept = plane
        .plane
        .store
        .client(&created.client.id)
        .await
        .unwrap()
        .unwrap()
        .secret_hash;
    assert_eq!(kept, Some(sealgate_host::sha256(secret.as_bytes())));
    let listed = plane.get("/clients").await.body;
    assert!(listed.contains(created.client.id.as_str()) && !listed.contains("secret"));

    let mut public = client();
    public["kind"] = "public".into();
    assert_eq!(
        plane
            .post("/clients", public)
            .await
            .read::<CreatedClient>()
            .secret,
        None
    );
}

#[tokio::test]
async fn a_rotation_lets_the_published_key_sign_and_publishes_another() {
    let plane = Plane::new().await;
    let kid = |keys: &Keys, state: KeyState| {
        let mut found = keys.keys.iter().filter(|key| key.state == state);
        let kid = found.next().unwrap().kid.clone();
        assert_eq!(found.next(), None);
        kid
    };
    let before: Keys = plane.get("/keys").await.read();
    let after: Keys = plane.post("/keys/rotate", Value::Null).await.read();
    assert_eq!((before.keys.len(), after.keys.len()), (2, 3));
    assert_eq!(
        kid(&after, KeyState::Retiring),
        kid(&before, KeyState::Active)
    );
    assert_eq!(kid(&after, KeyState::Active), kid(&before, KeyState::Next));
    assert!(!plane.get("/keys").await.body.contains("sealed"));
}

#[tokio::test]
async fn a_second_rotation_waits_for_caches_of_the_key_set_unless_it_must_be_now() {
    let plane = Plane::new().await;
    let rotate = async |body: Value| plane.post("/keys/rotate", body).await;
    assert!(rotate(json!({})).await.status.is_success());
    let refused = rotate(json!({ "now": false })).await;
    refused.refused(409, "key_too_soon");
    assert!(
        refused.body.contains("for another 300 s"),
        "{}",
        refused.body
    );
    plane.clock.advance(Duration::from_secs(299));
    rotate(Value::Null).await.refused(409, "key_too_soon");
    plane.clock.advance(Duration::from_secs(1));
    assert!(rotate(Value::Null).await.status.is_success());
    assert!(rotate(json!({ "now": true })).await.status.is_success());
    rotate(json!({ "later": true }))
        .await
        .refused(400, "body_malformed");
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
            created_at: NOW,
            disabled_at: None,
        };
        plane
            .plane
            .store
            .user_create(user, None, Audit::allowed(NOW, AuditActor::System, "test"))
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
}

#[tokio::test]
async fn on_the_network_a_person_gets_a_page_and_a_program_a_problem() {
    let plane = Plane::new().await;
    let ask = async |path: &str, accept: &str| {
        let request = Request::get(path)
            .header(ACCEPT, accept)
            .body(Body::empty())
            .unwrap();
        Seen::of(
            app(Arc::clone(&plane.plane))
                .oneshot(request)
                .await
                .unwrap(),
        )
        .await
    };
    ask("/nowhere", "*/*").await.refused(404, "not_found");
    ask("/api/v1/users", "application/json")
        .await
        .refused(404, "not_found");
    let page = ask("/nowhere", "text/html,application/xhtml+xml,*/*;q=0.8").await;
    assert_eq!(
        (page.status, page.kind.as_str()),
        (StatusCode::NOT_FOUND, "text/html; charset=utf-8")
    );
    assert!(
        page.body.contains(&page.trace),
        "a person can tell the trace id to somebody"
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
    let (actor, action, trace) = plane.last_record().await;
    assert_eq!(
        (&*actor, &*action, trace.as_ref()),
        ("operator", "invitation.create", Some(&seen.trace))
    );
    let disable = format!("/users/{}/disable", added.user.id);
    plane.post(&disable, json!(null)).await;
    plane
        .post(&path, json!(null))
        .await
        .refused(409, "account_disabled");
    let unknown = "/users/01890a5d-ac96-774b-bcce-b302099a8057/invite";
    plane
        .post(unknown, json!(null))
        .await
        .refused(404, "user_unknown");
}
