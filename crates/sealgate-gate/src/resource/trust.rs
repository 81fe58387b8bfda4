//! Whom a resource server believes: the issuer's keys, and whoever tells what is revoked.

use std::future::Future;
use std::pin::Pin;

use sealgate_jose::{JoseError, Verified, VerifyingKeys};
use sealgate_revocation::Credential;
use thiserror::Error;

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Why a token was not verified.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VerifyError {
    /// It is not one of the issuer's, or not of the type asked for.
    #[error(transparent)]
    Refused(#[from] JoseError),
    /// The issuer's keys cannot be had, so that nothing is known of the token.
    #[error("the issuer's keys cannot be had")]
    Unavailable,
}

/// The issuer's keys.
pub trait TokenKeys: Send + Sync {
    /// Verifies a token whose type is one of `types`.
    fn verify<'a>(
        &'a self,
        token: &'a str,
        types: &'a [&'a str],
    ) -> Boxed<'a, Result<Verified, VerifyError>>;
}

/// Keys that are at hand.
impl TokenKeys for VerifyingKeys {
    fn verify<'a>(
        &'a self,
        token: &'a str,
        types: &'a [&'a str],
    ) -> Boxed<'a, Result<Verified, VerifyError>> {
        Box::pin(std::future::ready(
            Self::verify(self, token, types).map_err(VerifyError::Refused),
        ))
    }
}

/// What is known of a credential, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It is not revoked.
    Good,
    /// It cannot be told right now. That is never taken for good.
    Unknown,
    /// It is not revoked, but what it says of its user or a client has changed since.
    Outdated,
    /// It is revoked.
    Revoked,
}

/// Whoever tells what is revoked.
pub trait TokenRevocations: Send + Sync {
    /// Whether `credential` stands. Its start is the token's issue, and what it says was told then. Of a client
    /// that acts by a token, and is not the one that it was given to, the client is all that is named.
    fn check<'a>(&'a self, credential: &'a Credential<'a>) -> Boxed<'a, Standing>;
}
