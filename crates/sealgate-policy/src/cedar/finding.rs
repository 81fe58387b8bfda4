//! What is found in policies: where, how bad, and what to do.

use std::fmt;

use serde::Serialize;

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Policies with it are refused.
    Error,
    /// They are taken, and should be looked at.
    Warning,
}

/// Where something stands in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Span {
    /// The file's name.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// How many characters of that line it takes up, one at least.
    pub length: usize,
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The stable code.
    pub code: &'static str,
    /// How bad it is.
    pub level: Level,
    /// What it is: one sentence, without a full stop.
    pub message: String,
    /// Where; nothing where it is about what is declared, or about what is not there.
    pub span: Option<Span>,
    /// The policy that it is about, by its `@id`.
    pub policy: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Finding {
    pub(crate) fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            level: Level::Error,
            message: message.into(),
            span: None,
            policy: None,
            hint: None,
        }
    }

    pub(crate) fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            level: Level::Warning,
            ..Self::error(code, message)
        }
    }

    pub(crate) fn at(mut self, span: Span) -> Self {
        self.span = Some(span);
        self
    }

    pub(crate) fn of(mut self, policy: &str) -> Self {
        self.policy = Some(policy.to_owned());
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(span) = &self.span {
            write!(f, "{}:{}:{}: ", span.file, span.line, span.column)?;
        }
        write!(f, "{} [{}]", self.message, self.code)
    }
}

impl Span {
    /// Where the bytes from `start` to `end` of `text` are, in the file of that name.
    pub(crate) fn of(file: &str, text: &str, start: usize, end: usize) -> Self {
        let start = floor(text, start.min(text.len()));
        let end = floor(text, end.clamp(start, text.len()));
        let before = &text[..start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let within = text[start..end].lines().next().unwrap_or_default();
        Self {
            file: file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: text[line_start..start].chars().count() + 1,
            length: within.trim_end().chars().count().max(1),
        }
    }
}

/// The nearest boundary of characters at or before `at`.
fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_and_characters() {
        let text = "ä\nbö🦀 c\n";
        let at = text.find('c').unwrap();
        let span = Span::of("f", text, at, at + 1);
        assert_eq!((span.line, span.column, span.length), (2, 5, 1));
        // Within a character, and beyond the end.
        assert_eq!(Span::of("f", text, 1, 99).column, 1);
        assert_eq!(Span::of("f", text, 99, 999).line, 3);
    }
}
