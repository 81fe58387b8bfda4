//! Policy under review: what claims give ([`mapping`]), what actors may do ([`cedar`]), and the versioned
//! [`Bundle`] of both that the control plane hands to gates. Pure: it knows files as text and time as a value.

mod bundle;
pub mod cedar;
mod error;
pub mod mapping;

pub use bundle::Bundle;
pub use error::PolicyError;
