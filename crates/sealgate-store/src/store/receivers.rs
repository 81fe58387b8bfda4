//! The memory of the transmitters that are listened to, and of the status lists.

use async_trait::async_trait;
use sealgate_model::{Timestamp, TransmitterId};

use crate::{Audit, Listed, ListedPlace, StoreError, Transmitter};

/// The memory of the transmitters that are listened to, and of the status lists: part of
/// [`super::Store`], under the same rules.
#[async_trait]
pub trait ReceiverStore: Send + Sync + 'static {
    /// Adds a transmitter. `Conflict("transmitter")` if its issuer is known.
    async fn transmitter_create(
        &self,
        transmitter: Transmitter,
        audit: Audit,
    ) -> Result<(), StoreError>;
    /// The transmitter with this id.
    async fn transmitter(&self, id: TransmitterId) -> Result<Option<Transmitter>, StoreError>;
    /// Transmitters, oldest first.
    async fn transmitters(&self) -> Result<Vec<Transmitter>, StoreError>;
    /// Removes a transmitter and forgets what was heard from it. False if there is no such transmitter.
    async fn transmitter_remove(&self, id: TransmitterId, audit: Audit)
    -> Result<bool, StoreError>;
    /// Whether an event was taken before, by the SHA-256 of its `jti`.
    async fn event_heard(&self, id: TransmitterId, jti_hash: [u8; 32]) -> Result<bool, StoreError>;
    /// Notes that an event was taken. False if that was noted before; then nothing is written.
    async fn event_take(
        &self,
        id: TransmitterId,
        jti_hash: [u8; 32],
        audit: Audit,
    ) -> Result<bool, StoreError>;

    /// Gives a token that is about to be issued a place in the newest status list, or the first one of a
    /// new list where that is half full. Which place, follows from `seed`, 64 random bits.
    async fn listed_add(&self, listed: Listed, seed: u64) -> Result<ListedPlace, StoreError>;
    /// The tokens of list `number` that have not expired at `now`, by place; none if there is no such list.
    async fn listed(
        &self,
        number: u64,
        now: Timestamp,
    ) -> Result<Option<Vec<(u32, Listed)>>, StoreError>;
    /// The numbers of the lists with tokens that have not expired at `now`, in order.
    async fn status_lists(&self, now: Timestamp) -> Result<Vec<u64>, StoreError>;
}
