//! Security events that other identity systems tell us of (OpenID Shared Signals Framework 1.0, received):
//! what ends there ends here.
//!
//! A transmitter is believed about the accounts in its own e-mail domains and about nobody else. Its events
//! only ever end trust: nothing that it says lets anybody in. What an event ends, it ends as of the moment
//! that it tells of, so that one that comes twice, or late, does not reach who has signed in since.

mod act;
mod credential;
mod global;
mod poll;
mod push;
mod take;
mod whom;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::post;
use sealgate_model::TransmitterId;

use crate::ControlPlane;

pub(crate) use global::PATH as GLOBAL_REVOCATION;
#[cfg(test)]
pub(crate) use poll::round as ask_all;
pub(crate) use poll::{SEALED, context as seal_context, listen};

/// Bytes of a pushed event, and of a request for global revocation.
const BODY: usize = 16 * 1024;

/// Where a transmitter pushes its events, below the issuer.
pub(crate) fn push_path(id: TransmitterId) -> String {
    format!("/signals/transmitters/{id}/events")
}

pub(crate) fn routes() -> Router<Arc<ControlPlane>> {
    Router::new()
        .route("/signals/transmitters/{id}/events", post(push::push))
        .route(global::PATH, post(global::revoke))
        .layer(DefaultBodyLimit::max(BODY))
}
