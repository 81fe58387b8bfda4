//! The least that a durable token server does: take a request, sign a token with Ed25519, and answer
//! once a row is on the disk. It looks nobody up, checks nothing and keeps no trace: what a server
//! could give at best on this machine, with the product's own libraries.
//!
//! `floor ADDRESS DIR` serves `POST /oauth/token`, with its database in DIR.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::signature::Ed25519KeyPair;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderName, StatusCode};
use axum::routing::post;
use axum::serve::ListenerExt as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rusqlite::Connection;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

const ISSUER: &str = "https://id.example.com";
const CLIENT: &str = "benchmark";
const LIFETIME: u64 = 300;

/// How many rows one commit carries at most, as in the product.
const BATCH: usize = 256;

struct Floor {
    key: Ed25519KeyPair,
    header: String,
    rows: mpsc::Sender<Row>,
}

/// A row to be written, and whom to tell once it is.
struct Row {
    at: u64,
    jti: String,
    written: oneshot::Sender<()>,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    exp: u64,
    iat: u64,
    jti: &'a str,
    client_id: &'a str,
    scope: &'a str,
}

#[derive(Serialize)]
struct Answer {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
    scope: &'static str,
}

// One thread answers, because one processor is all it has: nothing is faster there.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(address), Some(dir)) = (arguments.next(), arguments.next()) else {
        return Err("usage: floor ADDRESS DIR".into());
    };
    let connection = open(Path::new(&dir))?;
    let (rows, waiting) = mpsc::channel(1024);
    std::thread::spawn(move || write(&connection, waiting).expect("the database takes rows"));

    let floor = Arc::new(Floor {
        key: Ed25519KeyPair::generate().map_err(|_| "no key")?,
        header: URL_SAFE_NO_PAD.encode(r#"{"alg":"EdDSA","kid":"floor","typ":"at+jwt"}"#),
        rows,
    });
    let app = Router::new()
        .route("/oauth/token", post(token))
        .with_state(floor);
    let listener = TcpListener::bind(address).await?.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, app).await?;
    Ok(())
}

async fn token(
    State(floor): State<Arc<Floor>>,
    _form: Bytes,
) -> Result<([(HeaderName, &'static str); 2], Vec<u8>), StatusCode> {
    let failed = |_| StatusCode::INTERNAL_SERVER_ERROR;
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |since| since.as_secs());
    let mut random = [0; 16];
    aws_lc_rs::rand::fill(&mut random).map_err(failed)?;
    let jti = URL_SAFE_NO_PAD.encode(random);
    let access_token = floor.sign(&Claims {
        iss: ISSUER,
        sub: CLIENT,
        aud: ISSUER,
        exp: now + LIFETIME,
        iat: now,
        jti: &jti,
        client_id: CLIENT,
        scope: "reports",
    });
    let (written, on_disk) = oneshot::channel();
    let row = Row {
        at: now,
        jti,
        written,
    };
    let unwritten = |_| StatusCode::SERVICE_UNAVAILABLE;
    floor
        .rows
        .try_send(row)
        .map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    on_disk.await.map_err(unwritten)?;
    let answer = Answer {
        access_token,
        token_type: "Bearer",
        expires_in: LIFETIME,
        scope: "reports",
    };
    let headers = [
        (CONTENT_TYPE, "application/json"),
        (CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, serde_json::to_vec(&answer).unwrap_or_default()))
}

impl Floor {
    fn sign(&self, claims: &Claims<'_>) -> String {
        let claims = serde_json::to_vec(claims).unwrap_or_default();
        let mut token = String::with_capacity(512);
        token.push_str(&self.header);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(claims, &mut token);
        let signature = self.key.sign(token.as_bytes());
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature.as_ref(), &mut token);
        token
    }
}

fn open(dir: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(dir.join("floor.db"))?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_row| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update_and_check(None, "wal_autocheckpoint", 4_000, |_row| Ok(()))?;
    connection.pragma_update(None, "cache_size", -16_000)?;
    connection.execute_batch(
        "CREATE TABLE issued (
            number INTEGER NOT NULL PRIMARY KEY,
            at     INTEGER NOT NULL,
            client TEXT    NOT NULL,
            jti    TEXT    NOT NULL
        ) STRICT",
    )?;
    Ok(connection)
}

/// Writes whatever waits in one transaction, and tells everybody after the one commit.
fn write(connection: &Connection, mut waiting: mpsc::Receiver<Row>) -> rusqlite::Result<()> {
    let mut told = Vec::with_capacity(BATCH);
    while let Some(first) = waiting.blocking_recv() {
        // Those who are about to hand in a row do so first: one sync of the disk is for all of them.
        std::thread::yield_now();
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute(())?;
        let mut insert = connection
            .prepare_cached("INSERT INTO issued (at, client, jti) VALUES (?1, ?2, ?3)")?;
        let mut next = Some(first);
        while let Some(row) = next {
            insert.execute((row.at.cast_signed(), CLIENT, &row.jti))?;
            told.push(row.written);
            next = if told.len() < BATCH {
                waiting.try_recv().ok()
            } else {
                None
            };
        }
        connection.prepare_cached("COMMIT")?.execute(())?;
        for written in told.drain(..) {
            let _ = written.send(());
        }
    }
    Ok(())
}
