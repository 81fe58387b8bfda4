//! The keys that clients sign their assertions with, registered or fetched from where the client publishes
//! them; those of transmitters of security events, and those of issuers whose identities are taken.
//!
//! A fetched set is kept as long as its server lets it be, between a minute and an hour. A key that is
//! not in it makes it be fetched again, once a minute at most, so that nobody can make this server knock
//! at another one's door at will. Sets that are there are used while newer ones cannot be had.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sealgate_host::{Outbound, OutboundRequest, OutboundResponse};
use sealgate_jose::{JwkSet, VerifyingKeys};
use sealgate_model::{ClientId, TransmitterId, Uptime};
use sealgate_oauth::OAuthError;
use sealgate_store::Client;
use tokio::sync::watch;

use super::refusal::faulty;
use crate::ControlPlane;
use crate::issuers::{self, Source};

/// How long a set is kept at least and at most, whatever its server says; and where it says nothing.
const KEPT: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(3600));
const UNTOLD: Duration = Duration::from_secs(300);

/// How long after the end of a fetch, good or not, the next one may be.
const COOLDOWN: Duration = Duration::from_secs(60);

/// How long after the end of a failed fetch another is tried where there is no set at all.
const RETRY: Duration = Duration::from_secs(5);

/// How long after it arrived a set that cannot be had anew is still used: a key that its client has
/// withdrawn must not live on by somebody's keeping the newer set from us.
const STALE: Duration = Duration::from_secs(2 * 3600);

/// How many sets are kept. The one that was fetched first makes room.
const CLIENTS: usize = 1024;

/// Sets that were fetched.
#[derive(Debug, Default)]
pub struct ClientKeys(Mutex<HashMap<String, Arc<Entry>>>);

/// What is known of one set. The lock is never held while anything is waited for.
#[derive(Debug, Default)]
struct Entry(Mutex<Fetched>);

#[derive(Debug, Default)]
struct Fetched {
    source: Option<Source>,
    keys: Option<Arc<VerifyingKeys>>,
    /// When the set arrived, and until when it is fresh.
    at: Option<Uptime>,
    fresh_until: Option<Uptime>,
    /// When a fetch last ended, well or not.
    tried_at: Option<Uptime>,
    /// Wakes when the fetch under way has ended.
    under_way: Option<watch::Receiver<()>>,
}

impl ClientKeys {
    /// Nothing fetched yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What is known of `holder`'s set.
    fn entry(&self, holder: &str) -> Arc<Entry> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.contains_key(holder) && known.len() >= CLIENTS {
            let oldest = known.iter().min_by_key(|(_, entry)| entry.lock().at);
            if let Some(oldest) = oldest.map(|(holder, _)| holder.clone()) {
                known.remove(&oldest);
            }
        }
        Arc::clone(known.entry(holder.to_owned()).or_default())
    }
}

/// The keys of `client`. With `missing` what it signed names a key that is not among those that were
/// given before, so that newer ones are waited for.
pub(super) async fn of(
    plane: &ControlPlane,
    client: &Client,
    missing: bool,
) -> Result<Arc<VerifyingKeys>, OAuthError> {
    let details = &client.details;
    if let Some(registered) = &details.jwks {
        let json = serde_json::to_vec(registered).map_err(faulty)?;
        let set = JwkSet::parse(&json).map_err(faulty)?;
        return Ok(Arc::new(VerifyingKeys::from_jwks(&set)));
    }
    let Some(uri) = &details.jwks_uri else {
        // Without keys nothing it signs can be believed.
        return Err(OAuthError::ClientUnauthenticated);
    };
    let source = Source::Set(uri.clone());
    let own = client.details.origin.is_its_own();
    let stranger = own.then_some(&client.id);
    let fetched = at(plane, client.id.as_str(), &source, missing, stranger).await;
    fetched.ok_or(OAuthError::ClientKeysUnavailable)
}

/// The keys of a transmitter of security events, which publishes them at `uri`; none if they cannot be had.
/// `missing` as above.
pub(crate) async fn of_transmitter(
    plane: &ControlPlane,
    id: TransmitterId,
    uri: &str,
    missing: bool,
) -> Option<Arc<VerifyingKeys>> {
    // No client id has a colon and a space.
    let source = Source::Set(uri.to_owned());
    at(plane, &format!("transmitter: {id}"), &source, missing, None).await
}

/// The keys of an issuer of identities, which publishes them at `source`; none if they cannot be had. `missing`
/// as above.
pub(crate) async fn of_issuer(
    plane: &ControlPlane,
    issuer: &str,
    source: &Source,
    missing: bool,
) -> Option<Arc<VerifyingKeys>> {
    at(plane, &format!("issuer: {issuer}"), source, missing, None).await
}

async fn at(
    plane: &ControlPlane,
    holder: &str,
    source: &Source,
    missing: bool,
    // The client that said so, where nobody but itself did.
    stranger: Option<&ClientId>,
) -> Option<Arc<VerifyingKeys>> {
    let entry = plane.client_keys.entry(holder);
    if let Some(mut under_way) = entry.refresh(plane, source, missing, stranger) {
        // An error is the end of the fetch too.
        let _ = under_way.changed().await;
    }
    entry.lock().usable(plane.clock.uptime())
}

