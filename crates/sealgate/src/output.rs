//! What people and programs read: tables, dates, one JSON document.

use std::fmt::Write as _;
use std::io::{self, ErrorKind};

use sealgate_model::Timestamp;
use serde::Serialize;

use crate::failure::Failure;
use crate::screen::{clean, json_text, put, talk};

/// Text for people: what they asked for, and what is said beside it.
#[derive(Debug, Default)]
pub(crate) struct Text {
    /// To stdout.
    pub(crate) data: String,
    /// To stderr.
    pub(crate) talk: String,
}

/// Prints `document` as JSON or, without `--json`, the text made of it.
pub(crate) fn print<T: Serialize>(
    json: bool,
    document: &T,
    text: impl FnOnce(&T) -> Text,
) -> Result<(), Failure> {
    excused(written(json, document, text)).map_err(|error| unwritten(&error))
}

/// The same for a document with a secret that is told this once: that nobody reads it is no excuse.
/// `hint` says how to get another one.
pub(crate) fn print_once<T: Serialize>(
    json: bool,
    document: &T,
    text: impl FnOnce(&T) -> Text,
    hint: impl FnOnce() -> String,
) -> Result<(), Failure> {
    written(json, document, text).map_err(|error| unwritten(&error).with_hint(hint()))
}

/// Prints to stdout.
pub(crate) fn data(text: &str) -> Result<(), Failure> {
    excused(put(&mut io::stdout().lock(), text)).map_err(|error| unwritten(&error))
}

/// Prints a line of many to stdout; whether its reader has gone away.
pub(crate) fn gone(line: &str) -> Result<bool, Failure> {
    match put(&mut io::stdout().lock(), line) {
        Ok(()) => Ok(false),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(true),
        Err(error) => Err(unwritten(&error)),
    }
}

fn written<T: Serialize>(
    json: bool,
    document: &T,
    text: impl FnOnce(&T) -> Text,
) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if json {
        return put(&mut out, &json_text(document));
    }
    let text = text(document);
    talk(&text.talk);
    put(&mut out, &text.data)
}

/// A reader that has seen enough and gone away is no error of ours.
fn excused(outcome: io::Result<()>) -> io::Result<()> {
    match outcome {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}

fn unwritten(error: &io::Error) -> Failure {
    Failure::unavailable(
        "output_unwritten",
        format!("it is done, but the output could not be written: {error}"),
    )
}

/// A point in time as people read it, to the minute, in UTC.
pub(crate) fn date(at: Timestamp) -> String {
    match jiff::Timestamp::from_millisecond(at.as_millis()) {
        Ok(at) => at.strftime("%Y-%m-%d %H:%MZ").to_string(),
        Err(_) => "out of range".to_owned(),
    }
}

/// The same, to the second.
pub(crate) fn second(at: Timestamp) -> String {
    match jiff::Timestamp::from_millisecond(at.as_millis()) {
        Ok(at) => at.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
        Err(_) => "out of range".to_owned(),
    }
}

/// What is known of one thing, a line each.
pub(crate) fn fields(rows: &[(&str, String)]) -> Text {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut data = String::new();
    for (name, value) in rows {
        let value = if value.is_empty() { "-" } else { value };
        // Writing to a String cannot fail.
        let _ = writeln!(data, "{name:<width$}  {}", clean(value));
    }
    Text {
        data,
        ..Text::default()
    }
}

/// Rows under headings, aligned; `empty` in place of a table without rows.
pub(crate) fn table<const N: usize>(
    headings: [&str; N],
    rows: &[[String; N]],
    empty: &str,
) -> Text {
    if rows.is_empty() {
        return Text {
            talk: format!("{empty}\n"),
            ..Text::default()
        };
    }
    let rows: Vec<[String; N]> = rows
        .iter()
        .map(|row| {
            row.each_ref().map(|cell| {
                if cell.is_empty() {
                    "-".to_owned()
                } else {
                    clean(cell).into_owned()
                }
            })
        })
        .collect();
    let mut widths = headings.map(str::len);
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut data = line(&headings, &widths);
    for row in &rows {
        data.push_str(&line(&row.each_ref().map(String::as_str), &widths));
    }
    Text {
        data,
        ..Text::default()
    }
}

fn line(cells: &[&str], widths: &[usize]) -> String {
    let padded: Vec<String> = cells
        .iter()
        .zip(widths)
        .map(|(cell, width)| format!("{cell:<width$}"))
        .collect();
    format!("{}\n", padded.join("  ").trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_empty_cells_are_marked() {
        let rows = [
            ["1".to_owned(), "Zoë".to_owned()],
            ["22".to_owned(), String::new()],
        ];
        insta::assert_snapshot!(table(["ID", "NAME"], &rows, "").data, @r"
        ID  NAME
        1   Zoë
        22  -
        ");
    }

    #[test]
    fn an_empty_list_says_so_on_stderr() {
        let text = table(["ID"], &[], "There are no users yet.");
        assert_eq!(
            (text.data.as_str(), text.talk.as_str()),
            ("", "There are no users yet.\n")
        );
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(clean("a\u{1b}[2Jb\nc"), "a\u{fffd}[2Jb\u{fffd}c");
        assert_eq!(clean("a\u{202e}b"), "a\u{fffd}b");
    }

    #[test]
    fn dates_are_readable() {
        assert_eq!(
            date(Timestamp::from_millis(1_795_338_305_000)),
            "2026-11-22 09:05Z"
        );
        assert_eq!(date(Timestamp::from_millis(i64::MAX)), "out of range");
    }
}
