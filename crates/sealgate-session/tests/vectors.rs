//! The test vectors of `docs/spec/sealed-session.md`: this code writes them and behaves by them.
//!
//! With `SEALGATE_WRITE_VECTORS=1` the file is written anew; the change is then to be read in review.

#![expect(
    clippy::unwrap_used,
    reason = "a test may stop at what it did not expect"
)]

#[path = "vectors/written.rs"]
mod written;

use std::path::PathBuf;

use sealgate_session::{KeyRing, SealKey};
use serde_json::Value;

use written::{Nonce, context_of, decode, encode, hex, list, text, unhex, written};

fn place() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/spec/vectors/sealed-session.json")
}

fn vectors() -> Value {
    serde_json::from_str(&std::fs::read_to_string(place()).unwrap()).unwrap()
}

fn ring(vectors: &Value) -> KeyRing {
    let keys = list(vectors, "ring");
    let texts: Vec<&str> = keys.iter().map(|key| text(key, "text")).collect();
    KeyRing::parse(&texts.join(",")).unwrap()
}

#[test]
fn the_file_is_what_this_code_writes() {
    let mut document = serde_json::to_string_pretty(&written()).unwrap();
    document.push('\n');
    if std::env::var_os("SEALGATE_WRITE_VECTORS").is_some() {
        std::fs::write(place(), &document).unwrap();
    }
    assert_eq!(std::fs::read_to_string(place()).unwrap(), document);
}

#[test]
fn keys_have_the_ids_in_the_file() {
    for vector in list(&vectors(), "ring") {
        let key = SealKey::parse(text(vector, "text")).unwrap();
        assert_eq!(key.kid(), text(vector, "kid"));
    }
}

#[test]
fn every_content_seals_to_its_text_under_its_nonce() {
    let vectors = vectors();
    for vector in list(&vectors, "sealed") {
        let named = |key: &&Value| key["kid"] == vector["kid"];
        let key = list(&vectors, "ring").iter().find(named).unwrap();
        let ring = KeyRing::parse(text(key, "text")).unwrap();
        let plain = encode(text(vector, "purpose"), &vector["content"]);
        assert_eq!(hex(&plain), text(vector, "plain"), "{}", vector["name"]);
        let nonce = Nonce(unhex(text(vector, "nonce")));
        let sealed = ring.seal(&context_of(vector), &nonce, &plain).unwrap();
        assert_eq!(sealed, text(vector, "sealed"), "{}", vector["name"]);
    }
}

#[test]
fn every_text_opens_to_its_content() {
    let vectors = vectors();
    let ring = ring(&vectors);
    for vector in list(&vectors, "sealed") {
        let opened = ring
            .open(&context_of(vector), text(vector, "sealed"))
            .unwrap();
        let current = vector["kid"] == vectors["ring"][0]["kid"];
        assert_eq!(opened.current, current, "{}", vector["name"]);
        let content = decode(text(vector, "purpose"), &opened.plain).unwrap();
        assert_eq!(content, vector["content"], "{}", vector["name"]);
    }
}

#[test]
fn every_refused_text_is_refused_for_its_reason() {
    let vectors = vectors();
    let ring = ring(&vectors);
    for vector in list(&vectors, "refused") {
        let opened = ring.open(&context_of(vector), text(vector, "sealed"));
        let code = opened.map(|_| ()).map_err(|error| error.code());
        assert_eq!(code, Err(text(vector, "reason")), "{}", vector["name"]);
    }
}

#[test]
fn contents_in_other_spellings_are_read_or_refused_as_told() {
    let contents = &vectors()["contents"];
    for vector in list(contents, "accepted") {
        let content = decode(text(vector, "purpose"), &unhex(text(vector, "plain")));
        assert_eq!(
            content.as_ref(),
            Ok(&vector["content"]),
            "{}",
            vector["name"]
        );
    }
    for vector in list(contents, "refused") {
        let content = decode(text(vector, "purpose"), &unhex(text(vector, "plain")));
        let code = content.map_err(|error| error.code());
        assert_eq!(code, Err(text(vector, "reason")), "{}", vector["name"]);
    }
}
