use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use sealgate_model::Timestamp;

use super::*;

/// Texts of a record, in the order of its columns.
type Texts = Vec<Option<String>>;

#[derive(Debug, Clone)]
struct Told {
    at: i64,
    later: i64,
    count: u64,
    outcome: Outcome,
    status: Option<u16>,
    texts: Texts,
    trace: Option<Trace>,
}

impl Told {
    fn record(&self) -> Decided<'_> {
        let at = Timestamp::from_millis(self.at);
        let texts = std::array::from_fn(|index| self.texts[index].as_deref());
        Decided {
            last: Timestamp::from_millis(self.at + self.later),
            count: self.count,
            status: self.status,
            trace: self.trace,
            ..Decided::new(at, self.outcome).with_texts(texts)
        }
    }
}

fn told(stream: Stream) -> impl Strategy<Value = Told> {
    let outcomes: Vec<Outcome> = Outcome::ALL
        .into_iter()
        .filter(|outcome| outcome.stream() == stream)
        .collect();
    let texts = vec(option::of("[a-zé/{}]{1,12}"), record::TEXTS);
    (
        0_i64..4_000_000_000_000,
        0_i64..100_000,
        1_u64..1_000_000,
        prop::sample::select(outcomes),
        option::of(100_u16..600),
        texts,
        option::of(any::<[u8; 16]>().prop_filter("none", |trace| *trace != [0; 16])),
    )
        .prop_map(|(at, later, count, outcome, status, texts, trace)| Told {
            at,
            later,
            count,
            outcome,
            status,
            texts,
            trace,
        })
}

fn batch_of(stream: Stream) -> impl Strategy<Value = (Stream, Vec<Told>)> {
    vec(told(stream), 0..20).prop_map(move |rows| (stream, rows))
}

fn encoded(stream: Stream, rows: &[Told]) -> Vec<u8> {
    let mut draft = Draft::new();
    for row in rows {
        draft.add(&row.record()).unwrap();
    }
    draft.encode(stream, &[7; 16], 3, "gate one", Timestamp::from_seconds(9))
}

