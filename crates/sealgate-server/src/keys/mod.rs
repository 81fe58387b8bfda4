//! The signing keys: next → active → retiring → gone.
//!
//! A key is published before it signs and stays published while anything it signed can still be
//! presented, so that a rotation never fails a token that is good. Private parts rest in the store
//! sealed under the master key; in memory only the active one is open.

mod plan;
mod prepared;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use sealgate_jose::{JoseError, Jwk, JwkSet, SigningKey, VerifyingKeys};
use sealgate_model::{Clock, Random, Timestamp};
use sealgate_session::{Context, KeyRing, SealError};
use sealgate_store::{Audit, AuditActor, KeyRow, KeyState, Store, StoreError};
use serde::Serialize;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::{ControlPlane, Lifetimes};
use plan::Plan;
pub(crate) use prepared::Prepared;

/// How long a JWKS may be cached: a key that stops signing stays published for at least this long
/// after the last token it signed.
pub(crate) const JWKS_MAX_AGE: Duration = Duration::from_secs(300);

/// Room for clocks that disagree.
const MARGIN: Duration = Duration::from_secs(60);

/// A failure to load, rotate or use the signing keys.
#[derive(Debug, Error)]
pub enum KeyError {
    /// The store could not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A private part does not open: another master key sealed it, or it was altered.
    #[error("the private part of signing key {kid} does not open: {source}")]
    Sealed {
        /// Which key.
        kid: String,
        /// Why.
        source: SealError,
    },
    /// A stored key is not a key.
    #[error("signing key {0} is not readable")]
    Unreadable(String),
    /// A key could not be made or used.
    #[error(transparent)]
    Jose(#[from] JoseError),
    /// The next key is not known yet to every client that has cached the key set.
    #[error(
        "the next key was published too short a time ago: clients that have cached the key set would \
         refuse what it signs for another {} s",
        .0.as_millis().div_ceil(1000)
    )]
    TooSoon(Duration),
    /// There is no key to sign with.
    #[error("there is no active signing key")]
    NoneActive,
}

impl KeyError {
    /// The stable reason code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Store(error) => error.code(),
            Self::Sealed { .. } => "key_sealed",
            Self::Unreadable(_) => "key_unreadable",
            Self::Jose(error) => error.code(),
            Self::TooSoon(_) => "key_too_soon",
            Self::NoneActive => "key_none_active",
        }
    }
}

/// The keys as they stand between two changes.
struct Ring {
    active: SigningKey,
    states: Vec<(String, KeyState)>,
    verifying: Arc<VerifyingKeys>,
    jwks: Prepared,
}

/// The signing keys in memory.
pub struct SigningKeys {
    ring: RwLock<Arc<Ring>>,
    /// Held over a change, so that two rotations follow one another.
    changing: tokio::sync::Mutex<()>,
}

impl std::fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKeys({:?})", self.ring().active)
    }
}

impl SigningKeys {
    /// Loads the keys, making on the first start the active one and the one to follow it, and
    /// dropping what is past its time.
    pub async fn load(
        store: &Arc<dyn Store>,
        master: &KeyRing,
        clock: &Arc<dyn Clock>,
        random: &Arc<dyn Random>,
        lifetimes: &Lifetimes,
    ) -> Result<Self, KeyError> {
        let vault = Vault {
            store: store.as_ref(),
            master,
            random: random.as_ref(),
        };
        let now = clock.now();
        let rows = vault.store.keys().await?;
        let plan = Plan::upkeep(&rows, now, kept(lifetimes));
        let ring = vault
            .carry_out(plan, Audit::allowed(now, AuditActor::System, "key.create"))
            .await?;
        Ok(Self {
            ring: RwLock::new(Arc::new(ring)),
            changing: tokio::sync::Mutex::new(()),
        })
    }

    /// A compact JWS of `claims` of type `typ`, under the active key.
    pub fn sign<C: Serialize>(&self, typ: &str, claims: &C) -> Result<String, JoseError> {
        self.ring().active.sign(typ, claims)
    }

    /// The published keys, to verify what this control plane signed.
    pub fn verifying(&self) -> Arc<VerifyingKeys> {
        Arc::clone(&self.ring().verifying)
    }

    /// The JWKS, ready to be sent.
    pub(crate) fn jwks(&self) -> Prepared {
        self.ring().jwks.clone()
    }

    /// Lets the next key sign at once, retires the active one and publishes one to follow. `audit` is
    /// written with the change. [`KeyError::TooSoon`] if the next key has not been published for as long
    /// as the key set may be cached, unless it must be `now`.
    pub async fn rotate(
        &self,
        plane: &ControlPlane,
        now: bool,
        audit: Audit,
    ) -> Result<(), KeyError> {
        let _turn = self.changing.lock().await;
        let rows = plane.store.keys().await?;
        let wait = Plan::wait(&rows, plane.clock.now(), JWKS_MAX_AGE);
        if !now && !wait.is_zero() {
            return Err(KeyError::TooSoon(wait));
        }
        let plan = Plan::rotation(&rows);
        self.replace(Vault::of(plane).carry_out(plan, audit).await?);
        Ok(())
    }

