//! The memory of AI agents: who lets them act, and taking it back.

use async_trait::async_trait;
use sealgate_model::{ClientId, Timestamp, UserId};

use crate::{AgentRow, Audit, RevokeReason, StoreError, Withdrawn};

/// The memory of AI agents, which are clients like others: part of [`super::Store`], under the same rules.
#[async_trait]
pub trait AgentStore: Send + Sync + 'static {
    /// Up to `limit` clients that are AI agents, by id, after the one named, with who uses them at `now`.
    async fn agents(
        &self,
        after: Option<&ClientId>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<AgentRow>, StoreError>;
    /// Takes back what a user has granted every AI agent, as [`super::Store::consent_withdraw`] does for one
    /// client, all in one, with a record for each. How many agents there were.
    async fn agents_withdraw(&self, user: UserId, audit: Audit) -> Result<u64, StoreError>;
    /// Takes back what everybody has granted a client: forgets it, drops codes on their way, logs a
    /// revocation of everything started on it for every client to see, and revokes its live sessions, each
    /// logged; of many sessions as [`super::Store::client_remove`] does. The client stays as it is. None if
    /// there is no such client.
    async fn agent_revoke(
        &self,
        id: &ClientId,
        audit: Audit,
    ) -> Result<Option<Withdrawn>, StoreError>;
    /// Ends every browser sign-in of a user and revokes every live session, for `reason`, but those that are
    /// [`lasting`](crate::GrantDetails::lasting).
    async fn browsers_sign_out(
        &self,
        user: UserId,
        reason: RevokeReason,
        audit: Audit,
    ) -> Result<(), StoreError>;
}
