//! The memory of exports: where records go, and how far each has come.

pub(super) const STEP: &str = "
CREATE TABLE sinks (
    id               INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name             TEXT    NOT NULL UNIQUE,
    target           TEXT    NOT NULL,
    form             TEXT    NOT NULL,
    streams          TEXT    NOT NULL,
    sealed           TEXT,
    pause_after      INTEGER,
    created_at       INTEGER NOT NULL,
    paused           INTEGER NOT NULL DEFAULT 0,
    pause_reason     TEXT,
    audit_place      INTEGER NOT NULL,
    allowed_place    INTEGER NOT NULL,
    denied_place     INTEGER NOT NULL,
    delivered        INTEGER NOT NULL DEFAULT 0,
    delivered_at     INTEGER,
    failed           INTEGER NOT NULL DEFAULT 0,
    failures         INTEGER NOT NULL DEFAULT 0,
    failing_since    INTEGER,
    next_try_at      INTEGER NOT NULL,
    last_error       TEXT,
    last_error_at    INTEGER
) STRICT;
";
