//! How far an administrator's power over the network goes: what they cannot give or take, and what ends it.

use axum::body::Body;
use http::{Method, Request};
use sealgate_model::ClientId;
use sealgate_server::admin::{CreatedTransmitter, InvitedUser};
use serde_json::{Value, json};

use crate::network::{session, token_of};
use crate::plane::{ISSUER, Plane, application};

const ALL: [&str; 15] = [
    "sealgate:users:read",
    "sealgate:users:write",
    "sealgate:clients:read",
    "sealgate:clients:write",
    "sealgate:sessions:read",
    "sealgate:sessions:write",
    "sealgate:keys:read",
    "sealgate:keys:write",
    "sealgate:feed:read",
    "sealgate:signals:read",
    "sealgate:signals:write",
    "sealgate:policy:read",
    "sealgate:policy:write",
    "sealgate:audit:read",
    "sealgate:audit:write",
];

/// An identity system whose events end trust here.
fn corp() -> Value {
    json!({
        "name": "Corp", "issuer": "https://idp.corp.example",
        "jwks_uri": "https://idp.corp.example/jwks", "domains": ["example.com"],
    })
}

/// An application that asks for one scope.
fn with_scope(scope: &str) -> Value {
    let mut client = application();
    client["scopes"] = json!([scope]);
    client
}

/// An issuer that vouches for machines.
fn github() -> Value {
    json!({
        "issuer": "https://token.actions.githubusercontent.com", "name": "GitHub", "kind": "github",
    })
}

#[tokio::test]
async fn nobody_gives_more_than_they_have() {
    let plane = Plane::open().await;
    let own = [
        "sealgate:clients:write",
        "sealgate:users:write",
        "sealgate:users:read",
        "sealgate:sessions:write",
    ];
    let machine = plane.add_machine("robot", &own).await;
    plane.add_machine("greater", &ALL).await;
    let admin = plane.add_user("ada@example.com", &["admin"]).await;
    let grace = plane.add_user("grace@example.com", &[]).await;
    let token = plane.bearer(&machine, "").await;
    // It may end the sessions of whoever it speaks of, administrators among them.
    let corp = corp();
    let listened: CreatedTransmitter = plane.post("/transmitters", corp.clone()).await.read();
    let listened = format!("/transmitters/{}", listened.transmitter.id);
    let github = github();
    let vouching = plane.post("/issuers", github.clone()).await;
    assert!(vouching.status.is_success(), "{}", vouching.body);
    let vouching = "/issuer?issuer=https%3A%2F%2Ftoken.actions.githubusercontent.com".to_owned();
    let more = with_scope("sealgate:keys:write");
    for (method, path, body) in [
        (Method::POST, "/clients".to_owned(), Some(more)),
        (
            Method::PATCH,
            "/clients/robot".to_owned(),
            Some(json!({ "scopes": ["sealgate:audit:read"] })),
        ),
        (
            Method::PATCH,
            "/clients/greater".to_owned(),
            Some(json!({ "redirect_uris": ["https://eve.example/cb"] })),
        ),
        (Method::POST, "/clients/greater/secret".to_owned(), None),
        (
            Method::POST,
            "/users".to_owned(),
            Some(json!({ "email": "eve@example.com", "roles": ["admin"] })),
        ),
        (
            Method::PATCH,
            format!("/users/{grace}"),
            Some(json!({ "roles": ["admin"] })),
        ),
        (
            Method::PATCH,
            format!("/users/{admin}"),
            Some(json!({ "name": "A" })),
        ),
        (Method::POST, format!("/users/{admin}/invite"), None),
        (Method::POST, format!("/users/{admin}/disable"), None),
        (Method::POST, format!("/users/{admin}/enable"), None),
        (Method::POST, format!("/users/{admin}/sign-out"), None),
        (Method::POST, "/clients/greater/disable".to_owned(), None),
        (Method::POST, "/clients/greater/enable".to_owned(), None),
        (Method::DELETE, "/clients/greater".to_owned(), None),
        (Method::POST, "/transmitters".to_owned(), Some(corp)),
        // It may vouch for anybody, administrators among them.
        (Method::POST, "/issuers".to_owned(), Some(github.clone())),
        (Method::DELETE, vouching.clone(), None),
        (
            Method::POST,
            vouching.replace("/issuer?", "/issuer/enable?"),
            None,
        ),
        (
            Method::DELETE,
            vouching.replace("/issuer?", "/issuer/links?") + &format!("&user={grace}"),
            None,
        ),
        (Method::DELETE, listened, None),
    ] {
        let refused = plane
            .network(method.clone(), &path, body, Some(&token))
            .await;
        refused.refused(403, "administration_exceeded");
        let record = plane.last_record().await;
        assert_eq!(
            (
                record.actor.as_str(),
                record.outcome.as_str(),
                record.reason.as_str()
            ),
            ("client:robot", "denied", "administration_exceeded"),
            "{method} {path}"
        );
    }
    let same = with_scope("sealgate:users:read");
    let given = plane
        .network(Method::POST, "/clients", Some(same), Some(&token))
        .await;
    assert_eq!(given.status, 201, "{}", given.body);
    let all = plane.add_machine("all", &ALL).await;
    let all = plane.bearer(&all, "").await;
    let body = Some(json!({ "email": "linus@example.com", "roles": ["admin"] }));
    let given = plane
        .network(Method::POST, "/users", body, Some(&all))
        .await;
    assert_eq!(given.status, 201, "{}", given.body);
}

