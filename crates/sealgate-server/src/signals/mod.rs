//! The transmitter of the OpenID Shared Signals Framework 1.0: what ends or changes here is told to
//! receivers that speak that standard, as CAEP and RISC events.
//!
//! What a stream has to tell stands in the store, written in the transaction of the act it tells of, so that
//! neither a crash nor a receiver that is down loses it. A stream belongs to a client, which is told what the
//! revocation feed would tell it and nothing else.

mod access;
mod discovery;
mod poll;
mod push;
mod render;
mod schedule;
mod status;
mod streams;
mod subjects;
#[cfg(test)]
mod tests;
mod verify;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use sealgate_model::{Issuer, StreamId};
use sealgate_oauth::signals::uris;
use sealgate_store::{Audit, Client, SignalKind};
use tokio::sync::{Notify, Semaphore, SemaphorePermit};

use crate::ControlPlane;

pub(crate) use push::deliver;

/// Where the endpoints are, below the issuer. The whole URL is the resource that tokens for them are made
/// for.
pub(crate) const BASE: &str = "/ssf";

/// The scopes (CAEP Interoperability Profile 1.0, 2.7.3): to see one's streams and to poll, and to manage
/// them.
pub(crate) const READ: &str = "ssf.read";
pub(crate) const MANAGE: &str = "ssf.manage";

/// The resource that tokens of receivers name.
pub(crate) fn resource(issuer: &Issuer) -> String {
    issuer.url(BASE)
}

/// The resource that a client means that asks for nothing but the scopes of receivers and names no resource:
/// those of other transmitters do not ask for one.
pub(crate) fn meant_by(plane: &ControlPlane, client: &Client, scopes: &[String]) -> Option<String> {
    let ours = resource(&plane.issuer);
    let asked = !scopes.is_empty() && scopes.iter().all(|scope| scope == READ || scope == MANAGE);
    (asked && client.details.resources.contains(&ours)).then_some(ours)
}

/// How many streams a client may have.
const STREAMS: u32 = 4;

/// How often a verification may be asked for.
const VERIFICATION: Duration = Duration::from_secs(30);

/// How long a signal waits for its receiver. Longer than any session lives, and than a weekend.
const KEPT: Duration = Duration::from_secs(72 * 3600);

/// How many polls wait at once. Whoever comes when there is no place is answered at once.
const WAITING: usize = 256;

/// How many of them on one stream: one receiver must not have every place, and each poll that waits looks into
/// the store whenever anything ends.
const WAITING_EACH: usize = 2;

/// The event types that streams carry, and what they are called where they are stored. A stream's own
/// events are carried whatever its receiver asks for (SSF 1.0, 8.1.4 and 8.1.5).
const EVENTS: [(SignalKind, &str); 6] = [
    (SignalKind::SessionRevoked, uris::SESSION_REVOKED),
    (SignalKind::CredentialChange, uris::CREDENTIAL_CHANGE),
    (SignalKind::ClaimsChange, uris::TOKEN_CLAIMS_CHANGE),
    (SignalKind::SessionEstablished, uris::SESSION_ESTABLISHED),
    (SignalKind::AccountDisabled, uris::ACCOUNT_DISABLED),
    (SignalKind::AccountEnabled, uris::ACCOUNT_ENABLED),
];

/// The URIs of what a stream carries.
pub(crate) fn carried(kinds: &[SignalKind]) -> Vec<String> {
    EVENTS
        .iter()
        .filter(|(kind, _)| kinds.contains(kind))
        .map(|(_, uri)| (*uri).to_owned())
        .collect()
}

/// What the transmitter's parts share.
#[derive(Debug)]
pub struct Signals {
    /// Something was queued that wakes nobody otherwise.
    queued: Notify,
    polls: Semaphore,
    polled: Mutex<HashMap<StreamId, usize>>,
    /// Who signs: an RSA signature takes a processor for a millisecond, and a hundred polls must not take them all.
    signing: Semaphore,
}

impl Default for Signals {
    fn default() -> Self {
        Self::new()
    }
}

impl Signals {
    /// Nothing waits.
    pub fn new() -> Self {
        Self {
            queued: Notify::new(),
            polls: Semaphore::new(WAITING),
            polled: Mutex::new(HashMap::new()),
            signing: Semaphore::new(1),
        }
    }

    /// A place to wait for an event of `stream`; none if there is none left.
    fn place(&self, stream: StreamId) -> Option<Place<'_>> {
        let permit = self.polls.try_acquire().ok()?;
        let mut polled = self.polled.lock().unwrap_or_else(PoisonError::into_inner);
        let count = polled.entry(stream).or_default();
        if *count >= WAITING_EACH {
            return None;
        }
        *count += 1;
        Some(Place {
            signals: self,
            stream,
            _permit: permit,
        })
    }

    /// Something was queued: whoever delivers looks at once.
    pub(crate) fn wake(&self) {
        self.queued.notify_waiters();
    }
}

/// A poll that waits.
struct Place<'s> {
    signals: &'s Signals,
    stream: StreamId,
    _permit: SemaphorePermit<'s>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let polled = self.signals.polled.lock();
        let mut polled = polled.unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = polled.get_mut(&self.stream) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                polled.remove(&self.stream);
            }
        }
    }
}

/// The endpoints, below the issuer.
pub(crate) fn routes(plane: &Arc<ControlPlane>) -> Router<Arc<ControlPlane>> {
    let endpoints = Router::new()
        .route(
            streams::PATH,
            get(streams::read)
                .post(streams::create)
                .patch(streams::update)
                .put(streams::replace)
                .delete(streams::remove),
        )
        .route(status::PATH, get(status::read).post(status::update))
        .route(subjects::ADD, post(subjects::add))
        .route(subjects::REMOVE, post(subjects::remove))
        .route(verify::PATH, post(verify::verify))
        .route(poll::PATH, post(poll::poll))
        .fallback(crate::problem::not_found)
        .method_not_allowed_fallback(crate::problem::method_not_allowed);
    Router::new()
        .nest(BASE, access::guarded(plane, endpoints))
        .merge(discovery::routes("", BASE))
}

/// The documents of an issuer with a path, where they are found by it: at the root of the host, with the path
/// behind (SSF 1.0, 7.2; RFC 9728, 3.1).
pub(crate) fn inserted_metadata(path: &str) -> Router<Arc<ControlPlane>> {
    discovery::routes(path, &format!("{path}{BASE}"))
}

/// `audit` as the record of an act on a stream.
fn about(stream: StreamId, audit: Audit) -> Audit {
    Audit {
        object: Some(stream.to_string()),
        ..audit
    }
}
