//! Signing a person in: the URL to open, and what comes back from it (RFC 6749, 4.1; RFC 7636; RFC 8707; RFC 9207).

use std::fmt;

use sealgate_jose::object;
use sealgate_model::{Random, Secret};
use sealgate_oauth::CodeVerifier;
use serde::Deserialize;
use url::Url;

use crate::AgentError;
use crate::error::told;
use crate::http::Boxed;
use crate::metadata::ServerMetadata;
use crate::registration::{Client, ClientAuth};
use crate::token::{For, TokenEndpoint};

/// The longest answer to a sign-in, in bytes.
const LIMIT: usize = 16 * 1024;

/// The parameters of an authorization request, which a pushed one carries in its place.
const PARAMETERS: [&str; 10] = [
    "response_type",
    "client_id",
    "redirect_uri",
    "state",
    "code_challenge",
    "code_challenge_method",
    "resource",
    "scope",
    "dpop_jkt",
    "prompt",
];

#[derive(Deserialize)]
struct Pushed {
    request_uri: String,
}

/// Shows a sign-in to a person: opens a browser and listens where its answer goes.
pub trait Browser: Send + Sync {
    /// Where answers go: an address of the agent's own on this machine's loopback (RFC 8252, 7.3), or one that a
    /// program or a site of its own listens at.
    fn redirect_uri(&self) -> Boxed<'_, Result<String, AgentError>>;

    /// Opens `url`, and waits until the browser was sent to the redirect URI; the whole URL that it was sent to.
    fn sign_in<'a>(&'a self, url: &'a str) -> Boxed<'a, Result<Secret, AgentError>>;
}

/// What a sign-in is for.
#[derive(Debug, Clone)]
pub struct SignInRequest<'a> {
    /// The authorization server.
    pub server: &'a ServerMetadata,
    /// The client.
    pub client: &'a Client,
    /// Where the answer goes.
    pub redirect_uri: &'a str,
    /// The resource and the scopes.
    pub asked: For,
    /// The thumbprint of the key that the code is bound to (RFC 9449, 10).
    pub dpop_jkt: Option<String>,
    /// `prompt` (`OpenID` Connect Core 1.0, 3.1.2.1), if any.
    pub prompt: Option<&'a str>,
}

/// A sign-in that has begun: it takes one answer.
pub struct SignIn {
    /// What to open. It holds no secret.
    pub url: String,
    state: Secret,
    verifier: Secret,
    issuer: String,
    names_issuer: bool,
    redirect_uri: String,
    asked: For,
}

impl fmt::Debug for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignIn({})", self.issuer)
    }
}

/// A code, and what redeeming it takes.
#[derive(Debug)]
pub struct CodeGrant {
    /// The code.
    pub code: Secret,
    /// What its challenge was made of.
    pub verifier: Secret,
    /// Where it was sent.
    pub redirect_uri: String,
    /// What was asked for.
    pub asked: For,
}

impl SignIn {
    /// Begins a sign-in: a fresh state and a fresh verifier. A server that does not say that it knows S256 is not
    /// used: it would not notice a code that somebody slipped in (OAuth 2.1, 7.5; Model Context Protocol).
    pub fn begin(request: SignInRequest<'_>, random: &dyn Random) -> Result<Self, AgentError> {
        let server = request.server;
        let endpoint = server.authorization_endpoint.as_ref();
        let endpoint = endpoint.ok_or(AgentError::ServerUnsuitable("authorization endpoint"))?;
        let methods = server.code_challenge_methods_supported.as_deref();
        if !methods
            .unwrap_or_default()
            .iter()
            .any(|method| method == "S256")
        {
            return Err(AgentError::ServerUnsuitable("S256 for codes (RFC 7636)"));
        }
        let unusable = AgentError::ServerUnsuitable("client to sign in with");
        let id = request.client.id.as_deref().ok_or(unusable)?;
        let (state, verifier) = (Secret::generate(random), Secret::generate(random));
        let challenge = CodeVerifier::parse(verifier.expose())
            .map_err(|_| AgentError::CallbackUnacceptable("no verifier could be made"))?
            .challenge();
        let mut url = Url::parse(endpoint.0.as_str())
            .map_err(|_| AgentError::UrlUnacceptable("cannot be read"))?;
        // What the endpoint's own query says stays (RFC 6749, 3.1).
        let mut query = url.query_pairs_mut();
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", id)
            .append_pair("redirect_uri", request.redirect_uri)
            .append_pair("state", state.expose())
            .append_pair("code_challenge", challenge.as_str())
            .append_pair("code_challenge_method", "S256");
        if let Some(resource) = &request.asked.resource {
            query.append_pair("resource", resource);
        }
        if !request.asked.scopes.is_empty() {
            query.append_pair("scope", &request.asked.scopes.join(" "));
        }
        if let Some(jkt) = &request.dpop_jkt {
            query.append_pair("dpop_jkt", jkt);
        }
        if let Some(prompt) = request.prompt {
            query.append_pair("prompt", prompt);
        }
        drop(query);
        Ok(Self {
            url: url.into(),
            state,
            verifier,
            issuer: server.issuer.clone(),
            names_issuer: server.authorization_response_iss_parameter_supported,
            redirect_uri: request.redirect_uri.to_owned(),
            asked: request.asked,
        })
    }

