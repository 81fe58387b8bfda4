//! The memory of policies: the versions of the bundle that gates load.

pub(super) const STEP: &str = "";
