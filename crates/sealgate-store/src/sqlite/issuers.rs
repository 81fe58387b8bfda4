//! The issuers of other identities, and the sessions that they vouch for.

mod links;
mod vouched;

use async_trait::async_trait;
use rusqlite::{Connection, Row, params};
use sealgate_model::{IssuerKind, Timestamp, UserId};

use super::writer::Tx;
use super::{SqliteStore, audit, clients, sql};
use crate::{
    Audit, Client, IdentityIssuer, IdentityLink, IssuerStore, StoreError, Vouched, VouchedFor,
};

#[async_trait]
impl IssuerStore for SqliteStore {
    async fn identity_issuer_create(
        &self,
        issuer: IdentityIssuer,
        audit: Audit,
    ) -> Result<(), StoreError> {
        let write = move |tx: &Tx<'_>| create(tx, &issuer, &audit);
        self.home.writer.write(write).await
    }

    async fn identity_issuer(&self, issuer: &str) -> Result<Option<IdentityIssuer>, StoreError> {
        let issuer = issuer.to_owned();
        self.readers.look_up(move |db| by_name(db, &issuer)).await
    }

    async fn identity_issuers(&self) -> Result<Vec<IdentityIssuer>, StoreError> {
        self.readers.read(list).await
    }

    async fn identity_issuer_enable(
        &self,
        issuer: &str,
        enabled: bool,
        audit: Audit,
    ) -> Result<bool, StoreError> {
        let issuer = issuer.to_owned();
        let write = move |tx: &Tx<'_>| enable(tx, &issuer, enabled, &audit);
        if enabled {
            self.home.writer.write(write).await
        } else {
            self.home.writer.write_ending(write).await
        }
    }

    async fn identity_issuer_remove(&self, issuer: &str, audit: Audit) -> Result<bool, StoreError> {
        let issuer = issuer.to_owned();
        let write = move |tx: &Tx<'_>| remove(tx, &issuer, &audit);
        self.home.writer.write_ending(write).await
    }

    async fn machines_known_to(&self, issuer: &str) -> Result<Vec<Client>, StoreError> {
        let issuer = issuer.to_owned();
        self.readers.read(move |db| known_to(db, &issuer)).await
    }

    async fn identity_link_create(
        &self,
        link: IdentityLink,
        audit: Audit,
    ) -> Result<(), StoreError> {
        let write = move |tx: &Tx<'_>| {
            links::insert(tx, &link)?;
            audit::append(tx, &audit)
        };
        self.home.writer.write(write).await
    }

    async fn identity_link(
        &self,
        issuer: &str,
        subject: &str,
    ) -> Result<Option<IdentityLink>, StoreError> {
        let (issuer, subject) = (issuer.to_owned(), subject.to_owned());
        let find = move |db: &Connection| links::of_subject(db, &issuer, &subject);
        self.readers.look_up(find).await
    }

    async fn identity_links(&self, issuer: &str) -> Result<Vec<IdentityLink>, StoreError> {
        let issuer = issuer.to_owned();
        self.readers.read(move |db| links::list(db, &issuer)).await
    }

    async fn identity_link_remove(
        &self,
        issuer: &str,
        user: UserId,
        audit: Audit,
    ) -> Result<bool, StoreError> {
        let issuer = issuer.to_owned();
        let write = move |tx: &Tx<'_>| links::remove(tx, &issuer, user, &audit);
        self.home.writer.write_ending(write).await
    }

    async fn session_vouch(
        &self,
        vouched: Vouched,
        audit: Audit,
    ) -> Result<VouchedFor, StoreError> {
        let write = move |tx: &Tx<'_>| vouched::start(tx, &vouched, &audit);
        self.home.writer.write(write).await
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT issuer, name, kind, details, created_at, disabled_at FROM identity_issuers ",
            $rest
        )
    };
}

fn create(tx: &Tx<'_>, issuer: &IdentityIssuer, audit: &Audit) -> Result<(), StoreError> {
    sql::run(
        tx,
        "INSERT INTO identity_issuers (issuer, name, kind, details, created_at, disabled_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            issuer.issuer,
            issuer.name,
            issuer.kind.as_str(),
            sql::json_text(&issuer.details)?,
            issuer.created_at.as_millis(),
            issuer.disabled_at.map(Timestamp::as_millis),
        ],
    )?;
    audit::append(tx, audit)
}

fn by_name(connection: &Connection, issuer: &str) -> Result<Option<IdentityIssuer>, StoreError> {
    let issuer = params![issuer];
    sql::one(connection, select!("WHERE issuer = ?1"), issuer, read)
}

/// By name (primary key).
fn list(connection: &Connection) -> Result<Vec<IdentityIssuer>, StoreError> {
    sql::many(connection, select!("ORDER BY issuer"), (), read)
}

/// When it was first disabled stays.
fn enable(tx: &Tx<'_>, issuer: &str, enabled: bool, audit: &Audit) -> Result<bool, StoreError> {
    let changed = sql::run(
        tx,
        "UPDATE identity_issuers
         SET disabled_at = CASE WHEN ?2 THEN NULL ELSE coalesce(disabled_at, ?3) END
         WHERE issuer = ?1",
        params![issuer, enabled, audit.at.as_millis()],
    )?;
    audit::append_if(tx, changed > 0, audit)
}

fn remove(tx: &Tx<'_>, issuer: &str, audit: &Audit) -> Result<bool, StoreError> {
    links::forget(tx, issuer)?;
    let delete = "DELETE FROM identity_issuers WHERE issuer = ?1";
    let gone = sql::run(tx, delete, params![issuer])?;
    audit::append_if(tx, gone > 0, audit)
}

/// Service accounts are few among all clients.
fn known_to(connection: &Connection, issuer: &str) -> Result<Vec<Client>, StoreError> {
    sql::many(
        connection,
        "SELECT id, name, kind, secret_hash, redirect_uris, logout_uris, scopes, details, created_at,
                disabled_at
         FROM clients INDEXED BY clients_machines
         WHERE machine_ends_at IS NOT NULL AND removed_at IS NULL
           AND EXISTS (SELECT 1 FROM json_each(details, '$.machine.identities')
                       WHERE json_each.value ->> '$.issuer' = ?1)
         ORDER BY id",
        params![issuer],
        clients::read,
    )
}

fn read(row: &Row<'_>) -> Result<IdentityIssuer, StoreError> {
    Ok(IdentityIssuer {
        issuer: row.get("issuer")?,
        name: row.get("name")?,
        kind: sql::word(row, "kind", &IssuerKind::ALL, IssuerKind::as_str)?,
        details: sql::json(row, "details")?,
        created_at: sql::time(row, "created_at")?,
        disabled_at: sql::maybe_time(row, "disabled_at")?,
    })
}
