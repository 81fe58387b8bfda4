//! The layer in front of an axum application that takes tokens alone.

#![expect(
    clippy::unwrap_used,
    reason = "a test may stop at what it did not expect"
)]

#[path = "../../sealgate-gate/tests/resource/house.rs"]
#[allow(dead_code)] // Other tests use the rest of it.
mod house;

use axum::body::Body;
use axum::routing::get;
use axum::{Extension, Router};
use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use sealgate_gate::Caller;
use sealgate_gate::resource::TokenDenial;
use sealgate_tower::{ResourceLayer, RouteNeed};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::house::{House, ISSUER, URL, machine, scopes, user, with};

async fn who(Extension(caller): Extension<Caller>) -> String {
    caller.actor.id().to_owned()
}

async fn nobody(caller: Option<Extension<Caller>>) -> String {
    format!("{}", caller.is_none())
}

fn app(house: &House) -> Router {
    let need = |method: &Method, path: &str| match (method, path) {
        (&Method::GET, "/api/v1/health") => RouteNeed::Public {
            reason: "says only that the process lives",
        },
        (&Method::GET, _) => RouteNeed::Token(scopes(&["sealgate:users:read"])),
        _ => RouteNeed::Token(scopes(&["sealgate:users:write"])),
    };
    Router::new()
        .route("/api/v1/users", get(who).post(who))
        .route("/api/v1/health", get(nobody))
        .layer(ResourceLayer::deciding(house.gate.clone(), ISSUER, need))
}

async fn call(house: &House, request: http::request::Builder) -> Response<Body> {
    let request = request.body(Body::empty()).unwrap();
    app(house).oneshot(request).await.unwrap()
}

async fn text(response: Response<Body>) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn whoever_passes_is_known_to_the_handler() {
    let house = House::new();
    for (claims, name) in [(user(), "u1"), (machine(), "batch")] {
        let bearer = format!("Bearer {}", house.token(&claims));
        let request = Request::get("/api/v1/users?page=2").header("authorization", bearer);
        assert_eq!(text(call(&house, request).await).await, name);
    }
}

#[tokio::test]
async fn whoever_does_not_is_answered_with_a_problem() {
    let house = House::new();
    let response = call(&house, Request::get("/api/v1/users")).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let headers = response.headers();
    assert_eq!(headers["content-type"], "application/problem+json");
    assert_eq!(headers["cache-control"], "no-store");
    assert_eq!(headers["dpop-nonce"], house.nonce().as_str());
    assert_eq!(headers.get_all("www-authenticate").iter().count(), 2);
    let denial = response.extensions().get::<TokenDenial>().unwrap();
    assert_eq!(denial.reason(), "credential_missing");
    let problem: Value = serde_json::from_str(&text(response).await).unwrap();
    assert_eq!(
        problem,
        json!({
            "type": "about:blank", "title": "Unauthorized", "status": 401,
            "reason": "credential_missing", "detail": "An access token is needed here.",
        })
    );
}

#[tokio::test]
async fn each_route_asks_for_its_own() {
    let house = House::new();
    let bearer = format!("Bearer {}", house.token(&user()));
    let post = Request::post("/api/v1/users").header("authorization", &bearer);
    assert_eq!(call(&house, post).await.status(), StatusCode::FORBIDDEN);
    let public = call(&house, Request::get("/api/v1/health")).await;
    assert_eq!(text(public).await, "true");
    let unknown = call(&house, Request::get("/api/v1/none")).await;
    assert_eq!(unknown.status(), StatusCode::UNAUTHORIZED);
    let found_out = Request::get("/api/v1/none").header("authorization", bearer);
    assert_eq!(
        call(&house, found_out).await.status(),
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn an_actor_put_there_by_somebody_else_is_nobody() {
    let house = House::new();
    let admitted = house.bearer(&house.token(&user())).await.unwrap();
    let planted = |path: &str| {
        let mut request = Request::get(path).body(Body::empty()).unwrap();
        request.extensions_mut().insert(admitted.caller.clone());
        app(&house).oneshot(request)
    };
    let open = planted("/api/v1/health").await.unwrap();
    assert_eq!(text(open).await, "true");
    let closed = planted("/api/v1/users").await.unwrap();
    assert_eq!(closed.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn two_headers_are_refused_and_a_token_in_the_query_is_nothing() {
    let house = House::new();
    let token = house.token(&user());
    let two = Request::get("/api/v1/users")
        .header("authorization", format!("Bearer {token}"))
        .header("authorization", "Bearer other");
    assert_eq!(call(&house, two).await.status(), StatusCode::BAD_REQUEST);
    let query = Request::get(format!("/api/v1/users?access_token={token}"));
    assert_eq!(call(&house, query).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_proof_is_for_the_url_that_clients_know() {
    let house = House::new();
    let token = house.token(&house.bound());
    let ask = |proof: String| {
        Request::get("/api/v1/users?page=2")
            .header("host", "inside.example")
            .header("authorization", format!("DPoP {token}"))
            .header("dpop", proof)
    };
    let sound = house.proof_claims(&token, "p1");
    let inside = with(
        sound.clone(),
        "htu",
        json!("http://inside.example/api/v1/users"),
    );
    let refused = call(&house, ask(house.proof(&inside))).await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(sound["htu"], URL);
    let proof = house.proof(&sound);
    house.clock.advance(std::time::Duration::from_secs(60));
    let passed = call(&house, ask(proof)).await;
    assert_eq!(passed.headers()["dpop-nonce"], house.nonce().as_str());
    assert_eq!(text(passed).await, "u1");
}
