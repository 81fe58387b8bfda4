//! Acting for a user: tokens for tokens, who may have them, and when they end.

use std::time::Duration;

use sealgate_jose::Algorithm;
use sealgate_model::Grant;
use sealgate_store::{Consent, Resource};
use serde_json::json as value;

use super::introspect::is_active;
use super::machines::{API, key};
use super::*;

pub(super) const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
pub(super) const ACCESS: &str = "urn:ietf:params:oauth:token-type:access_token";
pub(super) const REFRESH: &str = "urn:ietf:params:oauth:token-type:refresh_token";
const FILES: &str = "https://files.example";
const BAD: StatusCode = StatusCode::BAD_REQUEST;

impl House {
    /// Lets `app` act for its users at [`API`], served by `other`, and that at [`FILES`], served by `files`,
    /// which may act at [`API`] again.
    pub(super) async fn delegating() -> Self {
        Self::new().await.that_delegates().await
    }

    /// The same in a house that is there.
    pub(super) async fn that_delegates(self) -> Self {
        let house = self;
        house.add_api().await;
        let acts_at = |client: &mut Client, resource: &str| {
            client.details.grants.push(Grant::TokenExchange);
            client.details.resources = vec![resource.to_owned()];
        };
        house
            .add_machine("files", |client| acts_at(client, API))
            .await;
        let files = Resource {
            status_list: false,
            agents: false,
            tools: Vec::new(),
            uri: FILES.to_owned(),
            name: "Files".to_owned(),
            client: Some("files".parse().unwrap()),
            scopes: Vec::new(),
            created_at: house.clock.now(),
        };
        let store = &house.plane.store;
        store.resource_create(files, house.audit()).await.unwrap();
        house
            .change_client("app", |client| acts_at(client, API))
            .await;
        house
            .change_client("other", |client| acts_at(client, FILES))
            .await;
        house
    }

    /// Exchanges a token of this type, with `more` beside the usual parameters or in their place.
    pub(super) async fn exchange(
        &self,
        client: &str,
        kind: &str,
        token: &str,
        more: &[(&str, &str)],
    ) -> Response {
        let mut pairs = vec![
            ("grant_type", GRANT),
            ("subject_token_type", kind),
            ("subject_token", token),
        ];
        for (name, value) in more {
            pairs.retain(|(known, _)| known != name);
            pairs.push((name, value));
        }
        self.post("/oauth/token", Some(client), &pairs).await
    }

    /// A token with which `app` acts for the user at [`API`].
    pub(super) async fn delegated(&self) -> Tokens {
        let own = self.tokens("app", "openid").await;
        let to = [("resource", API)];
        tokens(self.exchange("app", REFRESH, &own.refresh, &to).await).await
    }

    /// A token with which `other` acts on for the user at [`FILES`].
    pub(super) async fn passed_on(&self, access: &str) -> Tokens {
        let to = [("audience", FILES)];
        tokens(self.exchange("other", ACCESS, access, &to).await).await
    }
}

