//! Asking for tokens (RFC 6749, 3.2): what each grant sends, and what is taken for an answer.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sealgate_jose::{TOKEN_LIMIT, object};
use sealgate_model::{Clock, Random, Secret, Timestamp};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::dpop::{Proven, Prover, Side};
use crate::flow::CodeGrant;
use crate::http::{Deed, Http, HttpRequest, HttpResponse, Reach};
use crate::metadata::ServerMetadata;
use crate::registration::{Client, Secreted, refusal};
use crate::{AgentError, WebUrl};

/// The grant of an assertion (RFC 7523, 2.1).
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// The grant of a device (RFC 8628, 3.4).
pub const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ID_JAG: &str = "urn:ietf:params:oauth:token-type:id-jag";
const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";

/// A token that lives longer is taken to live so long: what changes meanwhile should be told.
const LONGEST: Duration = Duration::from_secs(86_400);

/// The fields of a token request. Values may be secrets.
pub type Fields = Vec<(&'static str, Secret)>;

/// How a token is presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// By itself (RFC 6750).
    Bearer,
    /// With a proof of its key (RFC 9449).
    Dpop,
}

impl Kind {
    /// The scheme in `Authorization`.
    pub const fn scheme(self) -> &'static str {
        match self {
            Self::Bearer => "Bearer",
            Self::Dpop => "DPoP",
        }
    }
}

/// An access token and what goes with it.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// The token.
    pub access: Secret,
    /// How it is presented.
    pub kind: Kind,
    /// What renews it.
    pub refresh: Option<Secret>,
    /// The scopes that it has: what the answer says, or else what was asked for (RFC 6749, 5.1).
    pub scopes: Vec<String>,
    /// When it ends, if the answer says so.
    pub ends_at: Option<Timestamp>,
}

impl Tokens {
    /// The value of `Authorization`.
    pub fn authorization(&self) -> Secret {
        Secret::new(format!("{} {}", self.kind.scheme(), self.access.expose()))
    }
}

/// What is asked for besides the grant itself.
#[derive(Debug, Clone, Default)]
pub struct For {
    /// The resource (RFC 8707, 2.2).
    pub resource: Option<String>,
    /// The scopes; none are not sent.
    pub scopes: Vec<String>,
}

impl For {
    fn add(&self, fields: &mut Fields) {
        if let Some(resource) = &self.resource {
            fields.push(("resource", Secret::new(resource.as_str())));
        }
        if !self.scopes.is_empty() {
            fields.push(("scope", Secret::new(self.scopes.join(" "))));
        }
    }
}

/// A token endpoint and everything that asking it takes.
#[derive(Clone, Copy)]
pub struct TokenEndpoint<'a> {
    /// How it is reached.
    pub http: &'a dyn Http,
    /// How far.
    pub reach: Reach,
    /// The authorization server.
    pub server: &'a ServerMetadata,
    /// Who asks.
    pub client: &'a Client,
    /// The key that tokens are bound to; none for tokens that are not.
    pub prover: Option<&'a Prover>,
    /// The time.
    pub clock: &'a dyn Clock,
    /// Randomness.
    pub random: &'a dyn Random,
}

impl std::fmt::Debug for TokenEndpoint<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TokenEndpoint({})", self.server.issuer)
    }
}

#[derive(Deserialize)]
struct Answer {
    access_token: Secreted,
    token_type: String,
    #[serde(default)]
    expires_in: Option<serde_json::Number>,
    #[serde(default)]
    refresh_token: Option<Secreted>,
    #[serde(default)]
    scope: Option<String>,
    #[serde(default)]
    issued_token_type: Option<String>,
}

