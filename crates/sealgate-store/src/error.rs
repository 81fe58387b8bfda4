//! Why the store did not do what it was asked.

use thiserror::Error;

/// A store failure, by who is to blame.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The caller asked for something that collides with what is there (an e-mail address in use).
    #[error("{0} is already in use")]
    Conflict(&'static str),
    /// The caller asked for something that does not fit what is there: a row that refers to none, a
    /// session for another client's code.
    #[error("the write does not fit what is stored: {0}")]
    Invalid(&'static str),
    /// The caller has as many of these as it may have; some go by themselves with time.
    #[error("there are too many {0}")]
    TooMany(&'static str),
    /// The store could not answer, or it is unknown whether the write happened. Try again.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// The disk is full. What is kept in reserve is for writes that end something.
    #[error("the disk is full")]
    Full,
    /// A row does not hold what this version writes; the data needs an operator.
    #[error("stored data is not readable: {0}")]
    Corrupt(String),
    /// The data directory is in use by another process.
    #[error("the data directory is in use by another process")]
    Locked,
    /// The data was written by a newer version.
    #[error("the data has schema version {found}, this program knows up to {known}")]
    TooNew {
        /// The version found.
        found: i64,
        /// The newest version known.
        known: i64,
    },
}

impl StoreError {
    /// Whether the write that failed has certainly not happened. Otherwise it may have.
    pub const fn is_undone(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::Corrupt(_) => false,
            Self::Conflict(_)
            | Self::Invalid(_)
            | Self::TooMany(_)
            | Self::Full
            | Self::Locked
            | Self::TooNew { .. } => true,
        }
    }

    /// The stable reason code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Conflict(_) => "conflict",
            Self::Invalid(_) => "store_invalid",
            Self::TooMany(_) => "store_crowded",
            Self::Unavailable(_) => "store_unavailable",
            Self::Full => "store_full",
            Self::Corrupt(_) => "store_corrupt",
            Self::Locked => "store_locked",
            Self::TooNew { .. } => "store_too_new",
        }
    }
}
