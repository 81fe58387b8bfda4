//! The memory of delegations.

use async_trait::async_trait;
use sealgate_model::{ClientId, GrantId, SessionId};

use crate::{Audit, DelegationFilter, DelegationRow, Page, RevokeReason, StoreError};

/// The memory of delegations: part of [`super::Store`], under the same rules. They are made by
/// [`super::Store::session_delegate`].
#[async_trait]
pub trait DelegationStore: Send + Sync + 'static {
    /// The delegation with this id.
    async fn delegation(&self, id: GrantId) -> Result<Option<DelegationRow>, StoreError>;
    /// The delegation by which a client acts out of a session, for tokens of `parent` or of the session
    /// itself, whether or not it is revoked.
    async fn delegation_of(
        &self,
        session: SessionId,
        client: &ClientId,
        parent: Option<GrantId>,
    ) -> Result<Option<GrantId>, StoreError>;
    /// Delegations, oldest first.
    async fn delegations(
        &self,
        filter: DelegationFilter,
        page: Page,
    ) -> Result<Vec<DelegationRow>, StoreError>;
    /// Revokes a delegation and every one under it, and logs each for the clients that its tokens were given
    /// to or can be presented to. The session goes on. Idempotent: false if there is no such delegation, true
    /// if it is revoked now, whoever did it.
    async fn delegation_revoke(
        &self,
        id: GrantId,
        reason: RevokeReason,
        audit: Audit,
    ) -> Result<bool, StoreError>;
}