#[tokio::test]
async fn an_application_acts_for_its_user_by_its_refresh_token_which_stays_as_it_is() {
    let house = House::delegating().await;
    let own = house.tokens("app", "openid").await;
    house.clock.advance(Duration::from_secs(400));
    let to = [("resource", API)];
    let given = tokens(house.exchange("app", REFRESH, &own.refresh, &to).await).await;
    let mut body = given.body.clone();
    body["access_token"] = Value::Null;
    let expected = value!({
        "access_token": null, "issued_token_type": ACCESS, "token_type": "Bearer", "expires_in": 300,
        "scope": "expenses:read",
    });
    assert_eq!(body, expected);

    let (before, after) = (claims(&own.access), claims(&given.access));
    for same in ["iss", "sub", "sid", "auth_time", "acr", "amr", "roles"] {
        assert_eq!(after[same], before[same], "{same}");
    }
    assert_eq!(
        (&after["client_id"], &after["aud"], &after["act"]),
        (
            &value!("app"),
            &value!(API),
            &value!({ "sub": "app", "sub_profile": "service" })
        )
    );
    let record = house.last_record().await;
    assert_eq!(
        (record.action.as_str(), record.actor.as_str()),
        ("token.exchange", "client:app")
    );
    let session = house.session_of(&own.access).await;
    assert_eq!(
        (record.user, record.session),
        (Some(house.user), Some(session.id))
    );
    assert_eq!(record.object.as_deref(), after["jti"].as_str());
    // It does not count as use of the session, and the token renews as before.
    assert_eq!(session.renewed_at, session.created_at);
    let again = house.exchange("app", REFRESH, &own.refresh, &to).await;
    assert_eq!(again.status(), StatusCode::OK);
    let renewed = tokens(house.refresh("app", &own.refresh).await).await;
    assert_ne!(renewed.refresh, own.refresh);
}

#[tokio::test]
async fn a_spent_refresh_token_is_taken_inside_its_grace_window_and_is_reuse_after_it() {
    let house = House::delegating().await;
    let own = house.tokens("app", "openid").await;
    let renewed = tokens(house.refresh("app", &own.refresh).await).await;
    house.clock.advance(Duration::from_secs(20));
    let to = [("resource", API)];
    let given = tokens(house.exchange("app", REFRESH, &own.refresh, &to).await).await;
    assert!(is_active(&house, "other", &given.access).await);
    house.clock.advance(Duration::from_secs(1));
    let refused = house.exchange("app", REFRESH, &own.refresh, &to).await;
    assert_grant_refused(refused, "refresh_token_reused").await;
    assert_eq!(
        house.revoked_for(&renewed.access).await,
        Some(RevokeReason::RefreshReuse)
    );
    assert!(!is_active(&house, "other", &given.access).await);
    let refused = house.exchange("app", REFRESH, &renewed.refresh, &to).await;
    assert_grant_refused(refused, "session_revoked").await;
}

#[tokio::test]
async fn a_refresh_token_is_exchanged_by_its_own_client_alone() {
    let house = House::delegating().await;
    let own = house.tokens("app", "openid").await;
    let to = [("resource", FILES)];
    let refused = house.exchange("other", REFRESH, &own.refresh, &to).await;
    assert_grant_refused(refused, "refresh_client_mismatch").await;
    let refused = house.exchange("app", REFRESH, &"A".repeat(64), &to).await;
    assert_grant_refused(refused, "refresh_token_unknown").await;
    assert_eq!(house.revoked_for(&own.access).await, None);
    house.clock.advance(house.plane.lifetimes.idle);
    let refused = house.exchange("app", REFRESH, &own.refresh, &to).await;
    assert_grant_refused(refused, "session_idle").await;
}

#[tokio::test]
async fn a_service_acts_on_with_a_token_that_was_sent_to_it_and_says_through_whom() {
    let house = House::delegating().await;
    let first = house.delegated().await;
    house.clock.advance(Duration::from_secs(200));
    let second = house.passed_on(&first.access).await;
    let (before, after) = (claims(&first.access), claims(&second.access));
    let act = value!({
        "sub": "other", "sub_profile": "service", "act": { "sub": "app", "sub_profile": "service" },
    });
    assert_eq!(
        (&after["act"], &after["client_id"], &after["aud"]),
        (&act, &value!("other"), &value!(FILES))
    );
    for same in ["sub", "sid", "exp", "scope"] {
        assert_eq!(after[same], before[same], "{same}");
    }
    assert_eq!(second.body["expires_in"], 100);
    let record = house.last_record().await;
    assert_eq!(record.actor, "client:other");
    assert_eq!(record.through.unwrap().as_str(), "app");
    assert_eq!(record.user, Some(house.user));

    // Whoever serves the resource is told of all of them.
    let told = introspect::told(&house, "files", &second.access).await;
    assert_eq!((&told["active"], &told["act"]), (&value!(true), &act));
    assert!(told.get("sub_profile").is_none());
    assert!(is_active(&house, "other", &second.access).await);
    assert!(!is_active(&house, "app", &second.access).await);
}

