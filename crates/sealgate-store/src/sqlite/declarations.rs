//! What was declared in a file and applied as one, in SQLite.

use async_trait::async_trait;

use super::SqliteStore;
use crate::DeclarationStore;

#[async_trait]
impl DeclarationStore for SqliteStore {}
