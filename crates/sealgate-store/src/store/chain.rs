//! The memory of the audit chain: checkpoints, retention and legal holds.

use std::sync::Arc;

use async_trait::async_trait;
use sealgate_audit::chain::{Report, Retired, Stamp};
use sealgate_model::Timestamp;

use crate::{Audit, AuditKey, ChainHead, Checkpoint, Hold, RetireSlice, RetiredSlice, StoreError};

/// Judges a stored checkpoint: the number it is kept under, and the compact JWS.
pub type JudgeCheckpoint = Arc<dyn Fn(i64, &str) -> Stamp + Send + Sync>;

/// The memory of the audit chain: part of [`super::Store`], under the same rules. Nothing here that is not a
/// record itself carries one, but holds and retirement.
#[async_trait]
pub trait ChainStore: Send + Sync + 'static {
    /// Records that a server starts whose settings have the hash `settings`. Where that is another one than at
    /// the last start, the record says `settings_changed`.
    async fn server_started(&self, settings: String, audit: Audit) -> Result<(), StoreError>;
    /// The newest record.
    async fn chain_head(&self) -> Result<ChainHead, StoreError>;
    /// Checkpoints with a number above `after`, in order.
    async fn checkpoints_after(
        &self,
        after: i64,
        limit: u32,
    ) -> Result<Vec<Checkpoint>, StoreError>;
    /// The newest checkpoint.
    async fn checkpoint_newest(&self) -> Result<Option<Checkpoint>, StoreError>;
    /// Stores a checkpoint, with its key where that is not stored yet, and writes it beside the database.
    /// `Conflict` if there is one of that number.
    async fn checkpoint_add(
        &self,
        checkpoint: Checkpoint,
        key: Option<AuditKey>,
    ) -> Result<(), StoreError>;
    /// The checkpoint that is kept beside the database; none if there is none.
    async fn checkpoint_beside(&self) -> Result<Option<String>, StoreError>;
    /// Keeps the checkpoint beside the database under another name, for whoever looks into it.
    async fn checkpoint_beside_aside(&self) -> Result<(), StoreError>;
    /// The keys of checkpoints.
    async fn audit_keys(&self) -> Result<Vec<AuditKey>, StoreError>;
    /// Verifies every record, with the checkpoints as `judge` judges them and `external` ones that were kept
    /// elsewhere. One moment of the database, read from its beginning to its end.
    async fn audit_verify(
        &self,
        judge: JudgeCheckpoint,
        external: Vec<Stamp>,
    ) -> Result<Report, StoreError>;
    /// Ranges that were retired, in order, those that begin after `after`.
    async fn retired_after(&self, after: i64, limit: u32) -> Result<Vec<Retired>, StoreError>;
    /// Takes away one slice of a stream's records, with a record `audit.retire` of it if there were any.
    /// Records of retirement, of holds and of keys that end stay, since a verification needs them.
    async fn audit_retire(
        &self,
        slice: RetireSlice,
        audit: Audit,
    ) -> Result<RetiredSlice, StoreError>;
    /// Holds, oldest first; with `all` those that were released too.
    async fn holds(&self, all: bool) -> Result<Vec<Hold>, StoreError>;
    /// The holds by which records are judged. `Corrupt` if one that the audit log tells of is gone or another:
    /// then nothing may be retired.
    async fn holds_in_force(&self) -> Result<Vec<Hold>, StoreError>;
    /// Makes a hold and gives it its number. `Invalid` if there are too many.
    async fn hold_add(&self, hold: Hold, audit: Audit) -> Result<i64, StoreError>;
    /// Releases a hold. False if there is none that holds with that number.
    async fn hold_release(
        &self,
        id: i64,
        at: Timestamp,
        by: String,
        audit: Audit,
    ) -> Result<bool, StoreError>;
}
