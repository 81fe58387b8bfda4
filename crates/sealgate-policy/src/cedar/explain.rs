//! Which policies decided about a question, and why the others did not apply.

use std::fmt::Write as _;
use std::ops::Range;
use std::str::FromStr as _;

use cedar_policy::{Authorizer, Decision, EvalResult, Expression, eval_expression};
use serde::Serialize;

use super::compile::Policies;
use super::decide::{Prepared, Question, QuestionError, Verdict};
use super::finding::Span;
use super::rules::Rule;

/// What a policy had to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// It applied, and decided.
    Decided,
    /// It applied, and a forbid won over it, or an error.
    Overruled,
    /// It could not be evaluated, so that nobody may.
    Failed,
    /// What its `when` or `unless` asks for does not hold.
    ConditionNotMet,
    /// It is about other actors, actions or resources.
    OutOfScope,
}

/// One policy, and what it had to say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Told {
    /// Its id.
    pub policy: String,
    /// `permit` or `forbid`.
    pub effect: &'static str,
    /// Where it begins.
    pub at: Span,
    /// What it had to say.
    pub why: Why,
    /// The parts that say so: those that do not hold, or what went wrong; of a policy that applied its conditions.
    pub parts: Vec<Part>,
}

/// A part of a policy, as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// Its text, in one line.
    pub text: String,
    /// Where it is.
    pub at: Span,
    /// What it comes to: `true`, `false`, or the error.
    pub comes_to: String,
}

/// A question, its answer, and what every policy had to say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// Whether they may.
    pub allowed: bool,
    /// Who, as policies know them.
    pub actor: String,
    /// The action.
    pub action: String,
    /// The resource, as policies know it.
    pub resource: String,
    /// Every policy: those that decided first.
    pub policies: Vec<Told>,
}

impl Policies {
    /// Which policies decide about `question`, and why the others do not.
    ///
    /// # Errors
    /// As [`Policies::decide`].
    pub fn explain(&self, question: &Question<'_>) -> Result<Explained, QuestionError> {
        let verdict = self.decide(question)?;
        let prepared = self.prepare(question)?;
        let mut policies: Vec<Told> = self
            .rules
            .iter()
            .map(|rule| self.told(rule, &prepared, &verdict))
            .collect();
        policies.sort_by_key(|told| told.why);
        let shown = |uid: Option<&cedar_policy::EntityUid>| {
            uid.map(ToString::to_string).unwrap_or_default()
        };
        Ok(Explained {
            allowed: verdict.allowed,
            actor: shown(prepared.request.principal()),
            action: question.action.to_owned(),
            resource: shown(prepared.request.resource()),
            policies,
        })
    }

    fn told(&self, rule: &Rule, prepared: &Prepared<'_>, verdict: &Verdict) -> Told {
        let part = |range: &Range<usize>, comes_to: String| Part {
            text: one_line(&rule.text[range.clone()]),
            at: rule.place(&self.source, range.start, range.end),
            comes_to,
        };
        let told = |why, parts| Told {
            policy: rule.id.clone(),
            effect: if rule.permits() { "permit" } else { "forbid" },
            at: rule.span.clone(),
            why,
            parts,
        };
        let evaluated = |range: &Range<usize>| {
            let text = &rule.text[range.clone()];
            part(range, evaluate(text, prepared))
        };
        let (applies, fault) = alone(rule, prepared);
        if applies {
            let decided = verdict.determining.contains(&rule.id) && verdict.errors.is_empty();
            let parts = rule
                .anatomy
                .conditions
                .iter()
                .flat_map(|condition| &condition.parts);
            let why = if decided {
                Why::Decided
            } else {
                Why::Overruled
            };
            return told(why, parts.map(evaluated).collect());
        }
        if let Some(message) = fault {
            let mut parts: Vec<Part> = rule
                .anatomy
                .conditions
                .iter()
                .flat_map(|condition| &condition.parts)
                .map(evaluated)
                .filter(|part| part.comes_to != "true" && part.comes_to != "false")
                .collect();
            if parts.is_empty() {
                parts.push(part(&(0..rule.text.len()), message));
            }
            return told(Why::Failed, parts);
        }
        let outside: Vec<Part> = rule
            .anatomy
            .scope
            .iter()
            .filter(|range| !is_variable(&rule.text[(*range).clone()]))
            .map(evaluated)
            .filter(|part| part.comes_to != "true")
            .collect();
        if !outside.is_empty() {
            return told(Why::OutOfScope, outside);
        }
        let mut unmet = Vec::new();
        for condition in &rule.anatomy.conditions {
            let parts: Vec<Part> = condition.parts.iter().map(evaluated).collect();
            if condition.negated {
                // All of its parts hold together, so that it is not the one that is asked for.
                if parts.iter().all(|part| part.comes_to == "true") {
                    unmet.extend(parts);
                }
            } else {
                unmet.extend(parts.into_iter().find(|part| part.comes_to != "true"));
            }
        }
        told(Why::ConditionNotMet, unmet)
    }
}

