//! Measures of what there is, held against the rules about states.

use sealgate_model::Timestamp;

use super::engine::Raise;
use super::event::Fact;
use super::rule::{Compare, How, Rule};

/// A measure of one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measure {
    /// What is measured: the name that rules know it by.
    pub name: &'static str,
    /// What of: the facts that its rule groups by, and their values.
    pub of: Vec<(Fact, String)>,
    /// How much.
    pub value: i64,
    /// What there is to say of it, in a sentence without a full stop; empty: nothing.
    pub detail: String,
}

/// What `rules` about states raise of `measures`. What a rule does not raise here is mended, as far as its
/// measure was taken.
pub fn judge(rules: &[Rule], measures: &[Measure], at: Timestamp) -> Vec<Raise> {
    let mut raised = Vec::new();
    for rule in rules.iter().filter(|rule| rule.off.is_none()) {
        let How::Holds(held) = &rule.how else {
            continue;
        };
        for measure in measures.iter().filter(|one| one.name == held.measure) {
            let is_over = match held.compare {
                Compare::AtLeast => measure.value >= rule.threshold,
                Compare::AtMost => measure.value <= rule.threshold,
            };
            let subject = subject(rule, measure);
            if let Some(subject) = subject.filter(|_| is_over) {
                raised.push(Raise {
                    rule: rule.id.clone(),
                    severity: rule.severity,
                    subject,
                    at,
                    count: 1,
                    evidence: Vec::new(),
                    detail: if measure.detail.is_empty() {
                        format!("{} is {}", measure.name.replace('_', " "), measure.value)
                    } else {
                        measure.detail.clone()
                    },
                });
            }
        }
    }
    raised
}

fn subject(rule: &Rule, measure: &Measure) -> Option<String> {
    let value = |fact: &Fact| {
        let of = measure.of.iter().find(|(known, _)| known == fact);
        of.map(|(fact, value)| format!("{}={value}", fact.as_str()))
    };
    let parts: Option<Vec<String>> = rule.group_by.iter().map(value).collect();
    parts.map(|parts| parts.join(" "))
}
