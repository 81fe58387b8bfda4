//! What a file declares and what a server has: reading the one, comparing both, and saying what a change
//! risks. Pure.
//!
//! [`read`] makes a [`State`] of a file, [`plan`] the [`Plan`] of what would change on a server, with its
//! [`Risk`]s, [`render`] the text that people read before they say yes, and [`write`] a file of what there is.

mod change;
mod diff;
mod error;
mod plan;
mod policies;
mod read;
mod render;
mod risk;
mod secrets;
mod sound;
mod state;
mod words;
mod write;

pub use change::{Action, Change, FieldChange, Kind, Line, Plan, Summary};
pub use error::{Fault, PlanError, Position, ReadError};
pub use plan::{Around, Others, drift, plan};
pub use read::{DEFAULT_NAME, Declaration, Draft, FILE_LIMIT, MOST_THINGS, TABLES, is_name, read};
pub use render::{Paint, render, render_changes};
pub use risk::{Code, Level, Risk};
pub use sound::ALGORITHMS;
pub use state::{
    Authentication, Client, ClientKind, Consent, Identity, Machine, Policy, Resource,
    STANDARD_SCOPES, Schedule, State, Tool, Word,
};
pub use words::{Moment, Span};
pub use write::{Written, write};
