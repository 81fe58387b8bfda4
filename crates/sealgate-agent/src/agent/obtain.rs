//! Getting tokens: by the agent's grant, or by what renews the ones that are there.

use std::sync::Arc;

use sealgate_host::sha256;
use sealgate_model::Secret;

use super::session::Session;
use super::{Agent, Binding, Grant, Work};
use crate::device::DeviceCode;
use crate::discovery::find_server;
use crate::dpop::Prover;
use crate::flow::{SignIn, SignInRequest};
use crate::metadata::{Endpoint, ServerMetadata};
use crate::registration::{
    Client, ClientAuth, Origin, Profile, Way, choose, register, same_redirect,
};
use crate::token::{For, TokenEndpoint, Tokens, meant_for};
use crate::{AgentError, Demand, Discovered};

/// What one try to get tokens is about.
struct Try<'a> {
    found: &'a Discovered,
    client: &'a Client,
    redirect_uri: Option<&'a str>,
    prover: Option<&'a Prover>,
    asked: For,
}

impl Agent {
    /// A session by the agent's grant, with exactly the scopes `asked`.
    pub(super) async fn obtain(
        &self,
        work: &mut Work,
        found: &Discovered,
        demand: &Demand,
        asked: Vec<String>,
    ) -> Result<Session, AgentError> {
        let first = self.obtain_once(work, found, demand, &asked).await;
        // A server may forget who registered there; then the client is another.
        let forgotten =
            matches!(&first, Err(AgentError::Refused(code)) if code == "invalid_client");
        let dynamic = work.client.as_ref();
        if forgotten && dynamic.is_some_and(|(client, _)| client.origin == Origin::Dynamic) {
            work.client = None;
            return self.obtain_once(work, found, demand, &asked).await;
        }
        first
    }

    async fn obtain_once(
        &self,
        work: &mut Work,
        found: &Discovered,
        demand: &Demand,
        asked: &[String],
    ) -> Result<Session, AgentError> {
        let redirect_uri = match &self.settings.grant {
            Grant::Browser(browser) => Some(browser.redirect_uri().await?),
            _ => None,
        };
        let client = self.client(work, found, redirect_uri.clone()).await?;
        let prover = self.prover(found, demand)?;
        let had_at = self.host.clock.now();
        let attempt = Try {
            found,
            client: &client,
            redirect_uri: redirect_uri.as_deref(),
            prover: prover.as_deref(),
            asked: For {
                resource: found.resource_id().map(str::to_owned),
                scopes: asked.to_vec(),
            },
        };
        let tokens = match &self.settings.grant {
            Grant::Browser(_) => self.by_browser(&attempt).await?,
            Grant::Device(_) => self.by_device(&attempt).await?,
            Grant::Machine => {
                let endpoint = self.endpoint(&attempt);
                endpoint.client_credentials(&attempt.asked).await?
            }
            Grant::Workload(source) => {
                let assertion = source.assertion(&found.server.issuer).await?;
                if self.settings.issuer.is_none() {
                    meant_for(&assertion, &found.server)?;
                }
                self.by_assertion(work, &attempt, assertion).await?
            }
            Grant::Enterprise(_) => {
                let assertion = self.assertion_of_provider(&attempt).await?;
                self.by_assertion(work, &attempt, assertion).await?
            }
        };
        tracing::info!(
            issuer = found.server.issuer,
            grant = self.settings.grant.name(),
            "a token for the resource"
        );
        work.sessions += 1;
        Ok(Session {
            number: work.sessions,
            tokens,
            had_at,
            asked: asked.to_vec(),
            resource: attempt.asked.resource.clone(),
            reach: found.reach,
            server: found.server.clone(),
            redirect_uri,
            prover: prover.clone(),
            client,
        })
    }

    async fn by_browser(&self, attempt: &Try<'_>) -> Result<Tokens, AgentError> {
        let (Grant::Browser(browser), Some(redirect_uri)) =
            (&self.settings.grant, attempt.redirect_uri)
        else {
            return Err(AgentError::SignInNeeded);
        };
        let request = SignInRequest {
            server: &attempt.found.server,
            client: attempt.client,
            redirect_uri,
            asked: attempt.asked.clone(),
            dpop_jkt: attempt.prover.map(Prover::thumbprint).transpose()?,
            prompt: None,
        };
        let mut sign_in = SignIn::begin(request, self.host.random.as_ref())?;
        if attempt.found.server.require_pushed_authorization_requests {
            sign_in = sign_in.push(&self.endpoint(attempt)).await?;
        }
        let answer = browser.sign_in(&sign_in.url).await?;
        let code = sign_in.finish(&answer)?;
        self.endpoint(attempt).redeem(code).await
    }

    async fn by_device(&self, attempt: &Try<'_>) -> Result<Tokens, AgentError> {
        let Grant::Device(prompt) = &self.settings.grant else {
            return Err(AgentError::SignInNeeded);
        };
        let endpoint = self.endpoint(attempt);
        let code = DeviceCode::begin(&endpoint, &attempt.asked).await?;
        prompt.show(&code).await?;
        code.wait(&endpoint, &attempt.asked).await
    }

    /// An assertion that was refused is not sent again, and nothing else is tried in its place: whoever gave it out
    /// has to give out another.
    async fn by_assertion(
        &self,
        work: &mut Work,
        attempt: &Try<'_>,
        assertion: Secret,
    ) -> Result<Tokens, AgentError> {
        let hash = sha256(assertion.expose().as_bytes());
        if let Some((refused, error)) = &work.refused
            && *refused == hash
        {
            return Err(error.clone());
        }
        let endpoint = self.endpoint(attempt);
        let tokens = endpoint.jwt_bearer(assertion, &attempt.asked).await;
        if let Err(error @ AgentError::Refused(_)) = &tokens {
            work.refused = Some((hash, error.clone()));
        }
        tokens
    }

