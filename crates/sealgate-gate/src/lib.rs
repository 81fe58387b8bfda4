//! The gate: one call from credential to decision.
//!
//! [`Gate::decide`] never blocks: it opens the sealed session or verifies the access token, checks its
//! limits, asks the revocation view and judges the route's requirement. What needs the network (renewal,
//! callback, logout, keys that are not known) comes back as [`Decision::Pending`] and is carried through by [`Gate::finish`]. [`Gate::follow`] keeps the
//! revocation view fresh.

mod address;
mod alive;
mod audience;
mod backchannel;
mod callback;
mod caller;
mod common;
mod cookies;
mod csrf;
mod decision;
mod denial;
mod failure;
mod feed;
mod form;
mod gate;
mod host;
mod id_token;
mod issuer;
mod login;
mod login_url;
mod logout;
mod mcp;
mod memory;
mod onward;
mod origin;
mod own_routes;
mod page;
mod pending;
mod policy;
mod provider;
mod query;
mod recent;
mod record;
mod renewal;
mod report;
mod request;
mod requirement;
pub mod resource;
mod response;
mod return_path;
mod rounds;
mod seals;
mod session;
mod settings;
#[cfg(test)]
mod shut;
mod sse;
mod stale;
mod standing;
mod transactions;
mod view;

pub use caller::{Caller, CredentialInfo, CredentialKind};
pub use decision::{Allowed, Decision};
pub use denial::Denial;
pub use feed::FeedStatus;
pub use gate::Gate;
pub use host::{Host, Premises};
pub use mcp::door::McpAsked;
pub use mcp::{McpError, McpRefusal, McpResource, McpRules, McpServer, McpServers};
pub use onward::{Again, Answered, Behalf, Onward, OnwardError, Target};
pub use pending::Pending;
pub use policy::PolicyStatus;
pub use policy::{Act, policy_id};
pub use sealgate_policy::cedar::{QuestionError, Resource, Value};
/// What is told to the control plane of the routes behind a gate ([`Gate::routes_are`]).
pub mod told {
    pub use sealgate_audit::gate::{
        Agreement, Coverage, ROUTES_MOST, RouteCounts, RouteTable, RouteTold, clipped, worst_first,
    };

    pub use crate::report::state::{digest, hexadecimal};
}
pub use record::{Outcome, Record};
pub use report::{About, NetworkTold, Sampling, Verb, trace_of};
pub use request::{Request, Transport};
pub use requirement::{Kinds, Need, Requirement};
pub use response::Response;
pub use sealgate_audit::decision::Outcome as Decided;
pub use settings::{
    Docs, Settings, SettingsError, SharedView, Sources, UnknownPaths, Unmarked, UntypedLogout,
};
pub use stale::OnStale;
