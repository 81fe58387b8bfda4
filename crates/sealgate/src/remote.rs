//! A control plane elsewhere, asked over the network with access tokens of a client's own.

mod proof;

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Method, StatusCode};
use hyper::body::Bytes;
use sealgate_model::{ClientId, Issuer, Secret};
use sealgate_server::admin::{BASE, scope_for};
use sealgate_server::names_loopback;
use serde::Deserialize;

use crate::failure::Failure;
use proof::Proof;
pub(crate) use proof::{assertion, signing_key};

/// The longest answer that is read. A page of a list is the longest one.
const ANSWER_LIMIT: usize = 16 * 1024 * 1024;

/// How long a connection may take to come about.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// A control plane elsewhere, and who we are there.
pub(crate) struct Remote {
    issuer: Issuer,
    client: ClientId,
    proof: Proof,
    http: reqwest::Client,
    /// Tokens that were given, by their scope.
    tokens: tokio::sync::Mutex<HashMap<String, Secret>>,
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
}

/// What the token endpoint says when it gives none.
#[derive(Deserialize)]
struct Refusal {
    error_description: String,
    reason: String,
}

impl Remote {
    /// The control plane at `server`, with the client that the environment names, and its key in `key`
    /// or its secret from the environment. Nothing is sent yet.
    pub(crate) fn new(server: &str, key: Option<&Path>) -> Result<Self, Failure> {
        let issuer = issuer(server)?;
        let client = variable("SEALGATE_ADMIN_CLIENT_ID").ok_or_else(|| {
            Failure::usage(
                "admin_client_missing",
                "SEALGATE_ADMIN_CLIENT_ID does not say as which client to administer",
            )
        })?;
        let client = client.parse().map_err(|error| {
            let said = format!("SEALGATE_ADMIN_CLIENT_ID: {error}");
            Failure::usage("admin_client_missing", said)
        })?;
        let key = key.map(Path::to_owned);
        let key = key.or_else(|| variable("SEALGATE_ADMIN_CLIENT_KEY").map(Into::into));
        let proof = match (key, variable("SEALGATE_ADMIN_CLIENT_SECRET")) {
            (Some(path), _) => Proof::Key(Box::new(signing_key(&path)?)),
            (None, Some(secret)) => Proof::Secret(Secret::new(secret)),
            (None, None) => {
                return Err(Failure::usage(
                    "admin_secret_missing",
                    "there is nothing to prove who administers",
                )
                .with_hint("set SEALGATE_ADMIN_CLIENT_SECRET, or give a key with --key FILE"));
            }
        };
        Ok(Self {
            issuer,
            client,
            proof,
            http: http()?,
            tokens: tokio::sync::Mutex::default(),
        })
    }

