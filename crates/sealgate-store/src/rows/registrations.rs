//! Clients that no administrator registered, and the tokens by which they may register themselves.

use sealgate_model::{RegistrationTokenId, SecretHash, Timestamp};

use super::Client;

/// A token by which clients may register themselves (RFC 7591, 3). It opens nothing else.
#[derive(Clone, PartialEq, Eq)]
pub struct RegistrationToken {
    /// Its selector.
    pub id: RegistrationTokenId,
    /// The hash of its secret.
    pub secret_hash: SecretHash,
    /// Whom it was given to, or what for.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is good for nothing.
    pub expires_at: Timestamp,
    /// How many clients may still be registered with it.
    pub uses_left: u32,
}

impl std::fmt::Debug for RegistrationToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RegistrationToken({}, {})", self.id, self.name)
    }
}

/// How many clients there may be that no administrator registered, and since when one that says the same of
/// itself is the same.
#[derive(Debug, Clone, Copy)]
pub struct OwnClientBounds {
    /// The most clients of the same origin.
    pub most: u64,
    /// A public client with the same digest that was made since then, or that an administrator disabled, is given
    /// instead of another one; none: no such client is looked for.
    pub same_since: Option<Timestamp>,
}

/// What became of a client that is to be added without an administrator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnClientAdded {
    /// It was added.
    Added,
    /// This one, which says the same of itself, was there.
    Same(Box<Client>),
    /// There are as many as there may be.
    Full,
    /// The registration token is not there, too old or used up.
    TokenSpent,
    /// An administrator removed the client that had this id; it stays so.
    Removed,
}

/// Since when clients of their own must not have been used to be forgotten.
#[derive(Debug, Clone, Copy)]
pub struct Unused {
    /// Those that were never used, if they were made before this.
    pub made_before: Timestamp,
    /// Those that were, if no session of theirs was begun or renewed since.
    pub idle_since: Timestamp,
}
