//! Every way of tampering with a chain, on the pure state machine.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// A record of a made-up chain.
#[derive(Debug, Clone, PartialEq)]
struct Row {
    number: i64,
    hash: Option<Hash>,
    content: Hash,
    action: &'static str,
    object: Option<String>,
}

fn content(of: &str) -> Hash {
    Record {
        actor: of,
        ..Record::default()
    }
    .content(&mut Vec::new())
}

fn chain(many: i64) -> Vec<Row> {
    let mut previous = Hash::GENESIS;
    (1..=many)
        .map(|number| {
            let content = content(&format!("actor {number}"));
            previous = Hash::link(&previous, number, &content);
            Row {
                number,
                hash: Some(previous),
                content,
                action: "token.issue",
                object: None,
            }
        })
        .collect()
}

/// The chain after `rows` were changed, with every hash made anew.
fn rehashed(mut rows: Vec<Row>) -> Vec<Row> {
    let mut previous = Hash::GENESIS;
    for row in &mut rows {
        previous = Hash::link(&previous, row.number, &row.content);
        row.hash = Some(previous);
    }
    rows
}

fn stamp(rows: &[Row], number: i64, before: Option<Hash>) -> Stamp {
    let row = rows.iter().find(|row| row.number == number).unwrap();
    Stamp {
        number,
        digest: Hash::of(&number.to_be_bytes()),
        judged: Judged::Good {
            kid: "key".to_owned(),
            claims: CheckpointClaims {
                iss: "https://id.example".to_owned(),
                iat: 0,
                history: "one".to_owned(),
                number,
                hash: row.hash.unwrap(),
                previous: before,
            },
        },
        external: false,
    }
}

fn stamps(rows: &[Row], numbers: &[i64]) -> Vec<Stamp> {
    let mut before = None;
    let mut made = Vec::new();
    for number in numbers {
        let one = stamp(rows, *number, before);
        before = Some(one.digest);
        made.push(one);
    }
    made
}

fn verify(rows: &[Row], ranges: Vec<Retired>, stamps: Vec<Stamp>) -> Report {
    let mut verifier = Verifier::new(ranges, stamps);
    for row in rows {
        let says = Some((row.action, row.object.as_deref()));
        verifier.record(row.number, row.hash, &row.content, says);
    }
    verifier.finish()
}

fn kinds(report: &Report) -> Vec<(FindingKind, i64, i64)> {
    let findings = report.findings.iter();
    findings
        .map(|finding| (finding.kind, finding.first, finding.last))
        .collect()
}

type RowChange = fn(&mut Vec<Row>);
type StampChange = fn(&mut Vec<Stamp>);
type RetiredChange = fn(&mut Vec<Row>, &mut Vec<Retired>);
/// What is done to the log, and which findings it gives, each with its first and last number.
type Case<C> = (&'static str, C, &'static [(FindingKind, i64, i64)]);

#[test]
fn an_untouched_chain_is_sound_and_its_signed_part_is_told() {
    let rows = chain(100);
    let report = verify(&rows, Vec::new(), stamps(&rows, &[10, 50, 90]));
    assert!(report.is_sound(), "{report:?}");
    assert_eq!((report.records, report.first, report.last), (100, 1, 100));
    assert_eq!((report.checkpoints, report.signed), (3, 90));
    assert_eq!(report.head, rows[99].hash);
    assert!(verify(&[], Vec::new(), Vec::new()).is_sound());
}

