//! The one client for URLs that somebody else chose. A URL in a client's registration must not turn the
//! control plane into a way to reach what only the control plane can reach.
//!
//! A request is made in this order: judge the URL, resolve its host once, judge *every* address, connect
//! to exactly one of those, check that the certificate is for the host, send, read within limits. There
//! is no second look-up that could answer differently (DNS rebinding), no redirect, no connection kept
//! for later, no proxy, no cookie, no credential.

mod address;
mod answer;
mod connect;
mod deliver;
mod resolve;
mod target;

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{
    ACCEPT, AUTHORIZATION, CONNECTION, CONTENT_TYPE, HOST, HeaderValue, USER_AGENT,
};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use url::form_urlencoded;

pub use address::AddressPolicy;
pub(crate) use answer::max_age;
pub use resolve::{Resolve, Resolved, SystemResolver};
pub use target::OutboundTarget;

use crate::FetchError;
use crate::delivery::{Delivered, Delivery};
use crate::outbound::{Errand, Outbound, OutboundError, OutboundRequest, OutboundResponse};
use connect::{Connector, Stream};

/// How long a request may take, from the first look at its URL to the last byte of its answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many requests of one kind are under way at once: slow hosts take up places here and nowhere else.
const PLACES: usize = 32;
/// How many texts: receivers of events are many, and are told of several at once. Whoever has to wait for a place
/// times out without having been asked.
const TEXTS: usize = 192;
/// How many deliveries to places that an operator named.
const DELIVERIES: usize = 64;
/// A name with more addresses than this is not a server's.
const ADDRESSES: usize = 32;
/// The longest head of an answer, in bytes, and the most headers in it.
const HEAD: usize = 64 * 1024;
const HEADERS: usize = 64;

/// The guarded client.
pub struct GuardedFetch {
    policy: AddressPolicy,
    resolver: Arc<dyn Resolve>,
    connector: Connector,
    documents: Semaphore,
    forms: Semaphore,
    texts: Semaphore,
    deliveries: Semaphore,
}

impl std::fmt::Debug for GuardedFetch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("GuardedFetch").field(&self.policy).finish()
    }
}

impl GuardedFetch {
    /// A client that asks the system's resolver. It trusts the system's certificate authorities and, if
    /// given, those in a PEM file.
    pub fn new(policy: AddressPolicy, extra_authority: Option<&[u8]>) -> Result<Self, FetchError> {
        Self::with_resolver(policy, extra_authority, Arc::new(SystemResolver))
    }

    /// As [`Self::new`], with a resolver of the caller's.
    pub fn with_resolver(
        policy: AddressPolicy,
        extra_authority: Option<&[u8]>,
        resolver: Arc<dyn Resolve>,
    ) -> Result<Self, FetchError> {
        Ok(Self {
            policy,
            resolver,
            connector: Connector::new(extra_authority)?,
            documents: Semaphore::new(PLACES),
            forms: Semaphore::new(PLACES),
            texts: Semaphore::new(TEXTS),
            deliveries: Semaphore::new(DELIVERIES),
        })
    }

    async fn exchange(&self, request: OutboundRequest) -> Result<OutboundResponse, OutboundError> {
        let target = OutboundTarget::parse(&request.url, &self.policy)?;
        let _place = self
            .places(&request.errand)
            .acquire()
            .await
            .map_err(|_| OutboundError::TimedOut)?;
        let addresses = self.addresses(&target).await?;
        let stream = self.connector.connect(&target, &addresses).await?;
        converse(stream, &target, request).await
    }

    /// The places for an errand. What is told to others can wait and is repeated; somebody waits for each
    /// document, and must not wait for a host that does not listen.
    fn places(&self, errand: &Errand) -> &Semaphore {
        match errand {
            Errand::GetJson => &self.documents,
            Errand::PostForm(_) => &self.forms,
            Errand::PostText { .. } => &self.texts,
        }
    }

    /// The host's addresses, each of them judged. One that is refused refuses them all: a name that
    /// mixes public and special addresses is not a mistake.
    async fn addresses(&self, target: &OutboundTarget) -> Result<Vec<IpAddr>, OutboundError> {
        let addresses = match target.literal() {
            Some(address) => vec![address],
            None => self
                .resolver
                .resolve(target.name())
                .await
                .map_err(|_| OutboundError::Unresolved)?,
        };
        if addresses.is_empty() {
            return Err(OutboundError::Unresolved);
        }
        if addresses.len() > ADDRESSES {
            return Err(OutboundError::AddressRefused("too many addresses"));
        }
        for address in &addresses {
            target.admits(*address, &self.policy)?;
        }
        Ok(addresses)
    }
}

impl Outbound for GuardedFetch {
    fn check(&self, url: &str) -> Result<(), OutboundError> {
        OutboundTarget::parse(url, &self.policy).map(|_| ())
    }

