//! Any text is an assertion that names its client, or a refusal; any claims are checked, and what is
//! accepted is good for a while only.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealgate_model::{ClientId, Issuer, Timestamp};
use sealgate_oauth::{AssertionClaims, ClientCredentials, Limits, Params};

fuzz_target!(|bytes: &[u8]| {
    let kind = b"client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer&client_assertion=";
    if let Ok(params) = Params::parse(&[kind, bytes].concat(), Limits::STANDARD) {
        if let Ok(credentials) = ClientCredentials::from_request([], &params) {
            assert!(matches!(credentials, ClientCredentials::Assertion(..)));
        }
    }
    if let Ok(claims) = serde_json::from_slice::<AssertionClaims>(bytes) {
        let issuer: Issuer = "https://id.example".parse().unwrap();
        let client: ClientId = "app".parse().unwrap();
        let now = Timestamp::from_seconds(1_000_000);
        if let Ok(until) = claims.check(&issuer, None, &client, now) {
            assert!((1_000_000..=1_000_420).contains(&until.as_seconds()));
            assert_eq!((claims.iss.as_str(), claims.sub.as_str()), ("app", "app"));
        }
    }
});
