//! Servers that are right, and servers that are wrong in one thing each: a check that never fails would
//! be worth nothing.

mod breaking;
mod table;
mod world;

use serde_json::json;

use super::play::Fate;
use super::text::text;
use world::World;

#[tokio::test]
async fn a_server_that_is_right_is_right_for_every_client() {
    let served = World::default().serve().await;
    let examined = served.examine(&[]).await;
    assert!(examined.is_well(), "{}", text(&examined, true).data);
    let maybe = examined
        .clients
        .iter()
        .filter(|client| client.fate == Fate::Maybe);
    let maybe: Vec<_> = maybe.map(|client| client.client).collect();
    assert_eq!(maybe, ["cursor", "inspector"]);
    assert_eq!(examined.failing(), 0);
    let told = text(&examined, false);
    insta::assert_snapshot!("right", served.masked(&told.data));
    assert_eq!(
        told.talk,
        "Everything that was looked at is right.\nNone of 11 clients would fail.\n"
    );
}

#[tokio::test]
async fn what_would_fail_is_told_with_the_step_the_reason_the_fix_and_who_says_so() {
    let served = World::default()
        .with(|world| {
            world.metadata["resource"] = json!("SERVER/mcp/");
            world.server["token_endpoint_auth_methods_supported"] = json!(["client_secret_basic"]);
            world.bad_token =
                "Bearer resource_metadata=\"SERVER/.well-known/oauth-protected-resource/mcp\""
                    .to_owned();
        })
        .serve()
        .await;
    let examined = served.examine(&[]).await;
    assert!(!examined.is_well());
    insta::assert_snapshot!("wrong", served.masked(&text(&examined, false).data));
}

#[tokio::test]
async fn the_steps_of_a_client_can_be_seen() {
    let served = World::default().serve().await;
    let mut examined = served.examine(&[]).await;
    examined
        .clients
        .retain(|client| matches!(client.client, "codex" | "cursor"));
    let told = served.masked(&text(&examined, true).data);
    let (_, clients) = told.split_once("\n\n").unwrap();
    insta::assert_snapshot!("steps", clients);
}

#[tokio::test]
async fn a_client_in_a_browser_counts_only_if_it_is_asked_for() {
    let served = World::default()
        .with(|world| world.open = false)
        .serve()
        .await;
    let mut examined = served.examine(&[]).await;
    let inspector = examined
        .clients
        .iter()
        .find(|client| client.client == "inspector")
        .unwrap();
    assert_eq!(inspector.fate, Fate::Closed);
    assert!(examined.is_well());
    examined.chosen = true;
    assert!(!examined.is_well());
}

#[tokio::test]
async fn the_root_may_be_a_resource_of_its_own() {
    let served = World::default()
        .with(|world| world.whole_origin = true)
        .serve()
        .await;
    let examined = served.examine(&[]).await;
    let told = served.masked(&text(&examined, false).data);
    assert!(
        told.contains(
            "ok    resource  SERVER/.well-known/oauth-protected-resource is about SERVER\n"
        ),
        "{told}"
    );
    assert!(examined.is_well(), "{told}");
}

#[tokio::test]
async fn nothing_is_registered_unless_that_is_asked_for() {
    let served = World::default().serve().await;
    served.examine(&[]).await;
    assert_eq!(served.registrations(), 0);
    let examined = served.examine(&["cursor", "python-sdk"]).await;
    let fate = |name: &str| {
        examined
            .clients
            .iter()
            .find(|client| client.client == name)
            .unwrap()
            .fate
    };
    assert_eq!(fate("cursor"), Fate::Works);
    assert_eq!(fate("inspector"), Fate::Maybe);
    // The Python SDK has a document of its own to be known by.
    assert_eq!(served.registrations(), 1);
    let cursor = examined
        .clients
        .iter()
        .find(|client| client.client == "cursor")
        .unwrap();
    let step = cursor
        .steps
        .iter()
        .find(|step| step.step == "registration")
        .unwrap();
    assert!(
        step.detail.starts_with("registered itself at "),
        "{}",
        step.detail
    );
    // What the server lets us remove is gone again.
    assert_eq!(served.removals(), 1);
}

#[tokio::test]
async fn a_server_is_not_let_lead_us_to_other_machines() {
    for elsewhere in [
        "http://10.0.0.7/metadata",
        "https://[fd00::1]/metadata",
        "https://[fe80::1]/metadata",
        "https://[::ffff:10.0.0.7]/metadata",
        "https://100.64.0.1/metadata",
        "file:///etc/passwd",
        "http://id.example/x",
    ] {
        let served = World::default()
            .with(|world| {
                world.challenge =
                    format!("Bearer resource_metadata=\"{elsewhere}\", scope=\"notes:read\"");
            })
            .serve()
            .await;
        let facts = served.facts(&[]).await;
        let error = facts.documents[elsewhere].as_ref().unwrap_err();
        assert!(
            error.contains("is not asked") || error.contains("no web address"),
            "{error}"
        );
    }
}
