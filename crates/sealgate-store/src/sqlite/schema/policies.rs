//! The memory of policies: the versions of the bundle that gates load.

pub(super) const STEP: &str = r"
-- A document is kept as it was applied, byte for byte: gates are told its digest. The newest version is the one that
-- counts. AUTOINCREMENT is not needed for numbers that never come again: the newest row is never removed.
CREATE TABLE policies (
    version  INTEGER NOT NULL PRIMARY KEY,
    made_at  INTEGER NOT NULL UNIQUE,
    document TEXT    NOT NULL,
    digest   TEXT    NOT NULL CHECK (length(digest) = 64),
    author   TEXT    NOT NULL,
    note     TEXT,
    repeats  INTEGER
) STRICT;
";
