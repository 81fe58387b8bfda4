//! Requests to other people's URLs: a client's key set, its logout address. What is asked, what comes
//! back, and why nothing does.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use sealgate_model::Secret;
use thiserror::Error;

use crate::delivery::{Delivered, Delivery};

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What is done at a URL.
#[derive(Debug)]
pub enum Errand {
    /// GET a JSON document.
    GetJson,
    /// POST an `application/x-www-form-urlencoded` form. Values may be secrets.
    PostForm(Vec<(&'static str, Secret)>),
    /// POST a text of another type.
    PostText {
        /// Its media type.
        content_type: &'static str,
        /// The `Authorization` header, if the receiver wants one.
        authorization: Option<Secret>,
        /// The text, which may be a secret.
        body: Secret,
    },
}

/// One request to a URL that somebody else chose.
#[derive(Debug)]
pub struct OutboundRequest {
    /// The URL as it was registered.
    pub url: String,
    /// What is done there.
    pub errand: Errand,
    /// How many bytes of the answer are read, at most. A longer document is refused, of a longer answer
    /// to what is posted the rest is dropped.
    pub limit: usize,
}

impl OutboundRequest {
    /// Asks for a JSON document of at most `limit` bytes.
    pub fn get_json(url: impl Into<String>, limit: usize) -> Self {
        let url = url.into();
        Self {
            url,
            errand: Errand::GetJson,
            limit,
        }
    }

    /// Posts a form; at most `limit` bytes of the answer are kept.
    pub fn post_form(
        url: impl Into<String>,
        fields: Vec<(&'static str, Secret)>,
        limit: usize,
    ) -> Self {
        Self {
            url: url.into(),
            errand: Errand::PostForm(fields),
            limit,
        }
    }
}

impl OutboundRequest {
    /// Posts a text; at most `limit` bytes of the answer are kept.
    pub fn post_text(
        url: impl Into<String>,
        content_type: &'static str,
        authorization: Option<Secret>,
        body: Secret,
        limit: usize,
    ) -> Self {
        Self {
            url: url.into(),
            errand: Errand::PostText {
                content_type,
                authorization,
                body,
            },
            limit,
        }
    }
}

/// An answer, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboundResponse {
    /// The status code; never a redirect.
    pub status: u16,
    /// The body; of a GET only with status 200, and then of a JSON type.
    pub body: Vec<u8>,
    /// For how long the answer may be kept (`Cache-Control`, RFC 9111, 5.2.2): zero when it forbids
    /// keeping, none when it says nothing.
    pub max_age: Option<Duration>,
}

/// Why a URL was not reached, or its answer not taken.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OutboundError {
    /// The URL is none that is ever followed. The fault of whoever registered it.
    #[error("the URL {0}")]
    UrlUnacceptable(&'static str),
    /// The host is, or resolves to, an address that is not open to such requests.
    #[error("the host's address is not one to connect to: {0}")]
    AddressRefused(&'static str),
    /// The host has no address.
    #[error("the host has no address")]
    Unresolved,
    /// The host did not accept a connection, or broke it off.
    #[error("no connection: {0}")]
    Unreachable(String),
    /// No secure connection came about: the certificate is not for the host, or not trusted.
    #[error("no secure connection: {0}")]
    TlsFailed(String),
    /// The answer was not there in time.
    #[error("timed out")]
    TimedOut,
    /// The answer points elsewhere. Redirects are not followed: they would lead around every check.
    #[error("answered with a redirect")]
    Redirected,
    /// The answer is not of a JSON type, or is encoded.
    #[error("the answer is not JSON")]
    TypeWrong,
    /// The document is longer than allowed.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
}

impl OutboundError {
    /// The stable reason code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UrlUnacceptable(_) => "outbound_url_unacceptable",
            Self::AddressRefused(_) => "outbound_address_refused",
            Self::Unresolved => "outbound_unresolved",
            Self::Unreachable(_) => "outbound_unreachable",
            Self::TlsFailed(_) => "outbound_tls_failed",
            Self::TimedOut => "outbound_timed_out",
            Self::Redirected => "outbound_redirected",
            Self::TypeWrong => "outbound_type_wrong",
            Self::TooLarge(_) => "outbound_too_large",
        }
    }

    /// Whether the same request could succeed later without anybody changing the registration.
    pub const fn may_pass(&self) -> bool {
        !matches!(self, Self::UrlUnacceptable(_))
    }
}

/// Sends requests to other people's URLs: really by [`crate::GuardedFetch`], in tests by
/// [`crate::FakeOutbound`].
pub trait Outbound: Send + Sync {
    /// Whether `url` is one that could be followed at all, without asking anybody: for registration,
    /// where the mistake is best told.
    fn check(&self, url: &str) -> Result<(), OutboundError>;

    /// Sends a request and reads the whole answer.
    fn send(&self, request: OutboundRequest) -> Boxed<'_, Result<OutboundResponse, OutboundError>>;

    /// Whether `host` at `port` is one that could be connected to at all, without asking anybody.
    fn check_host(&self, host: &str, port: u16) -> Result<(), OutboundError>;

    /// Hands something over to a place that an operator named.
    fn deliver(&self, delivery: Delivery) -> Boxed<'_, Result<Delivered, OutboundError>>;
}
