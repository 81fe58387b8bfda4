use async_trait::async_trait;
use sealgate_model::BootstrapId;
use sealgate_store::{Bootstrap, Enrolled, MachineRow, MachineStore, Offboarded, Used};

use super::*;

/// The calls of a part of the store, each behind the switch.
macro_rules! machines {
    ($(fn $call:ident($($arg:ident: $type:ty),*) -> $result:ty;)*) => {
        #[async_trait]
        impl MachineStore for Switched {
            $(async fn $call(&self, $($arg: $type),*) -> Result<$result, StoreError> {
                self.lost(DOWN)?;
                let done = self.inner.$call($($arg),*).await?;
                self.lost(UNKNOWN)?;
                Ok(done)
            })*
        }
    };
}

machines! {
    fn machine_create(client: Client, audit: Audit) -> ();
    fn machine(id: &ClientId) -> Option<MachineRow>;
    fn machines(all: bool) -> Vec<MachineRow>;
    fn machine_update(before: Client, client: Client, audit: Audit) -> bool;
    fn record_use(audit: Audit, used: Used) -> ();
    fn note_use(used: Used, at: Timestamp) -> ();
    fn bootstrap_create(bootstrap: Bootstrap, scopes: Vec<String>, audit: Audit) -> bool;
    fn bootstrap(id: BootstrapId) -> Option<Bootstrap>;
    fn bootstrap_spend(id: BootstrapId, key: Value, audit: Audit) -> Enrolled;
    fn machines_due(before: Timestamp, limit: u32) -> Vec<ClientId>;
    fn machine_expire(id: &ClientId, audit: Audit) -> bool;
    fn machine_offboard(id: &ClientId, audit: Audit) -> Option<Offboarded>;
}
