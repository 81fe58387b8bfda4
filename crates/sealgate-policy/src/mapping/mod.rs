//! The mapping: from what a credential tells to roles, scopes and the kind of actor.
//!
//! It is the same pure function wherever it is judged: in every gate, and in `sealgate policy map`. All conditions
//! are positive, so that knowing less of a credential never gives more. docs/reference/mapping.md is the language.

mod check;
mod condition;
mod error;
mod judge;
pub mod limits;
mod path;
mod read;
mod rule;
mod told;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

pub use condition::{Claim, Condition, Pattern};
pub use error::{MappingError, Place, Step};
pub use judge::{Counted, Explanation, Missed, Outcome, Refusal, RuleSaid};
pub use path::{ClaimPath, within};
pub use read::{read, read_text};
pub use rule::{Counts, Give, IssuerSays, Rule, When, Whose};
pub use told::{Claims, Kept, NoClaims, Shown, Told};
pub use write::to_table;

/// Which mapping it is: equal for equal mappings, and for no others.
pub type MappingMark = [u8; 32];

/// The rules of a mapping, in the order of the file, and what is said of issuers' own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "serde_json::Value", into = "serde_json::Value")]
pub struct Mapping {
    rules: Vec<Rule>,
    of: BTreeMap<Whose, IssuerSays>,
    /// The issuers that a rule names by their identifier.
    named: BTreeSet<String>,
    mark: MappingMark,
}

impl Default for Mapping {
    fn default() -> Self {
        Self::made(Vec::new(), BTreeMap::new())
    }
}

impl Mapping {
    /// The mapping of these rules.
    ///
    /// # Errors
    /// Names the rule, and what it must not say.
    pub fn new(rules: Vec<Rule>, of: BTreeMap<Whose, IssuerSays>) -> Result<Self, MappingError> {
        let mapping = Self::made(rules, of);
        check::check(&mapping)?;
        Ok(mapping)
    }

    fn made(rules: Vec<Rule>, of: BTreeMap<Whose, IssuerSays>) -> Self {
        let issuers = rules.iter().flat_map(|rule| &rule.when.issuer);
        let named = issuers.filter_map(|from| match from {
            Whose::Issuer(issuer) => Some(issuer.clone()),
            Whose::Own | Whose::Anybody => None,
        });
        let mut mapping = Self {
            named: named.collect(),
            rules,
            of,
            mark: [0; 32],
        };
        let json = mapping.to_value().to_string();
        let found = digest(&SHA256, json.as_bytes());
        mapping.mark.copy_from_slice(found.as_ref());
        mapping
    }

    /// The rules, in the order of the file.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// What is said of issuers' own words.
    pub const fn of(&self) -> &BTreeMap<Whose, IssuerSays> {
        &self.of
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.of.is_empty()
    }

    /// Which mapping it is.
    pub const fn mark(&self) -> &MappingMark {
        &self.mark
    }

    /// Every role that a rule gives.
    pub fn roles(&self) -> BTreeSet<&str> {
        let given = self.rules.iter().flat_map(|rule| &rule.give.roles);
        given.map(String::as_str).collect()
    }

    /// Every scope that a rule gives.
    pub fn scopes(&self) -> BTreeSet<&str> {
        let given = self.rules.iter().flat_map(|rule| &rule.give.scopes);
        given.map(String::as_str).collect()
    }
}

#[cfg(test)]
mod tests;
