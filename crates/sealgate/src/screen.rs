//! The terminal, or whatever stands in its place: what is written to it, and what is kept from it.

use std::borrow::Cow;
use std::io::{self, Write};

use serde::Serialize;

/// `document` as one indented JSON document with its line end.
pub(crate) fn json_text<T: Serialize>(document: &T) -> String {
    // Our documents are structs of strings, numbers and lists, which always serialise.
    let mut text = serde_json::to_string_pretty(document).unwrap_or_default();
    text.push('\n');
    text
}

/// `document` as one line of JSON.
pub(crate) fn line_of_json<T: Serialize>(document: &T) -> String {
    let mut text = serde_json::to_string(document).unwrap_or_default();
    text.push('\n');
    text
}

/// Writes and flushes, so that an error shows here and not at exit.
pub(crate) fn put(out: &mut impl Write, text: &str) -> io::Result<()> {
    out.write_all(text.as_bytes()).and_then(|()| out.flush())
}

/// Prints to stderr.
pub(crate) fn talk(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// `text` without the characters that could rewrite a terminal's screen or turn its text around.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    let foul = |c: char| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if text.chars().any(foul) {
        Cow::Owned(
            text.chars()
                .map(|c| if foul(c) { '\u{fffd}' } else { c })
                .collect(),
        )
    } else {
        Cow::Borrowed(text)
    }
}
