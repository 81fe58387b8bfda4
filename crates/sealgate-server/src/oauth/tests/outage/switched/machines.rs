use async_trait::async_trait;
use sealgate_store::MachineStore;

use super::Switched;

#[async_trait]
impl MachineStore for Switched {}
