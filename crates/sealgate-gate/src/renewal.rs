//! Renewal of a session's access part, once for however many requests need it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest;
use sealgate_model::Uptime;
use sealgate_session::SessionContent;
use tokio::sync::OnceCell;

use crate::decision::Denial;
use crate::gate::Gate;
use crate::provider::ProviderError;
use crate::session;

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
}

/// The renewals of this process, by refresh handle.
#[derive(Default)]
pub(crate) struct Renewals {
    flights: Mutex<HashMap<[u8; 32], Arc<Flight>>>,
}

impl Renewals {
    /// For this long, requests that still bring the old cookie are given the same answer without asking
    /// again: within the control plane's own grace window.
    const KEEP: Duration = Duration::from_secs(15);
    /// For this long, an outage is answered from memory, so that waiting requests do not queue up to find
    /// out one by one.
    const KEEP_OUTAGE: Duration = Duration::from_secs(1);

    /// Renews `content`, or joins the renewal that is under way.
    pub(crate) async fn renew(&self, gate: &Gate, content: &SessionContent) -> Renewed {
        let Some(refresh) = content.refresh() else {
            return Renewed::Denied(Denial::SessionExpired);
        };
        let flight = self.join(gate, refresh);
        // Whoever comes first does the work; if that request is cancelled, the next takes over.
        flight
            .outcome
            .get_or_init(|| renew_now(gate, content, refresh))
            .await
            .clone()
    }

    fn join(&self, gate: &Gate, refresh: &str) -> Arc<Flight> {
        let mut key = [0; 32];
        key.copy_from_slice(digest::digest(&digest::SHA256, refresh.as_bytes()).as_ref());
        let now = gate.uptime();
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        flights.retain(|_, flight| {
            let keep = match flight.outcome.get() {
                Some(Renewed::Denied(Denial::RenewalUnavailable)) => Self::KEEP_OUTAGE,
                _ => Self::KEEP,
            };
            now.since(flight.began) < keep
        });
        let fresh = || {
            Arc::new(Flight {
                began: now,
                outcome: OnceCell::new(),
            })
        };
        Arc::clone(flights.entry(key).or_insert_with(fresh))
    }
}

async fn renew_now(gate: &Gate, old: &SessionContent, refresh: &str) -> Renewed {
    let tokens = match gate.provider().renew(refresh).await {
        Ok(tokens) => tokens,
        Err(error) => return Renewed::Denied(denial(old, &error)),
    };
    let content = match session::renew(gate, tokens, old).await {
        Ok(content) => content,
        Err(error) => return Renewed::Denied(denial(old, &error)),
    };
    match gate
        .seals()
        .session_cookie(gate.names(), &content, gate.now())
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
        ProviderError::Refused(code) if code == "invalid_grant" => Denial::RenewalRefused,
        _ => Denial::RenewalUnavailable,
    }
}
