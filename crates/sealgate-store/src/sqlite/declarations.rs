//! What was declared in a file and applied as one, in SQLite.

use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::{Connection, params};
use sealgate_model::ClientId;

use super::bulk::{self, Batch};
use super::machines::{self, ends};
use super::writer::Tx;
use super::{Home, SqliteStore, audit, clients, policies, resources, sql};
use crate::{
    Audit, Client, Declarable, DeclarationRow, DeclarationStore, Declared, DeclaredChange,
    DeclaredWord, KeySchedule, Offboarded, PolicyApplied, RevokeReason, StoreError,
};

/// The most rounds in which what an interrupted disabling has left is ended before a client is enabled: as many
/// sessions as a client can have, and no loop without an end.
const ROUNDS: usize = 100_000;

#[async_trait]
impl DeclarationStore for SqliteStore {
    async fn declarable(&self) -> Result<Declarable, StoreError> {
        let look = |db: &Connection| {
            let moment = db.unchecked_transaction()?;
            declarable(&moment)
        };
        self.readers.read(look).await
    }

    async fn declare(
        &self,
        before: Declarable,
        changes: Vec<(DeclaredChange, Audit)>,
        declaration: DeclarationRow,
        audit: Audit,
    ) -> Result<Declared, StoreError> {
        self.whole(|home| async move {
            let act = move |tx: &Tx<'_>| declare(tx, &before, &changes, &declaration, &audit);
            let (mut done, left) = home.writer.write_ending(act).await?;
            for end in left {
                // It is decided, and its caller has to hear so. Opening the store again ends what is left over.
                if let Err(error) = finish(&home, end, &mut done).await {
                    tracing::warn!(reason = error.code(), %error, "the end of a client is not finished");
                    done.unfinished = true;
                }
            }
            Ok(done)
        })
        .await
    }

    async fn declared_roles(&self) -> Result<Vec<DeclaredWord>, StoreError> {
        self.readers.read(roles).await
    }

    async fn declared_scopes(&self) -> Result<Vec<DeclaredWord>, StoreError> {
        self.readers.read(scopes).await
    }

    async fn key_schedules(&self) -> Result<Vec<KeySchedule>, StoreError> {
        self.readers.read(schedules).await
    }
}

/// What one transaction has not finished of an end: sessions and delegations that nothing is good of any more.
struct Left {
    client: ClientId,
    first: Batch,
    reason: RevokeReason,
    audit: Audit,
    offboarded: Option<Offboarded>,
}

/// As of one moment, which the caller holds.
fn declarable(connection: &Connection) -> Result<Declarable, StoreError> {
    let mut clients = clients::list(connection)?;
    clients.retain(|client| !client.details.origin.is_its_own());
    let (policy, document) = match policies::current(connection)? {
        Some(stored) => (Some(stored.version), Some(stored.document)),
        None => (None, None),
    };
    Ok(Declarable {
        clients,
        resources: resources::list(connection)?,
        roles: roles(connection)?,
        scopes: scopes(connection)?,
        schedules: schedules(connection)?,
        policy,
        document,
        declarations: declarations(connection)?,
    })
}

fn declare(
    tx: &Tx<'_>,
    before: &Declarable,
    changes: &[(DeclaredChange, Audit)],
    declaration: &DeclarationRow,
    audit: &Audit,
) -> Result<(Declared, Vec<Left>), StoreError> {
    // Whoever declares has read all of it a while ago, and others agreed to what they were shown.
    if declarable(tx)? != *before {
        return Err(StoreError::Conflict("declarable"));
    }
    let (mut done, mut left) = (Declared::default(), Vec::new());
    for (change, audit) in changes {
        one(tx, change, audit, &mut done, &mut left)?;
    }
    sql::run(
        tx,
        "INSERT INTO declarations (name, state, applied_at, applied_by) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (name) DO UPDATE
         SET state = excluded.state, applied_at = excluded.applied_at, applied_by = excluded.applied_by",
        params![
            declaration.name,
            declaration.state,
            declaration.applied_at.as_millis(),
            declaration.applied_by,
        ],
    )?;
    audit::append(tx, audit)?;
    Ok((done, left))
}

/// Makes one change. What is not there any more is a conflict: what was compared with it is no longer so.
fn one(
    tx: &Tx<'_>,
    change: &DeclaredChange,
    audit: &Audit,
    done: &mut Declared,
    left: &mut Vec<Left>,
) -> Result<(), StoreError> {
    let found = match change {
        DeclaredChange::Create(client) if is_machine(client) => {
            machines::create(tx, client, audit).map(|()| true)?
        }
        DeclaredChange::Create(client) => clients::create(tx, client, audit).map(|()| true)?,
        DeclaredChange::Update(pair) if is_machine(&pair.0) => {
            machines::update(tx, &pair.0, &pair.1, audit)?
        }
        DeclaredChange::Update(pair) => clients::update(tx, &pair.0, &pair.1, audit)?,
        DeclaredChange::Secret(id, scopes, hash) => {
            clients::set_secret(tx, id, scopes, *hash, audit)?
        }
        DeclaredChange::Disable(id) => {
            let first = clients::disable(tx, id, audit)?;
            keep(left, id, first, None, RevokeReason::Admin, audit)
        }
        DeclaredChange::Enable(id) => enable(tx, id, audit)?,
        DeclaredChange::Remove(id) => {
            let first = clients::remove(tx, id, audit)?;
            keep(left, id, first, None, RevokeReason::ClientRemoved, audit)
        }
        DeclaredChange::Offboard(id) => {
            let (offboarded, first) = ends::begin(tx, id, audit)?.unzip();
            keep(
                left,
                id,
                first,
                offboarded,
                RevokeReason::ClientRemoved,
                audit,
            )
        }
        DeclaredChange::ResourceCreate(resource) => {
            resources::create(tx, resource, audit).map(|()| true)?
        }
        DeclaredChange::ResourceUpdate(pair) => resources::update(tx, &pair.0, &pair.1, audit)?,
        DeclaredChange::ResourceRemove(uri) => resources::remove(tx, uri, audit)?,
        DeclaredChange::Policy(new) => match policies::apply(tx, new, audit)? {
            PolicyApplied::Applied(version) => {
                done.policy = Some(version);
                true
            }
            PolicyApplied::Unchanged(_) => true,
            PolicyApplied::Outdated(_) => false,
        },
        other => {
            words(tx, other)?;
            audit::append(tx, audit)?;
            true
        }
    };
    if found {
        Ok(())
    } else {
        Err(StoreError::Conflict("declarable"))
    }
}