    /// What the identity provider gives for the person's identity token (Identity Assertion Authorization Grant, 4.3).
    async fn assertion_of_provider(&self, attempt: &Try<'_>) -> Result<Secret, AgentError> {
        let Grant::Enterprise(provider) = &self.settings.grant else {
            return Err(AgentError::SignInNeeded);
        };
        let http = self.host.http.as_ref();
        let issuer = crate::WebUrl::parse(&provider.issuer)?;
        // It was named by whoever set the agent up, not by the resource.
        let reach = http.reach(&issuer).await?;
        let server = if let Some(endpoint) = &provider.token_endpoint {
            ServerMetadata {
                issuer: provider.issuer.clone(),
                token_endpoint: Some(Endpoint(endpoint.clone())),
                token_endpoint_auth_methods_supported: Some(
                    ["client_secret_basic", "none"].map(str::to_owned).into(),
                ),
                ..ServerMetadata::default()
            }
        } else {
            let found = find_server(http, &provider.issuer, reach).await?;
            let none = AgentError::MetadataUnacceptable("the identity provider has none");
            found.ok_or(none)?.1
        };
        let identity = provider.identity.assertion(&provider.issuer).await?;
        let client = provider.client.at(&server)?;
        let endpoint = TokenEndpoint {
            server: &server,
            client: &client,
            prover: None,
            reach,
            ..self.endpoint(attempt)
        };
        let audience = &attempt.found.server.issuer;
        endpoint
            .exchange_identity(identity, audience, &attempt.asked)
            .await
    }

    /// The agent as a client of the server that was found. What it is elsewhere is never shown there.
    async fn client(
        &self,
        work: &mut Work,
        found: &Discovered,
        redirect_uri: Option<String>,
    ) -> Result<Client, AgentError> {
        let server = &found.server;
        let profile = Profile {
            redirect_uri,
            ..self.settings.profile.clone()
        };
        if let Some((client, registered_for)) = &work.client
            && client.issuer == server.issuer
            && same_redirect(registered_for.as_deref(), profile.redirect_uri.as_deref())
        {
            return Ok(client.clone());
        }
        // One that was given without an issuer is of the first that it was shown to.
        let bound = work.given_to.as_ref();
        let elsewhere = bound.is_some_and(|issuer| *issuer != server.issuer);
        let given = self.settings.given.as_ref().filter(|_| !elsewhere);
        let client = match choose(server, given, &profile)? {
            Way::Known(client) => client,
            Way::Register(endpoint) if self.settings.grant.is_interactive() => {
                let http = self.host.http.as_ref();
                register(http, server, endpoint, &profile, found.reach).await?
            }
            // A workload's token alone says who it is, where nobody said more.
            _ if self.is_bare_workload(server) => Client {
                id: None,
                auth: ClientAuth::Public,
                issuer: server.issuer.clone(),
                origin: Origin::Given,
            },
            _ => return Err(AgentError::NotRegistered(server.issuer.clone())),
        };
        if client.origin == Origin::Given && client.id.is_some() {
            work.given_to.get_or_insert_with(|| server.issuer.clone());
        }
        work.client = Some((client.clone(), profile.redirect_uri));
        Ok(client)
    }

    /// Whether this is a workload without a client's id, which may ask `server`.
    fn is_bare_workload(&self, server: &ServerMetadata) -> bool {
        let issuer = self.settings.issuer.as_ref();
        matches!(self.settings.grant, Grant::Workload(_))
            && self.settings.given.is_none()
            && issuer.is_none_or(|issuer| *issuer == server.issuer)
    }

    /// The key that tokens will be bound to: that of the session before, or a new one. None where they are not.
    fn prover(
        &self,
        found: &Discovered,
        demand: &Demand,
    ) -> Result<Option<Arc<Prover>>, AgentError> {
        let offered = found.server.dpop_signing_alg_values_supported.as_deref();
        let is_offered = offered.is_some_and(|names| names.iter().any(|name| name == "ES256"));
        let resource = found.resource.as_ref();
        let before = self.current();
        let before = before.filter(|session| session.server.issuer == found.server.issuer);
        let before = before.and_then(|session| session.prover.clone());
        let is_asked = before.is_some()
            || demand.dpop
            || resource.is_some_and(|resource| {
                resource.dpop_bound_access_tokens_required
                    || resource.dpop_signing_alg_values_supported.is_some()
            });
        let binds = match self.settings.binding {
            Binding::Never => false,
            Binding::Always if offered.is_some() && !is_offered => {
                return Err(AgentError::ServerUnsuitable("ES256 for proofs (RFC 9449)"));
            }
            Binding::Always => true,
            Binding::WhereAsked => is_asked && is_offered,
        };
        if !binds {
            return Ok(None);
        }
        before.map_or_else(
            || Prover::generate().map(Arc::new).map(Some),
            |prover| Ok(Some(prover)),
        )
    }

    fn endpoint<'a>(&'a self, attempt: &Try<'a>) -> TokenEndpoint<'a> {
        TokenEndpoint {
            http: self.host.http.as_ref(),
            reach: attempt.found.reach,
            server: &attempt.found.server,
            client: attempt.client,
            prover: attempt.prover,
            clock: self.host.clock.as_ref(),
            random: self.host.random.as_ref(),
        }
    }
}
