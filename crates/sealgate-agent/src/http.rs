//! Requests to the servers that a resource names: what is asked, what comes back, and how far a server that is
//! not this machine's own may send an agent.

mod client;

use std::future::Future;
use std::pin::Pin;

use sealgate_model::Secret;
use serde::{Deserialize, Serialize};

pub use client::AgentHttp;

use crate::{AgentError, WebUrl};

/// A boxed future, so that traits with asynchronous methods can be trait objects.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Bytes of an answer.
pub const ANSWER_LIMIT: usize = 128 * 1024;

/// What is done at a URL.
#[derive(Debug)]
pub enum Deed {
    /// GET a JSON document.
    Get,
    /// POST a form. Values may be secrets.
    Form(Vec<(&'static str, Secret)>),
    /// POST a JSON document, which may be a secret.
    Json(Secret),
}

/// One request. Redirects are never followed: they would take what goes with the request somewhere else.
#[derive(Debug)]
pub struct HttpRequest {
    /// Where to.
    pub url: WebUrl,
    /// What is done there.
    pub deed: Deed,
    /// `Accept`.
    pub accept: &'static str,
    /// The value of `Authorization`.
    pub authorization: Option<Secret>,
    /// The value of `DPoP`.
    pub dpop: Option<Secret>,
    /// How far the request may go.
    pub reach: Reach,
}

impl HttpRequest {
    /// Asks for a JSON document.
    pub const fn get(url: WebUrl, reach: Reach) -> Self {
        Self::new(url, Deed::Get, reach)
    }

    /// Does `deed` at `url`.
    pub const fn new(url: WebUrl, deed: Deed, reach: Reach) -> Self {
        Self {
            url,
            deed,
            accept: "application/json",
            authorization: None,
            dpop: None,
            reach,
        }
    }
}

/// An answer, whole. Its body may hold tokens, and is not printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct HttpResponse {
    /// The status code.
    pub status: u16,
    /// Whether it says that it is JSON.
    pub is_json: bool,
    /// The body, at most [`ANSWER_LIMIT`] bytes.
    pub body: Vec<u8>,
    /// Every value of `WWW-Authenticate`.
    pub challenges: Vec<Vec<u8>>,
    /// `DPoP-Nonce`, if it is there once.
    pub dpop_nonce: Option<Vec<u8>>,
    /// Where a redirect leads, for whoever reports on it.
    pub location: Option<String>,
}

impl std::fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpResponse")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// How far a request may go that a server caused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// To public addresses: the resource is public, so it has no business with this machine, its neighbours or
    /// the cloud's metadata service.
    Public,
    /// Anywhere by https but to link-local addresses: the resource is itself in a private network. Who answers has
    /// to have a certificate for the name, so that a name that changes what it means leads nowhere.
    Private,
    /// As far, and to this machine's loopback by plain http: the resource is there itself.
    Machine,
}

/// Sends requests: really by [`AgentHttp`].
pub trait Http: Send + Sync {
    /// Sends a request and reads the whole answer.
    fn send(&self, request: HttpRequest) -> Boxed<'_, Result<HttpResponse, AgentError>>;

    /// How far the servers may send the agent that the resource at `url` names: as far as it is away itself.
    fn reach<'a>(&'a self, url: &'a WebUrl) -> Boxed<'a, Result<Reach, AgentError>>;
}
