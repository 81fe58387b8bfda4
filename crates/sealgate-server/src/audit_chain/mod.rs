//! The audit chain as the control plane keeps it: signed checkpoints, verification, and retention.
//!
//! Every record is chained where it is written (docs/spec/audit-chain.md). Here its end is signed every minute
//! in which something was recorded, and after many records at once, and the checkpoint goes into the database,
//! into a file beside it and into the log.

mod judge;
mod reads;
mod retention;
mod running;
mod verify;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sealgate_audit::chain::{CheckpointClaims, Hash, Judged};
use sealgate_jose::{Algorithm, claimed_key};
use sealgate_session::{Context, SealError};
use sealgate_store::{Audit, AuditActor, AuditKey, Checkpoint, NetworkDetail, StoreError};
use serde_json::Value;

use crate::{ControlPlane, KeyError, metrics};

pub use judge::Judge;
pub(crate) use reads::Reads;
pub(crate) use retention::Retirement;
pub use verify::{verify_database, verify_lines};

/// How often the chain's end is looked at.
const LOOK: Duration = Duration::from_secs(5);

/// How often it is signed, where anything was recorded.
const EVERY: Duration = Duration::from_secs(60);

/// After how many records it is signed sooner.
const RECORDS: i64 = 10_000;

/// What the operator decides about the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AuditPolicy {
    /// How much of callers' addresses records keep.
    pub network: NetworkDetail,
    /// How long records of what was allowed are kept; none: for ever.
    pub keep_allowed: Option<Duration>,
    /// How long records of what was denied are kept; none: for ever.
    pub keep_denied: Option<Duration>,
}

/// What the keeper of the chain knows.
#[derive(Debug, Default)]
pub struct AuditChain {
    /// Held while a checkpoint is made, so that each follows the one before.
    signing: tokio::sync::Mutex<()>,
    /// Held while the chain is verified: it takes a processor, and twice is no surer than once.
    verifying: tokio::sync::Mutex<()>,
    /// The keys that are stored already.
    known: Mutex<HashSet<String>>,
    /// Who has read the records of late.
    pub(crate) reads: Reads,
}

impl AuditChain {
    /// One that knows nothing yet.
    pub fn new() -> Self {
        Self::default()
    }
}

/// Why there is no checkpoint.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckpointError {
    /// The store did not take or tell something.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It could not be signed.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Its key could not be sealed.
    #[error("the key of a checkpoint cannot be kept: {0}")]
    Seal(#[from] SealError),
    /// The key that signed is not in the key set any more.
    #[error("the key that signed a checkpoint is not published any more")]
    KeyGone,
}

impl ControlPlane {
    /// Signs the end of the chain, if it has moved since the last checkpoint; the newest checkpoint.
    pub(crate) async fn checkpoint(&self) -> Result<Option<Checkpoint>, CheckpointError> {
        let _turn = self.chain.signing.lock().await;
        let before = self.store.checkpoint_newest().await?;
        // The history before the end: a checkpoint never says to be of a later history than its record.
        let history = self.store.epoch().await?;
        let head = self.store.chain_head().await?;
        if head.number <= before.as_ref().map_or(0, |before| before.number) {
            return Ok(before);
        }
        let now = self.clock.now();
        let claims = CheckpointClaims {
            iss: self.issuer.as_str().to_owned(),
            iat: now.as_seconds(),
            history,
            number: head.number,
            hash: head.hash,
            previous: before.map(|before| Hash::of(before.token.as_bytes())),
        };
        let token = self
            .keys
            .sign(Algorithm::Ed25519, CheckpointClaims::TYPE, &claims)?;
        let kid = claimed_key(&token).ok().flatten();
        let kid = kid.ok_or(CheckpointError::KeyGone)?;
        let key = self.unknown_key(&kid)?;
        let checkpoint = Checkpoint {
            number: head.number,
            at: now,
            kid: kid.clone(),
            token,
        };
        self.store.checkpoint_add(checkpoint.clone(), key).await?;
        let mut known = self
            .chain
            .known
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        known.insert(kid);
        drop(known);
        metrics::checkpointed(head.number);
        tracing::info!(
            number = checkpoint.number,
            hash = %head.hash,
            checkpoint = checkpoint.token,
            "audit checkpoint"
        );
        Ok(Some(checkpoint))
    }

