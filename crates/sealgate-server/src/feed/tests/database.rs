//! What is done to a control plane's database past the store.

use std::time::Duration;

use sealgate_model::{Clock as _, SessionId};
use sealgate_store::Session;

use super::house::House;

impl House {
    /// A copy of the database as it stands, in a place of its own.
    pub(super) fn copy(&self) -> tempfile::TempDir {
        let copy = tempfile::tempdir().unwrap();
        let to = copy.path().join("sealgate.db");
        let to = to.to_str().unwrap();
        self.database().execute("VACUUM INTO ?1", [to]).unwrap();
        copy
    }

    fn database(&self) -> rusqlite::Connection {
        let file = self.dir.path().join("sealgate.db");
        let database = rusqlite::Connection::open(file).unwrap();
        database.busy_timeout(Duration::from_secs(5)).unwrap();
        database
    }
}

pub(super) async fn session_of(house: &House, id: SessionId) -> Session {
    house.plane.store.session(id).await.unwrap().unwrap()
}

/// Logs so many revocations of sessions that there never were, for `client` to see, past the store.
pub(super) fn log_sessions(house: &House, client: &str, count: u32) -> Vec<SessionId> {
    let now = house.clock.now();
    let ids: Vec<_> = (0..count)
        .map(|_| SessionId::generate(now, &*house.plane.random))
        .collect();
    let mut database = house.database();
    let transaction = database.transaction().unwrap();
    for id in &ids {
        transaction
            .execute("UPDATE meta SET revocation_seq = revocation_seq + 1", ())
            .unwrap();
        let log = transaction.prepare_cached(
            "INSERT INTO revocations (seq, kind, subject, at, client_id, expires_at)
             SELECT revocation_seq, 'session', ?1, ?2, ?3, ?4 FROM meta",
        );
        let (at, end) = (now, now + Duration::from_secs(24 * 3600));
        let row = (id.as_bytes(), at.as_millis(), client, end.as_millis());
        log.unwrap().execute(row).unwrap();
    }
    transaction.commit().unwrap();
    ids
}
