//! The memory of exports: where records go, and how far each has come.

use async_trait::async_trait;

/// The memory of exports: part of [`super::Store`], under the same rules.
#[async_trait]
pub trait ExportStore: Send + Sync + 'static {}
