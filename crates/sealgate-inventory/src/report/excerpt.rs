//! A few lines of source around the one that a finding is about.

use crate::Place;
use crate::report::Sources;
use crate::report::clean::clean_source;

/// Characters of a line that are shown. Nobody reads more of it, and generated code has lines of megabytes.
const MOST: usize = 160;

/// A few lines of source.
pub(super) struct Excerpt {
    /// Their numbers and texts. None is empty but those in between.
    pub(super) lines: Vec<(u32, String)>,
    /// The number of the one that it is about.
    pub(super) line: u32,
    /// Where its text starts, in characters, and how long it is.
    pub(super) mark: (usize, usize),
}

impl Excerpt {
    /// The line of `place` with one before and one after it. None if there is no such line.
    pub(super) fn of(place: &Place, sources: &dyn Sources) -> Option<Self> {
        let text = sources.text(&place.file)?;
        let first = place.line.saturating_sub(1).max(1);
        let skipped = usize::try_from(first - 1).ok()?;
        let mut lines: Vec<(u32, String)> = (first..=place.line.saturating_add(1))
            .zip(text.lines().skip(skipped))
            .map(|(number, line)| (number, shortened(line)))
            .collect();
        let blank = |line: &(u32, String)| line.0 != place.line && line.1.is_empty();
        if lines.first().is_some_and(blank) {
            lines.remove(0);
        }
        if lines.last().is_some_and(blank) {
            lines.pop();
        }
        let (_, marked) = lines.iter().find(|(number, _)| *number == place.line)?;
        let length = marked.trim_start().chars().count();
        let start = marked.chars().count() - length;
        Some(Self {
            line: place.line,
            mark: (start, length.max(1)),
            lines,
        })
    }

    /// How many digits its numbers have.
    pub(super) fn width(&self) -> usize {
        let last = self.lines.last().map_or(0, |(number, _)| *number);
        last.to_string().len()
    }
}

fn shortened(line: &str) -> String {
    let line = clean_source(line.trim_end());
    match line.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