#[test]
fn each_tampering_is_found_by_its_kind_and_its_place() {
    use FindingKind as K;
    let rows = chain(100);
    let table: [Case<RowChange>; 15] = [
        (
            "content",
            |rows| rows[41].content = content("x"),
            &[(K::Altered, 42, 42)],
        ),
        (
            "hash",
            |rows| rows[41].hash = Some(Hash::of(b"x")),
            &[(K::Altered, 42, 42)],
        ),
        (
            "no hash",
            |rows| rows[41].hash = None,
            &[(K::Altered, 42, 42)],
        ),
        ("first", |rows| drop(rows.remove(0)), &[(K::Removed, 1, 1)]),
        ("one", |rows| drop(rows.remove(41)), &[(K::Removed, 42, 42)]),
        (
            "several",
            |rows| drop(rows.drain(10..20)),
            &[(K::Removed, 11, 20)],
        ),
        ("last", |rows| rows.truncate(89), &[(K::Truncated, 90, 90)]),
        ("all", Vec::clear, &[(K::Truncated, 1, 90)]),
        (
            "neighbours swapped",
            |rows| {
                rows.swap(40, 41);
                (rows[40].number, rows[41].number) = (41, 42);
            },
            &[(K::Reordered, 41, 42), (K::Reordered, 41, 42)],
        ),
        (
            "far ones swapped",
            |rows| {
                rows.swap(20, 70);
                (rows[20].number, rows[70].number) = (21, 71);
            },
            &[(K::Reordered, 21, 71), (K::Reordered, 21, 71)],
        ),
        (
            "one moved behind the end",
            |rows| {
                let mut row = rows.remove(41);
                row.number = 101;
                rows.push(row);
            },
            &[(K::Removed, 42, 42), (K::Reordered, 42, 101)],
        ),
        (
            "inserted and the rest renumbered",
            |rows| {
                let mut row = rows[41].clone();
                row.content = content("inserted");
                rows.insert(41, row);
                rows.iter_mut().skip(42).for_each(|row| row.number += 1);
            },
            // The checkpoint at 90 is now of another record.
            &[(K::Rewritten, 11, 90), (K::Inserted, 42, 42)],
        ),
        (
            "removed and the rest renumbered",
            |rows| {
                rows.drain(41..44);
                rows.iter_mut().skip(41).for_each(|row| row.number -= 3);
            },
            &[(K::Rewritten, 11, 90), (K::Removed, 42, 44)],
        ),
        (
            "altered and every hash made anew",
            |rows| {
                rows[41].content = content("x");
                *rows = rehashed(std::mem::take(rows));
            },
            &[(K::Rewritten, 11, 90)],
        ),
        (
            "another chain",
            |rows| {
                for row in rows.iter_mut() {
                    row.content = content("x");
                }
                *rows = rehashed(std::mem::take(rows));
            },
            &[(K::Rewritten, 1, 90)],
        ),
    ];
    for (name, change, expected) in table {
        let stamps = stamps(&rows, &[10, 90]);
        let mut changed = rows.clone();
        change(&mut changed);
        let report = verify(&changed, Vec::new(), stamps);
        assert_eq!(kinds(&report), expected, "{name}: {report:#?}");
    }
}

#[test]
fn each_tampering_with_checkpoints_is_found() {
    use FindingKind as K;
    let rows = chain(100);
    let table: [Case<StampChange>; 6] = [
        (
            "removed",
            |all| drop(all.remove(1)),
            &[(K::CheckpointChain, 60, 60)],
        ),
        (
            "first removed",
            |all| drop(all.remove(0)),
            &[(K::CheckpointChain, 30, 30)],
        ),
        (
            "under another number",
            |all| all[1].number = 31,
            &[
                (K::CheckpointMalformed, 31, 31),
                (K::CheckpointChain, 60, 60),
            ],
        ),
        (
            "not signed",
            |all| {
                all[2].judged = Judged::Refused {
                    kind: K::CheckpointSignature,
                    detail: "no".to_owned(),
                };
            },
            &[(K::CheckpointSignature, 60, 60)],
        ),
        (
            "of other records, signed",
            |all| {
                if let Judged::Good { claims, .. } = &mut all[1].judged {
                    claims.hash = Hash::of(b"x");
                }
            },
            &[(K::Rewritten, 11, 30)],
        ),
        (
            "kept elsewhere, of another history",
            |all| {
                if let Judged::Good { claims, .. } = &mut all[2].judged {
                    claims.hash = Hash::of(b"x");
                }
                all[2].external = true;
            },
            &[(K::Fork, 60, 60)],
        ),
    ];
    for (name, change, expected) in table {
        let mut stamps = stamps(&rows, &[10, 30, 60]);
        change(&mut stamps);
        let report = verify(&rows, Vec::new(), stamps);
        assert_eq!(kinds(&report), expected, "{name}: {report:#?}");
    }
}

#[test]
fn a_key_signs_nothing_after_the_record_of_its_end() {
    let mut rows = chain(100);
    rows[49].action = "key.revoke";
    rows[49].object = Some("other key".to_owned());
    let report = verify(&rows, Vec::new(), stamps(&rows, &[40, 49, 50, 60]));
    assert_eq!(
        kinds(&report),
        [
            (FindingKind::CheckpointKeyGone, 50, 50),
            (FindingKind::CheckpointKeyGone, 60, 60)
        ]
    );
    assert_eq!(report.signed, 49);
}