impl TokenEndpoint<'_> {
    /// Redeems a code (RFC 6749, 4.1.3; RFC 7636, 4.5).
    pub async fn redeem(&self, code: CodeGrant) -> Result<Tokens, AgentError> {
        let mut fields = vec![
            ("grant_type", Secret::new("authorization_code")),
            ("code", code.code),
            ("redirect_uri", Secret::new(code.redirect_uri)),
            ("code_verifier", code.verifier),
        ];
        if let Some(resource) = &code.asked.resource {
            fields.push(("resource", Secret::new(resource.as_str())));
        }
        self.tokens(fields, &code.asked.scopes).await
    }

    /// Renews a token (RFC 6749, 6). `granted` are the scopes that it has. A refresh token that the answer leaves
    /// out is still good.
    pub async fn refresh(
        &self,
        refresh: &Secret,
        resource: Option<&str>,
        granted: &[String],
    ) -> Result<Tokens, AgentError> {
        let mut fields = vec![
            ("grant_type", Secret::new("refresh_token")),
            ("refresh_token", refresh.clone()),
        ];
        if let Some(resource) = resource {
            fields.push(("resource", Secret::new(resource)));
        }
        let mut tokens = self.tokens(fields, granted).await?;
        tokens.refresh.get_or_insert_with(|| refresh.clone());
        Ok(tokens)
    }

    /// Asks for itself (RFC 6749, 4.4.2).
    pub async fn client_credentials(&self, asked: &For) -> Result<Tokens, AgentError> {
        let mut fields = vec![("grant_type", Secret::new("client_credentials"))];
        asked.add(&mut fields);
        self.tokens(fields, &asked.scopes).await
    }

    /// Asks with an assertion that somebody else gave out (RFC 7523, 2.1): a workload's token, or what an identity
    /// provider gave for this server. It is asked once: an assertion that was refused is not sent again, and no
    /// other grant is tried in its place.
    pub async fn jwt_bearer(&self, assertion: Secret, asked: &For) -> Result<Tokens, AgentError> {
        let mut fields = vec![
            ("grant_type", Secret::new(JWT_BEARER)),
            ("assertion", assertion),
        ];
        asked.add(&mut fields);
        self.tokens(fields, &asked.scopes).await
    }

    /// Asks whether the code of a device was entered (RFC 8628, 3.4).
    pub async fn device_code(&self, code: &Secret, asked: &For) -> Result<Tokens, AgentError> {
        let mut fields = vec![
            ("grant_type", Secret::new(DEVICE_CODE)),
            ("device_code", code.clone()),
        ];
        if let Some(resource) = &asked.resource {
            fields.push(("resource", Secret::new(resource.as_str())));
        }
        self.tokens(fields, &asked.scopes).await
    }

    /// Exchanges an identity token for an assertion that `audience` takes, at the identity provider, which this
    /// endpoint is (Identity Assertion Authorization Grant, 4.3).
    pub async fn exchange_identity(
        &self,
        identity: Secret,
        audience: &str,
        asked: &For,
    ) -> Result<Secret, AgentError> {
        let mut fields = vec![
            ("grant_type", Secret::new(EXCHANGE)),
            ("requested_token_type", Secret::new(ID_JAG)),
            ("audience", Secret::new(audience)),
            ("subject_token", identity),
            ("subject_token_type", Secret::new(ID_TOKEN)),
        ];
        asked.add(&mut fields);
        let answer = self.ask(fields).await?;
        if answer.issued_token_type.as_deref() != Some(ID_JAG) {
            return Err(AgentError::TokenUnacceptable(
                "the identity provider gave something else than an assertion",
            ));
        }
        sendable(&answer.access_token.0)?;
        Ok(answer.access_token.0)
    }

    async fn tokens(&self, fields: Fields, asked: &[String]) -> Result<Tokens, AgentError> {
        // Before the question: the server counts from when it answers.
        let now = self.clock.now();
        let answer = self.ask(fields).await?;
        let kind = self.kind(&answer.token_type)?;
        sendable(&answer.access_token.0)?;
        let refresh = answer.refresh_token.map(|refresh| refresh.0);
        if refresh
            .as_ref()
            .is_some_and(|token| token.expose().len() > TOKEN_LIMIT)
        {
            return Err(AgentError::TokenUnacceptable("it is too long"));
        }
        let scopes = match answer.scope.as_deref().map(str::trim) {
            Some(text) if !text.is_empty() => text
                .parse::<sealgate_oauth::Scopes>()
                .map_err(|_| AgentError::TokenUnacceptable("its scopes are not readable"))?
                .into_vec(),
            _ => asked.to_vec(),
        };
        let life = answer.expires_in.as_ref().map(seconds).transpose()?;
        Ok(Tokens {
            access: answer.access_token.0,
            kind,
            refresh,
            scopes,
            ends_at: life.map(|life| now + life.min(LONGEST)),
        })
    }

    /// A token that is not bound as was asked is not used: whoever finds it could use it too.
    fn kind(&self, token_type: &str) -> Result<Kind, AgentError> {
        let kind = if self.prover.is_some() {
            Kind::Dpop
        } else {
            Kind::Bearer
        };
        if token_type.eq_ignore_ascii_case(kind.scheme()) {
            return Ok(kind);
        }
        Err(AgentError::TokenUnacceptable(
            "it is of another type than was asked for",
        ))
    }

    async fn ask(&self, fields: Fields) -> Result<Answer, AgentError> {
        let endpoint = self.server.token_url()?;
        let answer = self.post(endpoint, fields).await?;
        object::from_slice(&answer.body)
            .map_err(|_| AgentError::TokenUnacceptable("the answer is not readable"))
    }

    /// Posts a form to one of the server's endpoints as this client, with a proof if tokens are bound to a key, and
    /// once more if the server wants a nonce in it (RFC 9449, 8). The answer is one of success.
    pub async fn post(
        &self,
        endpoint: &WebUrl,
        fields: Fields,
    ) -> Result<HttpResponse, AgentError> {
        let first = self.send(endpoint, fields.clone()).await?;
        let told = self.told(endpoint, &first);
        if !told || (200..300).contains(&first.status) || refusal(&first.body) != "use_dpop_nonce" {
            return succeeded(first);
        }
        let second = self.send(endpoint, fields).await?;
        self.told(endpoint, &second);
        succeeded(second)
    }

    async fn send(
        &self,
        endpoint: &WebUrl,
        mut fields: Fields,
    ) -> Result<HttpResponse, AgentError> {
        let now = self.clock.now();
        // A client's assertion is good once, so each request has its own.
        let authorization = self.client.authenticate(&mut fields, now, self.random)?;
        let what = Proven {
            side: Side::Server,
            method: "POST",
            url: endpoint,
            access_token: None,
        };
        let prove = |prover: &Prover| prover.prove(self.random, now, &what);
        let request = HttpRequest {
            authorization,
            dpop: self.prover.map(prove).transpose()?,
            ..HttpRequest::new(endpoint.clone(), Deed::Form(fields), self.reach)
        };
        self.http.send(request).await
    }

    fn told(&self, endpoint: &WebUrl, answer: &HttpResponse) -> bool {
        let (Some(prover), Some(nonce)) = (self.prover, &answer.dpop_nonce) else {
            return false;
        };
        prover.told(Side::Server, endpoint, nonce)
    }
}

