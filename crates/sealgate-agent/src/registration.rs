//! How the agent becomes a client of an authorization server: as one that was registered beforehand, by the address
//! of a document about it, or by registering itself; in this order. Who it is there means nothing anywhere else.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealgate_jose::object;
use sealgate_model::{Random, Secret, Timestamp};
use serde::{Deserialize, Serialize};
use url::form_urlencoded::byte_serialize;

use crate::client_key::ClientKey;
use crate::error::told;
use crate::http::{Deed, Http, HttpRequest, Reach};
use crate::metadata::ServerMetadata;
use crate::{AgentError, WebUrl};

const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How a client proves who it is at the token endpoint.
#[derive(Debug, Clone)]
pub enum ClientAuth {
    /// Not at all (`none`).
    Public,
    /// By a secret in `Authorization` (`client_secret_basic`).
    Basic(Secret),
    /// By a secret in the form (`client_secret_post`).
    Post(Secret),
    /// By an assertion (`private_key_jwt`).
    Key(Arc<ClientKey>),
}

/// How the client came to be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Somebody registered it beforehand.
    Given,
    /// Its id is the address of a document.
    Document,
    /// It registered itself.
    Dynamic,
}

/// A client, known to one issuer and to be named to no other.
#[derive(Debug, Clone)]
pub struct Client {
    /// Its id; none for a workload that an assertion alone speaks for.
    pub id: Option<String>,
    /// How it proves who it is.
    pub auth: ClientAuth,
    /// The issuer that knows it.
    pub issuer: String,
    /// How it came to be known.
    pub origin: Origin,
}

impl Client {
    /// Adds what tells the token endpoint who is asking (RFC 6749, 2.3; RFC 7523, 2.2) to `fields`. What goes into
    /// `Authorization` is given back.
    pub fn authenticate(
        &self,
        fields: &mut Vec<(&'static str, Secret)>,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<Option<Secret>, AgentError> {
        let Some(id) = &self.id else {
            return Ok(None);
        };
        match &self.auth {
            ClientAuth::Public => fields.push(("client_id", Secret::new(id.as_str()))),
            ClientAuth::Post(secret) => {
                fields.push(("client_id", Secret::new(id.as_str())));
                fields.push(("client_secret", secret.clone()));
            }
            ClientAuth::Basic(secret) => {
                // Both are form-encoded first (RFC 6749, 2.3.1).
                let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
                let pair = Secret::new(format!("{}:{}", encoded(id), encoded(secret.expose())));
                let value = STANDARD.encode(pair.expose());
                return Ok(Some(Secret::new(format!("Basic {value}"))));
            }
            ClientAuth::Key(key) => {
                fields.push(("client_id", Secret::new(id.as_str())));
                fields.push(("client_assertion_type", Secret::new(ASSERTION)));
                let assertion = key.assertion(id, &self.issuer, now, random)?;
                fields.push(("client_assertion", assertion));
            }
        }
        Ok(None)
    }
}

/// A client that somebody registered beforehand.
#[derive(Debug, Clone)]
pub struct Given {
    /// Its id.
    pub id: String,
    /// Its secret, if it has one.
    pub secret: Option<Secret>,
    /// Its key, if it has one. It goes before the secret.
    pub key: Option<Arc<ClientKey>>,
    /// The issuer that knows it; none for the first one that is found, and no other after that.
    pub issuer: Option<String>,
}

impl Given {
    /// The client at `server`: how it proves who it is follows from what it has and what the server takes.
    pub fn at(&self, server: &ServerMetadata) -> Result<Client, AgentError> {
        let auth = match (&self.key, &self.secret) {
            (Some(key), _) => ClientAuth::Key(Arc::clone(key)),
            (None, None) => ClientAuth::Public,
            (None, Some(secret)) if server.takes_method("client_secret_basic") => {
                ClientAuth::Basic(secret.clone())
            }
            (None, Some(secret)) if server.takes_method("client_secret_post") => {
                ClientAuth::Post(secret.clone())
            }
            (None, Some(_)) => {
                return Err(AgentError::ServerUnsuitable(
                    "way to authenticate with a secret",
                ));
            }
        };
        Ok(Client {
            id: Some(self.id.clone()),
            auth,
            issuer: server.issuer.clone(),
            origin: Origin::Given,
        })
    }
}

/// What the agent says about itself where nobody registered it.
#[derive(Debug, Clone)]
pub struct Profile {
    /// Its name, for people.
    pub name: String,
    /// Where answers to its sign-ins go; none for a device.
    pub redirect_uri: Option<String>,
    /// The address of a document about it.
    pub document: Option<WebUrl>,
    /// Whether it may register itself.
    pub registers: bool,
}

/// How the agent becomes a client of one server.
#[derive(Debug)]
pub enum Way {
    /// It is one already.
    Known(Client),
    /// By registering there (RFC 7591).
    Register(WebUrl),
    /// There is none: somebody has to register it.
    Ask,
}

/// The way for this server (Model Context Protocol, authorization, "Client Registration Approaches").
pub fn choose(
    server: &ServerMetadata,
    given: Option<&Given>,
    profile: &Profile,
) -> Result<Way, AgentError> {
    let is_here = |given: &&Given| {
        let issuer = given.issuer.as_ref();
        issuer.is_none_or(|issuer| *issuer == server.issuer)
    };
    if let Some(given) = given.filter(is_here) {
        return given.at(server).map(Way::Known);
    }
    if let Some(document) = &profile.document
        && server.client_id_metadata_document_supported
    {
        return Ok(Way::Known(Client {
            id: Some(document.as_str().to_owned()),
            auth: ClientAuth::Public,
            issuer: server.issuer.clone(),
            origin: Origin::Document,
        }));
    }
    match &server.registration_endpoint {
        Some(endpoint) if profile.registers => Ok(Way::Register(endpoint.0.clone())),
        _ => Ok(Way::Ask),
    }
}

#[derive(Serialize)]
struct Asked<'a> {
    client_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect_uris: Option<[&'a str; 1]>,
    grant_types: &'a [&'a str],
    response_types: &'a [&'a str],
    token_endpoint_auth_method: &'a str,
    application_type: &'a str,
}

