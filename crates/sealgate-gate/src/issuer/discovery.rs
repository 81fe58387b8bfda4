//! An issuer's metadata (OpenID Connect Discovery 1.0, 4; RFC 8414).

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use sealgate_host::{Body, Fetch, FetchRequest, FetchResponse, Method};
use sealgate_model::{Clock, Issuer, Uptime};
use serde::Deserialize;

use crate::provider::ProviderError;

/// Longer metadata is not read, in bytes.
const LIMIT: usize = 64 * 1024;

/// After this long it is worth another look: endpoints move seldom.
const OLD: Duration = Duration::from_secs(3_600);

/// The metadata, as far as it is used.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Metadata {
    issuer: String,
    /// Empty at an issuer that signs nobody in.
    #[serde(default)]
    pub(crate) authorization_endpoint: String,
    #[serde(default)]
    pub(crate) token_endpoint: String,
    jwks_uri: String,
    pub(crate) revocation_endpoint: Option<String>,
    pub(crate) introspection_endpoint: Option<String>,
    pub(crate) end_session_endpoint: Option<String>,
    #[serde(default)]
    pub(crate) authorization_response_iss_parameter_supported: bool,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    pub(crate) revocation_feed_endpoint: Option<String>,
    pub(crate) revocation_snapshot_endpoint: Option<String>,
    pub(crate) revocation_applied_endpoint: Option<String>,
    pub(crate) policy_bundle_endpoint: Option<String>,
    pub(crate) gate_decisions_endpoint: Option<String>,
    pub(crate) gate_report_endpoint: Option<String>,
}

impl Metadata {
    /// Whether the client's secret goes into the form, because the issuer does not take it in a header.
    /// Where nothing is said it takes Basic (RFC 8414, 2).
    pub(crate) fn wants_secret_in_form(&self) -> bool {
        let methods = self.token_endpoint_auth_methods_supported.as_deref();
        let has = |name: &str| methods.is_some_and(|all| all.iter().any(|method| method == name));
        has("client_secret_post") && !has("client_secret_basic")
    }
}

/// Where an issuer is, found out once and looked at again now and then.
pub(crate) struct Discovery {
    issuer: Issuer,
    signs_in: bool,
    fetch: Arc<dyn Fetch>,
    clock: Arc<dyn Clock>,
    /// And when it was asked for; none where it is worth another look at once.
    known: RwLock<Option<(Arc<Metadata>, Option<Uptime>)>>,
}

