//! Just enough of HTTP/1.1 to tell where an answer ends: every server here sends its length.

/// A whole answer at the start of what has arrived.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) body: &'a [u8],
}

/// The answer, once it is there to the end.
pub(crate) fn whole(arrived: &[u8]) -> Option<Answer<'_>> {
    let end = find(arrived, b"\r\n\r\n")?;
    let (head, body) = (&arrived[..end], &arrived[end + 4..]);
    let status = head
        .get(9..12)
        .and_then(|digits| std::str::from_utf8(digits).ok());
    let status = status.and_then(|digits| digits.parse().ok()).unwrap_or(0);
    let body = body.get(..length(head))?;
    Some(Answer { status, body })
}

/// The string under `name` in flat JSON without escapes, which tokens are free of.
pub(crate) fn string<'a>(body: &'a [u8], name: &str) -> Option<&'a str> {
    let body = std::str::from_utf8(body).ok()?;
    let after = body.split_once(&format!("\"{name}\":\""))?.1;
    after.split_once('"').map(|(value, _)| value)
}

/// `Content-Length`, or nothing to follow.
fn length(head: &[u8]) -> usize {
    const NAME: &[u8] = b"content-length:";
    let mut lines = head.split(|byte| *byte == b'\n');
    let value = lines.find_map(|line| {
        let (name, value) = line.split_at_checked(NAME.len())?;
        name.eq_ignore_ascii_case(NAME).then_some(value)
    });
    let text = value.and_then(|value| std::str::from_utf8(value).ok());
    text.and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_when_as_much_has_come_as_was_announced() {
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nx: y\r\n\r\n";
        let full = [head, &b"hello"[..]].concat();
        for cut in 0..full.len() {
            assert_eq!(whole(&full[..cut]), None, "{cut}");
        }
        let body = &b"hello"[..];
        assert_eq!(whole(&full), Some(Answer { status: 200, body }));
        assert_eq!(
            whole(b"HTTP/1.1 304 Not Modified\r\n\r\n").unwrap().status,
            304
        );
    }

    #[test]
    fn a_token_is_read_from_the_answer() {
        let body = br#"{"access_token":"a","refresh_token":"b.c"}"#;
        assert_eq!(string(body, "refresh_token"), Some("b.c"));
        assert_eq!(string(body, "id_token"), None);
    }
}
