//! What has to happen before a request is answered: who has to sign in, how, and who may.

use std::time::Duration;

use sealgate_store::{Consent, UserChange};

use super::machines::API;
use super::*;

const ACR: &str = "urn:sealgate:acr:password";

fn wish_and(more: &[(&'static str, &str)]) -> String {
    let mut pairs = wish("app");
    for (name, value) in more {
        pairs.retain(|(key, _)| key != name);
        pairs.push((name, (*value).to_owned()));
    }
    authorize(&pairs)
}

/// The error and the reason that a client was answered.
fn refusal(response: &Response) -> (String, String) {
    let answer = sent_back(response);
    assert_eq!(answer["iss"], ISSUER);
    (answer["error"].clone(), answer["reason"].clone())
}

#[track_caller]
fn assert_error(response: &Response, error: &str, reason: &str) {
    assert_eq!(refusal(response), (error.to_owned(), reason.to_owned()));
}

impl House {
    /// The same house with another user in it, as whom [`House::sign_in`] signs in.
    async fn with_another_user(&self) -> Self {
        let user = UserId::generate(self.clock.now(), self.plane.random.as_ref());
        let row = UserRow {
            id: user,
            email: "grace@example.org".into(),
            name: "Grace".into(),
            password_hash: Some("$argon2id$".into()),
            roles: vec![],
            tenant: None,
            created_at: self.clock.now(),
            disabled_at: None,
        };
        let stored = self.plane.store.user_create(row, None, self.audit()).await;
        stored.unwrap();
        Self {
            plane: Arc::clone(&self.plane),
            clock: Arc::clone(&self.clock),
            user,
            _dir: tempfile::tempdir().unwrap(),
        }
    }

    async fn change_user(&self, change: UserChange) {
        let changed = self
            .plane
            .store
            .user_update(self.user, change, self.audit());
        assert!(changed.await.unwrap());
    }
}

#[tokio::test]
async fn an_id_token_hint_admits_its_user_alone_however_old() {
    let house = House::new().await;
    let hint = house.tokens("app", "openid").await.body["id_token"].clone();
    let hint = hint.as_str().unwrap();
    house.clock.advance(Duration::from_secs(3000));
    let (_, cookie) = house.sign_in().await;
    let asked = wish_and(&[("id_token_hint", hint)]);
    assert!(sent_back(&house.get(&asked, Some(&cookie)).await).contains_key("code"));

    let other = house.with_another_user().await;
    let (_, theirs) = other.sign_in().await;
    let silent = wish_and(&[("id_token_hint", hint), ("prompt", "none")]);
    assert_error(
        &house.get(&silent, Some(&theirs)).await,
        "login_required",
        "user_unexpected",
    );
    let shown = house.get(&asked, Some(&theirs)).await;
    assert_eq!(location(&shown).path(), "/sign-in");
    let path = location(&shown);
    let page = house.get(path.as_str().strip_prefix(ISSUER).unwrap(), None);
    // Whoever holds the token may not know the address.
    assert!(!text(page.await).await.contains("ada@example.org"));
    // The wrong user signing in once more does not help.
    let sealed = sealed(&shown);
    let (_, again) = other.sign_in().await;
    assert_error(
        &house.resume(&sealed, &again).await,
        "login_required",
        "user_unexpected",
    );
    let (_, right) = house.sign_in().await;
    assert!(sent_back(&house.resume(&sealed, &right).await).contains_key("code"));
}

#[tokio::test]
async fn an_id_token_hint_of_another_client_or_issuer_is_refused() {
    let house = House::new().await;
    let given = house.tokens("other", "openid").await;
    let foreign = given.body["id_token"].as_str().unwrap();
    let (_, cookie) = house.sign_in().await;
    let altered = format!("{}A", &foreign[..foreign.len() - 1]);
    for hint in [
        foreign,
        altered.as_str(),
        given.access.as_str(),
        "no.token.at-all",
    ] {
        let asked = wish_and(&[("id_token_hint", hint)]);
        let response = house.get(&asked, Some(&cookie)).await;
        assert_error(&response, "invalid_request", "id_token_hint_invalid");
    }
}

#[tokio::test]
async fn claims_may_name_the_user_too() {
    let house = House::new().await;
    let (_, cookie) = house.sign_in().await;
    let claims = |user: UserId| format!(r#"{{"id_token":{{"sub":{{"value":"{user}"}}}}}}"#);
    let mine = wish_and(&[("claims", &claims(house.user)), ("prompt", "none")]);
    assert!(sent_back(&house.get(&mine, Some(&cookie)).await).contains_key("code"));
    let other = house.with_another_user().await;
    let theirs = wish_and(&[("claims", &claims(other.user)), ("prompt", "none")]);
    assert_error(
        &house.get(&theirs, Some(&cookie)).await,
        "login_required",
        "user_unexpected",
    );
}

#[tokio::test]
async fn an_essential_acr_that_cannot_be_reached_is_refused_and_a_wished_one_is_not() {
    let house = House::new().await;
    let (_, cookie) = house.sign_in().await;
    let essential =
        |value: &str| format!(r#"{{"id_token":{{"acr":{{"essential":true,"value":"{value}"}}}}}}"#);
    assert_error(
        &house
            .get(&wish_and(&[("claims", &essential("phr"))]), Some(&cookie))
            .await,
        "unmet_authentication_requirements",
        "authentication_unmet",
    );
    for more in [
        ("claims", essential(ACR)),
        ("acr_values", "phr".to_owned()),
        ("acr_values", format!("phr {ACR}")),
    ] {
        let response = house
            .get(&wish_and(&[(more.0, &more.1)]), Some(&cookie))
            .await;
        let code = sent_back(&response)["code"].clone();
        let given = tokens(house.redeem("app", &code).await).await;
        assert_eq!(claims(&given.access)["acr"], ACR);
        let id_token = given.body["id_token"].as_str().unwrap();
        assert_eq!(claims(id_token)["acr"], ACR);
    }
}

#[tokio::test]
async fn a_step_up_is_a_new_sign_in_a_new_session_and_a_newer_auth_time() {
    let house = House::new().await;
    let (old, cookie) = house.sign_in().await;
    let before = house.code_for("app", "openid", &cookie).await;
    let before = tokens(house.redeem("app", &before).await).await;
    house.clock.advance(Duration::from_secs(400));
    // RFC 9470: the resource's challenge, passed on by the client.
    let asked = wish_and(&[("max_age", "300"), ("acr_values", ACR)]);
    let response = house.get(&asked, Some(&cookie)).await;
    assert_eq!(location(&response).path(), "/sign-in");
    let (fresh, cookie) = house.sign_in().await;
    let response = house.resume(&sealed(&response), &cookie).await;
    let after = tokens(house.redeem("app", &sent_back(&response)["code"]).await).await;
    assert_ne!(old.id, fresh.id);
    let (before, after) = (claims(&before.access), claims(&after.access));
    assert_ne!(before["sid"], after["sid"]);
    assert_eq!(after["auth_time"], fresh.auth_time.as_seconds());
    assert_eq!(
        after["auth_time"].as_i64().unwrap() - before["auth_time"].as_i64().unwrap(),
        400
    );
    assert_eq!(after["acr"], ACR);
}

#[tokio::test]
async fn only_an_administrator_grants_administration() {
    let house = House::new().await;
    house
        .change_client("app", |client| {
            client.scopes.push("sealgate:users:read".into());
        })
        .await;
    let (_, cookie) = house.sign_in().await;
    let asked = wish_and(&[("scope", "openid sealgate:users:read")]);
    assert_error(
        &house.get(&asked, Some(&cookie)).await,
        "access_denied",
        "administrator_required",
    );
    assert_eq!(house.last_record().await.reason, "administrator_required");
    house
        .change_user(UserChange {
            roles: Some(vec!["admin".into()]),
            ..UserChange::default()
        })
        .await;
    assert!(sent_back(&house.get(&asked, Some(&cookie)).await).contains_key("code"));
}

#[tokio::test]
async fn a_client_of_a_tenant_serves_its_users_alone() {
    let house = House::new().await;
    house
        .change_client("app", |client| {
            client.details.tenant = Some("harbour".parse().unwrap());
        })
        .await;
    let (_, cookie) = house.sign_in().await;
    let silent = wish_and(&[("prompt", "none")]);
    assert_error(
        &house.get(&silent, Some(&cookie)).await,
        "interaction_required",
        "interaction_required",
    );
    // Another account of theirs may belong there.
    let response = house.get(&wish_and(&[]), Some(&cookie)).await;
    assert_eq!(location(&response).path(), "/sign-in");
    let (_, cookie) = house.sign_in().await;
    assert_error(
        &house.resume(&sealed(&response), &cookie).await,
        "access_denied",
        "tenant_foreign",
    );
    house
        .change_user(UserChange {
            tenant: Some(Some("harbour".parse().unwrap())),
            ..UserChange::default()
        })
        .await;
    let code = sent_back(&house.get(&wish_and(&[]), Some(&cookie)).await)["code"].clone();
    let given = tokens(house.redeem("app", &code).await).await;
    let renewed = tokens(house.refresh("app", &given.refresh).await).await;
    // Whatever a gate decides by stands in both tokens, from the first on.
    for tokens in [given, renewed] {
        let access = claims(&tokens.access);
        assert_eq!(access["tenant"], "harbour");
        let id_token = claims(tokens.body["id_token"].as_str().unwrap());
        for same in ["tenant", "acr", "auth_time", "roles"] {
            assert!(!access[same].is_null(), "{same}");
            assert_eq!(id_token[same], access[same], "{same}");
        }
    }
}

#[tokio::test]
async fn a_step_up_may_ask_for_a_new_sign_in_whatever_there_is() {
    let house = House::new().await;
    let (_, cookie) = house.sign_in().await;
    house.clock.advance(Duration::from_secs(1));
    let asked = wish_and(&[("prompt", "login"), ("max_age", "300"), ("acr_values", ACR)]);
    let response = house.get(&asked, Some(&cookie)).await;
    assert_eq!(location(&response).path(), "/sign-in");
    // The sign-in that was there does not do, and one from after the question does.
    let sealed = sealed(&response);
    let again = house.resume(&sealed, &cookie).await;
    assert_eq!(location(&again).path(), "/sign-in");
    house.clock.advance(Duration::from_secs(5));
    let (fresh, cookie) = house.sign_in().await;
    let response = house.resume(&sealed, &cookie).await;
    let given = tokens(house.redeem("app", &sent_back(&response)["code"]).await).await;
    let id_token = claims(given.body["id_token"].as_str().unwrap());
    assert_eq!(id_token["auth_time"], fresh.auth_time.as_seconds());
    assert_eq!(id_token["acr"], ACR);
}

#[tokio::test]
async fn what_was_asked_for_beside_scopes_reaches_the_tokens() {
    let house = House::new().await;
    house.add_api().await;
    house
        .change_client("app", |client| client.details.resources = vec![API.into()])
        .await;
    let (_, cookie) = house.sign_in().await;
    let asked = wish_and(&[
        ("scope", "openid expenses:read"),
        ("resource", "https://api.example/"),
        ("claims", r#"{"id_token":{"email":null}}"#),
    ]);
    let code = sent_back(&house.get(&asked, Some(&cookie)).await)["code"].clone();
    let given = tokens(house.redeem("app", &code).await).await;
    let id_token = claims(given.body["id_token"].as_str().unwrap());
    assert_eq!(id_token["email"], "ada@example.org");
    assert_eq!(
        claims(&given.access)["aud"],
        serde_json::json!([API, ISSUER])
    );
    let foreign = wish_and(&[("resource", "https://elsewhere.example")]);
    assert_error(
        &house.get(&foreign, Some(&cookie)).await,
        "invalid_target",
        "resource_not_allowed",
    );
}

#[tokio::test]
async fn a_request_without_scope_asks_for_what_the_client_is_registered_for() {
    let house = House::new().await;
    house.add_api().await;
    house
        .change_client("app", |client| {
            client.details.resources = vec![API.into()];
            for scope in ["travel:read", "sealgate:users:read"] {
                client.scopes.push(scope.into());
            }
        })
        .await;
    let (_, cookie) = house.sign_in().await;
    for (resource, granted) in [("", "expenses:read travel:read"), (API, "expenses:read")] {
        let mut pairs = wish_with("scope", "");
        pairs.retain(|(name, _)| *name != "nonce");
        if !resource.is_empty() {
            pairs.push(("resource", resource.to_owned()));
        }
        let code = sent_back(&house.get(&authorize(&pairs), Some(&cookie)).await)["code"].clone();
        let given = tokens(house.redeem("app", &code).await).await;
        assert_eq!(given.body["scope"], granted);
        assert!(given.body.get("id_token").is_none());
    }
    house
        .change_client("app", |client| client.scopes = vec!["openid".into()])
        .await;
    let asked = authorize(&wish_with("scope", ""));
    assert_error(
        &house.get(&asked, Some(&cookie)).await,
        "invalid_scope",
        "scope_missing",
    );
}

#[tokio::test]
async fn a_disabled_client_gets_nothing_not_even_halfway() {
    let house = House::new().await;
    let on_the_way = house.get(&wish_and(&[]), None).await;
    let (_, cookie) = house.sign_in().await;
    house.disable_client("app").await;
    for response in [
        house.get(&wish_and(&[]), Some(&cookie)).await,
        house.resume(&sealed(&on_the_way), &cookie).await,
    ] {
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        assert!(text(response).await.contains("client_unknown"));
    }
}

#[tokio::test]
async fn what_a_client_lost_meanwhile_it_does_not_get_either() {
    let house = House::new().await;
    let on_the_way = house.get(&wish_and(&[]), None).await;
    let (_, cookie) = house.sign_in().await;
    house
        .change_client("app", |client| client.scopes = vec!["openid".into()])
        .await;
    let response = house.resume(&sealed(&on_the_way), &cookie).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_request_posted_by_another_site_is_made_again_as_a_navigation() {
    let house = House::new().await;
    let (_, cookie) = house.sign_in().await;
    let body = Serializer::new(String::new())
        .extend_pairs(wish("app"))
        .finish();
    // The browser keeps its cookie from such a form.
    let posted = request(Method::POST, "/oauth/authorize")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(body));
    let response = house.send(posted.unwrap()).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    let again = location(&response);
    let path = again.as_str().strip_prefix(ISSUER).unwrap();
    assert!(sent_back(&house.get(path, Some(&cookie)).await).contains_key("code"));
}

#[tokio::test]
async fn prompt_none_is_answered_with_what_the_user_would_have_to_do() {
    let house = House::new().await;
    house
        .change_client("app", |client| client.details.consent = Consent::Required)
        .await;
    let silent = wish_and(&[("prompt", "none")]);
    assert_error(
        &house.get(&silent, None).await,
        "login_required",
        "login_required",
    );
    let (_, cookie) = house.sign_in().await;
    assert_error(
        &house.get(&silent, Some(&cookie)).await,
        "consent_required",
        "consent_required",
    );
    house.clock.advance(Duration::from_secs(24 * 3600));
    assert_error(
        &house.get(&silent, Some(&cookie)).await,
        "login_required",
        "login_required",
    );
}
