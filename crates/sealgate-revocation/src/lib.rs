//! What is revoked, the revocation feed's messages, and how fresh a gate's view of them is.
//!
//! Pure: no clock, no socket, no signature. The caller verifies a message's signature, hands its
//! payload to [`Message::parse`] and the message to a [`Follower`]; the control plane writes its side
//! with a [`Publisher`]. The protocol is `docs/spec/revocation-feed.md`.

mod action;
mod control;
mod credential;
mod error;
mod follower;
mod freshness;
mod memory;
mod messages;
#[cfg(test)]
mod model;
mod position;
mod publisher;
mod reading;
mod sessions;
mod slot;
mod slots;
mod subject;
mod table;
mod view;
mod words;
mod writer;

pub use action::{Action, IgnoreReason, ResyncReason};
pub use credential::{Credential, Judgement, RevokedBy};
pub use error::MessageError;
pub use follower::Follower;
pub use memory::{CONTROL_WORDS, Memory, MemoryError, PrivateMemory, Words, Writing};
pub use messages::{
    Epoch, Event, Expected, MESSAGE_LIMIT, MESSAGE_TYPE, Message, NONCE_LIMIT, SNAPSHOT_LIMIT,
};
pub use publisher::Publisher;
pub use reading::Reading;
pub use sessions::Sessions;
pub use subject::{Entry, Subject};
pub use view::View;
