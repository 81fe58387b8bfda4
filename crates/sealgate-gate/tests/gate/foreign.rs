//! In front of a provider of another kind, which has no feed.

use std::time::Duration;

use sealgate_gate::{Kinds, Need, Requirement};
use sealgate_host::FetchError;
use sealgate_model::Actor;
use serde_json::{Value, json};

use crate::browser::{Browser, begin, location, signed_in, user};
use crate::provider::{World, cold_world};

const FEED: [&str; 2] = ["revocation_feed_endpoint", "revocation_snapshot_endpoint"];

/// A gate in front of a provider of this kind. It has followed nothing yet.
pub(crate) fn foreign(provider: &'static [(&str, &str)]) -> World {
    let world = cold_world(provider);
    world.state().left_out.extend(FEED);
    world
}

pub(crate) fn openid() -> World {
    foreign(&[("SEALGATE_PROVIDER", "openid")])
}

async fn passes(world: &World, browser: &mut Browser) -> bool {
    browser.send(&world.gate, "GET", "/", &user()).await.is_ok()
}

fn renewals(world: &World) -> usize {
    let requests = &world.state().token_requests;
    let renewal = ("grant_type".to_owned(), "refresh_token".to_owned());
    requests
        .iter()
        .filter(|form| form.contains(&renewal))
        .count()
}

#[tokio::test(start_paused = true)]
async fn without_the_setting_an_issuer_without_a_feed_opens_nothing() {
    let world = foreign(&[]);
    let mut browser = signed_in(&world).await;
    world.follow_once().await;
    assert!(!world.gate.is_ready());
    let denied = browser.denied(&world.gate, "GET", "/", &user()).await;
    assert_eq!(denied, (503, "feed_stale"));
}

#[tokio::test(start_paused = true)]
async fn a_session_is_renewed_every_five_minutes_however_long_its_tokens_last() {
    let world = openid();
    assert!(world.gate.is_ready());
    world.state().left_out.push("refresh_expires_in");
    let mut browser = signed_in(&world).await;
    for minutes in 1..=12 {
        world.clock.advance(Duration::from_secs(299));
        assert!(passes(&world, &mut browser).await);
        assert_eq!(renewals(&world), minutes - 1);
        world.clock.advance(Duration::from_secs(1));
        assert!(passes(&world, &mut browser).await);
        assert_eq!(renewals(&world), minutes);
    }
    // Revoked there: the provider says so at the next renewal.
    let revoked = Ok((400, json!({ "error": "invalid_grant" })));
    world.state().token_answers.push_back(revoked);
    world.clock.advance(Duration::from_secs(300));
    let denied = browser.denied(&world.gate, "GET", "/", &user()).await;
    assert_eq!(denied, (401, "renewal_refused"));
}

#[tokio::test(start_paused = true)]
async fn a_long_access_part_does_not_put_the_renewal_off() {
    let world = openid();
    let mut browser = Browser::default();
    let begun = begin(&world, &mut browser, "/auth/login").await;
    let now = 1_790_000_000;
    let id_token = json!({ "iss": crate::provider::ISSUER, "sub": "ada", "aud": "expenses", "exp": now + 86_400,
        "iat": now, "nonce": begun.get("nonce") });
    // Neither type nor key id: one key is there for its algorithm.
    let header = json!({ "alg": "EdDSA" });
    let id_token = world.provider.keys[0].sign_with_header(&header, &id_token);
    world.state().token_answers.push_back(Ok((
        200,
        json!({ "access_token": "at", "token_type": "Bearer", "expires_in": 86_400, "refresh_expires_in": 0,
            "id_token": id_token.unwrap(), "refresh_token": "r" }),
    )));
    let answer = browser
        .send(&world.gate, "GET", &begun.answer(), &user())
        .await;
    assert_eq!(location(&answer.unwrap_err()), "/");
    world.clock.advance(Duration::from_secs(299));
    assert!(passes(&world, &mut browser).await);
    assert_eq!(renewals(&world), 0);
    world.clock.advance(Duration::from_secs(1));
    assert!(passes(&world, &mut browser).await);
    assert_eq!(renewals(&world), 1);
}

