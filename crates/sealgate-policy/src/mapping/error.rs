//! What can be wrong with a mapping, and where.

use std::fmt::{self, Write as _};

use thiserror::Error;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A step from a file to what is wrong in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Into a table.
    Name(String),
    /// Into a list, counted from 0.
    Number(usize),
}

/// A place in a file, counted from 1, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The character in it.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// What is wrong with a mapping.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}", self.told())]
pub struct MappingError {
    pub(super) code: &'static str,
    /// The way to it from the top of the file.
    pub(super) at: Vec<Step>,
    pub(super) why: String,
    pub(super) place: Option<Place>,
}

impl MappingError {
    /// The stable reason code.
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// The way to it from the top of the file.
    pub fn at(&self) -> &[Step] {
        &self.at
    }

    /// What is wrong, without where.
    pub fn why(&self) -> &str {
        &self.why
    }

    /// Where it stands, once the text is known.
    pub const fn place(&self) -> Option<Place> {
        self.place
    }

    /// The same with its place in `text`, the file that was read, if it is found there.
    #[must_use]
    pub fn located(self, text: &str) -> Self {
        let place = find(text, &self.at).map(|at| place_of(text, at));
        Self { place, ..self }
    }

    fn told(&self) -> String {
        let mut way = String::new();
        for step in &self.at {
            match step {
                Step::Name(name) if way.is_empty() => way.push_str(name),
                Step::Name(name) => {
                    way.push('.');
                    way.push_str(name);
                }
                Step::Number(number) => {
                    // Writing to a String cannot fail.
                    let _ = write!(way, "[{}]", number + 1);
                }
            }
        }
        match self.place {
            Some(place) => format!("{place}: {way}: {}", self.why),
            None => format!("{way}: {}", self.why),
        }
    }
}

/// Where in `text` the last step of `at` stands that is there; in bytes.
fn find(text: &str, at: &[Step]) -> Option<usize> {
    let table = DeTable::parse(text).ok()?;
    let mut found = table.span().start;
    let mut here: Option<&Spanned<DeValue<'_>>> = None;
    for (index, step) in at.iter().enumerate() {
        let next = match (step, here) {
            (Step::Name(name), None) if index == 0 => entry(table.get_ref(), name),
            (Step::Name(name), Some(value)) => value
                .get_ref()
                .as_table()
                .and_then(|table| entry(table, name)),
            (Step::Number(number), Some(value)) => {
                let list = value.get_ref().as_array();
                let value = list.and_then(|list| list.get(*number));
                value.map(|value| (value.span().start, value))
            }
            _ => None,
        };
        let Some((start, value)) = next else {
            break;
        };
        (found, here) = (start, Some(value));
    }
    here.map(|_| found)
}

type Entry<'a, 'i> = (usize, &'a Spanned<DeValue<'i>>);

fn entry<'a, 'i>(table: &'a DeTable<'i>, name: &str) -> Option<Entry<'a, 'i>> {
    let mut entries = table.iter();
    let (key, value) = entries.find(|(key, _)| key.get_ref() == name)?;
    Some((key.span().start, value))
}

fn place_of(text: &str, at: usize) -> Place {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    Place {
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
    }
}
