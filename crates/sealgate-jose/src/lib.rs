//! Signing keys, compact JWS (RFC 7515) and JWK sets (RFC 7517); strict.
//!
//! The key fixes the algorithm; a token's header only has to agree. There is no `none`, no HMAC, no
//! key taken from a header (`jwk`, `jku`, `x5u`, `x5c`), and every token states its type.

mod algorithm;
mod error;
mod header;
mod jwk;
mod sign;
mod verify;

pub use algorithm::Algorithm;
pub use error::JoseError;
pub use jwk::{Jwk, JwkSet};
pub use sign::SigningKey;
pub use verify::{Verified, VerifyingKeys};

/// Tokens longer than this, in bytes, are refused before anything is decoded.
pub const TOKEN_LIMIT: usize = 16 * 1024;
