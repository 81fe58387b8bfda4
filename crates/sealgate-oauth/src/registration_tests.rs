//! What a client may ask for by its registration, now and while a request is kept; and what it may push.

use super::tests::{CALLBACK, CHALLENGE, read, sound, with};
use super::*;
use crate::Limits;

type Pairs = [(&'static str, String)];

fn params(pairs: &Pairs) -> Params {
    let raw = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish();
    Params::parse_noting_repeats(raw.as_bytes(), Limits::STANDARD).unwrap()
}

struct Registered {
    redirect_uris: [String; 1],
    scopes: [String; 2],
    resources: [String; 1],
}

impl Registered {
    fn new() -> Self {
        Self {
            redirect_uris: [CALLBACK.to_owned()],
            scopes: ["openid", "email"].map(String::from),
            resources: ["https://api.example".to_owned()],
        }
    }

    fn view(&self) -> Registration<'_> {
        Registration {
            redirect_uris: &self.redirect_uris,
            scopes: &self.scopes,
            resources: &self.resources,
            grants: &[Grant::AuthorizationCode],
            require_pushed: false,
            any_localhost_port: false,
        }
    }
}

fn refusal(registration: &Registration<'_>) -> Option<OAuthError> {
    match AuthorizationRequest::parse(&params(&sound()), registration) {
        Err(AuthorizationRejection::Redirect { error, .. }) => Some(error),
        Err(AuthorizationRejection::Page(error)) => panic!("{error:?}"),
        Ok(_) => None,
    }
}

#[test]
fn a_client_without_the_grant_gets_no_code() {
    let registered = Registered::new();
    assert_eq!(refusal(&registered.view()), None);
    let machine = Registration {
        grants: &[Grant::ClientCredentials, Grant::RefreshToken],
        ..registered.view()
    };
    assert_eq!(refusal(&machine), Some(OAuthError::GrantNotAllowed));
    assert_eq!(
        OAuthError::GrantNotAllowed.error().as_str(),
        "unauthorized_client"
    );
}

#[test]
fn a_client_that_has_to_push_may_not_carry_its_request_itself() {
    let registered = Registered::new();
    let pushing = Registration {
        require_pushed: true,
        any_localhost_port: false,
        ..registered.view()
    };
    assert_eq!(refusal(&pushing), Some(OAuthError::PushedRequestRequired));
    let client = "app".parse().unwrap();
    let pushed = AuthorizationRequest::parse_pushed(&params(&sound()), &client, &pushing);
    assert_eq!(pushed, Ok(read(&sound()).unwrap()));
}

#[test]
fn a_pushed_request_is_held_to_the_same_rules_and_told_of_all_at_once() {
    let registered = Registered::new();
    let client = "app".parse().unwrap();
    let push = |pairs: &Pairs| {
        AuthorizationRequest::parse_pushed(&params(pairs), &client, &registered.view())
    };
    let mut unnamed = sound();
    unnamed.retain(|(name, _)| *name != "client_id");
    assert!(push(&unnamed).is_ok(), "the client has authenticated");
    let mut twice = sound();
    twice.push(("state", "other".into()));
    for (pairs, error) in [
        (with("request_uri", "urn:x"), OAuthError::RequestUriPushed),
        (with("request", "x"), OAuthError::RequestObjectUnsupported),
        (
            with("client_id", "other"),
            OAuthError::ParameterInvalid("client_id"),
        ),
        (
            with("redirect_uri", "https://evil.example"),
            OAuthError::RedirectUriUnregistered,
        ),
        (
            with("redirect_uri", ""),
            OAuthError::ParameterMissing("redirect_uri"),
        ),
        (with("code_challenge", ""), OAuthError::PkceMissing),
        (with("scope", "admin"), OAuthError::ScopeNotAllowed),
        (
            with("state", &"s".repeat(2049)),
            OAuthError::ParameterTooLong,
        ),
        (twice, OAuthError::ParameterRepeated),
    ] {
        assert_eq!(push(&pairs), Err(error));
    }
}

#[test]
fn what_is_not_registered_any_more_is_not_answered() {
    let request = read(&with("resource", "https://api.example")).unwrap();
    let registered = Registered::new();
    let now = registered.view();
    assert_eq!(request.recheck(&now), Ok(()));
    for (change, error) in [
        (
            Registration {
                redirect_uris: &[],
                ..now
            },
            OAuthError::RedirectUriUnregistered,
        ),
        (
            Registration {
                scopes: &registered.scopes[..1],
                ..now
            },
            OAuthError::ScopeNotAllowed,
        ),
        (
            Registration {
                resources: &[],
                ..now
            },
            OAuthError::ResourceNotAllowed,
        ),
        (
            Registration { grants: &[], ..now },
            OAuthError::GrantNotAllowed,
        ),
    ] {
        assert_eq!(request.recheck(&change), Err(error));
    }
}

#[test]
fn a_claim_asked_for_alone_needs_the_consent_that_its_scope_would() {
    let mut pairs = with("scope", "openid");
    assert_eq!(read(&pairs).unwrap().scopes_to_consent(), ["openid"]);
    let claims = r#"{"id_token":{"email":null},"userinfo":{"email_verified":null,"roles":null}}"#;
    pairs.push(("claims", claims.to_owned()));
    assert_eq!(
        read(&pairs).unwrap().scopes_to_consent(),
        ["openid", "email"]
    );
}

#[test]
fn a_request_is_bound_to_one_key_only() {
    let key = |text: &str| Thumbprint::parse(text).unwrap();
    let other = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";
    let mut request = read(&sound()).unwrap();
    assert_eq!(request.bind_to(key(CHALLENGE)), Ok(()));
    assert_eq!(request.bind_to(key(CHALLENGE)), Ok(()));
    assert_eq!(request.bind_to(key(other)), Err(OAuthError::DpopProofKey));
    assert_eq!(request.dpop_jkt, Some(key(CHALLENGE)));
}
