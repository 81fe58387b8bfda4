//! Delegations, and what the log needs for them.

pub(super) const STEP: &str = "
-- One for each session, acting client and delegation whose token was exchanged.
CREATE TABLE delegations (
    id           BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    session_id   BLOB    NOT NULL REFERENCES sessions (id),
    client_id    TEXT    NOT NULL REFERENCES clients (id),
    parent       BLOB    REFERENCES delegations (id),
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    revoked_at   INTEGER,
    revoked_for  TEXT
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX delegations_by_session
    ON delegations (session_id, client_id, ifnull(parent, x''));
CREATE INDEX delegations_by_client ON delegations (client_id);
CREATE INDEX delegations_by_parent ON delegations (parent) WHERE parent IS NOT NULL;
CREATE INDEX delegations_revoked ON delegations (expires_at) WHERE revoked_at IS NOT NULL;

CREATE TABLE delegation_resources (
    delegation_id BLOB NOT NULL REFERENCES delegations (id),
    resource      TEXT NOT NULL,
    PRIMARY KEY (delegation_id, resource)
) STRICT, WITHOUT ROWID;

ALTER TABLE revocations ADD COLUMN reason TEXT;
";
