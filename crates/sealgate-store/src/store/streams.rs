//! The memory of the streams of the Shared Signals transmitter.

use async_trait::async_trait;

/// The memory of the streams of the Shared Signals transmitter: part of [`super::Store`], under the same rules.
#[async_trait]
pub trait StreamStore: Send + Sync + 'static {}
