//! Exports: where records go, and how far each has come, in SQLite.

use async_trait::async_trait;

use super::SqliteStore;
use crate::ExportStore;

#[async_trait]
impl ExportStore for SqliteStore {}
