//! What handlers are told of who called.

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::{Method, Request, Response, StatusCode};
use sealgate_gate::{Kinds, Need};
use sealgate_tower::extract::{Agent, Caller, Machine, User};
use sealgate_tower::{GateLayer, RouteMap};
use serde_json::Value;
use tower::ServiceExt as _;

use crate::house::{House, text};

fn routes() -> Router {
    Router::new()
        .route("/user", get(async |user: User| user.id.clone()))
        .route("/machine", get(async |machine: Machine| machine.id.clone()))
        .route("/agent", get(async |agent: Agent| agent.id.clone()))
        .route(
            "/caller",
            get(async |caller: Caller| caller.credential.kind.as_str()),
        )
        .route(
            "/maybe/user",
            get(async |user: Option<User>| format!("{}", user.is_some())),
        )
        .route(
            "/maybe/machine",
            get(async |machine: Option<Machine>| format!("{}", machine.is_some())),
        )
        .route(
            "/maybe/agent",
            get(async |agent: Option<Agent>| format!("{}", agent.is_some())),
        )
        .route(
            "/maybe/caller",
            get(async |caller: Option<Caller>| format!("{}", caller.is_some())),
        )
}

/// Every route lets everybody through as far as the layer goes; `public` shows no caller at all.
fn app(house: &House, public: bool) -> Router {
    let mut map = RouteMap::builder();
    for path in ["/{a}", "/maybe/{a}"] {
        map = if public {
            map.public(Method::GET, path, "a test")
        } else {
            map.ask(Method::GET, path, Need::of(Kinds::ANY))
        };
    }
    routes().layer(GateLayer::new(
        house.world.gate.clone(),
        map.build().unwrap(),
    ))
}

async fn ask(app: Router, path: &str, cookie: &str) -> Response<Body> {
    let request = Request::get(path)
        .header("cookie", cookie)
        .body(Body::empty())
        .unwrap();
    app.oneshot(request).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_handler_is_told_who_called_and_refuses_another_kind() {
    let house = House::new().await;
    for (path, expected) in [
        ("/user", Ok("ada")),
        ("/caller", Ok("session")),
        ("/maybe/user", Ok("true")),
        ("/maybe/caller", Ok("true")),
        ("/machine", Err("actor_wrong")),
        ("/agent", Err("actor_wrong")),
        // Somebody of another kind is not nobody.
        ("/maybe/machine", Err("actor_wrong")),
        ("/maybe/agent", Err("actor_wrong")),
    ] {
        let response = ask(app(&house, false), path, &house.cookie()).await;
        let status = response.status();
        let body = text(response).await;
        match expected {
            Ok(expected) => assert_eq!(
                (status, body.as_str()),
                (StatusCode::OK, expected),
                "{path}"
            ),
            Err(reason) => {
                let problem: Value = serde_json::from_str(&body).unwrap();
                assert_eq!(
                    (status, &problem["reason"]),
                    (StatusCode::FORBIDDEN, &reason.into()),
                    "{path}"
                );
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn on_a_public_route_nobody_called() {
    let house = House::new().await;
    for path in ["/user", "/machine", "/agent", "/caller"] {
        let response = ask(app(&house, true), path, &house.cookie()).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{path}");
        assert!(
            response.headers().contains_key("www-authenticate"),
            "{path}"
        );
        let maybe = ask(app(&house, true), &format!("/maybe{path}"), &house.cookie()).await;
        assert_eq!(text(maybe).await, "false", "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_the_layer_every_extractor_fails_loudly() {
    let house = House::new().await;
    for path in ["/user", "/machine", "/agent", "/caller"] {
        for path in [path.to_owned(), format!("/maybe{path}")] {
            let response = ask(routes(), &path, &house.cookie()).await;
            assert_eq!(
                response.status(),
                StatusCode::INTERNAL_SERVER_ERROR,
                "{path}"
            );
            assert_eq!(text(response).await, "", "{path}");
        }
    }
}