impl Entry {
    fn lock(&self) -> MutexGuard<'_, Fetched> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the set fetched if it is due, and says what to wait for, if anything. One fetch serves all who
    /// need it, and belongs to none of them: who goes away takes nothing from the others.
    fn refresh(
        self: &Arc<Self>,
        plane: &ControlPlane,
        source: &Source,
        missing: bool,
        stranger: Option<&ClientId>,
    ) -> Option<watch::Receiver<()>> {
        let now = plane.clock.uptime();
        let mut fetched = self.lock();
        if fetched.source.as_ref() != Some(source) {
            *fetched = Fetched {
                source: Some(source.clone()),
                ..Fetched::default()
            };
        }
        if fetched.under_way.is_none() {
            if !fetched.is_due(missing, now) {
                return None;
            }
            let own = &plane.own_clients;
            if stranger.is_some_and(|client| !own.admit_keys(client, source.as_str(), now)) {
                return None;
            }
            let (ended, under_way) = watch::channel(());
            fetched.under_way = Some(under_way);
            let (outbound, clock) = (Arc::clone(&plane.outbound), Arc::clone(&plane.clock));
            let (entry, source) = (Arc::clone(self), source.clone());
            tokio::spawn(async move {
                let found = fetch(&*outbound, &source).await;
                entry.lock().ended(&source, found, clock.uptime());
                drop(ended);
            });
        }
        // A set that is there is used while a newer one is on its way.
        if missing || fetched.usable(now).is_none() {
            fetched.under_way.clone()
        } else {
            None
        }
    }
}

impl Fetched {
    fn is_due(&self, missing: bool, now: Uptime) -> bool {
        let since_try = self.tried_at.map(|at| now.since(at));
        if self.keys.is_none() {
            return since_try.is_none_or(|since| since >= RETRY);
        }
        let outdated = self.fresh_until.is_none_or(|until| until <= now);
        (outdated || missing) && since_try.is_none_or(|since| since >= COOLDOWN)
    }

    fn usable(&self, now: Uptime) -> Option<Arc<VerifyingKeys>> {
        let fit = self.at.is_some_and(|at| now.since(at) <= STALE);
        self.keys.clone().filter(|_| fit)
    }

    fn ended(
        &mut self,
        source: &Source,
        found: Result<(VerifyingKeys, Duration), String>,
        now: Uptime,
    ) {
        if self.source.as_ref() != Some(source) {
            // The client has moved its keys since.
            return;
        }
        self.under_way = None;
        self.tried_at = Some(now);
        match found {
            Ok((keys, kept)) => {
                self.keys = Some(Arc::new(keys));
                self.at = Some(now);
                self.fresh_until = Some(now + kept);
            }
            Err(failure) => {
                let at = source.as_str();
                tracing::warn!(uri = at, reason = %failure, "a key set cannot be fetched");
            }
        }
    }
}

async fn fetch(
    outbound: &dyn Outbound,
    source: &Source,
) -> Result<(VerifyingKeys, Duration), String> {
    let uri = match source {
        Source::Set(uri) | Source::Bundle(uri) => uri.clone(),
        Source::Metadata(issuer) => {
            let metadata = get(outbound, &issuers::metadata_url(issuer)).await?;
            issuers::keys_in_metadata(issuer, &metadata.body)?
        }
    };
    let answer = get(outbound, &uri).await?;
    let set = JwkSet::parse(&answer.body).map_err(|error| error.code().to_owned())?;
    let keys = match source {
        Source::Bundle(_) => VerifyingKeys::from_jwks(&issuers::for_svids(set)),
        Source::Set(_) | Source::Metadata(_) => VerifyingKeys::from_jwks(&set),
    };
    if keys.is_empty() {
        return Err("no usable key".to_owned());
    }
    let kept = answer.max_age.unwrap_or(UNTOLD).clamp(KEPT.0, KEPT.1);
    Ok((keys, kept))
}

async fn get(outbound: &dyn Outbound, uri: &str) -> Result<OutboundResponse, String> {
    let answer = outbound
        .send(OutboundRequest::get_json(uri, JwkSet::LIMIT))
        .await
        .map_err(|error| error.code().to_owned())?;
    if answer.status == 200 {
        Ok(answer)
    } else {
        Err(format!("status {}", answer.status))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4))]
        #[test]
        fn there_are_never_more_sets_than_its_bound(
            holders in proptest::collection::vec("[a-z]{2}[0-9]{1,2}", CLIENTS..2 * CLIENTS)
        ) {
            let keys = ClientKeys::new();
            for holder in holders {
                keys.entry(&holder);
                let known = keys.0.lock().unwrap();
                prop_assert!(known.len() <= CLIENTS && known.contains_key(&holder));
            }
        }
    }
}
