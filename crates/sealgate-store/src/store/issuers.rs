//! The memory of the issuers whose identities are taken.

use async_trait::async_trait;

/// The memory of the issuers whose identities are taken: part of [`super::Store`], under the same rules.
#[async_trait]
pub trait IssuerStore: Send + Sync + 'static {}
