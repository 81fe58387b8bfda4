//! The memory of service accounts: bootstrap credentials, and what clients use.

use async_trait::async_trait;

/// The memory of service accounts: bootstrap credentials, and what clients use: part of [`super::Store`], under the same rules.
#[async_trait]
pub trait MachineStore: Send + Sync + 'static {}
