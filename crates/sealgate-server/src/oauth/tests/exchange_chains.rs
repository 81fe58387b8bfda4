//! Whatever is exchanged for whatever, by whomever: no token can do more than the one that it was had for.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::collection::vec;
use proptest::option;
use proptest::sample::{select, subsequence};
use proptest::strategy::{Strategy, ValueTree as _};
use proptest::test_runner::TestRunner;
use sealgate_model::Grant;
use sealgate_store::Resource;

use super::token_exchange::{ACCESS, REFRESH};
use super::*;

const SERVICES: [&str; 4] = ["a", "b", "c", "d"];
const SCOPES: [&str; 4] = ["one", "two", "three", "four"];

/// One attempt: who asks, for which services' resources, for which scopes, after how long, and of which of the
/// tokens that there are.
#[derive(Debug, Clone)]
struct Attempt {
    client: &'static str,
    to: Vec<&'static str>,
    scopes: Option<Vec<&'static str>>,
    wait: u64,
    token: usize,
}

fn attempts() -> impl Strategy<Value = Vec<Attempt>> {
    let one = (
        select(SERVICES.to_vec()),
        subsequence(SERVICES.to_vec(), 1..=3),
        option::weighted(0.4, subsequence(SCOPES.to_vec(), 1..=3)),
        0..40_u64,
        0..64_usize,
    );
    let one = one.prop_map(|(client, to, scopes, wait, token)| Attempt {
        client,
        to,
        scopes,
        wait,
        token,
    });
    vec(one, 12..24)
}

fn uri(service: &str) -> String {
    format!("https://{service}.example")
}

/// `app` signs users in; each service is a resource, may ask for tokens for each of three, and lacks one scope.
/// What `c` gets on only `d` may exchange, and tokens of `b` would live for an hour.
async fn house() -> House {
    let house = House::new().await;
    for (at, service) in SERVICES.into_iter().enumerate() {
        house
            .add_machine(service, |client| {
                client.scopes = SCOPES.map(String::from).to_vec();
                client.scopes.remove(at);
                client.scopes.push("openid".to_owned());
                client.details.grants = vec![Grant::TokenExchange];
                client.details.resources = SERVICES.map(uri).to_vec();
                client.details.resources.remove((at + 1) % 4);
                client.details.may_act = (service == "c").then(|| "d".parse().unwrap());
                client.details.access_lifetime = (service == "b").then_some(3600);
            })
            .await;
        let resource = Resource {
            status_list: false,
            agents: false,
            tools: Vec::new(),
            uri: uri(service),
            name: service.to_owned(),
            client: Some(service.parse().unwrap()),
            scopes: Vec::new(),
            created_at: house.clock.now(),
        };
        let store = &house.plane.store;
        store
            .resource_create(resource, house.audit())
            .await
            .unwrap();
    }
    house
        .change_client("app", |client| {
            client.scopes = ["openid", "one", "two", "three"].map(String::from).to_vec();
            client.details.grants.push(Grant::TokenExchange);
            client.details.resources = SERVICES.map(uri).to_vec();
        })
        .await;
    house
}

fn words(claim: &Value) -> BTreeSet<String> {
    let words = claim.as_str().unwrap().split(' ');
    words.map(str::to_owned).collect()
}

fn audience(claims: &Value) -> BTreeSet<String> {
    match &claims["aud"] {
        Value::String(one) => BTreeSet::from([one.clone()]),
        many => serde_json::from_value(many.clone()).unwrap(),
    }
}

/// The clients that act, the latest first.
fn actors(claims: &Value) -> Vec<String> {
    let chain = std::iter::successors(claims.get("act"), |act| act.get("act"));
    chain
        .map(|act| act["sub"].as_str().unwrap().to_owned())
        .collect()
}

fn grants(claims: &Value) -> Vec<String> {
    serde_json::from_value(claims["grants"].clone()).unwrap()
}

