//! The control plane: OpenID provider, session authority and revocation source, as one axum router.
//!
//! Each folder is a capability and each endpoint a file. [`app`] is what the network reaches;
//! [`admin_app`] is what only the machine's operator reaches, over a Unix socket or in process.

pub mod admin;
mod caller;
mod connection;
mod data_dir;
mod error;
mod feed;
mod health;
mod keys;
mod listen;
mod network;
mod oauth;
mod pages;
pub mod problem;
mod refusals;
mod request;
mod serve;
mod sign_in;
mod state;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;

pub use data_dir::{DataDir, SOCKET_NAME};
pub use error::ServeError;
pub use feed::Feed;
pub use keys::{KeyError, SigningKeys};
pub use listen::{Listen, Tls};
pub use refusals::Refusals;
pub use serve::{Announcement, Config, Host, Server};
pub use sign_in::invitation::SetupLink;
pub use sign_in::passwords::{Busy, PasswordQueue};
pub use sign_in::throttle::SignInThrottle;
pub use state::{ControlPlane, Lifetimes};

/// The largest request body any endpoint reads, in bytes. The largest honest one is a sign-in form
/// with a sealed authorization request, well under a quarter of this.
pub const BODY_LIMIT: usize = 64 * 1024;

/// Everything the network reaches: OAuth and OpenID endpoints, the hosted pages, the revocation feed
/// and the health checks.
pub fn app(plane: Arc<ControlPlane>) -> Router {
    let routes = Router::new()
        .merge(health::routes())
        .merge(oauth::routes())
        .merge(feed::routes())
        .merge(sign_in::routes())
        .merge(pages::routes());
    let routes =
        contained(routes, &plane).layer(from_fn_with_state(Arc::clone(&plane), pages::dress));
    traced(routes, plane)
}

/// The administration API under `/api/v1`. Whoever can reach it is the operator: it must only be
/// served where the operating system decides who that is.
pub fn admin_app(plane: Arc<ControlPlane>) -> Router {
    traced(
        contained(Router::new().nest("/api/v1", admin::routes()), &plane),
        plane,
    )
}

/// Makes every refusal of `routes`, whoever makes it, a problem.
fn contained(routes: Router<Arc<ControlPlane>>, plane: &ControlPlane) -> Router<Arc<ControlPlane>> {
    routes
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(from_fn_with_state(plane.feed.closing(), request::contain))
}

/// Gives every request its trace id and its line in the log.
fn traced(routes: Router<Arc<ControlPlane>>, plane: Arc<ControlPlane>) -> Router {
    routes
        .layer(from_fn_with_state(Arc::clone(&plane), request::trace))
        .with_state(plane)
}
