//! The streams of the Shared Signals transmitter in SQLite.

use async_trait::async_trait;

use super::SqliteStore;
use crate::StreamStore;

#[async_trait]
impl StreamStore for SqliteStore {}
