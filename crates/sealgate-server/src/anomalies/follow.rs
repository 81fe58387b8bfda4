//! The task that follows the logs and judges what they tell.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sealgate_audit::anomaly::{Engine, Raise};
use sealgate_audit::decision::Stream;
use sealgate_model::{ClientId, Timestamp, Uptime};
use sealgate_store::{AnomalyProgress, AuditRow, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::events::{Act, decisions};
use super::{raise, states};
use crate::{ControlPlane, metrics};

/// Between two looks at the logs.
const ROUND: Duration = Duration::from_secs(1);
/// Records that are read at once, and how many such slices one round takes at most.
const SLICE: u32 = 1_000;
const SLICES: usize = 20;
/// The same of blocks of decisions.
const BLOCKS: u32 = 16;
const BLOCK_SLICES: usize = 16;
/// With so many blocks to go those of what was allowed are passed over: what was denied comes first.
const FAR_BEHIND: u64 = 4_096;
/// How often it is kept how far it has come.
const KEEP: Duration = Duration::from_secs(60);
/// Between two looks at states, and before the first: what follows the feed has to come back after a start.
const STATES: Duration = Duration::from_secs(300);
const FIRST_STATES: Duration = Duration::from_secs(120);
/// Between two looks at states when there is news of them.
const SOON: Duration = Duration::from_secs(5);
/// What is older is learned from, and raises nothing: nobody is to be woken for last year's records on the first
/// start of a version that judges them.
const NEWS: Duration = Duration::from_secs(24 * 3600);
/// The most clients whose secrets' ages are remembered.
const SECRETS: usize = 10_000;

/// What is remembered from one start to the next.
#[derive(Serialize, Deserialize)]
struct Memory {
    engine: Value,
    /// The number of the last block of decisions.
    decisions: u64,
    /// When each client last got another secret.
    secrets: BTreeMap<ClientId, Timestamp>,
}

/// Where it stands.
pub(crate) struct Follower {
    engine: Engine,
    /// The number of the last act that was judged.
    acts: i64,
    /// The number of the last block of decisions.
    decisions: u64,
    secrets: BTreeMap<ClientId, Timestamp>,
    /// What was found and is not written yet.
    found: VecDeque<Raise>,
    /// Whether anything was judged since it was last kept, and when that was.
    dirty: bool,
    kept_at: Uptime,
    forgotten: u64,
}

/// Judges what there is for as long as the process lives.
pub(crate) async fn watch(plane: Arc<ControlPlane>) {
    let mut rounds = tokio::time::interval(ROUND);
    rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut follower: Option<Follower> = None;
    let mut looked_at = plane.clock.uptime();
    let mut states_at = looked_at + FIRST_STATES;
    let mut failing = false;
    loop {
        rounds.tick().await;
        let done = match &mut follower {
            Some(follower) => follower.round(&plane).await,
            None => Follower::load(&plane).await.map(|loaded| {
                follower = Some(loaded);
            }),
        };
        match done {
            Ok(()) => failing = false,
            // Once for an outage, not each second.
            Err(error) if !failing => {
                failing = true;
                tracing::warn!(reason = error.code(), %error, "records are not judged for anomalies");
            }
            Err(_) => {}
        }
        let now = plane.clock.uptime();
        let has_news =
            now.since(looked_at) >= SOON && plane.anomalies.news.swap(false, Ordering::Relaxed);
        if let Some(follower) = &follower
            && (has_news || now >= states_at)
        {
            (looked_at, states_at) = (now, now + STATES);
            states::look_with(&plane, &follower.secrets).await;
        }
    }
}

impl Follower {
    /// Goes on from where it was kept.
    pub(crate) async fn load(plane: &ControlPlane) -> Result<Self, StoreError> {
        let AnomalyProgress { number, memory } = plane.store.anomaly_progress().await?;
        let rules = plane.anomalies.rules();
        let kept: Option<Memory> = serde_json::from_slice(&memory).ok();
        if kept.is_none() && !memory.is_empty() {
            tracing::warn!(
                "what was remembered of records for anomalies cannot be read: it is learned anew"
            );
        }
        let (engine, decisions, secrets) = match kept {
            Some(kept) => {
                let engine = Engine::remembering(rules, &kept.engine);
                (engine, kept.decisions, kept.secrets)
            }
            None => (Engine::new(rules), 0, BTreeMap::new()),
        };
        Ok(Self {
            forgotten: engine.forgotten(),
            engine,
            acts: number,
            decisions,
            secrets,
            found: VecDeque::new(),
            dirty: false,
            kept_at: plane.clock.uptime(),
        })
    }

    /// Judges what has come since, as much as a round takes.
    pub(crate) async fn round(&mut self, plane: &ControlPlane) -> Result<(), StoreError> {
        self.write(plane).await?;
        self.acts(plane).await?;
        self.blocks(plane).await?;
        let forgotten = self.engine.forgotten();
        metrics::anomaly_groups_forgotten(forgotten.saturating_sub(self.forgotten));
        self.forgotten = forgotten;
        let due = plane.clock.uptime().since(self.kept_at) >= KEEP;
        if self.dirty && due {
            self.keep(plane).await?;
        }
        Ok(())
    }

    async fn acts(&mut self, plane: &ControlPlane) -> Result<(), StoreError> {
        for _ in 0..SLICES {
            let rows = plane.store.audit_after(self.acts, SLICE).await?;
            let (Some(last), count) = (rows.last().map(|row| (row.number, row.at)), rows.len())
            else {
                plane.anomalies.lag.acts.store(0, Ordering::Relaxed);
                return Ok(());
            };
            let now = plane.clock.now();
            for row in &rows {
                self.act(row, now);
            }
            self.acts = last.0;
            self.dirty = true;
            let is_all = count < SLICE as usize;
            let lag = if is_all { 0 } else { millis(now.since(last.1)) };
            plane.anomalies.lag.acts.store(lag, Ordering::Relaxed);
            self.write(plane).await?;
            if is_all {
                return Ok(());
            }
            // Others have waited for this thread.
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    fn act(&mut self, row: &AuditRow, now: Timestamp) {
        if row.action == "client.secret"
            && row.outcome == "allowed"
            && let Some(client) = &row.client
            && (self.secrets.len() < SECRETS || self.secrets.contains_key(client))
        {
            self.secrets.insert(client.clone(), row.at);
        }
        if let Some(act) = Act::of(row) {
            let raised = self.engine.judge(&act.event());
            self.found.extend(news(raised, now));
        }
    }

    async fn blocks(&mut self, plane: &ControlPlane) -> Result<(), StoreError> {
        let log = &plane.decisions;
        // A log that was put back from a copy, or begun anew, has not come as far: it is followed from its end.
        self.decisions = self.decisions.min(log.last().await?);
        for _ in 0..BLOCK_SLICES {
            let blocks = log.after(self.decisions, BLOCKS).await?;
            let Some((last, kept_at)) = blocks
                .last()
                .map(|block| (block.number, block.head.kept_at))
            else {
                plane.anomalies.lag.decisions.store(0, Ordering::Relaxed);
                return Ok(());
            };
            let (head, now) = (log.last().await?, plane.clock.now());
            for block in &blocks {
                let is_far = head.saturating_sub(block.number) > FAR_BEHIND;
                if is_far && block.head.stream == Stream::Allowed {
                    metrics::anomaly_blocks_passed_over(1);
                    continue;
                }
                let (engine, found) = (&mut self.engine, &mut self.found);
                decisions(block, |event| found.extend(news(engine.judge(event), now)));
                // A block may hold thousands.
                tokio::task::yield_now().await;
            }
            self.decisions = last;
            self.dirty = true;
            let is_all = last >= head;
            let lag = if is_all {
                0
            } else {
                millis(now.since(kept_at))
            };
            plane.anomalies.lag.decisions.store(lag, Ordering::Relaxed);
            self.write(plane).await?;
            if is_all {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Writes what was found. What cannot be written now is kept for the next round.
    async fn write(&mut self, plane: &ControlPlane) -> Result<(), StoreError> {
        while let Some(next) = self.found.front() {
            raise(plane, next.clone(), false).await?;
            self.found.pop_front();
        }
        Ok(())
    }

    /// Keeps how far it has come. Everything that was found until then is written.
    pub(crate) async fn keep(&mut self, plane: &ControlPlane) -> Result<(), StoreError> {
        self.write(plane).await?;
        let memory = Memory {
            engine: self.engine.memory(),
            decisions: self.decisions,
            secrets: self.secrets.clone(),
        };
        let progress = AnomalyProgress {
            number: self.acts,
            // Maps with text for keys, numbers and text: it can be written.
            memory: serde_json::to_vec(&memory).unwrap_or_default(),
        };
        plane.store.anomaly_progress_keep(progress).await?;
        self.dirty = false;
        self.kept_at = plane.clock.uptime();
        Ok(())
    }
}

fn news(raised: Vec<Raise>, now: Timestamp) -> impl Iterator<Item = Raise> {
    raised
        .into_iter()
        .filter(move |raise| now.since(raise.at) < NEWS)
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
