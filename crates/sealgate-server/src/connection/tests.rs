//! Connections that hold on to their place, over the real protocol stack on paused time.

use std::convert::Infallible;

use axum::Router;
use axum::extract::State;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::sse;
use axum::routing::{get, post};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::task::JoinHandle;

use super::*;
use crate::listen::set_limits;
use crate::request::contain;

/// A peer of a server that answers `/`, reads `/body` and streams `/events` every second.
struct Peer {
    stream: DuplexStream,
    closing: watch::Sender<bool>,
    served: JoinHandle<()>,
}

impl super::Peer for DuplexStream {
    fn address(&self) -> Option<std::net::IpAddr> {
        None
    }

    fn give_up_after(&self, _: Duration) {}
}

async fn in_time(
    State(closing): State<watch::Receiver<bool>>,
    request: axum::extract::Request,
    next: Next,
) -> Response {
    contain(closing, request, |request| next.run(request)).await
}

impl Peer {
    fn connect() -> Self {
        let (stream, far) = duplex(4096);
        let closing = watch::Sender::new(false);
        let events = || async {
            let beat = tokio::time::interval(Duration::from_secs(1));
            sse::Sse::new(futures_util::stream::unfold(beat, |mut beat| async {
                beat.tick().await;
                Some((Ok::<_, Infallible>(sse::Event::default().data("x")), beat))
            }))
        };
        let app = Router::new()
            .route("/", get(|| async { "hello" }))
            .route("/body", post(|_: String| async { "read" }))
            .route("/events", get(events))
            .layer(from_fn_with_state(closing.subscribe(), in_time));
        let (watched, counted) = watch_over(far, app, closing.subscribe(), None);
        let served = tokio::spawn(async move {
            let mut builder = Builder::new(TokioExecutor::new());
            set_limits(&mut builder);
            let service = TowerToHyperService::new(counted);
            let _ = builder
                .serve_connection_with_upgrades(TokioIo::new(watched), service)
                .await;
        });
        Self {
            stream,
            closing,
            served,
        }
    }

    async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// Reads until `text` is there.
    async fn until(&mut self, text: &str) -> String {
        let mut seen = Vec::new();
        while !String::from_utf8_lossy(&seen).contains(text) {
            let mut some = [0; 512];
            let length = self.stream.read(&mut some).await.unwrap();
            assert!(length > 0, "{}", String::from_utf8_lossy(&seen));
            seen.extend_from_slice(&some[..length]);
        }
        String::from_utf8(seen).unwrap()
    }

    /// How long from now the connection lives, in whole seconds, and what it said until then.
    async fn lives_for(mut self) -> (u64, String) {
        let start = Instant::now();
        let mut rest = Vec::new();
        let read = self.stream.read_to_end(&mut rest);
        tokio::time::timeout(Duration::from_secs(3600), read)
            .await
            .expect("the connection is closed")
            .unwrap();
        self.served.await.unwrap();
        let seconds = start.elapsed().as_secs();
        (seconds, String::from_utf8_lossy(&rest).into_owned())
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_says_nothing_or_half_a_greeting_is_closed_after_ten_seconds() {
    for said in [
        "",
        "PRI * HTTP/2.0\r\n",
        "G",
        "GET / HTTP/1.1\r\nHost: a\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let mut peer = Peer::connect();
        peer.send(said.as_bytes()).await;
        assert_eq!(peer.lives_for().await.0, 10, "{said:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn bytes_that_trickle_in_do_not_prolong_a_connection() {
    let mut peer = Peer::connect();
    let start = Instant::now();
    while peer.stream.write_all(b"A").await.is_ok() {
        assert!(start.elapsed() < Duration::from_secs(12));
        sleep(Duration::from_secs(1)).await;
    }
    peer.served.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_refused_after_ten_seconds() {
    let mut peer = Peer::connect();
    peer.send(b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nsome")
        .await;
    let (seconds, answer) = peer.lives_for().await;
    assert_eq!(seconds, 10);
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("body_too_slow"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_comes_in_pieces_is_read() {
    let mut peer = Peer::connect();
    peer.send(b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nso")
        .await;
    sleep(Duration::from_secs(5)).await;
    peer.send(b"me").await;
    peer.until("read").await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_asks_for_nothing_more_is_closed() {
    let mut peer = Peer::connect();
    for _ in 0..3 {
        sleep(Duration::from_secs(9)).await;
        peer.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        peer.until("hello").await;
    }
    assert_eq!(peer.lives_for().await.0, 10);
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_events_lives_until_its_reader_stops_reading() {
    let mut peer = Peer::connect();
    peer.send(b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(3600) {
        peer.until("data: x").await;
    }
    // What is sent from now on fills the pipe, and then nothing is taken any more.
    peer.served.await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(3600 + 600));
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_slow_bodies_or_silent_connections() {
    for said in [
        "",
        "GET / HTTP/1.1\r\nHost: a\r\n",
        "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nsome",
    ] {
        let mut peer = Peer::connect();
        peer.send(said.as_bytes()).await;
        sleep(Duration::from_secs(2)).await;
        peer.closing.send_replace(true);
        // An idle HTTP/1 connection after a refused body is gone with it.
        assert!(peer.lives_for().await.0 <= 6, "{said:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_beyond_the_last_place_is_closed_and_the_next_finds_the_place_again() {
    let closing = watch::Sender::new(false);
    let acceptor = Bounded::new(
        axum_server::accept::DefaultAcceptor::new(),
        Places::new(1),
        closing.subscribe(),
    );
    let (_near, far) = duplex(16);
    let held = acceptor.accept(far, ()).await.unwrap();
    let (_near, far) = duplex(16);
    assert!(acceptor.accept(far, ()).await.is_err());
    drop(held);
    let (_near, far) = duplex(16);
    assert!(acceptor.accept(far, ()).await.is_ok());
}

#[test]
fn a_quarter_of_the_descriptors_is_kept_for_the_operator_and_the_data() {
    const MOST: usize = 8_192;
    assert_eq!(places_within(256, MOST), 192);
    assert_eq!(places_within(1024, MOST), 768);
    assert_eq!(places_within(u64::MAX, MOST), MOST);
    assert_eq!(places_within(descriptors_for(MOST), MOST), MOST);
    assert_eq!(places_within(100, MOST), 36);
    assert_eq!(places_within(64, MOST), 16);
    assert_eq!(places_within(0, MOST), 1);
}

#[tokio::test(start_paused = true)]
async fn a_head_longer_than_any_honest_one_is_refused_before_it_is_read_whole() {
    let get = |padding: usize| {
        format!(
            "GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n",
            "a".repeat(padding)
        )
    };
    let mut peer = Peer::connect();
    let sent = peer.stream.write_all(get(28 * 1024).as_bytes()).await;
    sent.unwrap();
    peer.until("hello").await;

    let mut peer = Peer::connect();
    // The far end closes in the midst of it.
    let _ = peer.stream.write_all(get(64 * 1024).as_bytes()).await;
    peer.until("431 Request Header Fields Too Large").await;

    let mut peer = Peer::connect();
    let many = "X: a\r\n".repeat(101);
    peer.send(format!("GET / HTTP/1.1\r\nHost: a\r\n{many}\r\n").as_bytes())
        .await;
    peer.until("431 Request Header Fields Too Large").await;
}
