//! The guarded client against real sockets: what it reaches, and what it does not.

#![expect(
    clippy::unwrap_used,
    reason = "a test may stop at what it did not expect"
)]

mod server;

use std::sync::Arc;
use std::time::Duration;

use sealgate_host::{
    AddressPolicy, GuardedFetch, Outbound as _, OutboundError, OutboundRequest, OutboundResponse,
    Resolve,
};
use sealgate_model::Secret;

use server::{Authority, Names, Server, Silence, SilentFor};

const JSON: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nCache-Control: max-age=300\r\nContent-Length: 11\r\n\r\n{\"keys\":[]}";
const LIMIT: usize = 1024;

/// A client that may talk to this machine, and trusts `authority`.
fn local(authority: &Authority, names: Arc<dyn Resolve>) -> GuardedFetch {
    let policy = AddressPolicy::allowing(vec!["127.0.0.1/32".parse().unwrap()]);
    GuardedFetch::with_resolver(policy, Some(authority.pem().as_bytes()), names).unwrap()
}

/// What a GET brings when a server for `keys.example` answers with `answer`.
async fn answered(answer: &str) -> Result<OutboundResponse, OutboundError> {
    let authority = Authority::new();
    let server = Server::tls(&authority, "keys.example", answer).await;
    let client = local(&authority, Names::answering(&[&["127.0.0.1"]]));
    get(&client, "keys.example", &server).await
}

async fn get(
    client: &GuardedFetch,
    host: &str,
    server: &Server,
) -> Result<OutboundResponse, OutboundError> {
    let url = format!("https://{host}:{}/jwks?v=1", server.address.port());
    client.send(OutboundRequest::get_json(url, LIMIT)).await
}

#[tokio::test]
async fn a_document_comes_over_tls_with_its_age() {
    let response = answered(JSON).await.unwrap();
    assert_eq!(response.status, 200);
    assert_eq!(response.body, b"{\"keys\":[]}");
    assert_eq!(response.max_age, Some(Duration::from_secs(300)));
}

#[tokio::test]
async fn a_request_says_nothing_but_what_it_must() {
    let authority = Authority::new();
    let server = Server::tls(&authority, "keys.example", JSON).await;
    let client = local(&authority, Names::answering(&[&["127.0.0.1"]]));
    get(&client, "keys.example", &server).await.unwrap();
    let (port, version) = (server.address.port(), env!("CARGO_PKG_VERSION"));
    assert_eq!(
        server.requests(),
        [format!(
            "GET /jwks?v=1 HTTP/1.1\r\nhost: keys.example:{port}\r\naccept: application/json\r\nuser-agent: sealgate/{version}\r\nconnection: close\r\n\r\n"
        )]
    );
}

#[tokio::test]
async fn every_request_has_a_connection_of_its_own() {
    let authority = Authority::new();
    let server = Server::tls(&authority, "keys.example", JSON).await;
    let client = local(&authority, Names::answering(&[&["127.0.0.1"]]));
    for _ in 0..3 {
        get(&client, "keys.example", &server).await.unwrap();
    }
    assert_eq!(server.connections(), 3);
}

#[tokio::test]
async fn a_form_is_posted_and_a_long_answer_cut() {
    let authority = Authority::new();
    let answer =
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\n\r\n<p>what a long answer</p>";
    let server = Server::tls(&authority, "app.example", answer).await;
    let client = local(&authority, Names::answering(&[&["127.0.0.1"]]));
    let url = format!("https://app.example:{}/logout", server.address.port());
    let fields = vec![("logout_token", Secret::new("a.b+c"))];
    let response = client
        .send(OutboundRequest::post_form(url, fields, 7))
        .await
        .unwrap();
    assert_eq!((response.status, response.body), (400, b"<p>what".to_vec()));
    let request = server.requests().remove(0);
    assert!(
        request.starts_with("POST /logout HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(request.contains("content-type: application/x-www-form-urlencoded\r\n"));
    assert!(
        request.ends_with("\r\n\r\nlogout_token=a.b%2Bc"),
        "{request}"
    );
}

#[tokio::test]
async fn the_certificate_must_be_for_the_host() {
    let authority = Authority::new();
    let server = Server::tls(&authority, "other.example", JSON).await;
    let client = local(&authority, Names::answering(&[&["127.0.0.1"]]));
    let refused = get(&client, "keys.example", &server).await.unwrap_err();
    assert_eq!(refused.code(), "outbound_tls_failed");
    assert_eq!(server.requests(), [""; 0]);
}

#[tokio::test]
async fn the_certificate_must_be_of_a_trusted_authority() {
    let (trusted, other) = (Authority::new(), Authority::new());
    let server = Server::tls(&other, "keys.example", JSON).await;
    let client = local(&trusted, Names::answering(&[&["127.0.0.1"]]));
    let refused = get(&client, "keys.example", &server).await.unwrap_err();
    assert_eq!(refused.code(), "outbound_tls_failed");
}

#[tokio::test]
async fn a_name_that_answers_differently_the_second_time_is_asked_once() {
    let authority = Authority::new();
    let server = Server::tls(&authority, "keys.example", JSON).await;
    // What is rebound to listens at the same port, so that only the address tells them apart.
    let elsewhere = Server::plain(&format!("127.0.0.2:{}", server.address.port()), JSON).await;
    let names = Names::answering(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let client = local(&authority, Arc::<Names>::clone(&names));
    assert!(get(&client, "keys.example", &server).await.is_ok());
    assert_eq!((names.asked(), server.connections()), (1, 1));
    let rebound = get(&client, "keys.example", &server).await.unwrap_err();
    assert_eq!(rebound.code(), "outbound_address_refused");
    assert_eq!((names.asked(), elsewhere.connections()), (2, 0));
}

#[tokio::test]
async fn one_special_address_among_several_refuses_the_name() {
    let authority = Authority::new();
    let server = Server::tls(&authority, "keys.example", JSON).await;
    for other in ["10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1"] {
        let client = local(&authority, Names::answering(&[&["127.0.0.1", other]]));
        let refused = get(&client, "keys.example", &server).await.unwrap_err();
        assert_eq!(refused.code(), "outbound_address_refused", "{other}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn an_address_that_does_not_answer_gives_way_to_the_next() {
    let authority = Authority::new();
    let server = Server::tls(&authority, "keys.example", JSON).await;
    let policy = AddressPolicy::allowing(vec!["127.0.0.0/8".parse().unwrap()]);
    let names = Names::answering(&[&["127.0.0.3", "127.0.0.1"]]);
    let pem = authority.pem();
    let client = GuardedFetch::with_resolver(policy, Some(pem.as_bytes()), names).unwrap();
    assert!(get(&client, "keys.example", &server).await.is_ok());
}

#[tokio::test]
async fn a_special_address_is_not_even_connected_to() {
    let authority = Authority::new();
    let server = Server::tls(&authority, "127.0.0.1", JSON).await;
    let names = Names::answering(&[&["127.0.0.1"]]);
    let public = AddressPolicy::public();
    let pem = authority.pem();
    let client = GuardedFetch::with_resolver(public, Some(pem.as_bytes()), names).unwrap();
    for host in ["keys.example", "127.0.0.1", "2130706433"] {
        let refused = get(&client, host, &server).await.unwrap_err();
        assert_eq!(refused.code(), "outbound_address_refused", "{host}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_control_plane_on_loopback_may_speak_plain_http_there() {
    let server = Server::plain("127.0.0.1:0", JSON).await;
    let url = format!("http://{}/jwks", server.address);
    let beside = AddressPolicy::public().with_loopback();
    let client = GuardedFetch::new(beside, None).unwrap();
    assert!(client.check(&url).is_ok());
    let response = client
        .send(OutboundRequest::get_json(&url, LIMIT))
        .await
        .unwrap();
    assert_eq!(response.body, b"{\"keys\":[]}");
    let elsewhere = GuardedFetch::new(AddressPolicy::public(), None).unwrap();
    assert_eq!(
        elsewhere.check(&url).unwrap_err().code(),
        "outbound_url_unacceptable"
    );
}

#[tokio::test]
async fn redirects_are_not_followed() {
    for status in [
        "301 Moved",
        "302 Found",
        "303 See Other",
        "307 Temporary",
        "308 Permanent",
    ] {
        let answer = format!("HTTP/1.1 {status}\r\nLocation: https://keys.example/\r\n\r\n");
        assert_eq!(
            answered(&answer).await,
            Err(OutboundError::Redirected),
            "{status}"
        );
    }
}

#[tokio::test]
async fn another_status_is_told_without_its_body() {
    let answer = "HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\n\r\n<p>";
    let response = answered(answer).await.unwrap();
    assert_eq!((response.status, response.body), (404, Vec::new()));
}

#[tokio::test]
async fn what_is_not_json_is_refused() {
    for head in [
        "Content-Type: text/html",
        "X: y",
        "Content-Type: application/json\r\nContent-Encoding: gzip",
    ] {
        let answer = format!("HTTP/1.1 200 OK\r\n{head}\r\nContent-Length: 2\r\n\r\n{{}}");
        assert_eq!(
            answered(&answer).await,
            Err(OutboundError::TypeWrong),
            "{head}"
        );
    }
}

#[tokio::test]
async fn a_document_over_the_limit_is_refused() {
    let long = " ".repeat(LIMIT + 1);
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
    let told = format!("{head}Content-Length: {}\r\n\r\n{long}", LIMIT + 1);
    let untold = format!("{head}\r\n{long}");
    let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n401\r\n{long}\r\n0\r\n\r\n");
    for answer in [told, untold, chunked] {
        assert_eq!(answered(&answer).await, Err(OutboundError::TooLarge(LIMIT)));
    }
    let just = format!("{head}\r\n{}", " ".repeat(LIMIT));
    assert_eq!(answered(&just).await.unwrap().body.len(), LIMIT);
}

#[tokio::test]
async fn an_answer_that_is_no_http_or_ends_early_is_refused() {
    for answer in [
        "",
        "hello",
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{}",
    ] {
        let refused = answered(answer).await.unwrap_err();
        assert_eq!(refused.code(), "outbound_unreachable", "{answer:?}");
    }
    let heads = "X: y\r\n".repeat(100);
    let many = format!("HTTP/1.1 200 OK\r\n{heads}\r\n");
    assert_eq!(
        answered(&many).await.unwrap_err().code(),
        "outbound_unreachable"
    );
}

#[tokio::test]
async fn a_name_without_addresses_is_unresolved() {
    let client = |names| GuardedFetch::with_resolver(AddressPolicy::public(), None, names).unwrap();
    for names in [Names::answering(&[]), Names::answering(&[&[]])] {
        let request = OutboundRequest::get_json("https://keys.example/", LIMIT);
        assert_eq!(
            client(names).send(request).await,
            Err(OutboundError::Unresolved)
        );
    }
    let many = vec!["1.1.1.1"; 33];
    let request = OutboundRequest::get_json("https://keys.example/", LIMIT);
    let refused = client(Names::answering(&[&many]))
        .send(request)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "outbound_address_refused");
}

#[tokio::test(start_paused = true)]
async fn a_host_that_keeps_silent_is_given_up_after_five_seconds() {
    let client =
        GuardedFetch::with_resolver(AddressPolicy::public(), None, Arc::new(Silence)).unwrap();
    let began = tokio::time::Instant::now();
    let request = OutboundRequest::get_json("https://keys.example/", LIMIT);
    assert_eq!(client.send(request).await, Err(OutboundError::TimedOut));
    assert_eq!(began.elapsed(), Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn hosts_that_take_no_forms_keep_nobody_from_a_document() {
    let names = Arc::new(SilentFor("bye.example"));
    let client = GuardedFetch::with_resolver(AddressPolicy::public(), None, names).unwrap();
    let client = Arc::new(client);
    let mut told = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let client = Arc::clone(&client);
        told.spawn(async move {
            let form = OutboundRequest::post_form("https://bye.example/", vec![], LIMIT);
            client.send(form).await
        });
    }
    tokio::task::yield_now().await;
    let began = tokio::time::Instant::now();
    let document = OutboundRequest::get_json("https://keys.example/", LIMIT);
    assert_eq!(client.send(document).await, Err(OutboundError::Unresolved));
    assert_eq!(began.elapsed(), Duration::ZERO);
    let told = told.join_all().await;
    assert!(told.iter().all(|one| *one == Err(OutboundError::TimedOut)));
}

#[tokio::test(start_paused = true)]
async fn receivers_that_take_no_events_keep_nobody_from_a_form_nor_each_other() {
    let names = Arc::new(SilentFor("slow.example"));
    let client = GuardedFetch::with_resolver(AddressPolicy::public(), None, names).unwrap();
    let client = Arc::new(client);
    let text = |url: &str| {
        let body = Secret::new("token".to_owned());
        OutboundRequest::post_text(url, "application/secevent+jwt", None, body, LIMIT)
    };
    let mut told = tokio::task::JoinSet::new();
    // As many as the transmitter has under way at once.
    for _ in 0..128 {
        let (client, request) = (Arc::clone(&client), text("https://slow.example/"));
        told.spawn(async move { client.send(request).await });
    }
    tokio::task::yield_now().await;
    let began = tokio::time::Instant::now();
    let form = OutboundRequest::post_form("https://bye.example/", vec![], LIMIT);
    assert_eq!(client.send(form).await, Err(OutboundError::Unresolved));
    let event = client.send(text("https://quick.example/")).await;
    assert_eq!(event, Err(OutboundError::Unresolved));
    assert_eq!(began.elapsed(), Duration::ZERO);
    told.abort_all();
}

#[test]
fn an_authority_file_without_a_certificate_is_an_error() {
    for pem in ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAA\n"] {
        let client = GuardedFetch::new(AddressPolicy::public(), Some(pem.as_bytes()));
        assert!(client.is_err(), "{pem:?}");
    }
}
