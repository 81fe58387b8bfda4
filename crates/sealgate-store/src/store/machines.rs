//! The memory of service accounts: bootstrap credentials, and what clients use.

use async_trait::async_trait;
use sealgate_model::{BootstrapId, ClientId, Timestamp};
use serde_json::Value;

use crate::{Audit, Bootstrap, Client, Enrolled, MachineRow, Offboarded, StoreError, Used};

/// The memory of service accounts: bootstrap credentials, and what clients use: part of [`super::Store`], under
/// the same rules.
#[async_trait]
pub trait MachineStore: Send + Sync + 'static {
    /// Adds a service account, as [`super::Store::client_create`] does a client, and notes since when it may use
    /// what it may. `Invalid` if it is none.
    async fn machine_create(&self, client: Client, audit: Audit) -> Result<(), StoreError>;
    /// The service account with this id, also one that was offboarded.
    async fn machine(&self, id: &ClientId) -> Result<Option<MachineRow>, StoreError>;
    /// Service accounts by id; with `all` also those that were offboarded.
    async fn machines(&self, all: bool) -> Result<Vec<MachineRow>, StoreError>;
    /// Changes a service account as [`super::Store::client_update`] does a client, and notes what it may use from
    /// now on.
    async fn machine_update(
        &self,
        before: Client,
        client: Client,
        audit: Audit,
    ) -> Result<bool, StoreError>;
    /// Writes the record `audit`, and when a client used what. Of each thing at most one use in an hour is
    /// written, whoever asks for it how often.
    async fn record_use(&self, audit: Audit, used: Used) -> Result<(), StoreError>;
    /// Notes when a client used what, as above, where a record tells of it already.
    async fn note_use(&self, used: Used, at: Timestamp) -> Result<(), StoreError>;

    /// Stores a bootstrap credential in place of every earlier one of the same service account that was not used.
    /// `Conflict("client")` if its scopes are not these; false if there is no such service account, or it gets
    /// nothing at `audit.at`.
    async fn bootstrap_create(
        &self,
        bootstrap: Bootstrap,
        scopes: Vec<String>,
        audit: Audit,
    ) -> Result<bool, StoreError>;
    /// The bootstrap credential with this selector, to compare its secret.
    async fn bootstrap(&self, id: BootstrapId) -> Result<Option<Bootstrap>, StoreError>;
    /// Spends a bootstrap credential, exactly once, and registers `key`, a public JWK, with its service account.
    /// Where the key takes the place of others, everything that was got by those is revoked. Nothing is written
    /// unless it is [`Enrolled::Done`].
    async fn bootstrap_spend(
        &self,
        id: BootstrapId,
        key: Value,
        audit: Audit,
    ) -> Result<Enrolled, StoreError>;

    /// Service accounts that had expired by `before` and are not disabled, at most `limit`.
    async fn machines_due(
        &self,
        before: Timestamp,
        limit: u32,
    ) -> Result<Vec<ClientId>, StoreError>;
    /// Disables a service account that has expired by `audit.at`, as [`super::Store::client_disable`] does. False
    /// if there is none, or it is disabled already.
    async fn machine_expire(&self, id: &ClientId, audit: Audit) -> Result<bool, StoreError>;
    /// Ends a service account for good: as [`super::Store::client_remove`] does, and with its delegations and its
    /// unused bootstrap credentials. Its id is never given again, and its registration stays readable. Of one that
    /// has ended before, what was left over. None if there is no such service account.
    async fn machine_offboard(
        &self,
        id: &ClientId,
        audit: Audit,
    ) -> Result<Option<Offboarded>, StoreError>;
}
