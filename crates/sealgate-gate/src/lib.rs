//! The gate: one call from credential to decision.
//!
//! [`Gate::decide`] never blocks: it opens the sealed session, checks its limits, asks the revocation
//! view and judges the route's requirement. What needs the network (renewal, callback, logout) comes
//! back as [`Decision::Pending`] and is carried through by [`Gate::finish`]. [`Gate::follow`] keeps the
//! revocation view fresh.

mod callback;
mod cookies;
mod decision;
mod feed;
mod gate;
mod id_token;
mod login;
mod logout;
mod own_routes;
mod page;
mod provider;
mod query;
mod renewal;
mod request;
mod requirement;
mod return_path;
mod seals;
mod session;
mod settings;
mod sse;
mod view;

pub use decision::{Allowed, Decision, Denial, Pending, Response};
pub use gate::{Gate, Host};
pub use request::{Request, Transport};
pub use requirement::Requirement;
pub use settings::{Settings, SettingsError, Unmarked};
