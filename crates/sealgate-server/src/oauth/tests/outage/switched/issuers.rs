use async_trait::async_trait;
use sealgate_store::IssuerStore;

use super::Switched;

#[async_trait]
impl IssuerStore for Switched {}
