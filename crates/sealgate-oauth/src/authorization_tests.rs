//! What an authorization request may and may not say.

use proptest::prelude::*;

use super::*;
use crate::{Claim, Limits};

pub(super) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub(super) const CALLBACK: &str = "https://app.example/cb";

pub(super) fn sound() -> Vec<(&'static str, String)> {
    [
        ("response_type", "code"),
        ("client_id", "app"),
        ("redirect_uri", CALLBACK),
        ("scope", "openid email"),
        ("state", "s t&te"),
        ("nonce", "n"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .to_vec()
}

pub(super) fn with(name: &'static str, value: &str) -> Vec<(&'static str, String)> {
    let mut pairs = sound();
    pairs.retain(|(key, _)| *key != name);
    pairs.push((name, value.to_owned()));
    pairs
}

fn read_as(
    redirect_uris: &[String],
    pairs: &[(&'static str, String)],
) -> Result<AuthorizationRequest, AuthorizationRejection> {
    let raw = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish();
    let params = Params::parse_noting_repeats(raw.as_bytes(), Limits::WITH_TOKEN).unwrap();
    let scopes = ["openid", "email"].map(String::from);
    let resources = [
        "https://api.example".to_owned(),
        "https://mcp.example/a".to_owned(),
    ];
    AuthorizationRequest::parse(
        &params,
        &Registration {
            redirect_uris,
            scopes: &scopes,
            resources: &resources,
            grants: &[Grant::AuthorizationCode],
            require_pushed: false,
            any_localhost_port: false,
        },
    )
}

pub(super) fn read(
    pairs: &[(&'static str, String)],
) -> Result<AuthorizationRequest, AuthorizationRejection> {
    read_as(
        &[CALLBACK.to_owned(), "http://127.0.0.1/cb".to_owned()],
        pairs,
    )
}

#[track_caller]
fn assert_redirected(pairs: &[(&'static str, String)], expected: OAuthError) {
    match read(pairs) {
        Err(AuthorizationRejection::Redirect {
            redirect_uri,
            response_mode: ResponseMode::Query,
            state,
            error,
        }) => {
            assert_eq!(
                (redirect_uri.as_str(), state.as_deref(), error),
                (CALLBACK, Some("s t&te"), expected)
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_sound_request_survives_sealing() {
    let request = read(&sound()).unwrap();
    assert_eq!(request.state.as_deref(), Some("s t&te"));
    assert!(request.prompt.is_empty());
    let text = serde_json::to_string(&request).unwrap();
    assert_eq!(
        serde_json::from_str::<AuthorizationRequest>(&text).unwrap(),
        request
    );
}

#[test]
fn doubt_about_client_or_redirect_uri_is_never_answered_by_redirect() {
    let mut twice = sound();
    twice.push(("redirect_uri", CALLBACK.to_owned()));
    let mut two_clients = sound();
    two_clients.push(("client_id", "other".to_owned()));
    for (pairs, error) in [
        (
            with("client_id", ""),
            OAuthError::ParameterMissing("client_id"),
        ),
        (with("client_id", "a b"), OAuthError::ClientUnknown),
        (two_clients, OAuthError::ParameterRepeated),
        (
            with("redirect_uri", "https://evil.example/cb"),
            OAuthError::RedirectUriUnregistered,
        ),
        (
            with("redirect_uri", "https://app.example/cb/"),
            OAuthError::RedirectUriUnregistered,
        ),
        (
            with("redirect_uri", ""),
            OAuthError::ParameterMissing("redirect_uri"),
        ),
        (twice, OAuthError::ParameterRepeated),
    ] {
        assert_eq!(
            read(&pairs),
            Err(AuthorizationRejection::Page(error)),
            "{error}"
        );
    }
}

#[test]
fn every_other_fault_goes_back_to_the_client_with_its_state() {
    let mut repeated = sound();
    repeated.push(("scope", "openid".to_owned()));
    assert_redirected(&repeated, OAuthError::ParameterRepeated);
    for (name, value, error) in [
        (
            "response_type",
            "",
            OAuthError::ParameterMissing("response_type"),
        ),
        (
            "response_type",
            "token",
            OAuthError::ResponseTypeUnsupported,
        ),
        (
            "response_type",
            "code id_token",
            OAuthError::ResponseTypeUnsupported,
        ),
        (
            "response_mode",
            "fragment",
            OAuthError::ResponseModeUnsupported,
        ),
        ("code_challenge", "", OAuthError::PkceMissing),
        (
            "code_challenge",
            "short",
            OAuthError::PkceChallengeMalformed,
        ),
        (
            "code_challenge_method",
            "plain",
            OAuthError::PkceMethodUnsupported,
        ),
        (
            "code_challenge_method",
            "",
            OAuthError::PkceMethodUnsupported,
        ),
        ("scope", "", OAuthError::ScopeMissing),
        ("scope", "openid admin", OAuthError::ScopeNotAllowed),
        ("scope", "\"", OAuthError::ScopeMalformed),
        ("request", "x", OAuthError::RequestObjectUnsupported),
        (
            "request_uri",
            "https://evil.example",
            OAuthError::RequestUriUnsupported,
        ),
        ("registration", "{}", OAuthError::RegistrationUnsupported),
        ("prompt", "create", OAuthError::ParameterInvalid("prompt")),
        (
            "prompt",
            "none login",
            OAuthError::ParameterInvalid("prompt"),
        ),
        ("max_age", "-1", OAuthError::ParameterInvalid("max_age")),
        ("max_age", "1e3", OAuthError::ParameterInvalid("max_age")),
        ("nonce", &"n".repeat(513), OAuthError::ParameterTooLong),
    ] {
        assert_redirected(&with(name, value), error);
    }
}

#[test]
fn an_applications_own_scheme_is_redirected_to_and_never_posted_to() {
    let registered = ["com.example.app:/cb".to_owned()];
    let request = read_as(&registered, &with("redirect_uri", &registered[0])).unwrap();
    assert_eq!(request.redirect_uri, "com.example.app:/cb");
    let mut posted = with("redirect_uri", &registered[0]);
    posted.push(("response_mode", "form_post".to_owned()));
    assert_eq!(
        read_as(&registered, &posted),
        Err(AuthorizationRejection::Redirect {
            redirect_uri: registered[0].clone(),
            response_mode: ResponseMode::Query,
            state: Some("s t&te".to_owned()),
            error: OAuthError::ResponseModeUnsupported,
        })
    );
    for other in [
        "com.example.app:/cb/",
        "com.example.app://cb",
        "com.example.app:cb",
    ] {
        assert_eq!(
            read_as(&registered, &with("redirect_uri", other)),
            Err(AuthorizationRejection::Page(
                OAuthError::RedirectUriUnregistered
            ))
        );
    }
}

#[test]
fn every_optional_parameter_is_held_to_its_form_and_limit() {
    for (name, value, error) in [
        (
            "response_mode",
            "query.jwt",
            OAuthError::ResponseModeUnsupported,
        ),
        (
            "id_token_hint",
            &"i".repeat(7169),
            OAuthError::ParameterTooLong,
        ),
        (
            "acr_values",
            "1 2 3 4 5 6 7 8 9",
            OAuthError::ParameterInvalid("acr_values"),
        ),
        (
            "acr_values",
            &"a".repeat(257),
            OAuthError::ParameterInvalid("acr_values"),
        ),
        ("claims", "{", OAuthError::ClaimsMalformed),
        ("claims", &"[".repeat(4097), OAuthError::ClaimsTooLarge),
        (
            "claims",
            r#"{"id_token":{"sub":{"value":"nobody"}}}"#,
            OAuthError::UserUnexpected,
        ),
        ("resource", "api", OAuthError::ResourceMalformed),
        (
            "resource",
            "https://api.example/#x",
            OAuthError::ResourceMalformed,
        ),
        (
            "resource",
            "https://other.example",
            OAuthError::ResourceNotAllowed,
        ),
        ("dpop_jkt", "short", OAuthError::DpopJktMalformed),
    ] {
        assert_redirected(&with(name, value), error);
    }
}

#[test]
fn a_state_too_long_to_give_back_is_left_out() {
    let answer = read(&with("state", &"s".repeat(2049)));
    assert!(matches!(
        answer,
        Err(AuthorizationRejection::Redirect {
            state: None,
            error: OAuthError::ParameterTooLong,
            ..
        })
    ));
}

#[test]
fn a_repeated_state_is_not_given_back() {
    let mut pairs = sound();
    pairs.push(("state", "other".to_owned()));
    assert!(matches!(
        read(&pairs),
        Err(AuthorizationRejection::Redirect {
            state: None,
            error: OAuthError::ParameterRepeated,
            ..
        })
    ));
}

#[test]
fn the_redirect_uri_may_be_left_out_only_where_it_is_not_in_doubt() {
    let mut pairs = with("scope", "email");
    pairs.retain(|(name, _)| *name != "redirect_uri");
    let one = [CALLBACK.to_owned()];
    assert_eq!(read_as(&one, &pairs).unwrap().redirect_uri, CALLBACK);
    pairs.retain(|(name, _)| *name != "scope");
    pairs.push(("scope", "openid".to_owned()));
    assert!(matches!(
        read_as(&one, &pairs),
        Err(AuthorizationRejection::Page(_))
    ));
}

#[test]
fn a_native_client_may_choose_its_loopback_port() {
    let request = read(&with("redirect_uri", "http://127.0.0.1:49152/cb")).unwrap();
    assert_eq!(request.redirect_uri, "http://127.0.0.1:49152/cb");
}

#[test]
fn an_over_long_hint_is_dropped() {
    assert_eq!(
        read(&with("login_hint", &"a".repeat(255)))
            .unwrap()
            .login_hint,
        None
    );
    assert_eq!(
        read(&with("login_hint", "ada@example.org"))
            .unwrap()
            .login_hint
            .as_deref(),
        Some("ada@example.org")
    );
}

#[test]
fn what_is_left_out_takes_no_room_when_sealed() {
    let mut pairs = sound();
    pairs.retain(|(name, _)| *name != "state" && *name != "nonce");
    let text = serde_json::to_value(read(&pairs).unwrap()).unwrap();
    let mut names: Vec<_> = text.as_object().unwrap().keys().cloned().collect();
    names.sort();
    assert_eq!(names, ["challenge", "client_id", "redirect_uri", "scopes"]);
}

#[test]
fn a_request_with_everything_survives_sealing_and_fits() {
    let mut pairs = sound();
    let languages = "de-CH de en x _ de_DE 12 zh-Hant-TW a-toolongtag fr it rm es pt";
    for (name, value) in [
        ("response_mode", "form_post"),
        ("prompt", "login consent"),
        ("max_age", "3600"),
        ("login_hint", "ada@example.org"),
        ("id_token_hint", "e30.e30.c2ln"),
        ("acr_values", "urn:a  urn:b"),
        ("ui_locales", languages),
        (
            "claims",
            r#"{"id_token":{"email":null,"name":null,"acr":{"essential":true}}}"#,
        ),
        ("resource", "https://mcp.example/a"),
        ("resource", "https://api.example/"),
        ("dpop_jkt", CHALLENGE),
        ("display", "popup"),
        ("claims_locales", "de"),
        ("unknown", "x"),
    ] {
        pairs.push((name, value.to_owned()));
    }
    let request = read(&pairs).unwrap();
    assert_eq!(request.response_mode, ResponseMode::FormPost);
    assert!(request.prompt.asks_sign_in() && request.prompt.asks_consent());
    assert_eq!(request.id_token_hint.as_deref(), Some("e30.e30.c2ln"));
    assert_eq!(request.acr_values, ["urn:a", "urn:b"]);
    let tags = ["de-CH", "de", "en", "zh-Hant-TW", "fr", "it", "rm", "es"];
    assert_eq!(
        request.ui_locales, tags,
        "well-formed ones, the first eight"
    );
    assert_eq!(
        request.claims.id_token.len(),
        2,
        "the client has no scope for a name"
    );
    assert!(request.claims.id_token.contains(&Claim::Email));
    let resources = ["https://mcp.example/a", "https://api.example"];
    assert_eq!(request.resources.as_slice(), resources, "as registered");
    assert_eq!(request.dpop_jkt.as_ref().unwrap().as_str(), CHALLENGE);
    let text = serde_json::to_string(&request).unwrap();
    assert!(text.len() < 1024, "{}", text.len());
    assert_eq!(
        serde_json::from_str::<AuthorizationRequest>(&text).unwrap(),
        request
    );
}

#[test]
fn a_refusal_goes_back_the_way_the_client_asked_for() {
    let mut pairs = with("response_mode", "form_post");
    pairs.push(("claims", "x".into()));
    assert!(matches!(
        read(&pairs),
        Err(AuthorizationRejection::Redirect {
            response_mode: ResponseMode::FormPost,
            error: OAuthError::ClaimsMalformed,
            ..
        })
    ));
}

#[test]
fn more_resources_than_a_request_may_name_are_too_many() {
    let mut pairs = sound();
    for _ in 0..9 {
        pairs.push(("resource", "https://api.example".into()));
    }
    assert_redirected(&pairs, OAuthError::TooManyResources);
}

proptest! {
    #[test]
    fn any_value_of_any_parameter_gives_a_request_or_an_error(
        name in prop::sample::select(vec![
            "client_id", "redirect_uri", "scope", "state", "nonce", "prompt", "max_age", "code_challenge",
            "response_mode", "id_token_hint", "acr_values", "ui_locales", "claims", "resource", "dpop_jkt",
        ]),
        value in "\\PC{0,80}",
    ) {
        if let Ok(request) = read(&with(name, &value)) {
            let text = serde_json::to_string(&request).unwrap();
            prop_assert_eq!(serde_json::from_str::<AuthorizationRequest>(&text).unwrap(), request);
        }
    }
}
