//! `/ssf/streams`: a receiver's streams (SSF 1.0, 8.1.1).

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use sealgate_host::OutboundError;
use sealgate_jose::Algorithm;
use sealgate_model::{Secret, StreamId};
use sealgate_oauth::signals::{Delivery, StreamRequest};
use sealgate_session::Context;
use sealgate_store::{PushTarget, SignalKind, StoreError, Stream, StreamConfig, StreamStatus};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::access::{Json, Receiver, malformed};
use super::{EVENTS, STREAMS, VERIFICATION, about, carried, poll};
use crate::ControlPlane;
use crate::admin::extract::Ask;
use crate::caller::Caller;
use crate::problem::Problem;

pub(super) const PATH: &str = "/streams";

/// Which stream a query is about.
#[derive(Deserialize)]
pub(super) struct Which {
    stream_id: Option<String>,
}

/// One stream, or all of the receiver's.
pub(super) async fn read(
    State(plane): State<Arc<ControlPlane>>,
    receiver: Receiver,
    Ask(which): Ask<Which>,
) -> Result<Answer<Value>, Problem> {
    let Some(id) = which.stream_id else {
        let streams = plane.store.streams(Some(&receiver.0)).await?;
        let all = streams.iter().map(|stream| view(&plane, stream)).collect();
        return Ok(Answer(Value::Array(all)));
    };
    let stream = receiver.stream(&plane, &id).await?;
    Ok(Answer(view(&plane, &stream)))
}

pub(super) async fn create(
    State(plane): State<Arc<ControlPlane>>,
    receiver: Receiver,
    caller: Caller,
    Json(body): Json,
) -> Result<Response, Problem> {
    let asked = StreamRequest::parse(&body).map_err(malformed)?;
    // Whatever signs its events has to be published before the receiver looks for it.
    plane.keys.ensure(Algorithm::Rs256).await.map_err(|error| {
        tracing::error!(%error, "there is no key for security events");
        Problem::internal()
    })?;
    let act = receiver.act(&plane, &caller, "stream.create");
    let (now, id) = (act.at, StreamId::generate(act.at, plane.random.as_ref()));
    let delivery = asked.delivery.flatten().unwrap_or(Delivery::Poll);
    let requested = asked.events_requested.flatten();
    let config = StreamConfig {
        push: target(&plane, id, delivery, None)?,
        kinds: kinds(requested.as_deref()),
        requested,
        description: asked.description.flatten(),
    };
    let inactivity = plane.policy.signal_inactivity.map(|span| span.as_secs());
    let stream = Stream {
        id,
        client: receiver.0.clone(),
        config,
        status: StreamStatus::Enabled,
        status_reason: None,
        held: false,
        inactivity: inactivity.map(|span| u32::try_from(span).unwrap_or(u32::MAX)),
        created_at: now,
        active_at: now,
        verified_at: None,
        queued: 0,
        delivered: 0,
        dropped: 0,
        failures: 0,
        next_try_at: now,
        last_error: None,
    };
    let answer = view(&plane, &stream);
    match plane
        .store
        .stream_create(stream, STREAMS, about(id, act))
        .await
    {
        Ok(()) => {}
        Err(StoreError::TooMany(_)) => {
            return Err(Problem::new(
                StatusCode::CONFLICT,
                "signal_streams_full",
                format!("a receiver has at most {STREAMS} streams"),
            ));
        }
        Err(error) => return Err(error.into()),
    }
    tracing::info!(stream = %id, client = %receiver.0, "a receiver has made a stream");
    Ok((StatusCode::CREATED, Answer(answer)).into_response())
}

/// PATCH: what is absent stays.
pub(super) async fn update(
    State(plane): State<Arc<ControlPlane>>,
    receiver: Receiver,
    caller: Caller,
    Json(body): Json,
) -> Result<Answer<Value>, Problem> {
    change(&plane, &receiver, &caller, &body, false).await
}

/// PUT: what is absent is taken away.
pub(super) async fn replace(
    State(plane): State<Arc<ControlPlane>>,
    receiver: Receiver,
    caller: Caller,
    Json(body): Json,
) -> Result<Answer<Value>, Problem> {
    change(&plane, &receiver, &caller, &body, true).await
}

