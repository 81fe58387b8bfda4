use async_trait::async_trait;
use sealgate_store::PolicyStore;

use super::*;

#[async_trait]
impl PolicyStore for Switched {}
