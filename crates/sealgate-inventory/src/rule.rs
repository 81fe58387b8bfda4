//! What a finding is an instance of.

use crate::Severity;

/// One rule: its stable id, and all that its documentation page says.
#[derive(Debug)]
pub struct Rule {
    /// The stable id, in words with dashes: `unawaited-gate`.
    pub id: &'static str,
    /// How bad a finding is.
    pub severity: Severity,
    /// What is wrong, as a heading: `A gate is called and not awaited`.
    pub title: &'static str,
    /// Why it matters and what an attacker does with it, in a few sentences of Markdown.
    pub explanation: &'static str,
    /// A whole small program that has it. For rules about source this is a test.
    pub broken: &'static str,
    /// The same program without it.
    pub fixed: &'static str,
}
