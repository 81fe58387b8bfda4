//! The memory of anomalies: what was raised, and who has seen to it.

use async_trait::async_trait;

/// The memory of anomalies: part of [`super::Store`], under the same rules.
#[async_trait]
pub trait AnomalyStore: Send + Sync + 'static {}
