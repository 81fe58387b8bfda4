//! The gate's dealings with the control plane: metadata, keys, tokens, revocation.

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use sealgate_host::{Body, Fetch, FetchError, FetchRequest, Method, StreamBody};
use sealgate_jose::{Expect, JoseError, JwkSet, Verified};
use sealgate_model::{Clock, Secret, Uptime};
use serde::Deserialize;
use thiserror::Error;
use url::form_urlencoded;

use crate::settings::Settings;
use crate::trust::Trust;

/// Why the control plane did not give what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum ProviderError {
    /// It could not be reached, or is overloaded. Trying again may help.
    #[error("the control plane is unavailable: {0}")]
    Unavailable(String),
    /// It refused, with an OAuth error code.
    #[error("the control plane refused: {0}")]
    Refused(String),
    /// It answered what it must not.
    #[error("the control plane's answer is not acceptable: {0}")]
    Unacceptable(String),
}

impl From<FetchError> for ProviderError {
    fn from(error: FetchError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<JoseError> for ProviderError {
    fn from(error: JoseError) -> Self {
        Self::Unacceptable(error.to_string())
    }
}

/// The provider's metadata (RFC 8414, OpenID Connect Discovery 1.0), as far as it is used.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Metadata {
    issuer: String,
    pub(crate) authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    revocation_endpoint: Option<String>,
    pub(crate) end_session_endpoint: Option<String>,
    #[serde(default)]
    pub(crate) authorization_response_iss_parameter_supported: bool,
    pub(crate) revocation_feed_endpoint: Option<String>,
    pub(crate) revocation_snapshot_endpoint: Option<String>,
}

/// The token endpoint's answer (RFC 6749, 5.1).
#[derive(Deserialize)]
pub(crate) struct Tokens {
    pub(crate) access_token: String,
    pub(crate) expires_in: Option<u32>,
    pub(crate) refresh_expires_in: Option<u32>,
    pub(crate) id_token: Option<String>,
    pub(crate) refresh_token: Option<String>,
    pub(crate) scope: Option<String>,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
}

/// The client of one issuer.
pub(crate) struct Provider {
    settings: Arc<Settings>,
    clock: Arc<dyn Clock>,
    fetch: Arc<dyn Fetch>,
    metadata: RwLock<Option<Arc<Metadata>>>,
    trust: Trust,
    /// When keys were last asked for; held across the request, so that there is one at a time.
    keys_asked: tokio::sync::Mutex<Option<Uptime>>,
    /// When keys were last asked for because of what a stranger sent.
    keys_asked_unasked: Mutex<Option<Uptime>>,
}

impl Provider {
    /// At most one request for keys in this time, whatever key ids are presented.
    const KEYS_COOLDOWN: Duration = Duration::from_secs(1);

    /// The same for the key ids of what strangers send.
    const UNASKED_COOLDOWN: Duration = Duration::from_secs(10);

    pub(crate) fn new(
        settings: Arc<Settings>,
        clock: Arc<dyn Clock>,
        fetch: Arc<dyn Fetch>,
    ) -> Self {
        Self {
            settings,
            clock,
            fetch,
            metadata: RwLock::new(None),
            trust: Trust::new(),
            keys_asked: tokio::sync::Mutex::new(None),
            keys_asked_unasked: Mutex::default(),
        }
    }

