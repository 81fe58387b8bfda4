//! The sealed-session format (docs/spec/sealed-session.md) and its key ring.
//!
//! A sealed value is `v1.<kid>.<base64url(nonce ‖ ciphertext ‖ tag)>`, AES-256-GCM-SIV (RFC 8452) under
//! a key derived for its purpose, and bound to the cookie's name, the client and the issuer. This crate
//! is pure: time and randomness are handed in.

mod cbor;
mod claims;
mod error;
mod key;
mod mac;
mod ring;
mod session;
mod transaction;

pub use claims::CLAIMS_LIMIT;
pub use error::SealError;
pub use key::SealKey;
pub use mac::{MAC_LEN, MacRing};
pub use ring::{Context, KeyRing, Opened, PurposeRing, SEALED_LIMIT};
pub use session::{SessionContent, SessionParts};
pub use transaction::TransactionContent;
