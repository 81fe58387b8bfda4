//! When a user has to sign in, and when that would not help.

use proptest::prelude::*;

use super::*;
use crate::AuthenticationNeed::{CannotBeMet, Satisfied, SignIn};
use crate::{AcrRequest, CodeChallenge, Prompts};

const PASSWORD: &str = "urn:sealgate:acr:password";
const STRONG: &str = "urn:example:strong";
const REACHABLE: [&str; 1] = [PASSWORD];
const ADA: UserId = UserId::from_bytes([1; 16]);
const BOB: UserId = UserId::from_bytes([2; 16]);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn request() -> AuthorizationRequest {
    AuthorizationRequest {
        client_id: "app".parse().unwrap(),
        redirect_uri: "https://app.example/cb".into(),
        scopes: "openid".parse().unwrap(),
        state: None,
        response_mode: crate::ResponseMode::Query,
        nonce: None,
        challenge: CodeChallenge::parse("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM").unwrap(),
        prompt: Prompts::default(),
        max_age: None,
        login_hint: None,
        id_token_hint: None,
        expected_user: None,
        acr_values: vec![],
        ui_locales: vec![],
        claims: crate::ClaimsRequest::default(),
        resources: crate::Resources::default(),
        dpop_jkt: None,
    }
}

fn prompting(prompt: &str) -> AuthorizationRequest {
    AuthorizationRequest {
        prompt: prompt.parse().unwrap(),
        ..request()
    }
}

fn aged(max_age: u32) -> AuthorizationRequest {
    AuthorizationRequest {
        max_age: Some(max_age),
        ..request()
    }
}

fn insisting_on(values: &[&str]) -> AuthorizationRequest {
    let mut request = request();
    request.claims.acr = Some(AcrRequest {
        values: values.iter().map(ToString::to_string).collect(),
        essential: true,
    });
    request
}

fn expecting(user: UserId) -> AuthorizationRequest {
    AuthorizationRequest {
        expected_user: Some(user),
        ..request()
    }
}

fn silent(request: AuthorizationRequest) -> AuthorizationRequest {
    AuthorizationRequest {
        prompt: "none".parse().unwrap(),
        ..request
    }
}

/// What `request` needs of Ada, who signed in at `auth_time` with a password.
fn need(
    request: &AuthorizationRequest,
    auth_time: i64,
    asked_at: Option<i64>,
    now: i64,
) -> AuthenticationNeed {
    let proof = Proof {
        user: ADA,
        auth_time: at(auth_time),
        acr: PASSWORD,
    };
    request.authentication_need(Some(&proof), asked_at.map(at), &REACHABLE, at(now))
}

fn need_of_nobody(request: &AuthorizationRequest) -> AuthenticationNeed {
    request.authentication_need(None, None, &REACHABLE, at(100))
}

#[test]
fn nobody_signed_in_means_signing_in_or_with_prompt_none_a_refusal() {
    assert_eq!(need_of_nobody(&request()), SignIn);
    assert_eq!(need_of_nobody(&prompting("consent")), SignIn);
    assert_eq!(
        need_of_nobody(&prompting("none")),
        CannotBeMet(OAuthError::LoginRequired)
    );
}

#[test]
fn an_old_sign_in_is_enough_where_nothing_is_asked_of_it() {
    assert_eq!(need(&request(), 0, None, 80_000), Satisfied);
    assert_eq!(need(&prompting("none"), 0, None, 80_000), Satisfied);
    assert_eq!(need(&prompting("consent"), 0, None, 80_000), Satisfied);
}

#[test]
fn prompt_login_and_select_account_always_ask_first_and_never_twice() {
    for request in [
        prompting("login"),
        prompting("select_account consent"),
        aged(0),
    ] {
        assert_eq!(need(&request, 100, None, 100), SignIn, "on arrival");
        assert_eq!(
            need(&request, 99, Some(100), 101),
            SignIn,
            "an older sign-in"
        );
        assert_eq!(
            need(&request, 100, Some(100), 900),
            Satisfied,
            "the page was passed"
        );
    }
}

#[test]
fn max_age_bounds_the_age_of_the_sign_in() {
    assert_eq!(need(&aged(60), 40, None, 100), Satisfied);
    assert_eq!(need(&aged(60), 39, None, 100), SignIn);
    assert_eq!(
        need(&silent(aged(60)), 39, None, 100),
        CannotBeMet(OAuthError::LoginRequired)
    );
}

#[test]
fn a_sign_in_from_a_clock_that_was_set_back_since_is_of_unknown_age() {
    assert_eq!(need(&aged(60), 160, None, 100), Satisfied, "a small step");
    assert_eq!(need(&aged(60), 161, None, 100), SignIn);
    assert_eq!(need(&prompting("login"), 161, Some(100), 100), SignIn);
}

