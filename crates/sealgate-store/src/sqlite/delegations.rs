//! Delegations in SQLite.

use async_trait::async_trait;

use super::SqliteStore;
use crate::DelegationStore;

#[async_trait]
impl DelegationStore for SqliteStore {}
