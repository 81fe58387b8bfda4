//! What is wrong with a setting, and where it was set.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;

use thiserror::Error;

/// A setting that is missing or cannot be used. The message names the setting, where it was set and the
/// way out, and never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{name} {problem}{}", told(found.as_ref()))]
pub struct SettingsError {
    name: Cow<'static, str>,
    problem: String,
    found: Option<Found>,
}

impl SettingsError {
    pub(crate) fn new(name: impl Into<Cow<'static, str>>, problem: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            problem: problem.into(),
            found: None,
        }
    }

    /// The same, with where it was set or looked for, unless that is known already.
    pub(super) fn found(mut self, found: Found) -> Self {
        self.found.get_or_insert(found);
        self
    }

    /// The stable reason code.
    pub const fn code(&self) -> &'static str {
        "setting_bad"
    }

    /// The environment variable that it is about.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Where a setting stands, or where none does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// It was set there.
    At(Origin),
    /// It was set nowhere: these are the places that were looked at.
    Nowhere(String),
}

fn told(found: Option<&Found>) -> String {
    match found {
        None => String::new(),
        Some(Found::At(origin)) => format!(" ({origin})"),
        Some(Found::Nowhere(places)) => format!(" (looked in {places})"),
    }
}

/// Where a setting was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// In the environment.
    Environment,
    /// In a line of a file.
    Line {
        /// The file.
        file: PathBuf,
        /// From 1.
        line: usize,
    },
    /// In a file of its own.
    File {
        /// That file.
        file: PathBuf,
        /// The setting that names it.
        by: &'static str,
        /// Where that was set.
        at: Box<Self>,
    },
    /// By an argument of the program.
    Argument {
        /// Its name.
        name: String,
        /// Where the program gives it, as in `Gate(...) at app.py:12`.
        of: String,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => f.write_str("set in the environment"),
            Self::Line { file, line } => write!(f, "set in {}, line {line}", file.display()),
            Self::File { file, by, at } => {
                write!(f, "set in {}, which {by} names, {at}", file.display())
            }
            Self::Argument { name, of } => write!(f, "set by {name}=… in {of}"),
        }
    }
}
