//! Outbound HTTP, handed in so that tests and drills can hand in faults.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use sealgate_model::Secret;
use thiserror::Error;

/// A boxed future, so that [`Fetch`] can be a trait object.
type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The methods in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// GET.
    Get,
    /// POST.
    Post,
}

/// What is sent along.
#[derive(Debug)]
pub enum Body {
    /// Nothing.
    None,
    /// An `application/x-www-form-urlencoded` form. Values may be secrets.
    Form(Vec<(&'static str, Secret)>),
    /// An `application/json` document, as bytes. It holds no secret.
    Json(Vec<u8>),
    /// Bytes of another media type. They hold no secret.
    Bytes {
        /// The media type.
        kind: &'static str,
        /// The bytes.
        content: Vec<u8>,
    },
}

/// A request to one fixed URL. Redirects are never followed.
#[derive(Debug)]
pub struct FetchRequest {
    /// The method.
    pub method: Method,
    /// The absolute URL.
    pub url: String,
    /// What the answer should be.
    pub accept: &'static str,
    /// Basic credentials, already form-encoded (RFC 6749, 2.3.1).
    pub basic: Option<(String, Secret)>,
    /// The proof that the sender holds its key (RFC 9449, 5).
    pub dpop: Option<Secret>,
    /// Further header fields, whose values are no secrets.
    pub headers: Vec<(&'static str, String)>,
    /// What is sent along.
    pub body: Body,
}

/// An answer, whole.
#[derive(Debug, Default)]
pub struct FetchResponse {
    /// The status code.
    pub status: u16,
    /// The body, at most [`HttpFetch`]'s limit.
    pub body: Vec<u8>,
    /// `DPoP-Nonce`, if it is there once and is text: what the next proof has to carry (RFC 9449, 8).
    pub dpop_nonce: Option<String>,
    /// How long the answer may be kept, if it says so (RFC 9111, 5.2.2).
    pub max_age: Option<Duration>,
}

/// An answer whose body keeps coming.
pub struct StreamBody {
    /// The status code.
    pub status: u16,
    /// The body in pieces, as they arrive.
    pub pieces: BoxStream<'static, Result<Vec<u8>, FetchError>>,
}

impl std::fmt::Debug for StreamBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StreamBody({})", self.status)
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FetchError {
    /// The other side could not be reached, or went away.
    #[error("no connection: {0}")]
    Unreachable(String),
    /// It took too long.
    #[error("timed out")]
    TimedOut,
    /// The client cannot be made with what it was given.
    #[error("{0}")]
    Unusable(String),
    /// The answer is larger than allowed.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
}

/// Sends requests.
pub trait Fetch: Send + Sync {
    /// Sends a request and reads the whole answer.
    fn send(&self, request: FetchRequest) -> Boxed<'_, Result<FetchResponse, FetchError>>;
    /// Sends a request and hands over the answer's body as it arrives, without an overall time limit.
    fn open(&self, request: FetchRequest) -> Boxed<'_, Result<StreamBody, FetchError>>;
}

/// The real client: TLS by rustls with aws-lc, no redirects, no proxies from the environment, and
/// limits on time and size.
#[derive(Debug, Clone)]
pub struct HttpFetch {
    client: reqwest::Client,
    limit: usize,
    patience: Duration,
}

impl HttpFetch {
    /// Answers are at most 64 MiB: a snapshot of many revocations is the largest there is.
    const LIMIT: usize = 64 * 1024 * 1024;
    const PATIENCE: Duration = Duration::from_secs(5);

    /// A client that trusts the system's certificate authorities and, if given, those in a PEM file.
    pub fn new(extra_authority: Option<&[u8]>) -> Result<Self, FetchError> {
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(Duration::from_secs(3))
            .tcp_nodelay(true)
            .user_agent(concat!("sealgate/", env!("CARGO_PKG_VERSION")));
        if let Some(pem) = extra_authority {
            let certificates = reqwest::Certificate::from_pem_bundle(pem).unwrap_or_default();
            if certificates.is_empty() {
                return Err(FetchError::Unusable(
                    "holds no certificate in PEM".to_owned(),
                ));
            }
            builder = builder.tls_certs_merge(certificates);
        }
        let unusable =
            |error: reqwest::Error| FetchError::Unusable(format!("cannot be used: {error}"));
        let client = builder.build().map_err(unusable)?;
        Ok(Self {
            client,
            limit: Self::LIMIT,
            patience: Self::PATIENCE,
        })
    }

    fn build(&self, request: FetchRequest) -> reqwest::RequestBuilder {
        let mut builder = match request.method {
            Method::Get => self.client.get(request.url),
            Method::Post => self.client.post(request.url),
        };
        builder = builder.header("accept", request.accept);
        if let Some((name, secret)) = request.basic {
            builder = builder.basic_auth(name, Some(secret.expose()));
        }
        if let Some(proof) = request.dpop {
            builder = builder.header("dpop", proof.expose());
        }
        for (name, value) in request.headers {
            builder = builder.header(name, value);
        }
        match request.body {
            Body::None => builder,
            Body::Json(document) => builder
                .header("content-type", "application/json")
                .body(document),
            Body::Bytes { kind, content } => builder.header("content-type", kind).body(content),
            Body::Form(fields) => {
                let fields: Vec<_> = fields
                    .iter()
                    .map(|(name, value)| (*name, value.expose()))
                    .collect();
                builder.form(&fields)
            }
        }
    }

    async fn send_now(&self, request: FetchRequest) -> Result<FetchResponse, FetchError> {
        let mut response = self
            .build(request)
            .timeout(self.patience)
            .send()
            .await
            .map_err(|error| classify(&error))?;
        let status = response.status().as_u16();
        let dpop_nonce = only(response.headers(), "dpop-nonce");
        let max_age = crate::guarded::max_age(response.headers());
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|error| classify(&error))? {
            if body.len() + piece.len() > self.limit {
                return Err(FetchError::TooLarge(self.limit));
            }
            body.extend_from_slice(&piece);
        }
        Ok(FetchResponse {
            status,
            body,
            dpop_nonce,
            max_age,
        })
    }

    async fn open_now(&self, request: FetchRequest) -> Result<StreamBody, FetchError> {
        let response = tokio::time::timeout(self.patience, self.build(request).send())
            .await
            .map_err(|_| FetchError::TimedOut)?
            .map_err(|error| classify(&error))?;
        let status = response.status().as_u16();
        let pieces = response
            .bytes_stream()
            .map(|piece| {
                piece
                    .map(|bytes| bytes.to_vec())
                    .map_err(|error| classify(&error))
            })
            .boxed();
        Ok(StreamBody { status, pieces })
    }
}

impl Fetch for HttpFetch {
    fn send(&self, request: FetchRequest) -> Boxed<'_, Result<FetchResponse, FetchError>> {
        Box::pin(self.send_now(request))
    }

    fn open(&self, request: FetchRequest) -> Boxed<'_, Result<StreamBody, FetchError>> {
        Box::pin(self.open_now(request))
    }
}

/// The value of a header that is there exactly once, in visible ASCII.
fn only(headers: &reqwest::header::HeaderMap, name: &str) -> Option<String> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then(|| value.to_owned())
}

fn classify(error: &reqwest::Error) -> FetchError {
    if error.is_timeout() {
        FetchError::TimedOut
    } else {
        unreachable(error)
    }
}

/// The innermost cause alone: outer layers repeat the URL, which may carry what logs must not.
fn unreachable(error: &dyn std::error::Error) -> FetchError {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    FetchError::Unreachable(cause.to_string())
}
