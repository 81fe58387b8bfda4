//! `sealgate feed watch`: gates as they come and go, and revocations until everybody has applied them.

use std::collections::BTreeMap;
use std::future::pending;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use sealgate_model::ClientId;
use sealgate_server::admin::{FeedGates, GateState, GateView, Receipt, Revocations};
use serde_json::json;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::live::Live;
use super::text;
use crate::door::Door;
use crate::failure::Failure;
use crate::receipt;
use crate::screen::{line_of_json, talk};

/// How often gates are looked at.
const EVERY: Duration = Duration::from_secs(1);
/// For how long a request for revocations is held open, in seconds.
const HELD: &str = "20";
/// How many revocations are read at once: what comes in one go is one act, and gets one receipt.
const AT_ONCE: &str = "100";
/// How many receipts are waited for at a time, and for how long each, in seconds.
const RECEIPTS: usize = 16;
const PATIENCE: u64 = 60;

/// A gate among the others.
type Key = (ClientId, Option<String>, Option<String>);

/// What was seen so far.
struct Watch {
    live: Live,
    json: bool,
    /// Whether nothing was shown yet.
    first: bool,
    states: BTreeMap<Key, GateState>,
    /// The number of the last revocation that was shown.
    seen: u64,
    /// Whether the control plane does not answer.
    away: bool,
}

/// Until the person has seen enough.
pub(super) async fn run(door: &Door, json: bool) -> Result<(), Failure> {
    tokio::select! {
        watched = watch(door, json) => watched,
        pressed = tokio::signal::ctrl_c() => match pressed {
            Ok(()) => Ok(()),
            // It ends the process without our help.
            Err(_) => pending().await,
        },
    }
}

async fn watch(door: &Door, json: bool) -> Result<(), Failure> {
    let first: FeedGates = door.get("/feed/gates", &[]).await?;
    let mut watch = Watch {
        live: Live::new(),
        json,
        first: true,
        states: BTreeMap::new(),
        seen: first.head,
        away: false,
    };
    if watch.gates(&first)? {
        return Ok(());
    }
    let mut looks = interval(EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut receipts = FuturesUnordered::new();
    loop {
        let news = revocations(door, watch.seen);
        tokio::pin!(news);
        // The request for news stays open while gates are looked at and receipts come in.
        let news = loop {
            tokio::select! {
                news = &mut news => break news,
                Some(held) = receipts.next(), if !receipts.is_empty() => {
                    // One that is lost with its connection has nobody to tell.
                    if let Ok(held) = held && watch.receipt(&held)? {
                        return Ok(());
                    }
                }
                _ = looks.tick() => match door.get::<FeedGates>("/feed/gates", &[]).await {
                    Ok(gates) => if watch.gates(&gates)? {
                        return Ok(());
                    },
                    Err(_) => watch.goes_away(),
                },
            }
        };
        let Ok(news) = news else {
            watch.goes_away();
            sleep(EVERY).await;
            continue;
        };
        watch.away = false;
        if watch.revocations(&news)? {
            return Ok(());
        }
        if !news.revocations.is_empty() && receipts.len() < RECEIPTS {
            receipts.push(receipt::hold(door, Some(watch.seen), PATIENCE));
        }
    }
}

/// What was revoked after number `after`, as soon as there is something or the request has been open for
/// long enough.
async fn revocations(door: &Door, after: u64) -> Result<Revocations, Failure> {
    let query = [
        ("after", Some(after.to_string())),
        ("limit", Some(AT_ONCE.to_owned())),
        ("wait", Some(HELD.to_owned())),
    ];
    door.get("/feed/events", &query).await
}

impl Watch {
    /// Shows gates, and tells what has changed of them; whether the reader has gone away.
    fn gates(&mut self, gates: &FeedGates) -> Result<bool, Failure> {
        self.away = false;
        let first = std::mem::take(&mut self.first);
        let mut lines = Vec::new();
        let mut states = BTreeMap::new();
        for gate in &gates.gates {
            let key = key(gate);
            let before = self.states.get(&key).copied();
            states.insert(key, gate.state);
            // On a terminal the block shows those that are there already.
            let is_shown = first && !self.json && self.live.is_terminal();
            if before != Some(gate.state) && !is_shown {
                lines.push(if self.json {
                    line_of_json(&json!({ "at": gates.at, "gate": gate }))
                } else {
                    text::change(gates, gate, before)
                });
            }
        }
        self.states = states;
        if !lines.is_empty() && self.tell(&lines)? {
            return Ok(true);
        }
        if self.json {
            return Ok(false);
        }
        let mut block = vec![String::new()];
        let shown = text::gates(gates);
        block.extend(
            shown
                .data
                .lines()
                .chain(shown.talk.lines())
                .map(str::to_owned),
        );
        self.live.block(block)
    }

    fn revocations(&mut self, news: &Revocations) -> Result<bool, Failure> {
        // A backup that was restored knows of less.
        self.seen = self.seen.min(news.head);
        let mut lines = Vec::new();
        for row in &news.revocations {
            self.seen = self.seen.max(row.seq);
            lines.push(if self.json {
                line_of_json(&json!({ "revocation": row }))
            } else {
                text::revoked(row)
            });
        }
        self.tell(&lines)
    }

    fn receipt(&mut self, held: &Receipt) -> Result<bool, Failure> {
        let line = if self.json {
            line_of_json(&json!({ "receipt": held }))
        } else {
            text::applied(held)
        };
        self.tell(&[line])
    }

    fn tell(&mut self, lines: &[String]) -> Result<bool, Failure> {
        if lines.is_empty() {
            return Ok(false);
        }
        let lines: Vec<String> = lines
            .iter()
            .map(|line| line.trim_end().to_owned())
            .collect();
        self.live.lines(&lines)
    }

    fn goes_away(&mut self) {
        if !self.away {
            self.away = true;
            talk("The control plane does not answer; waiting for it.\n");
        }
    }
}

fn key(gate: &GateView) -> Key {
    (
        gate.client.clone(),
        gate.instance.clone(),
        gate.gate.clone(),
    )
}
