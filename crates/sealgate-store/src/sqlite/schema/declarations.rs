//! What is declared in files: roles and scopes in words, key schedules, and each file as it was applied last.

pub(super) const STEP: &str = "
CREATE TABLE roles (
    name        TEXT NOT NULL PRIMARY KEY,
    description TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE scopes (
    name        TEXT NOT NULL PRIMARY KEY,
    description TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE key_schedules (
    algorithm    TEXT    NOT NULL PRIMARY KEY,
    rotate_every INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What was applied under a name: what a file does not declare any more is what goes, and what differs from it was
-- changed by somebody else.
CREATE TABLE declarations (
    name       TEXT    NOT NULL PRIMARY KEY,
    state      TEXT    NOT NULL,
    applied_at INTEGER NOT NULL,
    applied_by TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
";
