//! Findings that somebody looked at and accepts: by a comment in the code, or in the configuration.
//!
//! Only rules about source, and warnings, can be accepted. A route that is open is declared public or gets a gate.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::config::AcceptEntry;
use crate::{Config, Finding, Inventory, Place, Rule, Severity, rules};

/// `# sealgate: accept(rule: reason)`, as it stands in the code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acceptance {
    /// The id of the rule. Empty where the comment cannot be read.
    pub rule: String,
    /// Why it is accepted.
    pub reason: String,
    /// Where it stands. It means its own line and the one below.
    pub place: Place,
}

/// A finding that is accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// What was found.
    #[serde(flatten)]
    pub finding: Finding,
    /// Who accepts it, and why.
    pub accepted: Because,
}

/// Why a finding is accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Because {
    /// The reason. Never blank.
    pub reason: String,
    /// Whether that stands in the code, and not in the configuration.
    pub in_source: bool,
    /// Where it stands, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// Who answers for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The last day on which it counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Date>,
}

/// What is known of the look whose findings are accepted.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Every rule there is.
    pub known: &'a [&'static Rule],
    /// Those about source, which can be accepted however bad they are.
    pub source: &'a BTreeSet<&'static str>,
    /// Those that this look asked. What accepts a finding of another is not without use.
    pub here: &'a BTreeSet<&'static str>,
    /// Whether all applications were looked at: otherwise nothing is without use.
    pub whole: bool,
    /// The day.
    pub today: Date,
}

/// Whether findings of this rule can never be accepted, whatever they are about.
pub fn is_never_accepted(rule: &str) -> bool {
    let never = [
        &rules::OPEN_ROUTE,
        &rules::UNRESOLVED_ROUTE,
        &rules::EXPIRED_ACCEPTANCE,
        &rules::UNUSED_ACCEPTANCE,
    ];
    never.iter().any(|one| one.id == rule)
}

/// Takes what is accepted out of the findings of `inventory`, and adds what is wrong with the acceptances.
pub fn apply(inventory: &mut Inventory, config: &Config, asked: &Asked<'_>) {
    let acceptances = std::mem::take(&mut inventory.acceptances);
    let all = One::all(&acceptances, config);
    let mut used = vec![false; all.len()];
    let mut left = Vec::new();
    for finding in std::mem::take(&mut inventory.findings) {
        let meant = all
            .iter()
            .enumerate()
            .filter(|(_, one)| asked.takes(&finding) && one.means(&finding));
        let mut because = None;
        for (at, one) in meant {
            used[at] = true;
            if because.is_none() && one.holds(asked.today) {
                because = Some(one.because(config));
            }
        }
        match because {
            Some(accepted) => inventory.accepted.push(Accepted { finding, accepted }),
            None => left.push(finding),
        }
    }
    for (one, used) in all.iter().zip(used) {
        left.extend(one.fault(used, asked, config));
    }
    inventory.findings = left;
    inventory.acceptances = acceptances;
    inventory.sort();
}

impl Asked<'_> {
    /// Whether a finding can be accepted.
    fn takes(&self, finding: &Finding) -> bool {
        !is_never_accepted(&finding.rule)
            && (finding.severity < Severity::Error || self.source.contains(finding.rule.as_str()))
    }

    /// Whether no finding of a rule ever can.
    fn never_takes(&self, rule: &Rule) -> bool {
        let bad = rule.severity == Severity::Error && !self.source.contains(rule.id);
        // Such a finding may be less bad than its rule: a new route that has a gate.
        is_never_accepted(rule.id) || bad && rule.id != rules::NEW_ROUTE.id
    }
}

