//! The memory of clients that no administrator registered.

use async_trait::async_trait;

/// The memory of clients that no administrator registered: part of [`super::Store`], under the same rules.
#[async_trait]
pub trait RegistrationStore: Send + Sync + 'static {}
