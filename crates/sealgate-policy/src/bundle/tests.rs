//! Bundles are believed whole, by whom they are for, and as the answer to their question.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn issuer() -> Issuer {
    "https://id.example.com".parse().unwrap()
}

fn client() -> ClientId {
    "expense-tracker".parse().unwrap()
}

fn read(payload: &[u8]) -> Result<Bundle, BundleError> {
    let (issuer, client) = (issuer(), client());
    let expected = ExpectedBundle {
        issuer: &issuer,
        client: &client,
        nonce: "n1",
    };
    Bundle::read(payload, &expected)
}

fn with(change: impl FnOnce(&mut Value)) -> Result<Bundle, BundleError> {
    let text = written(&Document::default().to_json().unwrap());
    let mut value = serde_json::from_str(&text).unwrap();
    change(&mut value);
    read(value.to_string().as_bytes())
}

/// The payload of a bundle with such a document.
fn written(document: &str) -> String {
    let digest = digest_of(document);
    serde_json::to_string(&BundleClaims {
        iss: "https://id.example.com",
        aud: "expense-tracker",
        iat: 1_795_000_000,
        nonce: Some("n1"),
        format: FORMAT,
        version: 7,
        made_at: Timestamp::from_seconds(1_795_000_000),
        digest: &digest,
        document,
    })
    .unwrap()
}

#[test]
fn what_was_written_is_read() {
    let document = Document::default();
    let bundle = read(written(&document.to_json().unwrap()).as_bytes()).unwrap();
    assert_eq!(
        bundle,
        Bundle {
            version: 7,
            made_at: Timestamp::from_seconds(1_795_000_000),
            document,
        }
    );
}

#[test]
fn a_bundle_is_for_one_client_of_one_issuer_and_answers_one_question() {
    for (claim, value, code) in [
        (
            "iss",
            json!("https://id.example.com/"),
            "policy_bundle_issuer_wrong",
        ),
        ("aud", json!("another"), "policy_bundle_audience_wrong"),
        ("aud", json!(["expense-tracker"]), "policy_bundle_malformed"),
        ("nonce", json!("n2"), "policy_bundle_nonce_wrong"),
        // Nothing was made at no time.
        ("version", json!(0), "policy_bundle_malformed"),
        ("version", json!(-1), "policy_bundle_malformed"),
        ("version", json!(1_u64 << 53), "policy_bundle_malformed"),
        ("made_at", json!(0), "policy_bundle_malformed"),
        ("digest", json!("00"), "policy_bundle_malformed"),
        ("sub", Value::Null, "policy_bundle_malformed"),
        ("exp", json!(1), "policy_bundle_malformed"),
        ("format", json!(2), "policy_unusable"),
    ] {
        let refused = with(|bundle| bundle[claim] = value.clone());
        assert_eq!(refused.unwrap_err().code(), code, "{claim} {value}");
    }
    for claim in [
        "iss", "aud", "nonce", "version", "made_at", "digest", "document",
    ] {
        let refused = with(|bundle| {
            bundle.as_object_mut().unwrap().remove(claim);
        });
        assert_eq!(
            refused.unwrap_err().code(),
            "policy_bundle_malformed",
            "{claim}"
        );
    }
}

#[test]
fn what_a_document_says_and_nobody_here_knows_makes_the_whole_version_unusable() {
    for document in [
        r#"{"mapping":{},"policies":{},"more":1}"#,
        r#"{"mapping":{"surely_unknown":1},"policies":{}}"#,
        r#"{"policies":{}}"#,
        "[]",
    ] {
        match read(written(document).as_bytes()) {
            Err(BundleError::Unusable { version: 7, .. }) => {}
            other => panic!("{document}: {other:?}"),
        }
    }
}

#[test]
fn a_member_that_is_there_twice_is_refused() {
    let twice = written(&Document::default().to_json().unwrap()).replacen(
        "{\"iss\"",
        "{\"version\":8,\"iss\"",
        1,
    );
    assert_eq!(
        read(twice.as_bytes()).unwrap_err().code(),
        "policy_bundle_malformed"
    );
}

#[test]
fn what_is_too_long_or_too_deep_is_not_parsed() {
    let deep = format!("{}{}", "[".repeat(40), "]".repeat(40));
    assert_eq!(read(deep.as_bytes()), Err(BundleError::TooLarge));
    assert_eq!(
        read(&vec![b' '; BUNDLE_LIMIT + 1]),
        Err(BundleError::TooLarge)
    );
    let long = vec![b' '; DOCUMENT_LIMIT + 1];
    assert_eq!(Document::from_json(&long), Err(BundleError::TooLarge));
    // Brackets in a text are none.
    assert!(!is_deeper_than(br#"{"a":"[[[[[\"[[[["}"#, 2));
    assert!(is_deeper_than(br#"{"a":["\\",[]]}"#, 2));
}

#[test]
fn the_digest_is_that_of_the_bytes() {
    assert_eq!(
        digest_of(""),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
}

proptest! {
    #[test]
    fn reading_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        let _ = read(&bytes);
        let _ = Document::from_json(&bytes);
    }

    #[test]
    fn no_changed_byte_passes_for_another_version(at in 0_usize..400, to in any::<u8>()) {
        let whole = written(&Document::default().to_json().unwrap());
        let mut bytes = whole.clone().into_bytes();
        let at = at % bytes.len();
        bytes[at] = to;
        if let Ok(bundle) = read(&bytes) {
            prop_assert_eq!(bundle.document, Document::default());
        }
    }
}
