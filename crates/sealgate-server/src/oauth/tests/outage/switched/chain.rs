use async_trait::async_trait;
use sealgate_audit::chain::{Report, Retired, Stamp};
use sealgate_store::{
    AuditKey, ChainHead, ChainStore, Checkpoint, Hold, JudgeCheckpoint, RetireSlice, RetiredSlice,
};

use super::*;

/// The calls of a part of the store, each behind the switch.
macro_rules! chain {
    ($(fn $call:ident($($arg:ident: $type:ty),*) -> $result:ty;)*) => {
        #[async_trait]
        impl ChainStore for Switched {
            $(async fn $call(&self, $($arg: $type),*) -> Result<$result, StoreError> {
                self.lost(DOWN)?;
                let done = self.inner.$call($($arg),*).await?;
                self.lost(UNKNOWN)?;
                Ok(done)
            })*
        }
    };
}

chain! {
    fn server_started(settings: String, audit: Audit) -> ();
    fn chain_head() -> ChainHead;
    fn checkpoints_after(after: i64, limit: u32) -> Vec<Checkpoint>;
    fn checkpoint_newest() -> Option<Checkpoint>;
    fn checkpoint_add(checkpoint: Checkpoint, key: Option<AuditKey>) -> ();
    fn checkpoint_beside() -> Option<String>;
    fn checkpoint_beside_aside() -> ();
    fn audit_keys() -> Vec<AuditKey>;
    fn audit_verify(judge: JudgeCheckpoint, external: Vec<Stamp>) -> Report;
    fn retired_after(after: i64, limit: u32) -> Vec<Retired>;
    fn audit_retire(slice: RetireSlice, audit: Audit) -> RetiredSlice;
    fn holds(all: bool) -> Vec<Hold>;
    fn holds_in_force() -> Vec<Hold>;
    fn hold_add(hold: Hold, audit: Audit) -> i64;
    fn hold_release(id: i64, at: Timestamp, by: String, audit: Audit) -> bool;
}