/// A chain with ranges retired by its record 101.
fn retired() -> (Vec<Row>, Vec<Retired>) {
    let mut rows = chain(110);
    let after = |last: i64| rows[usize::try_from(last - 1).unwrap()].hash.unwrap();
    let ranges: Vec<_> = [(1, 10), (12, 20), (21, 30)]
        .map(|(first, last)| Retired {
            first,
            last,
            after: after(last),
            by: 101,
        })
        .into();
    rows[100].action = "audit.retire";
    rows[100].object = Some(RetiredNote::of(&ranges).to_string());
    rows.retain(|row| {
        !ranges
            .iter()
            .any(|range| (range.first..=range.last).contains(&row.number))
    });
    (rows, ranges)
}

#[test]
fn retired_ranges_are_told_and_sound_and_a_forged_one_is_found() {
    use FindingKind as K;
    let (rows, ranges) = retired();
    let report = verify(
        &rows,
        ranges.clone(),
        stamps(&chain(110), &[5, 20, 25, 100]),
    );
    assert!(report.is_sound(), "{report:#?}");
    // What is signed over inside of a range cannot be compared any more.
    assert_eq!(
        (report.retired, report.checkpoints, report.signed),
        (29, 2, 100)
    );

    let table: [(&str, RetiredChange, &[K]); 7] = [
        (
            "no ranges",
            |_, ranges| ranges.clear(),
            &[K::Removed, K::Removed, K::RetireMismatch],
        ),
        (
            "a range less",
            |_, ranges| ranges.truncate(2),
            &[K::Removed, K::RetireMismatch],
        ),
        (
            "a longer range, and the record gone",
            |rows, ranges| {
                rows.retain(|row| row.number != 31);
                ranges[2].last = 31;
            },
            &[K::Altered, K::RetireMismatch],
        ),
        (
            "a longer range, and its hash known",
            |rows, ranges| {
                let at = rows.iter().position(|row| row.number == 31).unwrap();
                ranges[2].after = rows.remove(at).hash.unwrap();
                ranges[2].last = 31;
            },
            &[K::RetireMismatch],
        ),
        (
            "a range of nobody's",
            |rows, ranges| {
                let at = rows.iter().position(|row| row.number == 40).unwrap();
                let after = rows.remove(at).hash.unwrap();
                ranges.push(Retired {
                    first: 40,
                    last: 40,
                    after,
                    by: 999,
                });
            },
            &[K::RetiredUnrecorded],
        ),
        (
            "a range over records that are there",
            |_, ranges| ranges[2].last = 35,
            &[K::Removed, K::RetiredPresent, K::RetireMismatch],
        ),
        (
            "no record of it",
            |rows, _| rows.iter_mut().for_each(|row| row.action = "token.issue"),
            &[
                K::RetiredUnrecorded,
                K::RetiredUnrecorded,
                K::RetiredUnrecorded,
            ],
        ),
    ];
    for (name, change, expected) in table {
        let (mut rows, mut ranges) = retired();
        change(&mut rows, &mut ranges);
        let report = verify(&rows, ranges, Vec::new());
        let found: Vec<_> = report.findings.iter().map(|finding| finding.kind).collect();
        assert_eq!(found, expected, "{name}: {report:#?}");
    }
}

#[test]
fn the_note_of_retirement_is_read_only_in_its_one_form() {
    let (_, ranges) = retired();
    let note = RetiredNote::of(&ranges);
    assert_eq!(RetiredNote::parse(&note.to_string()), Some(note));
    for wrong in [
        "",
        "records=1",
        "records=1 ranges=1 digest=00",
        "records=+1 ranges=1 digest=",
    ] {
        assert_eq!(RetiredNote::parse(wrong), None, "{wrong}");
    }
    assert_eq!(RetiredNote::parse(&format!("{note} x=1")), None);
}

