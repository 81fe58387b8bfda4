//! One batch of records to one sink.

use std::path::PathBuf;
use std::time::Duration;

use sealgate_audit::forms::syslog::{
    DATAGRAM_LIMIT, Message, STREAM_LIMIT, Syslog, newline_ended, octet_counted,
};
use sealgate_audit::forms::{Event, jsonl, ocsf, otel, webhook};
use sealgate_host::{Delivered, Delivery, OutboundError};
use sealgate_model::Secret;
use sealgate_store::Sink;

use super::file;
use super::schedule::asked;
use super::secrets::Secrets;
use super::target::{SinkForm, SinkFraming, SinkTarget, SinkTransport};
use crate::ControlPlane;

/// Why a batch was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The reason code.
    pub(crate) reason: &'static str,
    /// How long the receiver asks to be left alone.
    pub(super) asked: Option<Duration>,
    /// What follows of it.
    pub(super) then: Then,
}

/// What follows of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// It is tried again later.
    Again,
    /// A smaller batch may be taken.
    Smaller,
    /// The receiver wants no more.
    Pause,
}

impl Failure {
    const fn of(reason: &'static str) -> Self {
        Self {
            reason,
            asked: None,
            then: Then::Again,
        }
    }
}

impl From<OutboundError> for Failure {
    fn from(error: OutboundError) -> Self {
        Self::of(error.code())
    }
}

/// Sends a record that says nothing but that it is a test. It is not repeated.
pub(crate) async fn test(plane: &ControlPlane, sink: &Sink) -> Result<(), Failure> {
    let now = plane.clock.now();
    let id = u64::from_be_bytes(plane.random.bytes::<8>());
    let event = Event::test(&format!("{id:016x}"), plane.issuer.as_str(), now);
    batch(plane, sink, &[event]).await
}

/// Sends `events`, at least one, as one batch.
pub(super) async fn batch(
    plane: &ControlPlane,
    sink: &Sink,
    events: &[Event],
) -> Result<(), Failure> {
    let unreadable = || {
        tracing::error!(sink = sink.name, "what is stored of a sink cannot be read");
        Failure::of("sink_unreadable")
    };
    let target: SinkTarget = serde_json::from_str(&sink.target).map_err(|_| unreadable())?;
    let form = SinkForm::from_word(&sink.form).ok_or_else(unreadable)?;
    let secrets = Secrets::open(plane, &sink.name, sink.sealed.as_deref());
    let secrets = secrets.map_err(|error| {
        tracing::error!(sink = sink.name, error, "a sink's secrets do not open");
        Failure::of("sink_secrets_sealed")
    })?;
    let target = match secrets.query() {
        Some(query) => target.with_query(query),
        None => target,
    };
    let delivery = match target {
        SinkTarget::File { directory } => {
            let lines = lines(events, form);
            return to_file(sink, directory, lines).await;
        }
        SinkTarget::Webhook { url, authority } => signed(
            plane,
            &secrets,
            url,
            authority,
            &lines(events, form),
            form,
            events,
        )?,
        SinkTarget::Otel { url, authority } => Delivery::Post {
            url,
            content_type: "application/x-protobuf",
            headers: secrets.headers(),
            body: otel::request(events, plane.clock.now()),
            authority,
        },
        SinkTarget::Syslog {
            host,
            port,
            transport,
            framing,
            enterprise,
            authority,
        } => messages(
            events,
            (host, port),
            (transport, framing),
            (enterprise, form),
            authority,
        ),
    };
    let is_post = matches!(delivery, Delivery::Post { .. });
    let answer = plane.outbound.deliver(delivery).await?;
    if is_post {
        judged(plane, sink, &answer)
    } else {
        Ok(())
    }
}

fn lines(events: &[Event], form: SinkForm) -> Vec<String> {
    let line = match form {
        SinkForm::Ocsf => ocsf::line,
        _ => jsonl::line,
    };
    events.iter().map(line).collect()
}

