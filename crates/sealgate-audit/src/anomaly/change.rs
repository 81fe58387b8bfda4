//! What an operator decides otherwise about the rules that come with the program.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::read::most;
use super::rule::{How, Rule};
use super::span;

/// What is otherwise about one rule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Change {
    /// From how many on it raises.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<i64>,
    /// Over what time it counts, such as `5m`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<String>,
    /// How long after it has raised it does not raise again, such as `1h`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suppress: Option<String>,
    /// Why it is off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub off: Option<String>,
}

/// What is otherwise, by the rule's id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Changes(pub BTreeMap<String, Change>);

impl Changes {
    /// `rules` as they are with this.
    ///
    /// # Errors
    /// In words, if it names a rule that is not there, gives one what it has no use for, or says that one is
    /// off without saying why.
    pub fn apply(&self, rules: &[Rule]) -> Result<Vec<Rule>, String> {
        let mut rules = rules.to_vec();
        for (id, change) in &self.0 {
            let Some(rule) = rules.iter_mut().find(|rule| rule.id == *id) else {
                return Err(format!("there is no rule {id}"));
            };
            change
                .apply(rule)
                .map_err(|why| format!("rule {id}: {why}"))?;
        }
        Ok(rules)
    }
}

impl Change {
    fn apply(&self, rule: &mut Rule) -> Result<(), String> {
        if let Some(why) = &self.off {
            if why.trim().is_empty() || why.len() > 1_000 {
                return Err("off says why, in 1 to 1000 bytes".to_owned());
            }
            rule.off = Some(why.clone());
        }
        let given = |name: &str, text: &Option<String>| -> Result<Option<Duration>, String> {
            let Some(text) = text else { return Ok(None) };
            let span = span::parse(text);
            span.map(Some)
                .ok_or_else(|| format!("{name} is a span such as 5m, at most a year"))
        };
        let (window, suppress) = (
            given("window", &self.window)?,
            given("suppress", &self.suppress)?,
        );
        let highest = match &mut rule.how {
            How::Counts(counts) => {
                counts.window = window.unwrap_or(counts.window);
                counts.suppress = suppress.unwrap_or(counts.suppress);
                1..=most(counts.counted)
            }
            How::Holds(_) if window.is_some() || suppress.is_some() => {
                return Err("it holds a measure against a threshold: it has no window".to_owned());
            }
            How::Holds(_) => 0..=i64::from(i32::MAX),
        };
        if let Some(threshold) = self.threshold {
            if !highest.contains(&threshold) {
                let (least, most) = (highest.start(), highest.end());
                return Err(format!("its threshold is {least} to {most}"));
            }
            rule.threshold = threshold;
        }
        Ok(())
    }
}
