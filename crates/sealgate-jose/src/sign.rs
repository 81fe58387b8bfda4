//! Signing.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use crate::{Algorithm, JoseError, Jwk};

/// A private key and its id.
pub struct SigningKey {
    kid: String,
    pair: Ed25519KeyPair,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({})", self.kid)
    }
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'a str,
    kid: &'a str,
    typ: &'a str,
}

impl SigningKey {
    /// The Ed25519 key of a 32-byte seed (RFC 8032, 5.1.5).
    pub fn from_seed(kid: impl Into<String>, seed: &[u8; 32]) -> Result<Self, JoseError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed)
            .map_err(|_| JoseError::UnusableKey("the seed makes no key"))?;
        Ok(Self {
            kid: kid.into(),
            pair,
        })
    }

    /// The key's id.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The key's algorithm.
    pub const fn algorithm(&self) -> Algorithm {
        Algorithm::Ed25519
    }

    /// The public part.
    pub fn public_jwk(&self) -> Jwk {
        Jwk {
            kty: "OKP".into(),
            kid: Some(self.kid.clone()),
            alg: Some(self.algorithm().name().into()),
            usage: Some("sig".into()),
            crv: Some("Ed25519".into()),
            x: Some(URL_SAFE_NO_PAD.encode(self.pair.public_key().as_ref())),
            d: None,
        }
    }

    /// A compact JWS of `claims`, of type `typ`.
    pub fn sign<C: Serialize>(&self, typ: &str, claims: &C) -> Result<String, JoseError> {
        let header = Header {
            alg: self.algorithm().name(),
            kid: &self.kid,
            typ,
        };
        let mut token = encode(&header)?;
        token.push('.');
        token.push_str(&encode(claims)?);
        let signature = self.pair.sign(token.as_bytes());
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature.as_ref(), &mut token);
        Ok(token)
    }
}

fn encode<T: Serialize>(value: &T) -> Result<String, JoseError> {
    let json = serde_json::to_vec(value)
        .map_err(|_| JoseError::Malformed("claims cannot be written as JSON"))?;
    Ok(URL_SAFE_NO_PAD.encode(json))
}
