//! Tokens for clients themselves.

use sealgate_model::Grant;
use sealgate_store::SessionSelector;

use super::machines::API;
use super::*;

#[tokio::test]
async fn a_machine_gets_a_token_about_itself_and_no_session() {
    let house = House::new().await;
    house.add_machine("robot", |_| {}).await;
    let given = tokens(house.own_token("robot", &[]).await).await;
    let body = &given.body;
    assert_eq!(
        (body["token_type"].as_str(), body["expires_in"].as_u64()),
        (Some("Bearer"), Some(300))
    );
    assert_eq!(body["scope"], "expenses:read expenses:write");
    for absent in ["refresh_token", "refresh_expires_in", "id_token"] {
        assert!(body.get(absent).is_none(), "{absent}");
    }
    let claims = claims(&given.access);
    assert_eq!(claims["sub"], "robot");
    assert_eq!(claims["client_id"], "robot");
    assert_eq!(claims["aud"], ISSUER);
    for absent in ["sid", "auth_time", "roles", "acr", "amr", "cnf"] {
        assert!(claims.get(absent).is_none(), "{absent}");
    }
    let record = house.last_record().await;
    assert_eq!(
        (
            record.action.as_str(),
            record.actor.as_str(),
            record.outcome.as_str()
        ),
        ("token.issue", "client:robot", "allowed")
    );
    assert_eq!(record.object.as_deref(), claims["jti"].as_str());
}

#[tokio::test]
async fn it_asks_for_less_and_for_a_resource_it_is_registered_for() {
    let house = House::new().await;
    house.add_machine("robot", |_| {}).await;
    let pairs = [("scope", "expenses:read"), ("resource", API)];
    let given = tokens(house.own_token("robot", &pairs).await).await;
    assert_eq!(given.body["scope"], "expenses:read");
    assert_eq!(claims(&given.access)["aud"], API);
    for (pairs, error, reason) in [
        (
            [("scope", "payroll"), ("a", "")],
            "invalid_scope",
            "scope_not_allowed",
        ),
        (
            [("scope", "openid"), ("a", "")],
            "invalid_scope",
            "scope_needs_user",
        ),
        (
            [
                ("scope", "expenses:read"),
                ("resource", "https://other.example"),
            ],
            "invalid_target",
            "resource_not_allowed",
        ),
        (
            [("scope", "expenses:read"), ("resource", "api")],
            "invalid_target",
            "resource_malformed",
        ),
    ] {
        let refused = house.own_token("robot", &pairs).await;
        assert_refused(refused, StatusCode::BAD_REQUEST, error, reason).await;
    }
}

#[tokio::test]
async fn whoever_is_not_registered_for_it_gets_none() {
    let house = House::new().await;
    let refused = house.own_token("app", &[("scope", "expenses:read")]).await;
    let bad = StatusCode::BAD_REQUEST;
    assert_refused(refused, bad, "unauthorized_client", "grant_not_allowed").await;
    // Not even by a registration that should not be there: a public client proves nothing.
    house
        .change_client("native", |client| {
            client.details.grants.push(Grant::ClientCredentials);
        })
        .await;
    let pairs = [
        ("grant_type", "client_credentials"),
        ("client_id", "native"),
    ];
    let refused = house.post("/oauth/token", None, &pairs).await;
    assert_refused(refused, bad, "unauthorized_client", "grant_not_allowed").await;
}

#[tokio::test]
async fn a_disabled_or_removed_client_gets_nothing_and_its_tokens_are_worth_nothing() {
    let house = House::new().await;
    house.add_machine("robot", |_| {}).await;
    let given = tokens(house.own_token("robot", &[]).await).await;
    assert!(introspect::is_active(&house, "robot", &given.access).await);
    house.disable_client("robot").await;
    assert!(!introspect::is_active(&house, "app", &given.access).await);
    let refused = house.own_token("robot", &[]).await;
    let no = StatusCode::UNAUTHORIZED;
    assert_refused(refused, no, "invalid_client", "client_unauthenticated").await;
    let id = "robot".parse().unwrap();
    let enabled = house.plane.store.client_enable(&id, house.audit()).await;
    assert!(enabled.unwrap());
    assert!(
        house
            .plane
            .store
            .client_remove(&id, house.audit())
            .await
            .unwrap()
    );
    let refused = house.own_token("robot", &[]).await;
    assert_refused(refused, no, "invalid_client", "client_unauthenticated").await;
}

