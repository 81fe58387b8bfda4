//! The memory of what was declared in a file and applied as one.

use async_trait::async_trait;

/// The memory of what was declared in a file and applied as one: part of [`super::Store`], under the same rules.
#[async_trait]
pub trait DeclarationStore: Send + Sync + 'static {}
