//! Rules as text: a strict reader, and those that come with the program.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use std::time::Duration;

use serde::Deserialize;
use thiserror::Error;

use super::event::Fact;
use super::rule::{Compare, Counted, Held, How, Pattern, Rule, Severity, Source, Window};
use super::span;

/// The longest text that is read, in bytes.
pub const RULES_LIMIT: usize = 64 * 1024;
/// The most rules of one text.
pub const RULES_MOST: usize = 128;

/// The most records that a rule may count: so many are remembered of a group.
const RECORDS_MOST: i64 = 1_000;
/// The most different values.
const VALUES_MOST: i64 = 64;

static BUILTIN: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    // A test reads them: what the program is made with is sound.
    read(include_str!("rules.toml")).unwrap_or_default()
});

/// The rules that come with the program.
pub fn builtin() -> &'static [Rule] {
    &BUILTIN
}

/// What is wrong with a text of rules.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RuleError {
    /// It is too long.
    #[error("the rules are longer than {RULES_LIMIT} bytes, or more than {RULES_MOST}")]
    TooLong,
    /// It is not of the form that rules have.
    #[error("the rules do not read as such: {0}")]
    Malformed(String),
    /// A rule does not make sense.
    #[error("rule {0}: {1}")]
    Unsound(String, String),
}

impl RuleError {
    /// The stable reason code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLong => "rules_too_long",
            Self::Malformed(_) => "rules_malformed",
            Self::Unsound(..) => "rule_unsound",
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    rule: Vec<Told>,
}

/// A rule as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    id: String,
    title: String,
    severity: Severity,
    source: Source,
    #[serde(default, rename = "match")]
    matching: BTreeMap<Fact, Vec<String>>,
    #[serde(default)]
    without: BTreeMap<Fact, Vec<String>>,
    group_by: Vec<Fact>,
    distinct_of: Option<Fact>,
    new_of: Option<Fact>,
    learn: Option<String>,
    measure: Option<String>,
    compare: Option<Compare>,
    threshold: i64,
    window: Option<String>,
    suppress: Option<String>,
    advice: String,
    references: Vec<String>,
}

/// Reads rules.
///
/// # Errors
/// [`RuleError`] for text that is too long, is not TOML of this form, or holds a rule that makes no sense:
/// the same id twice, nothing to count by, a threshold that memory would have no room for.
pub fn read(text: &str) -> Result<Vec<Rule>, RuleError> {
    if text.len() > RULES_LIMIT {
        return Err(RuleError::TooLong);
    }
    let document: Document = toml::from_str(text)
        .map_err(|error| RuleError::Malformed(error.message().replace('\n', ", ")))?;
    if document.rule.len() > RULES_MOST {
        return Err(RuleError::TooLong);
    }
    let mut known = BTreeSet::new();
    let mut rules = Vec::with_capacity(document.rule.len());
    for told in document.rule {
        let id = told.id.clone();
        if !known.insert(id.clone()) {
            return Err(RuleError::Unsound(id, "the id is used twice".to_owned()));
        }
        rules.push(sound(told).map_err(|why| RuleError::Unsound(id, why))?);
    }
    Ok(rules)
}

fn sound(told: Told) -> Result<Rule, String> {
    let is_word = |text: &str| {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        (1..=64).contains(&text.len()) && text.bytes().all(fits)
    };
    if !is_word(&told.id) {
        return Err("an id is of lower-case letters and _".to_owned());
    }
    for (name, text) in [("title", &told.title), ("advice", &told.advice)] {
        if text.trim().is_empty() || text.len() > 1_000 || text.contains('\n') {
            return Err(format!("its {name} is one line of 1 to 1000 bytes"));
        }
    }
    if told.group_by.is_empty() || told.group_by.len() > 3 {
        return Err("group_by names one to three facts".to_owned());
    }
    check_advice(&told)?;
    if told.references.is_empty() {
        return Err("references names where it is asked for".to_owned());
    }
    let how = if told.source == Source::State {
        How::Holds(held(&told)?)
    } else {
        How::Counts(window(&told)?)
    };
    Ok(Rule {
        id: told.id,
        title: told.title,
        severity: told.severity,
        source: told.source,
        how,
        group_by: told.group_by,
        threshold: told.threshold,
        advice: told.advice,
        references: told.references,
        off: None,
    })
}

/// What stands in braces is a fact of the group.
fn check_advice(told: &Told) -> Result<(), String> {
    let mut rest = told.advice.as_str();
    while let Some((_, after)) = rest.split_once('{') {
        let name = after.split_once('}').map(|(name, _)| name);
        let known = |name: &str| told.group_by.iter().any(|fact| fact.as_str() == name);
        if !name.is_some_and(known) {
            return Err("its advice names a fact that is not in group_by".to_owned());
        }
        rest = after;
    }
    Ok(())
}

fn held(told: &Told) -> Result<Held, String> {
    let counts = told.distinct_of.is_some()
        || told.new_of.is_some()
        || told.learn.is_some()
        || told.window.is_some()
        || told.suppress.is_some()
        || !told.matching.is_empty()
        || !told.without.is_empty();
    if counts {
        return Err(
            "a rule about states has a measure, and nothing that counts records".to_owned(),
        );
    }
    let measure = told.measure.clone().ok_or("it has no measure")?;
    if told.threshold < 0 {
        return Err("its threshold is below 0".to_owned());
    }
    Ok(Held {
        measure,
        compare: told.compare.unwrap_or(Compare::AtLeast),
    })
}

fn window(told: &Told) -> Result<Window, String> {
    if told.measure.is_some() || told.compare.is_some() {
        return Err("a rule about records has no measure".to_owned());
    }
    if told.matching.is_empty() {
        return Err("it matches everything".to_owned());
    }
    let span = |name: &str, text: Option<&String>| -> Result<Duration, String> {
        text.and_then(|text| span::parse(text))
            .ok_or_else(|| format!("{name} is a span such as 5m, at most a year"))
    };
    let counted = match (told.distinct_of, told.new_of) {
        (Some(_), Some(_)) => return Err("it has distinct_of and new_of".to_owned()),
        (Some(of), None) => Counted::Distinct(of),
        (None, Some(of)) => Counted::New(of, span("learn", told.learn.as_ref())?),
        (None, None) => Counted::Records,
    };
    if told.learn.is_some() && !matches!(counted, Counted::New(..)) {
        return Err("learn goes with new_of".to_owned());
    }
    let most = most(counted);
    if !(1..=most).contains(&told.threshold) {
        return Err(format!("its threshold is 1 to {most}"));
    }
    Ok(Window {
        matching: patterns(&told.matching)?,
        without: patterns(&told.without)?,
        counted,
        window: span("window", told.window.as_ref())?,
        suppress: span("suppress", told.suppress.as_ref())?,
    })
}

/// The highest threshold there is room for.
pub(super) const fn most(counted: Counted) -> i64 {
    match counted {
        Counted::Records => RECORDS_MOST,
        Counted::Distinct(_) => VALUES_MOST,
        Counted::New(..) => 1,
    }
}

fn patterns(told: &BTreeMap<Fact, Vec<String>>) -> Result<Vec<(Fact, Vec<Pattern>)>, String> {
    let sound = |text: &String| !text.is_empty() && !text.trim_end_matches('*').contains('*');
    if told
        .values()
        .any(|all| all.is_empty() || !all.iter().all(sound))
    {
        return Err("a fact has one value or more, with a * at its end at most".to_owned());
    }
    let each =
        |(fact, all): (&Fact, &Vec<String>)| (*fact, all.iter().cloned().map(Pattern).collect());
    Ok(told.iter().map(each).collect())
}
