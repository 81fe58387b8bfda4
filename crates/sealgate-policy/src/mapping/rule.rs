//! One rule: when it fits, and what it gives.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use sealgate_model::ActorKind;

use super::condition::{Condition, Pattern};
use super::path::ClaimPath;

/// Whose credentials a rule is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Whose {
    /// Those of the control plane that the gate follows.
    Own,
    /// Those of every issuer that the gate believes.
    Anybody,
    /// Those of this issuer, compared byte for byte.
    Issuer(String),
}

impl Whose {
    /// The word for it in files.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Own => "own",
            Self::Anybody => "*",
            Self::Issuer(issuer) => issuer,
        }
    }
}

impl fmt::Display for Whose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rule {
    /// What it is called where it is explained.
    pub name: Option<String>,
    /// Whether it may fit everybody.
    pub everybody: bool,
    /// When it fits.
    pub when: When,
    /// What it gives.
    pub give: Give,
}

/// What is asked of a credential. All that is said has to hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct When {
    /// Whose it is: one of these.
    pub issuer: Vec<Whose>,
    /// The client that it was given to: one of these; any, where there are none.
    pub client: Vec<Pattern>,
    /// The organisation: one of these; any or none, where there are none.
    pub tenant: Vec<Pattern>,
    /// The kind of actor that the issuer tells: one of these; any, where there are none.
    pub actor: BTreeSet<ActorKind>,
    /// What is asked of the claim `groups`.
    pub group: Condition,
    /// What is asked of the scopes that the issuer tells.
    pub scope: Condition,
    /// What is asked of the roles that the issuer tells.
    pub role: Condition,
    /// What is asked of other claims.
    pub claim: BTreeMap<ClaimPath, Condition>,
}

/// What a rule gives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Give {
    /// Roles.
    pub roles: Vec<String>,
    /// Scopes.
    pub scopes: Vec<String>,
    /// What kind of actor it is.
    pub actor: Option<ActorKind>,
}

/// Whether what an issuer tells by itself counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counts {
    /// It does, beside what rules give.
    Told,
    /// It does not: what rules give counts and nothing else.
    Mapped,
}

impl Counts {
    /// The word for it in files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Told => "told",
            Self::Mapped => "mapped",
        }
    }
}

/// What is said of an issuer's own words. What is not said is as docs/reference/mapping.md has it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IssuerSays {
    /// Of roles.
    pub roles: Option<Counts>,
    /// Of scopes.
    pub scopes: Option<Counts>,
    /// Of the kind of actor.
    pub actor: Option<Counts>,
}

impl Rule {
    /// What it is called: its name, or its place, counted from 1.
    pub fn label(&self, number: usize) -> String {
        match &self.name {
            Some(name) => format!("{number} \"{name}\""),
            None => number.to_string(),
        }
    }

    /// Whether a scope that the token was granted is asked for, so that its scopes say what that one means here.
    pub fn translates(&self) -> bool {
        self.when.scope.is_narrow()
    }
}

impl When {
    /// Whether it may fit whoever comes.
    pub(super) fn pins_nothing(&self) -> bool {
        self.issuer.contains(&Whose::Anybody) && self.asks_only_of_kind()
    }

    /// Whether nothing but the issuer and the kind is asked for.
    fn asks_only_of_kind(&self) -> bool {
        self.client.is_empty()
            && self.tenant.is_empty()
            && self.group.is_empty()
            && self.scope.is_empty()
            && self.role.is_empty()
            && self.claim.is_empty()
    }

    /// Whether it asks for something that a credential may say or not: anything but issuer, client and kind.
    pub(super) fn asks_for_claims(&self) -> bool {
        !(self.tenant.is_empty()
            && self.group.is_empty()
            && self.scope.is_empty()
            && self.role.is_empty()
            && self.claim.is_empty())
    }

    /// The claims that are asked for, with what is asked of them.
    pub(super) fn claims(&self) -> impl Iterator<Item = (ClaimPath, &Condition)> {
        let group = (!self.group.is_empty()).then(|| (ClaimPath::groups(), &self.group));
        let claims = self
            .claim
            .iter()
            .map(|(path, condition)| (path.clone(), condition));
        group.into_iter().chain(claims)
    }
}
