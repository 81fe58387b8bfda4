//! The memory of the audit chain: checkpoints, retention and legal holds.

pub(super) const STEP: &str = "";
