//! What a change risks: stable codes, how bad, and one sentence each.

mod clients;
mod machines;
mod others;

pub(crate) use clients::client;
pub(crate) use machines::machine;
pub(crate) use others::{WORDS_OF, declarations, mapping, policies, resource, schedule};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// To be looked at.
    Risk,
    /// To be agreed to by name where nobody is asked.
    High,
}

/// What is risked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// More scopes, grants or resources.
    ScopeWider,
    /// A scope of the administration.
    AdministrationScope,
    /// A client that keeps no secret.
    ClientPublic,
    /// One more place where codes are sent.
    RedirectAdded,
    /// One that others can take for theirs.
    RedirectLoose,
    /// Something lives longer.
    LifetimeLonger,
    /// A rule gives the role of administrators.
    RoleAdministration,
    /// Somebody can act for users that could not.
    MayAct,
    /// A resource is opened to clients that nobody registered.
    ResourceOpenToAgents,
    /// Users are not asked.
    ConsentNotAsked,
    /// A service account goes on for longer.
    MachineEndLater,
    /// A client proves less of who it is.
    AuthenticationWeaker,
    /// Another issuer's identities are a service account.
    IdentityAdded,
    /// Another key proves who a client is.
    KeyAdded,
    /// A key signs for longer.
    KeyScheduleLonger,
    /// Tokens are signed in another way.
    AlgorithmChanged,
    /// Users of other tenants may sign in.
    TenantOpened,
    /// What was disabled is not any more.
    Enabled,
    /// A policy permits more.
    PolicyPermits,
    /// What was forbidden is not any more, or less of it.
    ForbidRemoved,
    /// A rule of the mapping gives more, or what it gives cannot be compared.
    MappingGivesMore,
    /// People are signed out, or tokens revoked.
    EndsAccess,
    /// What is known of a thing goes, and does not come back by itself.
    Removal,
}

impl Code {
    /// Every code.
    pub const ALL: [Self; 23] = [
        Self::ScopeWider,
        Self::AdministrationScope,
        Self::ClientPublic,
        Self::RedirectAdded,
        Self::RedirectLoose,
        Self::LifetimeLonger,
        Self::RoleAdministration,
        Self::MayAct,
        Self::ResourceOpenToAgents,
        Self::ConsentNotAsked,
        Self::MachineEndLater,
        Self::AuthenticationWeaker,
        Self::IdentityAdded,
        Self::KeyAdded,
        Self::KeyScheduleLonger,
        Self::AlgorithmChanged,
        Self::TenantOpened,
        Self::Enabled,
        Self::PolicyPermits,
        Self::ForbidRemoved,
        Self::MappingGivesMore,
        Self::EndsAccess,
        Self::Removal,
    ];

    /// The stable code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ScopeWider => "scope_wider",
            Self::AdministrationScope => "administration_scope",
            Self::ClientPublic => "client_public",
            Self::RedirectAdded => "redirect_added",
            Self::RedirectLoose => "redirect_loose",
            Self::LifetimeLonger => "lifetime_longer",
            Self::RoleAdministration => "role_administration",
            Self::MayAct => "may_act",
            Self::ResourceOpenToAgents => "resource_open_to_agents",
            Self::ConsentNotAsked => "consent_not_asked",
            Self::MachineEndLater => "machine_end_later",
            Self::AuthenticationWeaker => "authentication_weaker",
            Self::IdentityAdded => "identity_added",
            Self::KeyAdded => "key_added",
            Self::KeyScheduleLonger => "key_schedule_longer",
            Self::AlgorithmChanged => "algorithm_changed",
            Self::TenantOpened => "tenant_opened",
            Self::Enabled => "enabled",
            Self::PolicyPermits => "policy_permits",
            Self::ForbidRemoved => "forbid_removed",
            Self::MappingGivesMore => "mapping_gives_more",
            Self::EndsAccess => "ends_access",
            Self::Removal => "removal",
        }
    }

    /// The code of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == name)
    }

    /// How bad it is.
    pub const fn level(self) -> Level {
        match self {
            Self::AdministrationScope
            | Self::RedirectLoose
            | Self::RoleAdministration
            | Self::MayAct
            | Self::ConsentNotAsked
            | Self::AuthenticationWeaker
            | Self::ForbidRemoved
            | Self::EndsAccess => Level::High,
            Self::ScopeWider
            | Self::ClientPublic
            | Self::RedirectAdded
            | Self::LifetimeLonger
            | Self::ResourceOpenToAgents
            | Self::MachineEndLater
            | Self::IdentityAdded
            | Self::KeyAdded
            | Self::KeyScheduleLonger
            | Self::AlgorithmChanged
            | Self::TenantOpened
            | Self::Enabled
            | Self::PolicyPermits
            | Self::MappingGivesMore
            | Self::Removal => Level::Risk,
        }
    }
}

