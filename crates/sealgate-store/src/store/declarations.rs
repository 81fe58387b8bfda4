//! The memory of what was declared in a file and applied as one.

use async_trait::async_trait;

use crate::{
    Audit, Declarable, DeclarationRow, Declared, DeclaredChange, DeclaredWord, KeySchedule,
    StoreError,
};

/// The memory of what was declared in a file and applied as one: part of [`super::Store`], under the same rules.
#[async_trait]
pub trait DeclarationStore: Send + Sync + 'static {
    /// Everything that can be declared, and every declaration, as of one moment.
    async fn declarable(&self) -> Result<Declarable, StoreError>;
    /// Makes the changes in their order, each with its record, and keeps `declaration` in place of what was declared
    /// under its name before, with the record `audit`: all of it in one transaction, or nothing. Of ends with many
    /// sessions or delegations the later ones go in further transactions, as [`super::Store::client_remove`] has it:
    /// by then nothing of them is good any more. `Conflict("declarable")` if what can be declared is not as `before`
    /// says in every part; other errors as the single writes have them.
    async fn declare(
        &self,
        before: Declarable,
        changes: Vec<(DeclaredChange, Audit)>,
        declaration: DeclarationRow,
        audit: Audit,
    ) -> Result<Declared, StoreError>;
    /// The roles that are declared, by name; none: any may be given.
    async fn declared_roles(&self) -> Result<Vec<DeclaredWord>, StoreError>;
    /// The scopes that are declared, by name.
    async fn declared_scopes(&self) -> Result<Vec<DeclaredWord>, StoreError>;
    /// The key schedules that are declared, by algorithm.
    async fn key_schedules(&self) -> Result<Vec<KeySchedule>, StoreError>;
}
