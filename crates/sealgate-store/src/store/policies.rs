//! The memory of policies: the versions of the bundle that gates load.

use async_trait::async_trait;

/// The memory of policies: part of [`super::Store`], under the same rules.
#[async_trait]
pub trait PolicyStore: Send + Sync + 'static {}
