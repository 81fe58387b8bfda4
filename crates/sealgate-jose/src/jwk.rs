//! Public keys as JSON (RFC 7517, RFC 7518, RFC 8037, RFC 9964).

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::JoseError;
use crate::object::{from_slice, objects, present};
use crate::public::{Material, PublicKey};

/// A public key. Members that are not read are kept out; private members make it unusable.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Jwk {
    /// Key type: `OKP`, `EC`, `RSA` or `AKP`.
    pub kty: String,
    /// Key id.
    #[serde(default, deserialize_with = "present")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    /// Intended algorithm.
    #[serde(default, deserialize_with = "present")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alg: Option<String>,
    /// Intended use: `sig`.
    #[serde(rename = "use", default, deserialize_with = "present")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<String>,
    /// Permitted operations: `verify` among them.
    #[serde(default, deserialize_with = "present")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_ops: Option<Vec<String>>,
    /// Curve: `Ed25519` or `P-256`.
    #[serde(default, deserialize_with = "present")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crv: Option<String>,
    /// Of OKP the public key's bytes, of EC the point's x coordinate, base64url.
    #[serde(default, deserialize_with = "present")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x: Option<String>,
    /// Of EC the point's y coordinate, base64url.
    #[serde(default, deserialize_with = "present")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub y: Option<String>,
    /// Of RSA the modulus, base64url.
    #[serde(default, deserialize_with = "present")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n: Option<String>,
    /// Of RSA the public exponent, base64url.
    #[serde(default, deserialize_with = "present")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub e: Option<String>,
    /// Of AKP the public key's bytes, base64url.
    #[serde(rename = "pub", default, deserialize_with = "present")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public: Option<String>,

    // The private and the symmetric members of every key type, which have no place here. Each is a field
    // of its own, so that one that is there twice is refused like any other.
    #[serde(default, deserialize_with = "present", skip_serializing)]
    pub(crate) d: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "present", skip_serializing)]
    pub(crate) p: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "present", skip_serializing)]
    pub(crate) q: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "present", skip_serializing)]
    pub(crate) dp: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "present", skip_serializing)]
    pub(crate) dq: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "present", skip_serializing)]
    pub(crate) qi: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "present", skip_serializing)]
    pub(crate) oth: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "present", skip_serializing)]
    pub(crate) k: Option<IgnoredAny>,
    #[serde(rename = "priv", default, deserialize_with = "present")]
    #[serde(skip_serializing)]
    pub(crate) private: Option<IgnoredAny>,
}

impl Jwk {
    /// Keys longer than this as JSON, in bytes, are refused: room for RSA with 8,192 bits and for ML-DSA-65.
    pub const LIMIT: usize = 8 * 1024;

    /// Reads one key from JSON. That it can be used is another question: [`Self::check`].
    pub fn parse(json: &[u8]) -> Result<Self, JoseError> {
        if json.len() > Self::LIMIT {
            return Err(JoseError::TooLong { limit: Self::LIMIT });
        }
        from_slice(json).map_err(|_| JoseError::Malformed("not a JWK"))
    }

    /// Whether signatures can be verified with this key; [`JoseError::UnusableKey`] says what is wrong.
    pub fn check(&self) -> Result<(), JoseError> {
        PublicKey::of(self).map(drop)
    }

    /// The SHA-256 thumbprint (RFC 7638; RFC 8037, 2; RFC 9964), base64url: 43 characters that name
    /// the key material and nothing else. A key whose type is not known or whose members are not in
    /// their one canonical form has none.
    pub fn thumbprint(&self) -> Result<String, JoseError> {
        Material::of(self).map(|material| material.thumbprint())
    }

    /// Whether any part is there that only the key's holder may have, or that makes it symmetric.
    pub(crate) fn is_private(&self) -> bool {
        let private = [
            &self.d,
            &self.p,
            &self.q,
            &self.dp,
            &self.dq,
            &self.qi,
            &self.oth,
            &self.k,
            &self.private,
        ];
        private.iter().any(|member| member.is_some())
    }
}

/// A set of public keys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JwkSet {
    /// The keys, in the issuer's order.
    #[serde(deserialize_with = "objects")]
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
        from_slice(json).map_err(|_| JoseError::Malformed("not a JWK set"))
    }
}

#[cfg(test)]
mod tests;
