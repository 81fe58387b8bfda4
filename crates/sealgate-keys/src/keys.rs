//! The signing keys in memory, and every way in which they change.

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use sealgate_jose::{Algorithm, VerifyingKeys};
use sealgate_model::{Clock, Random, Timestamp};
use sealgate_session::KeyRing;
use sealgate_store::{Audit, AuditActor, KeyRow, KeyState, Store};
use serde::Serialize;

use crate::ages::Ages;
use crate::life::{self, Change, Key, Why};
use crate::plan::{Planned, PlannedKey, foretell};
use crate::ring::Ring;
use crate::vault::Vault;
use crate::{KeyError, KeyPolicy, measures};

/// The signing keys of one control plane.
pub struct SigningKeys {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    policy: KeyPolicy,
    vault: Arc<Vault>,
    ring: RwLock<Arc<Ring>>,
    ages: Mutex<Ages>,
    /// Held over a change, so that two changes follow one another.
    changing: tokio::sync::Mutex<()>,
}

impl std::fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKeys({:?})", self.algorithms())
    }
}

impl SigningKeys {
    /// Loads the keys. On the first start makes the one that signs with Ed25519 and the one to follow it.
    pub async fn load(
        store: Arc<dyn Store>,
        master: KeyRing,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        policy: KeyPolicy,
    ) -> Result<Self, KeyError> {
        measures::describe();
        let vault = Arc::new(Vault::new(master, random));
        let rows = store.keys().await?;
        let mut ages = Ages::default();
        ages.observe(&rows, clock.now(), clock.uptime());
        let keys = Self {
            ring: RwLock::new(Arc::new(Ring::open(&rows, &vault, &policy)?)),
            store,
            clock,
            policy,
            vault,
            ages: Mutex::new(ages),
            changing: tokio::sync::Mutex::new(()),
        };
        let known = keys.known(&rows)?;
        let mut change = Change::default();
        for algorithm in life::algorithms(&known, &keys.policy) {
            change.extend(life::missing(&known, algorithm));
        }
        if !change.is_empty() {
            keys.carry_out(change, keys.by_itself("key.create")).await?;
        }
        Ok(keys)
    }

    /// A compact JWS of `claims` of type `typ`, under the active key of `algorithm`.
    /// [`KeyError::Disabled`] if the algorithm is switched off, [`KeyError::NoneActive`] if there was no
    /// use for it yet ([`Self::ensure`]).
    pub fn sign<C: Serialize>(
        &self,
        algorithm: Algorithm,
        typ: &str,
        claims: &C,
    ) -> Result<String, KeyError> {
        self.allowed(algorithm)?;
        let ring = self.ring();
        let key = ring
            .signer(algorithm)
            .ok_or(KeyError::NoneActive(algorithm))?;
        Ok(key.sign(typ, claims)?)
    }

    /// As [`Self::sign`], of claims that may be long, into room for `capacity` bytes.
    pub fn sign_long<C: Serialize>(
        &self,
        algorithm: Algorithm,
        typ: &str,
        claims: &C,
        capacity: usize,
    ) -> Result<String, KeyError> {
        self.allowed(algorithm)?;
        let ring = self.ring();
        let key = ring
            .signer(algorithm)
            .ok_or(KeyError::NoneActive(algorithm))?;
        Ok(key.sign_long(typ, claims, capacity)?)
    }

    /// The published keys, to verify what this control plane signed.
    pub fn verifying(&self) -> Arc<VerifyingKeys> {
        Arc::clone(self.ring().verifying())
    }

    /// The key set as JSON (RFC 7517), the keys that sign first. The same allocation until it changes.
    pub fn jwks(&self) -> Arc<Vec<u8>> {
        Arc::clone(self.ring().jwks())
    }

    /// The algorithms that tokens can be signed with now.
    pub fn algorithms(&self) -> Vec<Algorithm> {
        self.ring().algorithms()
    }

    /// Makes the keys of `algorithm` if it has none. [`KeyError::Disabled`] if it is switched off.
    ///
    /// Its first key signs at once: a client that cached the key set within the last [`crate::JWKS_MAX_AGE`]
    /// and does not ask again when it meets an unknown key refuses it until then.
    pub async fn ensure(&self, algorithm: Algorithm) -> Result<(), KeyError> {
        self.allowed(algorithm)?;
        if self.ring().signer(algorithm).is_some() {
            return Ok(());
        }
        let _turn = self.changing.lock().await;
        let rows = self.observed().await?;
        let change = life::missing(&self.known(&rows)?, algorithm);
        if change.is_empty() {
            return self.adopt(&rows);
        }
        self.carry_out(change, self.by_itself("key.create")).await
    }

