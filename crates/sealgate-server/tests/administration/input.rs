//! Input of another shape than is described.

use http::header::CONTENT_TYPE;
use http::{Method, Request};
use sealgate_server::admin::Users;
use sealgate_server::{BODY_LIMIT, admin_app};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::plane::{Plane, Seen, application};

const NOBODY: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

#[tokio::test]
async fn input_of_another_shape_is_refused_and_changes_nothing() {
    let plane = Plane::new().await;
    let email = "ada@example.com";
    for (body, status, reason) in [
        (
            json!({ "email": email, "admin": true }),
            400,
            "body_malformed",
        ),
        (json!({ "email": 1 }), 400, "body_malformed"),
        (
            json!({ "email": email, "tenant": "A" }),
            400,
            "body_malformed",
        ),
        (json!({ "email": "ada" }), 422, "email_malformed"),
        (
            json!({ "email": email, "name": "a\u{1b}b" }),
            422,
            "name_malformed",
        ),
        (
            json!({ "email": email, "roles": ["a b"] }),
            422,
            "role_malformed",
        ),
        (
            json!({ "email": email, "password": "short" }),
            422,
            "password_refused",
        ),
    ] {
        plane.post("/users", body).await.refused(status, reason);
    }
    for path in [
        "/users?size=5",
        "/users?limit=0",
        "/sessions?user=ada",
        "/sessions?all=1",
    ] {
        plane.get(path).await.refused(400, "query_malformed");
    }
    plane
        .post("/users/ada/disable", Value::Null)
        .await
        .refused(400, "id_malformed");
    plane
        .post("/sessions/ABC/revoke", Value::Null)
        .await
        .refused(400, "id_malformed");
    plane
        .get("/clients/a%20b")
        .await
        .refused(400, "id_malformed");
    plane
        .post("/keys/a%2Fb/revoke", Value::Null)
        .await
        .refused(400, "id_malformed");
    let with = |field: &str, value: Value| {
        let mut client = application();
        client[field] = value;
        client
    };
    for (body, status, reason) in [
        (with("id", "a b".into()), 400, "body_malformed"),
        (with("secret", "mine".into()), 400, "body_malformed"),
        (with("grants", json!(["password"])), 400, "body_malformed"),
        (with("name", "".into()), 422, "name_malformed"),
        (
            with("redirect_uris", json!([])),
            422,
            "redirect_uri_missing",
        ),
        (
            with("logout_uris", json!(["http://a.example"])),
            422,
            "redirect_uri_scheme",
        ),
        (with("scopes", json!(["a b"])), 422, "scope_malformed"),
    ] {
        plane.post("/clients", body).await.refused(status, reason);
    }
    assert_eq!(plane.get("/users").await.read::<Users>().users, []);
    assert_eq!(
        plane.get("/clients").await.read::<Value>(),
        json!({ "clients": [], "next": null })
    );
}

#[tokio::test]
async fn what_does_not_exist_is_said_so() {
    let plane = Plane::new().await;
    for (method, path, reason) in [
        (Method::GET, format!("/users/{NOBODY}"), "user_unknown"),
        (
            Method::POST,
            format!("/users/{NOBODY}/disable"),
            "user_unknown",
        ),
        (
            Method::POST,
            format!("/users/{NOBODY}/enable"),
            "user_unknown",
        ),
        (
            Method::POST,
            format!("/users/{NOBODY}/invite"),
            "user_unknown",
        ),
        (
            Method::POST,
            format!("/users/{NOBODY}/sign-out"),
            "user_unknown",
        ),
        (
            Method::GET,
            format!("/users/{NOBODY}/consents"),
            "user_unknown",
        ),
        (
            Method::DELETE,
            format!("/users/{NOBODY}/consents/app"),
            "consent_unknown",
        ),
        (
            Method::GET,
            format!("/sessions/{NOBODY}"),
            "session_unknown",
        ),
        (
            Method::POST,
            format!("/sessions/{NOBODY}/revoke"),
            "session_unknown",
        ),
        (Method::GET, "/clients/app".to_owned(), "client_unknown"),
        (Method::DELETE, "/clients/app".to_owned(), "client_unknown"),
        (
            Method::POST,
            "/clients/app/secret".to_owned(),
            "client_unknown",
        ),
        (
            Method::POST,
            "/clients/app/disable".to_owned(),
            "client_unknown",
        ),
        (
            Method::POST,
            "/clients/app/enable".to_owned(),
            "client_unknown",
        ),
        (
            Method::GET,
            "/resource?uri=x".to_owned(),
            "resource_unknown",
        ),
        (
            Method::DELETE,
            "/resource?uri=x".to_owned(),
            "resource_unknown",
        ),
        (Method::GET, "/nowhere".to_owned(), "not_found"),
    ] {
        plane
            .operator(method, &path, None)
            .await
            .refused(404, reason);
    }
    for path in [
        format!("/users/{NOBODY}"),
        "/clients/app".to_owned(),
        "/resource?uri=x".to_owned(),
    ] {
        let reason = plane.patch(&path, json!({})).await;
        assert_eq!(reason.status, 404, "{}", reason.body);
    }
}

#[tokio::test]
async fn a_method_that_is_not_taken_is_told_which_are() {
    let plane = Plane::new().await;
    let refused = plane.operator(Method::PUT, "/clients/app", None).await;
    refused.refused(405, "method_not_allowed");
    let allow = refused.headers["allow"].to_str().unwrap();
    for method in ["GET", "HEAD", "PATCH", "DELETE"] {
        assert!(allow.contains(method), "{allow}");
    }
}

#[tokio::test]
async fn where_nothing_is_asked_nothing_is_taken() {
    let plane = Plane::new().await;
    let refused = plane.get("/keys?state=active").await;
    refused.refused(400, "query_malformed");
    let refused = plane.delete("/clients/app?force=true").await;
    refused.refused(400, "query_malformed");
}

#[tokio::test]
async fn a_body_that_is_not_json_or_too_large_is_refused() {
    let plane = Plane::new().await;
    let send = async |path: &str, kind: &str, body: Vec<u8>| {
        let request = Request::post(format!("/api/v1{path}"))
            .header(CONTENT_TYPE, kind)
            .body(axum::body::Body::from(body))
            .unwrap();
        let router = admin_app(std::sync::Arc::clone(&plane.plane));
        Seen::of(router.oneshot(request).await.unwrap()).await
    };
    for path in ["/users", "/keys/rotate"] {
        send(path, "text/plain", b"{}".to_vec())
            .await
            .refused(415, "content_type_unsupported");
        send(path, "application/json", b"{".to_vec())
            .await
            .refused(400, "body_malformed");
        send(path, "application/json", vec![b' '; BODY_LIMIT + 1])
            .await
            .refused(413, "body_too_large");
    }
}

#[tokio::test]
async fn nothing_that_is_answered_is_kept() {
    let plane = Plane::new().await;
    for path in ["/users", "/openapi.json", "/nowhere"] {
        let seen = plane.get(path).await;
        assert_eq!(seen.headers["cache-control"], "no-store", "{path}");
    }
}
