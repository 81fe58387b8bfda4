//! How people get in: the sign-in page, invitation links, their account page, and the cookie that
//! holds a browser's sign-in.

mod account;
pub(crate) mod address;
pub(crate) mod cookie;
pub(crate) mod errand;
pub(crate) mod form;
pub(crate) mod invitation;
pub(crate) mod origin;
pub(crate) mod passwords;
mod rules;
mod start;
#[cfg(test)]
mod tests;
pub(crate) mod throttle;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use crate::ControlPlane;

pub(crate) fn routes() -> Router<Arc<ControlPlane>> {
    Router::new()
        .route("/", get(account::root))
        .route("/sign-in", get(start::page).post(start::submit))
        .route(
            "/invitation",
            get(invitation::page).post(invitation::submit),
        )
        .route("/account", get(account::page))
        .route("/account/sign-out", post(account::sign_out))
        .route("/account/sessions/revoke", post(account::revoke))
        .route("/account/consents/withdraw", post(account::withdraw))
        .route("/account/agents/revoke", post(account::revoke_agents))
}