/// That what came of an exchange is no more than what was handed in, and what the client is registered for.
fn check(before: &Value, after: &Value, client: &Client, attempt: &Attempt) {
    let said = || format!("{attempt:?}: {before} gave {after}");
    for same in ["iss", "sub", "sid", "auth_time", "acr", "amr", "roles"] {
        assert_eq!(before[same], after[same], "{same} of {}", said());
    }
    let scopes = words(&after["scope"]);
    assert!(scopes.is_subset(&words(&before["scope"])), "{}", said());
    assert!(
        scopes.iter().all(|scope| client.scopes.contains(scope)),
        "{}",
        said()
    );
    assert!(!scopes.contains("openid"), "{}", said());
    if let Some(asked) = &attempt.scopes {
        let asked: BTreeSet<String> = asked.iter().map(ToString::to_string).collect();
        assert_eq!(scopes, asked, "{}", said());
    }
    // For what was asked for and nothing beside it, and for nothing that the client is not registered for.
    let asked: BTreeSet<String> = attempt.to.iter().map(|to| uri(to)).collect();
    assert_eq!(audience(after), asked, "{}", said());
    let registered = &client.details.resources;
    assert!(
        asked.iter().all(|uri| registered.contains(uri)),
        "{}",
        said()
    );
    assert!(
        after["exp"].as_i64() <= before["exp"].as_i64(),
        "{}",
        said()
    );

    // Those who acted stand unchanged behind the one who acts now, and so do the delegations.
    assert_eq!(
        after["act"].get("act"),
        before.get("act"),
        "nothing else is inside: {}",
        said()
    );
    assert_eq!(actors(after)[0], attempt.client, "{}", said());
    assert!(actors(after).len() <= 4, "{}", said());
    let (own, inherited) = grants(after).split_last().map(owned).unwrap();
    assert_eq!(inherited, grants(before), "{}", said());
    assert!(!inherited.contains(&own), "{}", said());

    // Who might: whom the token names, and without a name whoever serves what it is for.
    match before.get("may_act") {
        Some(named) => assert_eq!(named["sub"], attempt.client, "{}", said()),
        None => assert!(
            audience(before).contains(&uri(attempt.client)),
            "{}",
            said()
        ),
    }
    let named = after.get("may_act").map(|named| named["sub"].clone());
    let own = (attempt.client == "c").then(|| Value::from("d"));
    assert_eq!(named, own, "it is the client's own name: {}", said());
}

fn owned((last, rest): (&String, &[String])) -> (String, Vec<String>) {
    (last.clone(), rest.to_vec())
}

#[tokio::test]
async fn no_chain_of_exchanges_ever_gives_more_than_it_began_with() {
    let house = house().await;
    let mut runner = TestRunner::default();
    let (mut given, mut deepest) = (0, 0);
    // Chains are tried at random, so that the longest one may be some time in coming.
    for round in 0..400 {
        if round >= 40 && given > 40 && deepest == 4 {
            break;
        }
        let tried = attempts().new_tree(&mut runner).unwrap().current();
        let own = house.tokens("app", "openid").await;
        let mut held = Vec::new();
        for to in ["a", "b"] {
            let more = [("resource", uri(to))];
            let more = more.each_ref().map(|(name, value)| (*name, value.as_str()));
            let first = house.exchange("app", REFRESH, &own.refresh, &more).await;
            held.push(tokens(first).await.access);
        }
        for attempt in tried {
            house.clock.advance(Duration::from_secs(attempt.wait));
            // Rather one of the latest, so that chains grow.
            let back = attempt.token % 3.min(held.len());
            let token = held[held.len() - 1 - back].clone();
            let scopes = attempt.scopes.as_ref().map(|scopes| scopes.join(" "));
            let to: Vec<String> = attempt.to.iter().map(|to| uri(to)).collect();
            let mut more: Vec<(&str, &str)> =
                scopes.iter().map(|text| ("scope", text.as_str())).collect();
            // Audiences and resources are two words for the same.
            let names = ["resource", "audience"].into_iter().cycle();
            more.extend(names.zip(to.iter().map(String::as_str)));
            let mut pairs = vec![
                ("grant_type", super::token_exchange::GRANT),
                ("subject_token_type", ACCESS),
                ("subject_token", token.as_str()),
            ];
            pairs.extend(more);
            let answer = house
                .post("/oauth/token", Some(attempt.client), &pairs)
                .await;
            if answer.status() != StatusCode::OK {
                assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
                continue;
            }
            let after = tokens(answer).await.access;
            let id = attempt.client.parse().unwrap();
            let client = house.plane.store.client(&id).await.unwrap().unwrap();
            check(&claims(&token), &claims(&after), &client, &attempt);
            given += 1;
            deepest = deepest.max(actors(&claims(&after)).len());
            held.push(after);
        }
    }
    assert!(
        given > 40 && deepest == 4,
        "{given} exchanges, {deepest} deep"
    );
}