proptest! {
    #[test]
    fn what_was_put_in_comes_out(
        (stream, rows) in prop_oneof![batch_of(Stream::Allowed), batch_of(Stream::Denied)]
    ) {
        let bytes = encoded(stream, &rows);
        let batch = Batch::read(&bytes).unwrap();
        prop_assert_eq!(batch.stream(), stream);
        prop_assert_eq!((batch.instance(), batch.sequence()), (&[7; 16], 3));
        prop_assert_eq!((batch.gate(), batch.made_at()), ("gate one", Timestamp::from_seconds(9)));
        let records: Vec<Decided<'_>> = batch.records().collect();
        let expected: Vec<Decided<'_>> = rows.iter().map(Told::record).collect();
        prop_assert_eq!(&records, &expected);
        let lengths = batch.lengths();
        prop_assert_eq!(lengths.rows, rows.len());
        prop_assert_eq!(lengths.decisions, rows.iter().map(|row| row.count).sum::<u64>());
        for record in &expected {
            prop_assert!(lengths.first <= record.at && record.last <= lengths.last);
        }
    }

    #[test]
    fn an_index_misses_nothing_that_is_there((_, rows) in batch_of(Stream::Denied)) {
        let bytes = encoded(Stream::Denied, &rows);
        let batch = Batch::read(&bytes).unwrap();
        let index = Index::kept(Index::of(&batch).as_bytes().to_vec());
        for record in batch.records() {
            prop_assert!(record.actor.is_none_or(|actor| index.may_hold_actor(actor)));
            prop_assert!(record.user.is_none_or(|user| index.may_hold_user(user)));
            prop_assert!(record.client.is_none_or(|client| index.may_hold_client(client)));
            prop_assert!(record.session.is_none_or(|session| index.may_hold_session(session)));
            prop_assert!(record.route.is_none_or(|route| index.may_hold_route(route)));
            prop_assert!(record.reason.is_none_or(|reason| index.may_hold_reason(reason)));
            prop_assert!(record.trace.is_none_or(|trace| index.may_hold_trace(&trace)));
        }
    }

    /// Whatever comes: an answer, and of what is read everything can be asked.
    #[test]
    fn foreign_bytes_are_refused_or_read(
        (_, rows) in batch_of(Stream::Denied),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)
    ) {
        let mut bytes = encoded(Stream::Denied, &rows);
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Ok(batch) = Batch::read(&bytes) {
            let count = batch.records().filter(|record| record.last >= record.at).count();
            prop_assert_eq!(count, batch.lengths().rows);
            let _ = Index::of(&batch);
        }
    }

    #[test]
    fn a_batch_that_was_cut_is_no_batch((_, rows) in batch_of(Stream::Allowed), at in any::<prop::sample::Index>()) {
        let bytes = encoded(Stream::Allowed, &rows);
        prop_assert!(Batch::read(&bytes[..at.index(bytes.len())]).is_err());
    }

    #[test]
    fn texts_of_strangers_are_cleaned(text in "\\PC{0,40}[\\x00-\\x1f\\x7f]\\PC{0,2000}") {
        let mut record = Decided::new(Timestamp::from_seconds(1), Outcome::Refused);
        record.actor = Some(&text);
        let mut draft = Draft::new();
        draft.add(&record).unwrap();
        let bytes = draft.encode(Stream::Denied, &[0; 16], 1, "g", Timestamp::from_seconds(1));
        let batch = Batch::read(&bytes).unwrap();
        let actor = batch.records().next().unwrap().actor.unwrap();
        prop_assert!(actor.len() <= TEXT_LIMIT && !actor.chars().any(char::is_control));
        prop_assert!(actor.contains(char::REPLACEMENT_CHARACTER));
    }
}

#[test]
fn a_draft_never_becomes_more_than_a_batch_may_be() {
    let mut draft = Draft::new();
    let mut number = 0_u32;
    loop {
        let texts: Vec<String> = (0..record::TEXTS)
            .map(|field| format!("{number:04}-{field:04}-{}", "x".repeat(120)))
            .collect();
        let texts = std::array::from_fn(|index| Some(texts[index].as_str()));
        let record = Decided::new(
            Timestamp::from_millis(i64::from(number) << 20),
            Outcome::Ended,
        );
        if draft.add(&record.with_texts(texts)).is_err() {
            break;
        }
        number += 1;
    }
    assert!((20..100).contains(&number), "{number}");
    let bytes = draft.encode(Stream::Denied, &[1; 16], 1, "g", Timestamp::from_seconds(1));
    let batch = Batch::read(&bytes).unwrap();
    assert_eq!(batch.lengths().rows, usize::try_from(number).unwrap());
}

#[test]
fn a_batch_holds_many_records_of_the_usual_kind() {
    let mut draft = Draft::new();
    let mut number = 0_u32;
    loop {
        let actor = format!("01928e2a-7c00-7000-8000-{:012}", number % 50);
        let mut record = Decided::new(Timestamp::from_millis(i64::from(number)), Outcome::Refused);
        record.actor = Some(&actor);
        record.route = Some("/items/{id}");
        record.reason = Some("scope_missing");
        record.trace = Some([u8::try_from(number % 251).unwrap() + 1; 16]);
        if draft.add(&record).is_err() {
            break;
        }
        number += 1;
    }
    assert!(number > 900, "{number}");
    let bytes = draft.encode(Stream::Denied, &[1; 16], 1, "g", Timestamp::from_seconds(1));
    assert!(bytes.len() < 40 * 1024, "{}", bytes.len());
    assert!(Batch::read(&bytes).is_ok());
}

