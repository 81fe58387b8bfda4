//! Service accounts, the issuers whose identities are taken, clients that register themselves, and what is
//! open to AI agents.

pub(super) const STEP: &str = "
-- A credential that is good once, for a machine to register its first key with.
CREATE TABLE bootstraps (
    id          BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    secret_hash BLOB    NOT NULL CHECK (length(secret_hash) = 32),
    client_id   TEXT    NOT NULL REFERENCES clients (id),
    keeps_keys  INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    used_at     INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX bootstraps_by_client ON bootstraps (client_id);
CREATE INDEX bootstraps_by_expiry ON bootstraps (expires_at);

-- Since when clients may use what they may, and when they last did: their tokens, each scope, each resource.
-- Coarse, so that a busy client writes once in a while.
CREATE TABLE client_uses (
    client_id TEXT    NOT NULL REFERENCES clients (id),
    kind      TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    since     INTEGER NOT NULL,
    used_at   INTEGER,
    PRIMARY KEY (client_id, kind, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE identity_issuers (
    issuer      TEXT    NOT NULL PRIMARY KEY,
    name        TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    details     TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    disabled_at INTEGER
) STRICT, WITHOUT ROWID;

-- Which account a subject of an issuer is: one for each, both ways.
CREATE TABLE identity_links (
    issuer    TEXT    NOT NULL REFERENCES identity_issuers (issuer),
    subject   TEXT    NOT NULL,
    user_id   BLOB    NOT NULL REFERENCES users (id),
    linked_at INTEGER NOT NULL,
    PRIMARY KEY (issuer, subject)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX identity_links_by_user ON identity_links (issuer, user_id);

-- Tokens by which clients may register themselves.
CREATE TABLE registration_tokens (
    id          BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    secret_hash BLOB    NOT NULL CHECK (length(secret_hash) = 32),
    name        TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    uses_left   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX registration_tokens_by_expiry ON registration_tokens (expires_at);

-- When a service account gets nothing any more; of no other client.
ALTER TABLE clients ADD COLUMN machine_ends_at INTEGER
    GENERATED ALWAYS AS (details ->> '$.machine.expires_at') VIRTUAL;
CREATE INDEX clients_machines ON clients (machine_ends_at) WHERE machine_ends_at IS NOT NULL;

ALTER TABLE clients ADD COLUMN origin TEXT GENERATED ALWAYS AS (details ->> '$.origin') VIRTUAL;
ALTER TABLE clients ADD COLUMN digest TEXT GENERATED ALWAYS AS (details ->> '$.own_words.digest') VIRTUAL;
-- Whoever forgets a client looks for what refers to it.
CREATE INDEX codes_by_client ON codes (client_id);
CREATE INDEX clients_of_their_own ON clients (origin, digest) WHERE origin IN ('document', 'dynamic');

ALTER TABLE resources ADD COLUMN agents INTEGER NOT NULL DEFAULT 0;
ALTER TABLE resources ADD COLUMN tools TEXT NOT NULL DEFAULT '[]';
";
