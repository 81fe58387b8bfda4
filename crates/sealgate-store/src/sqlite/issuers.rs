//! The memory of issuers of other identities.

use async_trait::async_trait;

use super::SqliteStore;
use crate::IssuerStore;

#[async_trait]
impl IssuerStore for SqliteStore {}
