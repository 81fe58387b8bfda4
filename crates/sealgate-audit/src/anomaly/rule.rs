//! A rule: what it looks at, when it raises, and what to do about it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::event::{Event, Fact};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// To be looked at when there is time.
    Low,
    /// To be looked at today.
    Medium,
    /// To be looked at now.
    High,
}

impl Severity {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Low, Self::Medium, Self::High];

    /// The word for it in stored rows, JSON, metrics and output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// What a rule looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The control plane's own records of acts and refusals.
    Acts,
    /// The decisions that gates report.
    Decisions,
    /// What there is: measured every few minutes.
    State,
}

impl Source {
    /// The word for it in JSON and output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Acts => "acts",
            Self::Decisions => "decisions",
            Self::State => "state",
        }
    }
}

/// One value that a fact may have, or with a `*` at its end a beginning of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(pub(super) String);

impl Pattern {
    /// Whether `value` fits.
    pub fn fits(&self, value: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(start) => value.starts_with(start),
            None => value == self.0,
        }
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// The records.
    Records,
    /// Different values of a fact.
    Distinct(Fact),
    /// Values of a fact that the group never had, once it was known for so long.
    New(Fact, Duration),
}

/// How a measure is held against the threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compare {
    /// It raises at the threshold and above.
    AtLeast,
    /// It raises at the threshold and below.
    AtMost,
}

/// What is counted, and over what time: of rules about records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// The facts that a record has to have, each with one of its values.
    pub matching: Vec<(Fact, Vec<Pattern>)>,
    /// The facts that it must not have.
    pub without: Vec<(Fact, Vec<Pattern>)>,
    /// What is counted.
    pub counted: Counted,
    /// Over what time.
    pub window: Duration,
    /// How long after it has raised it does not raise again of the same group.
    pub suppress: Duration,
}

/// What a rule about states holds against its threshold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The name of the measure.
    pub measure: String,
    /// How.
    pub compare: Compare,
}

/// How a rule judges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// It counts records.
    Counts(Window),
    /// It holds a measure against the threshold.
    Holds(Held),
}

/// A rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its id: what anomalies, metrics and settings name it by.
    pub id: String,
    /// What it has found, in one sentence without a full stop.
    pub title: String,
    /// How bad that is.
    pub severity: Severity,
    /// What it looks at.
    pub source: Source,
    /// How it judges.
    pub how: How,
    /// The facts by whose values it tells groups apart.
    pub group_by: Vec<Fact>,
    /// From how many records, values or units on it raises.
    pub threshold: i64,
    /// What to do about it, with `{fact}` where the group's value belongs.
    pub advice: String,
    /// Where others ask for it.
    pub references: Vec<String>,
    /// Why it is off, if it is.
    pub off: Option<String>,
}

impl Rule {
    /// Whether it counts `event`.
    pub fn counts(&self, event: &Event<'_>) -> bool {
        let How::Counts(window) = &self.how else {
            return false;
        };
        let has = |fact: &Fact, patterns: &[Pattern]| {
            event
                .fact(*fact)
                .is_some_and(|value| patterns.iter().any(|pattern| pattern.fits(value)))
        };
        self.off.is_none()
            && self.source == event.source
            && window.matching.iter().all(|(fact, any)| has(fact, any))
            && !window.without.iter().any(|(fact, any)| has(fact, any))
    }

    /// The group that `event` belongs to: `session=…`, with a space between several. None if it lacks a fact.
    pub fn subject(&self, event: &Event<'_>) -> Option<String> {
        let mut subject = String::new();
        for fact in &self.group_by {
            let value = event.fact(*fact)?;
            if !subject.is_empty() {
                subject.push(' ');
            }
            subject.push_str(fact.as_str());
            subject.push('=');
            subject.push_str(value);
        }
        Some(subject)
    }

    /// The advice for a group, as [`Rule::subject`] names it. Values that a shell would read are quoted.
    pub fn advice_for(&self, subject: &str) -> String {
        let mut advice = self.advice.clone();
        let mut rest = subject;
        for (index, fact) in self.group_by.iter().enumerate() {
            let Some(after) = rest
                .strip_prefix(fact.as_str())
                .and_then(|rest| rest.strip_prefix('='))
            else {
                return advice;
            };
            let end = self.group_by.get(index + 1).and_then(|next| {
                // The last one: what a value holds could look like the beginning of the next.
                after.rfind(&format!(" {}=", next.as_str()))
            });
            let (value, left) = match end {
                Some(end) => (
                    after.get(..end).unwrap_or(after),
                    after.get(end + 1..).unwrap_or_default(),
                ),
                None => (after, ""),
            };
            advice = advice.replace(&format!("{{{}}}", fact.as_str()), &quoted(value));
            rest = left;
        }
        advice
    }
}

/// `value` as one word of a command line.
fn quoted(value: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._:/@-".contains(c);
    if !value.is_empty() && value.chars().all(is_plain) {
        return value.to_owned();
    }
    let clean: String = value.chars().filter(|c| !c.is_control()).collect();
    format!("'{}'", clean.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn what_somebody_else_chose_is_one_word_for_a_shell() {
        assert_eq!(quoted("192.0.2.0/24"), "192.0.2.0/24");
        assert_eq!(quoted("/a b"), "'/a b'");
        assert_eq!(quoted("$(rm -rf ~)"), "'$(rm -rf ~)'");
        assert_eq!(quoted("a'; b\n"), r"'a'\''; b'");
        assert_eq!(quoted(""), "''");
    }
}
