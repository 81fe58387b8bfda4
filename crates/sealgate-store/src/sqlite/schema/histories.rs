//! Histories of revocations that this file had before.

/// The log's numbers belong to one history. A file that was put back from a copy begins another, and
/// keeps the names of those that it knows to be over.
pub(super) const STEP: &str = "
CREATE TABLE histories (
    id      TEXT    NOT NULL PRIMARY KEY,
    left_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";
