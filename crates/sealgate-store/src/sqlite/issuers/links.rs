//! Which accounts the subjects of issuers are: one for each, both ways.

use rusqlite::{Connection, Row, params};
use sealgate_model::UserId;

use super::super::writer::Tx;
use super::super::{audit, sql};
use crate::{Audit, IdentityLink, StoreError};

pub(super) fn insert(tx: &Tx<'_>, link: &IdentityLink) -> Result<(), StoreError> {
    sql::run(
        tx,
        "INSERT INTO identity_links (issuer, subject, user_id, linked_at) VALUES (?1, ?2, ?3, ?4)",
        params![
            link.issuer,
            link.subject,
            link.user.as_bytes(),
            link.linked_at.as_millis(),
        ],
    )
    .map(drop)
}

pub(super) fn of_subject(
    connection: &Connection,
    issuer: &str,
    subject: &str,
) -> Result<Option<IdentityLink>, StoreError> {
    sql::one(
        connection,
        "SELECT issuer, subject, user_id, linked_at FROM identity_links
         WHERE issuer = ?1 AND subject = ?2",
        params![issuer, subject],
        read,
    )
}

pub(super) fn of_user(
    connection: &Connection,
    issuer: &str,
    user: UserId,
) -> Result<Option<IdentityLink>, StoreError> {
    sql::one(
        connection,
        "SELECT issuer, subject, user_id, linked_at FROM identity_links INDEXED BY identity_links_by_user
         WHERE issuer = ?1 AND user_id = ?2",
        params![issuer, user.as_bytes()],
        read,
    )
}

/// By subject (primary key).
pub(super) fn list(connection: &Connection, issuer: &str) -> Result<Vec<IdentityLink>, StoreError> {
    sql::many(
        connection,
        "SELECT issuer, subject, user_id, linked_at FROM identity_links WHERE issuer = ?1
         ORDER BY subject",
        params![issuer],
        read,
    )
}

pub(super) fn remove(
    tx: &Tx<'_>,
    issuer: &str,
    user: UserId,
    audit: &Audit,
) -> Result<bool, StoreError> {
    let gone = sql::run(
        tx,
        "DELETE FROM identity_links WHERE issuer = ?1 AND user_id = ?2",
        params![issuer, user.as_bytes()],
    )?;
    audit::append_if(tx, gone > 0, audit)
}

/// Forgets those of an issuer.
pub(super) fn forget(tx: &Tx<'_>, issuer: &str) -> Result<(), StoreError> {
    let delete = "DELETE FROM identity_links WHERE issuer = ?1";
    sql::run(tx, delete, params![issuer]).map(drop)
}

fn read(row: &Row<'_>) -> Result<IdentityLink, StoreError> {
    Ok(IdentityLink {
        issuer: row.get("issuer")?,
        subject: row.get("subject")?,
        user: UserId::from_bytes(row.get("user_id")?),
        linked_at: sql::time(row, "linked_at")?,
    })
}
