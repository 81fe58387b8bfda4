//! `GET /feed/events`: the stream, as server-sent events.
//!
//! A subscriber costs its place, a few hundred bytes and at most one batch of messages: it reads the
//! log only when the connection has taken what it read before. A subscriber that is too slow, or a
//! store that fails, ends up with a gate whose freshness runs out, never with a message left out.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{Stream, iter, unfold};
use http::header::CACHE_CONTROL;
use http::{HeaderMap, HeaderName};
use sealgate_jose::Algorithm;
use sealgate_model::ClientId;
use sealgate_revocation::{Epoch, MESSAGE_TYPE, Message, Publisher};
use sealgate_store::Client;
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::Seat;
use super::log::read_after;
use crate::ControlPlane;
use crate::caller::Caller;
use crate::oauth::client_auth::authenticate_basic;
use crate::problem::Problem;

/// From further back than this, a snapshot is the shorter way.
const CATCH_UP: u64 = 10_000;

/// From where a stream is to go on.
#[derive(Deserialize)]
pub(super) struct Resume {
    epoch: Option<String>,
    after: Option<u64>,
}

/// The stream from the place that the query names, or that `Last-Event-ID` does when a client
/// reconnects by itself. One `reset` event and the end, when it cannot go on from there.
pub(super) async fn events(
    State(plane): State<Arc<ControlPlane>>,
    caller: Caller,
    headers: HeaderMap,
    query: Result<Query<Resume>, QueryRejection>,
) -> Response {
    let client = match authenticate_basic(&plane, &caller, &headers, "feed.follow").await {
        Ok(client) => client,
        Err(refusal) => return refusal,
    };
    let Ok(Query(query)) = query else {
        return Problem::bad_request(
            "feed_position_malformed",
            "epoch is text, after is a number",
        )
        .into_response();
    };
    let position = position(query, &headers);
    match subscribe(plane, &client, position).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn subscribe(
    plane: Arc<ControlPlane>,
    client: &Client,
    position: Option<(String, u64)>,
) -> Result<Response, Problem> {
    let seat = plane.feed.take_place(&client.id)?;
    let epoch = plane.feed.epoch(&plane).await?;
    let head = plane.store.revocation_head().await?;
    let within = |after: u64| after <= head && head - after <= CATCH_UP;
    match position {
        Some((known, after)) if known == epoch.as_str() && within(after) => {
            let subscriber = Subscriber::new(plane, client, epoch, after, seat);
            tracing::debug!(client = %client.id, after, "the feed has a subscriber");
            Ok(respond(subscriber.stream()))
        }
        _ => {
            tracing::debug!(client = %client.id, "a subscriber is sent for a snapshot");
            Ok(respond(iter([Ok::<_, Infallible>(
                Event::default().event("reset").data("{}"),
            )])))
        }
    }
}

fn respond(stream: impl Stream<Item = Result<Event, Infallible>> + Send + 'static) -> Response {
    // The second header tells nginx and those who follow its habit not to hold events back.
    let headers = [
        (CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, Sse::new(stream)).into_response()
}

fn position(query: Resume, headers: &HeaderMap) -> Option<(String, u64)> {
    if let (Some(epoch), Some(after)) = (query.epoch, query.after) {
        return Some((epoch, after));
    }
    let (epoch, after) = headers
        .get("last-event-id")?
        .to_str()
        .ok()?
        .rsplit_once('.')?;
    Some((epoch.to_owned(), after.parse().ok()?))
}

struct Subscriber {
    plane: Arc<ControlPlane>,
    client: ClientId,
    publisher: Publisher,
    /// The last row of the log that was read, visible to this client or not.
    read_to: u64,
    /// Whether the last reading ended before the log did.
    more: bool,
    ready: VecDeque<Message>,
    wakeup: watch::Receiver<u64>,
    closing: watch::Receiver<bool>,
    beat: Interval,
    _seat: Seat,
}

impl Subscriber {
    fn new(
        plane: Arc<ControlPlane>,
        client: &Client,
        epoch: Epoch,
        after: u64,
        seat: Seat,
    ) -> Self {
        let since = plane.feed.since(&plane);
        let mut beat = interval(plane.feed.pace.heartbeat);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            client: client.id.clone(),
            publisher: Publisher::new(plane.issuer.clone(), client.id.clone(), epoch, after, since),
            read_to: after,
            more: false,
            ready: VecDeque::new(),
            wakeup: plane.store.revocation_wakeup(),
            closing: plane.feed.closing.subscribe(),
            beat,
            _seat: seat,
            plane,
        }
    }

    fn stream(self) -> impl Stream<Item = Result<Event, Infallible>> + Send {
        unfold(self, |mut subscriber| async move {
            let event = subscriber.next().await?;
            Some((Ok(event), subscriber))
        })
    }

    /// The next event, as soon as there is one; none when the stream is to end.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if *self.closing.borrow() {
                return None;
            }
            if let Some(message) = self.ready.pop_front() {
                return self.event(&message);
            }
            let beat = if self.more {
                false
            } else {
                tokio::select! {
                    _ = self.closing.changed() => return None,
                    woken = self.wakeup.changed() => woken.map(|()| false).ok()?,
                    _ = self.beat.tick() => true,
                }
            };
            self.read(beat).await?;
        }
    }

    /// Reads on in the log; with `beat`, ends with a heartbeat if the log ended.
    async fn read(&mut self, beat: bool) -> Option<()> {
        let reading = match read_after(
            &self.plane,
            &self.client,
            self.read_to,
            self.plane.feed.pace.rows,
        )
        .await
        {
            Ok(reading) => reading,
            Err(error) => {
                tracing::warn!(client = %self.client, reason = error.code(), %error, "a feed ends");
                return None;
            }
        };
        self.read_to = reading.last;
        self.more = !reading.complete;
        let random = &*self.plane.random;
        let messages =
            self.publisher
                .revoked(reading.entries, reading.as_of, reading.complete, random);
        self.ready.extend(messages);
        if beat && reading.complete {
            self.ready
                .push_back(self.publisher.heartbeat(reading.as_of, random));
        }
        Some(())
    }

    fn event(&self, message: &Message) -> Option<Event> {
        match self
            .plane
            .keys
            .sign(Algorithm::Ed25519, MESSAGE_TYPE, message)
        {
            Ok(token) => {
                let id = format!("{}.{}", message.epoch, message.seq);
                Some(Event::default().event("set").id(id).data(token))
            }
            Err(error) => {
                tracing::error!(client = %self.client, %error, "a message of the feed cannot be signed");
                None
            }
        }
    }
}
