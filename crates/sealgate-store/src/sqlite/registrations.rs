//! The memory of clients that register themselves.

use async_trait::async_trait;

use super::SqliteStore;
use crate::RegistrationStore;

#[async_trait]
impl RegistrationStore for SqliteStore {}