async fn change(
    plane: &ControlPlane,
    receiver: &Receiver,
    caller: &Caller,
    body: &[u8],
    whole: bool,
) -> Result<Answer<Value>, Problem> {
    let asked = StreamRequest::parse(body).map_err(malformed)?;
    let id = asked.stream_id.as_deref().ok_or_else(missing)?;
    let mut stream = receiver.stream(plane, id).await?;
    check_repeated(&view(plane, &stream), &asked.repeated)?;
    let before = stream.config.clone();
    let config = &mut stream.config;
    let absent = |given: bool| given || whole;
    if absent(asked.delivery.is_some()) {
        // Without a word of it, the receiver polls.
        let delivery = asked.delivery.flatten().unwrap_or(Delivery::Poll);
        config.push = target(plane, stream.id, delivery, before.push.as_ref())?;
    }
    if absent(asked.events_requested.is_some()) {
        config.requested = asked.events_requested.flatten();
        config.kinds = kinds(config.requested.as_deref());
    }
    if absent(asked.description.is_some()) {
        config.description = asked.description.flatten();
    }
    let act = about(stream.id, receiver.act(plane, caller, "stream.update"));
    let config = stream.config.clone();
    match plane
        .store
        .stream_configure(stream.id, before, config, act)
        .await
    {
        Ok(true) => {
            plane.signals.wake();
            Ok(Answer(view(plane, &stream)))
        }
        Ok(false) => Err(super::access::unknown()),
        Err(StoreError::Conflict(_)) => Err(Problem::new(
            StatusCode::CONFLICT,
            "signal_stream_changed",
            "the stream was changed by another request meanwhile; read it again",
        )),
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn remove(
    State(plane): State<Arc<ControlPlane>>,
    receiver: Receiver,
    caller: Caller,
    Ask(which): Ask<Which>,
) -> Result<StatusCode, Problem> {
    let id = which.stream_id.ok_or_else(missing)?;
    let stream = receiver.stream(&plane, &id).await?;
    let act = receiver.act(&plane, &caller, "stream.remove");
    if plane
        .store
        .stream_remove(stream.id, about(stream.id, act))
        .await?
    {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(super::access::unknown())
    }
}

/// The request does not say which stream.
pub(super) fn missing() -> Problem {
    Problem::bad_request("signal_request_malformed", "stream_id is missing")
}

/// What the transmitter supplies may be repeated, and then has to be as it is (SSF 1.0, 8.1.1.3).
fn check_repeated(current: &Value, repeated: &Map<String, Value>) -> Result<(), Problem> {
    let differs = |(name, value): &(&String, &Value)| current.get(name.as_str()) != Some(*value);
    match repeated.iter().find(differs) {
        None => Ok(()),
        Some((name, _)) => Err(Problem::bad_request(
            "signal_member_fixed",
            format!("{name} is the transmitter's, and is not as it was given"),
        )),
    }
}

/// What is carried of what was asked for; of what nobody asked for, everything.
fn kinds(requested: Option<&[String]>) -> Vec<SignalKind> {
    let wanted = |uri: &str| requested.is_none_or(|all| all.iter().any(|one| one == uri));
    EVENTS
        .iter()
        .filter(|(_, uri)| wanted(uri))
        .map(|(kind, _)| *kind)
        .collect()
}

/// Where to push; none where the receiver polls. A header that is not given anew is kept for the same URL
/// and for no other.
fn target(
    plane: &ControlPlane,
    id: StreamId,
    delivery: Delivery,
    before: Option<&PushTarget>,
) -> Result<Option<PushTarget>, Problem> {
    let Delivery::Push { url, authorization } = delivery else {
        return Ok(None);
    };
    plane.outbound.check(&url).map_err(|error: OutboundError| {
        Problem::bad_request(error.code(), format!("endpoint_url: {error}"))
    })?;
    let sealed_authorization = match authorization {
        None => before
            .filter(|before| before.url == url)
            .and_then(|before| before.sealed_authorization.clone()),
        Some(None) => None,
        Some(Some(header)) => {
            let header = Secret::new(header);
            let printable = |byte: u8| matches!(byte, b' '..=b'~');
            if !header.expose().bytes().all(printable) {
                return Err(Problem::bad_request(
                    "signal_request_malformed",
                    "authorization_header cannot be sent as a header",
                ));
            }
            let sealed = plane.master.seal_up_to(
                SEALED_LIMIT,
                &context(plane, &id.to_string()),
                plane.random.as_ref(),
                header.expose().as_bytes(),
            );
            Some(sealed.map_err(|error| {
                tracing::error!(%error, "a receiver's header could not be sealed");
                Problem::internal()
            })?)
        }
    };
    Ok(Some(PushTarget {
        url,
        sealed_authorization,
    }))
}

/// The longest sealed header, in bytes.
const SEALED_LIMIT: usize = 16 * 1024;

/// The header of one stream opens as nothing else.
fn context<'c>(plane: &'c ControlPlane, id: &'c str) -> Context<'c> {
    Context {
        purpose: "stream-authorization",
        cookie: id,
        client: "",
        issuer: plane.issuer.as_str(),
    }
}

/// The header that the receiver chose for a push; none: it chose none.
pub(super) fn authorization(
    plane: &ControlPlane,
    id: StreamId,
    target: &PushTarget,
) -> Result<Option<Secret>, String> {
    let Some(sealed) = &target.sealed_authorization else {
        return Ok(None);
    };
    let id = id.to_string();
    let opened = plane
        .master
        .open_up_to(SEALED_LIMIT, &context(plane, &id), sealed)
        .map_err(|error| error.to_string())?;
    let text = std::str::from_utf8(&opened.plain).map_err(|error| error.to_string())?;
    Ok(Some(Secret::new(text.to_owned())))
}

/// A stream's configuration (SSF 1.0, 8.1.1). The receiver's header is a secret and not part of it.
fn view(plane: &ControlPlane, stream: &Stream) -> Value {
    let config = &stream.config;
    let delivery = match &config.push {
        Some(push) => json!({ "method": Delivery::PUSH, "endpoint_url": push.url }),
        None => json!({ "method": Delivery::POLL, "endpoint_url": poll::url(plane, stream.id) }),
    };
    let mut view = json!({
        "stream_id": stream.id,
        "iss": plane.issuer.as_str(),
        "aud": stream.client,
        "events_supported": EVENTS.map(|(_, uri)| uri),
        "events_delivered": carried(&config.kinds),
        "delivery": delivery,
        "min_verification_interval": VERIFICATION.as_secs(),
    });
    if let Some(requested) = &config.requested {
        view["events_requested"] = json!(requested);
    }
    if let Some(description) = &config.description {
        view["description"] = description.as_str().into();
    }
    if let Some(seconds) = stream.inactivity {
        view["inactivity_timeout"] = seconds.into();
    }
    view
}
