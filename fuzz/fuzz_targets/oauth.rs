//! Any query or form is a request, or a refusal that never sends a browser to an unregistered address.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealgate_oauth::{
    AuthorizationRejection, AuthorizationRequest, Limits, Params, Registration, TokenRequest,
};

fuzz_target!(|bytes: &[u8]| {
    let redirect_uris = ["https://app.example/auth/callback".to_owned()];
    let scopes = ["expenses:read".to_owned()];
    let registration = Registration { redirect_uris: &redirect_uris, scopes: &scopes };
    if let Ok(params) = Params::parse_noting_repeats(bytes, Limits::STANDARD) {
        let asked = match AuthorizationRequest::parse(&params, &registration) {
            Ok(request) => Some(request.redirect_uri),
            Err(AuthorizationRejection::Redirect { redirect_uri, .. }) => Some(redirect_uri),
            Err(AuthorizationRejection::Page(_)) => None,
        };
        assert!(asked.is_none_or(|uri| redirect_uris.contains(&uri)));
    }
    if let Ok(params) = Params::parse(bytes, Limits::STANDARD) {
        let _ = TokenRequest::parse(&params);
    }
});
