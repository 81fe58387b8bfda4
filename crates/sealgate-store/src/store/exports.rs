//! The memory of exports: where records go, and how far each has come.

use async_trait::async_trait;
use sealgate_model::Timestamp;

use crate::{Audit, NewSink, Sink, SinkSource, StoreError};

/// The memory of exports: part of [`super::Store`], under the same rules.
///
/// How far a sink has come is noted without a record of its own: noting it would make a record to send.
#[allow(
    clippy::too_many_arguments,
    reason = "a step has as many parts, and each is used once"
)]
#[async_trait]
pub trait ExportStore: Send + Sync + 'static {
    /// Adds a sink. `Conflict("sink")` if the name is in use, `TooMany` if there are `most` already.
    async fn sink_create(&self, sink: NewSink, most: u32, audit: Audit) -> Result<(), StoreError>;
    /// The sink of this name.
    async fn sink(&self, name: &str) -> Result<Option<Sink>, StoreError>;
    /// Every sink, by its name.
    async fn sinks(&self) -> Result<Vec<Sink>, StoreError>;
    /// Removes a sink. False if there is no such sink.
    async fn sink_remove(&self, name: &str, audit: Audit) -> Result<bool, StoreError>;
    /// Pauses a sink for `reason`, or lets it go on at once where it stopped. False if there is no such sink, or it
    /// is so already.
    async fn sink_pause(
        &self,
        name: &str,
        paused: bool,
        reason: Option<&'static str>,
        audit: Audit,
    ) -> Result<bool, StoreError>;
    /// Replaces a sink's secrets, if they still are as `before` says; otherwise `Conflict("sink")`. It is tried at
    /// once. False if there is no such sink.
    async fn sink_set_secrets(
        &self,
        name: &str,
        before: Option<String>,
        sealed: String,
        audit: Audit,
    ) -> Result<bool, StoreError>;
    /// Notes that everything of `source` after `from` and up to `to` was delivered or passed over, `records` of them
    /// delivered, and with a record, if `audit` is there, that the sink works again. False if the sink is gone or stands elsewhere by now.
    async fn sink_advance(
        &self,
        id: i64,
        source: SinkSource,
        from: i64,
        to: i64,
        records: u32,
        at: Timestamp,
        audit: Option<Audit>,
    ) -> Result<bool, StoreError>;
    /// Notes a try that failed, and when to try next; with a record if `audit` is there.
    async fn sink_failed(
        &self,
        id: i64,
        reason: &'static str,
        next_try_at: Timestamp,
        at: Timestamp,
        audit: Option<Audit>,
    ) -> Result<(), StoreError>;
    /// The number of the newest audit record; 0 if there is none.
    async fn audit_head(&self) -> Result<i64, StoreError>;
}
