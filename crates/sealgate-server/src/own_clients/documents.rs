//! Fetching the documents in which clients say who they are.
//!
//! A document is fetched when a request is made that it could matter for, by one fetch for however many wait,
//! and kept as long as its server lets it be, between a minute and a day. What is wrong with it is not kept: only
//! for some seconds nobody makes this server knock at that door again. Where the document cannot be had, what it
//! said within the last day still counts; where it says something unsound, nothing does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sealgate_host::{Outbound, OutboundError, OutboundRequest};
use sealgate_model::{ClientId, Clock, Timestamp, Uptime};
use sealgate_oauth::{ClientDocument, DocumentId, OAuthError, Params};
use sealgate_store::{Audit, Client, OwnClientAdded, OwnClientBounds, Store, StoreError};
use tokio::sync::watch;
use url::Url;

use super::throttle::{Place, Throttle};
use super::{MOST, document_id, names_what_is_open, rows};
use crate::caller::Caller;
use crate::oauth::refusal::unanswered;
use crate::{ControlPlane, metrics};

/// How long a document is kept at least and at most, whatever its server says; and where it says nothing.
const KEPT: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(24 * 3600));
const UNTOLD: Duration = Duration::from_secs(3600);

/// How long after a fetch in vain the same is not tried again.
const COOLDOWN: Duration = Duration::from_secs(5);

/// How long what a document said counts while it cannot be had.
const STALE: Duration = Duration::from_secs(24 * 3600);

/// How old the time of its reading may get in the row before it is written anew.
const NOTED: Duration = Duration::from_secs(12 * 3600);

/// How many documents are known of. The one that was tried first makes room.
pub(super) const DOCUMENTS: usize = 1024;

/// How often a change of a row is tried that somebody else has changed meanwhile.
const TRIES: u32 = 3;

/// What is known of documents, and how often something was done for clients that no administrator registered.
#[derive(Debug, Default)]
pub struct OwnClients {
    known: Mutex<HashMap<ClientId, Arc<Entry>>>,
    throttle: Throttle,
}

/// What is known of one document. The lock is never held while anything is waited for.
#[derive(Debug, Default)]
struct Entry(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// When it was read last, and until when that is fresh.
    read_at: Option<Uptime>,
    fresh_until: Option<Uptime>,
    /// When it was tried last.
    tried_at: Option<Uptime>,
    /// What came of that, if nothing.
    failed: Option<Failed>,
    /// Tells how the fetch under way has ended.
    under_way: Option<watch::Receiver<Option<Result<(), Failed>>>>,
}

/// Why a document is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failed {
    /// Nobody could say what it says now: what it said before may still count.
    Unavailable,
    /// It says something else than it has to, or it is gone.
    Unsound(OAuthError),
}

impl From<Failed> for OAuthError {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Unavailable => Self::ClientDocumentUnavailable,
            Failed::Unsound(error) => error,
        }
    }
}

impl OwnClients {
    /// Nothing known yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether another client may register itself now.
    pub(crate) fn admit_registration(&self, from: Place, now: Uptime) -> Result<(), Duration> {
        self.throttle.registration(from, now)
    }

    /// Whether the keys of a client of its own, which are at `uri`, may be fetched now.
    pub(crate) fn admit_keys(&self, client: &ClientId, uri: &str, now: Uptime) -> bool {
        let host = |text: &str| {
            let url = Url::parse(text).ok()?;
            url.host_str().map(str::to_owned)
        };
        let home = host(client.as_str());
        host(uri).is_some_and(|at| {
            let own = home.as_ref() == Some(&at);
            self.throttle.keys(&at, own, now).is_ok()
        })
    }

    fn entry(&self, id: &ClientId) -> Arc<Entry> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.contains_key(id) && known.len() >= DOCUMENTS {
            let oldest = known.iter().min_by_key(|(_, entry)| entry.lock().tried_at);
            if let Some(oldest) = oldest.map(|(id, _)| id.clone()) {
                known.remove(&oldest);
            }
        }
        Arc::clone(known.entry(id.clone()).or_default())
    }
}

#[cfg(test)]
impl OwnClients {
    pub(super) fn note(&self, id: &ClientId) {
        self.entry(id);
    }

    pub(super) fn count(&self) -> usize {
        self.known.lock().unwrap().len()
    }
}

