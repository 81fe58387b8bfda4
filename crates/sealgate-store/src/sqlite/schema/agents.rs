//! Where agents and other clients renew from, for the people whose sessions they are.

pub(super) const STEP: &str = "
-- The network address that the session's client last came from.
ALTER TABLE sessions ADD COLUMN network TEXT;
";
