//! Route coverage read from Python source, without importing it.

mod evaluate;
mod framework;
mod gates;
mod held;
mod live;
mod rules;
mod scan;
pub mod source;

pub use live::judge;
pub use rules::rules;
pub use scan::{ScanError, scan};
pub use source::{Progress, SourceError};
