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
    /// When the first of them was logged.
    pub(super) oldest: Option<Timestamp>,
    /// The number of the last row read, visible or not.
    pub(super) last: u64,
    /// Whether the log ended there.
    pub(super) complete: bool,
}

/// A gate whose clock is behind by less than this still learns of what has just expired here.
pub(super) const SKEW: Duration = Duration::from_secs(300);

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
            .filter(|row| sees(client, row.client.as_ref()))
            .map(|row| (row.seq, entry(row)))
            .collect(),
        oldest: log
            .iter()
            .find(|row| sees(client, row.client.as_ref()))
            .map(|row| row.at),
    })
}

/// Whether `client` sees a row that is for `owner`, or for everybody.
pub(super) fn sees(client: &ClientId, owner: Option<&ClientId>) -> bool {
    owner.is_none_or(|owner| owner == client)
}

/// A row as the feed tells it.
pub(crate) fn entry(row: &Revocation) -> Entry {
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
        Revoked::Policy => Subject::Policy { not_before },
    };
    Entry {
        subject,
        expires_at: row.expires_at,
        reason: row.reason.clone(),
    }
}
