//! The memory of anomalies: what was raised, and who has seen to it; and what gates report of themselves.

pub(super) const STEP: &str = "
CREATE TABLE anomalies (
    id               INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    rule             TEXT    NOT NULL,
    severity         TEXT    NOT NULL,
    subject          TEXT    NOT NULL,
    detail           TEXT    NOT NULL,
    state            TEXT    NOT NULL,
    since            INTEGER NOT NULL,
    last_at          INTEGER NOT NULL,
    count            INTEGER NOT NULL,
    last_number      INTEGER NOT NULL,
    evidence         TEXT    NOT NULL,
    acknowledged_at  INTEGER,
    acknowledged_by  TEXT,
    acknowledged_for TEXT,
    resolved_at      INTEGER
) STRICT;
-- One of a kind is open at most, and one is acknowledged only after it was open.
CREATE UNIQUE INDEX anomalies_open ON anomalies (rule, subject) WHERE state = 'open';
CREATE INDEX anomalies_unresolved ON anomalies (rule, subject) WHERE resolved_at IS NULL;

-- One row: how far the records were judged, and what is remembered of them.
CREATE TABLE anomaly_progress (
    one    INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    number INTEGER NOT NULL,
    memory BLOB    NOT NULL
) STRICT;

-- What each process of a gate said of itself last.
CREATE TABLE gate_reports (
    client_id  TEXT    NOT NULL,
    gate       TEXT    NOT NULL,
    instance   TEXT    NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen  INTEGER NOT NULL,
    digest     TEXT,
    report     TEXT    NOT NULL,
    PRIMARY KEY (client_id, gate, instance)
) STRICT, WITHOUT ROWID;
CREATE INDEX gate_reports_by_time ON gate_reports (client_id, last_seen);

-- A route table, once for all processes that have it.
CREATE TABLE gate_routes (
    client_id TEXT NOT NULL,
    digest    TEXT NOT NULL,
    routes    TEXT NOT NULL,
    PRIMARY KEY (client_id, digest)
) STRICT;
";
