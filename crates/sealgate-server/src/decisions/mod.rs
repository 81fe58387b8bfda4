//! The decisions of gates: taking in what they report, and looking after the log of it.
//!
//! What comes is foreign bytes until it is read, and a gate's own word after that: it says for itself what it
//! decided, and can say nothing for another client. The log has a file and a writer of its own, so that a flood of
//! decisions holds up no sign-in.

mod report;
#[cfg(test)]
mod tests;
mod upkeep;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::post;
use sealgate_audit::decision::BATCH_LIMIT;

use crate::ControlPlane;

pub(crate) use upkeep::{Rounds, keep_house, last_anchor, read_anchor};

/// Where gates report decisions, as metadata names it.
pub(crate) const PATH: &str = "/gates/decisions";

pub(crate) fn routes() -> Router<Arc<ControlPlane>> {
    Router::new().route(
        PATH,
        post(report::report).layer(DefaultBodyLimit::max(BATCH_LIMIT)),
    )
}
