//! The store's log as one client sees it.

use std::time::Duration;

use sealgate_model::{ClientId, Timestamp};
use sealgate_revocation::{Entry, Subject};
use sealgate_store::{Revocation, Revoked, StoreError};

use crate::ControlPlane;

/// A reading of the log after some place.
pub(super) struct Reading {
    /// The feed's clock before the log was read: what committed earlier has been seen.
    pub(super) as_of: Timestamp,
    /// What the client can see, with its numbers, in order.
    pub(super) entries: Vec<(u64, Entry)>,
    /// The number of the last row read, visible or not.
    pub(super) last: u64,
    /// Whether the log ended there.
    pub(super) complete: bool,
}

/// Everything that is revoked.
pub(super) struct Whole {
    /// The feed's clock before the log was read.
    pub(super) as_of: Timestamp,
    /// The number of the last row, visible or not.
    pub(super) head: u64,
    /// What the client can see of it.
    pub(super) entries: Vec<Entry>,
}

/// A gate whose clock is behind by less than this still learns of what has just expired here.
const SKEW: Duration = Duration::from_secs(300);

/// Reads up to `rows` rows after number `after`.
pub(super) async fn read_after(
    plane: &ControlPlane,
    client: &ClientId,
    after: u64,
    rows: u32,
) -> Result<Reading, StoreError> {
    let as_of = plane.feed.as_of(plane);
    let log = plane.store.revocations_after(after, rows).await?;
    Ok(Reading {
        as_of,
        last: log.last().map_or(after, |row| row.seq),
        complete: log.len() < rows as usize,
        entries: log
            .iter()
            .filter(|row| sees(client, row))
            .map(|row| (row.seq, entry(row)))
            .collect(),
    })
}

/// Reads all that may still matter.
pub(super) async fn read_whole(
    plane: &ControlPlane,
    client: &ClientId,
) -> Result<Whole, StoreError> {
    let as_of = plane.feed.as_of(plane);
    let (head, log) = plane
        .store
        .revocations_live(plane.clock.now() - SKEW)
        .await?;
    let entries = log
        .iter()
        .filter(|row| sees(client, row))
        .map(entry)
        .collect();
    Ok(Whole {
        as_of,
        head,
        entries,
    })
}

fn sees(client: &ClientId, row: &Revocation) -> bool {
    row.client.as_ref().is_none_or(|owner| owner == client)
}

fn entry(row: &Revocation) -> Entry {
    let not_before = row.at;
    let subject = match &row.what {
        Revoked::Session(id) => Subject::Session(*id),
        Revoked::User(id) => Subject::User {
            sub: id.to_string(),
            not_before,
        },
        Revoked::Client(id) => Subject::Client {
            client: id.clone(),
            not_before,
        },
        Revoked::All => Subject::All { not_before },
        Revoked::Key(kid) => Subject::Key { kid: kid.clone() },
        Revoked::Token(jti) => Subject::Token { jti: jti.clone() },
        Revoked::Tenant(tenant) => Subject::Tenant {
            tenant: tenant.clone(),
            not_before,
        },
        Revoked::Grant(id) => Subject::Grant(*id),
        Revoked::UserClaims(id) => Subject::UserClaims {
            sub: id.to_string(),
            not_before,
        },
        Revoked::ClientClaims(id) => Subject::ClientClaims {
            client: id.clone(),
            not_before,
        },
    };
    Entry {
        subject,
        expires_at: row.expires_at,
        reason: None,
    }
}