#[tokio::test]
async fn an_application_without_exchange_can_be_acted_for_too() {
    let house = House::delegating().await;
    house
        .change_client("app", |client| {
            client
                .details
                .grants
                .retain(|grant| *grant != Grant::TokenExchange);
        })
        .await;
    let (_, cookie) = house.sign_in().await;
    let mut pairs = wish_with("scope", "openid expenses:read");
    pairs.push(("resource", API.to_owned()));
    let code = sent_back(&house.get(&authorize(&pairs), Some(&cookie)).await)["code"].clone();
    let own = tokens(house.redeem("app", &code).await).await;
    assert!(claims(&own.access).get("act").is_none());
    let given = house.passed_on(&own.access).await;
    let act = value!({ "sub": "other", "sub_profile": "service" });
    assert_eq!(claims(&given.access)["act"], act);
    // Of the two audiences the user's token had, the new one has none, and userinfo is not open to it.
    assert_eq!(claims(&given.access)["aud"], FILES);
    let refused = userinfo::ask(&house, &given.access).await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    let said = userinfo::ask(&house, &own.access).await;
    assert_eq!(said.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_token_that_was_not_sent_to_the_client_is_not_exchanged() {
    let house = House::delegating().await;
    house.add_machine("robot", |_| {}).await;
    let first = house.delegated().await;
    let own = house.tokens("app", "openid").await;
    let robot = tokens(house.own_token("robot", &[("resource", API)]).await).await;
    let id_token = own.body["id_token"].as_str().unwrap();
    let altered = format!("{}A", first.access);
    for (client, token, reason) in [
        // For API, which files does not serve; it was issued to app, which does not serve it either.
        ("files", first.access.as_str(), "subject_token_foreign"),
        ("app", first.access.as_str(), "subject_token_foreign"),
        ("app", own.access.as_str(), "subject_token_foreign"),
        ("other", robot.access.as_str(), "subject_token_userless"),
        ("other", id_token, "subject_token_invalid"),
        ("other", altered.as_str(), "subject_token_invalid"),
        ("other", own.refresh.as_str(), "subject_token_invalid"),
    ] {
        let to = if client == "other" { FILES } else { API };
        let to = [("resource", to)];
        let refused = house.exchange(client, ACCESS, token, &to).await;
        assert_refused(refused, BAD, "invalid_request", reason).await;
        let record = house.last_record().await;
        assert_eq!(
            (record.action.as_str(), record.reason.as_str()),
            ("token.exchange", reason)
        );
    }
    house.clock.advance(Duration::from_secs(300));
    let late = house.exchange("other", ACCESS, &first.access, &[("resource", FILES)]);
    assert_refused(late.await, BAD, "invalid_request", "subject_token_expired").await;
}

#[tokio::test]
async fn an_exchange_is_for_resources_and_scopes_that_are_there_to_be_had() {
    let house = House::delegating().await;
    let own = house.tokens("app", "openid email").await;
    for (more, error, reason) in [
        (vec![], "invalid_request", "parameter_missing"),
        (
            vec![("resource", FILES)],
            "invalid_target",
            "resource_not_allowed",
        ),
        (
            vec![("audience", "expenses")],
            "invalid_target",
            "resource_malformed",
        ),
        (
            vec![("resource", API), ("scope", "email")],
            "invalid_scope",
            "exchange_scope_refused",
        ),
        (
            vec![("resource", API), ("scope", "sealgate:users:read")],
            "invalid_scope",
            "exchange_scope_refused",
        ),
        (
            vec![("resource", API), ("scope", "expenses:write")],
            "invalid_scope",
            "scope_not_allowed",
        ),
        (
            vec![("resource", API), ("requested_token_type", REFRESH)],
            "invalid_request",
            "requested_token_type_unsupported",
        ),
        (
            vec![("resource", API), ("actor_token", "x")],
            "invalid_request",
            "actor_token_unsupported",
        ),
        (
            vec![("resource", API), ("subject_token_type", "jwt")],
            "invalid_request",
            "subject_token_type_unsupported",
        ),
    ] {
        let refused = house.exchange("app", REFRESH, &own.refresh, &more).await;
        assert_refused(refused, BAD, error, reason).await;
    }
    // What the token that is handed in lacks, nobody gets by it, whatever they are registered for.
    let first = house.delegated().await;
    house
        .change_client("other", |client| client.scopes.push("files:read".into()))
        .await;
    let more = [("resource", FILES), ("scope", "files:read")];
    let refused = house.exchange("other", ACCESS, &first.access, &more).await;
    assert_refused(refused, BAD, "invalid_scope", "scope_widened").await;
}

#[tokio::test]
async fn no_exchange_gives_a_token_for_administration() {
    let house = House::delegating().await;
    let admin = format!("{ISSUER}/api/v1");
    house
        .change_client("app", |client| {
            client.details.resources.push(admin.clone());
            client.scopes.push("sealgate:users:read".into());
        })
        .await;
    let own = house.tokens("app", "openid").await;
    let to = [("resource", admin.as_str())];
    let refused = house.exchange("app", REFRESH, &own.refresh, &to).await;
    assert_refused(refused, BAD, "invalid_target", "resource_not_allowed").await;
    let given = house.exchange("app", REFRESH, &own.refresh, &[("resource", API)]);
    assert_eq!(tokens(given.await).await.body["scope"], "expenses:read");
}

#[tokio::test]
async fn whoever_is_not_registered_for_it_or_proves_nothing_exchanges_nothing() {
    let house = House::delegating().await;
    house.add_machine("robot", |_| {}).await;
    let to = [("resource", API)];
    let refused = house.exchange("robot", ACCESS, "a.b.c", &to).await;
    assert_refused(refused, BAD, "unauthorized_client", "grant_not_allowed").await;
    house
        .change_client("native", |client| {
            client.details.grants.push(Grant::TokenExchange);
            client.details.resources = vec![API.to_owned()];
        })
        .await;
    let pairs = [
        ("grant_type", GRANT),
        ("client_id", "native"),
        ("subject_token", "a.b.c"),
        ("subject_token_type", ACCESS),
        ("resource", API),
    ];
    let refused = house.post("/oauth/token", None, &pairs).await;
    assert_refused(refused, BAD, "unauthorized_client", "grant_not_allowed").await;
}

#[tokio::test]
async fn a_client_whose_users_are_asked_gets_no_more_than_they_granted() {
    let house = House::delegating().await;
    house
        .change_client("app", |client| client.details.consent = Consent::Required)
        .await;
    let to = [("resource", API)];
    let own = house.tokens("app", "openid expenses:read").await;
    let refused = house.exchange("app", REFRESH, &own.refresh, &to).await;
    assert_refused(refused, BAD, "invalid_target", "resource_widened").await;
    for (scope, granted) in [("openid", false), ("openid expenses:read", true)] {
        let (_, cookie) = house.sign_in().await;
        let mut pairs = wish_with("scope", scope);
        pairs.push(("resource", API.to_owned()));
        let mut response = house.get(&authorize(&pairs), Some(&cookie)).await;
        if location(&response).path() == "/consent" {
            response = house.decide(&sealed(&response), &cookie, "allow").await;
        }
        let own = tokens(house.redeem("app", &sent_back(&response)["code"]).await).await;
        let answer = house.exchange("app", REFRESH, &own.refresh, &to).await;
        if granted {
            assert_eq!(tokens(answer).await.body["scope"], "expenses:read");
        } else {
            assert_refused(answer, BAD, "invalid_scope", "scope_widened").await;
        }
    }
}

#[tokio::test]
async fn a_token_of_its_own_session_gets_a_client_no_more_than_was_granted_either() {
    let house = House::delegating().await;
    // It serves a resource that its user has granted it, and is registered for another one.
    house.serve_api_by("app").await;
    house
        .change_client("app", |client| {
            client.details.consent = Consent::Required;
            client.details.resources.push(FILES.to_owned());
        })
        .await;
    let (_, cookie) = house.sign_in().await;
    let mut pairs = wish_with("scope", "openid expenses:read");
    pairs.push(("resource", API.to_owned()));
    let asked = house.get(&authorize(&pairs), Some(&cookie)).await;
    let response = house.decide(&sealed(&asked), &cookie, "allow").await;
    let own = tokens(house.redeem("app", &sent_back(&response)["code"]).await).await;
    for (kind, token) in [(REFRESH, &own.refresh), (ACCESS, &own.access)] {
        let to = [("resource", FILES)];
        let refused = house.exchange("app", kind, token, &to).await;
        assert_refused(refused, BAD, "invalid_target", "resource_widened").await;
    }
    let given = house.exchange("app", ACCESS, &own.access, &[("resource", API)]);
    assert_eq!(tokens(given.await).await.body["scope"], "expenses:read");
}

#[tokio::test]
async fn a_token_is_passed_on_four_times_at_the_most() {
    let house = House::delegating().await;
    // other and files pass it to one another.
    let mut token = house.delegated().await.access;
    for hop in 1..4 {
        let (client, to) = if hop % 2 == 1 {
            ("other", FILES)
        } else {
            ("files", API)
        };
        let to = [("resource", to)];
        let given = house.exchange(client, ACCESS, &token, &to).await;
        token = tokens(given).await.access;
    }
    let fifth = house.exchange("files", ACCESS, &token, &[("resource", API)]);
    assert_refused(fifth.await, BAD, "invalid_request", "delegation_too_deep").await;
    let told = introspect::told(&house, "files", &token).await;
    assert_eq!(told["act"]["act"]["act"]["act"]["sub"], "app");
}

#[tokio::test]
async fn an_exchange_with_a_proof_gives_a_token_bound_to_its_key() {
    let house = House::delegating().await;
    house
        .change_client("app", |client| client.details.require_dpop = true)
        .await;
    let key = key(Algorithm::Es256);
    let proof = || house.proof(key, "POST", "/oauth/token", &value!({}));
    let code = house.code("app", "openid").await;
    let send = async |pairs: &[(&str, &str)], proof: Option<&str>| {
        let mut request = request(Method::POST, "/oauth/token")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(AUTHORIZATION, basic("app", &secret("app")));
        if let Some(proof) = proof {
            request = request.header("dpop", proof);
        }
        let body = Body::from(form(pairs));
        house.send(request.body(body).unwrap()).await
    };
    let own = tokens(send(&redemption(&code), Some(&proof())).await).await;
    let pairs = [
        ("grant_type", GRANT),
        ("subject_token_type", REFRESH),
        ("subject_token", own.refresh.as_str()),
        ("resource", API),
    ];
    let refused = send(&pairs, None).await;
    assert_refused(refused, BAD, "invalid_dpop_proof", "dpop_proof_missing").await;
    let given = tokens(send(&pairs, Some(&proof())).await).await;
    assert_eq!(given.body["token_type"], "DPoP");
    let thumbprint = key.public_jwk().thumbprint().unwrap();
    assert_eq!(claims(&given.access)["cnf"], value!({ "jkt": thumbprint }));
    // The service that it is sent to binds what it is given to its own key, or to none.
    let second = house.passed_on(&given.access).await;
    assert!(claims(&second.access).get("cnf").is_none());
}
