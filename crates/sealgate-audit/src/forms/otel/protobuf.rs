//! The few messages of OTLP's logs in Protocol Buffers (opentelemetry-proto 1.x, `logs/v1/logs.proto`), written by
//! hand: five messages do not need a compiler.

use sealgate_model::Timestamp;

use super::{Attribute, Held, SCOPE, attributes, name, nanos, resource, severity, trace};
use crate::forms::event::Event;

/// What a field's number is followed by on the wire.
const VARINT: u64 = 0;
const FIXED64: u64 = 1;
const BYTES: u64 = 2;

#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        loop {
            let [low, ..] = value.to_le_bytes();
            value >>= 7;
            if value == 0 {
                self.0.push(low & 0x7f);
                return;
            }
            self.0.push(low | 0x80);
        }
    }

    fn key(&mut self, field: u64, wire: u64) {
        self.varint(field << 3 | wire);
    }

    fn bytes(&mut self, field: u64, value: &[u8]) {
        self.key(field, BYTES);
        self.varint(value.len() as u64);
        self.0.extend_from_slice(value);
    }

    fn text(&mut self, field: u64, value: &str) {
        self.bytes(field, value.as_bytes());
    }

    fn fixed64(&mut self, field: u64, value: u64) {
        self.key(field, FIXED64);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn message(&mut self, field: u64, fill: impl FnOnce(&mut Self)) {
        let mut inner = Self::default();
        fill(&mut inner);
        self.bytes(field, &inner.0);
    }

    fn attributes(&mut self, field: u64, all: &[Attribute]) {
        for (key, held) in all {
            self.message(field, |pair| {
                pair.text(1, key);
                pair.message(2, |value| match held {
                    Held::Text(text) => value.text(1, text),
                    Held::Number(number) => {
                        value.key(3, VARINT);
                        value.varint(number.cast_unsigned());
                    }
                });
            });
        }
    }
}

pub(super) fn request(events: &[Event], observed: Timestamp) -> Vec<u8> {
    let mut request = Message::default();
    let Some(first) = events.first() else {
        return request.0;
    };
    request.message(1, |logs| {
        logs.message(1, |told| told.attributes(1, &resource(first)));
        logs.message(2, |scoped| {
            scoped.message(1, |scope| {
                scope.text(1, SCOPE);
                scope.text(2, env!("CARGO_PKG_VERSION"));
            });
            for event in events {
                scoped.message(2, |written| record(written, event, observed));
            }
        });
    });
    request.0
}

fn record(written: &mut Message, event: &Event, observed: Timestamp) {
    let (number, word) = severity(event.severity);
    written.fixed64(1, nanos(event.time));
    written.key(2, VARINT);
    written.varint(number.cast_unsigned());
    written.text(3, word);
    written.message(5, |body| body.text(1, &event.sentence()));
    written.attributes(6, &attributes(event));
    if let Some(trace) = trace(event) {
        written.bytes(9, &trace);
    }
    written.fixed64(11, nanos(observed));
    written.text(12, &name(event));
}

/// Reads `rejected_log_records` (field 1) of `partial_success` (field 1).
pub(super) fn refused(answer: &[u8]) -> u64 {
    let partial = field(answer, 1).and_then(|found| match found {
        Found::Bytes(bytes) => field(bytes, 1),
        Found::Number(_) => None,
    });
    match partial {
        Some(Found::Number(count)) => count,
        _ => 0,
    }
}

enum Found<'m> {
    Number(u64),
    Bytes(&'m [u8]),
}

/// The first field of that number; none if there is none, or what comes before it cannot be read.
fn field(mut rest: &[u8], wanted: u64) -> Option<Found<'_>> {
    while !rest.is_empty() {
        let key = varint(&mut rest)?;
        let found = match key & 7 {
            VARINT => Found::Number(varint(&mut rest)?),
            FIXED64 => Found::Bytes(take(&mut rest, 8)?),
            BYTES => {
                let length = usize::try_from(varint(&mut rest)?).ok()?;
                Found::Bytes(take(&mut rest, length)?)
            }
            5 => Found::Bytes(take(&mut rest, 4)?),
            _ => return None,
        };
        if key >> 3 == wanted {
            return Some(found);
        }
    }
    None
}

fn take<'m>(rest: &mut &'m [u8], length: usize) -> Option<&'m [u8]> {
    let (taken, other) = rest.split_at_checked(length)?;
    *rest = other;
    Some(taken)
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = take(rest, 1)?[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_answer_tells_how_many_records_were_refused() {
        let mut answer = Message::default();
        answer.message(1, |partial| {
            partial.key(1, VARINT);
            partial.varint(300);
            partial.text(2, "too old");
        });
        assert_eq!(refused(&answer.0), 300);
        assert_eq!(refused(b""), 0);
        assert_eq!(refused(b"{\"partialSuccess\":{}}"), 0);
    }

    proptest! {
        #[test]
        fn any_answer_can_be_read(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = refused(&bytes);
        }

        #[test]
        fn numbers_come_back(value: u64) {
            let mut message = Message::default();
            message.varint(value);
            let mut rest = message.0.as_slice();
            prop_assert_eq!(varint(&mut rest), Some(value));
            prop_assert!(rest.is_empty());
        }
    }
}
