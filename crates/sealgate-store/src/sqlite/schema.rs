//! The tables, and how an older file becomes a newer one: forward only, counted by `user_version`.
//!
//! Keys are time-ordered ids, so inserts append to their B-trees. Tables of small rows are `WITHOUT
//! ROWID`: one tree and one lookup. Each index is named in the queries that rely on it (`INDEXED
//! BY`), so that a query whose index went missing fails its test instead of turning slow.

mod agents;
mod anomalies;
mod chain;
mod declarations;
mod delegations;
mod exports;
mod histories;
mod machines;
mod policies;
mod receivers;
mod streams;

use rusqlite::{Connection, TransactionBehavior};
use sealgate_model::{Clock, Random};

use crate::StoreError;

/// "Seal" in ASCII: says whose file this is (`PRAGMA application_id`).
const APPLICATION_ID: i64 = 0x5365_616c;

/// Every step from an empty file to the newest schema. A released step never changes.
const MIGRATIONS: [&str; 15] = [
    FIRST,
    COUNTED,
    GRANTS,
    REACHES,
    delegations::STEP,
    streams::STEP,
    receivers::STEP,
    histories::STEP,
    machines::STEP,
    agents::STEP,
    policies::STEP,
    chain::STEP,
    exports::STEP,
    anomalies::STEP,
    declarations::STEP,
];

const FIRST: &str = r#"
-- One row. The counter makes revocation numbers gapless: it moves in the transaction that logs.
CREATE TABLE meta (
    one            INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    epoch          TEXT    NOT NULL,
    created_at     INTEGER NOT NULL,
    revocation_seq INTEGER NOT NULL
) STRICT;