#[derive(Deserialize)]
struct Registered {
    client_id: String,
    #[serde(default)]
    client_secret: Option<Secreted>,
    #[serde(default)]
    token_endpoint_auth_method: Option<String>,
}

/// Text that is wiped when it is dropped.
#[derive(Deserialize)]
#[serde(from = "String")]
pub(crate) struct Secreted(pub(crate) Secret);

impl From<String> for Secreted {
    fn from(text: String) -> Self {
        Self(Secret::new(text))
    }
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
}

/// The code in an error answer (RFC 6749, 5.2), fit to be shown.
pub(crate) fn refusal(body: &[u8]) -> String {
    let refusal = object::from_slice::<Refusal>(body);
    let code = refusal.map(|refusal| told(&refusal.error));
    code.unwrap_or_else(|_| "without a reason".to_owned())
}

/// Registers the agent at `endpoint` (RFC 7591, 3.1).
pub async fn register(
    http: &dyn Http,
    server: &ServerMetadata,
    endpoint: WebUrl,
    profile: &Profile,
    reach: Reach,
) -> Result<Client, AgentError> {
    let methods = ["none", "client_secret_basic", "client_secret_post"];
    let method = methods
        .into_iter()
        .find(|method| server.takes_method(method));
    let method = method.ok_or(AgentError::ServerUnsuitable(
        "way to authenticate for a client that registers itself",
    ))?;
    let is_device = profile.redirect_uri.is_none();
    let native = profile.redirect_uri.as_deref().is_none_or(is_native);
    let grants: &[&str] = if is_device {
        &[
            "urn:ietf:params:oauth:grant-type:device_code",
            "refresh_token",
        ]
    } else {
        &["authorization_code", "refresh_token"]
    };
    let asked = Asked {
        client_name: &profile.name,
        redirect_uris: profile.redirect_uri.as_deref().map(|uri| [uri]),
        grant_types: grants,
        response_types: if is_device { &[] } else { &["code"] },
        token_endpoint_auth_method: method,
        application_type: if native { "native" } else { "web" },
    };
    let document = serde_json::to_string(&asked)
        .map_err(|_| AgentError::MetadataUnacceptable("the agent's own"))?;
    let request = HttpRequest::new(endpoint, Deed::Json(Secret::new(document)), reach);
    let answer = http.send(request).await?;
    match answer.status {
        200 | 201 => {}
        429 | 500.. => return Err(AgentError::Unavailable(format!("status {}", answer.status))),
        _ => return Err(AgentError::RegistrationRefused(refusal(&answer.body))),
    }
    let registered: Registered = object::from_slice(&answer.body)
        .map_err(|_| AgentError::MetadataUnacceptable("the registration is not readable"))?;
    client_of(registered, method, server)
}

fn client_of(
    registered: Registered,
    asked: &str,
    server: &ServerMetadata,
) -> Result<Client, AgentError> {
    let id = registered.client_id;
    if !(1..=2048).contains(&id.len()) || !id.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        return Err(AgentError::MetadataUnacceptable("the client's id"));
    }
    let secret = registered.client_secret.map(|secret| secret.0);
    let method = registered.token_endpoint_auth_method;
    let auth = match (method.as_deref().unwrap_or(asked), secret) {
        ("none", _) => ClientAuth::Public,
        ("client_secret_basic", Some(secret)) => ClientAuth::Basic(secret),
        ("client_secret_post", Some(secret)) => ClientAuth::Post(secret),
        _ => {
            return Err(AgentError::MetadataUnacceptable(
                "the registration has no secret for its way to authenticate",
            ));
        }
    };
    Ok(Client {
        id: Some(id),
        auth,
        issuer: server.issuer.clone(),
        origin: Origin::Dynamic,
    })
}

/// Whether a client that registered with the first redirect URI may use the second: the same, or the same but for the
/// port of a loopback address (RFC 8252, 7.3).
pub(crate) fn same_redirect(registered: Option<&str>, wanted: Option<&str>) -> bool {
    let (Some(registered), Some(wanted)) = (registered, wanted) else {
        return registered == wanted;
    };
    if registered == wanted {
        return true;
    }
    let (Ok(one), Ok(other)) = (WebUrl::parse(registered), WebUrl::parse(wanted)) else {
        return false;
    };
    let is_loopback = one.literal().is_some_and(|address| address.is_loopback());
    is_loopback
        && one.literal() == other.literal()
        && registered.starts_with("http://") == wanted.starts_with("http://")
        && one.path() == other.path()
        && one.query() == other.query()
}

/// Whether answers to a sign-in stay on the person's own machine (RFC 8252, 7).
fn is_native(redirect_uri: &str) -> bool {
    match WebUrl::parse(redirect_uri) {
        Ok(url) => url.as_str().starts_with("http://"),
        Err(_) => true,
    }
}

#[cfg(test)]
mod tests;
