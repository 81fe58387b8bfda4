//! What a lookup in the revocation view costs, and the same in a set of the standard library.
//!
//! It speaks the protocol of benches/programs/rounds.py: a line `{"of": "view" or "set", "ask": "miss" or
//! "hit", "entries": …}` first, then a line for each round, which it answers with
//! `{"median": …, "p99": …, "calls": …}` in microseconds. A single lookup is shorter than the clock can tell:
//! each value is the mean of a thousand.

use std::collections::HashSet;
use std::error::Error;
use std::hint::black_box;
use std::io::{BufRead as _, Write as _, stdin, stdout};
use std::time::{Duration, Instant};

use sealgate_model::{SessionId, Timestamp, Uptime};
use sealgate_revocation::{Credential, Entry, Judgement, Subject, View};
use serde::{Deserialize, Serialize};

const BATCHES: u32 = 1_000;
const BATCH: u32 = 1_000;
const BOUND: Duration = Duration::from_secs(10);

#[derive(Deserialize)]
struct Given {
    of: String,
    ask: String,
    entries: u64,
}

#[derive(Serialize)]
struct Round {
    median: f64,
    p99: f64,
    calls: u32,
}

/// Ids that are as good as random and cost nothing to remember: the generator splitmix64, twice.
fn id(number: u64) -> [u8; 16] {
    let mix = |seed: u64| {
        let mut z = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    };
    let mut id = [0; 16];
    id[..8].copy_from_slice(&mix(2 * number + 1).to_le_bytes());
    id[8..].copy_from_slice(&mix(2 * number + 2).to_le_bytes());
    id
}

enum Known {
    View(View),
    Set(HashSet<u128>),
}

impl Known {
    fn with(of: &str, entries: u64) -> Result<Self, Box<dyn Error>> {
        Ok(match of {
            "view" => {
                let view = View::new();
                for number in 0..entries {
                    view.insert(&Entry {
                        subject: Subject::Session(SessionId::from_bytes(id(number))),
                        expires_at: Timestamp::from_seconds(1_800_000_000),
                        reason: None,
                    });
                }
                view.prove(Uptime::from_elapsed(BOUND));
                Self::View(view)
            }
            "set" => Self::Set(
                (0..entries)
                    .map(|number| u128::from_le_bytes(id(number)))
                    .collect(),
            ),
            other => return Err(format!("nothing is known of {other}").into()),
        })
    }

    /// Whether the session is revoked. The view makes the whole decision that a gate makes of a session,
    /// freshness included.
    fn holds(&self, id: [u8; 16]) -> bool {
        match self {
            Self::View(view) => {
                let credential = Credential {
                    session: Some(SessionId::from_bytes(id)),
                    subject: Some("01928e2a-7c00-7000-8000-0000000000aa"),
                    client: "expense-tracker",
                    key: None,
                    tenant: None,
                    grants: &[],
                    token: None,
                    started_at: Timestamp::from_seconds(1_795_000_000),
                };
                let judged = view.judge(&credential, Uptime::from_elapsed(BOUND), BOUND);
                judged != Judgement::Fresh
            }
            Self::Set(set) => set.contains(&u128::from_le_bytes(id)),
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut lines = stdin().lock().lines();
    let first = lines.next().ok_or("nothing on stdin")??;
    let given: Given = serde_json::from_str(&first)?;
    let known = Known::with(&given.of, given.entries)?;
    let hits = given.ask == "hit";
    // Ids that are known, or ids that follow them.
    let mut next = if hits { 0 } else { given.entries };
    say(&serde_json::json!({ "ready": true }))?;
    for line in lines {
        line?;
        let mut taken = Vec::new();
        for _ in 0..BATCHES {
            // Far apart, so that one lookup does not bring in the next one's memory.
            let ids: Vec<_> = (next..next + u64::from(BATCH)).map(id).collect();
            next += u64::from(BATCH);
            if hits {
                next %= given.entries;
            }
            let began = Instant::now();
            let held = ids.iter().filter(|id| known.holds(black_box(**id))).count();
            taken.push(began.elapsed().as_secs_f64() * 1e6 / f64::from(BATCH));
            if held != if hits { ids.len() } else { 0 } {
                return Err("a wrong answer".into());
            }
        }
        taken.sort_by(f64::total_cmp);
        let at = |share: usize| taken[(taken.len() * share / 100).min(taken.len() - 1)];
        say(&Round {
            median: at(50),
            p99: at(99),
            calls: BATCHES * BATCH,
        })?;
    }
    Ok(())
}

fn say(what: &impl Serialize) -> Result<(), Box<dyn Error>> {
    let mut out = stdout().lock();
    serde_json::to_writer(&mut out, what)?;
    writeln!(out)?;
    Ok(out.flush()?)
}
