//! AI agents: what their tokens say, and what people are told.

use sealgate_model::Grant;
use sealgate_store::Consent;
use serde_json::json as value;

use super::machines::API;
use super::token_exchange::{ACCESS, REFRESH};
use super::*;

async fn with_agent() -> House {
    let house = House::delegating().await;
    house
        .change_client("app", |client| {
            client.details.agent = true;
            client.details.grants.push(Grant::ClientCredentials);
        })
        .await;
    house
}

#[tokio::test]
async fn an_agents_tokens_for_its_user_say_so_from_the_first_and_still_open_userinfo() {
    let house = with_agent().await;
    let first = house.tokens("app", "openid email").await;
    let act = value!({ "sub": "app", "sub_profile": "ai_agent" });
    let second = tokens(house.refresh("app", &first.refresh).await).await;
    for given in [&first, &second] {
        let claims = claims(&given.access);
        assert_eq!(claims["act"], act);
        assert!(claims.get("sub_profile").is_none());
        let told = introspect::told(&house, "app", &given.access).await;
        assert_eq!(told["act"], act);
    }
    let said = json(userinfo::ask(&house, &second.access).await).await;
    assert_eq!(said["email"], "ada@example.org");
}

#[tokio::test]
async fn an_agents_own_tokens_say_what_it_is_and_a_machines_do_not() {
    let house = with_agent().await;
    let own = tokens(house.own_token("app", &[("resource", API)]).await).await;
    assert_eq!(claims(&own.access)["sub_profile"], "ai_agent");
    assert!(claims(&own.access).get("act").is_none());
    let told = introspect::told(&house, "other", &own.access).await;
    assert_eq!(told["sub_profile"], "ai_agent");
    house.add_machine("robot", |_| {}).await;
    let robot = tokens(house.own_token("robot", &[]).await).await;
    assert!(claims(&robot.access).get("sub_profile").is_none());
}

#[tokio::test]
async fn an_agent_stays_one_behind_every_service_that_acts_on() {
    let house = with_agent().await;
    let own = house.tokens("app", "openid").await;
    let to = [("resource", API)];
    let first = tokens(house.exchange("app", REFRESH, &own.refresh, &to).await).await;
    let agent = value!({ "sub": "app", "sub_profile": "ai_agent" });
    assert_eq!(claims(&first.access)["act"], agent);
    let to = [("resource", "https://files.example")];
    let second = tokens(house.exchange("other", ACCESS, &first.access, &to).await).await;
    let act = value!({ "sub": "other", "sub_profile": "service", "act": agent });
    assert_eq!(claims(&second.access)["act"], act);
}

#[tokio::test]
async fn people_are_told_that_it_is_an_agent_that_asks() {
    let house = with_agent().await;
    house
        .change_client("app", |client| client.details.consent = Consent::Required)
        .await;
    let (_, cookie) = house.sign_in().await;
    let response = house.get(&authorize(&wish("app")), Some(&cookie)).await;
    let page = text(house.resume(&sealed(&response), &cookie).await).await;
    assert!(page.contains("The app client</strong>, an AI agent, asks to act for you"));
    assert!(page.contains("a program that decides by itself"));
    house
        .change_client("app", |client| client.details.agent = false)
        .await;
    let page = text(house.resume(&sealed(&response), &cookie).await).await;
    assert!(!page.contains("AI agent") && !page.contains("by itself"));
}