#[tokio::test]
async fn a_revocation_of_everything_before_now_takes_tokens_without_session_along() {
    let house = House::new().await;
    house.add_machine("robot", |_| {}).await;
    let given = tokens(house.own_token("robot", &[]).await).await;
    let selector = SessionSelector {
        user: None,
        client: None,
        tenant: None,
        started_at_or_before: house.clock.now(),
    };
    let revoked = house
        .plane
        .store
        .sessions_revoke(selector, RevokeReason::Everything, house.audit())
        .await;
    revoked.unwrap();
    assert!(!introspect::is_active(&house, "robot", &given.access).await);
    house.clock.advance(std::time::Duration::from_secs(2));
    let given = tokens(house.own_token("robot", &[]).await).await;
    assert!(introspect::is_active(&house, "robot", &given.access).await);
}

#[tokio::test]
async fn each_client_has_its_algorithm_and_the_life_of_its_tokens() {
    let house = House::new().await;
    for name in ["ES256", "RS256", "PS256"] {
        let algorithm = sealgate_jose::Algorithm::parse(name).unwrap();
        house.plane.keys.ensure(algorithm).await.unwrap();
        house
            .add_machine(name, |client| {
                name.clone_into(&mut client.details.algorithm);
                client.details.access_lifetime = Some(60);
            })
            .await;
        let given = tokens(house.own_token(name, &[]).await).await;
        let verified = house
            .plane
            .keys
            .verifying()
            .verify(&given.access, &["at+jwt"]);
        assert_eq!(verified.unwrap().algorithm, algorithm);
        assert_eq!(given.body["expires_in"], 60);
    }
}

#[tokio::test]
async fn failing_over_and_over_is_slowed_down_but_never_the_client_itself() {
    let house = House::new().await;
    house.add_machine("robot", |_| {}).await;
    let wrong = [
        ("grant_type", "client_credentials"),
        ("client_id", "robot"),
        ("client_secret", "x"),
    ];
    for _ in 0..60 {
        let refused = house.post("/oauth/token", None, &wrong).await;
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    }
    let refused = house.post("/oauth/token", None, &wrong).await;
    assert_eq!(refused.headers()["retry-after"], "1");
    let slow = StatusCode::TOO_MANY_REQUESTS;
    assert_refused(refused, slow, "temporarily_unavailable", "client_throttled").await;
    tokens(house.own_token("robot", &[]).await).await;
}

#[tokio::test]
async fn what_is_taken_from_a_client_is_gone_from_its_next_token() {
    let house = House::new().await;
    let given = house.tokens("app", "openid expenses:read").await;
    house
        .change_client("app", |client| {
            client.scopes.retain(|scope| scope != "expenses:read");
        })
        .await;
    let renewed = tokens(house.refresh("app", &given.refresh).await).await;
    assert_eq!(renewed.body["scope"], "openid");
    house
        .change_client("app", |client| client.scopes.clear())
        .await;
    let refused = house.refresh("app", &renewed.refresh).await;
    let bad = StatusCode::BAD_REQUEST;
    assert_refused(refused, bad, "invalid_scope", "scope_not_allowed").await;
}

#[tokio::test]
async fn a_client_that_is_given_to_a_tenant_renews_no_stranger() {
    let house = House::new().await;
    let given = house.tokens("app", "openid").await;
    house
        .change_client("app", |client| {
            client.details.tenant = Some("acme".parse().unwrap());
        })
        .await;
    let refused = house.refresh("app", &given.refresh).await;
    let bad = StatusCode::BAD_REQUEST;
    assert_refused(refused, bad, "access_denied", "tenant_foreign").await;
}

#[tokio::test]
async fn a_token_for_administration_is_asked_for_by_name_and_for_nothing_else() {
    let house = House::new().await;
    let ours = format!("{ISSUER}/api/v1");
    house
        .add_machine("robot", |client| {
            client.scopes.push("sealgate:users:read".to_owned());
            client.details.resources.push(ours.clone());
        })
        .await;
    let given = tokens(house.own_token("robot", &[]).await).await;
    assert_eq!(given.body["scope"], "expenses:read expenses:write");
    let named = [
        ("scope", "sealgate:users:read"),
        ("resource", ours.as_str()),
    ];
    let given = tokens(house.own_token("robot", &named).await).await;
    assert_eq!(claims(&given.access)["aud"], ours);
    let both = [named[0], named[1], ("resource", API)];
    let refused = house.own_token("robot", &both).await;
    let bad = StatusCode::BAD_REQUEST;
    assert_refused(refused, bad, "invalid_target", "resource_not_alone").await;
}