fn signed(
    plane: &ControlPlane,
    secrets: &Secrets,
    url: String,
    authority: Option<String>,
    records: &[String],
    form: SinkForm,
    events: &[Event],
) -> Result<Delivery, Failure> {
    let now = plane.clock.now();
    let keys = secrets.signing(now);
    if keys.is_empty() {
        // Never unsigned.
        return Err(Failure::of("sink_secrets_sealed"));
    }
    let last = events.iter().map(|event| event.time).max().unwrap_or(now);
    let body = webhook::body(records, form.as_str(), last);
    let id = webhook::id(&body);
    let seconds = now.as_millis().div_euclid(1000);
    let signature = webhook::signature(&keys, &id, seconds, &body);
    let mut headers = secrets.headers();
    for (name, value) in [
        ("webhook-id", id),
        ("webhook-timestamp", seconds.to_string()),
        ("webhook-signature", signature),
    ] {
        headers.push((name.to_owned(), Secret::new(value)));
    }
    Ok(Delivery::Post {
        url,
        content_type: "application/json",
        headers,
        body: body.into_bytes(),
        authority,
    })
}

fn messages(
    events: &[Event],
    (host, port): (String, u16),
    (transport, framing): (SinkTransport, SinkFraming),
    (enterprise, form): (u32, SinkForm),
    authority: Option<String>,
) -> Delivery {
    let syslog = Syslog {
        enterprise,
        message: match form {
            SinkForm::Jsonl => Message::Jsonl,
            SinkForm::Ocsf => Message::Ocsf,
            SinkForm::Otel | SinkForm::Syslog => Message::Sentence,
        },
        limit: match transport {
            SinkTransport::Udp => DATAGRAM_LIMIT,
            SinkTransport::Tls | SinkTransport::Tcp => STREAM_LIMIT,
        },
    };
    let lines = events.iter().map(|event| syslog.line(event));
    let secure = match transport {
        SinkTransport::Udp => {
            return Delivery::Datagrams {
                host,
                port,
                each: lines.map(String::into_bytes).collect(),
            };
        }
        SinkTransport::Tcp => false,
        SinkTransport::Tls => true,
    };
    let framed = match framing {
        SinkFraming::OctetCounting => octet_counted,
        SinkFraming::Newline => newline_ended,
    };
    let bytes = lines.map(|line| framed(&line)).collect::<String>();
    Delivery::Stream {
        host,
        port,
        secure,
        authority,
        bytes: bytes.into_bytes(),
    }
}

async fn to_file(sink: &Sink, directory: String, lines: Vec<String>) -> Result<(), Failure> {
    let name = format!("{}.jsonl", sink.name);
    let mut text = lines.join("\n");
    text.push('\n');
    let writing = move || file::append(&PathBuf::from(directory), &name, &text);
    let written = tokio::task::spawn_blocking(writing).await;
    let written = written.map_err(std::io::Error::other);
    written.flatten().map_err(|error| {
        tracing::warn!(sink = sink.name, %error, "a sink's file cannot be written");
        Failure::of("sink_file_unusable")
    })
}

/// What an answer to a post means.
fn judged(plane: &ControlPlane, sink: &Sink, answer: &Delivered) -> Result<(), Failure> {
    let asked = answer.retry_after.as_deref();
    let asked = asked.and_then(|value| asked_for(value, plane));
    match answer.status {
        200..=299 => {
            let refused = if sink.form == SinkForm::Otel.as_str() {
                otel::refused(&answer.body)
            } else {
                0
            };
            if refused > 0 {
                // It took the others, and asks not to be sent these again.
                tracing::warn!(
                    sink = sink.name,
                    refused,
                    "a collector did not take some records"
                );
            }
            Ok(())
        }
        // Standard Webhooks: the receiver wants no more.
        410 => Err(Failure {
            then: Then::Pause,
            ..Failure::of("sink_gone")
        }),
        413 => Err(Failure {
            then: Then::Smaller,
            ..Failure::of("sink_batch_too_large")
        }),
        // One record may be what it does not take: those before it go out alone.
        400 | 403 | 422 => Err(Failure {
            then: Then::Smaller,
            ..Failure::of("sink_refused")
        }),
        429 | 503 => Err(Failure {
            asked,
            ..Failure::of("sink_busy")
        }),
        _ => Err(Failure {
            asked,
            ..Failure::of("sink_refused")
        }),
    }
}

fn asked_for(value: &str, plane: &ControlPlane) -> Option<Duration> {
    asked(value, plane.clock.now())
}
