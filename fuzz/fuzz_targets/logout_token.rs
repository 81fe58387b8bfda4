//! Any claims are a logout token for this application and this time, or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealgate_model::{ClientId, Issuer, Timestamp};
use sealgate_oauth::{LoggedOut, LogoutToken};

fuzz_target!(|bytes: &[u8]| {
    let Ok(token) = serde_json::from_slice::<LogoutToken>(bytes) else {
        return;
    };
    let issuer: Issuer = "https://id.example".parse().unwrap();
    let client: ClientId = "app".parse().unwrap();
    let now = Timestamp::from_seconds(1_000_000);
    if let Ok((ended, until)) = token.check(&issuer, &client, now) {
        assert_eq!((token.iss.as_str(), token.aud.as_slice()), ("https://id.example", &["app".to_owned()][..]));
        assert!(until > now && token.iat.0.as_seconds() <= 1_000_060);
        let (LoggedOut::Session(named) | LoggedOut::User(named)) = ended;
        assert!((1..=255).contains(&named.len()) && !token.jti.is_empty());
        // Read by somebody lenient, it has the one event and no nonce.
        let value: serde_json::Value = serde_json::from_slice(bytes).unwrap();
        if value.is_object() {
            assert!(value["events"].as_object().is_some_and(|events| events.len() == 1));
            assert!(value.get("nonce").is_none());
        }
    }
});
