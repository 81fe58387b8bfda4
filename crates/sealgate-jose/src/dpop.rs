//! DPoP proofs (RFC 9449, 4): a signature over one request, by a key that the proof brings itself.
//!
//! [`DpopProof::read`] judges the proof alone, [`DpopProof::check`] holds it against the request. Left to
//! the caller, because it needs memory: that the nonce is one of its own, that `jti` has not been seen
//! within the window, and that `jkt` is the key the token or the session is bound to.

mod making;
mod target;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer};
use subtle::ConstantTimeEq as _;

use crate::JoseError;
use crate::header::{Header, Parts};
use crate::object::{from_slice, present};
use crate::public::PublicKey;
use target::Target;

pub use making::{DpopKey, DpopRequest, ToldNonces};

/// Proofs longer than this, in bytes, are refused before anything is decoded. The longest sound ones carry
/// an ML-DSA-65 key and signature: some 9 KiB.
pub const LIMIT: usize = 12 * 1024;

/// The longest `jti`, in bytes; it is kept for the length of the window.
const JTI_LIMIT: usize = 128;

/// The longest `htu`, in bytes.
const HTU_LIMIT: usize = 2048;

/// The longest `nonce`, in bytes.
const NONCE_LIMIT: usize = 256;

/// A sound proof: its type, its key and its signature are as they must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DpopProof {
    /// The thumbprint of its key (RFC 7638), as `cnf.jkt` has it.
    pub jkt: String,
    /// Its id, 1 to 128 bytes.
    pub jti: String,
    /// The HTTP method it is for.
    pub htm: String,
    /// The URL it is for, as it was written.
    pub htu: String,
    /// When it was made, in seconds since 1970; a fraction is dropped.
    pub iat: i64,
    /// The server's nonce, 1 to 256 bytes.
    pub nonce: Option<String>,
    /// The hash of the access token that it goes with.
    pub ath: Option<String>,
}

/// The request that a proof came with.
#[derive(Debug, Clone, Copy)]
pub struct DpopExpectation<'a> {
    /// The HTTP method.
    pub method: &'a str,
    /// The URL, as clients know it: behind a proxy not what the request line says.
    pub url: DpopUrl<'a>,
    /// The time, in seconds since 1970.
    pub now: i64,
    /// How far from `now` the proof's time may be, in seconds, both ways.
    pub leeway: i64,
    /// The access token that came along. `None` where none does: at the token endpoint.
    pub access_token: Option<&'a str>,
}

/// The URL of a request, as far as whoever asks knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DpopUrl<'a> {
    /// As it was written, with or without its query.
    Written(&'a str),
    /// Its parts, where the path was decoded already: then `%2F` and `/` are told apart by nobody behind it,
    /// and are the same here too.
    Decoded {
        /// Scheme, host and port, such as `https://app.example`.
        origin: &'a str,
        /// The path, without percent-encoding.
        path: &'a str,
    },
}

impl DpopUrl<'_> {
    /// Whether `target` is this URL.
    fn is(&self, target: &Target) -> bool {
        match self {
            Self::Written(url) => Target::parse(url).is_some_and(|url| url == *target),
            Self::Decoded { origin, path } => {
                Target::parse(origin).is_some_and(|origin| target.is_at(&origin, path))
            }
        }
    }
}

/// The claims, in exactly their types (RFC 9449, 4.2). Members that are not known are ignored.
#[derive(Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    #[serde(deserialize_with = "seconds")]
    iat: i64,
    #[serde(default, deserialize_with = "present")]
    nonce: Option<String>,
    #[serde(default, deserialize_with = "present")]
    ath: Option<String>,
}

impl DpopProof {
    /// Reads the value of a `DPoP` header (RFC 9449, 4.3, steps 2 to 7). That there was one such header only
    /// (step 1) is the caller's to see.
    pub fn read(header_value: &str) -> Result<Self, JoseError> {
        if header_value.len() > LIMIT {
            return Err(JoseError::TooLong { limit: LIMIT });
        }
        let parts = Parts::of(header_value)?;
        let (header, jwk) = Header::decode_with_key(parts.header)?;
        if !header.is_type(&["dpop+jwt"]) {
            return Err(JoseError::WrongType);
        }
        let key = PublicKey::of(&jwk)?;
        let (_, public) = key.agreeing(&header.alg).ok_or(JoseError::WrongAlgorithm)?;
        parts.verify(public)?;
        let claims: Claims = from_slice(&parts.payload()?)
            .map_err(|_| JoseError::Malformed("claims are not as they must be"))?;
        within(1..=JTI_LIMIT, &claims.jti, "jti is not 1 to 128 bytes")?;
        within(1..=HTU_LIMIT, &claims.htu, "htu is not 1 to 2048 bytes")?;
        if let Some(nonce) = &claims.nonce {
            within(1..=NONCE_LIMIT, nonce, "nonce is not 1 to 256 bytes")?;
        }
        Ok(Self {
            jkt: jwk.thumbprint()?,
            jti: claims.jti,
            htm: claims.htm,
            htu: claims.htu,
            iat: claims.iat,
            nonce: claims.nonce,
            ath: claims.ath,
        })
    }

    /// Whether the proof is for this request (RFC 9449, 4.3, steps 8, 9, 11 and 12).
    pub fn check(&self, expected: &DpopExpectation<'_>) -> Result<(), JoseError> {
        if self.htm != expected.method {
            return Err(JoseError::WrongMethod);
        }
        let target = Target::parse(&self.htu);
        if !target.is_some_and(|target| expected.url.is(&target)) {
            return Err(JoseError::WrongUrl);
        }
        let apart = self.iat.checked_sub(expected.now);
        if apart.is_none_or(|apart| apart.unsigned_abs() > expected.leeway.unsigned_abs()) {
            return Err(JoseError::WrongTime);
        }
        let Some(token) = expected.access_token else {
            return Ok(());
        };
        let hash = access_token_hash(token);
        let ath = self.ath.as_deref().unwrap_or_default();
        if bool::from(ath.as_bytes().ct_eq(hash.as_bytes())) {
            Ok(())
        } else {
            Err(JoseError::WrongAccessToken)
        }
    }
}

/// What `ath` must be for this access token: its SHA-256, base64url.
pub fn access_token_hash(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, token.as_bytes()))
}

fn within(
    length: std::ops::RangeInclusive<usize>,
    text: &str,
    else_: &'static str,
) -> Result<(), JoseError> {
    if length.contains(&text.len()) {
        Ok(())
    } else {
        Err(JoseError::Malformed(else_))
    }
}

/// A `NumericDate`: a number of seconds, which may have a fraction (RFC 7519, 2).
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let number = serde_json::Number::deserialize(deserializer)?;
    let whole = number.as_i64().or_else(|| {
        // The exact range of whole numbers: what lies beyond is no time.
        let fraction = number.as_f64().filter(|at| at.abs() < 9e15)?;
        #[expect(clippy::cast_possible_truncation, reason = "bounded just above")]
        Some(fraction.floor() as i64)
    });
    whole.ok_or_else(|| serde::de::Error::custom("not a time"))
}

#[cfg(test)]
mod tests;
