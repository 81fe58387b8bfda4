//! Dynamic client registration (RFC 7591): a client tells the server who it is, and gets an id.

use std::fmt::Write as _;

use aws_lc_rs::digest;
use serde_json::{Map, Value, json};

use crate::client_metadata::{ClientMetadata, ClientMetadataError, Source};
use crate::json::{self, JsonFault, JsonLimits};

/// Bytes of the longest registration: a set of keys may be in it.
const LIMIT: usize = 16 * 1024;
const LIMITS: JsonLimits = JsonLimits {
    bytes: LIMIT,
    depth: 6,
    values: 512,
};

/// A registration that a client asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientRegistration {
    /// What it says of itself, as it is to be registered.
    pub metadata: ClientMetadata,
    /// `application_type`, if it states one.
    pub application_type: Option<String>,
}

impl ClientRegistration {
    /// How long a registration may be, in bytes.
    pub const LIMIT: usize = LIMIT;

    /// Reads the body of a registration request (RFC 7591, 3.1). What is asked for and not offered is left
    /// out where the specification lets a server do so, and the answer says what was registered.
    ///
    /// # Errors
    /// [`ClientMetadataError`]: `Redirect` is `invalid_redirect_uri`, everything else
    /// `invalid_client_metadata` (3.2.2).
    pub fn parse(bytes: &[u8]) -> Result<Self, ClientMetadataError> {
        let value = json::parse(bytes, LIMITS).map_err(|fault| match fault {
            JsonFault::TooLarge => ClientMetadataError::TooLarge,
            JsonFault::Malformed => ClientMetadataError::Malformed,
        })?;
        let Value::Object(object) = value else {
            return Err(ClientMetadataError::Malformed);
        };
        let metadata = ClientMetadata::read(&object, Source::Registration)?;
        let application_type = object.get("application_type").and_then(Value::as_str);
        Ok(Self {
            metadata,
            application_type: application_type.map(str::to_owned),
        })
    }

    /// The SHA-256 of what is to be registered, in hexadecimal: the same again has the same one, in whatever
    /// order it was written.
    pub fn digest(&self) -> String {
        let text = serde_json::to_vec(&self.metadata).unwrap_or_default();
        let hash = digest::digest(&digest::SHA256, &text);
        hash.as_ref().iter().fold(String::new(), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// What was registered, as the answer tells it (RFC 7591, 3.2.1), beside the id.
    pub fn registered(&self) -> Map<String, Value> {
        let ClientMetadata {
            name,
            redirect_uris,
            grants,
            authentication,
            client_uri,
            tos_uri,
            policy_uri,
            require_dpop,
            require_pushed,
        } = &self.metadata;
        let mut answer = Map::new();
        let mut tell = |member: &str, value: Value| {
            answer.insert(member.to_owned(), value);
        };
        let grants: Vec<&str> = grants.iter().map(|grant| grant.as_str()).collect();
        tell("redirect_uris", json!(redirect_uris));
        tell("grant_types", json!(grants));
        tell("response_types", json!(["code"]));
        tell("token_endpoint_auth_method", json!(self.metadata.method()));
        match authentication {
            crate::OwnAuthentication::None => {}
            crate::OwnAuthentication::Jwks(set) => tell("jwks", set.clone()),
            crate::OwnAuthentication::JwksUri(uri) => tell("jwks_uri", json!(uri)),
        }
        for (member, text) in [
            ("client_name", name),
            ("client_uri", client_uri),
            ("tos_uri", tos_uri),
            ("policy_uri", policy_uri),
            ("application_type", &self.application_type),
        ] {
            if let Some(text) = text {
                tell(member, json!(text));
            }
        }
        for (member, flag) in [
            ("dpop_bound_access_tokens", require_dpop),
            ("require_pushed_authorization_requests", require_pushed),
        ] {
            if *flag {
                tell(member, json!(true));
            }
        }
        answer
    }
}

#[cfg(test)]
#[path = "client_registration_tests.rs"]
mod tests;
