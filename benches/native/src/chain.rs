//! What the audit chain adds to the writing of a record, and how fast a chain is verified.
//!
//! It speaks the protocol of benches/programs/rounds.py: a line `{"of": "chained", "bare" or "verified"}` first,
//! then a line for each round, which it answers with `{"median": …, "p99": …, "calls": …}` in microseconds for
//! one record. Records are written as the store writes them: a row each, in a savepoint, many to one commit
//! that is on the disk. What is bare is the same without hashes and without the column for them.

use std::error::Error;
use std::io::{BufRead as _, Write as _, stdin, stdout};
use std::time::Instant;

use rusqlite::{Connection, params};
use sealgate_audit::chain::{Hash, Record, Verifier};
use serde::{Deserialize, Serialize};

const BATCHES: usize = 64;
const BATCH: usize = 128;
const KEPT: i64 = 200_000;

#[derive(Deserialize)]
struct Given {
    of: String,
}

#[derive(Serialize)]
struct Round {
    median: f64,
    p99: f64,
    calls: usize,
}

/// A record as the issuance of a token leaves it.
fn record<'a>(at: i64, trace: &'a str, jti: &'a str) -> Record<'a> {
    Record {
        at,
        actor: "client:expense-reports",
        actor_type: Some("machine"),
        credential: Some("client_secret"),
        action: "token.issue",
        outcome: "allowed",
        client: Some("expense-reports"),
        object: Some(jti),
        network: Some("192.0.2.77"),
        route: Some("/oauth/token"),
        trace: Some(trace),
        count: 1,
        policy_version: Some(3),
        ..Record::default()
    }
}

struct Writing {
    connection: Connection,
    chained: bool,
    number: i64,
    head: Hash,
    scratch: Vec<u8>,
}

impl Writing {
    fn new(chained: bool) -> Result<Self, Box<dyn Error>> {
        let name = format!("sealgate-bench-chain-{}-{chained}.db", std::process::id());
        let path = std::env::temp_dir().join(name);
        let connection = Connection::open(&path)?;
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        let hash = if chained { ", hash BLOB NOT NULL" } else { "" };
        connection.execute_batch(&format!(
            "CREATE TABLE audit (number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL,
                actor TEXT NOT NULL, actor_type TEXT, credential TEXT, action TEXT NOT NULL,
                outcome TEXT NOT NULL, reason TEXT NOT NULL, client_id TEXT, object TEXT, network TEXT,
                route TEXT, trace TEXT, count INTEGER NOT NULL, policy_version INTEGER{hash}) STRICT"
        ))?;
        connection.set_prepared_statement_cache_capacity(16);
        Ok(Self {
            connection,
            chained,
            number: 0,
            head: Hash::GENESIS,
            scratch: Vec::new(),
        })
    }

    fn write(&mut self) -> Result<(), Box<dyn Error>> {
        self.number += 1;
        let number = self.number;
        let (trace, jti) = (format!("{number:032x}"), format!("{number:022x}"));
        let one = record(1_795_338_305_000 + number, &trace, &jti);
        let db = &self.connection;
        db.prepare_cached("SAVEPOINT job")?.execute(())?;
        if self.chained {
            let content = one.content(&mut self.scratch);
            self.head = Hash::link(&self.head, number, &content);
        }
        let columns = "number, at, actor, actor_type, credential, action, outcome, reason, client_id, object,
            network, route, trace, count, policy_version";
        let values = "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15";
        let common = params![
            number, one.at, one.actor, one.actor_type, one.credential, one.action, one.outcome, one.reason,
            one.client, one.object, one.network, one.route, one.trace, one.count, one.policy_version,
        ];
        if self.chained {
            let hash = self.head.as_bytes();
            let mut all: Vec<&dyn rusqlite::ToSql> = common.to_vec();
            all.push(&hash);
            let sql = format!("INSERT INTO audit ({columns}, hash) VALUES ({values}, ?16)");
            db.prepare_cached(&sql)?.execute(all.as_slice())?;
        } else {
            let all: Vec<&dyn rusqlite::ToSql> = common.to_vec();
            let sql = format!("INSERT INTO audit ({columns}) VALUES ({values})");
            db.prepare_cached(&sql)?.execute(all.as_slice())?;
        }
        db.prepare_cached("RELEASE job")?.execute(())?;
        Ok(())
    }

    fn round(&mut self) -> Result<Vec<f64>, Box<dyn Error>> {
        let mut times = Vec::with_capacity(BATCHES);
        for _ in 0..BATCHES {
            let began = Instant::now();
            self.connection.execute_batch("BEGIN IMMEDIATE")?;
            for _ in 0..BATCH {
                self.write()?;
            }
            // The sync of the disk is the same on both sides and far longer; it is left out of the time.
            times.push(began.elapsed().as_secs_f64() * 1e6 / BATCH as f64);
            self.connection.execute_batch("COMMIT")?;
        }
        Ok(times)
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        if let Some(path) = self.connection.path() {
            for end in ["", "-wal", "-shm"] {
                let _ = std::fs::remove_file(format!("{path}{end}"));
            }
        }
    }
}

/// A verification of so many records in memory: hashes and the state machine.
fn verified() -> f64 {
    let mut scratch = Vec::new();
    let (mut verifier, mut head) = (Verifier::new(Vec::new(), Vec::new()), Hash::GENESIS);
    let mut spent = 0.0;
    for number in 1..=KEPT {
        let (trace, jti) = (format!("{number:032x}"), format!("{number:022x}"));
        let one = record(number, &trace, &jti);
        head = Hash::link(&head, number, &one.content(&mut scratch));
        let began = Instant::now();
        let content = one.content(&mut scratch);
        verifier.record(number, Some(head), &content, Some((one.action, one.object)));
        spent += began.elapsed().as_secs_f64();
    }
    assert!(verifier.finish().is_sound());
    spent * 1e6 / KEPT as f64
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut lines = stdin().lock().lines();
    let Some(first) = lines.next() else {
        return Err("nothing is asked".into());
    };
    let given: Given = serde_json::from_str(&first?)?;
    let mut writing = match given.of.as_str() {
        "chained" => Some(Writing::new(true)?),
        "bare" => Some(Writing::new(false)?),
        "verified" => None,
        other => return Err(format!("nobody knows {other}").into()),
    };
    let mut out = stdout().lock();
    writeln!(out, "{}", serde_json::json!({ "ready": true }))?;
    out.flush()?;
    for line in lines {
        line?;
        let mut times = match &mut writing {
            Some(writing) => writing.round()?,
            None => vec![verified()],
        };
        times.sort_by(f64::total_cmp);
        let round = Round {
            median: times[times.len() / 2],
            p99: times[times.len() * 99 / 100],
            calls: BATCHES * BATCH,
        };
        writeln!(out, "{}", serde_json::to_string(&round)?)?;
        out.flush()?;
    }
    Ok(())
}
