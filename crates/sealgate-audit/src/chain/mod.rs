//! Each record stands on all before it: their hashes, signed checkpoints, and the verification of both.
//!
//! docs/spec/audit-chain.md specifies every byte. Nothing here reads a database or a key: rows, signatures
//! and files are judged elsewhere, and handed to a [`Verifier`] in order.

mod checkpoint;
mod finding;
mod hash;
mod line;
mod record;
mod retired;
mod shapes;
mod verifier;

pub use checkpoint::{CheckpointClaims, Judged, Stamp};
pub use finding::{Finding, FindingKind, Report};
pub use hash::Hash;
pub use line::{LINE_LIMIT, Line, LineError, RecordLine};
pub use record::{FORM, Record};
pub use retired::{Retired, RetiredNote};
pub use verifier::Verifier;

#[cfg(test)]
mod tests;
