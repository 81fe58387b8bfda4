//! Any `claims` parameter is a request that survives being sealed, or a refusal; what it asks for under
//! fewer scopes is never more.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealgate_oauth::ClaimsRequest;

fuzz_target!(|text: &str| {
    if let Ok(request) = ClaimsRequest::parse(text) {
        let sealed = serde_json::to_vec(&request).unwrap();
        assert_eq!(serde_json::from_slice::<ClaimsRequest>(&sealed).unwrap(), request);
        let narrowed = request.clone().within(&[]);
        assert!(narrowed.id_token.iter().all(|claim| claim.scope().is_none()));
        assert_eq!((&narrowed.acr, &narrowed.subjects), (&request.acr, &request.subjects));
    }
});
