//! Delegations, and what the log needs for them.

pub(super) const STEP: &str = "SELECT 1;";
