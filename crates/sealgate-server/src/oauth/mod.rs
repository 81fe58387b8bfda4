//! The OAuth 2.1 and OpenID Connect endpoints.
//!
//! Their rules are in `sealgate-oauth`; here they meet the store, the clock and HTTP.

pub(crate) mod access_token;
mod answer;
mod assertion;
pub(crate) mod authorize;
pub(crate) mod bootstrap;
pub(crate) mod client_auth;
mod client_credentials;
pub(crate) mod client_keys;
mod client_throttle;
mod code;
mod cors;
mod device_authorization;
mod device_code;
mod discovery;
mod dpop;
mod form;
mod introspect;
pub(crate) mod journey;
mod jwks;
mod jwt_bearer;
mod logout;
mod par;
mod public_throttle;
mod refresh;
pub(crate) mod refusal;
pub(crate) mod register;
pub(crate) mod requested;
mod revoke;
mod session;
mod token;
mod token_exchange;
mod tokens;
mod told;
mod user_claims;
mod userinfo;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::{MethodRouter, get, post};

pub use client_keys::ClientKeys;
pub use client_throttle::ClientThrottle;
pub(crate) use discovery::metadata;
pub use public_throttle::PublicThrottle;
pub(crate) use tokens::{ACR_PASSWORD, algorithm as signing_algorithm};

use crate::ControlPlane;
use crate::problem::method_not_allowed;

/// The endpoints where clients authenticate: what the assertions of older clients name as audience.
const AUTHENTICATED: [&str; 5] = [
    token::PATH,
    par::PATH,
    device_authorization::PATH,
    "/oauth/introspect",
    "/oauth/revoke",
];

pub(crate) fn routes() -> Router<Arc<ControlPlane>> {
    let metadata = discovery::endpoint();
    Router::new()
        .route("/.well-known/openid-configuration", get(metadata.clone()))
        .route("/.well-known/oauth-authorization-server", get(metadata))
        .route("/oauth/jwks", get(jwks::endpoint()))
        .route(
            "/oauth/authorize",
            get(authorize::get)
                .post(authorize::post)
                .head(method_not_allowed),
        )
        .route("/oauth/logout", get(logout::get).post(logout::post))
        .route(bootstrap::PATH, post(bootstrap::post))
        .merge(called_by_scripts())
}

/// What a client in a browser calls from its own page.
fn called_by_scripts() -> Router<Arc<ControlPlane>> {
    let scripted = |route: MethodRouter<_>| route.options(cors::preflight);
    Router::new()
        .route(token::PATH, scripted(post(token::post)))
        .route(par::PATH, scripted(post(par::post)))
        .route(
            device_authorization::PATH,
            scripted(post(device_authorization::post)),
        )
        .route(register::PATH, scripted(post(register::post)))
        .route("/oauth/introspect", scripted(post(introspect::post)))
        .route("/oauth/revoke", scripted(post(revoke::post)))
        .route(
            "/oauth/userinfo",
            scripted(get(userinfo::answer).post(userinfo::answer)),
        )
        .layer(from_fn(cors::open))
}

/// The metadata of an issuer with a path, where RFC 8414 (3.1) puts it: at the root of the host, with
/// the path behind. OpenID Connect Discovery's form, which puts the path in front, is one of [`routes`].
pub(crate) fn inserted_metadata(path: &str) -> Router<Arc<ControlPlane>> {
    let metadata = discovery::endpoint();
    let mut router = Router::new();
    for name in ["openid-configuration", "oauth-authorization-server"] {
        router = router.route(&format!("/.well-known/{name}{path}"), get(metadata.clone()));
    }
    router
}
