//! Public keys as JSON (RFC 7517, RFC 8037).

use serde::{Deserialize, Serialize};

use crate::JoseError;

/// A public key. Members that are not read are kept out; private members make it unusable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Jwk {
    /// Key type: `OKP`.
    pub kty: String,
    /// Key id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    /// Intended algorithm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alg: Option<String>,
    /// Intended use: `sig`.
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    pub usage: Option<String>,
    /// Curve: `Ed25519`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crv: Option<String>,
    /// The public key's bytes, base64url.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x: Option<String>,
    /// A private part, which has no place here.
    #[serde(default, skip_serializing)]
    pub(crate) d: Option<serde::de::IgnoredAny>,
}

/// A set of public keys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JwkSet {
    /// The keys, in the issuer's order.
    pub keys: Vec<Jwk>,
}

impl JwkSet {
    /// Sets longer than this, in bytes, are refused.
    pub const LIMIT: usize = 64 * 1024;

    /// Reads a set from JSON.
    pub fn parse(json: &[u8]) -> Result<Self, JoseError> {
        if json.len() > Self::LIMIT {
            return Err(JoseError::TooLong { limit: Self::LIMIT });
        }
        serde_json::from_slice(json).map_err(|_| JoseError::Malformed("not a JWK set"))
    }
}
