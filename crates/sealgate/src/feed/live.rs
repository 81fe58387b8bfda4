//! Lines that scroll by, and below them, on a terminal, a block that is written anew.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, stdout};

use rustix::termios::tcgetwinsize;

use crate::failure::Failure;
use crate::output;

/// Where they are written.
pub(super) struct Live {
    terminal: bool,
    block: Vec<String>,
    /// How many lines of the block stand on the screen.
    standing: usize,
}

impl Live {
    /// On standard output.
    pub(super) fn new() -> Self {
        Self {
            terminal: stdout().is_terminal(),
            block: Vec::new(),
            standing: 0,
        }
    }

    /// Whether the block is shown at all.
    pub(super) const fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Adds `lines` above the block; whether the reader has gone away.
    pub(super) fn lines(&mut self, lines: &[String]) -> Result<bool, Failure> {
        self.paint(lines)
    }

    /// Replaces the block; whether the reader has gone away.
    pub(super) fn block(&mut self, block: Vec<String>) -> Result<bool, Failure> {
        if !self.terminal || block == self.block {
            return Ok(false);
        }
        self.block = block;
        self.paint(&[])
    }

    fn paint(&mut self, lines: &[String]) -> Result<bool, Failure> {
        let size = self.terminal.then(|| tcgetwinsize(stdout()).ok()).flatten();
        let (columns, rows) = size.map_or((80, 24), |size| (size.ws_col, size.ws_row));
        let (text, standing) = painted(
            lines,
            &self.block,
            self.standing,
            columns.into(),
            usize::from(rows),
        );
        self.standing = standing;
        output::gone(&text)
    }
}

/// What to write so that `lines` stand above `block`, of which `standing` lines were on the screen, and
/// how many are then. A block is cut to what fits, since only what is on the screen can be taken back.
fn painted(
    lines: &[String],
    block: &[String],
    standing: usize,
    columns: usize,
    rows: usize,
) -> (String, usize) {
    let mut text = String::new();
    if standing > 0 {
        // Up to the first line of the block, and everything from there on is gone. Writing to a String
        // cannot fail.
        let _ = write!(text, "\u{1b}[{standing}A\u{1b}[J");
    }
    for line in lines {
        text.push_str(line);
        text.push('\n');
    }
    let room = rows.saturating_sub(1);
    let (shown, left) = if block.len() > room {
        (room.saturating_sub(1), block.len() - room.saturating_sub(1))
    } else {
        (block.len(), 0)
    };
    let mut standing = 0;
    for line in block.iter().take(shown) {
        text.extend(line.chars().take(columns.saturating_sub(1)));
        text.push('\n');
        standing += 1;
    }
    if left > 0 {
        let _ = writeln!(text, "and {left} more");
        standing += 1;
    }
    (text, standing)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(count: usize) -> Vec<String> {
        (0..count).map(|number| format!("line {number}")).collect()
    }

    #[test]
    fn without_a_block_lines_are_lines_and_nothing_else() {
        assert_eq!(
            painted(&lines(2), &[], 0, 80, 24),
            ("line 0\nline 1\n".to_owned(), 0)
        );
    }

    #[test]
    fn a_block_is_taken_back_before_the_lines_that_come_above_it() {
        let (first, standing) = painted(&[], &lines(2), 0, 80, 24);
        assert_eq!((first.as_str(), standing), ("line 0\nline 1\n", 2));
        let (second, standing) = painted(&["new".to_owned()], &lines(1), standing, 80, 24);
        assert_eq!(second, "\u{1b}[2A\u{1b}[Jnew\nline 0\n");
        assert_eq!(standing, 1);
    }

    #[test]
    fn a_block_never_takes_more_than_the_screen() {
        let (text, standing) = painted(&[], &lines(100), 0, 5, 10);
        assert_eq!(standing, 9);
        assert!(text.ends_with("line\nand 92 more\n"), "{text}");
        assert_eq!(text.lines().count(), 9);
    }
}
