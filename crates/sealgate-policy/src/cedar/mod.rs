//! Policies in Cedar: what they are written in, checked against and decided by.
//!
//! A [`PolicySource`] is text and declarations. [`Policies::compile`] makes of it what decides, and [`analyse`] says
//! what is wrong with it, down to what is sound and surely was not meant. A [`Question`] is answered by
//! [`Policies::decide`], and taken apart by [`Policies::explain`].

mod analysis;
mod compile;
mod decide;
mod explain;
mod finding;
mod key;
mod kind;
pub mod limits;
mod principal;
mod read;
mod rules;
mod schema;
mod shape;
mod source;
mod text;
mod value;

pub use compile::{Policies, analyse, check, count};
pub use decide::{Fault, Question, QuestionError, Verdict};
pub use explain::{Explained, Told, Why, explained};
pub use finding::{Finding, Level, Span};
pub use kind::{Attribute, Attributes, Kind};
pub use limits::{FILE_BYTES_MOST, FILES_MOST};
pub use principal::{Principal, qualified};
pub use read::{Declared, read};
pub use schema::schema;
pub use shape::is_action_name;
pub use source::{Action, PolicySource, ResourceKind};
pub use value::{Resource, Value};

#[cfg(test)]
mod tests;
