//! Asking transmitters that do not push (RFC 8936).
//!
//! What was taken is acknowledged in the request that follows. If that is lost, the transmitter hands the
//! events out again, and they are known.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use sealgate_host::OutboundRequest;
use sealgate_model::Secret;
use sealgate_session::Context;
use sealgate_store::{Poll, StoreError, Transmitter};
use serde::{Deserialize, Serialize};

use super::take::{Refused, take};
use crate::ControlPlane;

/// How often each is asked.
const ROUND: Duration = Duration::from_secs(5);

/// How many are asked at once.
const AT_ONCE: usize = 8;

/// How many events are asked for at once, how often one is asked in a round, and how much of an answer is read.
const EVENTS: u32 = 25;
const REQUESTS: u32 = 40;
const ANSWER: usize = 1024 * 1024;

/// Asks for as long as the process lives.
pub(crate) async fn listen(plane: Arc<ControlPlane>) {
    loop {
        if let Err(error) = round(&plane).await {
            tracing::warn!(reason = error.code(), %error, "transmitters were not asked");
        }
        tokio::time::sleep(ROUND).await;
    }
}

/// Asks each transmitter that is to be asked for what it has.
pub(crate) async fn round(plane: &ControlPlane) -> Result<(), StoreError> {
    let all = plane.store.transmitters().await?;
    let asked = all
        .iter()
        .filter_map(|transmitter| Some((transmitter, transmitter.poll.as_ref()?)));
    let asked: Vec<_> = asked.collect();
    stream::iter(asked)
        .for_each_concurrent(AT_ONCE, |(transmitter, poll)| async move {
            if let Err(reason) = ask(plane, transmitter, poll).await {
                tracing::warn!(transmitter = %transmitter.id, reason, "a transmitter gives no events");
            }
        })
        .await;
    Ok(())
}

/// A request for events (RFC 8936, 2.4).
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Ask {
    max_events: u32,
    return_immediately: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ack: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    set_errs: BTreeMap<String, SetError>,
}

#[derive(Serialize)]
struct SetError {
    err: &'static str,
    description: &'static str,
}

/// What is given (RFC 8936, 2.5).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Given {
    sets: BTreeMap<String, String>,
    #[serde(default)]
    more_available: bool,
}

async fn ask(
    plane: &ControlPlane,
    transmitter: &Transmitter,
    poll: &Poll,
) -> Result<(), &'static str> {
    let authorization = open(plane, transmitter, poll)?;
    let mut next = Ask {
        max_events: EVENTS,
        return_immediately: true,
        ..Ask::default()
    };
    let began = plane.clock.uptime();
    for _ in 0..REQUESTS {
        let given = send(plane, poll, &authorization, &next).await?;
        if given.sets.len() > EVENTS as usize {
            return Err("poll_answer_too_long");
        }
        // One that is slow takes no more of the round than it has to: the others wait for it.
        let goes_on = given.more_available && plane.clock.uptime().since(began) < ROUND;
        next = Ask {
            max_events: if goes_on { EVENTS } else { 0 },
            return_immediately: true,
            ..Ask::default()
        };
        for (jti, token) in given.sets {
            match take(plane, transmitter, &token).await {
                Ok(own) if own == jti => next.ack.push(jti),
                Ok(_) => {
                    let description = "set_id_wrong";
                    let err = "invalid_request";
                    next.set_errs.insert(jti, SetError { err, description });
                }
                Err(Refused::Never { err, reason }) => {
                    let description = reason;
                    next.set_errs.insert(jti, SetError { err, description });
                }
                // It comes again.
                Err(Refused::Later(reason)) => {
                    tracing::warn!(transmitter = %transmitter.id, reason, "a security event waits");
                }
            }
        }
        if next.ack.is_empty() && next.set_errs.is_empty() {
            break;
        }
    }
    Ok(())
}

async fn send(
    plane: &ControlPlane,
    poll: &Poll,
    authorization: &str,
    ask: &Ask,
) -> Result<Given, &'static str> {
    let body = serde_json::to_string(ask).map_err(|_| "poll_request_unwritten")?;
    let authorization = Some(Secret::new(authorization));
    let request = OutboundRequest::post_text(
        poll.url.clone(),
        "application/json",
        authorization,
        Secret::new(body),
        ANSWER,
    );
    let answer = plane.outbound.send(request).await;
    let answer = answer.map_err(|error| error.code())?;
    if answer.status != 200 {
        return Err("poll_refused");
    }
    serde_json::from_slice(&answer.body).map_err(|_| "poll_answer_malformed")
}

/// Bytes of a sealed token.
pub(crate) const SEALED: usize = 8192;

/// What the token for a transmitter is sealed as: good for that one, and for nothing else.
pub(crate) fn context<'a>(plane: &'a ControlPlane, transmitter: &'a str) -> Context<'a> {
    Context {
        purpose: "transmitter",
        cookie: "",
        client: transmitter,
        issuer: plane.issuer.as_str(),
    }
}

fn open(
    plane: &ControlPlane,
    transmitter: &Transmitter,
    poll: &Poll,
) -> Result<String, &'static str> {
    let id = transmitter.id.to_string();
    let opened = plane
        .master
        .open_up_to(SEALED, &context(plane, &id), &poll.sealed_token);
    let opened = opened.map_err(|_| "poll_token_unopened")?;
    let token = String::from_utf8(opened.plain.to_vec()).map_err(|_| "poll_token_unopened")?;
    Ok(format!("Bearer {token}"))
}
