//! The gate's dealings with the issuer where users sign in: tokens, their renewal and revocation.

use std::sync::Arc;

use sealgate_host::{Body, Fetch, FetchError, FetchRequest, FetchResponse, Method, StreamBody};
use sealgate_jose::{Expect, JoseError, TOKEN_LIMIT, Verified};
use sealgate_model::{Secret, SessionId};
use sealgate_revocation::View;
use serde::Deserialize;
use thiserror::Error;
use url::form_urlencoded;

pub(crate) use crate::issuer::Metadata;
use crate::issuer::{Issuers, Logout, Outside, Preset, Says, TrustedIssuer, Unverified};
use crate::query::with_params;
use crate::settings::Settings;
use crate::stale::Answer;

/// Why an issuer did not give what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum ProviderError {
    /// It could not be reached, or is overloaded. Trying again may help.
    #[error("the issuer is unavailable: {0}")]
    Unavailable(String),
    /// It refused, with an OAuth error code.
    #[error("the issuer refused: {0}")]
    Refused(String),
    /// It answered what it must not.
    #[error("the issuer's answer is not acceptable: {0}")]
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

/// The token endpoint's answer to a request that may have carried a proof.
pub(crate) struct TokenReply {
    /// The body of a grant, or why there is none.
    pub(crate) body: Result<Vec<u8>, ProviderError>,
    /// The nonce for the next proof (RFC 9449, 8).
    pub(crate) dpop_nonce: Option<String>,
}

/// What an ID token's header has to be like, where it need not be one of ours: many issuers state no type,
/// and some with a single key do not name it.
const FOREIGN_ID_TOKEN: Expect<'_> = Expect {
    types: &["JWT"],
    type_optional: true,
    kid_optional: true,
    limit: TOKEN_LIMIT,
};

/// The client of the issuer where users sign in, and the keys of every issuer that is believed.
pub(crate) struct Provider {
    settings: Arc<Settings>,
    fetch: Arc<dyn Fetch>,
    issuers: Issuers,
}

impl Provider {
    pub(crate) fn new(settings: Arc<Settings>, outside: &Outside) -> Self {
        Self {
            fetch: Arc::clone(&outside.fetch),
            issuers: Issuers::new(
                (settings.issuer.clone(), settings.provider),
                settings.trusted_issuers.iter().cloned(),
                outside,
            ),
            settings,
        }
    }

    /// Every issuer that is believed: whose tokens are taken, and with which keys.
    pub(crate) const fn issuers(&self) -> &Issuers {
        &self.issuers
    }

    /// The one where users sign in.
    fn issuer(&self) -> &TrustedIssuer {
        self.issuers.sign_in()
    }

