//! Exports: records on their way to other systems.
//!
//! A sink is a place that records go to: a webhook, a collector of OpenTelemetry logs, a syslog receiver, a file. It
//! has a place of its own in each source of records, which the store keeps. Records go out in order, in batches, and
//! the place moves on only when a batch was taken: after a crash the same records go out again, with the same ids, and
//! none is left out. Each sink is worked off by itself, so that a slow one holds up nobody.

mod events;
mod file;
mod schedule;
mod secrets;
mod send;
mod source;
mod target;
#[cfg(test)]
mod tests;
mod worker;

use sealgate_store::{Audit, SinkSource};

pub(crate) use schedule::ANNOUNCED;
pub use secrets::Header;
pub(crate) use secrets::{Secrets, unsound as unsound_headers};
pub(crate) use send::test;
pub(crate) use source::{head, next, read, waiting_since};
pub use target::{SinkForm, SinkFraming, SinkStream, SinkTarget, SinkTransport};
pub(crate) use target::{sound_name, streams_of};
pub(crate) use worker::deliver;

/// The most sinks.
pub(crate) const MOST: u32 = 32;

/// The record of an act on a sink.
pub(crate) fn about(name: &str, act: Audit) -> Audit {
    Audit {
        object: Some(name.to_owned()),
        ..act
    }
}

/// The sources that some streams come from.
fn sources(streams: &[SinkStream]) -> impl Iterator<Item = SinkSource> {
    SinkSource::ALL
        .into_iter()
        .filter(|source| streams.iter().any(|stream| stream.source() == *source))
}
