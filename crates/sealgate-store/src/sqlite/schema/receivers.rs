//! Transmitters that are listened to, and the status list.

pub(super) const STEP: &str = "SELECT 1;";
