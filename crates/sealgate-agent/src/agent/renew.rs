//! Renewing tokens, and giving them back.

use std::sync::Arc;
use std::time::Duration;

use sealgate_model::Secret;

use super::session::Session;
use super::{Agent, Work};
use crate::registration::Origin;
use crate::token::TokenEndpoint;
use crate::{AgentError, Demand};

/// How long a server that could not renew tokens, which are still good, is left alone.
const REST: Duration = Duration::from_secs(5);

impl Agent {
    fn endpoint_of<'a>(&'a self, session: &'a Session) -> TokenEndpoint<'a> {
        TokenEndpoint {
            http: self.host.http.as_ref(),
            reach: session.reach,
            server: &session.server,
            client: &session.client,
            prover: session.prover.as_deref(),
            clock: self.host.clock.as_ref(),
            random: self.host.random.as_ref(),
        }
    }

    /// The session after one that ends soon; none if a person has to help, which the resource's answer will lead to.
    /// While the tokens are still good, a server that cannot be reached costs nothing.
    pub(super) async fn renew(
        &self,
        work: &mut Work,
        old: Arc<Session>,
    ) -> Result<Option<Arc<Session>>, AgentError> {
        let now = self.host.clock.now();
        let over = old.is_over(now);
        if !over && work.resting_until.is_some_and(|until| now < until) {
            return Ok(Some(old));
        }
        work.resting_until = Some(now + REST);
        match self.renewed(work, &old).await {
            Ok(Some(session)) => {
                self.keep(work, session).await?;
                Ok(self.current())
            }
            Err(error) if error.is_temporary() && over => Err(error),
            Ok(None) | Err(_) if over => {
                self.set(None);
                Ok(None)
            }
            Ok(None) | Err(_) => Ok(Some(old)),
        }
    }

    async fn renewed(
        &self,
        work: &mut Work,
        old: &Arc<Session>,
    ) -> Result<Option<Session>, AgentError> {
        if let Some(session) = self.refreshed(work, old).await? {
            return Ok(Some(session));
        }
        if self.settings.grant.is_interactive() {
            return Ok(None);
        }
        let found = old.found();
        let demand = Demand {
            dpop: old.prover.is_some(),
            ..Demand::default()
        };
        let session = self
            .obtain(work, &found, &demand, old.asked.clone())
            .await?;
        Ok(Some(session))
    }

    /// The session with renewed tokens (RFC 6749, 6); none if nothing renews them, or what did is refused.
    pub(super) async fn refreshed(
        &self,
        work: &mut Work,
        old: &Arc<Session>,
    ) -> Result<Option<Session>, AgentError> {
        // Somebody else who uses the same store may have renewed them: what renewed them then is spent.
        if let Some(newer) = self.newer(work, old).await? {
            return Ok(Some(newer));
        }
        let Some(refresh) = &old.tokens.refresh else {
            return Ok(None);
        };
        let had_at = self.host.clock.now();
        let endpoint = self.endpoint_of(old);
        let resource = old.resource.as_deref();
        let tokens = match endpoint
            .refresh(refresh, resource, &old.tokens.scopes)
            .await
        {
            Ok(tokens) => tokens,
            Err(AgentError::Refused(code)) => {
                // They may have done so just now.
                if let Some(newer) = self.newer(work, old).await? {
                    return Ok(Some(newer));
                }
                tracing::info!(code, "the tokens cannot be renewed");
                if code == "invalid_client" && old.client.origin == Origin::Dynamic {
                    work.client = None;
                }
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        work.sessions += 1;
        Ok(Some(Session {
            number: work.sessions,
            tokens,
            had_at,
            asked: old.asked.clone(),
            resource: old.resource.clone(),
            reach: old.reach,
            server: old.server.clone(),
            client: old.client.clone(),
            redirect_uri: old.redirect_uri.clone(),
            prover: old.prover.clone(),
        }))
    }

    /// Gives what renews the tokens back, or else the token (RFC 7009, 2.1).
    pub(super) async fn give_back(&self, session: &Session) -> Result<(), AgentError> {
        let Some(url) = &session.server.revocation_endpoint else {
            return Ok(());
        };
        let (token, hint) = match &session.tokens.refresh {
            Some(refresh) => (refresh.clone(), "refresh_token"),
            None => (session.tokens.access.clone(), "access_token"),
        };
        let fields = vec![("token", token), ("token_type_hint", Secret::new(hint))];
        let answer = self.endpoint_of(session).post(&url.0, fields).await;
        answer.map(drop)
    }
}
