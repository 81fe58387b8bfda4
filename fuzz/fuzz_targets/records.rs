//! Any text as a line of exported records, and any bytes as a collector's answer. What is a record says the same again
//! in JSON, and breaks no line of syslog.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealgate_audit::forms::syslog::{STREAM_LIMIT, Syslog};
use sealgate_audit::forms::{jsonl, ocsf, otel};

fuzz_target!(|bytes: &[u8]| {
    let _ = otel::refused(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(event) = jsonl::read(text) else { return };
    let line = jsonl::line(&event);
    assert!(line.bytes().all(|byte| matches!(byte, b' '..=b'~')));
    assert_eq!(jsonl::read(&line).ok().as_ref(), Some(&event));
    let _ = jsonl::chained(&event);
    assert!(ocsf::line(&event).is_ascii());
    let message = Syslog::default().line(&event);
    assert!(message.len() <= STREAM_LIMIT && !message.chars().any(char::is_control));
});
