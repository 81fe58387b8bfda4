//! Tokens with which somebody acts for a user, and those of agents: whom they make of the caller.

use sealgate_model::{Actor, Agent, Machine};
use serde_json::{Value, json};

use crate::house::{House, machine, refusal, user, with, without};

async fn actor(claims: &Value) -> Actor {
    let house = House::new();
    let admitted = house.bearer(&house.token(claims)).await.unwrap();
    (*admitted.caller.actor).clone()
}

fn act(sub: &str, profile: Option<&str>, before: Option<Value>) -> Value {
    let mut act = json!({"sub": sub});
    if let Some(profile) = profile {
        act["sub_profile"] = json!(profile);
    }
    if let Some(before) = before {
        act["act"] = before;
    }
    act
}

#[tokio::test]
async fn services_that_pass_a_call_on_leave_the_user_the_caller() {
    let inner = act("shop", None, None);
    let claims = with(user(), "act", act("cli", Some("service"), Some(inner)));
    let Actor::User(user) = actor(&claims).await else {
        panic!("it is the user's call");
    };
    assert_eq!(
        (user.id.as_str(), user.client.as_deref()),
        ("u1", Some("cli"))
    );
    assert_eq!(user.via, ["cli", "shop"]);
}

#[tokio::test]
async fn an_agent_that_acts_for_a_user_is_the_caller() {
    let claims = with(user(), "act", act("cli", Some("ai_agent"), None));
    let Actor::Agent(agent) = actor(&claims).await else {
        panic!("it is the agent's call");
    };
    assert_eq!((agent.id.as_str(), agent.via.len()), ("cli", 0));
    assert_eq!(agent.roles, ["admin"]);
    assert_eq!(agent.tenant.as_deref(), Some("acme"));
    let user = agent.user.unwrap();
    assert_eq!((user.id.as_str(), user.via.len()), ("u1", 0));
}

#[tokio::test]
async fn of_a_chain_the_nearest_agent_calls_and_everybody_else_passes_on() {
    let chain = act("shop", None, Some(act("helper", Some("ai_agent"), None)));
    let chain = act("robot", Some("service ai_agent"), Some(chain));
    let claims = with(user(), "act", act("cli", Some("service"), Some(chain)));
    let Actor::Agent(agent) = actor(&claims).await else {
        panic!("it is the agent's call");
    };
    assert_eq!(
        (agent.id.as_str(), agent.via),
        ("robot", vec!["cli".to_owned()])
    );
    assert_eq!(agent.user.unwrap().via, ["shop", "helper"]);
}

#[tokio::test]
async fn who_may_act_on_is_for_the_token_endpoint_and_changes_nothing_here() {
    let plain = with(user(), "act", act("cli", Some("service"), None));
    let expected = actor(&plain).await;
    for named in [
        json!({"sub": "broker"}),
        // Whatever another issuer of this kind makes of it.
        json!({"sub": "broker", "iss": "https://other.example"}),
        json!("broker"),
    ] {
        assert_eq!(
            actor(&with(plain.clone(), "may_act", named)).await,
            expected
        );
    }
}

#[tokio::test]
async fn a_client_for_itself_is_a_machine_or_an_agent() {
    let agent = Agent {
        id: "batch".to_owned(),
        scopes: vec!["sealgate:users:read".to_owned()],
        ..Agent::default()
    };
    let claims = with(machine(), "sub_profile", json!("ai_agent"));
    assert_eq!(actor(&claims).await, Actor::Agent(agent));
    for profile in ["service", "ai_agents", "AI_AGENT", ""] {
        let claims = with(machine(), "sub_profile", json!(profile));
        assert!(
            matches!(actor(&claims).await, Actor::Machine(Machine { .. })),
            "{profile}"
        );
    }
}

#[tokio::test]
async fn whatever_is_malformed_about_who_acts_refuses_the_token() {
    let house = House::new();
    let deep = (0..4).fold(act("a", None, None), |chain, _| act("a", None, Some(chain)));
    let cases = [
        ("act", Value::Null),
        ("act", json!("cli")),
        ("act", json!(["cli"])),
        ("act", json!({})),
        ("act", json!({"sub": 1})),
        ("act", json!({"sub": ""})),
        ("act", json!({"sub": "a\nb"})),
        ("act", json!({"sub": "a".repeat(256)})),
        ("act", json!({"sub": "a", "sub_profile": ["ai_agent"]})),
        ("act", json!({"sub": "a", "sub_profile": null})),
        ("act", json!({"sub": "a", "act": null})),
        ("act", json!({"sub": "a", "act": ["b"]})),
        ("act", json!({"sub": "a", "act": {"sub": ""}})),
        ("act", deep),
        ("sub_profile", json!(["ai_agent"])),
        ("sub_profile", Value::Null),
        // An AI client would pass for a human.
        ("sub_profile", json!("ai_agent")),
    ];
    for (claim, value) in cases {
        let token = house.token(&with(user(), claim, value.clone()));
        let refused = refusal(house.bearer(&token).await);
        assert_eq!(refused, (401, "token_invalid"), "{claim} = {value}");
    }
    let four = (0..3).fold(act("a", None, None), |chain, _| act("a", None, Some(chain)));
    assert!(
        house
            .bearer(&house.token(&with(user(), "act", four)))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn nobody_acts_for_a_client() {
    let house = House::new();
    let token = house.token(&with(machine(), "act", act("cli", None, None)));
    assert_eq!(refusal(house.bearer(&token).await), (401, "token_invalid"));
}

#[tokio::test]
async fn a_user_who_is_passed_on_needs_no_more_than_the_claims_of_a_user() {
    let claims = with(user(), "act", act("cli", None, None));
    let claims = ["sid", "roles", "tenant", "acr", "auth_time"]
        .iter()
        .fold(claims, |claims, name| without(claims, name));
    assert!(matches!(actor(&claims).await, Actor::User(_)));
}