/// Whether one policy by itself applies, or why it cannot be evaluated.
fn alone(rule: &Rule, prepared: &Prepared<'_>) -> (bool, Option<String>) {
    let mut set = cedar_policy::PolicySet::new();
    if set.add(rule.policy.clone()).is_err() {
        return (false, Some("it cannot be looked at by itself".to_owned()));
    }
    let answer = Authorizer::new().is_authorized(&prepared.request, &set, &prepared.entities);
    let fault = answer.diagnostics().errors().next().map(|error| {
        let cedar_policy::AuthorizationError::PolicyEvaluationError(error) = error;
        error.inner().to_string()
    });
    let applies = if rule.permits() {
        answer.decision() == Decision::Allow
    } else {
        answer.diagnostics().reason().next().is_some()
    };
    (applies, fault)
}

fn is_variable(text: &str) -> bool {
    matches!(text.trim(), "principal" | "action" | "resource")
}

/// What a part of a policy comes to by itself.
fn evaluate(text: &str, prepared: &Prepared<'_>) -> String {
    // The scope has two forms that are no expressions: a type behind `is` is one, and so is what `in` names.
    let Ok(expression) = Expression::from_str(text) else {
        return "?".to_owned();
    };
    match eval_expression(&prepared.request, &prepared.entities, &expression) {
        Ok(EvalResult::Bool(true)) => "true".to_owned(),
        Ok(EvalResult::Bool(false)) => "false".to_owned(),
        Ok(other) => other.to_string(),
        Err(error) => error.to_string(),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What people read of it. Those that have nothing to say about the action are only counted, unless `all` is asked
/// for.
pub fn explained(explained: &Explained, all: bool) -> String {
    let mut text = String::new();
    let answer = if explained.allowed {
        "allowed"
    } else {
        "denied"
    };
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "{answer}: {} {} {}",
        explained.actor, explained.action, explained.resource
    );
    let mut last = None;
    let mut elsewhere = 0;
    for told in &explained.policies {
        if told.why == Why::OutOfScope && !all {
            elsewhere += 1;
            continue;
        }
        if last != Some(told.why) {
            let _ = writeln!(text, "\n{}", heading(told.why));
            last = Some(told.why);
        }
        let at = &told.at;
        let _ = writeln!(
            text,
            "  {} {}  {}:{}:{}",
            told.effect, told.policy, at.file, at.line, at.column
        );
        let width = told
            .parts
            .iter()
            .map(|part| part.text.chars().count())
            .max();
        let width = width.unwrap_or(0).min(60);
        for part in &told.parts {
            let _ = writeln!(text, "    {:<width$}  {}", part.text, part.comes_to);
        }
    }
    let decided = |told: &Told| matches!(told.why, Why::Decided | Why::Failed);
    if !explained.policies.iter().any(decided) {
        text.push_str("\nNo policy permits it, so it is denied.\n");
    }
    if elsewhere > 0 {
        let policies = if elsewhere == 1 {
            "policy is"
        } else {
            "policies are"
        };
        let _ = writeln!(
            text,
            "\n{elsewhere} more {policies} about other actors, actions or resources."
        );
    }
    text
}

const fn heading(why: Why) -> &'static str {
    match why {
        Why::Decided => "decided by",
        Why::Overruled => "applies, and is overruled",
        Why::Failed => "cannot be evaluated, which denies",
        Why::ConditionNotMet => "does not apply: its condition does not hold",
        Why::OutOfScope => "does not apply: it is about others",
    }
}