#[test]
fn another_user_than_expected_has_to_sign_in_and_may_not_stay_another() {
    assert_eq!(need(&expecting(ADA), 0, None, 100), Satisfied);
    assert_eq!(need(&expecting(BOB), 0, None, 100), SignIn);
    let unexpected = CannotBeMet(OAuthError::UserUnexpected);
    assert_eq!(need(&expecting(BOB), 100, Some(100), 101), unexpected);
    assert_eq!(need(&silent(expecting(BOB)), 0, None, 100), unexpected);
    assert_eq!(
        OAuthError::UserUnexpected.error().as_str(),
        "login_required"
    );
}

#[test]
fn a_subject_demanded_by_claims_and_a_hint_have_to_agree() {
    let mut request = request();
    request.claims.subjects = Some(vec![BOB]);
    assert!(!request.accepts(ADA) && request.accepts(BOB));
    request.id_token_hint = Some("e30.e30.".into());
    assert_eq!(request.expect_user(ADA), Err(OAuthError::UserUnexpected));
    assert!(!request.accepts(ADA) && !request.accepts(BOB));
    assert_eq!(request.expect_user(BOB), Ok(()));
    assert_eq!(request.id_token_hint, None, "it has done its work");
}

#[test]
fn an_essential_acr_that_cannot_be_reached_is_refused_before_anybody_signs_in() {
    let unmet = CannotBeMet(OAuthError::AuthenticationUnmet);
    for request in [insisting_on(&[STRONG]), silent(insisting_on(&[STRONG]))] {
        assert_eq!(need_of_nobody(&request), unmet);
        assert_eq!(need(&request, 100, Some(100), 100), unmet);
    }
    assert_eq!(
        OAuthError::AuthenticationUnmet.error().as_str(),
        "unmet_authentication_requirements"
    );
}

#[test]
fn an_essential_acr_that_is_held_or_reachable_is_met() {
    assert_eq!(
        need(&insisting_on(&[STRONG, PASSWORD]), 0, None, 100),
        Satisfied
    );
    assert_eq!(
        need(&insisting_on(&[]), 0, None, 100),
        Satisfied,
        "any value will do"
    );
    let weak = Proof {
        user: ADA,
        auth_time: at(0),
        acr: PASSWORD,
    };
    let stepping_up = insisting_on(&[STRONG]);
    let need = |proof: &Proof<'_>, asked_at| {
        stepping_up.authentication_need(Some(proof), asked_at, &[PASSWORD, STRONG], at(100))
    };
    assert_eq!(need(&weak, None), SignIn);
    let strong = Proof {
        acr: STRONG,
        ..weak
    };
    assert_eq!(need(&strong, None), Satisfied);
    let still_weak = Proof {
        auth_time: at(100),
        ..weak
    };
    assert_eq!(
        need(&still_weak, Some(at(100))),
        CannotBeMet(OAuthError::AuthenticationUnmet),
        "asking once more would ask for ever"
    );
}

#[test]
fn voluntary_acr_values_are_tried_for_and_never_insisted_on() {
    let wishing = |values: &[&str]| AuthorizationRequest {
        acr_values: values.iter().map(ToString::to_string).collect(),
        ..request()
    };
    assert_eq!(
        need(&wishing(&[STRONG]), 0, None, 100),
        Satisfied,
        "out of reach"
    );
    assert_eq!(
        need(&wishing(&[STRONG, PASSWORD]), 0, None, 100),
        Satisfied,
        "held"
    );
    let proof = Proof {
        user: ADA,
        auth_time: at(0),
        acr: PASSWORD,
    };
    let reachable = [PASSWORD, STRONG];
    let need = |request: &AuthorizationRequest, auth_time, asked_at| {
        let proof = Proof {
            auth_time: at(auth_time),
            ..proof
        };
        request.authentication_need(Some(&proof), asked_at, &reachable, at(100))
    };
    assert_eq!(need(&wishing(&[STRONG]), 0, None), SignIn, "within reach");
    assert_eq!(
        need(&wishing(&[STRONG]), 100, Some(at(100))),
        Satisfied,
        "tried"
    );
    assert_eq!(need(&silent(wishing(&[STRONG])), 0, None), Satisfied);
}

proptest! {
    #[test]
    fn with_prompt_none_nobody_is_ever_sent_to_sign_in(
        max_age in any::<Option<u32>>(), auth_time in any::<i64>(), asked_at in any::<Option<i64>>(),
        now in any::<i64>(), expected in any::<bool>(), strong in any::<bool>(), signed_in in any::<bool>(),
    ) {
        let mut request = silent(aged(0));
        request.max_age = max_age;
        request.expected_user = expected.then_some(BOB);
        request.acr_values = if strong { vec![STRONG.into()] } else { vec![] };
        let proof = Proof { user: ADA, auth_time: Timestamp::from_millis(auth_time), acr: PASSWORD };
        let need = request.authentication_need(
            signed_in.then_some(&proof), asked_at.map(Timestamp::from_millis), &[PASSWORD, STRONG],
            Timestamp::from_millis(now),
        );
        prop_assert_ne!(need, SignIn);
        prop_assert!(need != Satisfied || signed_in && !expected);
    }
}