/// One risk of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Risk {
    /// What is risked.
    pub code: Code,
    /// How bad.
    pub level: Level,
    /// One sentence.
    pub said: String,
}

/// The risks of one change as they are found, and what else it does at once.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) risks: Vec<Risk>,
    pub(crate) effects: Vec<String>,
}

impl Found {
    pub(crate) fn risk(&mut self, code: Code, said: impl Into<String>) {
        self.risks.push(Risk {
            code,
            level: code.level(),
            said: said.into(),
        });
    }

    pub(crate) fn effect(&mut self, said: impl Into<String>) {
        let said = said.into();
        if !self.effects.contains(&said) {
            self.effects.push(said);
        }
    }

    /// Marks what `after` may ask for that `before` may not.
    ///
    /// Of one that is new (`before` is none) only what administers is told: everything else is what it is for.
    pub(crate) fn wider(&mut self, what: &str, before: Option<&[String]>, after: &[String]) {
        let more: Vec<&str> = missing(after, before.unwrap_or_default());
        let own = |scope: &&&str| scope.starts_with("sealgate:");
        let administration: Vec<&str> = more.iter().filter(own).copied().collect();
        if !administration.is_empty() {
            let list = administration.join(", ");
            self.risk(
                Code::AdministrationScope,
                format!("It can administer this control plane: {list}."),
            );
        }
        let others: Vec<&str> = more.iter().filter(|one| !own(one)).copied().collect();
        if !others.is_empty() && before.is_some() {
            let list = others.join(", ");
            self.risk(
                Code::ScopeWider,
                format!("It can ask for {what} that it could not: {list}."),
            );
        }
    }
}

/// How a client shows its public keys: those that it is registered with, and where others are.
pub(crate) type Keys<'a> = (Option<&'a Value>, Option<&'a String>);

impl Found {
    /// Marks keys that prove who it is, and did not before.
    pub(crate) fn keys(&mut self, before: Keys<'_>, after: Keys<'_>) {
        let known = keys(before.0);
        let new = keys(after.0)
            .iter()
            .filter(|key| !known.contains(key))
            .count();
        if new > 0 {
            self.risk(
                Code::KeyAdded,
                format!("Whoever has the private key to {new} more of its keys is this client."),
            );
        }
        if let Some(uri) = after.1.filter(|uri| before.1 != Some(uri)) {
            self.risk(
                Code::KeyAdded,
                format!("Whoever says what is at {uri} says who is this client."),
            );
        }
    }
}

/// The keys of a set.
fn keys(set: Option<&Value>) -> &[Value] {
    let keys = set.and_then(|set| set["keys"].as_array());
    keys.map_or(&[], Vec::as_slice)
}

/// What of `all` is not in `known`.
pub(crate) fn missing<'a>(all: &'a [String], known: &[String]) -> Vec<&'a str> {
    all.iter()
        .filter(|one| !known.contains(one))
        .map(String::as_str)
        .collect()
}
