//! What a connection may take before it has shown who it is: one of a bounded number of places, and
//! seconds, not forever, until it asks for something or takes what it asked for.
//!
//! hyper limits the time for a request's headers only from the moment it knows the protocol, which a
//! peer can put off for good. So the time is kept here, below it, by what passes through.

mod places;

use std::future::{Future, pending, ready};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready as try_ready};
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use axum_server::accept::Accept;
use futures_util::StreamExt as _;
use futures_util::task::AtomicWaker;
use http::Request;
use http::header::CONTENT_TYPE;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;
use tokio::time::{Instant, Sleep, sleep};
use tower::Service;

pub(crate) use places::Places;
use places::{Peer, Place};

/// How long a new connection may take until its first request is there. TLS has its own ten seconds.
const FIRST: Duration = Duration::from_secs(10);

/// How long a connection may stay that asks for nothing more. Longer than clients keep one for reuse
/// (90 s is usual), so that it is they who close it and no request meets a closed one. HTTP/1 is cut
/// earlier, by the limit on headers.
const IDLE: Duration = Duration::from_secs(120);

/// How long a peer may take nothing of what is sent to it.
const STALLED: Duration = Duration::from_secs(30);

/// How long a connection without a request may stay after the signal to stop.
const CLOSING: Duration = Duration::from_secs(1);

/// The least number of descriptors that are kept, where the limit is low.
const KEPT: u64 = 64;

/// How many connections from the network there may be, at most `wanted`, after raising this process's limit on
/// descriptors as far as it is allowed and needed. A quarter is left for the data, the administration
/// socket and what the process opens itself, so that a flood never keeps the operator out.
pub(crate) fn places_on_the_network(wanted: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    let mut descriptors = limit.current.unwrap_or(u64::MAX);
    let needed = descriptors_for(wanted);
    let raised = limit.maximum.unwrap_or(needed).min(needed);
    if descriptors < raised {
        let raise = Rlimit {
            current: Some(raised),
            maximum: limit.maximum,
        };
        if setrlimit(Resource::Nofile, raise).is_ok() {
            descriptors = raised;
        }
    }
    places_within(descriptors, wanted)
}

/// Three quarters of this many are `places`.
fn descriptors_for(places: usize) -> u64 {
    let places = u64::try_from(places).unwrap_or(u64::MAX / 2);
    places + (places / 3 + 1).max(KEPT)
}

fn places_within(descriptors: u64, wanted: usize) -> usize {
    let quarter = descriptors / 4;
    let share = descriptors.saturating_sub(quarter.max(KEPT)).max(quarter);
    usize::try_from(share).unwrap_or(wanted).clamp(1, wanted)
}

/// Resolves when the server begins to stop.
pub(crate) async fn closed(mut closing: watch::Receiver<bool>) {
    if closing.wait_for(|closing| *closing).await.is_err() {
        pending::<()>().await;
    }
}

/// An acceptor whose connections each hold a place and are watched. One that finds no place is closed
/// at once: its peer can try again, and does not wait behind those who never will.
#[derive(Clone)]
pub(crate) struct Bounded<A> {
    inner: A,
    places: Places,
    closing: watch::Receiver<bool>,
}

impl<A> Bounded<A> {
    pub(crate) fn new(inner: A, places: Places, closing: watch::Receiver<bool>) -> Self {
        Self {
            inner,
            places,
            closing,
        }
    }
}

type Accepting<I, S> = Pin<Box<dyn Future<Output = io::Result<(Watched<I>, Counted<S>)>> + Send>>;

impl<A, I, S> Accept<I, S> for Bounded<A>
where
    A: Accept<I, S>,
    I: Peer,
    A::Future: Send + 'static,
    A::Stream: Send + 'static,
    A::Service: Send + 'static,
{
    type Stream = Watched<A::Stream>;
    type Service = Counted<A::Service>;
    type Future = Accepting<A::Stream, A::Service>;

    fn accept(&self, stream: I, service: S) -> Self::Future {
        let Some(place) = self.places.take(stream.address()) else {
            tracing::debug!("a connection found no place");
            return Box::pin(ready(Err(io::ErrorKind::ConnectionRefused.into())));
        };
        // What the kernel has taken of an answer counts as sent up here, and it takes a lot.
        stream.give_up_after(STALLED);
        let accepted = self.inner.accept(stream, service);
        let closing = self.closing.clone();
        Box::pin(async move {
            let (stream, service) = tokio::select! {
                accepted = accepted => accepted?,
                () = closed(closing.clone()) => return Err(io::ErrorKind::ConnectionAborted.into()),
            };
            Ok(watch_over(stream, service, closing, Some(place)))
        })
    }
}

