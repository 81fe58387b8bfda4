//! What two versions say differently, line by line.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use crate::screen::clean;

/// Two texts whose lines make more pairs than this are shown one after the other.
const PAIRS_MOST: usize = 4_000_000;
/// So many lines that are the same stand around those that are not.
const AROUND: usize = 2;

/// A line of a part, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    /// It is in both.
    Same(String),
    /// It is gone.
    Removed(String),
    /// It is new.
    Added(String),
    /// So many lines that are in both are left out.
    Left(usize),
}

/// A part in which something has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Part {
    /// What it is called.
    name: String,
    lines: Vec<Line>,
}

/// The parts that are not the same in both, in the order of their names.
pub(super) fn between(before: &[(String, String)], after: &[(String, String)]) -> Vec<Part> {
    let mut both: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    for (name, text) in before {
        both.entry(name).or_default().0 = text;
    }
    for (name, text) in after {
        both.entry(name).or_default().1 = text;
    }
    both.into_iter()
        .filter(|(_, (before, after))| before != after)
        .map(|(name, (before, after))| {
            let before: Vec<_> = before.lines().collect();
            let after: Vec<_> = after.lines().collect();
            Part {
                name: name.to_owned(),
                lines: shortened(compared(&before, &after)),
            }
        })
        .collect()
}

/// The parts as text: a line that is gone after `-`, one that is new after `+`.
pub(super) fn text(parts: &[Part]) -> String {
    let mut text = String::new();
    for part in parts {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "# {}", clean(&part.name));
        for line in &part.lines {
            let _ = match line {
                Line::Same(line) => writeln!(text, "  {}", clean(line)),
                Line::Removed(line) => writeln!(text, "- {}", clean(line)),
                Line::Added(line) => writeln!(text, "+ {}", clean(line)),
                Line::Left(count) => writeln!(text, "  ({count} lines that are the same)"),
            };
        }
        text.push('\n');
    }
    text
}

/// The fewest lines to take away and to add (the longest common subsequence).
fn compared(before: &[&str], after: &[&str]) -> Vec<Line> {
    let (rows, columns) = (before.len(), after.len());
    let owned = |line: &&str| (*line).to_owned();
    if rows.saturating_mul(columns) > PAIRS_MOST {
        let gone = before.iter().map(|line| Line::Removed(owned(line)));
        let new = after.iter().map(|line| Line::Added(owned(line)));
        return gone.chain(new).collect();
    }
    // How many lines the rests from here on have in common.
    let width = columns + 1;
    let mut common = vec![0_u32; (rows + 1) * width];
    for row in (0..rows).rev() {
        for column in (0..columns).rev() {
            common[row * width + column] = if before[row] == after[column] {
                common[(row + 1) * width + column + 1] + 1
            } else {
                common[(row + 1) * width + column].max(common[row * width + column + 1])
            };
        }
    }
    let (mut row, mut column, mut lines) = (0, 0, Vec::new());
    while row < rows || column < columns {
        let is_same = row < rows && column < columns && before[row] == after[column];
        let take = row < rows
            && (column == columns
                || common[(row + 1) * width + column] >= common[row * width + column + 1]);
        if is_same {
            lines.push(Line::Same(owned(&before[row])));
            (row, column) = (row + 1, column + 1);
        } else if take {
            lines.push(Line::Removed(owned(&before[row])));
            row += 1;
        } else {
            lines.push(Line::Added(owned(&after[column])));
            column += 1;
        }
    }
    lines
}

/// Without the lines that are the same and far from any that is not.
fn shortened(lines: Vec<Line>) -> Vec<Line> {
    let is_change = |line: &Line| !matches!(line, Line::Same(_));
    let changes: Vec<usize> = (0..lines.len())
        .filter(|at| is_change(&lines[*at]))
        .collect();
    let is_near = |at: usize| changes.iter().any(|change| change.abs_diff(at) <= AROUND);
    let (mut short, mut left) = (Vec::new(), 0);
    for (at, line) in lines.into_iter().enumerate() {
        if is_near(at) {
            if left > 0 {
                short.push(Line::Left(std::mem::take(&mut left)));
            }
            short.push(line);
        } else {
            left += 1;
        }
    }
    if left > 0 {
        short.push(Line::Left(left));
    }
    short
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn part(name: &str, text: &str) -> (String, String) {
        (name.to_owned(), text.to_owned())
    }

    #[test]
    fn what_is_gone_and_what_is_new_stands_where_it_stood() {
        let before =
            "permit (\n  principal,\n  action,\n  resource\n);\n\nforbid (a);\none\ntwo\nthree\n";
        let after = "permit (\n  principal in Role::\"a\",\n  action,\n  resource\n);\n\none\ntwo\nthree\nfour\n";
        let parts = between(
            &[
                part("a.cedar", before),
                part("b.cedar", "same\n"),
                part("c.cedar", "old\n"),
            ],
            &[
                part("a.cedar", after),
                part("b.cedar", "same\n"),
                part("d.cedar", "new\n"),
            ],
        );
        insta::assert_snapshot!(text(&parts));
    }

    #[test]
    fn nothing_is_what_is_the_same() {
        assert_eq!(between(&[part("a", "x\n")], &[part("a", "x\n")]), []);
    }

    proptest! {
        #[test]
        fn both_texts_can_be_told_from_the_lines(
            before in proptest::collection::vec("[ab]", 0..12),
            after in proptest::collection::vec("[ab]", 0..12),
        ) {
            let one: Vec<_> = before.iter().map(String::as_str).collect();
            let other: Vec<_> = after.iter().map(String::as_str).collect();
            let lines = compared(&one, &other);
            let side = |removed: bool| -> Vec<String> {
                lines.iter().filter_map(|line| match line {
                    Line::Same(line) => Some(line.clone()),
                    Line::Removed(line) if removed => Some(line.clone()),
                    Line::Added(line) if !removed => Some(line.clone()),
                    _ => None,
                }).collect()
            };
            prop_assert_eq!(side(true), before);
            prop_assert_eq!(side(false), after);
        }
    }
}
