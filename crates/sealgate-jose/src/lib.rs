//! Signing keys, compact JWS (RFC 7515), JWK sets (RFC 7517) and DPoP proofs (RFC 9449); strict.
//!
//! The key fixes the algorithm; a token's header only has to agree. There is no `none`, no HMAC, no
//! key taken from a header (`jwk`, `jku`, `x5u`, `x5c`), and every token states its type. A DPoP proof
//! brings its key, and so does whoever registers one ([`Possession`]), because it shows no more than that
//! somebody holds it.

mod algorithm;
mod claimed;
pub mod dpop;
mod error;
mod header;
mod jwk;
pub mod object;
mod possession;
mod public;
#[cfg(test)]
mod samples;
mod sign;
mod verify;

pub use algorithm::Algorithm;
pub use claimed::{claimed_issuer, claimed_key};
pub use dpop::{DpopExpectation, DpopProof, DpopUrl};
pub use error::JoseError;
pub use jwk::{Jwk, JwkSet};
pub use possession::Possession;
pub use sign::SigningKey;
pub use verify::{Expect, Verified, VerifyingKeys};

/// Tokens longer than this, in bytes, are refused before anything is decoded.
pub const TOKEN_LIMIT: usize = 16 * 1024;
