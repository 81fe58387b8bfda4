//! Route coverage read from Python source, without importing it.

#[allow(dead_code, reason = "parts are put together one after the other")]
mod evaluate;
#[allow(dead_code, reason = "parts are put together one after the other")]
mod framework;
mod gates;
mod held;
mod live;
#[allow(dead_code, reason = "parts are put together one after the other")]
mod rules;
pub mod source;
#[allow(dead_code, reason = "parts are put together one after the other")]
mod scan;

pub use live::judge;
pub use rules::rules;
pub use scan::{ScanError, scan};
pub use source::{Progress, SourceError};
