//! The gate of a resource that takes tokens alone, with keys and revocations of its host's own.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use http::{Method, Request, Response, StatusCode};
use sealgate_gate::resource::{Admitted, ResourceGate, ResourceRequest, TokenDenial};
use sealgate_gate::{Caller, Need};
use tower::{Layer, Service};

const DPOP: HeaderName = HeaderName::from_static("dpop");
const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// What a route asks of its caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RouteNeed {
    /// Nothing, for the reason given.
    Public {
        /// Why, in words for a reviewer.
        reason: &'static str,
    },
    /// A token.
    Token(Need),
}

type Decide = dyn Fn(&Method, &str) -> RouteNeed + Send + Sync;

struct Guard {
    gate: Arc<ResourceGate>,
    base: String,
    decide: Box<Decide>,
}

/// Lets through who has a token that is enough, and answers the others.
///
/// Whoever is let through is in the request's extensions as [`Caller`]. A denial is
/// `application/problem+json` and is in the response's extensions as [`TokenDenial`], so that whoever
/// stands outside can record it.
#[derive(Clone)]
pub struct ResourceLayer {
    guard: Arc<Guard>,
}

impl ResourceLayer {
    /// Asks the same of every route. `base` is the URL under which clients know the paths that this layer
    /// sees, without trailing slash: it comes from settings, never from a `Host` header.
    pub fn requiring(gate: Arc<ResourceGate>, base: impl Into<String>, need: Need) -> Self {
        Self::deciding(gate, base, move |_, _| RouteNeed::Token(need.clone()))
    }

    /// Asks what `decide` says for a method and the raw path; it has to say something for every path, those
    /// that lead nowhere too.
    pub fn deciding(
        gate: Arc<ResourceGate>,
        base: impl Into<String>,
        decide: impl Fn(&Method, &str) -> RouteNeed + Send + Sync + 'static,
    ) -> Self {
        Self {
            guard: Arc::new(Guard {
                gate,
                base: base.into(),
                decide: Box::new(decide),
            }),
        }
    }
}

impl<S> Layer<S> for ResourceLayer {
    type Service = ResourceService<S>;

    fn layer(&self, inner: S) -> ResourceService<S> {
        ResourceService {
            guard: Arc::clone(&self.guard),
            inner,
        }
    }
}

/// A service behind a [`ResourceLayer`].
#[derive(Clone)]
pub struct ResourceService<S> {
    guard: Arc<Guard>,
    inner: S,
}

impl<S, B, R> Service<Request<B>> for ResourceService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
    R: From<Vec<u8>>,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<R>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let guard = Arc::clone(&self.guard);
        // The service that was polled ready is the one to be called.
        let ready = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, ready);
        // A caller that somebody in front put there is not this gate's word.
        request.extensions_mut().remove::<Caller>();
        let need = match (guard.decide)(request.method(), request.uri().path()) {
            RouteNeed::Public { .. } => return Box::pin(inner.call(request)),
            RouteNeed::Token(need) => need,
        };
        Box::pin(async move {
            // The body is not looked at, and need not be shared between threads.
            let (parts, body) = request.into_parts();
            let mut parts = parts;
            match guard.check(&parts, &need).await {
                Err(denial) => Ok(answer(denial)),
                Ok(Admitted {
                    caller,
                    fresh_nonce,
                }) => {
                    let nonce = fresh_nonce.map(HeaderValue::try_from);
                    parts.extensions.insert(caller);
                    let mut response = inner.call(Request::from_parts(parts, body)).await?;
                    if let Some(Ok(nonce)) = nonce {
                        response.headers_mut().insert(DPOP_NONCE, nonce);
                    }
                    Ok(response)
                }
            }
        })
    }
}

impl Guard {
    async fn check(
        &self,
        parts: &http::request::Parts,
        need: &Need,
    ) -> Result<Admitted, TokenDenial> {
        let values = |name: HeaderName| -> Vec<&[u8]> {
            let values = parts.headers.get_all(name).iter();
            values.map(HeaderValue::as_bytes).collect()
        };
        let url = format!("{}{}", self.base, parts.uri.path());
        let request = ResourceRequest {
            method: parts.method.as_str(),
            url: &url,
            authorization: &values(AUTHORIZATION),
            dpop: &values(DPOP),
        };
        self.gate.check(&request, need).await
    }
}

fn answer<R: From<Vec<u8>>>(denial: TokenDenial) -> Response<R> {
    let mut response = Response::new(R::from(denial.problem().to_string().into_bytes()));
    *response.status_mut() =
        StatusCode::from_u16(denial.status()).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    let headers = response.headers_mut();
    for (name, value) in denial.headers() {
        // Every value is made of printable ASCII.
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.append(HeaderName::from_static(name), value);
        }
    }
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response.extensions_mut().insert(denial);
    response
}
