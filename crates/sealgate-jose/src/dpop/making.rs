//! Making proofs: the client's side (RFC 9449, 4.2), and the nonces that servers tell it.

use std::collections::HashMap;
use std::hash::Hash;

use serde::Serialize;

use super::{NONCE_LIMIT, access_token_hash};
use crate::{JoseError, Jwk, SigningKey};

/// A key that makes proofs. There is no way to print it.
pub struct DpopKey {
    key: SigningKey,
    public: Jwk,
}

/// What one proof says.
#[derive(Debug, Clone, Copy)]
pub struct DpopRequest<'a> {
    /// Its id, used once.
    pub jti: &'a str,
    /// The HTTP method, as it is sent.
    pub method: &'a str,
    /// The URL without query and fragment.
    pub url: &'a str,
    /// The time, in seconds since 1970.
    pub now: i64,
    /// The nonce that the server told last.
    pub nonce: Option<&'a str>,
    /// The token that goes with it; none at the token endpoint.
    pub access_token: Option<&'a str>,
}

#[derive(Serialize)]
struct Header<'a> {
    typ: &'static str,
    alg: &'static str,
    jwk: &'a Jwk,
}

#[derive(Serialize)]
struct Claims<'a> {
    jti: &'a str,
    htm: &'a str,
    htu: &'a str,
    iat: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ath: Option<String>,
}

impl DpopKey {
    /// Proofs by `key`.
    pub fn new(key: SigningKey) -> Self {
        let mut public = key.public_jwk();
        (public.kid, public.alg, public.usage) = (None, None, None);
        Self { key, public }
    }

    /// The value of a `DPoP` header, good for one request.
    ///
    /// # Errors
    /// [`JoseError`] if the key cannot sign.
    pub fn prove(&self, request: &DpopRequest<'_>) -> Result<String, JoseError> {
        let claims = Claims {
            jti: request.jti,
            htm: request.method,
            htu: request.url,
            iat: request.now,
            nonce: request.nonce,
            ath: request.access_token.map(access_token_hash),
        };
        let header = Header {
            typ: "dpop+jwt",
            alg: self.key.algorithm().name(),
            jwk: &self.public,
        };
        self.key.sign_with_header(&header, &claims)
    }

    /// The thumbprint of the public key (RFC 7638), as `dpop_jkt` has it.
    ///
    /// # Errors
    /// [`JoseError`] if the key has none.
    pub fn thumbprint(&self) -> Result<String, JoseError> {
        self.public.thumbprint()
    }
}

/// The nonces that servers told, the last of each, of at most `MOST` of them.
#[derive(Debug)]
pub struct ToldNonces<K, const MOST: usize>(HashMap<K, String>);

impl<K, const MOST: usize> Default for ToldNonces<K, MOST> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + Hash + Clone, const MOST: usize> ToldNonces<K, MOST> {
    /// The nonce that `whose` told last.
    pub fn get(&self, whose: &K) -> Option<&str> {
        self.0.get(whose).map(String::as_str)
    }

    /// Remembers what `whose` told, if it is a nonce (RFC 9449, 8.1), of at most 256 bytes: then whether it is
    /// another than before.
    pub fn told(&mut self, whose: K, nonce: &[u8]) -> Option<bool> {
        let of_nonce = |byte: &u8| byte.is_ascii_graphic() && !b"\"\\".contains(byte);
        if !(1..=NONCE_LIMIT).contains(&nonce.len()) || !nonce.iter().all(of_nonce) {
            return None;
        }
        let nonce = str::from_utf8(nonce).ok()?;
        if self.0.len() >= MOST && !self.0.contains_key(&whose) {
            // Any may go: whoever misses it is told again.
            if let Some(any) = self.0.keys().next().cloned() {
                self.0.remove(&any);
            }
        }
        let before = self.0.insert(whose, nonce.to_owned());
        Some(before.as_deref() != Some(nonce))
    }

    /// How many are remembered.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
