//! Who passes, and what those who do not are told.

use std::time::Duration;

use sealgate_gate::{CredentialKind, Decision, Kinds, Need, Requirement, Transport};
use sealgate_model::Timestamp;
use sealgate_revocation::{Entry, Subject};

use crate::browser::{Browser, header, location, signed_in, user};
use crate::provider::{SID, cold_world, world, world_with};

#[tokio::test(start_paused = true)]
async fn nobody_passes_without_a_credential_unless_the_route_is_public() {
    let world = world().await;
    let mut browser = Browser::default();
    for requirement in [user(), Requirement::Unmarked] {
        let denied = browser
            .send(&world.gate, "GET", "/expenses", &requirement)
            .await
            .unwrap_err();
        assert_eq!((denied.status, denied.reason), (401, "credential_missing"));
        assert!(header(&denied, "www-authenticate").is_some());
    }
    let public = Requirement::Public {
        reason: "probe".into(),
    };
    let allowed = browser
        .send(&world.gate, "GET", "/health", &public)
        .await
        .unwrap();
    assert!(allowed.caller.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_person_is_sent_to_sign_in_and_comes_back_to_the_page_they_wanted() {
    let world = world().await;
    let mut browser = Browser::default();
    let denied = browser
        .open(&world.gate, "/expenses/a b?page=2&q=%2F")
        .await
        .unwrap_err();
    assert_eq!((denied.status, denied.reason), (303, "credential_missing"));
    assert_eq!(
        location(&denied),
        "/auth/login?return_to=%2Fexpenses%2Fa%2520b%3Fpage%3D2%26q%3D%252F"
    );
    browser.headers = vec![("accept", "text/html,application/json;q=0.9".into())];
    assert_eq!(
        browser
            .send(&world.gate, "GET", "/x", &user())
            .await
            .unwrap_err()
            .status,
        303
    );
    browser.headers = vec![("accept", "application/json, text/html".into())];
    assert_eq!(
        browser
            .send(&world.gate, "GET", "/x", &user())
            .await
            .unwrap_err()
            .status,
        401
    );
    browser.headers = vec![("accept", "text/html".into())];
    assert_eq!(
        browser
            .send(&world.gate, "POST", "/x", &user())
            .await
            .unwrap_err()
            .status,
        401
    );
}

#[tokio::test(start_paused = true)]
async fn a_session_brings_its_actor() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    assert!(
        browser.session().unwrap().len() <= 600,
        "{}",
        browser.session().unwrap().len()
    );
    let allowed = browser
        .send(&world.gate, "GET", "/expenses", &user())
        .await
        .unwrap();
    let caller = allowed.caller.unwrap();
    let user = caller.actor.human().unwrap();
    assert_eq!(
        (user.id.as_str(), user.email.as_deref()),
        ("ada", Some("ada@example.com"))
    );
    assert_eq!(caller.credential.kind, CredentialKind::Session);
    assert_eq!(caller.credential.session.unwrap().to_string(), SID);
    assert!(allowed.set_cookies.is_empty());
}

#[tokio::test(start_paused = true)]
async fn scopes_and_roles_are_all_of() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    let need = |scopes: &[&str], roles: &[&str]| {
        Requirement::Actor(Need {
            scopes: scopes.iter().map(|s| (*s).to_owned()).collect(),
            roles: roles.iter().map(|s| (*s).to_owned()).collect(),
            ..Need::of(Kinds::USER)
        })
    };
    assert!(
        browser
            .send(
                &world.gate,
                "GET",
                "/",
                &need(&["expenses:read"], &["accountant"])
            )
            .await
            .is_ok()
    );
    assert_eq!(
        browser
            .denied(
                &world.gate,
                "GET",
                "/",
                &need(&["expenses:read", "admin"], &[])
            )
            .await,
        (403, "scope_missing")
    );
    assert_eq!(
        browser
            .denied(&world.gate, "GET", "/", &need(&[], &["admin"]))
            .await,
        (403, "role_missing")
    );
}

