//! Statements and columns: the few helpers by which every aggregate reads and writes its rows.

use rusqlite::{Connection, ErrorCode, Params, Row, ffi};
use sealgate_model::{ClientId, SecretHash, TenantId, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Page, StoreError};

/// What collides, by the column that SQLite names in its message (which never holds a value).
const UNIQUE: [(&str, &str); 11] = [
    ("users.email_key", "e-mail address"),
    ("users.id", "user id"),
    ("clients.id", "client id"),
    ("resources.uri", "resource URI"),
    ("device_codes.user_code", "user code"),
    ("transmitters.issuer", "transmitter"),
    ("identity_issuers.issuer", "issuer"),
    ("identity_links.issuer", "identity"),
    ("identity_links.user_id", "identity"),
    ("signing_keys.kid", "signing key id"),
    ("signing_keys.algorithm", "active signing key"),
];

/// Sorts SQLite's failures by who is to blame. Bound values are in none of its messages.
impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::Error as Sql;
        match &error {
            Sql::SqliteFailure(failure, message) => match (failure.code, failure.extended_code) {
                (_, ffi::SQLITE_CONSTRAINT_FOREIGNKEY) => {
                    Self::Invalid("it refers to a row that is not there")
                }
                (_, ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY) => {
                    let message = message.as_deref().unwrap_or_default();
                    let named = UNIQUE.iter().find(|(column, _)| message.contains(column));
                    Self::Conflict(named.map_or("id", |(_, what)| what))
                }
                (ErrorCode::DiskFull, _) => Self::Full,
                (ErrorCode::ConstraintViolation, _) => Self::Invalid("a value is out of bounds"),
                (ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase, _) => {
                    Self::Corrupt(error.to_string())
                }
                _ => Self::Unavailable(error.to_string()),
            },
            Sql::FromSqlConversionFailure(..)
            | Sql::IntegralValueOutOfRange(..)
            | Sql::InvalidColumnType(..)
            | Sql::Utf8Error(..) => Self::Corrupt(error.to_string()),
            _ => Self::Unavailable(error.to_string()),
        }
    }
}

/// Runs a statement that returns no rows; how many rows it changed.
pub(super) fn run(
    connection: &Connection,
    sql: &str,
    values: impl Params,
) -> Result<usize, StoreError> {
    Ok(connection.prepare_cached(sql)?.execute(values)?)
}

/// The first row, if there is one.
pub(super) fn one<T>(
    connection: &Connection,
    sql: &str,
    values: impl Params,
    read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    connection
        .prepare_cached(sql)?
        .query_and_then(values, read)?
        .next()
        .transpose()
}

/// Every row.
pub(super) fn many<T>(
    connection: &Connection,
    sql: &str,
    values: impl Params,
    read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    connection
        .prepare_cached(sql)?
        .query_and_then(values, read)?
        .collect()
}

/// A column that holds milliseconds.
pub(super) fn time(row: &Row<'_>, column: &str) -> Result<Timestamp, StoreError> {
    Ok(Timestamp::from_millis(row.get(column)?))
}

/// A column that holds milliseconds or nothing.
pub(super) fn maybe_time(row: &Row<'_>, column: &str) -> Result<Option<Timestamp>, StoreError> {
    Ok(row
        .get::<_, Option<i64>>(column)?
        .map(Timestamp::from_millis))
}

/// A column that holds the SHA-256 of a secret.
pub(super) fn hash(row: &Row<'_>, column: &str) -> Result<SecretHash, StoreError> {
    Ok(SecretHash::from_bytes(row.get(column)?))
}

/// A column that holds a client id.
pub(super) fn client_id(row: &Row<'_>, column: &str) -> Result<ClientId, StoreError> {
    maybe_client_id(row, column)?.ok_or_else(|| unreadable(column))
}

/// A column that holds a client id or nothing.
pub(super) fn maybe_client_id(row: &Row<'_>, column: &str) -> Result<Option<ClientId>, StoreError> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| text.parse().map_err(|_| unreadable(column)))
        .transpose()
}

/// A column that holds a tenant id or nothing.
pub(super) fn maybe_tenant(row: &Row<'_>, column: &str) -> Result<Option<TenantId>, StoreError> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| text.parse().map_err(|_| unreadable(column)))
        .transpose()
}

/// A column that holds JSON, as [`json_text`] writes it.
pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> Result<T, StoreError> {
    let text = row.get_ref(column)?.as_str();
    let text = text.map_err(|_| unreadable(column))?;
    serde_json::from_str(text).map_err(|_| unreadable(column))
}

/// A value as a JSON column. Lists are JSON too, since roles may hold any character.
pub(super) fn json_text<T: Serialize + ?Sized>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|_| StoreError::Invalid("a value cannot be written"))
}

/// A column that holds one of a fixed set of words.
pub(super) fn word<T: Copy>(
    row: &Row<'_>,
    column: &str,
    all: &[T],
    as_str: impl Fn(T) -> &'static str,
) -> Result<T, StoreError> {
    maybe_word(row, column, all, as_str)?.ok_or_else(|| unreadable(column))
}

/// A column that holds one of a fixed set of words or nothing.
pub(super) fn maybe_word<T: Copy>(
    row: &Row<'_>,
    column: &str,
    all: &[T],
    as_str: impl Fn(T) -> &'static str,
) -> Result<Option<T>, StoreError> {
    let text: Option<String> = row.get(column)?;
    let known = |text: String| all.iter().copied().find(|value| as_str(*value) == text);
    text.map(|text| known(text).ok_or_else(|| unreadable(column)))
        .transpose()
}

/// The error for a column that does not hold what this version writes.
pub(super) fn unreadable(column: &str) -> StoreError {
    StoreError::Corrupt(format!("column {column}"))
}

/// Where a page begins: after this id, or after the empty one, which sorts before every id.
pub(super) fn after(page: &Page) -> &[u8] {
    page.after.as_ref().map_or(&[], |id| id.as_slice())
}

/// How many rows a page holds at most.
pub(super) fn limit(page: &Page) -> u32 {
    page.limit.clamp(1, 1000)
}
