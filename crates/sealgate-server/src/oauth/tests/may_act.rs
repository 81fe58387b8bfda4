//! Tokens that say who may act (`may_act`, RFC 8693, 4.4): that client exchanges them, and nobody else.

use sealgate_model::Grant;
use serde_json::json as value;

use super::introspect::{is_active, told};
use super::machines::API;
use super::token_exchange::{ACCESS, REFRESH};
use super::*;

const FILES: &str = "https://files.example";
const BAD: StatusCode = StatusCode::BAD_REQUEST;

/// The house in which `app` says that `broker` alone may act on. That one serves nothing, and is registered for
/// [`FILES`].
async fn with_broker() -> House {
    let house = House::delegating().await;
    house
        .add_machine("broker", |client| {
            client.details.grants = vec![Grant::TokenExchange];
            client.details.resources = vec![FILES.to_owned()];
        })
        .await;
    house.name("app", Some("broker")).await;
    house
}

impl House {
    /// Registers whom a client names, through the administration API.
    async fn name(&self, client: &str, named: Option<&str>) {
        let path = format!("/clients/{client}");
        let change = value!({ "may_act": named });
        let seen = self.administer(Method::PATCH, &path, change).await;
        assert_eq!(seen["may_act"], value!(named));
        self.clock.advance(std::time::Duration::from_secs(1));
    }

    async fn reserved(&self, client: &str, token: &str, to: &str) {
        let to = [("resource", to)];
        let refused = self.exchange(client, ACCESS, token, &to).await;
        assert_refused(refused, BAD, "invalid_request", "subject_token_reserved").await;
        let record = self.last_record().await;
        assert_eq!(
            (record.action.as_str(), record.reason.as_str()),
            ("token.exchange", "subject_token_reserved")
        );
        assert_eq!(record.actor, format!("client:{client}"));
    }
}

#[tokio::test]
async fn the_named_client_alone_exchanges_whatever_the_token_is_for() {
    let house = with_broker().await;
    let own = house.tokens("app", "openid").await;
    let named = value!({ "sub": "broker" });
    assert_eq!(claims(&own.access)["may_act"], named);
    assert!(claims(own.body["id_token"].as_str().unwrap())["may_act"].is_null());
    let sent = house.exchange("app", REFRESH, &own.refresh, &[("resource", API)]);
    let sent = tokens(sent.await).await;
    assert_eq!(claims(&sent.access)["may_act"], named);
    // Whoever serves the resource accepts the token, is told of it, and does not act on.
    assert_eq!(told(&house, "other", &sent.access).await["may_act"], named);
    house.reserved("other", &sent.access, FILES).await;
    // Nor does another that is neither.
    house.reserved("files", &sent.access, API).await;

    let to = [("resource", FILES)];
    let given = tokens(house.exchange("broker", ACCESS, &sent.access, &to).await).await;
    let after = claims(&given.access);
    let act = value!({
        "sub": "broker", "sub_profile": "service", "act": { "sub": "app", "sub_profile": "service" },
    });
    assert_eq!((&after["act"], &after["aud"]), (&act, &value!(FILES)));
    assert_eq!(after["exp"], claims(&sent.access)["exp"]);
    // It names nobody, as broker is not registered with anybody, and goes on as any other token does.
    assert!(after["may_act"].is_null());
    let on = house.exchange("files", ACCESS, &given.access, &[("resource", API)]);
    tokens(on.await).await;
    // A token for the issuer alone, too.
    let given = house.exchange("broker", ACCESS, &own.access, &to).await;
    assert_refused(given, BAD, "invalid_scope", "scope_widened").await;
}

#[tokio::test]
async fn a_service_that_acts_on_names_its_own_and_not_whom_the_token_named() {
    let house = with_broker().await;
    house.name("app", None).await;
    house.name("other", Some("broker")).await;
    let first = house.delegated().await;
    assert!(claims(&first.access)["may_act"].is_null());
    let second = house.passed_on(&first.access).await;
    assert_eq!(
        claims(&second.access)["may_act"],
        value!({ "sub": "broker" })
    );
    house.reserved("files", &second.access, API).await;
    let third = house.exchange("broker", ACCESS, &second.access, &[("resource", FILES)]);
    let third = claims(&tokens(third.await).await.access);
    assert!(third["may_act"].is_null());
    assert_eq!(third["act"]["act"]["act"]["sub"], "app");
}

#[tokio::test]
async fn a_client_that_names_itself_lets_nobody_else_act_on() {
    let house = House::delegating().await;
    house.name("app", Some("app")).await;
    let first = house.delegated().await;
    house.reserved("other", &first.access, FILES).await;
    let to = [("resource", API)];
    let again = house.exchange("app", ACCESS, &first.access, &to).await;
    let again = claims(&tokens(again).await.access);
    assert_eq!(again["act"]["act"]["sub"], "app");
    assert_eq!(again["may_act"]["sub"], "app");
}

#[tokio::test]
async fn with_the_named_client_gone_nobody_exchanges() {
    let house = with_broker().await;
    let first = house.delegated().await;
    let to = [("resource", FILES)];
    tokens(house.exchange("broker", ACCESS, &first.access, &to).await).await;
    house.disable_client("broker").await;
    let refused = house.exchange("broker", ACCESS, &first.access, &to).await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    house.reserved("other", &first.access, FILES).await;
    let seen = house
        .administer(Method::DELETE, "/clients/broker", Value::Null)
        .await;
    assert!(seen.is_null());
    house.reserved("other", &first.access, FILES).await;
    // The registration can be changed with nobody of that name left; naming somebody unknown cannot be begun.
    let change = value!({ "name": "Another name" });
    let seen = house
        .administer(Method::PATCH, "/clients/app", change)
        .await;
    assert_eq!(seen["may_act"], "broker");
    house.clock.advance(std::time::Duration::from_secs(1));
    assert!(is_active(&house, "other", &house.delegated().await.access).await);
}

#[tokio::test]
async fn tokens_from_before_another_client_was_named_are_outdated() {
    let house = with_broker().await;
    house.name("app", None).await;
    for (may, to, next) in [
        ("other", FILES, Some("broker")),
        ("broker", FILES, Some("files")),
        ("files", API, None),
    ] {
        let before = house.delegated().await;
        house.name("app", next).await;
        assert!(!is_active(&house, "other", &before.access).await);
        let to = [("resource", to)];
        let refused = house.exchange(may, ACCESS, &before.access, &to).await;
        assert_refused(refused, BAD, "invalid_request", "subject_token_outdated").await;
        let session = house.session_of(&before.access).await;
        assert_eq!(session.revoked_at, None, "the session goes on");
    }
}

#[tokio::test]
async fn a_token_about_a_client_alone_names_nobody_and_is_not_exchanged() {
    let house = with_broker().await;
    for agent in [false, true] {
        house
            .change_client("app", |client| {
                client.details.grants.push(Grant::ClientCredentials);
                client.details.agent = agent;
            })
            .await;
        let own = tokens(house.own_token("app", &[("resource", API)]).await).await;
        assert!(claims(&own.access)["may_act"].is_null());
        let to = [("resource", FILES)];
        let refused = house.exchange("other", ACCESS, &own.access, &to).await;
        assert_refused(refused, BAD, "invalid_request", "subject_token_userless").await;
    }
}
