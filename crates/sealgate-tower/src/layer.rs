//! The layer: decides about every request before the service inside sees it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request, Response};
use http_body::Body;
use sealgate_gate::{About, Allowed, Caller, Decided, Decision, Gate, Requirement};
use tower::{Layer, Service};

use crate::body::GateBody;
use crate::passed::Passed;
use crate::replay::Replay;
use crate::routes::RouteMap;
use crate::{answer, read};

/// How long the first requests of a process wait for the first revocation view.
const FIRST_VIEW: Duration = Duration::from_secs(2);

/// That the gate refused a request: in the extensions of its answer, for whoever stands outside and keeps
/// records.
#[derive(Debug, Clone)]
pub struct Refused {
    /// The stable reason code.
    pub reason: &'static str,
    /// Whose credential the request came with, once that is certain.
    pub caller: Option<Caller>,
}

type Ask = dyn Fn(&Method, &str) -> Requirement + Send + Sync;
type Name = dyn Fn(&Method, &str) -> Option<Arc<str>> + Send + Sync;

struct Guard {
    gate: Arc<Gate>,
    ask: Box<Ask>,
    /// What records call a route.
    name: Box<Name>,
    prefix: String,
    first_view_awaited: AtomicBool,
}

/// The gate in front of a service: around the whole application, so that it sees paths as browsers do.
///
/// Whoever is let through is in the request's extensions as [`Passed`]. [`Gate::follow`] has to run beside it,
/// or every session is answered 503.
#[derive(Clone)]
pub struct GateLayer {
    guard: Arc<Guard>,
}

impl GateLayer {
    /// The gate in front of routes that ask what `routes` says; what it does not name is unmarked, and closed.
    pub fn new(gate: Arc<Gate>, routes: RouteMap) -> Self {
        let routes = Arc::new(routes);
        let named = Arc::clone(&routes);
        let ask = move |method: &Method, path: &str| routes.requirement(method, path);
        let name = move |method: &Method, path: &str| named.template(method, path);
        Self::with(gate, Box::new(ask), Box::new(name), String::new())
    }

    /// The same with a closure that says what a method and a raw path ask for. Paths that lead nowhere are
    /// asked about too: [`Requirement::Unmarked`] is the answer that is never wrong.
    pub fn asking(
        gate: Arc<Gate>,
        ask: impl Fn(&Method, &str) -> Requirement + Send + Sync + 'static,
    ) -> Self {
        Self::with(gate, Box::new(ask), Box::new(|_, _| None), String::new())
    }

    /// Behind a proxy that cuts `prefix` (such as `/app`, the path of the base URL) off every path.
    #[must_use]
    pub fn below(self, prefix: impl Into<String>) -> Self {
        let asked = Arc::clone(&self.guard);
        let named = Arc::clone(&self.guard);
        let ask = move |method: &Method, path: &str| (asked.ask)(method, path);
        let name = move |method: &Method, path: &str| (named.name)(method, path);
        let gate = Arc::clone(&self.guard.gate);
        Self::with(gate, Box::new(ask), Box::new(name), prefix.into())
    }

    fn with(gate: Arc<Gate>, ask: Box<Ask>, name: Box<Name>, prefix: String) -> Self {
        let first_view_awaited = AtomicBool::new(false);
        Self {
            guard: Arc::new(Guard {
                gate,
                ask,
                name,
                prefix,
                first_view_awaited,
            }),
        }
    }
}

impl<S> Layer<S> for GateLayer {
    type Service = GateService<S>;

    fn layer(&self, inner: S) -> GateService<S> {
        GateService {
            guard: Arc::clone(&self.guard),
            inner,
        }
    }
}

/// A service behind a [`GateLayer`].
#[derive(Clone)]
pub struct GateService<S> {
    guard: Arc<Guard>,
    inner: S,
}

