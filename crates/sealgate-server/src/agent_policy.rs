//! What administrators decide about clients that they have not registered, and about AI agents.

use std::time::Duration;

/// Whose metadata documents are read (Client ID Metadata Documents).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Documents {
    /// Nobody's.
    Off,
    /// Those under the domains that are listed.
    Listed,
    /// Anybody's, for resources that are open to agents.
    #[default]
    Any,
}

/// Who may register clients by themselves (RFC 7591).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Registration {
    /// Nobody.
    #[default]
    Off,
    /// Whoever has a token for it.
    Token,
    /// Anybody, for resources that are open to agents.
    Open,
}

/// What is decided about AI agents, and about clients that no administrator registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentPolicy {
    /// Whose metadata documents are read.
    pub documents: Documents,
    /// The domains of [`Documents::Listed`], in lower case: a host and those under it.
    pub domains: Vec<String>,
    /// Who may register clients.
    pub registration: Registration,
    /// The longest that an agent acts for a user who said yes once, however much it is used.
    pub lifetime: Duration,
    /// The longest that it may rest meanwhile.
    pub idle: Duration,
}

impl Default for AgentPolicy {
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(24 * 3600);
        Self {
            documents: Documents::default(),
            domains: Vec::new(),
            registration: Registration::default(),
            lifetime: DAY * 30,
            idle: DAY * 7,
        }
    }
}
