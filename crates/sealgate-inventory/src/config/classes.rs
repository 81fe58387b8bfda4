//! What a class of routes has to have.

use serde::Deserialize;

/// When strangers may be let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PublicRule {
    /// Never.
    Never,
    /// For a reason.
    Reason,
    /// For a reason, and until a day.
    ReasonAndExpiry,
}

/// What a privileged route needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PrivilegedRule {
    /// A gate that asks for more than a credential.
    Privileged,
    /// Any gate.
    User,
}

/// What an internal route needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InternalRule {
    /// A gate for machines or agents alone, or a privileged one.
    MachineOrPrivileged,
    /// Any gate.
    User,
}

/// What a class of routes has to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClassRules {
    /// What a privileged route needs.
    pub privileged_needs: PrivilegedRule,
    /// What an internal route needs.
    pub internal_needs: InternalRule,
    /// When strangers may read.
    pub public_reads: PublicRule,
    /// When strangers may change something or administer.
    pub public_writes: PublicRule,
    /// When strangers may be given secrets or tokens, or give them.
    pub public_secrets: PublicRule,
}

impl Default for ClassRules {
    fn default() -> Self {
        Self {
            privileged_needs: PrivilegedRule::Privileged,
            internal_needs: InternalRule::MachineOrPrivileged,
            public_reads: PublicRule::Reason,
            public_writes: PublicRule::ReasonAndExpiry,
            public_secrets: PublicRule::ReasonAndExpiry,
        }
    }
}
