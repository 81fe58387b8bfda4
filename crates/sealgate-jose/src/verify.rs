//! Verifying.

use aws_lc_rs::signature::{ED25519, ParsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;

use crate::header::Header;
use crate::{Algorithm, JoseError, Jwk, JwkSet, TOKEN_LIMIT};

struct Key {
    kid: String,
    algorithm: Algorithm,
    public: ParsedPublicKey,
}

/// The public keys of one issuer, ready for use.
pub struct VerifyingKeys {
    keys: Vec<Key>,
}

impl std::fmt::Debug for VerifyingKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.keys.iter().map(|key| &key.kid))
            .finish()
    }
}

/// A token whose signature holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The key that signed it.
    pub kid: String,
    /// That key's algorithm.
    pub algorithm: Algorithm,
    /// The payload's bytes.
    pub payload: Vec<u8>,
}

impl Verified {
    /// The payload as typed claims. A member of the wrong type, or one that is there twice, refuses
    /// the token.
    pub fn claims<T: DeserializeOwned>(&self) -> Result<T, JoseError> {
        serde_json::from_slice(&self.payload)
            .map_err(|_| JoseError::Malformed("claims are not as they must be"))
    }
}

impl VerifyingKeys {
    /// More keys than this in a set are not looked at.
    const KEYS_LIMIT: usize = 64;

    /// The usable keys of a set; a key that is not understood is left out (RFC 7517, 5).
    pub fn from_jwks(set: &JwkSet) -> Self {
        let keys = set
            .keys
            .iter()
            .take(Self::KEYS_LIMIT)
            .filter_map(|jwk| parse(jwk).ok())
            .collect();
        Self { keys }
    }

    /// Whether a key of this id is in the set.
    pub fn contains(&self, kid: &str) -> bool {
        self.keys.iter().any(|key| key.kid == kid)
    }

    /// Whether there is no key at all.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Verifies a compact JWS whose type is one of `types`. The header must name its key.
    pub fn verify(&self, token: &str, types: &[&str]) -> Result<Verified, JoseError> {
        if token.len() > TOKEN_LIMIT {
            return Err(JoseError::TooLong { limit: TOKEN_LIMIT });
        }
        self.verify_any_length(token, types)
    }

    /// As [`Self::verify`], for tokens up to `limit` bytes: a snapshot of the revocation feed is one
    /// token however much is revoked.
    pub fn verify_up_to(
        &self,
        limit: usize,
        token: &str,
        types: &[&str],
    ) -> Result<Verified, JoseError> {
        if token.len() > limit {
            return Err(JoseError::TooLong { limit });
        }
        self.verify_any_length(token, types)
    }

    fn verify_any_length(&self, token: &str, types: &[&str]) -> Result<Verified, JoseError> {
        let (signed, signature) = token
            .rsplit_once('.')
            .ok_or(JoseError::Malformed("not three parts"))?;
        let (header, payload) = signed
            .split_once('.')
            .ok_or(JoseError::Malformed("not three parts"))?;
        if payload.contains('.') {
            return Err(JoseError::Malformed("not three parts"));
        }
        let header = Header::decode(header)?;
        let kid = header
            .kid
            .as_deref()
            .ok_or(JoseError::Malformed("header names no key"))?;
        let key = self
            .keys
            .iter()
            .find(|key| key.kid == kid)
            .ok_or(JoseError::UnknownKey)?;
        if !key.algorithm.agrees(&header.alg) {
            return Err(JoseError::WrongAlgorithm);
        }
        let signature = URL_SAFE_NO_PAD
            .decode(signature)
            .map_err(|_| JoseError::Malformed("signature is not base64url"))?;
        key.public
            .verify_sig(signed.as_bytes(), &signature)
            .map_err(|_| JoseError::BadSignature)?;
        // The type is judged last, so that only the issuer's own tokens are told apart by type.
        if !header.is_type(types) {
            return Err(JoseError::WrongType);
        }
        let payload = URL_SAFE_NO_PAD
            .decode(payload)
            .map_err(|_| JoseError::Malformed("payload is not base64url"))?;
        Ok(Verified {
            kid: kid.to_owned(),
            algorithm: key.algorithm,
            payload,
        })
    }
}

fn parse(jwk: &Jwk) -> Result<Key, JoseError> {
    let unusable = JoseError::UnusableKey;
    if jwk.d.is_some() {
        return Err(unusable("it holds a private part"));
    }
    if jwk.usage.as_deref().is_some_and(|usage| usage != "sig") {
        return Err(unusable("it is not for signatures"));
    }
    if jwk.kty != "OKP" || jwk.crv.as_deref() != Some("Ed25519") {
        return Err(unusable("its type is not known"));
    }
    if jwk
        .alg
        .as_deref()
        .is_some_and(|alg| !Algorithm::Ed25519.agrees(alg))
    {
        return Err(unusable("its algorithm is not its type's"));
    }
    let kid = jwk
        .kid
        .clone()
        .filter(|kid| !kid.is_empty())
        .ok_or(unusable("it has no id"))?;
    let bytes = jwk
        .x
        .as_deref()
        .and_then(|x| URL_SAFE_NO_PAD.decode(x).ok())
        .ok_or(unusable("it has no x"))?;
    if bytes.len() != 32 {
        return Err(unusable("its x is not 32 bytes"));
    }
    let public =
        ParsedPublicKey::new(&ED25519, &bytes).map_err(|_| unusable("its x is not a point"))?;
    Ok(Key {
        kid,
        algorithm: Algorithm::Ed25519,
        public,
    })
}

#[cfg(test)]
mod tests;
