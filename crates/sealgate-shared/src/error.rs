//! Why no memory is shared.

use std::path::PathBuf;

use thiserror::Error;

/// Why no memory is shared. Nothing is wrong with a view of one process's own.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ShareError {
    /// The directory, or a file in it, cannot be made or used.
    #[error("{path}: {why}", path = .path.display())]
    Unusable {
        /// Which.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// It is somebody else's, or others may use it too.
    #[error("{path} {why}", path = .path.display())]
    Foreign {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// There is none on this system.
    #[error(
        "no memory is shared on this system: it has no clock that all processes have in common"
    )]
    Unsupported,
}

impl ShareError {
    /// The stable reason code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unusable { .. } => "shared_view_unusable",
            Self::Foreign { .. } => "shared_view_foreign",
            Self::Unsupported => "shared_view_unsupported",
        }
    }
}