impl Discovery {
    /// Nothing is known yet. With `signs_in` the metadata has to name what a sign-in needs.
    pub(crate) fn new(
        issuer: Issuer,
        signs_in: bool,
        fetch: Arc<dyn Fetch>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            issuer,
            signs_in,
            fetch,
            clock,
            known: RwLock::new(None),
        }
    }

    /// The issuer's identifier.
    pub(crate) fn issuer(&self) -> &str {
        self.issuer.as_str()
    }

    /// The metadata, if it is at hand.
    pub(crate) fn known(&self) -> Option<Arc<Metadata>> {
        self.read().map(|(metadata, _)| metadata)
    }

    /// The metadata, fetched if it is not at hand.
    pub(crate) async fn get(&self) -> Result<Arc<Metadata>, ProviderError> {
        match self.known() {
            Some(metadata) => Ok(metadata),
            None => self.ask().await,
        }
    }

    /// Where the keys are. Metadata that is old is asked for again first; when that fails, it stays.
    pub(super) async fn keys_url(&self) -> Result<String, ProviderError> {
        let metadata = match self.read() {
            Some((metadata, Some(at))) if self.clock.uptime().since(at) < OLD => metadata,
            Some((metadata, _)) => self.ask().await.unwrap_or(metadata),
            None => self.ask().await?,
        };
        Ok(metadata.jwks_uri.clone())
    }

    /// The metadata, asked for anew: what is at hand lacks something that has to be there by now.
    pub(crate) async fn get_anew(&self) -> Result<Arc<Metadata>, ProviderError> {
        self.ask().await
    }

    /// Something that the metadata named did not work: it may have moved.
    pub(super) fn look_again(&self) {
        let known = self.known.write();
        if let Some((_, asked)) = &mut *known.unwrap_or_else(PoisonError::into_inner) {
            *asked = None;
        }
    }

    fn read(&self) -> Option<(Arc<Metadata>, Option<Uptime>)> {
        let known = self.known.read();
        known.unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn ask(&self) -> Result<Arc<Metadata>, ProviderError> {
        let asked = self.clock.uptime();
        let mut answer = self.document(self.openid_url()).await?;
        // Servers of OAuth alone have their own place for it. Nothing but "there is no such thing" leads
        // there: an outage has to stay one.
        if matches!(answer.status, 400..=428 | 430..=499) {
            answer = self.document(self.oauth_url()).await?;
        }
        if answer.status != 200 {
            let status = format!("status {}", answer.status);
            return Err(ProviderError::Unavailable(status));
        }
        let metadata = Arc::new(self.accept(&answer.body)?);
        *self.known.write().unwrap_or_else(PoisonError::into_inner) =
            Some((Arc::clone(&metadata), Some(asked)));
        Ok(metadata)
    }

    fn accept(&self, body: &[u8]) -> Result<Metadata, ProviderError> {
        let unacceptable = |why: &str| ProviderError::Unacceptable(why.to_owned());
        if body.len() > LIMIT {
            return Err(unacceptable("the metadata is too long"));
        }
        let metadata: Metadata = serde_json::from_slice(body)
            .map_err(|_| unacceptable("the metadata is not readable"))?;
        // Byte for byte (OpenID Connect Discovery 1.0, 4.3): who answers at this URL must be who was asked.
        if metadata.issuer != self.issuer.as_str() {
            return Err(unacceptable("the metadata names another issuer"));
        }
        let for_sign_in = [&metadata.authorization_endpoint, &metadata.token_endpoint];
        if self.signs_in && for_sign_in.iter().any(|url| url.is_empty()) {
            return Err(unacceptable(
                "the metadata names no endpoints for signing in",
            ));
        }
        let secure = |url: &String| url.starts_with("https://") || !self.issuer.is_https();
        let further = [
            &metadata.revocation_endpoint,
            &metadata.introspection_endpoint,
            &metadata.end_session_endpoint,
            &metadata.revocation_feed_endpoint,
            &metadata.revocation_snapshot_endpoint,
            &metadata.revocation_applied_endpoint,
            &metadata.policy_bundle_endpoint,
            &metadata.gate_decisions_endpoint,
            &metadata.gate_report_endpoint,
        ];
        let all_secure = for_sign_in
            .into_iter()
            .filter(|url| !url.is_empty())
            .chain([&metadata.jwks_uri])
            .chain(further.into_iter().flatten())
            .all(secure);
        if !all_secure {
            return Err(unacceptable("an endpoint is not https"));
        }
        Ok(metadata)
    }

    async fn document(&self, url: String) -> Result<FetchResponse, ProviderError> {
        Ok(self.fetch.send(get_json(url)).await?)
    }

    /// Under the issuer, whose slash at its end, if it has one, is not doubled (Discovery 1.0, 4.1).
    fn openid_url(&self) -> String {
        self.issuer.url("/.well-known/openid-configuration")
    }

    /// Between host and path (RFC 8414, 3.1).
    fn oauth_url(&self) -> String {
        let path = self.issuer.path().trim_end_matches('/');
        let origin = self.issuer.origin();
        format!("{origin}/.well-known/oauth-authorization-server{path}")
    }
}

/// A request for JSON that anybody may make.
pub(super) fn get_json(url: String) -> FetchRequest {
    FetchRequest {
        method: Method::Get,
        url,
        accept: "application/json",
        basic: None,
        dpop: None,
        headers: Vec::new(),
        body: Body::None,
    }
}
