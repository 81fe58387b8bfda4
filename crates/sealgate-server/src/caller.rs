//! Who is at the other end of a request, as far as records go.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRef, FromRequestParts, MatchedPath};
use http::HeaderValue;
use http::request::Parts;
use sealgate_host::Source;
use sealgate_model::Timestamp;
use sealgate_store::{ActorType, Audit, AuditActor, Client, CredentialType};

use crate::ControlPlane;
use crate::network::Network;
use crate::problem::TraceId;
use crate::request::below;

/// Where a request came from.
pub(crate) struct Caller {
    /// The request's trace id; empty where it is not known.
    pub(crate) trace: String,
    network: Option<String>,
    /// The template of the route that was asked, below the issuer.
    route: Option<String>,
    /// The access token that came along, by its scheme.
    scheme: Option<CredentialType>,
    /// Whether the address is the caller's own, and not that of a proxy that speaks for many.
    is_own: bool,
}

impl<S: Sync> FromRequestParts<S> for Caller
where
    Arc<ControlPlane>: FromRef<S>,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let trace = TraceId::from_request_parts(parts, state).await?;
        let trace = String::from(trace);
        let plane = Arc::from_ref(state);
        let source = source(&plane, parts);
        let matched = parts.extensions.get::<MatchedPath>();
        let route = matched.map(|path| below(plane.issuer.path(), path.as_str()).to_owned());
        Ok(Self {
            trace,
            route,
            scheme: scheme(parts),
            network: source.map(|source| source.address.to_string()),
            is_own: source.is_some_and(|source| source.is_callers)
                && plane.throttle.tells_networks_apart(),
        })
    }
}

/// The kind of access token that a request presents, if it does.
fn scheme(parts: &Parts) -> Option<CredentialType> {
    let line = parts.headers.get(http::header::AUTHORIZATION)?;
    let scheme = line.as_bytes().split(|byte| *byte == b' ').next()?;
    if scheme.eq_ignore_ascii_case(b"bearer") {
        Some(CredentialType::Bearer)
    } else if scheme.eq_ignore_ascii_case(b"dpop") {
        Some(CredentialType::Dpop)
    } else {
        None
    }
}

/// Where a request came from, by who connected and by what the proxies say that the operator trusts.
fn source(plane: &ControlPlane, parts: &Parts) -> Option<Source> {
    let ConnectInfo(peer) = parts.extensions.get::<ConnectInfo<SocketAddr>>()?;
    let proxies = &plane.policy.proxies;
    let lines = parts.headers.get_all(proxies.header().name());
    let lines = lines.iter().map(HeaderValue::as_bytes);
    Some(proxies.source(peer.ip(), lines))
}

impl Caller {
    /// The network the caller is in, where callers can be told apart by it.
    pub(crate) fn network(&self) -> Option<Network> {
        self.address().and_then(Network::parse)
    }

    /// The caller's own network address, where that is known.
    pub(crate) fn address(&self) -> Option<&str> {
        self.network.as_deref().filter(|_| self.is_own)
    }

    /// The record of `action`, begun: nobody is known yet. What becomes known on the way is filled in,
    /// and the record is written with the act or with its refusal.
    pub(crate) fn act(&self, at: Timestamp, action: &'static str) -> Audit {
        self.record(Audit::allowed(at, AuditActor::Anonymous, action))
    }

    /// `audit` with what is known of the request.
    pub(crate) fn record(&self, audit: Audit) -> Audit {
        Audit {
            network: self.network.clone(),
            route: self.route.clone(),
            credential: audit.credential.or(self.scheme),
            trace: Some(self.trace.clone()).filter(|trace| !trace.is_empty()),
            ..audit
        }
    }
}

/// What kind of actor a client is.
pub(crate) const fn kind_of(client: &Client) -> ActorType {
    if client.details.agent {
        ActorType::Agent
    } else {
        ActorType::Machine
    }
}
