//! Transmitters that are listened to, and the places of tokens in the status lists.

pub(super) const STEP: &str = "
CREATE TABLE transmitters (
    id          BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    name        TEXT    NOT NULL,
    issuer      TEXT    NOT NULL,
    jwks_uri    TEXT    NOT NULL,
    audience    TEXT    NOT NULL,
    domains     TEXT    NOT NULL,
    may_disable INTEGER NOT NULL,
    push_secret BLOB    CHECK (length(push_secret) = 32),
    poll_url    TEXT,
    poll_secret TEXT,
    created_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX transmitters_by_issuer ON transmitters (issuer);

CREATE TABLE heard_events (
    transmitter_id BLOB    NOT NULL REFERENCES transmitters (id),
    jti_hash       BLOB    NOT NULL CHECK (length(jti_hash) = 32),
    heard_at       INTEGER NOT NULL,
    PRIMARY KEY (transmitter_id, jti_hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX heard_events_by_age ON heard_events (heard_at);

-- Places are given at random, so that they do not tell how many tokens there are or whose came together.
CREATE TABLE status_lists (
    number INTEGER NOT NULL PRIMARY KEY,
    given  INTEGER NOT NULL
) STRICT;
CREATE TABLE listed_tokens (
    list       INTEGER NOT NULL REFERENCES status_lists (number),
    idx        INTEGER NOT NULL,
    details    TEXT    NOT NULL,
    issued_at  INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (list, idx)
) STRICT, WITHOUT ROWID;
CREATE INDEX listed_tokens_by_expiry ON listed_tokens (expires_at);
ALTER TABLE resources ADD COLUMN status_list INTEGER NOT NULL DEFAULT 0;
";