    /// Pushes the request to the server first (RFC 9126, 2), so that the browser carries a reference to it,
    /// and besides that the state alone.
    pub async fn push(mut self, endpoint: &TokenEndpoint<'_>) -> Result<Self, AgentError> {
        const UNREADABLE: AgentError =
            AgentError::MetadataUnacceptable("the answer to the pushed request is not readable");
        let to = &endpoint.server.pushed_authorization_request_endpoint;
        let to = to
            .as_ref()
            .ok_or(AgentError::ServerUnsuitable("endpoint for pushed requests"))?;
        let mut url = Url::parse(&self.url).map_err(|_| UNREADABLE)?;
        let said: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let own = |name: &str| PARAMETERS.iter().find(|own| **own == name).copied();
        let mut fields = Vec::new();
        url.set_query(None);
        for (name, value) in said {
            match own(&name) {
                // Whoever authenticates says who it is there.
                Some("client_id") => url.query_pairs_mut().append_pair("client_id", &value),
                Some(name) => {
                    // Whoever listens for the answer knows it by the state. The server reads what was pushed
                    // (RFC 9101, 6.3).
                    if name == "state" {
                        url.query_pairs_mut().append_pair(name, &value);
                    }
                    fields.push((name, Secret::new(value)));
                    continue;
                }
                None => url.query_pairs_mut().append_pair(&name, &value),
            };
        }
        if matches!(endpoint.client.auth, ClientAuth::Basic(_)) {
            let id = endpoint.client.id.as_deref().unwrap_or_default();
            fields.push(("client_id", Secret::new(id)));
        }
        let answer = endpoint.post(&to.0, fields).await?;
        let pushed: Pushed = object::from_slice(&answer.body).map_err(|_| UNREADABLE)?;
        if !(1..=1024).contains(&pushed.request_uri.len()) {
            return Err(UNREADABLE);
        }
        url.query_pairs_mut()
            .append_pair("request_uri", &pushed.request_uri);
        self.url = url.into();
        Ok(self)
    }

    /// Reads the URL that the browser was sent to. The state must be this sign-in's, and the issuer the server's,
    /// byte by byte: whenever it is named, and always where the server says that it names itself (RFC 9207, 2.4).
    /// Only then is anything else of the answer believed, its errors included.
    pub fn finish(self, answer: &Secret) -> Result<CodeGrant, AgentError> {
        let unacceptable = |why| Err(AgentError::CallbackUnacceptable(why));
        let answer = Answer::read(answer.expose(), &self.redirect_uri)?;
        let state = answer
            .state
            .as_ref()
            .map(Secret::expose)
            .unwrap_or_default();
        // The hashes are compared, which takes the same time wherever the texts differ.
        if sealgate_host::sha256(state.as_bytes())
            != sealgate_host::sha256(self.state.expose().as_bytes())
        {
            return unacceptable("it is not of this sign-in (state)");
        }
        match &answer.iss {
            Some(issuer) if *issuer != self.issuer => {
                return unacceptable("it is of another authorization server (iss)");
            }
            None if self.names_issuer => {
                return unacceptable("it does not say which authorization server it is of (iss)");
            }
            _ => {}
        }
        if let Some(error) = answer.error {
            return Err(AgentError::SignInRefused(told(&error)));
        }
        let Some(code) = answer.code else {
            return unacceptable("it has neither a code nor an error");
        };
        Ok(CodeGrant {
            code,
            verifier: self.verifier,
            redirect_uri: self.redirect_uri,
            asked: self.asked,
        })
    }
}

/// What the browser brought.
#[derive(Default)]
struct Answer {
    code: Option<Secret>,
    state: Option<Secret>,
    iss: Option<String>,
    error: Option<String>,
}

impl Answer {
    /// Reads the query of a URL at `redirect_uri`. A parameter that is there twice spoils it all (RFC 6749, 3.1).
    fn read(url: &str, redirect_uri: &str) -> Result<Self, AgentError> {
        const UNREADABLE: AgentError = AgentError::CallbackUnacceptable("it cannot be read");
        const TWICE: AgentError = AgentError::CallbackUnacceptable("it says something twice");
        if url.len() > LIMIT {
            return Err(AgentError::CallbackUnacceptable("it is longer than 16 KiB"));
        }
        let here = Url::parse(url).map_err(|_| UNREADABLE)?;
        let own = Url::parse(redirect_uri).map_err(|_| UNREADABLE)?;
        let place = |url: &Url| {
            (
                url.scheme().to_owned(),
                url.host_str().map(str::to_owned),
                url.port(),
            )
        };
        if place(&here) != place(&own) || here.path() != own.path() {
            return Err(AgentError::CallbackUnacceptable(
                "it did not go to the redirect URI",
            ));
        }
        let mut answer = Self::default();
        for (name, value) in here.query_pairs() {
            let value = value.into_owned();
            let before = match &*name {
                "code" => answer.code.replace(Secret::new(value)).is_some(),
                "state" => answer.state.replace(Secret::new(value)).is_some(),
                "iss" => answer.iss.replace(value).is_some(),
                "error" => answer.error.replace(value).is_some(),
                _ => false,
            };
            if before {
                return Err(TWICE);
            }
        }
        Ok(answer)
    }
}

#[cfg(test)]
mod tests;
