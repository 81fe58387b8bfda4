//! What should worry somebody: rules, which are data, and the judgement by them.
//!
//! The rules stand in `rules.toml` and are read by [`builtin`]. [`Engine`] judges records by them, one after
//! another, with bounded memory; [`judge`] holds measures of what there is against the rules about states.
//! Nothing here knows the time: it comes with what is judged, so that the same records give the same anomalies.

mod change;
mod engine;
mod event;
mod group;
mod network;
mod read;
mod rule;
mod span;
mod state;
#[cfg(test)]
mod tests;

pub use change::{Change, Changes};
pub use engine::{ENTRIES, Engine, Raise};
pub use event::{Event, FACT_LIMIT, Fact};
pub use network::prefix;
pub use read::{RULES_LIMIT, RULES_MOST, RuleError, builtin, read};
pub use rule::{Compare, Counted, Held, How, Pattern, Rule, Severity, Source, Window};
pub use span::text as span_text;
pub use state::{Measure, judge};
