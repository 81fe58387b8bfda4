//! A redirect URI that can be registered matches itself, and never an address of another host.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealgate_oauth::RedirectUri;

fuzz_target!(|texts: (&str, &str)| {
    let (registered, presented) = texts;
    if let Ok(uri) = registered.parse::<RedirectUri>() {
        assert!(uri.matches(registered));
        if uri.matches(presented) && !registered.starts_with("http://") {
            assert_eq!(registered, presented);
        }
    }
});