    /// The public key of `kid`, sealed, unless it is known to be stored.
    fn unknown_key(&self, kid: &str) -> Result<Option<AuditKey>, CheckpointError> {
        let known = self
            .chain
            .known
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if known.contains(kid) {
            return Ok(None);
        }
        drop(known);
        let set: Value = serde_json::from_slice(&self.keys.jwks()).unwrap_or_default();
        let keys = set["keys"].as_array().into_iter().flatten();
        let jwk = keys.into_iter().find(|key| key["kid"] == kid);
        let jwk = jwk.ok_or(CheckpointError::KeyGone)?.to_string();
        let sealed_jwk = self
            .master
            .seal(&key_context(kid), &*self.random, jwk.as_bytes())?;
        Ok(Some(AuditKey {
            kid: kid.to_owned(),
            sealed_jwk,
        }))
    }

    /// Looks whether the chain still says what the checkpoint beside the database was signed over. If not, that
    /// is logged and recorded, and the checkpoint is kept under another name.
    pub(crate) async fn compare_beside(&self) -> Result<(), StoreError> {
        let Some(token) = self.store.checkpoint_beside().await? else {
            return Ok(());
        };
        let keys = self.store.audit_keys().await?;
        let judge = Judge::of_sealed(&keys, Some(&self.master));
        let (said, reason) = match judge.external(&token).judged {
            Judged::Good { claims, .. } => {
                if self.chain_says(claims.number, claims.hash).await? {
                    return Ok(());
                }
                let said = format!("number={} hash={}", claims.number, claims.hash);
                (said, "checkpoint_diverged")
            }
            Judged::Refused { detail, .. } => {
                tracing::warn!(
                    detail,
                    "the checkpoint beside the database cannot be verified"
                );
                return self.store.checkpoint_beside_aside().await;
            }
        };
        tracing::error!(
            said,
            "THE AUDIT LOG IS NOT THE ONE THAT A CHECKPOINT WAS SIGNED OVER: records were removed or changed, or \
             the database was put back from a copy. Look with `sealgate audit verify`"
        );
        let now = self.clock.now();
        let audit = Audit {
            object: Some(said),
            ..Audit::denied(now, AuditActor::System, "audit.diverged", reason)
        };
        self.store.record(audit).await?;
        self.store.checkpoint_beside_aside().await
    }

    /// Whether record `number` has this hash, or was retired.
    async fn chain_says(&self, number: i64, hash: Hash) -> Result<bool, StoreError> {
        let found = self.store.audit_after(number - 1, 1).await?;
        match found.first() {
            Some(row) if row.number == number => Ok(row.hash == Some(hash)),
            Some(_) => {
                let ranges = self.store.retired_after(i64::MIN, u32::MAX).await?;
                Ok(ranges
                    .iter()
                    .any(|range| (range.first..=range.last).contains(&number)))
            }
            None => Ok(false),
        }
    }
}

/// What the sealed key of a checkpoint is bound to. Not to the issuer: a control plane that moves to another
/// name keeps its records.
fn key_context(kid: &str) -> Context<'_> {
    Context {
        purpose: "audit-key",
        cookie: kid,
        client: "",
        issuer: "",
    }
}

/// Signs the chain's end as long as the server runs.
pub(crate) async fn keep(plane: Arc<ControlPlane>) {
    let mut rounds = tokio::time::interval(LOOK);
    rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (mut signed, mut at) = (0, plane.clock.uptime());
    loop {
        rounds.tick().await;
        let head = plane.store.chain_head().await.map_or(0, |head| head.number);
        let now = plane.clock.uptime();
        let due = head > signed && (head - signed >= RECORDS || now.since(at) >= EVERY);
        // At the first look as well: what was recorded while no server ran is signed then.
        if !due && signed > 0 {
            continue;
        }
        at = now;
        match plane.checkpoint().await {
            Ok(checkpoint) => signed = checkpoint.map_or(0, |checkpoint| checkpoint.number),
            Err(error) => tracing::warn!(%error, "the audit log was not signed"),
        }
    }
}
