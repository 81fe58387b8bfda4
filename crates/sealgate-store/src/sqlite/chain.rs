//! The audit chain: checkpoints, retention and legal holds, in SQLite.

use async_trait::async_trait;

use super::SqliteStore;
use crate::ChainStore;

#[async_trait]
impl ChainStore for SqliteStore {}
