//! The memory of service accounts. They are clients, and what is here goes with their rows.

pub(super) mod bootstraps;
pub(super) mod ends;
mod uses;

use async_trait::async_trait;
use rusqlite::{Connection, Row, params};
use sealgate_model::{BootstrapId, ClientId, Timestamp};
use serde_json::Value;

use super::writer::Tx;
use super::{SqliteStore, clients, sql};
use crate::{
    Audit, Bootstrap, Client, Enrolled, MachineRow, MachineStore, Offboarded, RevokeReason,
    StoreError, Used,
};

#[async_trait]
impl MachineStore for SqliteStore {
    async fn machine_create(&self, client: Client, audit: Audit) -> Result<(), StoreError> {
        let act = move |tx: &Tx<'_>| create(tx, &client, &audit);
        self.home.writer.write(act).await
    }

    async fn machine(&self, id: &ClientId) -> Result<Option<MachineRow>, StoreError> {
        let id = id.clone();
        self.readers.look_up(move |db| by_id(db, &id)).await
    }

    async fn machines(&self, all: bool) -> Result<Vec<MachineRow>, StoreError> {
        self.readers.read(move |db| list(db, all)).await
    }

    async fn machine_update(
        &self,
        before: Client,
        client: Client,
        audit: Audit,
    ) -> Result<bool, StoreError> {
        let ends = clients::takes_away(&before, &client);
        let act = move |tx: &Tx<'_>| update(tx, &before, &client, &audit);
        if ends {
            self.home.writer.write_ending(act).await
        } else {
            self.home.writer.write(act).await
        }
    }

    async fn record_use(&self, audit: Audit, used: Used) -> Result<(), StoreError> {
        let act = move |tx: &Tx<'_>| uses::record(tx, &audit, &used);
        self.home.writer.write(act).await
    }

    async fn note_use(&self, used: Used, at: Timestamp) -> Result<(), StoreError> {
        let act = move |tx: &Tx<'_>| uses::note(tx, &used, at);
        self.home.writer.write(act).await
    }

    async fn bootstrap_create(
        &self,
        bootstrap: Bootstrap,
        scopes: Vec<String>,
        audit: Audit,
    ) -> Result<bool, StoreError> {
        let act = move |tx: &Tx<'_>| bootstraps::create(tx, &bootstrap, &scopes, &audit);
        self.home.writer.write(act).await
    }

    async fn bootstrap(&self, id: BootstrapId) -> Result<Option<Bootstrap>, StoreError> {
        let find = move |db: &Connection| bootstraps::by_id(db, id);
        self.readers.look_up(find).await
    }

    async fn bootstrap_spend(
        &self,
        id: BootstrapId,
        key: Value,
        audit: Audit,
    ) -> Result<Enrolled, StoreError> {
        let act = move |tx: &Tx<'_>| bootstraps::spend(tx, id, &key, &audit);
        self.home.writer.write(act).await
    }

    async fn machines_due(
        &self,
        before: Timestamp,
        limit: u32,
    ) -> Result<Vec<ClientId>, StoreError> {
        let find = move |db: &Connection| ends::due(db, before, limit);
        self.readers.read(find).await
    }

    async fn machine_expire(&self, id: &ClientId, audit: Audit) -> Result<bool, StoreError> {
        self.end_client(id, RevokeReason::Admin, audit, ends::expire)
            .await
    }

    async fn machine_offboard(
        &self,
        id: &ClientId,
        audit: Audit,
    ) -> Result<Option<Offboarded>, StoreError> {
        ends::offboard(self, id, audit).await
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, kind, secret_hash, redirect_uris, logout_uris, scopes, details, created_at,
                    disabled_at, removed_at
             FROM clients ",
            $rest
        )
    };
}

pub(super) fn create(tx: &Tx<'_>, client: &Client, audit: &Audit) -> Result<(), StoreError> {
    if client.details.machine.is_none() {
        return Err(StoreError::Invalid("it is no service account"));
    }
    clients::create(tx, client, audit)?;
    uses::register(tx, None, client, audit.at)
}

pub(super) fn update(
    tx: &Tx<'_>,
    before: &Client,
    client: &Client,
    audit: &Audit,
) -> Result<bool, StoreError> {
    if client.details.machine.is_none() {
        return Err(StoreError::Invalid("it is no service account"));
    }
    let changed = clients::update(tx, before, client, audit)?;
    if changed {
        uses::register(tx, Some(before), client, audit.at)?;
    }
    Ok(changed)
}

/// One, removed or not, as of one moment.
fn by_id(connection: &Connection, id: &ClientId) -> Result<Option<MachineRow>, StoreError> {
    let moment = connection.unchecked_transaction()?;
    let Some(bare) = bare(&moment, id)? else {
        return Ok(None);
    };
    Ok(Some(MachineRow {
        uses: uses::of(&moment, id)?,
        bootstrap: bootstraps::open_of(&moment, id)?,
        ..bare
    }))
}

/// One, removed or not, without what goes with it.
fn bare(connection: &Connection, id: &ClientId) -> Result<Option<MachineRow>, StoreError> {
    sql::one(
        connection,
        select!("WHERE id = ?1 AND machine_ends_at IS NOT NULL"),
        params![id.as_str()],
        read,
    )
}

/// All of them, by id, as of one moment: they are few.
fn list(connection: &Connection, all: bool) -> Result<Vec<MachineRow>, StoreError> {
    let moment = connection.unchecked_transaction()?;
    let mut machines = sql::many(
        &moment,
        select!(
            "INDEXED BY clients_machines
             WHERE machine_ends_at IS NOT NULL AND (?1 OR removed_at IS NULL) ORDER BY id"
        ),
        params![all],
        read,
    )?;
    for machine in &mut machines {
        let id = machine.client.id.clone();
        machine.uses = uses::of(&moment, &id)?;
        machine.bootstrap = bootstraps::open_of(&moment, &id)?;
    }
    Ok(machines)
}

/// The row alone.
fn read(row: &Row<'_>) -> Result<MachineRow, StoreError> {
    Ok(MachineRow {
        client: clients::read(row)?,
        offboarded_at: sql::maybe_time(row, "removed_at")?,
        uses: Vec::new(),
        bootstrap: None,
    })
}
