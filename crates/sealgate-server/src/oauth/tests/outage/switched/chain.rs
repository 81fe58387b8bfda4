use async_trait::async_trait;
use sealgate_store::ChainStore;

use super::*;

#[async_trait]
impl ChainStore for Switched {}
