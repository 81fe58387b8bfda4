//! The OAuth 2.1 and OpenID Connect endpoints.
//!
//! Their rules are in `sealgate-oauth`; here they meet the store, the clock and HTTP.

mod answer;
pub(crate) mod authorize;
pub(crate) mod client_auth;
mod code;
mod discovery;
mod form;
mod logout;
mod refresh;
mod refusal;
mod revoke;
mod token;
mod tokens;
mod userinfo;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use http::HeaderMap;

use crate::ControlPlane;

pub(crate) fn routes() -> Router<Arc<ControlPlane>> {
    let metadata = discovery::endpoint();
    Router::new()
        .route("/.well-known/openid-configuration", get(metadata.clone()))
        .route("/.well-known/oauth-authorization-server", get(metadata))
        .route("/oauth/jwks", get(jwks))
        .route(
            "/oauth/authorize",
            get(authorize::get).post(authorize::post),
        )
        .route("/oauth/token", post(token::post))
        .route("/oauth/revoke", post(revoke::post))
        .route(
            "/oauth/userinfo",
            get(userinfo::answer).post(userinfo::answer),
        )
        .route("/oauth/logout", get(logout::get).post(logout::post))
}

/// `GET /oauth/jwks` (RFC 7517): the next, active and retiring keys.
async fn jwks(State(plane): State<Arc<ControlPlane>>, headers: HeaderMap) -> Response {
    plane.keys.jwks().answer(&headers)
}
