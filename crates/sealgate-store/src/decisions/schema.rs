//! The tables of `decisions.db`.

use rusqlite::Connection;

use crate::StoreError;

/// Tells the file from other databases: "`SGdl`".
const APPLICATION: i64 = 0x5347_646c;
/// The version of the tables.
const VERSION: i64 = 1;

/// What can be found by columns stands before `body`: SQLite reads no further than it is asked to.
const TABLES: &str = "
    CREATE TABLE block (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        stream INTEGER NOT NULL,
        place INTEGER NOT NULL,
        client TEXT NOT NULL,
        instance BLOB NOT NULL,
        sequence INTEGER NOT NULL,
        gate TEXT NOT NULL,
        kept_at INTEGER NOT NULL,
        first_at INTEGER NOT NULL,
        last_at INTEGER NOT NULL,
        rows INTEGER NOT NULL,
        decisions INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        hash BLOB NOT NULL,
        body_hash BLOB NOT NULL,
        retired_at INTEGER,
        idx BLOB,
        body BLOB
    ) STRICT;
    CREATE UNIQUE INDEX block_place ON block (stream, place);
    CREATE INDEX block_alive ON block (stream, number) WHERE body IS NOT NULL;
    -- Which batches of a process were kept, as ranges without gaps.
    CREATE TABLE seen (
        client TEXT NOT NULL,
        instance BLOB NOT NULL,
        first INTEGER NOT NULL,
        last INTEGER NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (client, instance, first)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX seen_at ON seen (at);
    CREATE INDEX seen_of ON seen (client, at);
    -- How many ranges each client has: it may have only so many.
    CREATE TABLE ranges (client TEXT PRIMARY KEY, ranges INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TRIGGER seen_more AFTER INSERT ON seen BEGIN
        INSERT INTO ranges VALUES (NEW.client, 1) ON CONFLICT DO UPDATE SET ranges = ranges + 1;
    END;
    CREATE TRIGGER seen_less AFTER DELETE ON seen BEGIN
        UPDATE ranges SET ranges = ranges - 1 WHERE client = OLD.client;
    END;
    CREATE TABLE total (
        stream INTEGER PRIMARY KEY,
        blocks INTEGER NOT NULL,
        rows INTEGER NOT NULL,
        decisions INTEGER NOT NULL,
        bytes INTEGER NOT NULL
    ) STRICT;
    INSERT INTO total VALUES (0, 0, 0, 0, 0), (1, 0, 0, 0, 0);
";

/// Makes the tables if the file is empty.
pub(super) fn make(connection: &mut Connection) -> Result<(), StoreError> {
    let pragma = |connection: &Connection, name: &str| {
        connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0))
    };
    let (found, application) = (
        pragma(connection, "user_version")?,
        pragma(connection, "application_id")?,
    );
    if found > VERSION {
        return Err(StoreError::TooNew {
            found,
            known: VERSION,
        });
    }
    if found == VERSION && application == APPLICATION {
        return Ok(());
    }
    if found != 0 || application != 0 {
        return Err(StoreError::Corrupt(
            "decisions.db is another program's database".to_owned(),
        ));
    }
    let tx = connection.transaction()?;
    tx.execute_batch(TABLES)?;
    tx.pragma_update(None, "application_id", APPLICATION)?;
    tx.pragma_update(None, "user_version", VERSION)?;
    tx.commit()?;
    Ok(())
}