    /// The metadata, if it is at hand.
    pub(crate) fn known_metadata(&self) -> Option<Arc<Metadata>> {
        self.metadata
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The metadata, fetched once.
    pub(crate) async fn metadata(&self) -> Result<Arc<Metadata>, ProviderError> {
        if let Some(metadata) = self.known_metadata() {
            return Ok(metadata);
        }
        let url = self
            .settings
            .issuer
            .url("/.well-known/openid-configuration");
        let body = self.document(get(url, "application/json", None)).await?;
        let metadata: Metadata = serde_json::from_slice(&body)
            .map_err(|_| unacceptable("the metadata is not readable"))?;
        // Byte for byte (OpenID Connect Discovery 1.0, 4.3): who answers at this URL must be who was asked.
        if metadata.issuer != self.settings.issuer.as_str() {
            return Err(unacceptable("the metadata names another issuer"));
        }
        let endpoints = [
            &metadata.authorization_endpoint,
            &metadata.token_endpoint,
            &metadata.jwks_uri,
        ];
        let secure = |url: &str| url.starts_with("https://") || !self.settings.issuer.is_https();
        if !endpoints.into_iter().all(|url| secure(url)) {
            return Err(unacceptable("an endpoint is not https"));
        }
        let metadata = Arc::new(metadata);
        *self
            .metadata
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&metadata));
        Ok(metadata)
    }

    /// Verifies a token of the issuer's of at most `limit` bytes, asking for keys again if it names one
    /// that is not known.
    pub(crate) async fn verify(
        &self,
        limit: usize,
        token: &str,
        types: &[&str],
    ) -> Result<Verified, ProviderError> {
        match self.trust.verifying().verify_up_to(limit, token, types) {
            Err(JoseError::UnknownKey) => {
                self.refresh_keys().await?;
                Ok(self.trust.verifying().verify_up_to(limit, token, types)?)
            }
            verified => Ok(verified?),
        }
    }

    /// Verifies a token that nobody asked for. Keys are asked for seldom, and nobody waits for the next
    /// time: strangers choose the key ids.
    pub(crate) async fn verify_unasked(
        &self,
        token: &str,
        expect: &Expect<'_>,
    ) -> Result<Result<Verified, JoseError>, ProviderError> {
        match self.trust.verifying().verify_as(token, expect) {
            Err(JoseError::UnknownKey) if self.may_ask_unasked() => {
                self.refresh_keys().await?;
                Ok(self.trust.verifying().verify_as(token, expect))
            }
            verified => Ok(verified),
        }
    }

    fn may_ask_unasked(&self) -> bool {
        let now = self.clock.uptime();
        let asked = self.keys_asked_unasked.lock();
        let mut asked = asked.unwrap_or_else(PoisonError::into_inner);
        let rested = asked.is_none_or(|at| now.since(at) >= Self::UNASKED_COOLDOWN);
        if rested {
            *asked = Some(now);
        }
        rested
    }

    /// Believes nothing any more that key `kid` signed, whatever the key set says of it.
    pub(crate) fn distrust(&self, kid: &str) {
        self.trust.revoke(kid);
    }

    /// Asks for the issuer's keys: at most once in [`Self::KEYS_COOLDOWN`], for which it waits, and once
    /// for however many want them. Known keys are only ever replaced by a set that was read whole.
    async fn refresh_keys(&self) -> Result<(), ProviderError> {
        let wanted = self.clock.uptime();
        let mut asked = self.keys_asked.lock().await;
        if let Some(at) = *asked {
            if at > wanted {
                // Somebody else asked while this one waited for the lock.
                return Ok(());
            }
            let rest = Self::KEYS_COOLDOWN.saturating_sub(self.clock.uptime().since(at));
            tokio::time::sleep(rest).await;
        }
        let metadata = self.metadata().await?;
        *asked = Some(self.clock.uptime());
        let set = JwkSet::parse(
            &self
                .document(get(metadata.jwks_uri.clone(), "application/json", None))
                .await?,
        )?;
        if self.trust.replace(set) {
            Ok(())
        } else {
            Err(unacceptable("there is no usable key"))
        }
    }

    /// Exchanges an authorization code (RFC 6749, 4.1.3; RFC 7636, 4.5).
    pub(crate) async fn exchange(
        &self,
        code: &str,
        verifier: &str,
        redirect: &str,
    ) -> Result<Tokens, ProviderError> {
        self.tokens(vec![
            ("grant_type", Secret::new("authorization_code")),
            ("code", Secret::new(code)),
            ("code_verifier", Secret::new(verifier)),
            ("redirect_uri", Secret::new(redirect)),
        ])
        .await
    }

