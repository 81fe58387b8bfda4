//! The transmitters that are listened to, and of the status list in SQLite.

use async_trait::async_trait;

use super::SqliteStore;
use crate::ReceiverStore;

#[async_trait]
impl ReceiverStore for SqliteStore {}