    /// What it is like.
    pub(crate) fn preset(&self) -> &'static Preset {
        self.issuer().preset()
    }

    /// The metadata, if it is at hand.
    pub(crate) fn known_metadata(&self) -> Option<Arc<Metadata>> {
        self.issuer().discovery().known()
    }

    /// The metadata, fetched if it is not at hand.
    pub(crate) async fn metadata(&self) -> Result<Arc<Metadata>, ProviderError> {
        self.issuer().discovery().get().await
    }

    /// Where decisions are brought; none if the issuer says of no such place, asked anew.
    pub(crate) async fn decisions_endpoint(&self) -> Result<Option<String>, ProviderError> {
        let known = self.metadata().await?.gate_decisions_endpoint.clone();
        if known.is_some() {
            return Ok(known);
        }
        // It may have become one that takes them since.
        let metadata = self.issuer().discovery().get_anew().await?;
        Ok(metadata.gate_decisions_endpoint.clone())
    }

    /// Where bundles of policies are handed out; none if the issuer says of no such place, asked anew.
    pub(crate) async fn bundle_endpoint(&self) -> Result<Option<String>, ProviderError> {
        let known = self.metadata().await?.policy_bundle_endpoint.clone();
        if known.is_some() {
            return Ok(known);
        }
        // It may have become one that has policies since.
        let metadata = self.issuer().discovery().get_anew().await?;
        Ok(metadata.policy_bundle_endpoint.clone())
    }

    /// Verifies a token of at most `limit` bytes that the issuer itself handed over, asking for its key if
    /// it is not known.
    pub(crate) async fn verify(
        &self,
        limit: usize,
        token: &str,
        types: &[&str],
    ) -> Result<Verified, ProviderError> {
        let expect = Expect {
            types,
            type_optional: false,
            kid_optional: false,
            limit,
        };
        self.issuer().keys().verify_own(token, &expect).await
    }

    /// The same for an ID token, as the issuer makes them.
    pub(crate) async fn verify_id_token(&self, token: &str) -> Result<Verified, ProviderError> {
        if self.preset().id_tokens.is_strict {
            return self.verify(TOKEN_LIMIT, token, &["JWT"]).await;
        }
        let keys = self.issuer().keys();
        keys.verify_own(token, &FOREIGN_ID_TOKEN).await
    }

    /// Verifies a token that nobody asked for. Keys are asked for seldom, and nobody waits for the next
    /// time: strangers choose the key ids.
    pub(crate) async fn verify_unasked(
        &self,
        token: &str,
        expect: &Expect<'_>,
    ) -> Result<Result<Verified, JoseError>, ProviderError> {
        match self.issuer().keys().verify(token, expect).await {
            Ok(verified) => Ok(Ok(verified)),
            Err(Unverified::Refused(error)) => Ok(Err(error)),
            Err(Unverified::Ask(_) | Unverified::Unavailable(_)) => Err(
                ProviderError::Unavailable("the keys cannot be had now".to_owned()),
            ),
        }
    }

    /// Asks `view` from now on which of the issuer's keys are revoked: another process may have heard of it.
    pub(crate) fn heed(&self, view: &Arc<View>) {
        self.issuer().keys().heed(view);
    }

    /// Believes nothing any more that key `kid` signed, whatever the key set says of it.
    pub(crate) fn distrust(&self, kid: &str) {
        self.issuer().keys().distrust(kid);
    }

    /// What this kind of issuer wants to be told in the authorization request besides the usual.
    pub(crate) fn authorization_parameters(&self) -> Vec<(&'static str, &str)> {
        let scopes = &self.settings.scopes;
        let offline = scopes.iter().any(|scope| scope == "offline_access");
        let says = |what: &Says| match what {
            Says::Text(text) => Some(*text),
            Says::WhenOffline(text) => offline.then_some(*text),
            Says::Audience => self.settings.named_audience(),
        };
        let all = self.preset().authorization.iter();
        all.filter_map(|(name, what)| Some((*name, says(what)?)))
            .collect()
    }

    /// Where a browser goes to be signed out at the issuer too, if it can be: with `after`, a URL of this
    /// application, to come back to. There is never an `id_token_hint`: the cookie has no room for it.
    pub(crate) fn logout_url(&self, session: SessionId, after: &str) -> Option<String> {
        let known = self.known_metadata()?;
        let endpoint = known.end_session_endpoint.as_deref()?;
        let client = ("client_id", self.settings.client_id.as_str());
        let back = ("post_logout_redirect_uri", after);
        match self.preset().logout {
            Logout::Hinted => {
                let hint = session.to_string();
                let hint = ("logout_hint", hint.as_str());
                Some(with_params(endpoint, &[client, hint, back]))
            }
            Logout::Client => Some(with_params(endpoint, &[client, back])),
            Logout::Never => None,
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
        match (status, refusal(&body)) {
            (200, _) => Ok(()),
            // It is worth nothing any more, which is what was wanted; RFC 7009 (2.2) would have this be a
            // 200, and not everybody does.
            (_, ProviderError::Refused(code))
                if code == "invalid_token" || code == "invalid_grant" =>
            {
                Ok(())
            }
            (_, refusal) => Err(refusal),
        }
    }

    /// Asks whether a token is good right now (RFC 7662).
    pub(crate) async fn introspect(
        &self,
        token: &str,
        hint: &'static str,
    ) -> Result<Answer, ProviderError> {
        let metadata = self.metadata().await?;
        let Some(endpoint) = metadata.introspection_endpoint.clone() else {
            return Err(unacceptable("it names no introspection endpoint"));
        };
        let fields = vec![
            ("token", Secret::new(token)),
            ("token_type_hint", Secret::new(hint)),
        ];
        match self.post(endpoint, fields).await? {
            (200, body) => Answer::read(&body),
            (_, body) => Err(refusal(&body)),
        }
    }

    /// Opens a stream that asks for the client's credentials.
    pub(crate) async fn open_authenticated(
        &self,
        url: String,
        accept: &'static str,
        headers: Vec<(&'static str, String)>,
    ) -> Result<StreamBody, ProviderError> {
        let request = FetchRequest {
            headers,
            ..get(url, accept, Some(self.basic()))
        };
        let stream = self.fetch.open(request).await?;
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
        headers: Vec<(&'static str, String)>,
    ) -> Result<Vec<u8>, ProviderError> {
        let request = FetchRequest {
            headers,
            ..get(url, accept, Some(self.basic()))
        };
        self.document(request).await
    }

    /// Posts a JSON document with the client's credentials; what is answered is of no interest.
    pub(crate) async fn post_json(
        &self,
        url: String,
        document: Vec<u8>,
    ) -> Result<(), ProviderError> {
        let request = FetchRequest {
            method: Method::Post,
            body: Body::Json(document),
            ..get(url, "application/json", Some(self.basic()))
        };
        let response = self.fetch.send(request).await?;
        match response.status {
            200..=299 => Ok(()),
            status => Err(unavailable_status(status)),
        }
    }

    /// Posts bytes of media type `kind` with the client's credentials; the status of the answer.
    pub(crate) async fn post_bytes(
        &self,
        url: String,
        kind: &'static str,
        content: Vec<u8>,
    ) -> Result<(u16, Vec<u8>), ProviderError> {
        let request = FetchRequest {
            method: Method::Post,
            body: Body::Bytes { kind, content },
            ..get(url, "application/json", Some(self.basic()))
        };
        let answer = self.fetch.send(request).await?;
        Ok((answer.status, answer.body))
    }

    async fn document(&self, request: FetchRequest) -> Result<Vec<u8>, ProviderError> {
        let response = self.fetch.send(request).await?;
        if response.status == 200 {
            Ok(response.body)
        } else {
            Err(unavailable_status(response.status))
        }
    }

    /// The token endpoint.
    pub(crate) async fn token_endpoint(&self) -> Result<String, ProviderError> {
        Ok(self.metadata().await?.token_endpoint.clone())
    }

    /// Asks the token endpoint for a token to call onward with, bound to the key of `proof` if there is one.
    pub(crate) async fn ask_token(
        &self,
        fields: Vec<(&'static str, Secret)>,
        proof: Option<Secret>,
    ) -> Result<TokenReply, ProviderError> {
        let endpoint = self.token_endpoint().await?;
        let response = self.send_form(endpoint, fields, proof).await?;
        let body = match response.status {
            200 => Ok(response.body),
            _ => Err(refusal(&response.body)),
        };
        Ok(TokenReply {
            body,
            dpop_nonce: response.dpop_nonce,
        })
    }

    async fn post(
        &self,
        url: String,
        fields: Vec<(&'static str, Secret)>,
    ) -> Result<(u16, Vec<u8>), ProviderError> {
        let response = self.send_form(url, fields, None).await?;
        Ok((response.status, response.body))
    }

    async fn send_form(
        &self,
        url: String,
        mut fields: Vec<(&'static str, Secret)>,
        dpop: Option<Secret>,
    ) -> Result<FetchResponse, ProviderError> {
        let in_form = self.preset().secret_in_form || self.metadata().await?.wants_secret_in_form();
        if in_form {
            let client = self.settings.client_id.as_str();
            fields.push(("client_id", Secret::new(client)));
            fields.push(("client_secret", self.settings.client_secret.clone()));
        }
        let request = FetchRequest {
            method: Method::Post,
            url,
            accept: "application/json",
            basic: (!in_form).then(|| self.basic()),
            dpop,
            headers: Vec::new(),
            body: Body::Form(fields),
        };
        let response = self.fetch.send(request).await?;
        match response.status {
            // Too busy, or broken: nothing is known of the request, so nothing is concluded from it.
            429 | 500.. => Err(unavailable_status(response.status)),
            _ => Ok(response),
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
        dpop: None,
        headers: Vec::new(),
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
