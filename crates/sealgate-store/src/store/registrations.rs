//! The memory of clients that no administrator registered.

use async_trait::async_trait;
use sealgate_model::{ClientId, RegistrationTokenId};

use crate::{
    Audit, Client, OwnClientAdded, OwnClientBounds, RegistrationToken, StoreError, Unused,
};

/// The memory of clients that no administrator registered: part of [`super::Store`], under the same rules.
#[async_trait]
pub trait RegistrationStore: Send + Sync + 'static {
    /// Whether the client with this id was removed, and so is not to come back by itself.
    async fn client_was_removed(&self, id: &ClientId) -> Result<bool, StoreError>;
    /// Adds a client whose origin is its own, within `bounds`, and spends one use of `token` if one is given. A
    /// client that is there already takes no use. Nothing is written unless it is [`OwnClientAdded::Added`].
    /// `Conflict("client id")` if the id is another client's; `Invalid` if its origin is not its own.
    async fn own_client_create(
        &self,
        client: Client,
        bounds: OwnClientBounds,
        token: Option<RegistrationTokenId>,
        audit: Audit,
    ) -> Result<OwnClientAdded, StoreError>;
    /// Replaces what a client says of itself, as [`super::Store::client_update`] does what an administrator
    /// says. If its redirect URIs or the way it proves who it is are others now, what users granted it is
    /// forgotten, and so is what it pushed. If it has lost one of them, a key or a grant, everything that was
    /// started on it is revoked besides, as [`super::Store::sessions_revoke`] does.
    async fn own_client_update(
        &self,
        before: Client,
        client: Client,
        audit: Audit,
    ) -> Result<bool, StoreError>;
    /// Forgets clients of their own that are of no use to anybody, each with a record like `audit`, and with
    /// what is left of their dead sessions. Those that an administrator disabled or removed stay. At most a
    /// few; how many, and whether there may be more.
    async fn own_clients_forget(
        &self,
        unused: Unused,
        audit: Audit,
    ) -> Result<(u64, bool), StoreError>;

    /// Stores a registration token.
    async fn registration_token_create(
        &self,
        token: RegistrationToken,
        audit: Audit,
    ) -> Result<(), StoreError>;
    /// The registration token with this selector, to compare its secret.
    async fn registration_token(
        &self,
        id: RegistrationTokenId,
    ) -> Result<Option<RegistrationToken>, StoreError>;
    /// Every registration token, oldest first.
    async fn registration_tokens(&self) -> Result<Vec<RegistrationToken>, StoreError>;
    /// Takes a registration token back; clients that were registered with it stay. False if there is none.
    async fn registration_token_remove(
        &self,
        id: RegistrationTokenId,
        audit: Audit,
    ) -> Result<bool, StoreError>;
}
