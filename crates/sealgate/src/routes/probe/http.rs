//! An application at a URL.

use std::num::NonZeroU32;
use std::time::Duration;

use reqwest::{Client, Method, Response, StatusCode, redirect};
use sealgate_probe::{Answer, Channel, Document, Request};
use tokio::sync::Mutex;
use tokio::time::{Interval, MissedTickBehavior, interval};
use url::{Origin, Url};

use super::host::Place;
use super::socket;
use crate::failure::Failure;

/// Bytes of an answer's body that are read, so that the connection can be used again. Nobody looks at them.
const BODY_MAX: usize = 64 << 10;

/// How long the body is waited for.
const BODY_WAIT: Duration = Duration::from_millis(500);

/// Bytes of an `OpenAPI` document that are read.
const DOCUMENT_MAX: usize = 32 << 20;

/// Headers that tell something of the gate.
const TOLD: [&str; 2] = ["location", "www-authenticate"];

/// An application at a URL. Redirects are not followed, no proxy is used, and no other address than those that the
/// place has.
pub(super) struct Http {
    client: Client,
    base: String,
    origin: Origin,
    authority: String,
    host: Option<String>,
    beat: Mutex<Interval>,
    timeout: Duration,
}

impl Http {
    pub(super) fn new(
        place: &Place,
        host: Option<String>,
        rate: NonZeroU32,
        timeout: Duration,
    ) -> Result<Self, Failure> {
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .http1_only()
            .resolve_to_addrs(&place.host, &place.addresses)
            .user_agent(concat!("sealgate-probe/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| {
                Failure::usage(
                    "probe_client_failed",
                    format!("cannot make requests: {error}"),
                )
            })?;
        let mut beat = interval(Duration::from_secs(1) / rate.get());
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Self {
            client,
            base: format!("{}{}", place.origin, place.prefix),
            origin: Url::parse(&place.origin)
                .map_err(|error| {
                    Failure::usage(
                        "probe_url_wrong",
                        format!("{} is no address: {error}", place.origin),
                    )
                })?
                .origin(),
            authority: host.clone().unwrap_or_else(|| place.authority.clone()),
            host,
            beat: Mutex::new(beat),
            timeout,
        })
    }

    /// The `Host` of requests that have none of their own.
    pub(super) fn authority(&self) -> &str {
        &self.authority
    }

    /// What the application says of itself, if it tells strangers.
    pub(super) async fn document(&self) -> Option<Document> {
        self.beat.lock().await.tick().await;
        let request = self.client.get(format!("{}/openapi.json", self.base));
        let work = async {
            let response = request.send().await.ok()?;
            if response.status() != StatusCode::OK {
                return None;
            }
            let bytes = body(response, DOCUMENT_MAX).await;
            serde_json::from_slice(&bytes).ok().map(Document::new)
        };
        tokio::time::timeout(self.timeout, work)
            .await
            .ok()
            .flatten()
    }

    /// What the application answers.
    pub(super) async fn send(&self, request: &Request) -> Answer {
        self.beat.lock().await.tick().await;
        match tokio::time::timeout(self.timeout, self.exchange(request)).await {
            Ok(answer) => answer,
            Err(_) => Answer::failed(format!("no answer within {} s", self.timeout.as_secs())),
        }
    }

    /// The address, if it is on the host that was named.
    fn here(&self, url: &str) -> Option<Url> {
        let url = Url::parse(url).ok()?;
        let plain = url.username().is_empty() && url.password().is_none();
        (plain && url.origin() == self.origin).then_some(url)
    }

    async fn exchange(&self, request: &Request) -> Answer {
        let Ok(method) = Method::from_bytes(request.method.as_bytes()) else {
            return Answer::failed("its method cannot be sent");
        };
        let mut url = format!("{}{}", self.base, request.path);
        if !request.query.is_empty() {
            url = format!("{url}?{}", request.query_text());
        }
        // A route's path comes from a file, and may be none: `@evil.example/` would be another host's.
        let Some(url) = self.here(&url) else {
            return Answer::failed("not sent: its path leads to another host");
        };
        let mut sent = self.client.request(method, url);
        let own_host = request
            .headers
            .iter()
            .any(|header| header.name.eq_ignore_ascii_case("host"));
        if let (Some(host), false) = (&self.host, own_host) {
            sent = sent.header("Host", host);
        }
        for header in &request.headers {
            sent = sent.header(&header.name, &header.value);
        }
        if let Some(body) = &request.body {
            sent = sent
                .header("Content-Type", &body.content_type)
                .body(body.bytes.clone());
        }
        if request.channel == Channel::Websocket {
            sent = socket::handshake(sent);
        }
        match sent.send().await {
            Ok(response) if request.channel == Channel::Websocket => socket::answer(response).await,
            Ok(response) => {
                let answer = told(&response);
                // What streams for ever has answered all the same.
                let _ = tokio::time::timeout(BODY_WAIT, body(response, BODY_MAX)).await;
                answer
            }
            Err(error) => Answer::failed(why(&error)),
        }
    }
}

/// What of a response tells something of the gate.
pub(super) fn told(response: &Response) -> Answer {
    let headers = TOLD.iter().flat_map(|name| {
        let values = response.headers().get_all(*name).iter();
        values.map(|value| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            ((*name).to_owned(), value)
        })
    });
    Answer {
        headers: headers.collect(),
        ..Answer::of(response.status().as_u16())
    }
}

async fn body(mut response: Response, most: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > most {
            break;
        }
    }
    bytes
}

fn why(error: &reqwest::Error) -> &'static str {
    if error.is_connect() {
        "no connection"
    } else if error.is_builder() {
        "it cannot be sent"
    } else if error.is_timeout() {
        "no answer in time"
    } else {
        "the connection broke"
    }
}