#[tokio::test]
async fn what_is_taken_from_a_clients_registration_is_gone_from_its_tokens() {
    let plane = Plane::open().await;
    let both = ["sealgate:users:read", "sealgate:clients:write"];
    let machine = plane.add_machine("robot", &both).await;
    let token = plane.bearer(&machine, "").await;
    let ask = async || {
        plane
            .network(Method::GET, "/users", None, Some(&token))
            .await
    };
    assert_eq!(ask().await.status, 200);
    plane.clock.advance(std::time::Duration::from_secs(1));
    let less = json!({ "scopes": ["sealgate:clients:write"] });
    assert_eq!(plane.patch("/clients/robot", less).await.status, 200);
    ask().await.refused(401, "token_outdated");
    let record = plane.last_record().await;
    assert_eq!(record.reason.as_str(), "token_outdated");
    // What it does not have any more, it cannot give.
    plane.clock.advance(std::time::Duration::from_secs(1));
    let fewer = plane.bearer(&machine, "sealgate:clients:write").await;
    let mut other = application();
    other["scopes"] = json!(["sealgate:users:read"]);
    plane
        .network(Method::POST, "/clients", Some(other), Some(&fewer))
        .await
        .refused(403, "administration_exceeded");
    let nowhere = json!({ "scopes": both, "resources": [] });
    assert_eq!(plane.patch("/clients/robot", nowhere).await.status, 200);
    let again = json!({ "resources": [format!("{ISSUER}/api/v1")] });
    assert_eq!(plane.patch("/clients/robot", again).await.status, 200);
    // What was given back is had by a token from afterwards.
    ask().await.refused(401, "token_outdated");
    plane.clock.advance(std::time::Duration::from_secs(1));
    let token = plane.bearer(&machine, "").await;
    let seen = plane
        .network(Method::GET, "/users", None, Some(&token))
        .await;
    assert_eq!(seen.status, 200);
}

#[tokio::test]
async fn a_users_act_is_on_record_with_the_client_and_session_it_was_done_through() {
    let plane = Plane::open().await;
    let ada = plane.add_user("ada@example.com", &["admin"]).await;
    let grace = plane.add_user("grace@example.com", &[]).await;
    let session = session(&plane, ada).await;
    let scope = "sealgate:users:read sealgate:users:write";
    let token = token_of(&plane, &session, scope, &["admin"], Value::Null);
    let bearer = format!("Bearer {token}");
    let path = format!("/users/{grace}/disable");
    let done = plane
        .network(Method::POST, &path, None, Some(&bearer))
        .await;
    assert_eq!(done.status, 200, "{}", done.body);
    let record = plane.last_record().await;
    assert_eq!(
        (record.actor, record.action.as_str(), record.user),
        (format!("user:{ada}"), "user.disable", Some(grace))
    );
    let through = record.through.as_ref().map(ClientId::as_str);
    assert_eq!(
        (through, record.through_session),
        (Some("console"), Some(session.id))
    );
    assert_eq!((record.client, record.session), (None, None));
    let log: Value = plane.get("/audit?action=user.disable").await.read();
    assert_eq!(log["records"][0]["through"], "console");
    assert_eq!(
        log["records"][0]["through_session"],
        json!(session.id.to_string())
    );

    let path = format!("/users/{ada}/disable");
    plane
        .network(Method::POST, &path, None, Some(&bearer))
        .await
        .refused(403, "administration_exceeded");
    let refused = plane.last_record().await;
    assert_eq!(refused.outcome, "denied");
    assert_eq!(refused.through_session, Some(session.id));
}

#[tokio::test]
async fn an_old_link_is_no_way_to_roles_that_were_given_later() {
    let plane = Plane::open().await;
    let machine = plane.add_machine("robot", &["sealgate:users:write"]).await;
    let token = plane.bearer(&machine, "").await;
    let grace = plane.add_user("grace@example.com", &[]).await;
    let path = format!("/users/{grace}/invite");
    let made = plane
        .network(Method::POST, &path, None, Some(&token))
        .await
        .read::<InvitedUser>();
    let open = async || {
        let path = made.invitation.url.strip_prefix(ISSUER).unwrap();
        let request = Request::get(path).body(Body::empty()).unwrap();
        plane.public(request).await.status
    };
    assert_eq!(open().await, 200);
    let promote = json!({ "roles": ["admin"] });
    let promoted = plane.patch(&format!("/users/{grace}"), promote).await;
    assert_eq!(promoted.status, 200);
    assert_ne!(open().await, 200);
}