    /// Renews a session (RFC 6749, 6).
    pub(crate) async fn renew(&self, refresh: &str) -> Result<Tokens, ProviderError> {
        self.tokens(vec![
            ("grant_type", Secret::new("refresh_token")),
            ("refresh_token", Secret::new(refresh)),
        ])
        .await
    }

    async fn tokens(&self, fields: Vec<(&'static str, Secret)>) -> Result<Tokens, ProviderError> {
        let metadata = self.metadata().await?;
        let (status, body) = self.post(metadata.token_endpoint.clone(), fields).await?;
        match status {
            200 => serde_json::from_slice(&body)
                .map_err(|_| unacceptable("the token answer is not readable")),
            _ => Err(refusal(&body)),
        }
    }

    /// Revokes a refresh token, and with it the session (RFC 7009).
    pub(crate) async fn revoke(&self, refresh: &str) -> Result<(), ProviderError> {
        let metadata = self.metadata().await?;
        let Some(endpoint) = metadata.revocation_endpoint.clone() else {
            return Ok(());
        };
        let fields = vec![
            ("token", Secret::new(refresh)),
            ("token_type_hint", Secret::new("refresh_token")),
        ];
        let (status, body) = self.post(endpoint, fields).await?;
        if status == 200 {
            Ok(())
        } else {
            Err(refusal(&body))
        }
    }

    /// Opens a stream that asks for the client's credentials.
    pub(crate) async fn open_authenticated(
        &self,
        url: String,
        accept: &'static str,
    ) -> Result<StreamBody, ProviderError> {
        let stream = self
            .fetch
            .open(get(url, accept, Some(self.basic())))
            .await?;
        if stream.status == 200 {
            Ok(stream)
        } else {
            Err(unavailable_status(stream.status))
        }
    }

    /// Fetches a document with the client's credentials.
    pub(crate) async fn get_authenticated(
        &self,
        url: String,
        accept: &'static str,
    ) -> Result<Vec<u8>, ProviderError> {
        self.document(get(url, accept, Some(self.basic()))).await
    }

    async fn document(&self, request: FetchRequest) -> Result<Vec<u8>, ProviderError> {
        let response = self.fetch.send(request).await?;
        if response.status == 200 {
            Ok(response.body)
        } else {
            Err(unavailable_status(response.status))
        }
    }

    async fn post(
        &self,
        url: String,
        fields: Vec<(&'static str, Secret)>,
    ) -> Result<(u16, Vec<u8>), ProviderError> {
        let request = FetchRequest {
            method: Method::Post,
            url,
            accept: "application/json",
            basic: Some(self.basic()),
            body: Body::Form(fields),
        };
        let response = self.fetch.send(request).await?;
        match response.status {
            // Too busy, or broken: nothing is known of the request, so nothing is concluded from it.
            429 | 500.. => Err(unavailable_status(response.status)),
            status => Ok((status, response.body)),
        }
    }

    /// Form-encoded before Basic's base64 (RFC 6749, 2.3.1).
    fn basic(&self) -> (String, Secret) {
        let encode =
            |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        (
            encode(self.settings.client_id.as_str()),
            Secret::new(encode(self.settings.client_secret.expose())),
        )
    }
}

fn get(url: String, accept: &'static str, basic: Option<(String, Secret)>) -> FetchRequest {
    FetchRequest {
        method: Method::Get,
        url,
        accept,
        basic,
        body: Body::None,
    }
}

fn unacceptable(why: &str) -> ProviderError {
    ProviderError::Unacceptable(why.to_owned())
}

fn unavailable_status(status: u16) -> ProviderError {
    ProviderError::Unavailable(format!("status {status}"))
}

fn refusal(body: &[u8]) -> ProviderError {
    let code = serde_json::from_slice::<Refusal>(body).map(|refusal| refusal.error);
    let known = |code: &String| {
        code.len() <= 64 && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
    };
    ProviderError::Refused(
        code.ok()
            .filter(known)
            .unwrap_or_else(|| "unknown".to_owned()),
    )
}