/// A stream and a service that tell each other what goes on.
fn watch_over<I, S>(
    stream: I,
    service: S,
    closing: watch::Receiver<bool>,
    place: Option<Place>,
) -> (Watched<I>, Counted<S>) {
    let requests = Arc::new(Requests::default());
    let watched = Watched {
        stream,
        requests: Arc::clone(&requests),
        seen: 0,
        silence: Box::pin(sleep(FIRST)),
        stalled: None,
        closing: Some(Box::pin(closed(closing))),
        _place: place,
    };
    let counted = Counted {
        inner: service,
        requests,
    };
    (watched, counted)
}

/// The requests of one connection.
#[derive(Default)]
struct Requests {
    open: AtomicUsize,
    answered: AtomicU64,
    reader: AtomicWaker,
}

/// A request that is being answered.
struct Open(Arc<Requests>);

impl Open {
    fn begin(requests: &Arc<Requests>) -> Self {
        requests.open.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(requests))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.answered.fetch_add(1, Ordering::SeqCst);
        self.0.open.fetch_sub(1, Ordering::SeqCst);
        self.0.reader.wake();
    }
}

/// A service that counts the requests it is answering. An answer that is a stream of events counts
/// until the stream ends; any other, once it is there, has as long to be taken as a connection may be
/// idle.
#[derive(Clone)]
pub(crate) struct Counted<S> {
    inner: S,
    requests: Arc<Requests>,
}

impl<S, B> Service<Request<B>> for Counted<S>
where
    S: Service<Request<B>, Response = Response>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let open = Open::begin(&self.requests);
        let answer = self.inner.call(request);
        Box::pin(async move {
            let response = answer.await?;
            if !is_event_stream(&response) {
                return Ok(response);
            }
            Ok(response.map(|body| {
                Body::from_stream(body.into_data_stream().map(move |chunk| {
                    let _ = &open;
                    chunk
                }))
            }))
        })
    }
}

fn is_event_stream(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}

/// A stream that ends when its peer neither asks nor takes.
pub(crate) struct Watched<S> {
    stream: S,
    requests: Arc<Requests>,
    /// How many requests had been answered when the silence began.
    seen: u64,
    silence: Pin<Box<Sleep>>,
    stalled: Option<Pin<Box<Sleep>>>,
    closing: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    _place: Option<Place>,
}

impl<S> Watched<S> {
    /// Ready once the peer has been silent for too long with nothing to wait for. Bytes alone do not
    /// end a silence: only a whole request does.
    fn poll_silence(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.requests.reader.register(context.waker());
        if self.requests.open.load(Ordering::SeqCst) > 0 {
            return Poll::Pending;
        }
        let answered = self.requests.answered.load(Ordering::SeqCst);
        if self.seen != answered {
            self.seen = answered;
            let limit = if self.closing.is_some() {
                IDLE
            } else {
                CLOSING
            };
            self.silence.as_mut().reset(Instant::now() + limit);
        }
        if let Some(closing) = &mut self.closing
            && closing.as_mut().poll(context).is_ready()
        {
            self.closing = None;
            let soon = self.silence.deadline().min(Instant::now() + CLOSING);
            self.silence.as_mut().reset(soon);
        }
        self.silence.as_mut().poll(context)
    }

    /// What came of a write, which must not wait for ever.
    fn taken<T>(
        &mut self,
        context: &mut Context<'_>,
        outcome: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.stalled = None;
            return outcome;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(STALLED)));
        try_ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.poll_silence(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.taken(context, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.taken(context, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_flush(context);
        self.taken(context, outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_shutdown(context);
        self.taken(context, outcome)
    }
}

#[cfg(test)]
mod tests;
