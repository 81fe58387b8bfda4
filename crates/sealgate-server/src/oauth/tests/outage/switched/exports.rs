use async_trait::async_trait;
use sealgate_model::Timestamp;
use sealgate_store::{Audit, ExportStore, NewSink, Sink, SinkSource, StoreError};

use super::{DOWN, Switched, UNKNOWN};

macro_rules! pass {
    ($self:ident, read $call:expr) => {{
        $self.lost(DOWN)?;
        $call.await
    }};
    ($self:ident, write $call:expr) => {{
        $self.lost(DOWN)?;
        $self.meanwhile().await?;
        let done = $call.await;
        $self.lost(UNKNOWN)?;
        done
    }};
}

#[async_trait]
impl ExportStore for Switched {
    async fn sink_create(&self, sink: NewSink, most: u32, audit: Audit) -> Result<(), StoreError> {
        pass!(self, write self.inner.sink_create(sink, most, audit))
    }

    async fn sink(&self, name: &str) -> Result<Option<Sink>, StoreError> {
        pass!(self, read self.inner.sink(name))
    }

    async fn sinks(&self) -> Result<Vec<Sink>, StoreError> {
        pass!(self, read self.inner.sinks())
    }

    async fn sink_remove(&self, name: &str, audit: Audit) -> Result<bool, StoreError> {
        pass!(self, write self.inner.sink_remove(name, audit))
    }

    async fn sink_pause(
        &self,
        name: &str,
        paused: bool,
        reason: Option<&'static str>,
        audit: Audit,
    ) -> Result<bool, StoreError> {
        pass!(self, write self.inner.sink_pause(name, paused, reason, audit))
    }

    async fn sink_set_secrets(
        &self,
        name: &str,
        before: Option<String>,
        sealed: String,
        audit: Audit,
    ) -> Result<bool, StoreError> {
        pass!(self, write self.inner.sink_set_secrets(name, before, sealed, audit))
    }

    async fn sink_advance(
        &self,
        id: i64,
        source: SinkSource,
        from: i64,
        to: i64,
        records: u32,
        at: Timestamp,
        audit: Option<Audit>,
    ) -> Result<bool, StoreError> {
        pass!(self, write self.inner.sink_advance(id, source, from, to, records, at, audit))
    }

    async fn sink_failed(
        &self,
        id: i64,
        reason: &'static str,
        next_try_at: Timestamp,
        at: Timestamp,
        audit: Option<Audit>,
    ) -> Result<(), StoreError> {
        pass!(self, write self.inner.sink_failed(id, reason, next_try_at, at, audit))
    }

    async fn audit_head(&self) -> Result<i64, StoreError> {
        pass!(self, read self.inner.audit_head())
    }
}
