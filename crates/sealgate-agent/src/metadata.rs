//! The two documents that lead from a resource to a token: the resource's (RFC 9728, 2) and the authorization
//! server's (RFC 8414, 2).

use sealgate_jose::object;
use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};

use crate::{AgentError, WebUrl};

/// Bytes of a document.
pub const METADATA_LIMIT: usize = 64 * 1024;

/// Members of a list.
const MOST: usize = 256;

/// What a resource says about itself. Members that are not known are ignored; one of another type than it has to be
/// is a fault of the whole.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ResourceMetadata {
    /// The resource, exactly as it names itself: so it is sent as `resource`.
    pub resource: String,
    /// The issuers of the authorization servers that it takes tokens of.
    #[serde(default)]
    pub authorization_servers: Vec<String>,
    /// The scopes that it knows.
    #[serde(default)]
    pub scopes_supported: Option<Vec<String>>,
    /// Whether it takes tokens only that are bound to a key (RFC 9728, 2).
    #[serde(default)]
    pub dpop_bound_access_tokens_required: bool,
    /// The algorithms in which it takes proofs.
    #[serde(default)]
    pub dpop_signing_alg_values_supported: Option<Vec<String>>,
    /// Its name, for people.
    #[serde(default)]
    pub resource_name: Option<String>,
}

impl ResourceMetadata {
    /// Reads a document of at most [`METADATA_LIMIT`] bytes.
    pub fn parse(json: &[u8]) -> Result<Self, AgentError> {
        let document: Self = read(json)?;
        if WebUrl::parse(&document.resource).is_err() {
            return Err(AgentError::MetadataUnacceptable(
                "the resource is not an https URL",
            ));
        }
        bounded(&[
            Some(&document.authorization_servers),
            document.scopes_supported.as_ref(),
            document.dpop_signing_alg_values_supported.as_ref(),
        ])?;
        Ok(document)
    }
}

/// What an authorization server says about itself. Members that are not known are ignored; one of another type than
/// it has to be is a fault of the whole, and so is an endpoint that is never followed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ServerMetadata {
    /// The issuer, byte by byte as whoever led here named it.
    pub issuer: String,
    /// Where people sign in.
    #[serde(default)]
    pub authorization_endpoint: Option<Endpoint>,
    /// Where tokens are asked for.
    #[serde(default)]
    pub token_endpoint: Option<Endpoint>,
    /// Where clients register (RFC 7591).
    #[serde(default)]
    pub registration_endpoint: Option<Endpoint>,
    /// Where devices begin (RFC 8628).
    #[serde(default)]
    pub device_authorization_endpoint: Option<Endpoint>,
    /// Where tokens are given back (RFC 7009).
    #[serde(default)]
    pub revocation_endpoint: Option<Endpoint>,
    /// Where authorization requests are pushed (RFC 9126).
    #[serde(default)]
    pub pushed_authorization_request_endpoint: Option<Endpoint>,
    /// Whether they have to be.
    #[serde(default)]
    pub require_pushed_authorization_requests: bool,
    /// The scopes that it knows.
    #[serde(default)]
    pub scopes_supported: Option<Vec<String>>,
    /// The grants that it knows; none means `authorization_code` and `implicit` (RFC 8414, 2).
    #[serde(default)]
    pub grant_types_supported: Option<Vec<String>>,
    /// How clients authenticate there; none means `client_secret_basic` (RFC 8414, 2).
    #[serde(default)]
    pub token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// The algorithms of client assertions.
    #[serde(default)]
    pub token_endpoint_auth_signing_alg_values_supported: Option<Vec<String>>,
    /// How a code is bound to whoever asked for it (RFC 7636).
    #[serde(default)]
    pub code_challenge_methods_supported: Option<Vec<String>>,
    /// Whether it names itself in its answers (RFC 9207).
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
    /// Whether a client may be known by the address of a document about it.
    #[serde(default)]
    pub client_id_metadata_document_supported: bool,
    /// The algorithms in which it takes proofs (RFC 9449, 5.1).
    #[serde(default)]
    pub dpop_signing_alg_values_supported: Option<Vec<String>>,
}

impl ServerMetadata {
    /// Reads a document of at most [`METADATA_LIMIT`] bytes that must be `issuer`'s (RFC 8414, 3.3).
    pub fn parse(json: &[u8], issuer: &str) -> Result<Self, AgentError> {
        let document: Self = read(json)?;
        if document.issuer != issuer {
            return Err(AgentError::IssuerMismatch(issuer.to_owned()));
        }
        bounded(&[
            document.scopes_supported.as_ref(),
            document.grant_types_supported.as_ref(),
            document.token_endpoint_auth_methods_supported.as_ref(),
            document
                .token_endpoint_auth_signing_alg_values_supported
                .as_ref(),
            document.code_challenge_methods_supported.as_ref(),
            document.dpop_signing_alg_values_supported.as_ref(),
        ])?;
        Ok(document)
    }

    /// What a server without metadata is taken for (Model Context Protocol, 2025-03-26, 2.3.3): `/authorize`,
    /// `/token` and `/register` at `origin`.
    pub fn by_default(origin: &WebUrl) -> Result<Self, AgentError> {
        let at = |path| origin.at(path).map(Endpoint).map(Some);
        Ok(Self {
            issuer: origin.origin(),
            authorization_endpoint: at("/authorize")?,
            token_endpoint: at("/token")?,
            registration_endpoint: at("/register")?,
            code_challenge_methods_supported: Some(vec!["S256".to_owned()]),
            token_endpoint_auth_methods_supported: Some(
                ["none", "client_secret_basic", "client_secret_post"]
                    .map(str::to_owned)
                    .into(),
            ),
            ..Self::default()
        })
    }

    /// Whether a client may authenticate there by `method`.
    pub fn takes_method(&self, method: &str) -> bool {
        match &self.token_endpoint_auth_methods_supported {
            Some(methods) => methods.iter().any(|known| known == method),
            None => method == "client_secret_basic",
        }
    }

    /// Whether it knows `grant`.
    pub fn takes_grant(&self, grant: &str) -> bool {
        match &self.grant_types_supported {
            Some(grants) => grants.iter().any(|known| known == grant),
            None => grant == "authorization_code",
        }
    }

    /// Whether it lists `scope`.
    pub fn knows_scope(&self, scope: &str) -> bool {
        let scopes = self.scopes_supported.as_deref().unwrap_or_default();
        scopes.iter().any(|known| known == scope)
    }

    /// Where tokens are asked for.
    pub fn token_url(&self) -> Result<&WebUrl, AgentError> {
        let endpoint = self.token_endpoint.as_ref();
        let endpoint = endpoint.ok_or(AgentError::ServerUnsuitable("token endpoint"))?;
        Ok(&endpoint.0)
    }
}

/// The address of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint(pub WebUrl);

impl<'de> Deserialize<'de> for Endpoint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        WebUrl::parse(&text).map(Self).map_err(D::Error::custom)
    }
}

impl Serialize for Endpoint {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str())
    }
}

fn read<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, AgentError> {
    if json.len() > METADATA_LIMIT {
        return Err(AgentError::MetadataUnacceptable("longer than 64 KiB"));
    }
    object::from_slice(json).map_err(|_| {
        AgentError::MetadataUnacceptable("not a JSON object with members of the types it needs")
    })
}

fn bounded(lists: &[Option<&Vec<String>>]) -> Result<(), AgentError> {
    if lists.iter().flatten().any(|list| list.len() > MOST) {
        return Err(AgentError::MetadataUnacceptable(
            "a list has more than 256 members",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
