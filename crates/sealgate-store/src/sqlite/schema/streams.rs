//! Streams of the Shared Signals transmitter, and what is owed on them.

/// `queued` is how many signals of the stream there are, kept so that none are counted when one is added.
/// `next_number` never goes back: a signal's number is part of its id.
pub(super) const STEP: &str = "
CREATE TABLE streams (
    id                   BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    client_id            TEXT    NOT NULL,
    push_url             TEXT,
    sealed_authorization TEXT,
    requested            TEXT,
    kinds                TEXT    NOT NULL,
    description          TEXT,
    status               TEXT    NOT NULL,
    status_reason        TEXT,
    held                 INTEGER NOT NULL DEFAULT 0,
    inactivity           INTEGER,
    created_at           INTEGER NOT NULL,
    active_at            INTEGER NOT NULL,
    verified_at          INTEGER,
    next_number          INTEGER NOT NULL DEFAULT 1,
    queued               INTEGER NOT NULL DEFAULT 0,
    delivered            INTEGER NOT NULL DEFAULT 0,
    dropped              INTEGER NOT NULL DEFAULT 0,
    gap                  INTEGER NOT NULL DEFAULT 0,
    failures             INTEGER NOT NULL DEFAULT 0,
    next_try_at          INTEGER NOT NULL,
    last_error           TEXT,
    last_error_at        INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX streams_by_client ON streams (client_id);

CREATE TABLE stream_exclusions (
    stream_id BLOB NOT NULL REFERENCES streams (id),
    user_id   BLOB NOT NULL,
    PRIMARY KEY (stream_id, user_id)
) STRICT, WITHOUT ROWID;

-- No references to what it tells of: it outlives that.
CREATE TABLE signals (
    stream_id  BLOB    NOT NULL REFERENCES streams (id),
    number     INTEGER NOT NULL,
    kind       TEXT    NOT NULL,
    at         INTEGER NOT NULL,
    user_id    BLOB,
    session_id BLOB,
    tenant     TEXT,
    reason     TEXT,
    details    TEXT,
    cause      INTEGER NOT NULL,
    PRIMARY KEY (stream_id, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX signals_by_age ON signals (at);
CREATE INDEX signals_of_streams ON signals (stream_id, number) WHERE kind = 'stream-updated';
";
