use async_trait::async_trait;
use sealgate_store::AnomalyStore;

use super::*;

#[async_trait]
impl AnomalyStore for Switched {}
