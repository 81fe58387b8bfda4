//! What those are told who do not pass, where nobody is fine too, and what records and clients are told.

use std::time::Duration;

use sealgate_gate::{CredentialKind, Kinds, Need, Outcome, Requirement, Transport};
use sealgate_model::ActorKind;
use serde_json::{Value, json};

use crate::browser::{Browser, header, location, signed_in, user};
use crate::program::{anybody, bearer, challenges, claims, scoped, with};
use crate::provider::{APP, SID, world, world_with};

const METADATA: &str =
    "resource_metadata=\"https://app.example/.well-known/oauth-protected-resource\"";

#[tokio::test(start_paused = true)]
async fn a_program_without_credential_is_told_both_ways_in() {
    let world = world().await;
    let refused = Browser::default()
        .send(&world.gate, "GET", "/", &anybody())
        .await
        .unwrap_err();
    let algorithms = "algs=\"EdDSA Ed25519 ES256 RS256 PS256 ML-DSA-65\"";
    assert_eq!(
        challenges(&refused),
        [
            format!("Bearer realm=\"sealgate\", {METADATA}"),
            format!("DPoP realm=\"sealgate\", {METADATA}, {algorithms}"),
        ]
    );
    assert!(header(&refused, "dpop-nonce").is_some());
    // A browser with a session that is not good is asked for a session.
    let mut browser = Browser::default();
    browser
        .cookies
        .insert("__Host-Http-sealgate".into(), "broken".into());
    let refused = browser
        .send(&world.gate, "GET", "/", &anybody())
        .await
        .unwrap_err();
    assert_eq!(challenges(&refused), ["Session realm=\"sealgate\""]);
    assert_eq!(header(&refused, "dpop-nonce"), None);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_not_enough_is_told_what_would_be() {
    let world = world().await;
    let mut program = bearer(&world.user_token());
    let need = Need {
        any_scopes: vec!["expenses:write".into(), "expenses:admin".into()],
        scopes: vec!["expenses:read".into()],
        ..Need::of(Kinds::ANY)
    };
    let refused = program
        .send(&world.gate, "GET", "/", &Requirement::Actor(need))
        .await
        .unwrap_err();
    assert_eq!((refused.status, refused.reason), (403, "scope_missing"));
    assert_eq!(
        challenges(&refused),
        [format!(
            "Bearer realm=\"sealgate\", {METADATA}, error=\"insufficient_scope\", error_description=\"This needs \
             a scope that was not granted.\", scope=\"expenses:read expenses:write expenses:admin\""
        )]
    );
    let strong = Requirement::Actor(Need {
        acr: vec!["gold".into(), "platinum".into()],
        max_age: Some(Duration::from_secs(60)),
        ..Need::of(Kinds::USER)
    });
    let refused = program
        .send(&world.gate, "GET", "/", &strong)
        .await
        .unwrap_err();
    assert_eq!((refused.status, refused.reason), (401, "acr_missing"));
    let told = challenges(&refused)[0];
    assert!(
        told.contains("error=\"insufficient_user_authentication\""),
        "{told}"
    );
    assert!(
        told.ends_with("acr_values=\"gold platinum\", max_age=\"60\""),
        "{told}"
    );
    // A token is a program's, so that a page that wants HTML does not send it to sign in either.
    let refused = program.open(&world.gate, "/").await;
    assert!(refused.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_not_strong_enough_is_told_so_by_its_own_challenge() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    let strong = Requirement::Actor(Need {
        acr: vec!["gold".into()],
        max_age: Some(Duration::from_secs(60)),
        ..Need::of(Kinds::USER)
    });
    let refused = browser
        .send(&world.gate, "GET", "/pay", &strong)
        .await
        .unwrap_err();
    assert_eq!((refused.status, refused.reason), (401, "acr_missing"));
    let told = challenges(&refused);
    assert_eq!(told.len(), 1);
    assert!(
        told[0].starts_with("Session realm=\"sealgate\", error=\"insufficient_user"),
        "{told:?}"
    );
    assert!(
        told[0].ends_with("acr_values=\"gold\", max_age=\"60\""),
        "{told:?}"
    );
    // A person is sent to a sign-in that is.
    browser.headers = vec![("sec-fetch-mode", "navigate".into())];
    let sent = browser
        .send(&world.gate, "GET", "/pay?x=1", &strong)
        .await
        .unwrap_err();
    assert_eq!((sent.status, sent.reason), (303, "acr_missing"));
    let target = location(&sent);
    assert!(
        target.starts_with("/auth/login?return_to=%2Fpay%3Fx%3D1&acr_values=gold&max_age=60"),
        "{target}"
    );
    assert!(challenges(&sent).is_empty());
    // Where the provider says nothing of it, an old sign-in is asked for again.
    let recent = Requirement::Actor(Need {
        max_age: Some(Duration::from_secs(5)),
        ..Need::of(Kinds::USER)
    });
    world.clock.advance(Duration::from_secs(7));
    let sent = browser
        .send(&world.gate, "GET", "/pay", &recent)
        .await
        .unwrap_err();
    assert_eq!((sent.status, sent.reason), (303, "authentication_old"));
    assert!(location(&sent).contains("max_age=5"));
}

#[tokio::test(start_paused = true)]
async fn where_nobody_is_fine_a_session_that_is_not_good_is_nobodys() {
    let world = world().await;
    let optional = Requirement::Actor(Need {
        optional: true,
        ..Need::of(Kinds::ANY)
    });
    let scoped = Requirement::Actor(Need {
        optional: true,
        scopes: vec!["expenses:admin".into()],
        ..Need::of(Kinds::ANY)
    });
    let mut browser = signed_in(&world).await;
    let allowed = browser
        .send(&world.gate, "GET", "/", &optional)
        .await
        .unwrap();
    assert_eq!(allowed.caller.unwrap().actor.id(), "ada");
    // Whoever is there has to meet the rest.
    let refused = browser.denied(&world.gate, "GET", "/", &scoped).await;
    assert_eq!(refused, (403, "scope_missing"));
    let mut broken = Browser::default();
    broken
        .cookies
        .insert("__Host-Http-sealgate".into(), "x".into());
    let mut long = Browser::default();
    long.cookies
        .insert("__Host-Http-sealgate".into(), "x".repeat(5_000));
    for nobody in [&mut Browser::default(), &mut broken, &mut long] {
        for requirement in [&optional, &scoped] {
            let allowed = nobody
                .send(&world.gate, "GET", "/", requirement)
                .await
                .unwrap();
            assert!(allowed.caller.is_none());
            assert!(nobody.open(&world.gate, "/").await.is_err());
        }
    }
    // Without the feed nobody can be told from anybody.
    world.clock.advance(Duration::from_secs(11));
    let allowed = browser
        .send(&world.gate, "GET", "/", &optional)
        .await
        .unwrap();
    assert!(allowed.caller.is_none());
    world.clock.advance(Duration::from_secs(4_000));
    world.follow_once().await;
    let allowed = browser
        .send(&world.gate, "GET", "/", &optional)
        .await
        .unwrap();
    assert!(allowed.caller.is_none());
}

#[tokio::test(start_paused = true)]
async fn where_nobody_is_fine_a_token_that_is_refused_is_refused() {
    let world = world().await;
    let optional = Requirement::Actor(Need {
        optional: true,
        ..Need::of(Kinds::ANY)
    });
    let token = world.user_token();
    assert!(
        bearer(&token)
            .send(&world.gate, "GET", "/", &optional)
            .await
            .is_ok()
    );
    let refused = bearer("x").denied(&world.gate, "GET", "/", &optional).await;
    assert_eq!(refused, (401, "token_invalid"));
    let mut both = signed_in(&world).await;
    both.headers = vec![("authorization", format!("Bearer {token}"))];
    let refused = both.denied(&world.gate, "GET", "/", &optional).await;
    assert_eq!(refused, (400, "credential_duplicate"));
    world.clock.advance(Duration::from_secs(11));
    let refused = bearer(&token)
        .denied(&world.gate, "GET", "/", &optional)
        .await;
    assert_eq!(refused, (503, "feed_stale"));
}

#[tokio::test(start_paused = true)]
async fn a_page_in_another_tab_of_a_stranger_is_refused_where_nobody_is_fine_too() {
    let world = world().await;
    let optional = Requirement::Actor(Need {
        optional: true,
        ..Need::of(Kinds::ANY)
    });
    let mut browser = signed_in(&world).await;
    browser.headers = vec![("origin", "https://evil.example".into())];
    let refused = browser.denied(&world.gate, "POST", "/", &optional).await;
    assert_eq!(refused, (403, "cross_origin"));
}

#[tokio::test(start_paused = true)]
async fn a_record_tells_who_with_what_and_why() {
    let world = world().await;
    let token = world.user_token();
    let decide = |program: &Browser, requirement: &Requirement| {
        program.decide(
            &world.gate,
            Transport::Http,
            "GET",
            "/expenses",
            requirement,
        )
    };
    let allowed = decide(&bearer(&token), &anybody());
    let record = allowed.record();
    assert_eq!(
        (record.outcome, record.reason, record.status),
        (Outcome::Allowed, "", None)
    );
    assert_eq!(record.actor, Some((ActorKind::User, "ada")));
    assert_eq!((record.client, record.token), (Some("cli"), Some("t1")));
    assert_eq!(record.credential, Some(CredentialKind::Bearer));
    assert_eq!(record.session, Some(SID.parse().unwrap()));
    let refused = decide(&bearer(&token), &scoped(&["expenses:admin"]));
    let record = refused.record();
    assert_eq!(
        (record.outcome, record.reason),
        (Outcome::Refused, "scope_missing")
    );
    assert_eq!(
        (record.status, record.actor),
        (Some(403), Some((ActorKind::User, "ada")))
    );
    // What is not certain is not told.
    let unknown = decide(&bearer("x"), &anybody());
    assert_eq!(unknown.record().actor, None);
    let acting = json!({"sub": "robot", "sub_profile": "ai_agent"});
    let agent = decide(
        &bearer(&world.token(&with(claims(&world), "act", acting))),
        &anybody(),
    );
    let record = agent.record();
    assert_eq!(
        (record.actor, record.user),
        (Some((ActorKind::Agent, "robot")), Some("ada"))
    );
    let login = Browser::default().decide(
        &world.gate,
        Transport::Http,
        "GET",
        "/auth/logout",
        &anybody(),
    );
    assert_eq!(login.record().reason, "method_not_allowed");
    // Also of a session that is over.
    let browser = signed_in(&world).await;
    world.clock.advance(Duration::from_secs(90_000));
    let over = decide(&browser, &anybody());
    let record = over.record();
    assert_eq!(
        (record.reason, record.actor),
        ("session_expired", Some((ActorKind::User, "ada")))
    );
    assert_eq!(record.credential, Some(CredentialKind::Session));
}

#[tokio::test(start_paused = true)]
async fn anybody_may_read_where_tokens_come_from() {
    let plain = world().await;
    let below = world_with(&[("SEALGATE_BASE_URL", "https://app.example/api")]).await;
    let well_known = "/.well-known/oauth-protected-resource";
    for (world, resource, paths) in [
        (&plain, APP, vec![well_known.to_owned()]),
        (
            &below,
            "https://app.example/api",
            vec![
                format!("{well_known}/api"),
                format!("/api{well_known}"),
                well_known.to_owned(),
            ],
        ),
    ] {
        for path in paths {
            let told = Browser::default()
                .send(&world.gate, "GET", &path, &user())
                .await
                .unwrap_err();
            assert_eq!((told.status, told.reason), (200, ""));
            assert_eq!(header(&told, "content-type"), Some("application/json"));
            assert_eq!(header(&told, "access-control-allow-origin"), Some("*"));
            let told: Value = serde_json::from_slice(&told.body).unwrap();
            assert_eq!(
                told,
                json!({
                    "resource": resource, "authorization_servers": ["https://id.example"],
                    "bearer_methods_supported": ["header"],
                    "dpop_signing_alg_values_supported":
                        ["EdDSA", "Ed25519", "ES256", "RS256", "PS256", "ML-DSA-65"],
                })
            );
        }
    }
    let several = world_with(&[
        ("SEALGATE_TRUSTED_ISSUERS", "https://other.example"),
        ("SEALGATE_AUDIENCES", "https://api.example"),
    ])
    .await;
    let told = Browser::default()
        .send(&several.gate, "GET", well_known, &user())
        .await
        .unwrap_err();
    let told: Value = serde_json::from_slice(&told.body).unwrap();
    let servers = json!(["https://id.example", "https://other.example"]);
    assert_eq!(told["authorization_servers"], servers);
    let refused = Browser::default()
        .send(&below.gate, "GET", "/api/x", &user())
        .await
        .unwrap_err();
    let url = "resource_metadata=\"https://app.example/.well-known/oauth-protected-resource/api\"";
    assert!(challenges(&refused)[0].contains(url));
    let ask = |method| {
        let mut program = Browser::default();
        async move {
            program
                .send(&world().await.gate, method, well_known, &user())
                .await
                .unwrap_err()
        }
    };
    assert_eq!(ask("OPTIONS").await.status, 204);
    assert_eq!(ask("POST").await.status, 405);
    let head = ask("HEAD").await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    let other = format!("{well_known}/other");
    let refused = Browser::default()
        .denied(&plain.gate, "GET", &other, &user())
        .await;
    assert_eq!(refused, (401, "credential_missing"));
}
