//! Whatever stands in a document of a client, what is kept of it can be used, and speaks of its own address.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealgate_oauth::{ClientDocument, DocumentId, RedirectUri, is_readable};

fuzz_target!(|input: (&str, &[u8])| {
    let (text, bytes) = input;
    let known = "https://agent.example/client.json".parse().ok();
    let named = text.parse().ok();
    for id in [known, named].into_iter().flatten() {
        for loopback in [false, true] {
            let Ok(id) = DocumentId::of(&id, loopback) else {
                continue;
            };
            assert!(loopback || id.id().as_str().starts_with("https://"));
            assert!(!id.host().is_empty() && !id.host().ends_with('.'));
            if let Ok(document) = ClientDocument::parse(bytes, &id) {
                let metadata = document.metadata;
                assert!(bytes.len() <= ClientDocument::LIMIT);
                assert!(!metadata.redirect_uris.is_empty());
                for uri in &metadata.redirect_uris {
                    assert!(uri.parse::<RedirectUri>().is_ok());
                }
                assert!(metadata.name.is_none_or(|name| is_readable(&name)));
            }
        }
    }
});
