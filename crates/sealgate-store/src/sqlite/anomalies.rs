//! Anomalies: what was raised, and who has seen to it, in SQLite.

use async_trait::async_trait;

use super::SqliteStore;
use crate::AnomalyStore;

#[async_trait]
impl AnomalyStore for SqliteStore {}
