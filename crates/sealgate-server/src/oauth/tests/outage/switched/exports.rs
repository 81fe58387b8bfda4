use async_trait::async_trait;
use sealgate_store::ExportStore;

use super::*;

#[async_trait]
impl ExportStore for Switched {}