CREATE TABLE users (
    id            BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    email         TEXT    NOT NULL,
    email_key     TEXT    NOT NULL,
    name          TEXT    NOT NULL,
    password_hash TEXT,
    roles         TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    disabled_at   INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX users_by_email ON users (email_key);
CREATE INDEX users_admins ON users (id)
    WHERE disabled_at IS NULL AND password_hash IS NOT NULL AND instr(roles, '"admin"') > 0;

CREATE TABLE invitations (
    id          BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    secret_hash BLOB    NOT NULL CHECK (length(secret_hash) = 32),
    user_id     BLOB    REFERENCES users (id),
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    used_at     INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX invitations_by_user ON invitations (user_id);
CREATE INDEX invitations_by_expiry ON invitations (expires_at);

CREATE TABLE clients (
    id            TEXT    NOT NULL PRIMARY KEY,
    name          TEXT    NOT NULL,
    kind          TEXT    NOT NULL,
    secret_hash   BLOB    CHECK (length(secret_hash) = 32),
    redirect_uris TEXT    NOT NULL,
    logout_uris   TEXT    NOT NULL,
    scopes        TEXT    NOT NULL,
    created_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sign_ins (
    id          BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    secret_hash BLOB    NOT NULL CHECK (length(secret_hash) = 32),
    user_id     BLOB    NOT NULL REFERENCES users (id),
    auth_time   INTEGER NOT NULL,
    methods     TEXT    NOT NULL,
    expires_at  INTEGER NOT NULL,
    ended_at    INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX sign_ins_by_user ON sign_ins (user_id);
CREATE INDEX sign_ins_by_expiry ON sign_ins (expires_at);

-- sign_in_id refers to no row by force, here and in sessions: a session may outlive its sign-in.
CREATE TABLE codes (
    id           BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    secret_hash  BLOB    NOT NULL CHECK (length(secret_hash) = 32),
    client_id    TEXT    NOT NULL REFERENCES clients (id),
    user_id      BLOB    NOT NULL REFERENCES users (id),
    sign_in_id   BLOB    NOT NULL,
    session_id   BLOB    NOT NULL,
    redirect_uri TEXT    NOT NULL,
    challenge    TEXT    NOT NULL,
    nonce        TEXT,
    scopes       TEXT    NOT NULL,
    auth_time    INTEGER NOT NULL,
    methods      TEXT    NOT NULL,
    expires_at   INTEGER NOT NULL,
    used_at      INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX codes_by_session ON codes (session_id);
CREATE INDEX codes_unused_by_expiry ON codes (expires_at) WHERE used_at IS NULL;

CREATE TABLE sessions (
    id          BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id     BLOB    NOT NULL REFERENCES users (id),
    client_id   TEXT    NOT NULL REFERENCES clients (id),
    sign_in_id  BLOB    NOT NULL,
    scopes      TEXT    NOT NULL,
    auth_time   INTEGER NOT NULL,
    methods     TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    renewed_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    revoked_at  INTEGER,
    revoked_for TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_client ON sessions (client_id);
CREATE INDEX sessions_by_sign_in ON sessions (sign_in_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE TABLE refresh_tokens (
    id          BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    secret_hash BLOB    NOT NULL CHECK (length(secret_hash) = 32),
    session_id  BLOB    NOT NULL REFERENCES sessions (id),
    client_id   TEXT    NOT NULL,
    generation  INTEGER NOT NULL,
    issued_at   INTEGER NOT NULL,
    used_at     INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id);

-- Apart from the tokens because an answer is ten times their size and lives for minutes, not a day.
CREATE TABLE refresh_answers (
    number     INTEGER NOT NULL PRIMARY KEY,
    refresh_id BLOB    NOT NULL REFERENCES refresh_tokens (id),
    kept_from  INTEGER NOT NULL,
    answer     TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX refresh_answers_by_token ON refresh_answers (refresh_id);
CREATE INDEX refresh_answers_by_age ON refresh_answers (kept_from);

CREATE TABLE signing_keys (
    kid            TEXT    NOT NULL PRIMARY KEY,
    algorithm      TEXT    NOT NULL,
    state          TEXT    NOT NULL,
    sealed_private TEXT    NOT NULL,
    public_jwk     TEXT    NOT NULL,
    created_at     INTEGER NOT NULL,
    changed_at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX signing_keys_active ON signing_keys (algorithm) WHERE state = 'active';

CREATE TABLE revocations (
    seq        INTEGER NOT NULL PRIMARY KEY,
    kind       TEXT    NOT NULL,
    subject    BLOB    NOT NULL CHECK (length(subject) = 16),
    at         INTEGER NOT NULL,
    client_id  TEXT,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX revocations_by_expiry ON revocations (expires_at);

-- AUTOINCREMENT: a number is never given twice, even after a later version deletes old records.
-- No references: a record outlives what it tells of.
CREATE TABLE audit (
    number     INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    at         INTEGER NOT NULL,
    actor      TEXT    NOT NULL,
    action     TEXT    NOT NULL,
    outcome    TEXT    NOT NULL,
    reason     TEXT    NOT NULL,
    user_id    BLOB,
    client_id  TEXT,
    session_id BLOB,
    network    TEXT,
    trace      TEXT
) STRICT;
"#;

/// One row may tell of many refusals of the same kind.
const COUNTED: &str = "ALTER TABLE audit ADD COLUMN count INTEGER NOT NULL DEFAULT 1;";

/// More kinds of clients, of grants and of revocations.
const GRANTS: &str = "
ALTER TABLE users ADD COLUMN tenant TEXT;
CREATE INDEX users_by_tenant ON users (tenant) WHERE tenant IS NOT NULL;

-- The row of a removed client stays: its id is never given again.
ALTER TABLE audit ADD COLUMN object TEXT;
ALTER TABLE audit ADD COLUMN through TEXT;
ALTER TABLE audit ADD COLUMN through_session BLOB;

ALTER TABLE clients ADD COLUMN details TEXT NOT NULL DEFAULT '{}';
ALTER TABLE clients ADD COLUMN disabled_at INTEGER;
ALTER TABLE clients ADD COLUMN removed_at INTEGER;
UPDATE clients SET details = '{\"authentication\":\"none\",\"consent\":\"required\"}'
    WHERE kind = 'public';

ALTER TABLE codes ADD COLUMN details TEXT NOT NULL DEFAULT '{}';

ALTER TABLE sessions ADD COLUMN details TEXT NOT NULL DEFAULT '{}';
ALTER TABLE sessions ADD COLUMN tenant TEXT GENERATED ALWAYS AS (details ->> '$.tenant') VIRTUAL;
CREATE INDEX sessions_by_tenant ON sessions (tenant) WHERE tenant IS NOT NULL;

CREATE TABLE resources (
    uri        TEXT    NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL,
    client_id  TEXT    REFERENCES clients (id),
    scopes     TEXT    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE consents (
    user_id    BLOB    NOT NULL REFERENCES users (id),
    client_id  TEXT    NOT NULL REFERENCES clients (id),
    scopes     TEXT    NOT NULL,
    resources  TEXT    NOT NULL,
    grants     TEXT    NOT NULL,
    granted_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, client_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX consents_by_client ON consents (client_id);

CREATE TABLE device_codes (
    id            BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    secret_hash   BLOB    NOT NULL CHECK (length(secret_hash) = 32),
    user_code     TEXT    NOT NULL,
    client_id     TEXT    NOT NULL REFERENCES clients (id),
    scopes        TEXT    NOT NULL,
    details       TEXT    NOT NULL,
    network       TEXT,
    created_at    INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL,
    poll_interval INTEGER NOT NULL,
    polled_at     INTEGER,
    polled_early  INTEGER NOT NULL DEFAULT 0,
    state         TEXT    NOT NULL DEFAULT 'pending',
    user_id       BLOB    REFERENCES users (id),
    sign_in_id    BLOB,
    auth_time     INTEGER,
    methods       TEXT,
    session_id    BLOB,
    approved_at   INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX device_codes_by_user_code ON device_codes (user_code);
CREATE INDEX device_codes_by_expiry ON device_codes (expires_at);
CREATE INDEX device_codes_approved ON device_codes (sign_in_id) WHERE state = 'approved';

CREATE TABLE pushed_requests (
    id          BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    secret_hash BLOB    NOT NULL CHECK (length(secret_hash) = 32),
    client_id   TEXT    NOT NULL REFERENCES clients (id),
    parameters  TEXT    NOT NULL,
    details     TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX pushed_requests_by_expiry ON pushed_requests (expires_at);

CREATE TABLE assertion_ids (
    client_id  TEXT    NOT NULL,
    jti_hash   BLOB    NOT NULL CHECK (length(jti_hash) = 32),
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (client_id, jti_hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX assertion_ids_by_expiry ON assertion_ids (expires_at);

-- No references: what is owed outlives the session and the client's registration.
CREATE TABLE logout_deliveries (
    id          BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    client_id   TEXT    NOT NULL,
    user_id     BLOB    NOT NULL,
    session_id  BLOB,
    uri         TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    next_try_at INTEGER NOT NULL,
    attempts    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX logout_deliveries_by_uri ON logout_deliveries (uri, next_try_at);

-- The log anew, with subjects of any length and the client that a single token was given to. Sessions
-- are never looked up in it.
DROP INDEX revocations_by_expiry;
ALTER TABLE revocations RENAME TO revocations_before;
CREATE TABLE revocations (
    seq        INTEGER NOT NULL PRIMARY KEY,
    kind       TEXT    NOT NULL,
    subject    BLOB    NOT NULL,
    at         INTEGER NOT NULL,
    client_id  TEXT,
    expires_at INTEGER NOT NULL,
    owner      TEXT
) STRICT;
INSERT INTO revocations (seq, kind, subject, at, client_id, expires_at)
    SELECT seq, kind, subject, at, client_id, expires_at FROM revocations_before ORDER BY seq;
DROP TABLE revocations_before;
CREATE INDEX revocations_by_expiry ON revocations (expires_at);
CREATE INDEX revocations_by_subject ON revocations (kind, subject) WHERE kind <> 'session';
CREATE INDEX revocations_by_owner ON revocations (owner, expires_at) WHERE owner IS NOT NULL;
";

/// The resources that a session's tokens were exchanged for, beside those that it was granted for.
const REACHES: &str = "
CREATE TABLE reaches (
    session_id BLOB NOT NULL REFERENCES sessions (id),
    resource   TEXT NOT NULL,
    PRIMARY KEY (session_id, resource)
) STRICT, WITHOUT ROWID;
";

/// The version in which records have been chained.
const CHAINED: i64 = 12;

/// The newest schema version this program knows.
#[allow(clippy::cast_possible_wrap, reason = "a handful of steps")]
const NEWEST: i64 = MIGRATIONS.len() as i64;

/// Brings the file up to the newest schema, each step in its own transaction, and writes the first
/// row of `meta`. `TooNew` if a newer program was here; `Corrupt` if the file is somebody else's.
pub(super) fn migrate(
    connection: &mut Connection,
    clock: &dyn Clock,
    random: &dyn Random,
) -> Result<(), StoreError> {
    let owner: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if owner != 0 && owner != APPLICATION_ID {
        return Err(StoreError::Corrupt(
            "the file belongs to another program".to_owned(),
        ));
    }
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let Some(pending) = usize::try_from(found)
        .ok()
        .and_then(|found| MIGRATIONS.get(found..))
    else {
        return Err(StoreError::TooNew {
            found,
            known: NEWEST,
        });
    };
    for (step, version) in pending.iter().zip(found + 1..) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(step)?;
        if version == 1 {
            transaction.execute(
                "INSERT INTO meta (one, epoch, created_at, revocation_seq) VALUES (1, ?1, ?2, 0)",
                (fresh_epoch(random), clock.now().as_millis()),
            )?;
        }
        if version == CHAINED {
            chain::begin(&transaction, clock.now())?;
        }
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    Ok(())
}

/// Whether a file that is only read has a chain in it that this program understands.
pub(super) fn readable(connection: &Connection) -> Result<(), StoreError> {
    let owner: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if owner != APPLICATION_ID {
        return Err(StoreError::Corrupt(
            "the file is no database of a control plane".to_owned(),
        ));
    }
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > NEWEST {
        return Err(StoreError::TooNew {
            found,
            known: NEWEST,
        });
    }
    if found < CHAINED {
        return Err(StoreError::Invalid(
            "the records are of an earlier version, which did not chain them: start a server on them once",
        ));
    }
    Ok(())
}

/// 128 random bits in hexadecimal: safe in URLs, header fields and event ids.
pub(super) fn fresh_epoch(random: &dyn Random) -> String {
    use std::fmt::Write as _;
    random
        .bytes::<16>()
        .iter()
        .fold(String::with_capacity(32), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// The id of this history of revocations.
pub(super) fn epoch(connection: &Connection) -> Result<String, StoreError> {
    Ok(connection.query_row("SELECT epoch FROM meta WHERE one = 1", (), |row| row.get(0))?)
}

#[cfg(test)]
mod tests;
