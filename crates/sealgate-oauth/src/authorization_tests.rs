//! What an authorization request may and may not say.

use proptest::prelude::*;

use super::*;
use crate::Limits;

const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const CALLBACK: &str = "https://app.example/cb";

fn sound() -> Vec<(&'static str, String)> {
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

fn with(name: &'static str, value: &str) -> Vec<(&'static str, String)> {
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
    let params = Params::parse_noting_repeats(raw.as_bytes(), Limits::STANDARD).unwrap();
    let scopes = ["openid", "email"].map(String::from);
    AuthorizationRequest::parse(
        &params,
        &Registration {
            redirect_uris,
            scopes: &scopes,
        },
    )
}

fn read(pairs: &[(&'static str, String)]) -> Result<AuthorizationRequest, AuthorizationRejection> {
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
    assert_eq!(request.prompt, Prompt::Auto);
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
fn prompt_and_max_age_decide_whether_an_old_proof_is_enough() {
    let at = Timestamp::from_seconds;
    let asked = |name, value| read(&with(name, value)).unwrap();
    let plain = read(&sound()).unwrap();
    assert!(plain.is_satisfied_by(at(0), None, at(80_000)));
    let aged = asked("max_age", "60");
    assert!(aged.is_satisfied_by(at(40), None, at(100)));
    assert!(!aged.is_satisfied_by(at(39), None, at(100)));
    for request in [
        asked("prompt", "login"),
        asked("prompt", "select_account consent"),
        asked("max_age", "0"),
    ] {
        assert!(
            !request.is_satisfied_by(at(100), None, at(100)),
            "the first arrival always asks"
        );
        assert!(
            !request.is_satisfied_by(at(99), Some(at(100)), at(101)),
            "an older proof is not enough"
        );
        assert!(
            request.is_satisfied_by(at(100), Some(at(100)), at(900)),
            "the page has been passed"
        );
    }
}

proptest! {
    #[test]
    fn any_value_of_any_parameter_gives_a_request_or_an_error(
        name in prop::sample::select(vec![
            "client_id", "redirect_uri", "scope", "state", "nonce", "prompt", "max_age", "code_challenge",
        ]),
        value in "\\PC{0,80}",
    ) {
        if let Ok(request) = read(&with(name, &value)) {
            let text = serde_json::to_string(&request).unwrap();
            prop_assert_eq!(serde_json::from_str::<AuthorizationRequest>(&text).unwrap(), request);
        }
    }
}
