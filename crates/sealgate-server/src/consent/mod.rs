//! What users grant clients: the question, in words that people understand, and its answer.

mod page;
pub(crate) mod words;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

use crate::ControlPlane;

pub(crate) fn routes() -> Router<Arc<ControlPlane>> {
    Router::new().route("/consent", get(page::page).post(page::answer))
}
