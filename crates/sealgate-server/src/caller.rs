//! Who is at the other end of a request, as far as records go.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::extract::{ConnectInfo, FromRequestParts};
use http::request::Parts;
use sealgate_model::Timestamp;
use sealgate_store::{Audit, AuditActor};

use crate::network::Network;
use crate::problem::TraceId;

/// Where a request came from.
pub(crate) struct Caller {
    /// The request's trace id; empty where it is not known.
    pub(crate) trace: String,
    network: Option<String>,
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let trace = TraceId::from_request_parts(parts, state).await?;
        let trace = String::from(trace);
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        Ok(Self {
            trace,
            network: peer.map(|ConnectInfo(address)| address.ip().to_canonical().to_string()),
        })
    }
}

impl Caller {
    /// A caller of whom nothing is known.
    #[cfg(test)]
    pub(crate) const fn unknown() -> Self {
        Self {
            trace: String::new(),
            network: None,
        }
    }

    /// The network the request came from, where that is known.
    pub(crate) fn network(&self) -> Option<Network> {
        self.network.as_deref().and_then(Network::parse)
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
            trace: Some(self.trace.clone()).filter(|trace| !trace.is_empty()),
            ..audit
        }
    }
}
