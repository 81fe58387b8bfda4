//! Streams of the Shared Signals transmitter, and what is owed on them.

pub(super) const STEP: &str = "SELECT 1;";
