//! Service accounts: what they use, how they come to their first key, and how they end.

use sealgate_model::{BootstrapId, ClientId, SecretHash, Timestamp};

use super::Client;

/// What a use is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UseKind {
    /// The client proved who it is, whatever for. It has no name.
    Client,
    /// It got a token. It has no name.
    Token,
    /// It got a token with this scope.
    Scope,
    /// It got a token for this resource.
    Resource,
}

impl UseKind {
    /// Every value.
    pub const ALL: [Self; 4] = [Self::Client, Self::Token, Self::Scope, Self::Resource];

    /// The word for it in stored rows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Token => "token",
            Self::Scope => "scope",
            Self::Resource => "resource",
        }
    }
}

/// Since when a client may use something, and when it last did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientUse {
    /// What of.
    pub kind: UseKind,
    /// Which scope or resource; empty for the others.
    pub name: String,
    /// Since when.
    pub since: Timestamp,
    /// When last, to the hour; none: never.
    pub used_at: Option<Timestamp>,
}

/// What a client has used just now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Used {
    /// The client.
    pub client: ClientId,
    /// What of it, and which.
    pub what: Vec<(UseKind, String)>,
}

/// A credential that is good once, for a service account to register a key with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bootstrap {
    /// Its selector.
    pub id: BootstrapId,
    /// The hash of its secret.
    pub secret_hash: SecretHash,
    /// The service account.
    pub client: ClientId,
    /// Whether the key is one more, beside those that the service account has; else it takes their place.
    pub keeps_keys: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it is good.
    pub expires_at: Timestamp,
    /// When it was used, if it was.
    pub used_at: Option<Timestamp>,
}

/// A service account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineRow {
    /// Its registration; [`super::ClientDetails::machine`] is set.
    pub client: Client,
    /// When it was offboarded, if it was: it is no client any more.
    pub offboarded_at: Option<Timestamp>,
    /// What it may use and has used, by kind and name.
    pub uses: Vec<ClientUse>,
    /// The bootstrap credential that has not been used. It may have expired.
    pub bootstrap: Option<Bootstrap>,
}

/// What a client has used, as a view on its rows.
#[derive(Debug, Clone, Copy)]
pub struct MachineUses<'a>(pub &'a [ClientUse]);

impl MachineUses<'_> {
    /// When it last used anything, if it ever did.
    pub fn last(&self) -> Option<Timestamp> {
        self.0.iter().filter_map(|one| one.used_at).max()
    }

    /// What is known of one thing that it may use.
    pub fn of(&self, kind: UseKind, name: &str) -> Option<&ClientUse> {
        let is_it = |one: &&ClientUse| one.kind == kind && one.name == name;
        self.0.iter().find(is_it)
    }
}

/// What became of a bootstrap credential that was to be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Enrolled {
    /// The key is registered. The service account as it is now.
    Done(Box<Client>),
    /// It is not there any more.
    Gone,
    /// It was used before.
    Used,
    /// It has expired.
    Expired,
    /// The service account is disabled, has expired or was offboarded.
    Ended,
    /// The service account has as many keys as it may have, or they are elsewhere.
    Full,
}

/// What ended with a service account, and what still names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offboarded {
    /// When it ended.
    pub at: Timestamp,
    /// Whether it had ended before; then the numbers tell what was left over.
    pub again: bool,
    /// Bootstrap credentials that had not been used.
    pub bootstraps: u64,
    /// Delegations by which it acted for users, and those under them.
    pub delegations: u64,
    /// Sessions of users on it.
    pub sessions: u64,
    /// The resources that it served, by URI: nobody does now.
    pub served: Vec<String>,
    /// The clients that name it as the one that may act for their users, by id. They still do.
    pub may_act_of: Vec<ClientId>,
}
