//! The memory of exports: where records go, and how far each has come.

pub(super) const STEP: &str = "";
