//! The administration API, `/api/v1`: users, clients, sessions and keys as JSON.
//!
//! The request and response types serialise both ways, so that the command line speaks through the
//! same ones. Every act is written with its audit record; whoever reaches this API is the operator.

mod clients;
mod extract;
mod keys;
mod sessions;
mod users;

use std::sync::Arc;

use axum::Router;
use sealgate_store::{Audit, AuditActor};

use crate::ControlPlane;
use crate::problem::TraceId;

pub use clients::{ClientView, Clients, CreatedClient, NewClient};
pub use keys::{KeyView, Keys, Rotation};
pub use sessions::{ListSessions, SessionView, Sessions};
pub use users::{
    CreatedUser, InvitationLink, InvitedUser, ListUsers, NewUser, Password, UserView, Users,
};

/// The most rows in one answer.
pub const PAGE_LIMIT: u32 = 1000;

pub(crate) fn routes() -> Router<Arc<ControlPlane>> {
    Router::new()
        .merge(users::routes())
        .merge(clients::routes())
        .merge(sessions::routes())
        .merge(keys::routes())
}

/// The audit record of something the operator does now.
fn act(plane: &ControlPlane, action: &'static str, trace: TraceId) -> Audit {
    Audit {
        trace: Some(trace.into()),
        ..Audit::allowed(plane.clock.now(), AuditActor::Operator, action)
    }
}
