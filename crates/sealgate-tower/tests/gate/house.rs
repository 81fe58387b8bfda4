//! An application behind the gate, and requests to it.

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::{Method, Request, Response};
use http_body_util::BodyExt as _;
use sealgate_gate::{Kinds, Need};
use sealgate_tower::extract::{Caller, User};
use sealgate_tower::{GateLayer, RouteMap};
use tower::ServiceExt as _;

use crate::browser::{Browser, signed_in};
use crate::provider::{World, world};

pub(crate) const COOKIE: &str = "__Host-Http-sealgate";

pub(crate) struct House {
    pub(crate) world: World,
    pub(crate) browser: Browser,
}

impl House {
    /// Somebody is signed in.
    pub(crate) async fn new() -> Self {
        let world = world().await;
        let browser = signed_in(&world).await;
        Self { world, browser }
    }

    /// The layer, with what [`app`] asks.
    pub(crate) fn layer(&self) -> GateLayer {
        GateLayer::new(self.world.gate.clone(), map())
    }

    pub(crate) fn app(&self) -> Router {
        app().layer(self.layer())
    }

    pub(crate) fn cookie(&self) -> String {
        format!("{COOKIE}={}", self.browser.session().unwrap())
    }

    /// Sends a request with the session.
    pub(crate) async fn send(&self, request: http::request::Builder, body: &str) -> Response<Body> {
        let request = request.header("cookie", self.cookie());
        self.send_as_nobody(request, body).await
    }

    pub(crate) async fn send_as_nobody(
        &self,
        request: http::request::Builder,
        body: &str,
    ) -> Response<Body> {
        let request = request.body(Body::from(body.to_owned())).unwrap();
        self.app().oneshot(request).await.unwrap()
    }
}

pub(crate) fn map() -> RouteMap {
    RouteMap::builder()
        .public(Method::GET, "/public", "everybody may")
        .ask(Method::GET, "/user", Need::of(Kinds::USER))
        .ask(Method::POST, "/echo", Need::of(Kinds::USER))
        .build()
        .unwrap()
}

pub(crate) fn app() -> Router {
    Router::new()
        .route(
            "/public",
            get(async |caller: Option<Caller>| {
                caller.map_or("nobody", |caller| caller.actor.kind().as_str())
            }),
        )
        .route("/user", get(async |user: User| user.id.clone()))
        .route("/echo", axum::routing::post(async |body: String| body))
        .route("/hidden", get(async || "leaked"))
}

pub(crate) fn get_request(path: &str) -> http::request::Builder {
    Request::get(path)
}

pub(crate) async fn text(response: Response<Body>) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}