    /// Drops retiring keys whose last token has expired everywhere, and follows the store where memory
    /// does not agree with it. For housekeeping, every minute.
    pub async fn tick(&self, plane: &ControlPlane) -> Result<(), KeyError> {
        let _turn = self.changing.lock().await;
        let now = plane.clock.now();
        let rows = plane.store.keys().await?;
        let plan = Plan::upkeep(&rows, now, kept(&plane.lifetimes));
        // They differ after a rotation of which it was unknown whether it was written.
        if !plan.is_empty() || states(&rows) != self.ring().states {
            let audit = Audit::allowed(now, AuditActor::System, "key.remove");
            self.replace(Vault::of(plane).carry_out(plan, audit).await?);
        }
        Ok(())
    }

    fn ring(&self) -> Arc<Ring> {
        Arc::clone(&self.ring.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn replace(&self, ring: Ring) {
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(ring);
    }
}

/// How long a retiring key stays published: while a token it signed lives and a cache may still want
/// the key. ID and access tokens live equally long; feed messages are read at once.
fn kept(lifetimes: &Lifetimes) -> Duration {
    lifetimes.access + JWKS_MAX_AGE + MARGIN
}

/// Where keys rest, and what opens them.
struct Vault<'a> {
    store: &'a dyn Store,
    master: &'a KeyRing,
    random: &'a dyn Random,
}

impl<'a> Vault<'a> {
    fn of(plane: &'a ControlPlane) -> Self {
        Self {
            store: plane.store.as_ref(),
            master: &plane.master,
            random: plane.random.as_ref(),
        }
    }

    /// Writes the plan's changes, if there are any, and opens the ring that results.
    async fn carry_out(&self, plan: Plan, audit: Audit) -> Result<Ring, KeyError> {
        if !plan.is_empty() {
            // A key that will not open must not become the one that signs.
            if let Some(kid) = &plan.activated {
                let rows = self.store.keys().await?;
                let row = rows
                    .iter()
                    .find(|row| row.kid == *kid)
                    .ok_or(KeyError::NoneActive)?;
                self.open(row)?;
            }
            let new = plan
                .created
                .iter()
                .map(|state| self.create(*state, audit.at))
                .collect::<Result<_, _>>()?;
            self.store.keys_change(new, plan.moves(), audit).await?;
        }
        let rows = self.store.keys().await?;
        let active = rows
            .iter()
            .find(|row| row.state == KeyState::Active)
            .ok_or(KeyError::NoneActive)?;
        let active = self.open(active)?;
        let keys: Vec<Jwk> = rows.iter().map(public).collect::<Result<_, _>>()?;
        let set = JwkSet { keys };
        let verifying = Arc::new(VerifyingKeys::from_jwks(&set));
        let body = serde_json::to_vec(&set).map_err(|_| KeyError::Unreadable("set".to_owned()))?;
        let states = states(&rows);
        Ok(Ring {
            active,
            states,
            verifying,
            jwks: Prepared::new("application/jwk-set+json", JWKS_MAX_AGE, body),
        })
    }

    fn create(&self, state: KeyState, now: Timestamp) -> Result<KeyRow, KeyError> {
        // Hexadecimal, because a kid is also typed on command lines.
        let kid = format!("{:016x}", u64::from_be_bytes(self.random.bytes()));
        let seed = Zeroizing::new(self.random.bytes::<32>());
        let key = SigningKey::from_seed(kid.as_str(), &seed)?;
        let public_jwk = serde_json::to_string(&key.public_jwk())
            .map_err(|_| KeyError::Unreadable(kid.clone()))?;
        let sealed_private = self
            .master
            .seal(&context(&kid), self.random, seed.as_slice())
            .map_err(|source| KeyError::Sealed {
                kid: kid.clone(),
                source,
            })?;
        let algorithm = key.algorithm().name().to_owned();
        Ok(KeyRow {
            kid,
            algorithm,
            state,
            sealed_private,
            public_jwk,
            created_at: now,
            changed_at: now,
        })
    }

    fn open(&self, row: &KeyRow) -> Result<SigningKey, KeyError> {
        let opened = self
            .master
            .open(&context(&row.kid), &row.sealed_private)
            .map_err(|source| KeyError::Sealed {
                kid: row.kid.clone(),
                source,
            })?;
        let seed = <&[u8; 32]>::try_from(opened.plain.as_slice());
        let seed = seed.map_err(|_| KeyError::Unreadable(row.kid.clone()))?;
        let key = SigningKey::from_seed(row.kid.as_str(), seed)?;
        // What is published must be what signs.
        if key.public_jwk() == public(row)? {
            Ok(key)
        } else {
            Err(KeyError::Unreadable(row.kid.clone()))
        }
    }
}

fn states(rows: &[KeyRow]) -> Vec<(String, KeyState)> {
    rows.iter()
        .map(|row| (row.kid.clone(), row.state))
        .collect()
}

fn public(row: &KeyRow) -> Result<Jwk, KeyError> {
    serde_json::from_str(&row.public_jwk).map_err(|_| KeyError::Unreadable(row.kid.clone()))
}

/// Not bound to the issuer: a control plane that moves to another name keeps its keys.
fn context(kid: &str) -> Context<'_> {
    Context {
        purpose: "signing-key",
        cookie: kid,
        client: "",
        issuer: "",
    }
}