/// What is only described.
fn words(tx: &Tx<'_>, change: &DeclaredChange) -> Result<(), StoreError> {
    match change {
        DeclaredChange::Role(word) => sql::run(
            tx,
            "INSERT INTO roles (name, description) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET description = excluded.description",
            params![word.name, word.description],
        )?,
        DeclaredChange::RoleRemove(name) => {
            sql::run(tx, "DELETE FROM roles WHERE name = ?1", params![name])?
        }
        DeclaredChange::Scope(word) => sql::run(
            tx,
            "INSERT INTO scopes (name, description) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET description = excluded.description",
            params![word.name, word.description],
        )?,
        DeclaredChange::ScopeRemove(name) => {
            sql::run(tx, "DELETE FROM scopes WHERE name = ?1", params![name])?
        }
        DeclaredChange::Schedule(schedule) => sql::run(
            tx,
            "INSERT INTO key_schedules (algorithm, rotate_every) VALUES (?1, ?2)
             ON CONFLICT (algorithm) DO UPDATE SET rotate_every = excluded.rotate_every",
            params![
                schedule.algorithm,
                i64::try_from(schedule.rotate_every)
                    .map_err(|_| StoreError::Invalid("a key schedule is too long"))?,
            ],
        )?,
        DeclaredChange::ScheduleRemove(algorithm) => sql::run(
            tx,
            "DELETE FROM key_schedules WHERE algorithm = ?1",
            params![algorithm],
        )?,
        _ => return Err(StoreError::Invalid("this is no change of words")),
    };
    Ok(())
}

fn is_machine(client: &Client) -> bool {
    client.details.machine.is_some()
}

/// Enables a client, and ends before what an interrupted disabling has left.
fn enable(tx: &Tx<'_>, id: &ClientId, audit: &Audit) -> Result<bool, StoreError> {
    for _ in 0..ROUNDS {
        match clients::enable(tx, id, audit)? {
            None => return Ok(false),
            Some(true) => return Ok(true),
            Some(false) => {}
        }
    }
    Err(StoreError::TooMany("sessions of a disabled client"))
}

/// Keeps what one transaction could not finish; whether there was anything to end.
fn keep(
    left: &mut Vec<Left>,
    client: &ClientId,
    first: Option<Batch>,
    offboarded: Option<Offboarded>,
    reason: RevokeReason,
    audit: &Audit,
) -> bool {
    let Some(first) = first else {
        return false;
    };
    left.push(Left {
        client: client.clone(),
        first,
        reason,
        audit: audit.clone(),
        offboarded,
    });
    true
}

/// Revokes what is left of an end, a batch at a time.
async fn finish(home: &Arc<Home>, end: Left, done: &mut Declared) -> Result<(), StoreError> {
    let Left {
        client,
        first,
        reason,
        audit,
        offboarded,
    } = end;
    let all = bulk::everything_on(&client, None, audit.at);
    let rest = Arc::clone(home);
    let sessions = rest.revoke_rest(first, all, reason, audit.clone()).await?;
    done.sessions += sessions;
    if let Some(mut offboarded) = offboarded {
        offboarded.sessions = sessions;
        offboarded.delegations = ends::end_all_delegations(home, &client, &audit).await?;
        done.offboarded.push((client, offboarded));
    }
    Ok(())
}

fn roles(connection: &Connection) -> Result<Vec<DeclaredWord>, StoreError> {
    described(
        connection,
        "SELECT name, description FROM roles ORDER BY name",
    )
}

fn scopes(connection: &Connection) -> Result<Vec<DeclaredWord>, StoreError> {
    described(
        connection,
        "SELECT name, description FROM scopes ORDER BY name",
    )
}

fn described(connection: &Connection, query: &str) -> Result<Vec<DeclaredWord>, StoreError> {
    sql::many(connection, query, (), |row| {
        Ok(DeclaredWord {
            name: row.get("name")?,
            description: row.get("description")?,
        })
    })
}

fn schedules(connection: &Connection) -> Result<Vec<KeySchedule>, StoreError> {
    sql::many(
        connection,
        "SELECT algorithm, rotate_every FROM key_schedules ORDER BY algorithm",
        (),
        |row| {
            let seconds: i64 = row.get("rotate_every")?;
            Ok(KeySchedule {
                algorithm: row.get("algorithm")?,
                rotate_every: u64::try_from(seconds)
                    .map_err(|_| sql::unreadable("rotate_every"))?,
            })
        },
    )
}

fn declarations(connection: &Connection) -> Result<Vec<DeclarationRow>, StoreError> {
    sql::many(
        connection,
        "SELECT name, state, applied_at, applied_by FROM declarations ORDER BY name",
        (),
        |row| {
            Ok(DeclarationRow {
                name: row.get("name")?,
                state: row.get("state")?,
                applied_at: sql::time(row, "applied_at")?,
                applied_by: row.get("applied_by")?,
            })
        },
    )
}
