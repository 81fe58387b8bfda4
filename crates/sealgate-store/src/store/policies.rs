//! The memory of policies: the versions of the bundle that gates load.

use async_trait::async_trait;

use crate::{Audit, NewPolicy, PolicyApplied, PolicyVersion, StoreError, StoredPolicy};

/// The memory of policies: part of [`super::Store`], under the same rules.
#[async_trait]
pub trait PolicyStore: Send + Sync + 'static {
    /// Makes a document the version that gates decide by, and logs that those before it count no more. The record's
    /// `object` becomes the version's number. Of the versions that were, the newest 1,000 are kept.
    async fn policy_apply(&self, new: NewPolicy, audit: Audit)
    -> Result<PolicyApplied, StoreError>;

    /// The version that gates decide by; none if none was ever applied.
    async fn policy_current(&self) -> Result<Option<StoredPolicy>, StoreError>;

    /// A version, if there is one with this number and it is still kept.
    async fn policy(&self, version: u64) -> Result<Option<StoredPolicy>, StoreError>;

    /// Up to `limit` versions before number `before`, or the newest; newest first.
    async fn policies(
        &self,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<PolicyVersion>, StoreError>;
}
