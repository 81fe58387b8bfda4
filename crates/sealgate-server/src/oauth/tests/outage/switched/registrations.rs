use async_trait::async_trait;
use sealgate_store::RegistrationStore;

use super::Switched;

#[async_trait]
impl RegistrationStore for Switched {}