impl<S, B, R> Service<Request<B>> for GateService<S>
where
    S: Service<Request<Replay<B>>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Send,
    R: Send,
{
    type Response = Response<GateBody<R>>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<GateBody<R>>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let guard = Arc::clone(&self.guard);
        // The service that was polled ready is the one to be called.
        let ready = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, ready);
        let (mut parts, body) = request.into_parts();
        let mut body = Replay::untouched(body);
        // What somebody in front put there is not this gate's word.
        parts.extensions.remove::<Passed>();
        Box::pin(async move {
            let requirement = Arc::new((guard.ask)(&parts.method, parts.uri.path()));
            let mut allowed = match guard.admit(&parts, &mut body, &requirement).await {
                Ok(allowed) => allowed,
                Err(refusal) => return Ok(answer::own(refusal)),
            };
            let caller = allowed.caller.take();
            let about = guard.about(&parts);
            let gate = Arc::clone(&guard.gate);
            let passed = Passed::new(gate, requirement, caller.clone(), about.clone());
            let watched = caller.map(|caller| (passed.clone(), caller, about));
            parts.extensions.insert(passed);
            let mut response = inner.call(Request::from_parts(parts, body)).await?;
            answer::complete(&mut response, &mut allowed);
            Ok(response.map(|body| GateBody::of(body, watched)))
        })
    }
}

impl Guard {
    /// What records tell of a request.
    fn about(&self, parts: &Parts) -> About {
        let route = (self.name)(&parts.method, parts.uri.path());
        read::about(parts, route)
    }

    /// Takes a decision down, once it is settled.
    fn note(&self, parts: &Parts, decision: &Decision) {
        if !self.gate.is_noting() {
            return;
        }
        let (outcome, reason, status, caller) = match decision {
            Decision::Allow(allowed) => (
                Decided::Allowed,
                allowed.reason,
                None,
                allowed.caller.as_ref(),
            ),
            Decision::Respond(answer) if answer.reason.is_empty() => return,
            Decision::Respond(answer) => {
                let status = Some(answer.status);
                (
                    Decided::Refused,
                    answer.reason,
                    status,
                    answer.caller.as_ref(),
                )
            }
            Decision::Pending(_) => (Decided::Refused, "gate_stopped", Some(503), None),
        };
        let about = self.about(parts);
        self.gate
            .note(about, outcome, reason.into(), status, caller);
    }

    /// Carries a decision through; the gate's own answer if the request does not go on.
    async fn admit<B>(
        &self,
        parts: &Parts,
        body: &mut Replay<B>,
        requirement: &Requirement,
    ) -> Result<Allowed, sealgate_gate::Response>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let decide = || read::decide(&self.gate, parts, &self.prefix, requirement);
        let mut decision = decide();
        if matches!(&decision, Decision::Respond(answer) if answer.reason == "feed_stale")
            && !self.first_view_awaited.load(Ordering::Relaxed)
        {
            self.gate.wait_ready(FIRST_VIEW).await;
            self.first_view_awaited.store(true, Ordering::Relaxed);
            decision = decide();
        }
        if let Decision::Pending(mut pending) = decision {
            if let Some(limit) = pending.body_limit() {
                pending.set_body(body.read(limit).await);
            }
            decision = self.gate.finish(*pending).await;
        }
        self.note(parts, &decision);
        match decision {
            Decision::Allow(allowed) => {
                if !allowed.reason.is_empty() {
                    tracing::warn!(
                        reason = allowed.reason,
                        method = %parts.method,
                        path = parts.uri.path(),
                        "allowed"
                    );
                }
                Ok(allowed)
            }
            Decision::Respond(answer) => {
                if !answer.reason.is_empty() {
                    tracing::info!(
                        reason = answer.reason,
                        status = answer.status,
                        method = %parts.method,
                        path = parts.uri.path(),
                        "refused"
                    );
                }
                Err(answer)
            }
            // `Gate::finish` never leaves anything to do: whatever did is not let through.
            Decision::Pending(_) => Err(sealgate_gate::Response {
                status: 503,
                headers: vec![("cache-control", "no-store".to_owned())],
                body: Vec::new(),
                reason: "gate_stopped",
                caller: None,
            }),
        }
    }
}
