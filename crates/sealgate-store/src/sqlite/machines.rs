//! The memory of service accounts.

use async_trait::async_trait;

use super::SqliteStore;
use crate::MachineStore;

#[async_trait]
impl MachineStore for SqliteStore {}
