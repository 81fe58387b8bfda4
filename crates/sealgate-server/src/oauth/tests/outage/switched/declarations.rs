use async_trait::async_trait;
use sealgate_store::DeclarationStore;

use super::*;

#[async_trait]
impl DeclarationStore for Switched {}
