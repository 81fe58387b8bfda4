//! What tokens can be for. A few rows.

use rusqlite::{Connection, Row, params};
use sealgate_model::ClientId;

use super::writer::Tx;
use super::{audit, reaches, sql};
use crate::{Audit, Resource, StoreError};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT uri, name, client_id, scopes, status_list, agents, tools, created_at FROM resources ",
            $rest
        )
    };
}

pub(super) fn create(tx: &Tx<'_>, resource: &Resource, audit: &Audit) -> Result<(), StoreError> {
    sql::run(
        tx,
        "INSERT INTO resources (uri, name, client_id, scopes, created_at, status_list, agents, tools)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            resource.uri,
            resource.name,
            resource.client.as_ref().map(ClientId::as_str),
            sql::json_text(&resource.scopes)?,
            resource.created_at.as_millis(),
            resource.status_list,
            resource.agents,
            sql::json_text(&resource.tools)?,
        ],
    )?;
    if let Some(server) = &resource.client {
        reaches::catch_up(tx, &resource.uri, server, None, audit.at)?;
    }
    audit::append(tx, audit)
}

pub(super) fn by_uri(connection: &Connection, uri: &str) -> Result<Option<Resource>, StoreError> {
    sql::one(connection, select!("WHERE uri = ?1"), params![uri], read)
}

/// Every resource, by URI (primary key).
pub(super) fn list(connection: &Connection) -> Result<Vec<Resource>, StoreError> {
    sql::many(connection, select!("ORDER BY uri"), (), read)
}

/// Only of a resource that still is as it was read, so that no change undoes another.
pub(super) fn update(
    tx: &Tx<'_>,
    before: &Resource,
    resource: &Resource,
    audit: &Audit,
) -> Result<bool, StoreError> {
    if before.uri != resource.uri {
        return Err(StoreError::Invalid("a resource keeps its URI"));
    }
    match by_uri(tx, &resource.uri)? {
        None => return Ok(false),
        Some(current) if current != *before => return Err(StoreError::Conflict("resource")),
        Some(_) => {}
    }
    let changed = sql::run(
        tx,
        "UPDATE resources
         SET name = ?2, client_id = ?3, scopes = ?4, status_list = ?5, agents = ?6, tools = ?7
         WHERE uri = ?1",
        params![
            resource.uri,
            resource.name,
            resource.client.as_ref().map(ClientId::as_str),
            sql::json_text(&resource.scopes)?,
            resource.status_list,
            resource.agents,
            sql::json_text(&resource.tools)?,
        ],
    )?;
    match (&before.client, &resource.client) {
        (Some(old), Some(new)) if old == new => {}
        (old, Some(new)) => reaches::catch_up(tx, &resource.uri, new, old.as_ref(), audit.at)?,
        (Some(old), None) => reaches::leave(tx, old, audit.at)?,
        (None, None) => {}
    }
    audit::append_if(tx, changed > 0, audit)
}

pub(super) fn remove(tx: &Tx<'_>, uri: &str, audit: &Audit) -> Result<bool, StoreError> {
    if let Some(server) = by_uri(tx, uri)?.and_then(|resource| resource.client) {
        reaches::leave(tx, &server, audit.at)?;
    }
    let changed = sql::run(tx, "DELETE FROM resources WHERE uri = ?1", params![uri])?;
    audit::append_if(tx, changed > 0, audit)
}

fn read(row: &Row<'_>) -> Result<Resource, StoreError> {
    Ok(Resource {
        uri: row.get("uri")?,
        name: row.get("name")?,
        client: sql::maybe_client_id(row, "client_id")?,
        scopes: sql::json(row, "scopes")?,
        status_list: row.get("status_list")?,
        agents: row.get("agents")?,
        tools: sql::json(row, "tools")?,
        created_at: sql::time(row, "created_at")?,
    })
}
