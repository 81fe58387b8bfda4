//! What it costs the gate to put a decision down for the control plane's log, beside the same decision that nobody
//! notes at all.
//!
//! It speaks the protocol of benches/programs/rounds.py: a line `{"of": "noted" or "bare", "settings": {…},
//! "headers": [[name, value], …]}` first, then a line for each round, which it answers with `{"median": …, "p99": …,
//! "calls": …}` in microseconds for one decision. The gate follows a running control plane, so that what is noted
//! is brought there in the background, by a thread of its own, as it is behind an application.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{BufRead as _, Write as _, stdin, stdout};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sealgate_gate::{
    About, Decided, Decision, Gate, Host, Kinds, Need, Request, Requirement, Settings, Transport,
    Verb,
};
use serde::{Deserialize, Serialize};

/// Calls of one round. They take a few milliseconds: much less than what fills the room for records.
const CALLS: usize = 4_000;

#[derive(Deserialize)]
struct Given {
    of: String,
    settings: BTreeMap<String, String>,
    headers: Vec<(String, String)>,
}

#[derive(Serialize)]
struct Round {
    median: f64,
    p99: f64,
    calls: usize,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut lines = stdin().lock().lines();
    let given: Given = serde_json::from_str(&lines.next().ok_or("nothing was asked for")??)?;
    let lookup = |name: &str| {
        let name = name.strip_prefix("SEALGATE_")?.to_lowercase();
        given.settings.get(&name).cloned()
    };
    let settings = Settings::from_lookup(lookup)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let entered = runtime.enter();
    let host = Host::system(&settings)?;
    let gate = Gate::new(settings, host)?;
    drop(entered);
    let following = Arc::clone(&gate);
    runtime.spawn(async move { following.follow().await });
    runtime.block_on(gate.wait_ready(Duration::from_secs(20)));

    let pairs = given.headers.iter();
    let headers: Vec<(&[u8], &[u8])> = pairs
        .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
        .collect();
    let requirement = Requirement::Actor(Need::of(Kinds::ANY));
    let route: Arc<str> = "/items/{id}".into();
    let decide = |noted: bool| {
        let request = Request {
            transport: Transport::Http,
            method: "GET",
            path: "/items/1",
            query: b"",
            headers: &headers,
        };
        let Decision::Allow(allowed) = gate.decide(&request, &requirement) else {
            return false;
        };
        if noted {
            let about = About {
                route: Some(Arc::clone(&route)),
                method: Verb::of("GET"),
                transport: Transport::Http,
                address: Some([192, 0, 2, 7].into()),
                trace: None,
            };
            let caller = allowed.caller.as_ref();
            gate.note(about, Decided::Allowed, "".into(), None, caller);
        }
        allowed.caller.is_some()
    };
    let noted = match given.of.as_str() {
        "noted" => true,
        "bare" => false,
        _ => return Err("it is noted or bare".into()),
    };
    if !decide(noted) || (noted && !gate.is_noting()) {
        return Err("the request was not let in, or nobody takes records".into());
    }
    let mut out = stdout().lock();
    writeln!(out, "{{}}")?;
    out.flush()?;
    for line in lines {
        line?;
        let mut spans = Vec::with_capacity(CALLS);
        for _ in 0..CALLS {
            let begun = Instant::now();
            let passed = decide(noted);
            spans.push(begun.elapsed());
            if !passed {
                return Err("a request was not let in".into());
            }
        }
        spans.sort_unstable();
        let micros = |place: usize| spans[place].as_secs_f64() * 1e6;
        let round = Round {
            median: micros(CALLS / 2),
            p99: micros(CALLS / 100 * 99),
            calls: CALLS,
        };
        writeln!(out, "{}", serde_json::to_string(&round)?)?;
        out.flush()?;
    }
    Ok(())
}