/// An acceptance, wherever it stands.
enum One<'a> {
    /// A comment, and the lines that it means.
    Comment(&'a Acceptance, [u32; 2]),
    Entry(&'a AcceptEntry),
}

impl<'a> One<'a> {
    fn all(acceptances: &'a [Acceptance], config: &'a Config) -> Vec<Self> {
        let lines: BTreeSet<(&str, u32)> = acceptances
            .iter()
            .map(|one| (one.place.file.as_str(), one.place.line))
            .collect();
        let comment = |one: &'a Acceptance| {
            // Several above one line all mean that line.
            let mut below = one.place.line.saturating_add(1);
            while lines.contains(&(one.place.file.as_str(), below)) {
                below += 1;
            }
            Self::Comment(one, [one.place.line, below])
        };
        let comments = acceptances.iter().map(comment);
        comments
            .chain(config.accept.iter().map(Self::Entry))
            .collect()
    }

    fn rule(&self) -> &str {
        match self {
            Self::Comment(one, _) => &one.rule,
            Self::Entry(one) => &one.rule,
        }
    }

    fn means(&self, finding: &Finding) -> bool {
        self.rule() == finding.rule
            && match self {
                Self::Comment(one, lines) => finding.place.as_ref().is_some_and(|place| {
                    !one.reason.is_empty()
                        && place.file == one.place.file
                        && lines.contains(&place.line)
                }),
                Self::Entry(one) => one.covers(finding),
            }
    }

    fn holds(&self, today: Date) -> bool {
        match self {
            Self::Comment(..) => true,
            Self::Entry(one) => one.expires.is_none_or(|day| day >= today),
        }
    }

    fn because(&self, config: &Config) -> Because {
        let place = self.place(config);
        match self {
            Self::Comment(one, _) => Because {
                reason: one.reason.clone(),
                in_source: true,
                place,
                owner: None,
                expires: None,
            },
            Self::Entry(one) => Because {
                reason: one.reason.clone(),
                in_source: false,
                place,
                owner: one.owner.clone(),
                expires: one.expires,
            },
        }
    }

    fn place(&self, config: &Config) -> Option<Place> {
        match self {
            Self::Comment(one, _) => Some(one.place.clone()),
            Self::Entry(one) => config.file.clone().map(|file| Place {
                file,
                line: one.line,
            }),
        }
    }

    /// What is wrong with it.
    fn fault(&self, used: bool, asked: &Asked<'_>, config: &Config) -> Option<Finding> {
        let rule = self.rule();
        let known = asked.known.iter().find(|one| one.id == rule);
        let (fault, message, hint) = match (self, known) {
            (Self::Comment(one, _), _) if one.rule.is_empty() => (
                &rules::UNUSED_ACCEPTANCE,
                "the comment accepts nothing: it does not say which rule, and why".to_owned(),
                "write `# sealgate: accept(rule: reason)`",
            ),
            (Self::Comment(one, _), _) if one.reason.is_empty() => (
                &rules::UNUSED_ACCEPTANCE,
                format!("the comment accepts nothing: it does not say why `{rule}` is accepted"),
                "write `# sealgate: accept(rule: reason)`",
            ),
            (_, None) => (
                &rules::UNUSED_ACCEPTANCE,
                format!("`{rule}` is accepted, and there is no such rule"),
                "see `sealgate routes rules`",
            ),
            (_, Some(rule)) if asked.never_takes(rule) => (
                &rules::UNUSED_ACCEPTANCE,
                format!("`{}` is accepted, and findings of it cannot be", rule.id),
                "put it right, or declare the route public with a reason",
            ),
            (Self::Entry(one), _) if !self.holds(asked.today) => (
                &rules::EXPIRED_ACCEPTANCE,
                format!(
                    "`{rule}` was accepted until {}",
                    one.expires.map(|day| day.to_string()).unwrap_or_default()
                ),
                "put it right, or review it and set a later day",
            ),
            _ if !used && asked.whole && asked.here.contains(rule) => (
                &rules::UNUSED_ACCEPTANCE,
                format!("`{rule}` is accepted, and was not found there"),
                "remove the acceptance",
            ),
            _ => return None,
        };
        Some(Finding {
            rule: fault.id.to_owned(),
            severity: fault.severity,
            message,
            place: self.place(config),
            route: None,
            hint: Some(hint.to_owned()),
            via: Vec::new(),
            sibling: None,
        })
    }
}
