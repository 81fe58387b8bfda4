//! What to ask a running application to see whether its routes deny, and what its answers prove.
//!
//! Pure: a [`Campaign`] says what to send and takes the answers, and somebody else sends. A route counts as
//! denied only when a stranger was denied, and everybody else who has to be. An error, a redirect or a
//! complaint about the request's shape is never a denial.

mod answer;
mod campaign;
mod case;
mod credentials;
mod error;
mod forge;
mod identity;
mod judge;
mod mutants;
mod openapi;
mod pattern;
mod probe;
mod report;
mod request;
pub mod rules;
mod sample;
mod settings;
mod slot;
mod template;

pub use answer::{Answer, Verdict};
pub use campaign::Campaign;
pub use error::ProbeError;
pub use identity::{Identity, IdentityKind, ProbeFile, Written};
pub use judge::{Judged, judge};
pub use openapi::Document;
pub use pattern::Pattern;
pub use probe::{Outcome, Probe, Purpose};
pub use request::{Body, Channel, Header, Pair, Request};
pub use settings::{Leave, Settings, is_safe};
pub use slot::Slot;
