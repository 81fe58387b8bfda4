//! The least that a durable feed does: take a request, write one row to the disk, and send as many bytes as
//! the product's message has to everybody who listens. It signs nothing, and looks nobody up.
//!
//! `broadcast ADDRESS DIR` serves `GET /feed/events` and `POST /oauth/revoke`, with its database in DIR.

use std::error::Error;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rusqlite::Connection;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast::{Receiver, Sender, channel};
use tokio::time::interval;

struct Floor {
    database: Mutex<Connection>,
    told: Sender<Arc<Vec<u8>>>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(address), Some(dir)) = (arguments.next(), arguments.next()) else {
        return Err("usage: broadcast ADDRESS DIR".into());
    };
    let floor = Arc::new(Floor {
        database: Mutex::new(open(Path::new(&dir))?),
        told: channel(1024).0,
    });
    let listener = TcpListener::bind(address).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let floor = Arc::clone(&floor);
        // A connection that breaks is its reader's business.
        tokio::spawn(async move { serve(&floor, stream).await.is_ok() });
    }
}

async fn serve(floor: &Arc<Floor>, stream: TcpStream) -> std::io::Result<()> {
    let mut stream = BufReader::with_capacity(2048, stream);
    loop {
        let mut lines: Vec<String> = Vec::new();
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            if line.trim().is_empty() {
                break;
            }
            lines.push(line);
        }
        let Some(first) = lines.first() else {
            return Ok(());
        };
        if first.starts_with("GET /feed/events") {
            return listen(stream.into_inner(), floor.told.subscribe()).await;
        }
        if first.starts_with("POST") {
            let length = lines.iter().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length")
                    .then(|| value.trim().parse().ok())?
            });
            let mut body = vec![0; length.unwrap_or(0)];
            stream.read_exact(&mut body).await?;
            revoke(floor, &String::from_utf8_lossy(&body)).await;
        }
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
        stream.get_mut().write_all(answer).await?;
    }
}

async fn listen(mut stream: TcpStream, mut news: Receiver<Arc<Vec<u8>>>) -> std::io::Result<()> {
    let head =
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head).await?;
    let beat = event(&json!({"urn:sealgate:event:heartbeat": {}}));
    let mut beats = interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            _ = beats.tick() => stream.write_all(&beat).await?,
            event = news.recv() => match event {
                Ok(event) => stream.write_all(&event).await?,
                Err(_) => return Ok(()),
            },
        }
    }
}

/// `token=HEADER.PAYLOAD.SIGNATURE`: its `jti` is written down, and then told.
async fn revoke(floor: &Arc<Floor>, form: &str) {
    let payload = form.split('.').nth(1).unwrap_or_default();
    let claims = URL_SAFE_NO_PAD.decode(payload).unwrap_or_default();
    let claims: Value = serde_json::from_slice(&claims).unwrap_or_default();
    let jti = claims["jti"].as_str().unwrap_or_default().to_owned();
    let (row, database) = (jti.clone(), Arc::clone(floor));
    let written = tokio::task::spawn_blocking(move || {
        let database = database.database.lock().map_err(|_| ())?;
        let insert = "INSERT INTO revoked (jti) VALUES (?1)";
        database.execute(insert, (row,)).map_err(|_| ())
    });
    if matches!(written.await, Ok(Ok(1))) {
        let subject = json!({"kind": "token", "jti": jti});
        let entry = json!({"subject": subject, "expires_at": 1_795_000_001_000_u64});
        let _ = floor.told.send(Arc::new(event(
            &json!({"urn:sealgate:event:revoked": entry}),
        )));
    }
}

/// A message as long as the product's, as one chunk.
fn event(event: &Value) -> Vec<u8> {
    let claims = json!({
        "iss": "http://127.0.0.1:49152", "aud": "gate-number-fifty", "iat": 1_795_000_001,
        "jti": "02020202020202020202020202020202",
        "epoch": "0190a0b0c0d0e0f00102030405060708-0102030405060708",
        "seq": 41, "prev": 40, "as_of": 1_795_000_001_000_u64, "events": event,
    });
    let header = r#"{"alg":"EdDSA","kid":"0102030405060708","typ":"secevent+jwt"}"#;
    let encoded = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let parts = [header.as_bytes(), claims.to_string().as_bytes(), &[7; 64]].map(encoded);
    let text = format!(
        "event: set\nid: {}.41\ndata: {}\n\n",
        &claims["epoch"],
        parts.join(".")
    );
    format!("{:x}\r\n{text}\r\n", text.len()).into_bytes()
}

fn open(dir: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(dir.join("broadcast.db"))?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_row| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute_batch(
        "CREATE TABLE revoked (number INTEGER NOT NULL PRIMARY KEY, jti TEXT NOT NULL) STRICT",
    )?;
    Ok(connection)
}
