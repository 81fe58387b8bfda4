use async_trait::async_trait;
use sealgate_store::{
    Audit, NewPolicy, PolicyApplied, PolicyStore, PolicyVersion, StoreError, StoredPolicy,
};

use super::{DOWN, Switched, UNKNOWN};

#[async_trait]
impl PolicyStore for Switched {
    async fn policy_apply(
        &self,
        new: NewPolicy,
        audit: Audit,
    ) -> Result<PolicyApplied, StoreError> {
        self.lost(DOWN)?;
        self.meanwhile().await?;
        let done = self.inner.policy_apply(new, audit).await;
        self.lost(UNKNOWN)?;
        done
    }

    async fn policy_current(&self) -> Result<Option<StoredPolicy>, StoreError> {
        self.lost(DOWN)?;
        self.inner.policy_current().await
    }

    async fn policy(&self, version: u64) -> Result<Option<StoredPolicy>, StoreError> {
        self.lost(DOWN)?;
        self.inner.policy(version).await
    }

    async fn policies(
        &self,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<PolicyVersion>, StoreError> {
        self.lost(DOWN)?;
        self.inner.policies(before, limit).await
    }
}
