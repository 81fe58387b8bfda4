//! Renewal of a session's access part, once for however many requests need it.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use sealgate_host::sha256;
use sealgate_model::{Timestamp, Uptime};
use sealgate_session::SessionContent;
use tokio::sync::OnceCell;

use crate::alive;
use crate::common::Common;
use crate::denial::Denial;
use crate::provider::ProviderError;
use crate::session::{self, TENANT_CHANGED};
use crate::stale::Change;

/// What came of a renewal.
#[derive(Debug, Clone)]
pub(crate) enum Renewed {
    /// The new content and its `Set-Cookie` value.
    Session(Arc<SessionContent>, String),
    /// Why there is none.
    Denied(Denial),
}

/// One renewal and everybody who waits for it.
struct Flight {
    began: Uptime,
    outcome: OnceCell<Renewed>,
    /// Whether a request has brought the new cookie: from then on the browser has it.
    arrived: AtomicBool,
}

impl Flight {
    fn handle(&self) -> Option<&str> {
        match self.outcome.get() {
            Some(Renewed::Session(content, _)) => content.refresh(),
            _ => None,
        }
    }

    /// Whether its answer is still worth giving to a request that brings the old cookie.
    fn is_kept(&self, now: Uptime, wall: Timestamp) -> bool {
        let age = now.since(self.began);
        match self.outcome.get() {
            None => true,
            Some(Renewed::Denied(Denial::RenewalUnavailable)) => age < KEEP_OUTAGE,
            Some(Renewed::Denied(_)) => age < KEEP,
            Some(Renewed::Session(content, _)) => {
                let lost = !self.arrived.load(Ordering::Relaxed) && wall < content.renew_at();
                age < KEEP || lost
            }
        }
    }
}

/// For this long, requests that still bring the old cookie are given the same answer without asking
/// again: within the control plane's own grace window.
const KEEP: Duration = Duration::from_secs(15);
/// For this long, an outage is answered from memory, so that waiting requests do not queue up to find
/// out one by one.
const KEEP_OUTAGE: Duration = Duration::from_secs(1);
/// Renewals kept beyond that are forgotten without order: the control plane still knows them for its
/// grace window.
const MOST: usize = 16_384;

/// The renewals of this process.
///
/// An answer can be lost on its way: the handler failed, the connection broke. Then the browser still has
/// the old cookie, whose handle is spent, and presenting that handle later would end the session as a
/// theft. So the outcome is kept, and given again, until the new cookie has been seen or has itself become
/// due for renewal.
#[derive(Default)]
pub(crate) struct Renewals {
    /// By the SHA-256 of the old handle.
    flights: Mutex<HashMap<[u8; 32], Arc<Flight>>>,
    /// Those whose new cookie has not been seen, by its handle.
    awaited: RwLock<HashMap<String, Arc<Flight>>>,
}

impl Renewals {
    /// Renews `content`, or joins the renewal that is under way.
    ///
    /// What comes of a renewal that began before the gate knew of a change may be outdated itself. Then it is
    /// renewed in its turn, by its own handle: the first one's is spent.
    pub(crate) async fn renew(&self, common: &Common, content: &SessionContent) -> Renewed {
        /// Each further round is one more change during the round before it.
        const ROUNDS: usize = 4;
        let mut renewed = self.renew_once(common, content).await;
        for _ in 1..ROUNDS {
            match &renewed {
                Renewed::Session(content, _) if alive::change(common, content) == Change::Since => {
                    let content = Arc::clone(content);
                    renewed = self.renew_once(common, &content).await;
                }
                _ => return renewed,
            }
        }
        match &renewed {
            Renewed::Session(content, _) if alive::change(common, content) == Change::Since => {
                Renewed::Denied(Denial::RenewalUnavailable)
            }
            _ => renewed,
        }
    }

    async fn renew_once(&self, common: &Common, content: &SessionContent) -> Renewed {
        let Some(refresh) = content.refresh() else {
            return Renewed::Denied(if alive::change(common, content) == Change::Since {
                Denial::SessionOutdated
            } else {
                Denial::SessionExpired
            });
        };
        let flight = self.join(common, refresh);
        // Whoever comes first does the work; if that request is cancelled, the next takes over.
        let outcome = flight
            .outcome
            .get_or_init(|| renew_now(common, content, refresh))
            .await
            .clone();
        if let Some(handle) = flight
            .handle()
            .filter(|_| !flight.arrived.load(Ordering::Relaxed))
        {
            let mut awaited = self.awaited.write().unwrap_or_else(PoisonError::into_inner);
            awaited.insert(handle.to_owned(), Arc::clone(&flight));
        }
        outcome
    }

