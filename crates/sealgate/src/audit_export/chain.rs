//! The lines of an exported chain that are no records (docs/spec/audit-chain.md, 5), by which it can be verified.

use sealgate_audit::forms::{Event, Outcome, Stream as Of, jsonl};
use sealgate_server::admin::{CheckpointView, Checkpoints, RetiredRanges, RetiredView};
use serde_json::json;

use super::Stream;
use crate::door::Door;
use crate::failure::Failure;

/// Records that a verification has to read, whatever else is left out.
const NEEDED: [&str; 3] = ["audit.retire", "key.revoke", "key.remove"];

/// Which records were printed or left out, by their numbers.
#[derive(Debug, Default)]
pub(super) struct Span {
    first: Option<i64>,
    last: i64,
}

impl Span {
    /// The line of one record, the next in order: the record, or its hashes if `stream` leaves it out.
    pub(super) fn line(
        &mut self,
        event: &Event,
        stream: Option<Stream>,
    ) -> Result<String, Failure> {
        self.first.get_or_insert(event.number);
        self.last = event.number;
        if stream.is_none_or(|stream| stream.has(event)) || NEEDED.contains(&&*event.action) {
            return Ok(jsonl::line(event));
        }
        let wrong = |error: jsonl::RecordError| Failure::refused(error.code(), error.to_string());
        let record = jsonl::chained(event).map_err(wrong)?;
        let content = record.content(&mut Vec::new());
        let left = json!({ "number": record.number, "hash": record.hash, "content": content });
        Ok(left.to_string())
    }

    /// The lines of those of `ranges` and `checkpoints` that these records can be held to.
    fn lines(&self, ranges: &[RetiredView], checkpoints: &[CheckpointView]) -> Vec<String> {
        let mut lines = Vec::new();
        let Some(first) = self.first else {
            return lines;
        };
        // What was retired before the first record belongs to it where nothing else comes before.
        let mut next = 1;
        for range in ranges.iter().take_while(|range| range.first <= first) {
            if range.first == next {
                next = range.last.saturating_add(1);
            }
        }
        let whole = next == first;
        for range in ranges {
            if (whole || range.first >= first) && range.by <= self.last {
                lines.push(json!({ "retired": range }).to_string());
            }
        }
        for checkpoint in checkpoints {
            if checkpoint.number >= first && checkpoint.number <= self.last {
                lines.push(json!({ "checkpoint": checkpoint.checkpoint }).to_string());
            }
        }
        lines
    }

    /// The same, of what the control plane has. `ranges` are those of before the first record was read.
    pub(super) async fn end(
        &self,
        door: &Door,
        ranges: &[RetiredView],
    ) -> Result<Vec<String>, Failure> {
        let mut checkpoints = Vec::new();
        let mut after = None;
        loop {
            let page: Checkpoints = door.get("/audit/checkpoints", &[("after", after)]).await?;
            checkpoints.extend(page.checkpoints);
            after = page.next.map(|number| number.to_string());
            if after.is_none() {
                return Ok(self.lines(ranges, &checkpoints));
            }
        }
    }
}

/// The ranges that were retired.
pub(super) async fn ranges(door: &Door) -> Result<Vec<RetiredView>, Failure> {
    let mut ranges = Vec::new();
    let mut after = None;
    loop {
        let page: RetiredRanges = door.get("/audit/retired", &[("after", after)]).await?;
        ranges.extend(page.retired);
        after = page.next.map(|number| number.to_string());
        if after.is_none() {
            return Ok(ranges);
        }
    }
}

impl Stream {
    /// Whether a record of the audit log is of it.
    fn has(self, event: &Event) -> bool {
        let act = event.stream == Of::Acts;
        match self {
            Self::Acts => act,
            Self::ActsAllowed => act && event.outcome == Outcome::Allowed,
            Self::ActsDenied => act && event.outcome == Outcome::Denied,
            Self::Anomalies => event.stream == Of::Anomalies,
        }
    }
}

#[cfg(test)]
mod tests {
    use sealgate_audit::chain::Hash;

    use super::*;

    #[test]
    fn only_what_the_printed_records_can_be_held_to_is_printed() {
        let range = |first, last, by| RetiredView {
            first,
            last,
            after: Hash::of(b"x"),
            by,
        };
        let checkpoint = |number| CheckpointView {
            number,
            at: sealgate_model::Timestamp::from_millis(1),
            kid: "key".to_owned(),
            checkpoint: format!("signed-{number}"),
        };
        let told = |first, last| {
            let span = Span {
                first: Some(first),
                last,
            };
            let ranges = [range(1, 2, 9), range(3, 4, 10), range(7, 7, 12)];
            span.lines(&ranges, &[checkpoint(4), checkpoint(6), checkpoint(12)])
        };
        let kinds = |lines: Vec<String>| {
            let kind = |line: &String| (line.contains("retired"), line.contains("signed"));
            let count = |is: fn(&(bool, bool)) -> bool| lines.iter().map(kind).filter(is).count();
            (count(|one| one.0), count(|one| one.1))
        };
        // From the first one that is left, from a later one, and up to an earlier one.
        assert_eq!(kinds(told(5, 12)), (3, 2));
        assert_eq!(kinds(told(6, 12)), (1, 2));
        assert_eq!(kinds(told(5, 11)), (2, 1));
        assert_eq!(Span::default().lines(&[range(1, 2, 9)], &[]), [""; 0]);
    }
}
