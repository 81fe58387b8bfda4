//! Any query or form is a request, or a refusal that never sends a browser to an unregistered address.
//! A request asks for nothing that is not registered, and survives being sealed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealgate_model::ClientId;
use sealgate_oauth::{
    AuthorizationRejection, AuthorizationRequest, ClientCredentials, DeviceRequest, Grant,
    IntrospectionRequest, Limits, Params, Registration, TokenRequest, UserCode, pushed_request,
};

fuzz_target!(|bytes: &[u8]| {
    let redirect_uris = ["https://app.example/auth/callback".to_owned()];
    let scopes = ["openid", "expenses:read"].map(String::from);
    let resources = ["https://api.example".to_owned()];
    let registration = Registration {
        redirect_uris: &redirect_uris,
        scopes: &scopes,
        resources: &resources,
        grants: &Grant::ALL,
        require_pushed: false,
        any_localhost_port: true,
    };
    let holds = |request: &AuthorizationRequest| {
        assert!(redirect_uris.contains(&request.redirect_uri));
        assert_eq!(request.recheck(&registration), Ok(()));
        let sealed = serde_json::to_vec(request).unwrap();
        assert_eq!(serde_json::from_slice::<AuthorizationRequest>(&sealed).unwrap(), *request);
    };
    if let Ok(params) = Params::parse_noting_repeats(bytes, Limits::STANDARD) {
        let _ = pushed_request(&params);
        match AuthorizationRequest::parse(&params, &registration) {
            Ok(request) => holds(&request),
            Err(AuthorizationRejection::Redirect { redirect_uri, .. }) => {
                assert!(redirect_uris.contains(&redirect_uri));
            }
            Err(AuthorizationRejection::Page(_)) => {}
        }
    }
    if let Ok(params) = Params::parse(bytes, Limits::STANDARD) {
        let client: ClientId = "app".parse().unwrap();
        if let Ok(request) = AuthorizationRequest::parse_pushed(&params, &client, &registration) {
            assert_eq!(request.client_id, client);
            holds(&request);
        }
        if let Ok(request) = DeviceRequest::parse(&params, &registration) {
            assert!(request.scopes.within(&scopes));
            assert!(request.resources.as_slice().iter().all(|uri| resources.contains(uri)));
        }
        if let Ok(TokenRequest::TokenExchange(exchange)) = TokenRequest::parse(&params) {
            assert!(!exchange.resources.is_empty());
        }
        let _ = IntrospectionRequest::parse(&params);
        let _ = ClientCredentials::from_request([], &params);
        if let Some(Ok(code)) = params.get("user_code").map(str::parse::<UserCode>) {
            assert_eq!(code.to_string().parse(), Ok(code));
        }
    }
});
