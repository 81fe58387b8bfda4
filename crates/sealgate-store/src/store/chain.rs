//! The memory of the audit chain: checkpoints, retention and legal holds.

use async_trait::async_trait;

/// The memory of the audit chain: part of [`super::Store`], under the same rules.
#[async_trait]
pub trait ChainStore: Send + Sync + 'static {}
