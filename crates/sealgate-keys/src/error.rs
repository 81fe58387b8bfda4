//! Why the signing keys did not do what they were asked.

use std::time::Duration;

use sealgate_jose::{Algorithm, JoseError};
use sealgate_session::SealError;
use sealgate_store::StoreError;
use thiserror::Error;

/// A failure to load, change or use the signing keys.
#[derive(Debug, Error)]
pub enum KeyError {
    /// The store could not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A private part does not open: another master key sealed it, or it was altered.
    #[error("the private part of signing key {kid} does not open: {source}")]
    Sealed {
        /// Which key.
        kid: String,
        /// Why.
        source: SealError,
    },
    /// A stored key is not a key.
    #[error("signing key {0} is not readable")]
    Unreadable(String),
    /// A key could not be made or used.
    #[error(transparent)]
    Jose(#[from] JoseError),
    /// The next key is not known yet to every client that has cached the key set.
    #[error(
        "the next key was published too short a time ago: clients that have cached the key set would \
         refuse what it signs for another {} s",
        .0.as_millis().div_ceil(1000)
    )]
    TooSoon(Duration),
    /// There is no key to sign with.
    #[error("there is no active signing key for {}", .0.name())]
    NoneActive(Algorithm),
    /// The algorithm is switched off by a setting.
    #[error("{} is switched off: the setting keys.ml_dsa switches it on", .0.name())]
    Disabled(Algorithm),
    /// There is no key with this id in the key set. Nothing that a key signed is accepted once it is gone.
    #[error(
        "there is no signing key {0} in the key set: it never was there, or it is gone already"
    )]
    Unknown(String),
    /// The thread that makes keys was stopped.
    #[error("a signing key could not be made: {0}")]
    Unmade(String),
}

impl KeyError {
    /// The stable reason code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Store(error) => error.code(),
            Self::Sealed { .. } => "key_sealed",
            Self::Unreadable(_) => "key_unreadable",
            Self::Jose(error) => error.code(),
            Self::TooSoon(_) => "key_too_soon",
            Self::NoneActive(_) => "key_none_active",
            Self::Disabled(_) => "algorithm_disabled",
            Self::Unknown(_) => "key_unknown",
            Self::Unmade(_) => "key_unmade",
        }
    }
}
