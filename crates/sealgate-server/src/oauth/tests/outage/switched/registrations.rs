use async_trait::async_trait;
use sealgate_model::RegistrationTokenId;
use sealgate_store::{
    OwnClientAdded, OwnClientBounds, RegistrationStore, RegistrationToken, Unused,
};

use super::*;

/// The calls of a part of the store, each behind the switch.
macro_rules! registrations {
    ($(fn $call:ident($($arg:ident: $type:ty),*) -> $result:ty;)*) => {
        #[async_trait]
        impl RegistrationStore for Switched {
            $(async fn $call(&self, $($arg: $type),*) -> Result<$result, StoreError> {
                self.lost(DOWN)?;
                let done = self.inner.$call($($arg),*).await?;
                self.lost(UNKNOWN)?;
                Ok(done)
            })*
        }
    };
}

registrations! {
    fn client_was_removed(id: &ClientId) -> bool;
    fn own_client_create(client: Client, bounds: OwnClientBounds, token: Option<RegistrationTokenId>, audit: Audit) -> OwnClientAdded;
    fn own_client_update(before: Client, client: Client, audit: Audit) -> bool;
    fn own_clients_forget(unused: Unused, audit: Audit) -> (u64, bool);
    fn registration_token_create(token: RegistrationToken, audit: Audit) -> ();
    fn registration_token(id: RegistrationTokenId) -> Option<RegistrationToken>;
    fn registration_tokens() -> Vec<RegistrationToken>;
    fn registration_token_remove(id: RegistrationTokenId, audit: Audit) -> bool;
}
