//! The memory of the transmitters that are listened to, and of the status list.

use async_trait::async_trait;

/// The memory of the transmitters that are listened to, and of the status list: part of [`super::Store`], under the same rules.
#[async_trait]
pub trait ReceiverStore: Send + Sync + 'static {}
