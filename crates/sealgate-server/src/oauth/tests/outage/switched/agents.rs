use async_trait::async_trait;
use sealgate_store::{AgentRow, AgentStore, Withdrawn};

use super::*;

#[async_trait]
impl AgentStore for Switched {
    async fn agents(
        &self,
        after: Option<&ClientId>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<AgentRow>, StoreError> {
        self.lost(DOWN)?;
        self.inner.agents(after, limit, now).await
    }
    async fn agents_withdraw(&self, user: UserId, audit: Audit) -> Result<u64, StoreError> {
        self.lost(DOWN)?;
        let done = self.inner.agents_withdraw(user, audit).await;
        self.lost(UNKNOWN)?;
        done
    }
    async fn agent_revoke(
        &self,
        id: &ClientId,
        audit: Audit,
    ) -> Result<Option<Withdrawn>, StoreError> {
        self.lost(DOWN)?;
        let done = self.inner.agent_revoke(id, audit).await;
        self.lost(UNKNOWN)?;
        done
    }
    async fn browsers_sign_out(
        &self,
        user: UserId,
        reason: RevokeReason,
        audit: Audit,
    ) -> Result<(), StoreError> {
        self.lost(DOWN)?;
        let done = self.inner.browsers_sign_out(user, reason, audit).await;
        self.lost(UNKNOWN)?;
        done
    }
}
