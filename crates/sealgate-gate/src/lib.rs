//! The gate: one call from credential to decision.
//!
//! [`Gate::decide`] never blocks: it opens the sealed session, checks its limits, asks the revocation
//! view and judges the route's requirement. What needs the network (renewal, callback, logout) comes
//! back as [`Decision::Pending`] and is carried through by [`Gate::finish`]. [`Gate::follow`] keeps the
//! revocation view fresh.

mod audience;
mod backchannel;
mod callback;
mod caller;
mod common;
mod cookies;
mod decision;
mod denial;
mod feed;
mod gate;
mod host;
mod id_token;
mod login;
mod logout;
mod own_routes;
mod page;
mod pending;
mod provider;
mod query;
mod recent;
mod renewal;
mod request;
mod requirement;
pub mod resource;
mod response;
mod return_path;
mod seals;
mod session;
mod settings;
mod sse;
mod transactions;
mod trust;
mod view;

pub use caller::{Caller, CredentialInfo, CredentialKind};
pub use decision::{Allowed, Decision};
pub use denial::Denial;
pub use gate::Gate;
pub use host::Host;
pub use pending::Pending;
pub use request::{Request, Transport};
pub use requirement::{Kinds, Need, Requirement};
pub use response::Response;
pub use settings::{Docs, Settings, SettingsError, UnknownPaths, Unmarked, UntypedLogout};
