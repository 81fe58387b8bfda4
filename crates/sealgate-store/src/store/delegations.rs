//! The memory of delegations.

use async_trait::async_trait;

/// The memory of delegations: part of [`super::Store`], under the same rules.
#[async_trait]
pub trait DelegationStore: Send + Sync + 'static {}