#[test]
fn what_was_left_out_and_lost_is_told() {
    let mut draft = Draft::new();
    let left = |route, sampled, unkept| LeftOut {
        route,
        sampled,
        unkept,
    };
    draft.leave_out(&left(Some("/items/{id}"), 90, 3)).unwrap();
    draft.leave_out(&left(None, 5, 0)).unwrap();
    draft.lose(4);
    assert!(!draft.is_empty());
    let bytes = draft.encode(
        Stream::Allowed,
        &[1; 16],
        2,
        "g",
        Timestamp::from_seconds(8),
    );
    let batch = Batch::read(&bytes).unwrap();
    assert_eq!(
        batch.left_out(),
        [left(Some("/items/{id}"), 90, 3), left(None, 5, 0)]
    );
    let lengths = batch.lengths();
    assert_eq!((lengths.sampled, lengths.unkept, lengths.lost), (95, 3, 4));
    assert_eq!(
        (lengths.first, lengths.rows),
        (Timestamp::from_seconds(8), 0)
    );
}

#[test]
fn an_outcome_of_the_other_stream_is_refused() {
    let mut draft = Draft::new();
    let record = Decided::new(Timestamp::from_seconds(1), Outcome::Allowed);
    draft.add(&record).unwrap();
    let bytes = draft.encode(Stream::Denied, &[1; 16], 1, "g", Timestamp::from_seconds(1));
    assert_eq!(
        Batch::read(&bytes).unwrap_err(),
        BatchError::Malformed("rows")
    );
}

#[test]
fn another_version_and_another_form_are_told_apart() {
    // [2]
    assert_eq!(Batch::read(&[0x81, 0x02]).unwrap_err(), BatchError::Version);
    // [1]
    assert_eq!(
        Batch::read(&[0x81, 0x01]).unwrap_err(),
        BatchError::Malformed("frame")
    );
    assert_eq!(
        Batch::read(&vec![0; BATCH_LIMIT + 1]).unwrap_err(),
        BatchError::TooLarge
    );
}

#[test]
fn every_part_of_a_block_is_in_its_hash() {
    let head = BlockHead {
        stream: Stream::Denied,
        place: 1,
        client: "notes".to_owned(),
        instance: [1; 16],
        sequence: 1,
        gate: "one".to_owned(),
        kept_at: Timestamp::from_seconds(5),
    };
    let body = body_hash(b"body");
    let hash = head.hash(&[0; 32], &body);
    let changed = |change: fn(&mut BlockHead)| {
        let mut other = head.clone();
        change(&mut other);
        other.hash(&[0; 32], &body)
    };
    let others = [
        changed(|head| head.stream = Stream::Allowed),
        changed(|head| head.place = 2),
        changed(|head| head.client = "note".to_owned()),
        changed(|head| head.instance = [2; 16]),
        changed(|head| head.sequence = 2),
        changed(|head| head.gate = "sone".to_owned()),
        changed(|head| head.kept_at = Timestamp::from_millis(5_001)),
        head.hash(&[1; 32], &body),
        head.hash(&[0; 32], &body_hash(b"bodi")),
    ];
    assert!(others.iter().all(|other| *other != hash));
}

#[test]
fn an_odd_record_does_not_cost_its_batch() {
    let mut record = Decided::new(Timestamp::from_seconds(1), Outcome::Refused);
    record.actor = Some("");
    record.route = Some("");
    record.token = Some("");
    record.reason = Some("scope_missing");
    record.status = Some(7);
    let mut draft = Draft::new();
    draft.add(&record).unwrap();
    let bytes = draft.encode(Stream::Denied, &[1; 16], 1, "g", Timestamp::from_seconds(1));
    let batch = Batch::read(&bytes).unwrap();
    let read = batch.records().next().unwrap();
    assert_eq!((read.actor, read.route, read.token), (None, None, None));
    assert_eq!((read.reason, read.status), (Some("scope_missing"), None));
}
