//! A bundle of policies that is read is for whoever asked, and its document is written and read back as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealgate_policy::{Bundle, Document, ExpectedBundle};

fuzz_target!(|bytes: &[u8]| {
    let issuer = "https://id.example".parse().expect("an issuer");
    let client = "expenses".parse().expect("a client id");
    let expected = ExpectedBundle {
        issuer: &issuer,
        client: &client,
        nonce: "n",
    };
    let read = Bundle::read(bytes, &expected).map(|bundle| {
        assert_eq!(bundle.version == 0, bundle.made_at.as_millis() == 0);
        bundle.document
    });
    for document in [read.ok(), Document::from_json(bytes).ok()].into_iter().flatten() {
        if let Ok(json) = document.to_json() {
            let again = Document::from_json(json.as_bytes()).expect("it is still a document");
            assert_eq!(again, document);
            assert_eq!(again.to_json().expect("it is no longer"), json);
        }
    }
});