#[test]
fn a_part_of_a_chain_begins_anywhere_and_holes_in_it_are_found() {
    let rows = chain(100);
    let part = |rows: &[Row]| {
        let mut verifier = Verifier::of_part(Vec::new(), Vec::new());
        for row in rows {
            verifier.record(row.number, row.hash, &row.content, None);
        }
        kinds(&verifier.finish())
    };
    assert_eq!(part(&rows[40..60]), []);
    let mut holed = rows[40..60].to_vec();
    holed.remove(5);
    assert_eq!(part(&holed), [(FindingKind::Removed, 46, 46)]);
}

#[test]
fn nothing_and_an_empty_text_have_different_bytes_and_so_do_neighbouring_fields() {
    let hash = |record: Record<'_>| record.content(&mut Vec::new());
    let empty = Record::default();
    assert_ne!(
        hash(empty),
        hash(Record {
            object: Some(""),
            ..empty
        })
    );
    let (left, right) = (
        Record {
            client: Some("a"),
            session: None,
            ..empty
        },
        Record {
            client: None,
            session: Some(b"a"),
            ..empty
        },
    );
    assert_ne!(hash(left), hash(right));
    let (left, right) = (
        Record {
            actor: "ab",
            action: "c",
            ..empty
        },
        Record {
            actor: "a",
            action: "bc",
            ..empty
        },
    );
    assert_ne!(hash(left), hash(right));
}

