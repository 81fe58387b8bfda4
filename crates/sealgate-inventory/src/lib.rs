//! The route inventory of an application: every way into it, and for each what is known to stand before it.
//!
//! Source scan, running application and probe speak of routes in the types of this crate, and the lock file
//! holds what was reviewed of them. Pure: nothing here reads a file, knows a clock or a network.

pub mod accept;
pub mod compare;
pub mod config;
pub mod drift;
mod evidence;
mod facts;
mod finding;
#[cfg(test)]
mod fixtures;
mod inventory;
mod lines;
pub mod live;
pub mod lock;
mod methods;
pub mod report;
pub mod risk;
mod route;
mod rule;
pub mod rules;
#[cfg(test)]
mod strategies;
mod strength;

pub use accept::{Acceptance, Accepted};
pub use config::Config;
pub use evidence::Evidence;
pub use finding::{Finding, Severity, Sibling};
pub use inventory::{App, Inventory, Lens, Note, SCHEMA};
pub use lock::{Class, Entry, LockError, LockFile};
pub use methods::Methods;
pub use route::{Callable, Gate, Kind, Place, Placement, Risk, Route, RouteKey, Step};
pub use rule::Rule;
pub use strength::{Actor, EVERYDAY_SCOPES, Level, NO_ACTOR, Strength, is_everyday_scope};
