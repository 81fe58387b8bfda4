//! Which batches were kept already. A gate counts from 1 on, and what it could not deliver comes later, or from
//! another process: so this is a set of numbers, kept as ranges without gaps.

use rusqlite::{Connection, OptionalExtension as _, params};
use sealgate_model::Timestamp;

use crate::StoreError;

/// How many ranges of one client are known at most. Of more the ones that were noted last longest ago are forgotten:
/// whoever makes up processes and gaps can only have batches of their own count twice.
const RANGES: i64 = 262_144;
/// How many are forgotten at once.
const AT_ONCE: i64 = 64;

/// Notes batch `sequence` of `instance` of `client`. False if it was noted before.
pub(super) fn note(
    connection: &Connection,
    (client, instance): (&str, &[u8; 16]),
    sequence: u64,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let number = i64::try_from(sequence).map_err(|_| StoreError::Invalid("a sequence"))?;
    let below: Option<(i64, i64)> = connection
        .prepare_cached(
            "SELECT first, last FROM seen WHERE client = ?1 AND instance = ?2 AND first <= ?3
             ORDER BY first DESC LIMIT 1",
        )?
        .query_row(params![client, instance, number], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    if below.is_some_and(|(_, last)| last >= number) {
        return Ok(false);
    }
    let above: Option<i64> = connection
        .prepare_cached("SELECT last FROM seen WHERE client = ?1 AND instance = ?2 AND first = ?3")?
        .query_row(params![client, instance, number + 1], |row| row.get(0))
        .optional()?;
    if above.is_some() {
        connection
            .prepare_cached("DELETE FROM seen WHERE client = ?1 AND instance = ?2 AND first = ?3")?
            .execute(params![client, instance, number + 1])?;
    }
    let first = below
        .filter(|(_, last)| *last == number - 1)
        .map_or(number, |(first, _)| first);
    connection
        .prepare_cached(
            "INSERT INTO seen (client, instance, first, last, at) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET last = excluded.last, at = excluded.at",
        )?
        .execute(params![
            client,
            instance,
            first,
            above.unwrap_or(number),
            at.as_millis()
        ])?;
    bound(connection, client, RANGES)?;
    Ok(true)
}

/// Forgets the oldest ranges of `client` if there are more than `most`.
fn bound(connection: &Connection, client: &str, most: i64) -> Result<(), StoreError> {
    let ranges: Option<i64> = connection
        .prepare_cached("SELECT ranges FROM ranges WHERE client = ?1")?
        .query_row(params![client], |row| row.get(0))
        .optional()?;
    if ranges.is_some_and(|ranges| ranges > most) {
        connection
            .prepare_cached(
                "DELETE FROM seen WHERE (client, instance, first) IN
                 (SELECT client, instance, first FROM seen WHERE client = ?1 ORDER BY at LIMIT ?2)",
            )?
            .execute(params![client, AT_ONCE.min(most)])?;
    }
    Ok(())
}

/// Forgets what was noted last before `before`, at most so many.
pub(super) fn forget(connection: &Connection, before: Timestamp) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "DELETE FROM seen WHERE (client, instance, first) IN
             (SELECT client, instance, first FROM seen WHERE at < ?1 ORDER BY at LIMIT 1000)",
        )?
        .execute(params![before.as_millis()])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever comes in whatever order: each number is new once, and what lies together is one range.
        #[test]
        fn each_number_is_new_once(numbers in proptest::collection::vec(1_u64..24, 0..60)) {
            let mut connection = Connection::open_in_memory().unwrap();
            super::super::schema::make(&mut connection).unwrap();
            let mut known = BTreeSet::new();
            for number in numbers {
                let at = Timestamp::from_seconds(1);
                let is_new = note(&connection, ("notes", &[1; 16]), number, at).unwrap();
                prop_assert_eq!(is_new, known.insert(number));
                prop_assert!(note(&connection, ("other", &[1; 16]), number + 100, at).is_ok());
            }
            let ranges: i64 = connection
                .query_row("SELECT count(*) FROM seen WHERE client = 'notes'", (), |row| row.get(0))
                .unwrap();
            let begins = known.iter().filter(|number| !known.contains(&(*number - 1))).count();
            prop_assert_eq!(usize::try_from(ranges).unwrap(), begins);
        }
    }

    /// Whoever makes up a process for each batch takes up only so much room, and pushes out nobody else's.
    #[test]
    fn a_client_has_only_so_many_ranges() {
        let mut connection = Connection::open_in_memory().unwrap();
        super::super::schema::make(&mut connection).unwrap();
        let at = Timestamp::from_seconds;
        assert!(note(&connection, ("quiet", &[9; 16]), 1, at(0)).unwrap());
        for second in 0..500_u16 {
            let mut instance = [0; 16];
            instance[..2].copy_from_slice(&second.to_be_bytes());
            assert!(note(&connection, ("loud", &instance), 7, at(i64::from(second))).unwrap());
            bound(&connection, "loud", 100).unwrap();
        }
        let ranges = |client: &str| -> (i64, i64) {
            let counted = "SELECT count(*), (SELECT ranges FROM ranges WHERE client = ?1) FROM seen WHERE client = ?1";
            let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
            connection.query_row(counted, [client], row).unwrap()
        };
        let (found, counted) = ranges("loud");
        assert!(found <= 100 && found == counted, "{found} {counted}");
        assert_eq!(ranges("quiet"), (1, 1));
        assert!(!note(&connection, ("quiet", &[9; 16]), 1, at(600)).unwrap());
        // The newest are known still.
        let mut instance = [0; 16];
        instance[..2].copy_from_slice(&499_u16.to_be_bytes());
        assert!(!note(&connection, ("loud", &instance), 7, at(600)).unwrap());
    }
}
