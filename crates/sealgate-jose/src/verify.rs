//! Verifying.

use serde::de::DeserializeOwned;

use crate::header::{Header, Parts};
use crate::object::from_slice;
use crate::public::PublicKey;
use crate::{Algorithm, JoseError, Jwk, JwkSet, TOKEN_LIMIT};

struct Key {
    /// A key without an id is found only by a token that names none.
    kid: Option<String>,
    public: PublicKey,
}

/// The public keys of one issuer, ready for use.
pub struct VerifyingKeys {
    keys: Vec<Key>,
}

impl std::fmt::Debug for VerifyingKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut list = f.debug_list();
        for key in &self.keys {
            list.entry(&key.kid.as_deref().unwrap_or_default());
        }
        list.finish()
    }
}

/// A token whose signature holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The key that signed it; empty if it has no id.
    pub kid: String,
    /// That key's algorithm.
    pub algorithm: Algorithm,
    /// The payload's bytes.
    pub payload: Vec<u8>,
}

impl Verified {
    /// The payload, which must be a JSON object, as typed claims. A member of the wrong type, or one that
    /// is there twice, refuses the token.
    pub fn claims<T: DeserializeOwned>(&self) -> Result<T, JoseError> {
        from_slice(&self.payload)
            .map_err(|_| JoseError::Malformed("claims are not as they must be"))
    }
}

/// What a token must be like, where it need not be one of our own.
#[derive(Debug, Clone, Copy)]
pub struct Expect<'a> {
    /// The types it may state. They compare without case and without `application/`.
    pub types: &'a [&'a str],
    /// Whether it may state none.
    pub type_optional: bool,
    /// Whether it may name no key, if exactly one key of the set is for its algorithm.
    pub kid_optional: bool,
    /// How long it may be, in bytes.
    pub limit: usize,
}

impl VerifyingKeys {
    /// More keys than this in a set are not looked at.
    const KEYS_LIMIT: usize = 64;

    /// The usable keys of a set; a key that is not understood is left out (RFC 7517, 5).
    ///
    /// A key fixes its algorithm. The one exception is an RSA key without `alg`: it is for RS256 and for
    /// PS256, as the header says, since one type of key serves both and key sets often leave `alg` out.
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
        self.keys.iter().any(|key| key.kid.as_deref() == Some(kid))
    }

    /// Whether there is no key at all.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Verifies a compact JWS whose type is one of `types`. The header must name its key.
    pub fn verify(&self, token: &str, types: &[&str]) -> Result<Verified, JoseError> {
        self.verify_up_to(TOKEN_LIMIT, token, types)
    }

    /// As [`Self::verify`], for tokens up to `limit` bytes: a snapshot of the revocation feed is one
    /// token however much is revoked.
    pub fn verify_up_to(
        &self,
        limit: usize,
        token: &str,
        types: &[&str],
    ) -> Result<Verified, JoseError> {
        let expect = Expect {
            types,
            type_optional: false,
            kid_optional: false,
            limit,
        };
        self.verify_as(token, &expect)
    }

    /// Verifies a compact JWS that was made elsewhere, such as a client's assertion.
    pub fn verify_as(&self, token: &str, expect: &Expect<'_>) -> Result<Verified, JoseError> {
        if token.len() > expect.limit {
            return Err(JoseError::TooLong {
                limit: expect.limit,
            });
        }
        let parts = Parts::of(token)?;
        let header = Header::decode(parts.header)?;
        let key = match header.kid.as_deref() {
            Some(kid) => self.named(kid, &header.alg)?,
            None if expect.kid_optional => self.only(&header.alg)?,
            None => return Err(JoseError::Malformed("header names no key")),
        };
        let (algorithm, public) = key
            .public
            .agreeing(&header.alg)
            .ok_or(JoseError::WrongAlgorithm)?;
        parts.verify(public)?;
        // The type is judged last, so that only the issuer's own tokens are told apart by type.
        let untyped = expect.type_optional && header.typ.is_none();
        if !untyped && !header.is_type(expect.types) {
            return Err(JoseError::WrongType);
        }
        Ok(Verified {
            kid: key.kid.clone().unwrap_or_default(),
            algorithm,
            payload: parts.payload()?,
        })
    }

    /// The key of this id. Equivalent keys of different types may share one (RFC 7517, 4.5): then the one for
    /// the algorithm. Two for the same algorithm may not: which of them was meant would be a guess.
    fn named(&self, kid: &str, alg: &str) -> Result<&Key, JoseError> {
        let mut agreeing = self
            .keys
            .iter()
            .filter(|key| key.kid.as_deref() == Some(kid))
            .filter(|key| key.public.agreeing(alg).is_some());
        match (agreeing.next(), agreeing.next()) {
            (Some(key), None) => Ok(key),
            (Some(_), Some(_)) => Err(JoseError::UnusableKey("another key has its id")),
            (None, _) if self.contains(kid) => Err(JoseError::WrongAlgorithm),
            (None, _) => Err(JoseError::UnknownKey),
        }
    }

    /// The one key for this algorithm. Trying several would let a token choose.
    fn only(&self, alg: &str) -> Result<&Key, JoseError> {
        let mut agreeing = self
            .keys
            .iter()
            .filter(|key| key.public.agreeing(alg).is_some());
        match (agreeing.next(), agreeing.next()) {
            (Some(key), None) => Ok(key),
            (None, _) => Err(JoseError::UnknownKey),
            (Some(_), Some(_)) => Err(JoseError::Malformed(
                "header names no key, and several are for its algorithm",
            )),
        }
    }
}

fn parse(jwk: &Jwk) -> Result<Key, JoseError> {
    if jwk.kid.as_deref() == Some("") {
        return Err(JoseError::UnusableKey("its id is empty"));
    }
    Ok(Key {
        kid: jwk.kid.clone(),
        public: PublicKey::of(jwk)?,
    })
}

#[cfg(test)]
mod tests;
