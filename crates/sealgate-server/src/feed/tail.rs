//! The end of the log, read once for all clients and kept for a while.
//!
//! Whoever wants to know what is new asks [`Tail::read`], which reads the store anew unless somebody
//! else began to after the question. A client that is further behind than what is kept reads the store.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

use sealgate_model::{ClientId, Timestamp};
use sealgate_revocation::Entry;
use sealgate_store::{Revocation, StoreError};
use tokio::sync::Mutex;

use super::log::{Reading, entry, read_after, sees};
use crate::ControlPlane;

/// How many rows are kept.
const ROWS: usize = 4_096;
/// How many rows are read before those who wait get to see them. Less than what is kept, so that they are
/// not left behind.
const AT_ONCE: usize = 1_024;

/// The end of the log.
#[derive(Default)]
pub(super) struct Tail {
    /// How many readings have begun.
    begun: AtomicU64,
    known: Mutex<Known>,
}

struct Known {
    /// Which reading this is the outcome of; none of them has number 0.
    reading: u64,
    /// The feed's clock before that reading.
    as_of: Timestamp,
    /// Every row after this one is among `rows`, but what has expired.
    from: u64,
    /// The last row that was read.
    last: u64,
    /// Whether the log ended there.
    complete: bool,
    rows: VecDeque<Row>,
}

struct Row {
    seq: u64,
    at: Timestamp,
    client: Option<ClientId>,
    entry: Entry,
}

impl Tail {
    /// What `client` can see after row `after`, as of a moment that is not before this call, unless the
    /// reading is not complete.
    pub(super) async fn read(
        &self,
        plane: &ControlPlane,
        client: &ClientId,
        after: u64,
    ) -> Result<Reading, StoreError> {
        let asked = self.begun.load(Ordering::SeqCst);
        let mut known = self.known.lock().await;
        // A number and not a time: within one millisecond something can commit, too.
        if known.reading <= asked || !known.complete {
            let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
            known.read_on(plane).await?;
            known.reading = number;
        }
        if known.from <= after {
            return Ok(known.seen_by(client, after));
        }
        drop(known);
        read_after(plane, client, after, plane.feed.pace.rows).await
    }
}

impl Default for Known {
    fn default() -> Self {
        Self {
            reading: 0,
            as_of: Timestamp::from_millis(0),
            from: 0,
            last: 0,
            complete: false,
            rows: VecDeque::new(),
        }
    }
}

impl Known {
    async fn read_on(&mut self, plane: &ControlPlane) -> Result<(), StoreError> {
        let as_of = plane.feed.as_of(plane);
        let head = plane.store.revocation_head().await?;
        if self.reading == 0 {
            // What was there before the first question is nobody's news.
            (self.from, self.last) = (head, head);
        }
        let mut read = 0;
        while self.last < head && read < AT_ONCE {
            let limit = plane.feed.pace.rows;
            let page = plane.store.revocations_after(self.last, limit).await?;
            read += page.len();
            // Expired rows go; what is missing up to the head is gone.
            let ended = page.len() < limit as usize;
            let last = page.last().map_or(self.last, |row| row.seq);
            self.last = if ended { last.max(head) } else { last };
            self.rows.extend(page.iter().map(Row::of));
        }
        while self.rows.len() > ROWS {
            self.from = self.rows.pop_front().map_or(self.from, |row| row.seq);
        }
        self.complete = self.last >= head;
        if self.complete {
            self.as_of = as_of;
        }
        Ok(())
    }

    fn seen_by(&self, client: &ClientId, after: u64) -> Reading {
        let begin = self.rows.partition_point(|row| row.seq <= after);
        let seen = self.rows.iter().skip(begin);
        let seen: Vec<&Row> = seen
            .filter(|row| sees(client, row.client.as_ref()))
            .collect();
        Reading {
            as_of: self.as_of,
            oldest: seen.first().map(|row| row.at),
            entries: seen
                .into_iter()
                .map(|row| (row.seq, row.entry.clone()))
                .collect(),
            last: self.last.max(after),
            complete: self.complete,
        }
    }
}

impl Row {
    fn of(row: &Revocation) -> Self {
        Self {
            seq: row.seq,
            at: row.at,
            client: row.client.clone(),
            entry: entry(row),
        }
    }
}