fn succeeded(answer: HttpResponse) -> Result<HttpResponse, AgentError> {
    match answer.status {
        200..300 => Ok(answer),
        429 | 500.. => Err(AgentError::Unavailable(format!("status {}", answer.status))),
        _ => match refusal(&answer.body) {
            // Both say that it is not about the request (RFC 6749, 4.1.2.1, as servers use it here too).
            code if code == "temporarily_unavailable" || code == "server_error" => {
                Err(AgentError::Unavailable(code))
            }
            code => Err(AgentError::Refused(code)),
        },
    }
}

/// Fails for an assertion that is meant for somebody else than `server` (RFC 7523, 3: `aud`): it would be good there
/// in the hands of whoever it is shown to. What cannot be read is for the server to judge.
pub fn meant_for(assertion: &Secret, server: &ServerMetadata) -> Result<(), AgentError> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Audience {
        One(String),
        Several(Vec<String>),
        None,
    }
    #[derive(Deserialize)]
    struct Claims {
        #[serde(default)]
        aud: Option<Audience>,
    }
    let payload = assertion.expose().split('.').nth(1).unwrap_or_default();
    let payload = URL_SAFE_NO_PAD.decode(payload).map(Zeroizing::new);
    let Some(claims) = payload
        .ok()
        .and_then(|json| serde_json::from_slice::<Claims>(&json).ok())
    else {
        return Ok(());
    };
    let is_server = |named: &String| {
        let is_token = |url: &WebUrl| url.as_str() == named;
        named.trim_end_matches('/') == server.issuer.trim_end_matches('/')
            || server.token_url().is_ok_and(is_token)
    };
    let is_meant = match &claims.aud {
        Some(Audience::One(named)) => is_server(named),
        Some(Audience::Several(all)) => all.iter().any(is_server),
        Some(Audience::None) | None => false,
    };
    if is_meant {
        return Ok(());
    }
    let said = format!(
        "the one there is not for {}; name the issuer that it is for",
        server.issuer
    );
    Err(AgentError::AssertionUnavailable(said))
}

fn sendable(token: &Secret) -> Result<(), AgentError> {
    let token = token.expose();
    let fits = (1..=TOKEN_LIMIT).contains(&token.len());
    if fits && token.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(())
    } else {
        Err(AgentError::TokenUnacceptable(
            "it cannot be sent in a header",
        ))
    }
}

/// `expires_in`, which some servers write with a fraction.
fn seconds(number: &serde_json::Number) -> Result<Duration, AgentError> {
    let wrong = AgentError::TokenUnacceptable("its lifetime is no number of seconds");
    match (number.as_u64(), number.as_f64()) {
        (Some(whole), _) => Ok(Duration::from_secs(whole)),
        (None, Some(part)) => Duration::try_from_secs_f64(part).map_err(|_| wrong),
        _ => Err(wrong),
    }
}

#[cfg(test)]
mod tests;
