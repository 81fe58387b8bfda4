//! The end of the audit chain as the writer knows it, and how the next record is joined to it.

use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use rusqlite::Connection;
use sealgate_audit::chain::{Hash, Record};

use super::sql;
use crate::{NetworkDetail, StoreError};

/// The newest record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) number: i64,
    pub(super) hash: Hash,
}

/// What the writer knows of the policies in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KnownPolicy {
    /// Nothing: the database tells.
    Unknown,
    /// This version, or that there are none.
    Is(Option<i64>),
}

/// What the writer knows of the chain's end. Nothing, after anything was undone: then the database tells.
pub(super) struct Chain {
    head: Cell<Option<Head>>,
    policy: Cell<KnownPolicy>,
    scratch: RefCell<Vec<u8>>,
    detail: Arc<AtomicU8>,
}

impl Chain {
    /// One that knows nothing yet. `detail` is how much of addresses is kept, as [`detail_of`] writes it.
    pub(super) fn new(detail: Arc<AtomicU8>) -> Self {
        Self {
            head: Cell::new(None),
            policy: Cell::new(KnownPolicy::Unknown),
            scratch: RefCell::new(Vec::new()),
            detail,
        }
    }

    /// Forgets what was known: something was undone.
    pub(super) fn forget(&self) {
        self.head.set(None);
        self.policy.set(KnownPolicy::Unknown);
    }

    /// Forgets which policies are in force: they are being changed.
    pub(super) fn policies_change(&self) {
        self.policy.set(KnownPolicy::Unknown);
    }

    /// The newest record, inside of the transaction.
    pub(super) fn head(&self, connection: &Connection) -> Result<Head, StoreError> {
        if let Some(head) = self.head.get() {
            return Ok(head);
        }
        let head = head(connection)?;
        self.head.set(Some(head));
        Ok(head)
    }

    /// The version of the policies in force, inside of the transaction; none before there are any.
    pub(super) fn policy(&self, connection: &Connection) -> Result<Option<i64>, StoreError> {
        if let KnownPolicy::Is(known) = self.policy.get() {
            return Ok(known);
        }
        let version = in_force(connection)?;
        self.policy.set(KnownPolicy::Is(version));
        Ok(version)
    }

    /// The number and the hash of the next record.
    pub(super) fn next(
        &self,
        connection: &Connection,
        record: &Record<'_>,
    ) -> Result<Head, StoreError> {
        let before = self.head(connection)?;
        let content = record.content(&mut self.scratch.borrow_mut());
        let number = before.number + 1;
        Ok(Head {
            number,
            hash: Hash::link(&before.hash, number, &content),
        })
    }

    /// The next record is written: it is the newest.
    pub(super) fn advance(&self, head: Head) {
        self.head.set(Some(head));
    }

    /// As much of an address as the operator lets be kept.
    pub(super) fn network(&self, told: Option<&str>) -> Option<String> {
        match self.detail.load(Ordering::Relaxed) {
            FULL => told.map(str::to_owned),
            PREFIX => told.and_then(prefix),
            _ => None,
        }
    }
}

/// The newest record by what is stored. The number is never one that was given before, whatever was deleted
/// since: what is missing shows as a hole.
pub(super) fn head(connection: &Connection) -> Result<Head, StoreError> {
    let last = sql::one(
        connection,
        "SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1",
        (),
        |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?)),
    )?;
    let given = sql::one(
        connection,
        "SELECT seq FROM sqlite_sequence WHERE name = 'audit'",
        (),
        |row| Ok(row.get::<_, i64>(0)?),
    )?;
    let (number, hash) = last.unwrap_or((0, Vec::new()));
    Ok(Head {
        number: number.max(given.unwrap_or(0)),
        // What is no hash was tampered with, which a verification finds. Acts are recorded all the same.
        hash: Hash::from_slice(&hash).unwrap_or(Hash::GENESIS),
    })
}

/// The version of the newest policies.
fn in_force(connection: &Connection) -> Result<Option<i64>, StoreError> {
    let there = sql::one(
        connection,
        "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'policies'",
        (),
        |_row| Ok(()),
    )?;
    if there.is_none() {
        return Ok(None);
    }
    let newest = sql::one(connection, "SELECT max(version) FROM policies", (), |row| {
        Ok(row.get::<_, Option<i64>>(0)?)
    })?;
    Ok(newest.flatten())
}

const FULL: u8 = 0;
const PREFIX: u8 = 1;
const NOTHING: u8 = 2;

/// A way to keep so much of addresses.
pub(super) const fn detail_of(detail: NetworkDetail) -> u8 {
    match detail {
        NetworkDetail::Full => FULL,
        NetworkDetail::Prefix => PREFIX,
        NetworkDetail::None => NOTHING,
    }
}

/// The /24 of an IPv4 address and the /48 of an IPv6 address; a network that is told already is cut to the
/// same. What is neither is not kept.
fn prefix(told: &str) -> Option<String> {
    let address = told.split_once('/').map_or(told, |(address, _)| address);
    Some(match address.parse::<IpAddr>().ok()?.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(address) => {
            let kept = std::net::Ipv6Addr::from_bits(address.to_bits() >> 80 << 80);
            format!("{kept}/48")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_much_of_an_address_is_kept_as_the_operator_lets() {
        let kept =
            |detail, told| Chain::new(Arc::new(AtomicU8::new(detail_of(detail)))).network(told);
        let address = Some("192.0.2.77");
        assert_eq!(kept(NetworkDetail::Full, address).as_deref(), address);
        assert_eq!(kept(NetworkDetail::None, address), None);
        for (told, expected) in [
            ("192.0.2.77", Some("192.0.2.0/24")),
            ("::ffff:192.0.2.77", Some("192.0.2.0/24")),
            ("2001:db8:1:2:3::4", Some("2001:db8:1::/48")),
            ("2001:db8:1:2::/64", Some("2001:db8:1::/48")),
            ("somewhere", None),
        ] {
            assert_eq!(
                kept(NetworkDetail::Prefix, Some(told)).as_deref(),
                expected,
                "{told}"
            );
        }
    }
}