    /// Lets the next key of `algorithm`, or of every one in use, sign at once; retires the active one and
    /// publishes another to follow. `audit` is written with the change. [`KeyError::TooSoon`] if a next key
    /// has not been published for as long as the key set may be cached, unless it must be `now`.
    pub async fn rotate(
        &self,
        algorithm: Option<Algorithm>,
        now: bool,
        audit: Audit,
    ) -> Result<(), KeyError> {
        if let Some(algorithm) = algorithm {
            self.allowed(algorithm)?;
        }
        let _turn = self.changing.lock().await;
        let rows = self.observed().await?;
        let keys = self.known(&rows)?;
        let time = self.clock.now();
        let mut rotated = life::algorithms(&keys, &self.policy);
        rotated.retain(|one| algorithm.is_none_or(|only| only == *one));
        let mut change = Change::default();
        for &one in &rotated {
            let wait = life::wait(&keys, one, time);
            if !now && !wait.is_zero() {
                return Err(KeyError::TooSoon(wait));
            }
            change.extend(life::rotation(&keys, one));
        }
        if let Some(algorithm) = algorithm.filter(|_| change.is_empty()) {
            return Err(KeyError::NoneActive(algorithm));
        }
        self.carry_out(change, audit).await?;
        rotated.into_iter().for_each(measures::rotated);
        Ok(())
    }

    /// Takes the key out of use for good, whatever it signed: it leaves the key set, its private part is
    /// destroyed, and its revocation is told on the feed. If it signed, the next key takes its place at
    /// once. `audit` is written with the change. [`KeyError::Unknown`] if it is not in the key set.
    pub async fn revoke(&self, kid: &str, audit: Audit) -> Result<(), KeyError> {
        let _turn = self.changing.lock().await;
        let rows = self.observed().await?;
        let change = life::revocation(&self.known(&rows)?, &kid.to_owned(), &self.policy);
        let Some(change) = change else {
            return Err(KeyError::Unknown(kid.to_owned()));
        };
        let expires_at = audit.at + self.policy.told();
        let audit = Audit {
            object: Some(kid.to_owned()),
            ..audit
        };
        // Neither the revocation itself nor anything after it may be signed by this key, and the feed
        // reads the log as soon as it is written. So the key is put down before that.
        let before = self.ring();
        self.replace(before.without(kid, self.successor(&change, &rows)?)?);
        match self.write_revocation(kid, &change, expires_at, audit).await {
            Ok(()) => self.adopt(&self.observed().await?),
            // It may have been written: the next tick finds out. Until then the key stays down.
            Err(KeyError::Store(error)) if !error.is_undone() => Err(error.into()),
            Err(error) => {
                self.restore(before);
                Err(error)
            }
        }
    }

    async fn write_revocation(
        &self,
        kid: &str,
        change: &Change<String>,
        expires_at: Timestamp,
        audit: Audit,
    ) -> Result<(), KeyError> {
        let new = self.create(change, audit.at).await?;
        let others = change.moves.iter().filter(|(name, _)| name != kid);
        let others = others.cloned().collect();
        let written = self
            .store
            .key_revoke(kid, new, others, expires_at, audit)
            .await?;
        if written {
            Ok(())
        } else {
            Err(KeyError::Unknown(kid.to_owned()))
        }
    }

    /// Does what is due: keys whose tokens have expired everywhere go, the next one takes over on
    /// schedule, what is missing is made. Follows the store where memory does not agree with it. For
    /// housekeeping, every minute.
    pub async fn tick(&self) -> Result<(), KeyError> {
        let _turn = self.changing.lock().await;
        let mut rows = self.observed().await?;
        // They differ after a change of which it was unknown whether it was written.
        if !self.ring().agrees(&rows) {
            self.adopt(&rows)?;
        }
        let policy = self.declared().await?;
        // No key can be due twice in one round: each state lasts longer than that.
        for _ in 0..=rows.len() + Algorithm::ALL.len() {
            let now = self.clock.now();
            let due = life::first_due(&self.known(&rows)?, &policy, now);
            let Some(due) = due.filter(|due| due.at <= now) else {
                break;
            };
            let action = match due.why {
                Why::Missing => "key.create",
                Why::Outlived => "key.remove",
                Why::Scheduled => "key.rotate",
            };
            let rotated = due.change.created.first().map(|(algorithm, _)| *algorithm);
            self.carry_out(due.change, self.by_itself(action)).await?;
            if due.why == Why::Scheduled {
                rotated.into_iter().for_each(measures::rotated);
            }
            rows = self.observed().await?;
        }
        measures::standing(&self.known(&rows)?);
        Ok(())
    }

    /// What would happen from now for as long as `horizon`, in order, and whether that is all of it: at
    /// most [`crate::PLAN_LIMIT`] moves are told.
    pub async fn plan(&self, horizon: Duration) -> Result<(Vec<Planned>, bool), KeyError> {
        let _turn = self.changing.lock().await;
        let rows = self.observed().await?;
        let keys = self.known(&rows)?.into_iter().map(|key| Key {
            name: PlannedKey::Kid(key.name),
            algorithm: key.algorithm,
            state: key.state,
            published_at: key.published_at,
            changed_at: key.changed_at,
        });
        let policy = self.declared().await?;
        Ok(foretell(keys.collect(), &policy, self.clock.now(), horizon))
    }

