//! A session: the tokens for the resource, of whom they are, and what renewing them takes.

use std::sync::Arc;
use std::time::Duration;

use sealgate_model::Timestamp;

use crate::discovery::Discovered;
use crate::dpop::Prover;
use crate::http::Reach;
use crate::metadata::{ResourceMetadata, ServerMetadata};
use crate::registration::Client;
use crate::token::Tokens;

/// How long before its end a token is renewed, if it lives long enough.
const LEAD: Duration = Duration::from_secs(30);

/// The tokens, and what belongs to them.
#[derive(Debug)]
pub(super) struct Session {
    /// Which of the agent's sessions this is, from 1.
    pub(super) number: u64,
    pub(super) tokens: Tokens,
    pub(super) had_at: Timestamp,
    /// The scopes that were asked for.
    pub(super) asked: Vec<String>,
    /// What is sent as `resource`.
    pub(super) resource: Option<String>,
    pub(super) reach: Reach,
    pub(super) server: ServerMetadata,
    pub(super) client: Client,
    /// Where the client's sign-ins were answered to when it registered.
    pub(super) redirect_uri: Option<String>,
    pub(super) prover: Option<Arc<Prover>>,
}

impl Session {
    /// What was found out about the resource, as far as asking for the same again takes it.
    pub(super) fn found(&self) -> Discovered {
        let resource = self.resource.as_ref().map(|resource| ResourceMetadata {
            resource: resource.clone(),
            authorization_servers: vec![self.server.issuer.clone()],
            scopes_supported: None,
            dpop_bound_access_tokens_required: false,
            dpop_signing_alg_values_supported: None,
            resource_name: None,
        });
        Discovered {
            resource,
            resource_at: None,
            server: self.server.clone(),
            server_at: None,
            reach: self.reach,
        }
    }

    /// Whether the tokens should be renewed before they are used.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        let Some(ends_at) = self.tokens.ends_at else {
            return false;
        };
        let life = ends_at.since(self.had_at);
        now + LEAD.min(life / 5) >= ends_at
    }

    /// Whether the tokens are of no use any more.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        self.tokens.ends_at.is_some_and(|ends_at| now >= ends_at)
    }
}
