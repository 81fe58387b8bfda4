//! AI agents, with who uses them.

use sealgate_model::Timestamp;

use super::Client;

/// A client that is an AI agent, and who uses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentRow {
    /// The client.
    pub client: Client,
    /// How many users let it act: they have granted it something, or have a live session on it.
    pub users: u64,
    /// How many of them have granted it something.
    pub consents: u64,
    /// How many live sessions there are on it.
    pub sessions: u64,
    /// When a session on it was last renewed, of those that are still known.
    pub last_used_at: Option<Timestamp>,
}

/// What was taken back from a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Withdrawn {
    /// How many users had granted it something.
    pub consents: u64,
    /// How many sessions were revoked.
    pub sessions: u64,
}
