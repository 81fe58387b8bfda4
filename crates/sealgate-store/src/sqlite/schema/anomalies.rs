//! The memory of anomalies: what was raised, and who has seen to it.

pub(super) const STEP: &str = "";
