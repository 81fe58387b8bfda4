//! A path to return to stays on the application, whatever the text, for the parser that browsers have.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealgate_gate::Settings;
use url::Url;

const BASES: [&str; 2] = ["https://app.example", "http://localhost:8000"];

fuzz_target!(|path: &str| {
    for base in BASES {
        // The path after logout is checked as those after sign-in are.
        let settings = Settings::from_lookup(|name| {
            let value = match name {
                "SEALGATE_ISSUER" => "https://id.example",
                "SEALGATE_BASE_URL" => base,
                "SEALGATE_CLIENT_ID" => "expenses",
                "SEALGATE_CLIENT_SECRET" => "secret",
                "SEALGATE_SEAL_KEYS" => "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA",
                "SEALGATE_AFTER_LOGOUT" => path,
                _ => return None,
            };
            Some(value.to_owned())
        });
        let Ok(settings) = settings else { continue };
        let base = Url::parse(base).expect("a URL");
        let there = base.join(&settings.after_logout).expect("a path that passed is one");
        assert_eq!(there.origin(), base.origin());
        assert!(there.username().is_empty() && there.password().is_none() && there.fragment().is_none());
        assert!(!there.path().starts_with("//"));
    }
});