#[test]
fn lines_of_an_exported_chain_are_read_strictly() {
    let hash = Hash::of(b"x");
    let record = format!(
        r#"{{"number":1,"at":5,"actor":"operator","action":"user.create","outcome":"allowed","reason":"","count":1,"hash":"{hash}"}}"#
    );
    let Ok(Line::Record(line)) = Line::parse(&record) else {
        panic!("{record}");
    };
    assert_eq!((line.number, line.hash), (1, Some(hash)));
    let left = format!(r#"{{"number":2,"hash":"{hash}","content":"{hash}"}}"#);
    assert!(matches!(
        Line::parse(&left),
        Ok(Line::Left { number: 2, .. })
    ));
    let retired = format!(r#"{{"retired":{{"first":1,"last":2,"after":"{hash}","by":3}}}}"#);
    assert!(matches!(Line::parse(&retired), Ok(Line::Retired(_))));
    assert_eq!(
        Line::parse(r#"{"checkpoint":"a.b.c"}"#),
        Ok(Line::Checkpoint("a.b.c".to_owned()))
    );
    for wrong in [
        String::new(),
        "[]".to_owned(),
        "{}".to_owned(),
        record.replace("\"count\"", "\"more\":1,\"count\""),
        record.replace("\"count\":1", "\"count\":1,\"count\":1"),
        left.replace("\"number\":2", "\"number\":\"2\""),
        left.replace("\"number\":2", "\"number\":0"),
        left.replace("\"number\":2", "\"number\":9007199254740992"),
        record.replace("\"number\":1", "\"number\":-1"),
        retired.replace("\"first\":1", "\"first\":3"),
        retired.replace("\"by\":3", "\"by\":-9223372036854775808"),
    ] {
        assert!(
            matches!(Line::parse(&wrong), Err(LineError::Malformed(_))),
            "{wrong}"
        );
    }
    assert_eq!(
        Line::parse(&" ".repeat(LINE_LIMIT + 1)),
        Err(LineError::TooLong)
    );
}

/// Something that is done to a chain.
#[derive(Debug, Clone)]
enum Tampering {
    Content(usize),
    Hash(usize),
    Remove(usize, usize),
    Swap(usize, usize),
    RenumberedRemoval(usize, usize),
    RenumberedInsertion(usize),
    Rehashed(usize),
}

fn tampering() -> impl Strategy<Value = Tampering> {
    let at = 0_usize..1000;
    prop_oneof![
        at.clone().prop_map(Tampering::Content),
        at.clone().prop_map(Tampering::Hash),
        (at.clone(), 1_usize..20).prop_map(|(at, many)| Tampering::Remove(at, many)),
        (at.clone(), 0_usize..1000).prop_map(|(a, b)| Tampering::Swap(a, b)),
        (at.clone(), 1_usize..20).prop_map(|(at, many)| Tampering::RenumberedRemoval(at, many)),
        at.clone().prop_map(Tampering::RenumberedInsertion),
        at.prop_map(Tampering::Rehashed),
    ]
}

fn tamper(rows: &mut Vec<Row>, tampering: &Tampering) {
    let many = rows.len();
    match *tampering {
        Tampering::Content(at) => rows[at % many].content = content("tampered"),
        Tampering::Hash(at) => rows[at % many].hash = Some(Hash::of(b"tampered")),
        Tampering::Remove(at, count) => {
            let at = at % many;
            rows.drain(at..(at + count).min(many));
        }
        Tampering::Swap(a, b) => {
            let (a, b) = (a % many, b % many);
            let (at_a, at_b) = (rows[a].number, rows[b].number);
            rows.swap(a, b);
            (rows[a].number, rows[b].number) = (at_a, at_b);
        }
        Tampering::RenumberedRemoval(at, count) => {
            let at = at % many;
            rows.drain(at..(at + count).min(many));
            for (row, number) in rows.iter_mut().zip(1..) {
                row.number = number;
            }
        }
        Tampering::RenumberedInsertion(at) => {
            let mut row = rows[at % many].clone();
            row.content = content("inserted");
            rows.insert(at % many, row);
            for (row, number) in rows.iter_mut().zip(1..) {
                row.number = number;
            }
        }
        Tampering::Rehashed(at) => {
            rows[at % many].content = content("tampered");
            *rows = rehashed(std::mem::take(rows));
        }
    }
}

proptest! {
    #[test]
    fn whatever_was_done_to_a_signed_chain_is_found(
        many in 2_i64..120,
        signed in vec(1_i64..120, 0..4),
        done in vec(tampering(), 1..4),
    ) {
        let rows = chain(many);
        let mut numbers: Vec<i64> = signed.into_iter().filter(|number| *number < many).collect();
        numbers.push(many);
        numbers.sort_unstable();
        numbers.dedup();
        let stamps = stamps(&rows, &numbers);
        let mut changed = rows.clone();
        for one in &done {
            if !changed.is_empty() {
                tamper(&mut changed, one);
            }
        }
        let report = verify(&changed, Vec::new(), stamps);
        prop_assert_eq!(report.is_sound(), changed == rows, "{:?}", report);
    }

    #[test]
    fn no_two_records_have_the_same_bytes(
        left in ("[a-c]{0,2}", proptest::option::of("[a-c]{0,2}"), proptest::option::of("[a-c]{0,2}"), any::<u8>()),
        right in ("[a-c]{0,2}", proptest::option::of("[a-c]{0,2}"), proptest::option::of("[a-c]{0,2}"), any::<u8>()),
    ) {
        let bytes = |of: &(String, Option<String>, Option<String>, u8)| {
            let mut bytes = Vec::new();
            Record {
                reason: &of.0,
                client: of.1.as_deref(),
                object: of.2.as_deref(),
                count: i64::from(of.3),
                ..Record::default()
            }
            .write(&mut bytes);
            bytes
        };
        prop_assert_eq!(bytes(&left) == bytes(&right), left == right);
    }

    #[test]
    fn no_numbers_in_a_database_make_the_verifier_panic(
        numbers in vec(prop_oneof![
            any::<i64>(),
            -3_i64..9,
            (0_i64..3).prop_map(|off| i64::MAX - off),
            (0_i64..3).prop_map(|off| i64::MIN + off),
        ], 1..12),
        ranges in vec((any::<i64>(), any::<i64>(), -2_i64..9), 0..4),
        bad in vec(any::<bool>(), 12),
        whole in any::<bool>(),
    ) {
        let ranges = ranges.into_iter().map(|(first, last, by)| Retired {
            first,
            last,
            by,
            after: Hash::of(b"after"),
        });
        let ranges: Vec<Retired> = ranges.collect();
        let mut verifier = if whole {
            Verifier::new(ranges, Vec::new())
        } else {
            Verifier::of_part(ranges, Vec::new())
        };
        let mut sorted = numbers.clone();
        sorted.sort_unstable();
        for (number, bad) in sorted.into_iter().chain(numbers).zip(bad) {
            let stored = (!bad).then(|| Hash::of(&number.to_be_bytes()));
            verifier.record(number, stored, &content("x"), None);
        }
        let report = verifier.finish();
        prop_assert_eq!(report.is_sound(), report.findings.is_empty());
    }

    #[test]
    fn no_line_makes_the_reader_panic(text in ".{0,200}") {
        let _ = Line::parse(&text);
    }
}
