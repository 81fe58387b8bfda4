//! The gate in front of [`tower`] services: axum, or anything else that takes `http` requests.
//!
//! [`GateLayer`] is the whole gate: sessions, tokens, its own routes under `/auth`, and work that needs the
//! network. What a route asks of its caller stands in a [`RouteMap`], or in a closure; what nobody named is
//! closed. Handlers ask who called with the extractors in [`extract`] (feature `axum`, on by default).
//!
//! The layer goes around the whole application: it has to see paths as browsers do.

mod answer;
mod body;
#[cfg(feature = "axum")]
pub mod extract;
mod layer;
mod passed;
mod read;
mod replay;
mod resource;
mod routes;

pub use body::GateBody;
pub use layer::{GateLayer, GateService, Refused};
pub use passed::Passed;
pub use replay::Replay;
pub use resource::{ResourceLayer, ResourceService, RouteNeed};
pub use routes::{RouteMap, RouteMapBuilder, RouteMapError};
