//! Subscribers of a feed, many in one process: they read what comes, and do nothing with it but note when all
//! of them have it.
//!
//! Each line of JSON on stdin opens streams, and is answered with one line once each of them has brought its
//! first event. From then on, whatever revokes something is answered with one line when the last stream has
//! brought it: its key (the `jti` or `sid`), and when the first and the last had it, in seconds since 1970.

use std::cell::RefCell;
use std::collections::HashMap;
use std::error::Error;
use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::sync::mpsc;
use tokio::task::LocalSet;

/// What to open.
#[derive(Deserialize)]
struct Plan {
    /// `HOST:PORT`.
    address: String,
    /// The path and query.
    target: String,
    /// Values of `Authorization`, which streams have in turn.
    authorizations: Vec<String>,
    streams: usize,
}

/// Who has brought what.
#[derive(Default)]
struct Seen {
    streams: usize,
    /// By key: how many have it, and since when the first of them.
    keys: HashMap<String, (usize, f64)>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    LocalSet::new().run_until(serve()).await
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let seen = Rc::new(RefCell::new(Seen::default()));
    let (lines, mut asked) = mpsc::unbounded_channel();
    // Stdin is read on a thread: when it ends, so does the process.
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            let _ = lines.send(line);
        }
        std::process::exit(0);
    });
    while let Some(line) = asked.recv().await {
        let plan: Plan = serde_json::from_str(&line)?;
        let (ready, mut first) = mpsc::unbounded_channel();
        for place in 0..plan.streams {
            let authorization = &plan.authorizations[place % plan.authorizations.len()];
            let stream = open(&plan, authorization).await?;
            let (ready, seen) = (ready.clone(), Rc::clone(&seen));
            tokio::task::spawn_local(async move {
                if let Err(error) = read(stream, &ready, &seen).await {
                    eprintln!("a stream failed: {error}");
                    std::process::exit(1);
                }
            });
        }
        for _ in 0..plan.streams {
            first.recv().await;
        }
        seen.borrow_mut().streams += plan.streams;
        println!("{}", json!({"open": seen.borrow().streams}));
    }
    Ok(())
}

async fn open(
    plan: &Plan,
    authorization: &str,
) -> Result<BufReader<OwnedReadHalf>, Box<dyn Error>> {
    let stream = TcpStream::connect(&plan.address).await?;
    stream.set_nodelay(true)?;
    let (reader, mut writer) = stream.into_split();
    let head = format!(
        "GET {} HTTP/1.1\r\nhost: {}\r\nauthorization: {authorization}\r\naccept: text/event-stream\r\n\r\n",
        plan.target, plan.address
    );
    writer.write_all(head.as_bytes()).await?;
    writer.forget();
    // Small: there are many of them in one process.
    let mut reader = BufReader::with_capacity(2048, reader);
    let mut line = String::new();
    reader.read_line(&mut line).await?;
    if line.split(' ').nth(1) != Some("200") {
        return Err(format!("the stream was answered {line}").into());
    }
    Ok(reader)
}

/// Reads lines. Chunk sizes and headers are lines as well, and none of them begins with `data: `.
async fn read(
    mut stream: BufReader<OwnedReadHalf>,
    ready: &mpsc::UnboundedSender<()>,
    seen: &RefCell<Seen>,
) -> Result<(), Box<dyn Error>> {
    let mut line = String::new();
    let mut is_first = true;
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Err("it ended".into());
        }
        let Some(token) = line.strip_prefix("data: ") else {
            continue;
        };
        if std::mem::take(&mut is_first) {
            let _ = ready.send(());
        }
        if let Some(key) = key(token.trim())? {
            note(&mut seen.borrow_mut(), &key);
        }
    }
}

/// What a message revokes; nothing for a heartbeat.
fn key(token: &str) -> Result<Option<String>, Box<dyn Error>> {
    let payload = token.split('.').nth(1).ok_or("a message is no token")?;
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload)?)?;
    let subject = &claims["events"]["urn:sealgate:event:revoked"]["subject"];
    let key = subject["jti"].as_str().or(subject["sid"].as_str());
    Ok(key.map(str::to_owned))
}

fn note(seen: &mut Seen, key: &str) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0.0, |since| since.as_secs_f64());
    let all = seen.streams;
    let entry = seen.keys.entry(key.to_owned()).or_insert((0, now));
    entry.0 += 1;
    if entry.0 == all {
        println!("{}", json!({"key": key, "first": entry.1, "last": now}));
        seen.keys.remove(key);
    }
}
