//! All that a client can see of the log, read once for all who ask for it at the same time.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sealgate_model::{ClientId, Timestamp};
use sealgate_revocation::{Entry, Sessions};
use sealgate_store::StoreError;

use super::log::{SKEW, entry};
use crate::ControlPlane;

/// Ends of sessions are rounded up to this, so that many have the same one.
const SPAN: Duration = Duration::from_secs(60 * 60);

/// Everything that is revoked, as one client sees it.
#[derive(Clone)]
pub(super) struct Whole {
    /// The feed's clock before the log was read.
    pub(super) as_of: Timestamp,
    /// The number of the last row that the client can see, as far as there is one that has not expired.
    pub(super) newest: u64,
    pub(super) entries: Vec<Entry>,
    pub(super) sessions: Vec<Sessions>,
}

impl Whole {
    async fn read(plane: &ControlPlane, client: &ClientId) -> Result<Self, StoreError> {
        let as_of = plane.feed.as_of(plane);
        let ended_before = plane.clock.now() - SKEW;
        let seen = plane
            .store
            .revocations_seen(client, ended_before, SPAN)
            .await?;
        let sessions = seen.sessions.into_iter();
        Ok(Self {
            as_of,
            newest: seen.newest,
            entries: seen.others.iter().map(entry).collect(),
            sessions: sessions
                .map(|(expires_at, ids)| Sessions { expires_at, ids })
                .collect(),
        })
    }

    /// How many bytes it takes up when it is signed, about.
    pub(super) fn size(&self) -> usize {
        let ids: usize = self.sessions.iter().map(|group| group.ids.len()).sum();
        // 16 bytes, as text, as text. The rest is guessed, and on the large side.
        ids * 256 / 9 + 400 * (self.entries.len() + self.sessions.len()) + 2_048
    }
}

/// The readings that somebody waits for.
#[derive(Default)]
pub(super) struct Readings {
    /// How many have begun.
    begun: AtomicU64,
    asked: Mutex<HashMap<ClientId, Arc<Shared>>>,
}

#[derive(Default)]
struct Shared {
    waiting: AtomicUsize,
    /// The last reading, by its number, as long as somebody may still want it.
    last: tokio::sync::Mutex<Option<(u64, Arc<Whole>)>>,
}

/// One who waits for a reading.
pub(super) struct Question<'a> {
    readings: &'a Readings,
    client: &'a ClientId,
    shared: Arc<Shared>,
    /// How many readings had begun when it was asked.
    begun: u64,
}

impl Readings {
    /// Asks for a reading that begins from now on.
    pub(super) fn ask<'a>(&'a self, client: &'a ClientId) -> Question<'a> {
        let mut asked = self.asked();
        let shared = Arc::clone(asked.entry(client.clone()).or_default());
        shared.waiting.fetch_add(1, Ordering::SeqCst);
        drop(asked);
        Question {
            begun: self.begun.load(Ordering::SeqCst),
            readings: self,
            client,
            shared,
        }
    }

    fn asked(&self) -> MutexGuard<'_, HashMap<ClientId, Arc<Shared>>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many have begun.
    #[cfg(test)]
    pub(super) fn begun(&self) -> u64 {
        self.begun.load(Ordering::SeqCst)
    }
}

impl Question<'_> {
    /// The answer: a reading that began after the question, by whomever.
    pub(super) async fn answer(self, plane: &ControlPlane) -> Result<Whole, StoreError> {
        let mut last = self.shared.last.lock().await;
        if let Some((number, whole)) = &*last
            && *number > self.begun
        {
            let whole = Arc::clone(whole);
            if self.is_last() {
                *last = None;
            }
            return Ok(Arc::unwrap_or_clone(whole));
        }
        *last = None;
        let number = self.readings.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let whole = Whole::read(plane, self.client).await?;
        if self.is_last() {
            return Ok(whole);
        }
        *last = Some((number, Arc::new(whole.clone())));
        Ok(whole)
    }

    fn is_last(&self) -> bool {
        self.shared.waiting.load(Ordering::SeqCst) == 1
    }
}

impl Drop for Question<'_> {
    fn drop(&mut self) {
        let mut asked = self.readings.asked();
        if self.shared.waiting.fetch_sub(1, Ordering::SeqCst) == 1 {
            asked.remove(self.client);
        }
    }
}