    /// Asks for `target`, a path below the API's base and maybe a query.
    pub(crate) async fn call(
        &self,
        method: Method,
        target: &str,
        body: Option<Bytes>,
    ) -> Result<(StatusCode, Bytes), Failure> {
        let path = target.split('?').next().unwrap_or(target);
        let scope = scope_for(&method, path);
        let mut request = self
            .http
            .request(method, self.issuer.url(&format!("{BASE}{target}")));
        if let Some(scope) = scope {
            let token = self.token(&scope).await?;
            request = request.header(AUTHORIZATION, format!("Bearer {}", token.expose()));
        }
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body);
        }
        self.send(request).await
    }

    /// An access token for the API with `scope`.
    async fn token(&self, scope: &str) -> Result<Secret, Failure> {
        let mut tokens = self.tokens.lock().await;
        if let Some(token) = tokens.get(scope) {
            return Ok(token.clone());
        }
        let resource = self.issuer.url(BASE);
        let mut form = vec![
            ("grant_type", "client_credentials".to_owned()),
            ("resource", resource),
            ("scope", scope.to_owned()),
            ("client_id", self.client.to_string()),
        ];
        form.extend(self.proof.parameters(&self.issuer, &self.client)?);
        let request = self.http.post(self.issuer.url("/oauth/token")).form(&form);
        let (status, body) = self.send(request).await?;
        if status.is_success() {
            let given: Token = serde_json::from_slice(&body).map_err(|_| foreign(&self.issuer))?;
            let token = Secret::new(given.access_token);
            tokens.insert(scope.to_owned(), token.clone());
            return Ok(token);
        }
        let refusal: Refusal = serde_json::from_slice(&body).map_err(|_| foreign(&self.issuer))?;
        Err(self.refused(status, refusal, scope))
    }

    fn refused(&self, status: StatusCode, refusal: Refusal, scope: &str) -> Failure {
        let Refusal {
            error_description: said,
            reason,
        } = refusal;
        let hint = match reason.as_str() {
            "client_unauthenticated" => {
                "check SEALGATE_ADMIN_CLIENT_ID and its secret or key".to_owned()
            }
            "scope_not_allowed" => format!("register the client {} for {scope}", self.client),
            "resource_not_allowed" => format!(
                "register the client {} for the resource {}",
                self.client,
                self.issuer.url(BASE)
            ),
            "grant_not_allowed" => format!(
                "register the client {} for the grant client_credentials",
                self.client
            ),
            _ => "the server's log has more".to_owned(),
        };
        let failure = if status.is_server_error() {
            Failure::unavailable(&reason, said)
        } else {
            Failure::refused(&reason, said)
        };
        failure.with_hint(hint)
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<(StatusCode, Bytes), Failure> {
        send(&self.issuer, request).await
    }
}

/// Makes requests. Redirects and proxies would be others to whom secrets are told.
pub(crate) fn http() -> Result<reqwest::Client, Failure> {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(CONNECT_LIMIT)
        .user_agent(concat!("sealgate/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| {
            Failure::unavailable("client_unusable", format!("cannot make requests: {error}"))
        })
}

/// Sends a request to `issuer` and reads the whole answer, which is bounded.
pub(crate) async fn send(
    issuer: &Issuer,
    request: reqwest::RequestBuilder,
) -> Result<(StatusCode, Bytes), Failure> {
    let lost = |error: reqwest::Error| {
        // Its own words may hold the URL, which is known.
        let mut inner: &dyn std::error::Error = &error;
        while let Some(source) = inner.source() {
            inner = source;
        }
        let said = format!("{issuer} cannot be reached: {inner}");
        Failure::unavailable("server_lost", said)
            .with_hint("a change that was under way may or may not have been made")
    };
    let mut answer = request.send().await.map_err(lost)?;
    let status = answer.status();
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(lost)? {
        body.extend_from_slice(&piece);
        if body.len() > ANSWER_LIMIT {
            return Err(foreign(issuer));
        }
    }
    Ok((status, body.into()))
}

/// The issuer at which secrets may be told: over TLS, or without leaving this machine.
pub(crate) fn issuer(server: &str) -> Result<Issuer, Failure> {
    let issuer: Issuer = server.parse().map_err(|error| {
        Failure::usage("server_wrong", format!("--server {server}: {error}"))
            .with_hint("give the control plane's issuer, as in --server https://id.example.com")
    })?;
    if issuer.is_https() || names_loopback(&issuer) {
        Ok(issuer)
    } else {
        Err(Failure::usage(
            "server_wrong",
            format!("--server {server} is plain http, and secrets would travel in the clear"),
        )
        .with_hint("give an https URL"))
    }
}

/// What is set to something.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

pub(crate) fn foreign(issuer: &Issuer) -> Failure {
    Failure::unavailable(
        "answer_unreadable",
        format!("what answers at {issuer} does not speak as a control plane does"),
    )
    .with_hint("check the URL: it is the issuer, without /api/v1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_told_over_tls_or_to_this_machine_alone() {
        for good in [
            "https://id.example",
            "http://127.0.0.1:8420",
            "http://localhost:8420/team",
        ] {
            assert!(issuer(good).is_ok(), "{good}");
        }
        for wrong in [
            "http://id.example",
            "id.example",
            "https://id.example/",
            "ftp://127.0.0.1",
        ] {
            assert!(issuer(wrong).is_err(), "{wrong}");
        }
    }
}