#[tokio::test(start_paused = true)]
async fn unmarked_routes_can_be_closed_to_everybody() {
    let world = world_with(&[("SEALGATE_UNMARKED", "deny")]).await;
    let mut browser = signed_in(&world).await;
    assert_eq!(
        browser
            .denied(&world.gate, "GET", "/", &Requirement::Unmarked)
            .await,
        (403, "route_unmarked")
    );
    assert!(browser.send(&world.gate, "GET", "/", &user()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn what_was_not_reviewed_is_closed_to_everybody_and_nobody_is_sent_to_sign_in() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    for path in ["/", "/things"] {
        let denied = browser
            .denied(&world.gate, "GET", path, &Requirement::Unreviewed)
            .await;
        assert_eq!(denied, (500, "route_unreviewed"));
    }
    let mut stranger = Browser::default();
    let denied = stranger
        .denied(&world.gate, "GET", "/", &Requirement::Unreviewed)
        .await;
    assert_eq!(denied, (500, "route_unreviewed"));
}

#[tokio::test(start_paused = true)]
async fn every_damaged_cookie_is_refused_with_the_same_words() {
    let world = world().await;
    let good = signed_in(&world).await.session().unwrap().to_owned();
    let mut bodies = std::collections::BTreeSet::new();
    let damaged = (0..good.len())
        .map(|at| good[..at].to_owned())
        .chain((0..good.len()).map(|at| {
            let to = if good.as_bytes()[at] == b'A' {
                "B"
            } else {
                "A"
            };
            format!("{}{to}{}", &good[..at], &good[at + 1..])
        }))
        .chain([
            "v1..".into(),
            "v2.aaaaaaaa.AAAA".into(),
            "\u{fffd}".into(),
            "%".into(),
        ]);
    for cookie in damaged {
        let mut browser = Browser::default();
        browser
            .cookies
            .insert("__Host-Http-sealgate".into(), cookie.clone());
        let denied = browser
            .send(&world.gate, "GET", "/", &user())
            .await
            .unwrap_err();
        assert_eq!(
            (denied.status, denied.reason),
            (401, "credential_invalid"),
            "{cookie}"
        );
        bodies.insert(denied.body);
    }
    assert_eq!(bodies.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_cookie_of_another_environment_is_refused() {
    let here = world().await;
    let browser = signed_in(&here).await;
    for elsewhere in [
        world_with(&[(
            "SEALGATE_SEAL_KEYS",
            "BQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA",
        )])
        .await,
        world_with(&[("SEALGATE_BASE_URL", "http://localhost:8000")]).await,
    ] {
        let mut browser = browser.clone();
        let sealed = browser.session().unwrap().to_owned();
        browser.cookies.insert("sealgate".into(), sealed);
        assert_eq!(
            browser.denied(&elsewhere.gate, "GET", "/", &user()).await,
            (401, "credential_invalid")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn two_cookies_or_an_oversized_one_are_refused_for_what_they_are() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    browser.headers = vec![("cookie", "__Host-Http-sealgate=x".into())];
    assert_eq!(
        browser.denied(&world.gate, "GET", "/", &user()).await,
        (401, "credential_duplicate")
    );
    let mut browser = Browser::default();
    browser
        .cookies
        .insert("__Host-Http-sealgate".into(), "v".repeat(3_801));
    assert_eq!(
        browser.denied(&world.gate, "GET", "/", &user()).await,
        (401, "credential_oversize")
    );
}

#[tokio::test(start_paused = true)]
async fn what_signing_in_does_not_mend_is_a_page_and_no_endless_redirect() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    for (header_name, value, status) in [
        ("authorization", "Bearer added-by-a-proxy", 400),
        ("cookie", "__Host-Http-sealgate=x", 401),
    ] {
        browser.headers = vec![(header_name, value.into())];
        let page = browser.open(&world.gate, "/expenses").await.unwrap_err();
        assert_eq!((page.status, page.reason), (status, "credential_duplicate"));
        assert_eq!(header(&page, "location"), None);
        assert!(header(&page, "www-authenticate").is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn a_state_change_from_another_site_is_refused() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    let cases: [(&[(&str, &str)], bool); 9] = [
        (&[("origin", "https://app.example")], true),
        (&[("origin", "https://evil.example")], false),
        (&[("origin", "null")], false),
        // A page with `Referrer-Policy: no-referrer` hides its origin from its own application.
        (
            &[("sec-fetch-site", "same-origin"), ("origin", "null")],
            true,
        ),
        (
            &[
                ("sec-fetch-site", "same-origin"),
                ("origin", "https://evil.example"),
            ],
            false,
        ),
        (&[("origin", "https://app.example:8443")], false),
        (
            &[
                ("sec-fetch-site", "same-origin"),
                ("origin", "https://app.example"),
            ],
            true,
        ),
        (&[("sec-fetch-site", "same-site")], false),
        (
            &[
                ("sec-fetch-site", "cross-site"),
                ("origin", "https://app.example"),
            ],
            false,
        ),
    ];
    for (headers, passes) in cases {
        browser.headers = headers
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect();
        for method in ["POST", "PUT", "PATCH", "DELETE", "post"] {
            let result = browser
                .send(&world.gate, method, "/expenses", &user())
                .await;
            match result {
                Ok(_) => assert!(passes, "{headers:?}"),
                Err(denied) => {
                    assert!(!passes, "{headers:?}");
                    assert_eq!((denied.status, denied.reason), (403, "cross_origin"));
                }
            }
        }
        assert!(
            browser
                .send(&world.gate, "GET", "/expenses", &user())
                .await
                .is_ok()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_websocket_must_name_this_origin() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    let decide = |browser: &Browser| {
        browser.decide(&world.gate, Transport::WebSocket, "GET", "/live", &user())
    };
    for (origin, passes) in [
        (Some("https://app.example"), true),
        (Some("https://evil.example"), false),
        (None, false),
    ] {
        browser.headers = origin
            .map(|origin| ("origin", origin.to_owned()))
            .into_iter()
            .collect();
        assert_eq!(
            matches!(decide(&browser), Decision::Allow(_)),
            passes,
            "{origin:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_feed_makes_the_gate_say_503_and_leave_the_cookie_alone() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    world.clock.advance(Duration::from_secs(10));
    assert!(browser.send(&world.gate, "GET", "/", &user()).await.is_ok());
    world.clock.advance(Duration::from_millis(1));
    let denied = browser
        .send(&world.gate, "GET", "/", &user())
        .await
        .unwrap_err();
    assert_eq!((denied.status, denied.reason), (503, "feed_stale"));
    assert!(header(&denied, "retry-after").is_some());
    assert!(header(&denied, "set-cookie").is_none());
    // A person gets a page, not a trip to sign-in that could not end.
    let page = browser.open(&world.gate, "/").await.unwrap_err();
    assert_eq!((page.status, header(&page, "location")), (503, None));
    // Nobody is let in without a credential meanwhile, and public routes stay open.
    let anonymous = Browser::default()
        .send(&world.gate, "GET", "/", &user())
        .await
        .unwrap_err();
    assert_eq!(anonymous.status, 401);
    world.follow_once().await;
    assert!(browser.send(&world.gate, "GET", "/", &user()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn before_the_first_word_of_the_feed_no_session_passes() {
    let warm = world().await;
    let mut browser = signed_in(&warm).await;
    let cold = cold_world(&[]);
    assert!(!cold.gate.is_ready());
    assert_eq!(
        browser.denied(&cold.gate, "GET", "/", &user()).await,
        (503, "feed_stale")
    );
}

#[tokio::test(start_paused = true)]
async fn a_revoked_session_user_or_key_is_refused_also_when_the_view_is_stale() {
    let at = Timestamp::from_seconds(1_790_000_000);
    for subject in [
        Subject::Session(SID.parse().unwrap()),
        Subject::User {
            sub: "ada".into(),
            not_before: at,
        },
        Subject::Key { kid: "k0".into() },
        Subject::All { not_before: at },
    ] {
        let world = world().await;
        let mut browser = signed_in(&world).await;
        let expires_at = at + Duration::from_secs(90_000);
        world.state().entries = vec![Entry {
            subject: subject.clone(),
            expires_at,
            reason: None,
        }];
        world.clock.advance(Duration::from_secs(11));
        world.follow_once().await;
        assert_eq!(
            browser.denied(&world.gate, "GET", "/", &user()).await,
            (401, "session_revoked"),
            "{subject:?}"
        );
        world.clock.advance(Duration::from_secs(60));
        let denied = browser
            .send(&world.gate, "GET", "/", &user())
            .await
            .unwrap_err();
        assert_eq!(denied.reason, "session_revoked");
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_ends_by_age_and_by_rest() {
    let world = world_with(&[("SEALGATE_SESSION_LIFETIME", "200")]).await;
    let mut browser = signed_in(&world).await;
    world.clock.advance(Duration::from_secs(200));
    world.follow_once().await;
    assert_eq!(
        browser.denied(&world.gate, "GET", "/", &user()).await,
        (401, "session_expired")
    );

    let world = world_with(&[("SEALGATE_IDLE_LIMIT", "100")]).await;
    let mut browser = signed_in(&world).await;
    // Use keeps it, also where the limit is shorter than an access part lives.
    for _ in 0..20 {
        world.clock.advance(Duration::from_secs(40));
        world.follow_once().await;
        assert!(browser.send(&world.gate, "GET", "/", &user()).await.is_ok());
    }
    world.clock.advance(Duration::from_secs(101));
    world.follow_once().await;
    assert_eq!(
        browser.denied(&world.gate, "GET", "/", &user()).await,
        (401, "session_idle")
    );
}