    fn send(
        &self,
        request: OutboundRequest,
    ) -> Pin<Box<dyn Future<Output = Result<OutboundResponse, OutboundError>> + Send + '_>> {
        Box::pin(async move {
            tokio::time::timeout(PATIENCE, self.exchange(request))
                .await
                .unwrap_or(Err(OutboundError::TimedOut))
        })
    }

    fn check_host(&self, host: &str, port: u16) -> Result<(), OutboundError> {
        OutboundTarget::host(host, port, &self.policy).map(|_| ())
    }

    fn deliver(
        &self,
        delivery: Delivery,
    ) -> Pin<Box<dyn Future<Output = Result<Delivered, OutboundError>> + Send + '_>> {
        Box::pin(async move {
            tokio::time::timeout(deliver::PATIENCE, self.hand_over(delivery))
                .await
                .unwrap_or(Err(OutboundError::TimedOut))
        })
    }
}

/// Sends a message and takes the head of its answer, which is no redirect: nobody is followed elsewhere. The
/// connection is closed when the set is dropped, whatever the other side thinks.
async fn exchange(
    stream: Box<dyn Stream>,
    message: Request<Full<Bytes>>,
) -> Result<(Response<Incoming>, JoinSet<hyper::Result<()>>), OutboundError> {
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(HEAD)
        .max_headers(HEADERS)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| broken(&error))?;
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let response = sender
        .send_request(message)
        .await
        .map_err(|error| broken(&error))?;
    if response.status().is_redirection() {
        return Err(OutboundError::Redirected);
    }
    Ok((response, driver))
}

/// Sends the request on a connection of its own and reads the answer.
async fn converse(
    stream: Box<dyn Stream>,
    target: &OutboundTarget,
    request: OutboundRequest,
) -> Result<OutboundResponse, OutboundError> {
    let limit = request.limit;
    let wants_json = matches!(request.errand, Errand::GetJson);
    let message = message(target, request.errand)?;
    let (response, _driver) = exchange(stream, message).await?;
    let status = response.status();
    let max_age = answer::max_age(response.headers());
    let body = match (wants_json, status.as_u16()) {
        (false, _) => first_bytes(response, limit).await?,
        (true, 200) if !answer::is_json(response.headers()) => {
            return Err(OutboundError::TypeWrong);
        }
        (true, 200) => whole(response, limit).await?,
        (true, _) => Vec::new(),
    };
    Ok(OutboundResponse {
        status: status.as_u16(),
        body,
        max_age,
    })
}

fn message(target: &OutboundTarget, errand: Errand) -> Result<Request<Full<Bytes>>, OutboundError> {
    let builder = Request::builder()
        .uri(target.path())
        .header(HOST, target.authority())
        .header(ACCEPT, "application/json")
        .header(USER_AGENT, concat!("sealgate/", env!("CARGO_PKG_VERSION")))
        .header(CONNECTION, "close");
    let message = match errand {
        Errand::GetJson => builder.method(Method::GET).body(Full::default()),
        Errand::PostForm(fields) => {
            let mut form = form_urlencoded::Serializer::new(String::new());
            for (name, value) in &fields {
                form.append_pair(name, value.expose());
            }
            builder
                .method(Method::POST)
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(Full::from(form.finish()))
        }
        Errand::PostText {
            content_type,
            authorization,
            body,
        } => {
            let mut builder = builder
                .method(Method::POST)
                .header(CONTENT_TYPE, content_type);
            if let Some(value) = authorization {
                let mut value = HeaderValue::from_str(value.expose())
                    .map_err(|_| OutboundError::UrlUnacceptable("has no header for it"))?;
                value.set_sensitive(true);
                builder = builder.header(AUTHORIZATION, value);
            }
            builder.body(Full::from(body.expose().to_owned()))
        }
    };
    message.map_err(|_| OutboundError::UrlUnacceptable("cannot be sent"))
}

/// A document: longer than `limit`, it is refused.
async fn whole(response: Response<Incoming>, limit: usize) -> Result<Vec<u8>, OutboundError> {
    let mut body = response.into_body();
    let mut read = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| broken(&error))?;
        if let Some(piece) = frame.data_ref() {
            if piece.len() > limit - read.len() {
                return Err(OutboundError::TooLarge(limit));
            }
            read.extend_from_slice(piece);
        }
    }
    Ok(read)
}

/// An answer that is kept for the log alone: what lies past `limit` is not read.
async fn first_bytes(response: Response<Incoming>, limit: usize) -> Result<Vec<u8>, OutboundError> {
    let mut body = response.into_body();
    let mut read = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| broken(&error))?;
        if let Some(piece) = frame.data_ref() {
            let room = limit - read.len();
            read.extend_from_slice(piece.get(..room).unwrap_or(piece));
            if read.len() == limit {
                break;
            }
        }
    }
    Ok(read)
}

fn broken(error: &hyper::Error) -> OutboundError {
    OutboundError::Unreachable(error.to_string())
}
