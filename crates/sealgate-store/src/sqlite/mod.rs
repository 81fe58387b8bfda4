//! The SQLite home: one file in a data directory, one writer, a few readers.
//!
//! Each aggregate has a module with its SQL written out; [`calls`] sends each call to the writer or to a
//! reader.

mod agents;
mod anomalies;
mod audit;
mod bulk;
mod calls;
mod chain;
pub(crate) mod checkpoints;
mod claims;
mod client_cache;
mod clients;
mod codes;
mod consents;
mod declarations;
mod delegations;
mod deliveries;
mod devices;
mod exports;
mod footing;
mod histories;
mod holds;
mod issuers;
mod keys;
mod link;
mod machines;
mod measures;
mod place;
mod policies;
mod pushed;
mod reaches;
pub(crate) mod reader;
mod receivers;
mod refresh;
mod registrations;
mod reserve;
mod resources;
mod retire;
mod revocations;
mod schema;
mod sessions;
mod sign_ins;
mod signals;
mod sql;
mod streams;
mod sweep;
mod users;
mod witness;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sealgate_model::{ClientId, Clock, Random, Timestamp};

use self::bulk::Batch;
pub use self::chain::ChainFile;
use self::client_cache::ClientCache;
use self::place::Place;
use self::reader::Readers;
use self::reserve::Reserve;
use self::witness::Witness;
use self::writer::{Tx, Writer};
use crate::{
    Audit, HistoryMark, NetworkDetail, Restored, RevokeReason, SessionSelector, StoreError,
};

/// The memory of a control plane in one data directory.
///
/// Dropping it finishes the writes that were accepted, then lets go of the directory; that may block
/// for as long as they take.
pub struct SqliteStore {
    // Dropped in this order: the writer is the last connection, whose closing folds the log into the
    // database, and the directory is free only after that.
    restored: Option<Restored>,
    restored_at: Option<Timestamp>,
    clients: Arc<ClientCache>,
    readers: Readers,
    home: Arc<Home>,
}

/// The writer, and the directory that it writes in. Shared with acts of several transactions, which go
/// on when their caller has left.
struct Home {
    writer: Writer,
    witness: Witness,
    place: Place,
}

impl SqliteStore {
    /// Opens the data directory `dir`, making it (mode 0700), its database `sealgate.db` (mode 0600),
    /// a reserve of room on the disk and a fresh epoch if they are not there, and bringing an older schema up to date. Blocks.
    ///
    /// Errors: [`StoreError::Locked`] if another process has the directory, [`StoreError::TooNew`] if
    /// a newer program has written the database, [`StoreError::Corrupt`] if the file is no database or
    /// somebody else's, [`StoreError::Unavailable`] if the directory cannot be used.
    pub fn open(dir: &Path, clock: &dyn Clock, random: &dyn Random) -> Result<Self, StoreError> {
        let place = Place::take(dir)?;
        let mut connection = place.connect()?;
        schema::migrate(&mut connection, clock, random)?;
        // Before anything is logged: the log of a copy must not come as far as its witness by what is done here.
        let shown = witness::read(dir);
        let restored = histories::look_back(&mut connection, shown.as_ref(), clock.now(), random)?;
        let restored_at = histories::last_left(&connection)?;
        if let Err(error) = clients::finish_ends(&mut connection, clock.now()) {
            // What is left over opens nothing: the client is gone, or disabled.
            tracing::warn!(%error, "the end of a client is still not finished");
        }
        let head = revocations::head(&connection)?;
        let mark = HistoryMark {
            history: schema::epoch(&connection)?,
            seq: head,
        };
        let witness = Witness::start(dir, mark)?;
        let readers = Readers::open(&place.file)?;
        let clients = Arc::new(ClientCache::default());
        let reserve = Reserve::keep(dir);
        let announced = (head, witness.noted());
        let clients_kept = Arc::clone(&clients);
        let writer = Writer::start(connection, &place.file, announced, reserve, clients_kept)?;
        Ok(Self {
            restored,
            restored_at,
            clients,
            readers,
            home: Arc::new(Home {
                writer,
                witness,
                place,
            }),
        })
    }
}

impl SqliteStore {
    /// Says how much of callers' addresses records keep from now on; all of them until then.
    pub fn keep_networks(&self, detail: NetworkDetail) {
        self.home.writer.keep_networks(detail);
    }

    /// What was found when it was opened, if the database had been put back from a copy: then another
    /// history has begun, and everything that was started until then is revoked.
    pub const fn restored(&self) -> Option<&Restored> {
        self.restored.as_ref()
    }

    /// When, at the last time, the database was found to be put back from a copy, by the time it was opened;
    /// none: never. Signing keys from before are not to be used.
    pub const fn restored_at(&self) -> Option<Timestamp> {
        self.restored_at
    }
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SqliteStore")
    }
}

impl Home {
    /// The path of a file beside the database.
    fn beside(&self, name: &str) -> PathBuf {
        self.place.file.with_file_name(name)
    }

    /// Revokes what is left of the sessions that fit after the first batch, each batch in a transaction
    /// of its own; how many there were with those of the first.
    async fn revoke_rest(
        self: Arc<Self>,
        first: Batch,
        selector: SessionSelector,
        reason: RevokeReason,
        audit: Audit,
    ) -> Result<u64, StoreError> {
        let Batch {
            mut sessions,
            mut next,
        } = first;
        while let Some(after) = next {
            let (selector, audit) = (selector.clone(), audit.clone());
            let act = move |tx: &Tx<'_>| bulk::go_on(tx, &selector, Some(after), reason, &audit);
            let batch = self.writer.write_ending(act).await?;
            sessions += batch.sessions;
            next = batch.next;
        }
        Ok(sessions)
    }
}

impl SqliteStore {
    /// Runs an act of several transactions to its end, whether or not the caller stays to hear of it.
    async fn whole<T, F>(&self, act: impl FnOnce(Arc<Home>) -> F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        tokio::spawn(act(Arc::clone(&self.home)))
            .await
            .map_err(|_| StoreError::Unavailable("the act was cut short".to_owned()))?
    }

    /// Ends a client by `begin`, and with it all of its sessions. False if there is no such client.
    async fn end_client(
        &self,
        id: &ClientId,
        reason: RevokeReason,
        audit: Audit,
        begin: fn(&Tx<'_>, &ClientId, &Audit) -> Result<Option<Batch>, StoreError>,
    ) -> Result<bool, StoreError> {
        let id = id.clone();
        self.whole(|home| async move {
            let all = bulk::everything_on(&id, None, audit.at);
            let record = audit.clone();
            let act = move |tx: &Tx<'_>| begin(tx, &id, &record);
            let Some(first) = home.writer.write_ending(act).await? else {
                return Ok(false);
            };
            home.revoke_rest(first, all, reason, audit).await?;
            Ok(true)
        })
        .await
    }
}

#[cfg(test)]
mod tests;
