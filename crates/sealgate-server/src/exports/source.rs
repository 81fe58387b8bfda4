//! Reading records from where a sink stands.

use sealgate_audit::decision::Stream as Kept;
use sealgate_audit::forms::Event;
use sealgate_model::Timestamp;
use sealgate_store::decisions::{DecisionFilter, Direction};
use sealgate_store::{Sink, SinkPlaces, SinkSource, StoreError};

use super::events::{of_decision, of_row};
use super::sources;
use super::target::{SinkStream, streams_of};
use crate::ControlPlane;

/// Some records, in order.
pub(crate) struct Page {
    /// Those of the streams that were asked for.
    pub(crate) events: Vec<Event>,
    /// Where the next page begins: behind the last record that was looked at.
    pub(crate) to: i64,
}

/// Up to `limit` records of `source` after `after`, of which those of `streams` are kept.
pub(crate) async fn read(
    plane: &ControlPlane,
    source: SinkSource,
    after: i64,
    streams: &[SinkStream],
    limit: u32,
) -> Result<Page, StoreError> {
    let issuer = plane.issuer.as_str();
    let Some(kept) = kept(source) else {
        let rows = plane.store.audit_after(after, limit).await?;
        let to = rows.last().map_or(after, |row| row.number);
        let wanted = |event: &Event| streams.iter().any(|one| one.has(event));
        let events = rows.into_iter().map(|row| of_row(issuer, row));
        return Ok(Page {
            events: events.filter(wanted).collect(),
            to,
        });
    };
    let filter = DecisionFilter {
        stream: Some(kept),
        ..DecisionFilter::default()
    };
    let from = u64::try_from(after).unwrap_or(0);
    let found = plane
        .decisions
        .find(filter, Direction::Oldest, Some(from), limit)
        .await?;
    let next = found.next.unwrap_or(from);
    Ok(Page {
        events: found
            .records
            .into_iter()
            .map(|row| of_decision(issuer, row))
            .collect(),
        to: i64::try_from(next).unwrap_or(i64::MAX),
    })
}

/// The stream of decisions of a source; none for the audit log.
const fn kept(source: SinkSource) -> Option<Kept> {
    match source {
        SinkSource::Audit => None,
        SinkSource::Allowed => Some(Kept::Allowed),
        SinkSource::Denied => Some(Kept::Denied),
    }
}

/// Where a sink begins that wants nothing of before.
pub(crate) async fn head(plane: &ControlPlane) -> Result<SinkPlaces, StoreError> {
    let mut places = [0; 2];
    for (place, kept) in places.iter_mut().zip([Kept::Allowed, Kept::Denied]) {
        let filter = DecisionFilter {
            stream: Some(kept),
            ..DecisionFilter::default()
        };
        let log = &plane.decisions;
        let newest = log.find(filter, Direction::Newest, None, 1).await?;
        let position = newest.records.first().map_or(0, |row| row.position);
        *place = i64::try_from(position).unwrap_or(i64::MAX);
    }
    let [allowed, denied] = places;
    Ok(SinkPlaces {
        audit: plane.store.audit_head().await?,
        allowed,
        denied,
    })
}

/// The record that a sink is to take next, where it comes from, and the sink's place there; none if there is none.
pub(crate) async fn next(
    plane: &ControlPlane,
    sink: &Sink,
) -> Result<Option<(SinkSource, i64, Event)>, StoreError> {
    let streams = streams_of(&sink.streams);
    for source in sources(&streams) {
        let from = sink.places.of(source);
        let mut after = from;
        loop {
            let page = read(plane, source, after, &streams, 64).await?;
            if let Some(event) = page.events.into_iter().next() {
                return Ok(Some((source, from, event)));
            }
            if page.to == after {
                break;
            }
            after = page.to;
        }
    }
    Ok(None)
}

/// Since when the oldest record waits that a sink has not passed yet; none if none does.
pub(crate) async fn waiting_since(
    plane: &ControlPlane,
    sink: &Sink,
) -> Result<Option<Timestamp>, StoreError> {
    let mut oldest: Option<Timestamp> = None;
    let streams = streams_of(&sink.streams);
    for source in sources(&streams) {
        let page = read(plane, source, sink.places.of(source), &streams, 64).await?;
        let first = page.events.first().map(|event| event.time);
        oldest = match (oldest, first) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }
    Ok(oldest)
}
