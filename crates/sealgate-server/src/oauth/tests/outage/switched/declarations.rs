use async_trait::async_trait;
use sealgate_store::{
    Declarable, DeclarationRow, DeclarationStore, Declared, DeclaredChange, DeclaredWord,
    KeySchedule,
};

use super::*;

#[async_trait]
impl DeclarationStore for Switched {
    async fn declarable(&self) -> Result<Declarable, StoreError> {
        self.lost(DOWN)?;
        self.inner.declarable().await
    }
    async fn declare(
        &self,
        before: Declarable,
        changes: Vec<(DeclaredChange, Audit)>,
        declaration: DeclarationRow,
        audit: Audit,
    ) -> Result<Declared, StoreError> {
        self.lost(DOWN)?;
        let done = self
            .inner
            .declare(before, changes, declaration, audit)
            .await;
        self.lost(UNKNOWN)?;
        done
    }
    async fn declared_roles(&self) -> Result<Vec<DeclaredWord>, StoreError> {
        self.lost(DOWN)?;
        self.inner.declared_roles().await
    }
    async fn declared_scopes(&self) -> Result<Vec<DeclaredWord>, StoreError> {
        self.lost(DOWN)?;
        self.inner.declared_scopes().await
    }
    async fn key_schedules(&self) -> Result<Vec<KeySchedule>, StoreError> {
        self.lost(DOWN)?;
        self.inner.key_schedules().await
    }
}
