//! Traces by OpenTelemetry, as a receiver gets them.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::harness::Home;

const CALLER: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// A receiver of OTLP over HTTP: its address, and what it is sent.
fn receiver() -> (String, Receiver<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (sender, received) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut head, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).unwrap() == 0 || line == "\r\n" {
                    break;
                }
                let line = line.to_ascii_lowercase();
                if let Some(value) = line.strip_prefix("content-length: ") {
                    length = value.trim().parse().unwrap();
                }
                head.push_str(&line);
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            stream.write_all(answer.as_bytes()).unwrap();
            if sender.send((head, body)).is_err() {
                return;
            }
        }
    });
    (address, received)
}

fn bytes(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn holds(body: &[u8], part: &[u8]) -> bool {
    body.windows(part.len()).any(|window| window == part)
}

#[test]
fn a_request_is_a_trace_of_its_own_id_linked_to_the_callers() {
    let (address, received) = receiver();
    let home = Home::new();
    let endpoint = format!("telemetry.otlp_endpoint={address}");
    let server = home.serve(&[
        "--set",
        &endpoint,
        "--log-format",
        "json",
        "--log-level",
        "debug",
    ]);
    let caller = format!("00-{CALLER}-00f067aa0ba902b7-01");
    let headers = [("traceparent", caller.as_str())];
    let answer = server.send("GET", "/oauth/jwks?x=s3cret", &headers, b"");
    let trace = answer.header("sealgate-trace").unwrap().to_owned();
    assert_ne!(trace, CALLER);
    let stopped = server.terminate();
    assert_eq!(stopped.status, 0, "{}", stopped.stderr);

    let (head, body) = received.recv_timeout(Duration::from_secs(10)).unwrap();
    assert!(head.starts_with("post /v1/traces http/1.1"), "{head}");
    assert!(
        head.contains("content-type: application/x-protobuf"),
        "{head}"
    );
    assert!(
        holds(&body, &bytes(&trace)),
        "the trace has the id of the answer"
    );
    assert!(holds(&body, &bytes(CALLER)), "and a link to the caller's");
    for text in ["GET /oauth/jwks", "http.route", "sealgate"] {
        assert!(holds(&body, text.as_bytes()), "{text}");
    }
    assert!(!holds(&body, b"s3cret"));

    // The log has the same id.
    let mut lines = stopped.stderr.lines();
    let line = lines.find(|line| line.contains("\"/oauth/jwks\"")).unwrap();
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["span"]["trace"], trace.as_str());
}

#[test]
fn a_receiver_that_is_not_there_is_logged_once_and_stops_nothing() {
    let home = Home::new();
    let nowhere = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let endpoint = format!("telemetry.otlp_endpoint=http://{nowhere}");
    let server = home.serve(&["--set", &endpoint]);
    assert_eq!(server.get("/health").status, 200);
    let stopped = server.terminate();
    assert_eq!(stopped.status, 0, "{}", stopped.stderr);
    let lines = stopped.stderr.lines();
    assert_eq!(
        lines
            .filter(|line| line.contains("traces are not received"))
            .count(),
        1,
        "{}",
        stopped.stderr
    );
}

#[test]
fn without_a_receiver_nothing_is_traced_and_problems_have_their_id_all_the_same() {
    let home = Home::new();
    let server = home.serve(&[]);
    let lost = server.get("/nowhere");
    let trace = lost.header("sealgate-trace").unwrap();
    assert_eq!(lost.json()["trace_id"], trace);
    assert!(trace.len() == 32 && trace.bytes().all(|byte| byte.is_ascii_hexdigit()));
}
