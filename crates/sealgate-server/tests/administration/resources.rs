//! Resources.

use sealgate_server::admin::{ResourceView, Resources};
use serde_json::{Value, json};

use crate::plane::{ISSUER, Plane, application};

const API: &str = "https://api.example/expenses";

#[tokio::test]
async fn a_resource_is_registered_changed_and_removed() {
    let plane = Plane::new().await;
    let mut app = application();
    app["id"] = "app".into();
    plane.post("/clients", app).await;
    let new = json!({
        "uri": API, "name": " Expenses ", "client": "app",
        "scopes": [{ "name": "expenses:read", "description": "See your expenses" }],
    });
    let made: ResourceView = plane.post("/resources", new.clone()).await.read();
    assert_eq!((made.name.as_str(), made.uri.as_str()), ("Expenses", API));
    plane.post("/resources", new).await.refused(409, "conflict");
    let at = format!("/resource?uri={API}");
    assert_eq!(plane.get(&at).await.read::<ResourceView>(), made);
    let change = json!({ "name": "Travel", "client": null, "scopes": [] });
    let changed: ResourceView = plane.patch(&at, change).await.read();
    assert_eq!((changed.name.as_str(), &changed.client), ("Travel", &None));
    assert_eq!(changed.created_at, made.created_at);
    assert_eq!(
        plane.get("/resources").await.read::<Resources>().resources,
        [changed]
    );
    assert_eq!(plane.delete(&at).await.status, 204);
    plane.get(&at).await.refused(404, "resource_unknown");
}

#[tokio::test]
async fn a_resource_is_opened_to_agents_with_its_tools_in_words() {
    let plane = Plane::new().await;
    let scopes = json!([{ "name": "notes:write", "description": "Change your notes" }]);
    let tools =
        json!([{ "name": "add_note", "description": "Add a note", "scopes": ["notes:write"] }]);
    let new = json!({
        "uri": API, "name": "Notes", "agents": true, "scopes": scopes, "tools": tools,
    });
    let made: ResourceView = plane.post("/resources", new).await.read();
    assert!(made.agents);
    assert_eq!(serde_json::to_value(&made.tools).unwrap(), tools);
    let at = format!("/resource?uri={API}");
    let kept = plane.plane.store.resource(API).await.unwrap().unwrap();
    assert!(kept.agents && kept.tools[0].name == "add_note");
    // A scope does not go as long as a tool takes it.
    let change = json!({ "scopes": [] });
    plane
        .patch(&at, change)
        .await
        .refused(422, "tool_scope_unknown");
    let change = json!({ "scopes": [], "tools": [], "agents": false });
    let changed: ResourceView = plane.patch(&at, change).await.read();
    assert!(!changed.agents && changed.tools.is_empty());
    let plain: ResourceView = plane
        .post(
            "/resources",
            json!({ "uri": "https://b.example", "name": "B" }),
        )
        .await
        .read();
    assert!(!plain.agents, "nothing is open that nobody opened");
}

#[tokio::test]
async fn a_resource_that_is_not_sound_is_refused() {
    let plane = Plane::new().await;
    let own = format!("{ISSUER}/api/v1");
    let scope = |name: &str| json!([{ "name": name, "description": "x" }]);
    for (body, reason) in [
        (
            json!({ "uri": "urn:example:api", "name": "A" }),
            "resource_malformed",
        ),
        (
            json!({ "uri": "https://a.example/#b", "name": "A" }),
            "resource_malformed",
        ),
        (json!({ "uri": own, "name": "A" }), "resource_reserved"),
        (json!({ "uri": ISSUER, "name": "A" }), "resource_reserved"),
        (
            json!({ "uri": format!("{ISSUER}/"), "name": "A" }),
            "resource_reserved",
        ),
        (json!({ "uri": API, "name": " " }), "name_malformed"),
        (
            json!({ "uri": API, "name": "A", "client": "nobody" }),
            "client_unknown",
        ),
        (
            json!({ "uri": API, "name": "A", "scopes": scope("a b") }),
            "scope_malformed",
        ),
        (
            json!({ "uri": API, "name": "A", "scopes": scope("sealgate:users:read") }),
            "scope_reserved",
        ),
    ] {
        plane.post("/resources", body).await.refused(422, reason);
    }
    assert_eq!(
        plane.get("/resources").await.read::<Resources>().resources,
        []
    );
}

#[tokio::test]
async fn a_resource_that_clients_are_registered_for_stays() {
    let plane = Plane::new().await;
    plane
        .post("/resources", json!({ "uri": API, "name": "A" }))
        .await;
    let mut app = application();
    app["id"] = "app".into();
    app["resources"] = json!([API]);
    assert_eq!(plane.post("/clients", app).await.status, 201);
    let at = format!("/resource?uri={API}");
    plane.delete(&at).await.refused(409, "resource_in_use");
    plane
        .patch("/clients/app", json!({ "resources": [] }))
        .await;
    assert_eq!(plane.delete(&at).await.status, 204);
}

#[tokio::test]
async fn resources_are_listed_by_uri_in_pages() {
    let plane = Plane::new().await;
    for name in ["b", "a", "c"] {
        let uri = format!("https://{name}.example");
        plane
            .post("/resources", json!({ "uri": uri, "name": name }))
            .await;
    }
    let first: Resources = plane.get("/resources?limit=2").await.read();
    assert_eq!(first.resources[0].uri, "https://a.example");
    let after = first.next.unwrap();
    assert_eq!(after, "https://b.example");
    let rest: Resources = plane.get(&format!("/resources?after={after}")).await.read();
    assert_eq!((rest.resources[0].name.as_str(), rest.next), ("c", None));
}

#[tokio::test]
async fn of_two_changes_at_once_neither_undoes_the_other() {
    let plane = Plane::new().await;
    let api = json!({ "uri": "https://api.example", "name": "API" });
    plane.post("/resources", api).await;
    let at = "/resource?uri=https://api.example";
    for round in 0..8 {
        let name = format!("API {round}");
        let scopes = json!([{ "name": format!("api:{round}"), "description": "Use it" }]);
        let (first, second) = tokio::join!(
            plane.patch(at, json!({ "name": name })),
            plane.patch(at, json!({ "scopes": scopes })),
        );
        let now: Value = plane.get(at).await.read();
        for (seen, holds) in [
            (first, now["name"] == name.as_str()),
            (second, now["scopes"] == scopes),
        ] {
            if seen.status.is_success() {
                assert!(holds, "round {round}: {now}");
            } else {
                seen.refused(409, "resource_changed");
            }
        }
    }
}
