//! Server-sent events (WHATWG HTML, 9.2), as much of them as the feed uses.

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    /// `event`; `message` when it is not given.
    pub(crate) kind: String,
    /// `data`, lines joined by line ends.
    pub(crate) data: String,
}

/// The stream holds more than one event may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLong;

/// Cuts a stream of bytes, in whatever pieces it comes, into events.
#[derive(Debug, Default)]
pub(crate) struct Parser {
    line: Vec<u8>,
    kind: String,
    data: String,
    has_data: bool,
}

impl Parser {
    /// A line, and an event's data, may have at most this many bytes.
    const LIMIT: usize = 64 * 1024;

    /// Takes a piece; gives the events that it completes.
    pub(crate) fn push(&mut self, piece: &[u8]) -> Result<Vec<Event>, TooLong> {
        let mut events = Vec::new();
        for byte in piece {
            if *byte != b'\n' {
                if self.line.len() >= Self::LIMIT {
                    return Err(TooLong);
                }
                self.line.push(*byte);
                continue;
            }
            let line = std::mem::take(&mut self.line);
            let line = line.strip_suffix(b"\r").unwrap_or(&line);
            events.extend(self.take_line(&String::from_utf8_lossy(line))?);
        }
        Ok(events)
    }

    fn take_line(&mut self, line: &str) -> Result<Option<Event>, TooLong> {
        if line.is_empty() {
            let kind = std::mem::take(&mut self.kind);
            let data = std::mem::take(&mut self.data);
            let complete = std::mem::take(&mut self.has_data);
            let kind = if kind.is_empty() {
                "message".to_owned()
            } else {
                kind
            };
            return Ok(complete.then_some(Event { kind, data }));
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.kind),
            "data" => {
                if self.data.len() + value.len() > Self::LIMIT {
                    return Err(TooLong);
                }
                if self.has_data {
                    self.data.push('\n');
                }
                self.data.push_str(value);
                self.has_data = true;
            }
            // Comments (an empty field), `id`, `retry` and what is not known.
            _ => {}
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn event(kind: &str, data: &str) -> Event {
        Event {
            kind: kind.to_owned(),
            data: data.to_owned(),
        }
    }

    const STREAM: &[u8] =
        b": hello\n\nevent: set\nid: e.4\ndata: one\n\ndata:two\r\ndata: lines\r\n\r\nevent: reset\n\nevent: cut";

    #[test]
    fn events_are_cut_at_blank_lines() {
        let events = Parser::default().push(STREAM).unwrap();
        assert_eq!(
            events,
            [event("set", "one"), event("message", "two\nlines")]
        );
    }

    #[test]
    fn an_event_without_end_is_refused_not_kept() {
        let mut parser = Parser::default();
        assert!(parser.push(&vec![b'a'; Parser::LIMIT]).is_ok());
        assert_eq!(parser.push(b"a"), Err(TooLong));
        let mut parser = Parser::default();
        let line = [b"data: ".as_slice(), &[b'a'; 1000], b"\n"].concat();
        let end = (0..100).find(|_| parser.push(&line).is_err());
        assert!(end.is_some_and(|count| count < 70));
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(cuts in proptest::collection::vec(0..STREAM.len(), 0..10)) {
            let mut cuts = cuts;
            cuts.sort_unstable();
            let mut parser = Parser::default();
            let mut events = Vec::new();
            let mut from = 0;
            for cut in cuts.into_iter().chain([STREAM.len()]) {
                events.extend(parser.push(&STREAM[from..cut]).unwrap());
                from = cut;
            }
            prop_assert_eq!(events, Parser::default().push(STREAM).unwrap());
        }

        #[test]
        fn any_bytes_are_events_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Parser::default().push(&bytes);
        }
    }
}
