//! Any text as the lines of an exported audit chain: each is read or refused, and a verification of what was read
//! ends, whatever its numbers are.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealgate_audit::chain::{Hash, Judged, Line, Stamp, Verifier};

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let lines: Vec<Line> = text.lines().filter_map(|line| Line::parse(line).ok()).collect();
    let mut ranges = Vec::new();
    let mut stamps = Vec::new();
    for line in &lines {
        match line {
            Line::Retired(range) => ranges.push(*range),
            Line::Checkpoint(token) => {
                // Whoever signed: what it says is believed here.
                let Ok(claims) = serde_json::from_str(token) else { continue };
                stamps.push(Stamp {
                    number: 1,
                    digest: Hash::of(token.as_bytes()),
                    judged: Judged::Good { kid: "key".to_owned(), claims },
                    external: token.len() % 2 == 0,
                });
            }
            Line::Record(_) | Line::Left { .. } => {}
        }
    }
    for whole in [true, false] {
        let (ranges, stamps) = (ranges.clone(), stamps.clone());
        let mut verifier =
            if whole { Verifier::new(ranges, stamps) } else { Verifier::of_part(ranges, stamps) };
        let mut scratch = Vec::new();
        for line in &lines {
            match line {
                Line::Record(record) => {
                    let content = record.content(&mut scratch);
                    let says = (record.action.as_str(), record.object.as_deref());
                    verifier.record(record.number, record.hash, &content, Some(says));
                }
                Line::Left { number, hash, content } => {
                    verifier.record(*number, Some(*hash), content, None);
                }
                Line::Retired(_) | Line::Checkpoint(_) => {}
            }
        }
        let report = verifier.finish();
        assert_eq!(report.is_sound(), report.findings.is_empty());
    }
});
