//! Text that nobody can break a line or a field with.

use std::io;

use sealgate_model::Timestamp;
use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

/// A time as RFC 3339 writes it, in UTC, to the millisecond. A time that no calendar has is the nearest that one has.
pub(super) fn time(at: Timestamp) -> String {
    let at = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or({
        if at.as_millis() < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        }
    });
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// Whether a character could end a line, move a cursor, or hide or turn around what stands beside it.
pub(super) fn is_hidden(char: char) -> bool {
    char.is_control()
        || matches!(char,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

/// The text with every such character written out as `\u{1b}`.
pub(super) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for char in text.chars() {
        if is_hidden(char) {
            shown.extend(char.escape_unicode());
        } else {
            shown.push(char);
        }
    }
    shown
}

/// The longest beginning of `text` of at most `limit` bytes that ends between characters.
pub(super) fn clip(text: &str, limit: usize) -> &str {
    let mut end = text.len().min(limit);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// JSON in ASCII alone, on one line: some readers end a line at U+0085 or U+2028 too.
pub(super) fn json<T: Serialize + ?Sized>(value: &T) -> String {
    let mut bytes = Vec::with_capacity(512);
    let mut serializer = Serializer::with_formatter(&mut bytes, Ascii);
    match value.serialize(&mut serializer) {
        // What is written is ASCII.
        Ok(()) => String::from_utf8(bytes).unwrap_or_default(),
        // The values have text for keys, and writing to memory does not fail.
        Err(_) => String::new(),
    }
}

struct Ascii;

impl Formatter for Ascii {
    fn write_string_fragment<W: io::Write + ?Sized>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(|char: char| !char.is_ascii() || char == '\u{7f}') {
            let (plain, other) = rest.split_at(at);
            writer.write_all(plain.as_bytes())?;
            let mut chars = other.chars();
            if let Some(char) = chars.next() {
                for unit in char.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
            rest = chars.as_str();
        }
        writer.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_have_three_places_and_a_z() {
        assert_eq!(
            time(Timestamp::from_millis(1_795_338_305_007)),
            "2026-11-22T09:05:05.007Z"
        );
        assert_eq!(time(Timestamp::from_millis(0)), "1970-01-01T00:00:00.000Z");
        assert!(time(Timestamp::from_millis(i64::MAX)).starts_with("9999-12-3"));
    }

    proptest! {
        #[test]
        fn json_is_one_line_of_ascii_and_says_the_same(text in any::<String>()) {
            let written = json(&text);
            prop_assert!(written.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{written}");
            prop_assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
        }

        #[test]
        fn what_is_visible_has_nothing_hidden(text in any::<String>()) {
            prop_assert!(!visible(&text).chars().any(is_hidden));
        }

        #[test]
        fn clipping_keeps_a_beginning(text in any::<String>(), limit in 0usize..40) {
            let kept = clip(&text, limit);
            prop_assert!(kept.len() <= limit && text.starts_with(kept));
            prop_assert!(text.len() - kept.len() == 0 || limit - kept.len() < 4);
        }
    }
}
