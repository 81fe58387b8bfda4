//! What can be wrong with a declared file.

use std::fmt;

use thiserror::Error;

/// Why a declared file is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is longer, or declares more, than is read.
    TooLarge,
    /// It does not read as TOML, or a member is not of the form that it should be.
    Malformed,
    /// It has a table or a member that means nothing.
    Unknown,
    /// It holds what looks like a secret.
    Secret,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 4] = [Self::TooLarge, Self::Malformed, Self::Unknown, Self::Secret];

    /// The stable reason code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooLarge => "declaration_too_large",
            Self::Malformed => "declaration_malformed",
            Self::Unknown => "declaration_unknown",
            Self::Secret => "declaration_secret",
        }
    }
}

/// Where in a text, counted from 1; columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl Position {
    /// The position of the byte at `offset`.
    pub(crate) fn of(text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: before[start..].chars().count() + 1,
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// What is wrong with a declared file, and where. It never repeats a value that looks like a secret.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{file}{}: {said}", at.map(|at| format!(":{at}")).unwrap_or_default())]
pub struct ReadError {
    /// The file, as it was named.
    pub file: String,
    /// Where in it.
    pub at: Option<Position>,
    /// What kind of fault it is.
    pub fault: Fault,
    /// What is wrong, in a sentence without its end.
    pub said: String,
}

impl ReadError {
    /// The stable reason code.
    pub const fn code(&self) -> &'static str {
        self.fault.code()
    }
}

/// Why a declared state cannot be planned: it contradicts what is there in a way that no change mends.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlanError {
    /// A client would become another kind of client.
    #[error("client {0} keeps its kind: declare another one under another id")]
    KindChanged(String),
    /// What is declared as the one is the other, or as both.
    #[error(
        "{0} is declared as a client or as a service account and is the other: one id stands for one of them"
    )]
    Crossed(String),
    /// Another declaration has it.
    #[error("{what} is declared in {by:?} already: two declarations would undo each other")]
    DeclaredElsewhere {
        /// What.
        what: String,
        /// The other declaration's name.
        by: String,
    },
}

impl PlanError {
    /// The stable reason code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::KindChanged(_) => "declared_kind_changed",
            Self::Crossed(_) => "declared_crossed",
            Self::DeclaredElsewhere { .. } => "declared_elsewhere",
        }
    }
}
