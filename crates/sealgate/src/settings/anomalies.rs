//! What is otherwise about the rules of anomalies.

use sealgate_audit::anomaly::{Change, Changes, builtin};
use serde::{Deserialize, Serialize};

/// The section `anomalies`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Anomalies {
    pub(crate) rules: Vec<RuleChange>,
}

/// One thing that is otherwise about one rule: `RULE.threshold=NUMBER`, `RULE.window=SPAN`,
/// `RULE.suppress=SPAN` or `RULE.off=WHY`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct RuleChange {
    text: String,
    rule: String,
    change: Change,
}

impl TryFrom<String> for RuleChange {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("{text} does not read as RULE.threshold=NUMBER or the like");
        let (name, value) = text.split_once('=').ok_or_else(wrong)?;
        let (rule, member) = name.trim().split_once('.').ok_or_else(wrong)?;
        let value = value.trim().to_owned();
        let mut change = Change::default();
        match member {
            "threshold" => change.threshold = Some(value.parse().map_err(|_| wrong())?),
            "window" => change.window = Some(value),
            "suppress" => change.suppress = Some(value),
            "off" => change.off = Some(value),
            _ => return Err(wrong()),
        }
        let rule = rule.to_owned();
        // By itself, so that the one that is wrong is known.
        Changes([(rule.clone(), change.clone())].into()).apply(builtin())?;
        Ok(Self { text, rule, change })
    }
}

impl From<RuleChange> for String {
    fn from(change: RuleChange) -> Self {
        change.text
    }
}

impl Anomalies {
    /// As the server takes it. Of two for the same the later one counts.
    pub(crate) fn changes(&self) -> Changes {
        let mut changes = Changes::default();
        for RuleChange { rule, change, .. } in &self.rules {
            let one = changes.0.entry(rule.clone()).or_default();
            let Change {
                threshold,
                window,
                suppress,
                off,
            } = change.clone();
            one.threshold = threshold.or(one.threshold);
            one.window = window.or(one.window.take());
            one.suppress = suppress.or(one.suppress.take());
            one.off = off.or(one.off.take());
        }
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(all: &[&str]) -> Result<Changes, String> {
        let rules: Result<Vec<RuleChange>, String> = all
            .iter()
            .map(|one| RuleChange::try_from((*one).to_owned()))
            .collect();
        Ok(Anomalies { rules: rules? }.changes())
    }

    #[test]
    fn what_is_otherwise_is_gathered_by_rule() {
        let changes = changes(&[
            "denied_burst_actor.threshold=50",
            "denied_burst_actor.window = 10m",
            "machine_unused.off=there are none",
            "denied_burst_actor.threshold=60",
        ])
        .unwrap();
        let rules = changes.apply(builtin()).unwrap();
        let rule = |id: &str| rules.iter().find(|rule| rule.id == id).unwrap();
        assert_eq!(rule("denied_burst_actor").threshold, 60);
        assert_eq!(
            rule("machine_unused").off.as_deref(),
            Some("there are none")
        );
    }

    #[test]
    fn what_cannot_be_is_refused_where_it_stands() {
        for wrong in [
            "",
            "denied_burst_actor",
            "denied_burst_actor.threshold",
            "denied_burst_actor.threshold=many",
            "denied_burst_actor.threshold=0",
            "denied_burst_actor.title=a",
            "no_such_rule.threshold=1",
            "machine_unused.off=",
            "machine_unused.window=1h",
        ] {
            assert!(changes(&[wrong]).is_err(), "{wrong}");
        }
    }
}