    /// Notes that a request brought a session with this handle: its cookie has arrived.
    pub(crate) fn saw(&self, content: &SessionContent) {
        let Some(handle) = content.refresh() else {
            return;
        };
        let is_awaited = |awaited: &HashMap<String, _>| awaited.contains_key(handle);
        if is_awaited(&self.awaited.read().unwrap_or_else(PoisonError::into_inner)) {
            let mut awaited = self.awaited.write().unwrap_or_else(PoisonError::into_inner);
            if let Some(flight) = awaited.remove(handle) {
                flight.arrived.store(true, Ordering::Relaxed);
            }
        }
    }

    fn join(&self, common: &Common, refresh: &str) -> Arc<Flight> {
        let key = *sha256(refresh.as_bytes()).as_bytes();
        let (now, wall) = (common.uptime(), common.now());
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flights.get(&key).filter(|flight| flight.is_kept(now, wall)) {
            return Arc::clone(flight);
        }
        flights.remove(&key);
        // Sweeping looks at everything, so it waits until the map has doubled.
        if flights.len() == flights.capacity() {
            sweep(&mut flights, now, wall);
            let mut awaited = self.awaited.write().unwrap_or_else(PoisonError::into_inner);
            sweep(&mut awaited, now, wall);
        }
        let flight = Arc::new(Flight {
            began: now,
            outcome: OnceCell::new(),
            arrived: AtomicBool::new(false),
        });
        flights.insert(key, Arc::clone(&flight));
        flight
    }
}

/// Leaves at most [`MOST`] of those that are kept.
fn sweep<K: Eq + Hash>(flights: &mut HashMap<K, Arc<Flight>>, now: Uptime, wall: Timestamp) {
    let mut left = 0;
    flights.retain(|_, flight| {
        left += usize::from(flight.is_kept(now, wall));
        flight.is_kept(now, wall) && left <= MOST
    });
}

async fn renew_now(common: &Common, old: &SessionContent, refresh: &str) -> Renewed {
    let changed_at = alive::changed_at(common, old);
    let tokens = match common.provider().renew(refresh).await {
        Ok(tokens) => tokens,
        Err(error) => return Renewed::Denied(denial(old, &error)),
    };
    let content = match session::renew(common, tokens, old, changed_at).await {
        Ok(content) => content,
        Err(error) => return Renewed::Denied(denial(old, &error)),
    };
    match common
        .seals()
        .session_cookie(common.names(), &content, common.now())
    {
        Ok(cookie) => Renewed::Session(Arc::new(content), cookie),
        Err(error) => {
            tracing::error!(%error, session = %old.session(), "a renewed session cannot be sealed");
            Renewed::Denied(Denial::RenewalRefused)
        }
    }
}

fn denial(old: &SessionContent, error: &ProviderError) -> Denial {
    tracing::warn!(%error, session = %old.session(), "a session was not renewed");
    match error {
        // Only the grant itself can be at fault in a way that signing in again mends.
        ProviderError::Refused(code) if code == "invalid_grant" || code == TENANT_CHANGED => {
            Denial::RenewalRefused
        }
        _ => Denial::RenewalUnavailable,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn of_however_many_renewals_only_so_many_are_kept(
            ages in proptest::collection::vec(0..20_u64, 1..40), copies in 1..1500_usize,
        ) {
            let now = Uptime::from_elapsed(Duration::from_secs(100));
            let wall = Timestamp::from_seconds(0);
            let flight = |age| Arc::new(Flight {
                began: Uptime::from_elapsed(Duration::from_secs(100 - age)),
                outcome: OnceCell::from(Renewed::Denied(Denial::RenewalRefused)),
                arrived: AtomicBool::new(false),
            });
            let ages = ages.iter().flat_map(|age| std::iter::repeat_n(*age, copies));
            let mut flights: HashMap<_, _> = ages.map(flight).enumerate().collect();
            let kept = flights.values().filter(|flight| flight.is_kept(now, wall)).count();
            sweep(&mut flights, now, wall);
            prop_assert_eq!(flights.len(), kept.min(MOST));
        }
    }
}