    /// The policy with what is declared of single algorithms as of now.
    async fn declared(&self) -> Result<KeyPolicy, KeyError> {
        let mut policy = self.policy;
        for schedule in self.store.key_schedules().await? {
            // One of a later version says nothing of the keys that there are.
            if let Some(algorithm) = Algorithm::parse(&schedule.algorithm) {
                let every = Duration::from_secs(schedule.rotate_every);
                policy.schedules.set(algorithm, every);
            }
        }
        Ok(policy)
    }

    fn allowed(&self, algorithm: Algorithm) -> Result<(), KeyError> {
        if self.policy.allows(algorithm) {
            Ok(())
        } else {
            Err(KeyError::Disabled(algorithm))
        }
    }

    fn by_itself(&self, action: &'static str) -> Audit {
        Audit::allowed(self.clock.now(), AuditActor::System, action)
    }

    /// The stored keys, taken note of.
    async fn observed(&self) -> Result<Vec<KeyRow>, KeyError> {
        let rows = self.store.keys().await?;
        let mut ages = self.ages.lock().unwrap_or_else(PoisonError::into_inner);
        ages.observe(&rows, self.clock.now(), self.clock.uptime());
        drop(ages);
        Ok(rows)
    }

    fn known(&self, rows: &[KeyRow]) -> Result<Vec<Key<String>>, KeyError> {
        let ages = self.ages.lock().unwrap_or_else(PoisonError::into_inner);
        ages.keys(rows, self.clock.now(), self.clock.uptime())
    }

    /// Writes a change and takes up what results from it.
    async fn carry_out(&self, change: Change<String>, audit: Audit) -> Result<(), KeyError> {
        // A key that will not open must not become the one that signs.
        self.successor(&change, &self.store.keys().await?)?;
        let new = self.create(&change, audit.at).await?;
        let audit = Audit {
            object: Some(told(&change, &new)),
            ..audit
        };
        self.store.keys_change(new, change.moves, audit).await?;
        self.adopt(&self.observed().await?)
    }

    /// The key that the change makes sign, opened; none if it makes one for that.
    fn successor(
        &self,
        change: &Change<String>,
        rows: &[KeyRow],
    ) -> Result<Option<sealgate_jose::SigningKey>, KeyError> {
        let mut opened = None;
        for (kid, _) in change
            .moves
            .iter()
            .filter(|(_, to)| *to == KeyState::Active)
        {
            let row = rows.iter().find(|row| row.kid == *kid);
            let row = row.ok_or_else(|| KeyError::Unknown(kid.clone()))?;
            opened = Some(self.vault.open(row)?);
        }
        Ok(opened)
    }

    /// Makes the change's keys on a thread where that holds nobody up.
    async fn create(
        &self,
        change: &Change<String>,
        at: Timestamp,
    ) -> Result<Vec<KeyRow>, KeyError> {
        let (vault, created) = (Arc::clone(&self.vault), change.created.clone());
        let make = move || {
            let made = created
                .into_iter()
                .map(|(algorithm, state)| vault.create(algorithm, state, at));
            made.collect()
        };
        tokio::task::spawn_blocking(make)
            .await
            .map_err(|error| KeyError::Unmade(error.to_string()))?
    }

    fn adopt(&self, rows: &[KeyRow]) -> Result<(), KeyError> {
        self.replace(Ring::open(rows, &self.vault, &self.policy)?);
        Ok(())
    }

    fn ring(&self) -> Arc<Ring> {
        Arc::clone(&self.ring.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn replace(&self, ring: Ring) {
        self.restore(Arc::new(ring));
    }

    fn restore(&self, ring: Arc<Ring>) {
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = ring;
    }
}

/// The keys that a change is about, for its record: those that sign from now on, or else those that go,
/// or else those that are made.
fn told(change: &Change<String>, new: &[KeyRow]) -> String {
    let moved = |to: KeyState| {
        let moves = change.moves.iter().filter(move |(_, state)| *state == to);
        let kids = moves.map(|(kid, _)| kid.as_str());
        kids.chain(made(new, to)).collect::<Vec<_>>()
    };
    let told = [KeyState::Active, KeyState::Gone, KeyState::Next].map(moved);
    let first = told.into_iter().find(|kids| !kids.is_empty());
    first.unwrap_or_default().join(" ")
}

fn made(new: &[KeyRow], state: KeyState) -> impl Iterator<Item = &str> {
    let made = new.iter().filter(move |row| row.state == state);
    made.map(|row| row.kid.as_str())
}

#[cfg(test)]
mod tests;
