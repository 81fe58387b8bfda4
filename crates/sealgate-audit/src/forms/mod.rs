//! The forms in which other systems read records: one neutral [`Event`], and JSON Lines ([`jsonl`]), OCSF ([`ocsf`]),
//! OpenTelemetry logs ([`otel`]), syslog ([`syslog`]) and signed deliveries ([`webhook`]) made of it.
//!
//! What a caller wrote may stand in a record: a route, a name, an address. No form lets it end a line, open a field or
//! hide what stands beside it.

mod actions;
mod event;
pub mod jsonl;
pub mod ocsf;
pub mod otel;
pub mod syslog;
mod text;
pub mod webhook;

#[cfg(test)]
mod tests;

pub use actions::is_known;
pub use event::{
    Actor, ActorKind, Event, Gate, Outcome, SCHEMA, Schema, Severity, Stream, Through,
};
