//! What is revoked, the revocation feed's messages, and how fresh a gate's view of them is.
//!
//! Pure: no clock, no socket, no signature. The caller verifies a message's signature, hands its
//! payload to [`Message::parse`] and the message to a [`Follower`]; the control plane writes its side
//! with a [`Publisher`]. The protocol is `docs/spec/revocation-feed.md`.

mod error;
mod follower;
mod freshness;
mod memory;
mod messages;
mod publisher;
mod sessions;
mod subject;
mod view;

pub use error::MessageError;
pub use follower::{Action, Follower, IgnoreReason, ResyncReason};
pub use freshness::Freshness;
pub use memory::{Memory, MemoryError, Words, Writing};
pub use messages::{
    Epoch, Event, Expected, MESSAGE_LIMIT, MESSAGE_TYPE, Message, NONCE_LIMIT, SNAPSHOT_LIMIT,
};
pub use publisher::Publisher;
pub use sessions::Sessions;
pub use subject::{Entry, Subject};
pub use view::{Credential, RevokedBy, View};
