//! Bodies of answers: the gate's own, and the application's for as long as its caller is good.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use sealgate_gate::{About, Caller, Decided, Denial};
use thiserror::Error;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::passed::Passed;

/// How often a body that goes on is asked whether its caller is still good.
const TICK: Duration = Duration::from_millis(400);

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The body of an answer. One that streams ends within a second, and as broken off, when what its caller came
/// with is revoked, expires, or cannot be checked any more.
#[derive(Debug)]
pub struct GateBody<R> {
    kind: Kind<R>,
}

#[derive(Debug)]
enum Kind<R> {
    /// The gate's own answer.
    Own(Option<Bytes>),
    /// The application's, to nobody in particular.
    Open(R),
    /// The application's, to a caller.
    Watched(R, Box<Watch>),
    /// One that was broken off.
    Ended,
}

struct Watch {
    passed: Passed,
    caller: Caller,
    about: About,
    /// Begins with the body.
    ticks: Option<Interval>,
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Watch({})", self.caller.actor.kind().as_str())
    }
}

/// Why a body was broken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the answer was broken off: what its caller came with is not good any more ({})", .0.code())]
pub(crate) struct Fallen(pub(crate) Denial);

impl<R> GateBody<R> {
    pub(crate) const fn own(body: Bytes) -> Self {
        Self {
            kind: Kind::Own(Some(body)),
        }
    }

    pub(crate) fn of(body: R, caller: Option<(Passed, Caller, About)>) -> Self {
        let kind = match caller {
            None => Kind::Open(body),
            Some((passed, caller, about)) => {
                let watch = Watch {
                    passed,
                    caller,
                    about,
                    ticks: None,
                };
                Kind::Watched(body, Box::new(watch))
            }
        };
        Self { kind }
    }
}

impl Watch {
    /// Why the caller has fallen, if it is time to ask and they have.
    fn poll(&mut self, context: &mut Context<'_>) -> Option<Denial> {
        let ticks = self.ticks.get_or_insert_with(|| {
            let mut ticks = interval(TICK);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            // The first tick is due at once, when the gate has just been asked.
            ticks.reset();
            ticks
        });
        let mut asked = false;
        // Asking until it is not ready is what gets this task woken for the next tick.
        while ticks.poll_tick(context).is_ready() {
            asked = true;
        }
        let denial = asked.then(|| self.passed.standing()).flatten()?;
        let (about, reason) = (self.about.clone(), denial.code().into());
        self.passed
            .gate()
            .note(about, Decided::Ended, reason, None, Some(&self.caller));
        Some(denial)
    }
}

impl<R> Body for GateBody<R>
where
    R: Body<Data = Bytes> + Unpin,
    R::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let body = match &mut self.kind {
            Kind::Own(bytes) => {
                let bytes = bytes.take().filter(|bytes| !bytes.is_empty());
                return Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))));
            }
            Kind::Ended => return Poll::Ready(None),
            Kind::Open(body) => body,
            // Asked before the body: one that always has more never makes its reader wait.
            Kind::Watched(body, watch) => match watch.poll(context) {
                None => body,
                Some(denial) => {
                    tracing::info!(reason = denial.code(), "an answer was broken off");
                    self.kind = Kind::Ended;
                    return Poll::Ready(Some(Err(Fallen(denial).into())));
                }
            },
        };
        let polled = Pin::new(body).poll_frame(context);
        polled.map(|frame| frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Own(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Kind::Open(body) | Kind::Watched(body, _) => body.is_end_stream(),
            Kind::Ended => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Own(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Kind::Open(body) | Kind::Watched(body, _) => body.size_hint(),
            Kind::Ended => SizeHint::with_exact(0),
        }
    }
}
