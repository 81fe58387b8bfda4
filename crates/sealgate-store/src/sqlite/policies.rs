//! Policies: the versions of the bundle that gates load, in SQLite.

use async_trait::async_trait;

use super::SqliteStore;
use crate::PolicyStore;

#[async_trait]
impl PolicyStore for SqliteStore {}