#[tokio::test(start_paused = true)]
async fn without_a_refresh_token_a_session_lasts_as_long_as_the_tokens() {
    for (left_out, seconds) in [
        (vec!["refresh_token"], 300),
        (vec!["refresh_token", "expires_in"], 300),
    ] {
        let world = openid();
        world.state().left_out.extend(left_out);
        let mut browser = signed_in(&world).await;
        world.clock.advance(Duration::from_secs(seconds - 1));
        assert!(passes(&world, &mut browser).await);
        world.clock.advance(Duration::from_secs(1));
        let denied = browser.denied(&world.gate, "GET", "/", &user()).await;
        assert_eq!(denied, (401, "session_expired"));
        assert_eq!(renewals(&world), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_socket_ends_with_the_access_part() {
    let world = openid();
    let mut browser = signed_in(&world).await;
    let allowed = browser
        .send(&world.gate, "GET", "/", &user())
        .await
        .unwrap();
    let caller = allowed.caller.unwrap();
    world.clock.advance(Duration::from_secs(299));
    assert_eq!(world.gate.standing(&caller), None);
    world.clock.advance(Duration::from_secs(1));
    assert!(world.gate.standing(&caller).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_names_no_session_gets_one_that_stays_through_renewals() {
    let world = openid();
    world.state().claims.push(("sid", Value::Null));
    let session = async |browser: &mut Browser| {
        let allowed = browser
            .send(&world.gate, "GET", "/", &user())
            .await
            .unwrap();
        allowed.caller.unwrap().credential.session.unwrap()
    };
    let (mut one, mut other) = (signed_in(&world).await, signed_in(&world).await);
    let first = session(&mut one).await;
    assert_ne!(first, session(&mut other).await);
    world.clock.advance(Duration::from_secs(300));
    assert_eq!(session(&mut one).await, first);
    // Nor does it matter what a renewal calls it.
    world.state().claims.push(("sid", json!("another")));
    world.clock.advance(Duration::from_secs(300));
    assert_eq!(session(&mut one).await, first);
    assert_eq!(renewals(&world), 2);
}

#[tokio::test(start_paused = true)]
async fn what_a_renewal_does_not_repeat_stays_and_the_organisation_never_changes_unsaid() {
    let world = openid();
    world
        .state()
        .claims
        .extend([("tenant", json!("acme")), ("acr", json!("gold"))]);
    let mut browser = signed_in(&world).await;
    world.state().claims.clear();
    world.clock.advance(Duration::from_secs(300));
    let acme = Requirement::Actor(Need {
        tenant: Some("acme".to_owned()),
        acr: vec!["gold".to_owned()],
        ..Need::of(Kinds::USER)
    });
    let allowed = browser.send(&world.gate, "GET", "/", &acme).await.unwrap();
    let Actor::User(ada) = &*allowed.caller.unwrap().actor else {
        panic!("a user is a user")
    };
    assert_eq!(
        (ada.tenant.as_deref(), ada.acr.as_deref()),
        (Some("acme"), Some("gold"))
    );
    world.state().claims.push(("tenant", json!("globex")));
    world.clock.advance(Duration::from_secs(300));
    let denied = browser.denied(&world.gate, "GET", "/", &user()).await;
    assert_eq!(denied, (401, "renewal_refused"));
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_does_not_say_when_somebody_signed_in_vouches_for_no_recent_sign_in() {
    let world = openid();
    let recent = Requirement::Actor(Need {
        max_age: Some(Duration::from_secs(60)),
        ..Need::of(Kinds::USER)
    });
    for (auth_time, expected) in [
        (Value::Null, (401, "authentication_old")),
        (json!(0), (401, "authentication_old")),
    ] {
        world.state().claims = vec![("auth_time", auth_time)];
        let mut browser = signed_in(&world).await;
        assert!(passes(&world, &mut browser).await);
        let refused = browser.denied(&world.gate, "GET", "/", &recent).await;
        assert_eq!(refused, expected);
    }
    world.state().claims.clear();
    let mut browser = signed_in(&world).await;
    let passed = browser.send(&world.gate, "GET", "/", &recent).await;
    assert!(passed.is_ok(), "where it does say");
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_the_provider_is_a_503_and_never_a_sign_in() {
    let world = openid();
    let mut browser = signed_in(&world).await;
    world.clock.advance(Duration::from_secs(300));
    let outage = Err(FetchError::TimedOut);
    world.state().token_answers.push_back(outage);
    let denied = browser.denied(&world.gate, "GET", "/", &user()).await;
    assert_eq!(denied, (503, "renewal_unavailable"));
    world.clock.advance(Duration::from_secs(1));
    assert!(passes(&world, &mut browser).await);
}

#[tokio::test(start_paused = true)]
async fn each_kind_of_provider_is_asked_in_its_own_way() {
    let begun = async |settings| {
        let world = foreign(settings);
        begin(&world, &mut Browser::default(), "/auth/login").await
    };
    let auth0 = begun(&[
        ("SEALGATE_PROVIDER", "auth0"),
        ("SEALGATE_AUDIENCES", "https://api.example"),
    ]);
    let auth0 = auth0.await;
    assert_eq!(auth0.get("audience"), "https://api.example");
    assert_eq!(auth0.get("scope"), "openid profile email offline_access");
    let unnamed = begun(&[("SEALGATE_PROVIDER", "auth0")]).await;
    assert!(!unnamed.has("audience"));
    let google = begun(&[("SEALGATE_PROVIDER", "google")]).await;
    assert_eq!(google.get("access_type"), "offline");
    assert!(!google.get("scope").contains("offline_access"));
    let openid = begun(&[("SEALGATE_PROVIDER", "openid")]).await;
    assert!(!openid.has("prompt"));
    let offline = begun(&[
        ("SEALGATE_PROVIDER", "openid"),
        ("SEALGATE_SCOPES", "openid offline_access"),
    ]);
    assert_eq!(offline.await.get("prompt"), "consent");
}

#[tokio::test(start_paused = true)]
async fn roles_and_organisation_come_from_where_the_provider_keeps_them() {
    let world = foreign(&[("SEALGATE_PROVIDER", "keycloak")]);
    world.state().claims.extend([
        ("realm_access", json!({ "roles": ["auditor"] })),
        ("roles", json!("not read here")),
    ]);
    let mut browser = signed_in(&world).await;
    let auditor = Requirement::Actor(Need {
        roles: vec!["auditor".to_owned()],
        ..Need::of(Kinds::USER)
    });
    assert!(
        browser
            .send(&world.gate, "GET", "/", &auditor)
            .await
            .is_ok()
    );
    let world = foreign(&[("SEALGATE_PROVIDER", "entra")]);
    world
        .state()
        .claims
        .extend([("tid", json!("t1")), ("roles", json!(["reader"]))]);
    let mut browser = signed_in(&world).await;
    let tenant = Requirement::Actor(Need {
        tenant: Some("t1".to_owned()),
        roles: vec!["reader".to_owned()],
        ..Need::of(Kinds::USER)
    });
    assert!(browser.send(&world.gate, "GET", "/", &tenant).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn logging_out_leads_to_the_provider_only_where_that_works_without_the_id_token() {
    for (settings, there) in [
        (&[("SEALGATE_PROVIDER", "openid")], true),
        (&[("SEALGATE_PROVIDER", "okta")], false),
    ] {
        let world = foreign(settings);
        let mut browser = signed_in(&world).await;
        browser.headers = crate::browser::from_here();
        browser.headers.push(("accept", "text/html".to_owned()));
        let response = browser
            .send(&world.gate, "POST", "/auth/logout", &user())
            .await;
        let response = response.unwrap_err();
        let next = location(&response);
        assert_eq!(next.starts_with(crate::provider::ISSUER), there, "{next}");
        if there {
            assert!(
                next.contains("client_id=expenses") && next.contains("post_logout_redirect_uri=")
            );
            assert!(!next.contains("hint"), "{next}");
        }
        assert_eq!(world.state().revocations.len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn the_secret_goes_into_the_form_where_the_provider_takes_it_nowhere_else() {
    let world = openid();
    world.state().secret_in_form = true;
    let browser = signed_in(&world).await;
    assert!(browser.session().is_some());
    let requests = &world.state().token_requests;
    let secret = (
        "client_secret".to_owned(),
        "a secret: with/odd+characters".to_owned(),
    );
    assert!(requests[0].contains(&secret));
}
