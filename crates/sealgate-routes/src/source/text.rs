//! From a file's bytes to its text.

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The text of a Python file, and what is strange about its encoding. As in Python it is UTF-8, unless a comment in
/// the first two lines names another one. What cannot be decoded becomes a replacement character.
pub(super) fn decode(mut bytes: Vec<u8>) -> (String, Option<&'static str>) {
    if bytes.starts_with(BYTE_ORDER_MARK) {
        bytes.drain(..BYTE_ORDER_MARK.len());
    }
    match String::from_utf8(bytes) {
        Ok(text) => (text, None),
        Err(error) if names_latin_1(error.as_bytes()) => (
            error.as_bytes().iter().copied().map(char::from).collect(),
            None,
        ),
        Err(error) => {
            let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
            (text, Some("the file is not UTF-8"))
        }
    }
}

/// Whether one of the first two lines is a comment that names Latin-1, or what Windows takes for it (PEP 263).
fn names_latin_1(bytes: &[u8]) -> bool {
    bytes.split(|byte| *byte == b'\n').take(2).any(|line| {
        let line = String::from_utf8_lossy(line).to_ascii_lowercase();
        line.trim_start().starts_with('#')
            && line.split_once("coding").is_some_and(|(_, rest)| {
                let name = rest.trim_start_matches([':', '=']).trim_start();
                [
                    "latin-1",
                    "latin1",
                    "iso-8859-1",
                    "iso8859-1",
                    "iso-8859-15",
                    "cp1252",
                    "windows-1252",
                ]
                .iter()
                .any(|known| name.starts_with(known))
            })
    })
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_text() {
        assert_eq!(
            decode(b"\xef\xbb\xbfx = 1".to_vec()),
            ("x = 1".to_owned(), None)
        );
    }

    #[test]
    fn latin_1_is_read_where_a_comment_says_so() {
        let (text, strange) =
            decode(b"#!/usr/bin/python\n# -*- coding: latin-1 -*-\nname = '\xe9'\n".to_vec());
        assert!(text.ends_with("name = '\u{e9}'\n"), "{text}");
        assert_eq!(strange, None);
    }

    #[test]
    fn bytes_that_are_no_text_are_told() {
        let (text, strange) = decode(b"\nname = '\xe9'\n# coding: latin-1\n".to_vec());
        assert_eq!(text, "\nname = '\u{fffd}'\n# coding: latin-1\n");
        assert_eq!(strange, Some("the file is not UTF-8"));
    }
}
