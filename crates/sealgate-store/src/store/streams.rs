//! The memory of the streams of the Shared Signals transmitter.

use std::time::Duration;

use async_trait::async_trait;
use sealgate_model::{ClientId, StreamId, Timestamp, UserId};

use crate::{Audit, Settled, Signal, StoreError, Stream, StreamConfig, StreamStatus, Verification};

/// The memory of the streams of the Shared Signals transmitter: part of [`super::Store`], under the same rules.
///
/// What a stream has to tell is written in the transaction of the act that it tells of. A stream keeps
/// 10,000 signals at the most; of what comes beyond them it tells once that it was lost.
#[async_trait]
pub trait StreamStore: Send + Sync + 'static {
    /// Adds a stream. `TooMany` if its client has `most` already.
    async fn stream_create(
        &self,
        stream: Stream,
        most: u32,
        audit: Audit,
    ) -> Result<(), StoreError>;
    /// The stream with this id.
    async fn stream(&self, id: StreamId) -> Result<Option<Stream>, StoreError>;
    /// Every stream, or a client's, oldest first.
    async fn streams(&self, client: Option<&ClientId>) -> Result<Vec<Stream>, StoreError>;
    /// Replaces what the receiver has a say in, if that still is as `before` says; otherwise
    /// `Conflict("stream")`. A push is tried at once. False if there is no such stream.
    async fn stream_configure(
        &self,
        id: StreamId,
        before: StreamConfig,
        config: StreamConfig,
        audit: Audit,
    ) -> Result<bool, StoreError>;
    /// Sets a stream's status, and lets it tell so with `announce`. `held` says whether the status is an
    /// operator's from now on; none leaves that as it is. Disabling forgets what is queued. False if there
    /// is no such stream.
    async fn stream_set_status(
        &self,
        id: StreamId,
        status: StreamStatus,
        reason: Option<String>,
        held: Option<bool>,
        announce: bool,
        audit: Audit,
    ) -> Result<bool, StoreError>;
    /// Removes a stream with all it owes. False if there is no such stream.
    async fn stream_remove(&self, id: StreamId, audit: Audit) -> Result<bool, StoreError>;
    /// Notes that the receiver was heard of.
    async fn stream_heard(&self, id: StreamId, at: Timestamp) -> Result<(), StoreError>;
    /// Queues a verification with what the receiver gave for it, if the last was asked for `interval` ago
    /// at the least.
    async fn stream_verify(
        &self,
        id: StreamId,
        state: Option<String>,
        interval: Duration,
        audit: Audit,
    ) -> Result<Verification, StoreError>;
    /// Tells a stream no more of a user, or again. `TooMany` if there are 10,000 already that it is not told
    /// of. False if that changes nothing.
    async fn stream_set_told(
        &self,
        id: StreamId,
        user: UserId,
        told: bool,
        audit: Audit,
    ) -> Result<bool, StoreError>;
    /// The streams that have something to push at `now`; one whose next try is said to be more than an hour off
    /// is among them, since the clock was set back then.
    async fn streams_due(&self, now: Timestamp) -> Result<Vec<Stream>, StoreError>;
    /// The streams whose receiver was not heard of for as long as they allow, and that are enabled.
    async fn streams_idle(&self, now: Timestamp) -> Result<Vec<Stream>, StoreError>;
    /// Up to `limit` signals that a stream may carry now, in order: all of them if it is enabled, otherwise
    /// only what it has to tell of itself.
    async fn signals(&self, id: StreamId, limit: u32) -> Result<Vec<Signal>, StoreError>;
    /// Forgets signals, and counts what became of them; those that are refused with a record. How many
    /// there were.
    async fn signals_settle(
        &self,
        id: StreamId,
        numbers: Vec<u64>,
        how: Settled,
        audit: Audit,
    ) -> Result<u64, StoreError>;
    /// Notes a try to push that failed, and when to try next.
    async fn stream_failed(
        &self,
        id: StreamId,
        reason: &'static str,
        next_try_at: Timestamp,
        at: Timestamp,
    ) -> Result<(), StoreError>;
    /// Drops up to 1,000 signals from before `before`, with a record for each stream that tells how many;
    /// the streams tell of it. How many.
    async fn signals_expire(&self, before: Timestamp, audit: Audit) -> Result<u64, StoreError>;
}