impl Entry {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sees to it that the client with this id, if that is the address of a document, stands among the clients as
/// the document has it: fetches it if it must, and only for a request in `params` that names a resource that is
/// open to such clients, and nothing else. Any other id is let pass.
///
/// # Errors
/// What is wrong with the request, the id or the document; nothing was fetched, or nothing of it counts.
pub(crate) async fn ensure(
    plane: &ControlPlane,
    caller: &Caller,
    id: &ClientId,
    params: &Params,
) -> Result<(), OAuthError> {
    if !id.is_url() {
        return Ok(());
    }
    let row = plane.store.client(id).await.map_err(unanswered)?;
    if let Some(row) = &row
        && (!row.details.origin.is_its_own() || row.disabled_at.is_some())
    {
        // Registered by an administrator, or disabled by one: whatever its document says now.
        return Ok(());
    }
    let id = document_id(plane, id)?;
    names_what_is_open(plane, params).await?;
    if row.is_none() {
        let removed = plane.store.client_was_removed(id.id()).await;
        if removed.map_err(unanswered)? {
            return Err(OAuthError::ClientUnknown);
        }
    }
    let entry = plane.own_clients.entry(id.id());
    // Somebody else's fetch may have ended since the row was looked for.
    let row = match row {
        None if entry.lock().read_at.is_some() => {
            plane.store.client(id.id()).await.map_err(unanswered)?
        }
        row => row,
    };
    let ended = match entry.look(plane, caller, &id, row.as_ref()) {
        Looked::Fresh => return Ok(()),
        Looked::Failed(failed) => Err(failed),
        Looked::Throttled if usable(&entry, row.as_ref(), plane) => return Ok(()),
        Looked::Throttled => return Err(OAuthError::ClientDocumentThrottled),
        Looked::UnderWay(mut under_way) => {
            let ended = under_way.wait_for(Option::is_some).await;
            ended.map_or(Err(Failed::Unavailable), |ended| {
                ended.unwrap_or(Err(Failed::Unavailable))
            })
        }
    };
    match ended {
        Err(Failed::Unavailable) if usable(&entry, row.as_ref(), plane) => Ok(()),
        ended => ended.map_err(OAuthError::from),
    }
}

/// Whether what the document said before still counts while nobody can say what it says now.
fn usable(entry: &Entry, row: Option<&Client>, plane: &ControlPlane) -> bool {
    let Some(row) = row else {
        return false;
    };
    let uptime = plane.clock.uptime();
    let read_at = row.details.own_words.read_at;
    entry.lock().read_at.map_or_else(
        || read_at.is_some_and(|at| plane.clock.now().since(at) <= STALE),
        |at| uptime.since(at) <= STALE,
    )
}

/// What is to be done about a document.
enum Looked {
    /// Nothing.
    Fresh,
    /// Nothing now: it was tried a moment ago.
    Failed(Failed),
    /// It was asked for too often.
    Throttled,
    /// To wait.
    UnderWay(watch::Receiver<Option<Result<(), Failed>>>),
}

impl Entry {
    /// Has the document fetched if it is due, and says what to wait for. The fetch belongs to none of those
    /// who wait: who goes away takes nothing from the others.
    fn look(
        self: &Arc<Self>,
        plane: &ControlPlane,
        caller: &Caller,
        id: &DocumentId,
        row: Option<&Client>,
    ) -> Looked {
        let (now, wall) = (plane.clock.uptime(), plane.clock.now());
        let mut known = self.lock();
        if let Some(under_way) = &known.under_way {
            return Looked::UnderWay(under_way.clone());
        }
        if row.is_some() && known.is_fresh(row, now, wall) {
            return Looked::Fresh;
        }
        let since_try = known.tried_at.map(|at| now.since(at));
        if let Some(failed) = known.failed
            && since_try.is_some_and(|since| since < COOLDOWN)
        {
            return Looked::Failed(failed);
        }
        let asker = caller
            .network()
            .filter(|_| plane.throttle.tells_networks_apart());
        let throttle = &plane.own_clients.throttle;
        let room = if row.is_some() {
            throttle.renewal(id.host(), asker, now)
        } else {
            throttle.document(id.host(), asker, now)
        };
        if room.is_err() {
            return Looked::Throttled;
        }
        let (told, under_way) = watch::channel(None);
        known.under_way = Some(under_way.clone());
        known.tried_at = Some(now);
        let errand = Errand {
            store: Arc::clone(&plane.store),
            outbound: Arc::clone(&plane.outbound),
            clock: Arc::clone(&plane.clock),
            id: id.clone(),
            audit: Audit {
                client: Some(id.id().clone()),
                ..caller.act(wall, "client.document")
            },
        };
        let entry = Arc::clone(self);
        tokio::spawn(async move {
            let done = errand.run().await;
            entry.lock().ended(done, errand.clock.uptime());
            let _ = told.send(Some(done.map(|_| ())));
        });
        Looked::UnderWay(under_way)
    }
}

impl Known {
    fn is_fresh(&self, row: Option<&Client>, now: Uptime, wall: Timestamp) -> bool {
        match self.fresh_until {
            Some(until) => until > now,
            // Read by the process before this one. Not for longer than it could have been kept then.
            None => row.is_some_and(|row| {
                let words = &row.details.own_words;
                let told = words.fresh_until.is_some_and(|until| until > wall);
                let read = words
                    .read_at
                    .is_some_and(|at| at <= wall && wall.since(at) <= KEPT.1);
                told && read && self.failed.is_none()
            }),
        }
    }

