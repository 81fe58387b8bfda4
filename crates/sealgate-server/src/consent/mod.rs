//! What users grant clients: the question, in words that people understand, and its answer.

mod asker;
mod page;
pub(crate) mod words;

pub(crate) use page::session_lasts;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

use crate::ControlPlane;
use crate::problem::method_not_allowed;

pub(crate) fn routes() -> Router<Arc<ControlPlane>> {
    Router::new().route(
        "/consent",
        get(page::page).post(page::answer).head(method_not_allowed),
    )
}