    fn ended(&mut self, done: Result<Duration, Failed>, now: Uptime) {
        self.under_way = None;
        self.tried_at = Some(now);
        match done {
            Ok(kept) => {
                self.failed = None;
                self.read_at = Some(now);
                self.fresh_until = Some(now + kept);
            }
            Err(failed) => {
                self.failed = Some(failed);
                // Whoever asks next asks there again.
                self.fresh_until = self.fresh_until.map(|until| until.min(now));
            }
        }
    }
}

/// One fetch, and what is written by what it brings.
struct Errand {
    store: Arc<dyn Store>,
    outbound: Arc<dyn Outbound>,
    clock: Arc<dyn Clock>,
    id: DocumentId,
    audit: Audit,
}

impl Errand {
    /// How long what was read is fresh.
    async fn run(&self) -> Result<Duration, Failed> {
        let done = match self.fetch().await {
            Ok((document, kept)) => self.keep(&document, kept).await.map(|()| kept),
            Err(failed) => Err(failed),
        };
        metrics::document_read(match &done {
            Ok(_) => "read",
            Err(Failed::Unavailable) => "unavailable",
            Err(Failed::Unsound(_)) => "unsound",
        });
        done
    }

    async fn fetch(&self) -> Result<(ClientDocument, Duration), Failed> {
        let address = self.id.id().as_str();
        let unsound = |what| Failed::Unsound(OAuthError::ClientDocumentInvalid(what));
        let request = OutboundRequest::get_json(address, ClientDocument::LIMIT);
        let answer = self.outbound.send(request).await.map_err(|error| {
            tracing::info!(
                reason = error.code(),
                document = address,
                "a document of a client was not fetched"
            );
            match error {
                // A name inside must look like one that is not there: or strangers could ask this server
                // which there are.
                OutboundError::AddressRefused(_)
                | OutboundError::Unresolved
                | OutboundError::Unreachable(_)
                | OutboundError::TlsFailed(_)
                | OutboundError::TimedOut => Failed::Unavailable,
                OutboundError::UrlUnacceptable(_) => unsound("nothing may be fetched from there"),
                OutboundError::Redirected => unsound("the address leads elsewhere"),
                OutboundError::TypeWrong => unsound("it is not sent as JSON"),
                OutboundError::TooLarge(_) => unsound("it is too long or too deep"),
            }
        })?;
        match answer.status {
            200 => {}
            429 | 500.. => return Err(Failed::Unavailable),
            _ => return Err(unsound("there is no document at the address")),
        }
        let document =
            ClientDocument::parse(&answer.body, &self.id).map_err(|error| unsound(error.what()))?;
        rows::check_keys(&*self.outbound, &document.metadata).map_err(unsound)?;
        let kept = answer.max_age.unwrap_or(UNTOLD).clamp(KEPT.0, KEPT.1);
        Ok((document, kept))
    }

    /// Makes the row, or changes it to what the document has now.
    async fn keep(&self, document: &ClientDocument, kept: Duration) -> Result<(), Failed> {
        for _ in 0..TRIES {
            let now = self.clock.now();
            let read = rows::of_document(&self.id, document, now, now + kept);
            let audit = Audit {
                at: now,
                ..self.audit.clone()
            };
            match self.write(read, audit).await {
                Err(StoreError::Conflict(_)) => {}
                Err(failure) => return Err(Failed::Unsound(unanswered(failure))),
                Ok(done) => return done.map_err(Failed::Unsound),
            }
        }
        Err(Failed::Unavailable)
    }

    async fn write(
        &self,
        read: Client,
        audit: Audit,
    ) -> Result<Result<(), OAuthError>, StoreError> {
        let Some(before) = self.store.client(&read.id).await? else {
            let bounds = OwnClientBounds {
                most: MOST,
                same_since: None,
            };
            let added = self.store.own_client_create(read, bounds, None, audit);
            return Ok(match added.await? {
                OwnClientAdded::Added => Ok(()),
                OwnClientAdded::Full => Err(OAuthError::ClientsFull),
                OwnClientAdded::Removed | OwnClientAdded::Same(_) | OwnClientAdded::TokenSpent => {
                    Err(OAuthError::ClientUnknown)
                }
            });
        };
        if !before.details.origin.is_its_own() || before.disabled_at.is_some() {
            return Ok(Ok(()));
        }
        let after = rows::renewed(&before, read);
        let noted = before.details.own_words.read_at;
        let recent = noted.is_some_and(|at| audit.at.since(at) < NOTED && at <= audit.at);
        if recent && rows::same_words(&before, &after) {
            return Ok(Ok(()));
        }
        let changed = self.store.own_client_update(before, after, audit).await?;
        Ok(changed.then_some(()).ok_or(OAuthError::ClientUnknown))
    }
}
