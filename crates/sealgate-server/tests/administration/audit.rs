//! Reading the audit log, and what stands in it.

use sealgate_server::admin::{AuditRecords, CreatedUser};
use serde_json::{Value, json};

use crate::plane::{Plane, Seen, application};

#[tokio::test]
async fn every_act_is_on_record_as_the_operators_under_its_trace_id() {
    let plane = Plane::new().await;
    let check = async |action: &str, seen: &Seen| {
        assert!(seen.status.is_success(), "{action}: {}", seen.body);
        let last = plane.last_record().await;
        assert_eq!(
            (
                last.actor.as_str(),
                last.action.as_str(),
                last.trace.as_ref()
            ),
            ("operator", action, Some(&seen.trace))
        );
    };
    let added = plane
        .post("/users", json!({ "email": "ada@example.com" }))
        .await;
    check("user.create", &added).await;
    let id = added.read::<CreatedUser>().user.id;
    let mut app = application();
    app["id"] = "app".into();
    let resource = json!({ "uri": "https://api.example", "name": "API" });
    let at = "/resource?uri=https://api.example";
    for (path, body, action) in [
        (format!("/users/{id}/disable"), Value::Null, "user.disable"),
        (format!("/users/{id}/enable"), Value::Null, "user.enable"),
        ("/clients".to_owned(), app, "client.create"),
        (
            "/clients/app/secret".to_owned(),
            Value::Null,
            "client.secret",
        ),
        (
            "/clients/app/enable".to_owned(),
            Value::Null,
            "client.enable",
        ),
        ("/resources".to_owned(), resource, "resource.create"),
        ("/keys/rotate".to_owned(), Value::Null, "key.rotate"),
    ] {
        check(action, &plane.post(&path, body).await).await;
    }
    let named = || json!({ "name": "Another" });
    let user = format!("/users/{id}");
    check("user.update", &plane.patch(&user, named()).await).await;
    check("client.update", &plane.patch("/clients/app", named()).await).await;
    check("resource.update", &plane.patch(at, named()).await).await;
    check("resource.remove", &plane.delete(at).await).await;
    check("client.remove", &plane.delete("/clients/app").await).await;
}

#[tokio::test]
async fn a_record_names_the_resource_or_key_that_it_is_about() {
    let plane = Plane::new().await;
    let object = async || plane.last_record().await.object;
    let api = json!({ "uri": "https://api.example", "name": "API" });
    plane.post("/resources", api).await;
    assert_eq!(object().await.as_deref(), Some("https://api.example"));
    plane.delete("/resource?uri=https://api.example").await;
    assert_eq!(object().await.as_deref(), Some("https://api.example"));
    let keys: Value = plane.get("/keys").await.read();
    let kid = keys["keys"][0]["kid"].as_str().unwrap().to_owned();
    let revoked = plane
        .post(&format!("/keys/{kid}/revoke"), Value::Null)
        .await;
    assert!(revoked.status.is_success(), "{}", revoked.body);
    assert_eq!(object().await, Some(kid));
    let page: AuditRecords = plane.get("/audit?action=resource.create").await.read();
    assert_eq!(
        page.records[0].object.as_deref(),
        Some("https://api.example")
    );
}

#[tokio::test]
async fn the_log_is_read_newest_first_in_pages_and_by_what_fits() {
    let plane = Plane::new().await;
    for name in ["ada", "grace", "edsger"] {
        let user = json!({ "email": format!("{name}@example.com") });
        plane.post("/users", user).await;
    }
    let page: AuditRecords = plane.get("/audit?action=user.create&limit=2").await.read();
    assert_eq!(page.records.len(), 2);
    assert!(page.records[0].number > page.records[1].number);
    let next = page.next.unwrap();
    assert_eq!(next, page.records[1].number);
    let rest = format!("/audit?action=user.create&limit=2&before={next}");
    let rest: AuditRecords = plane.get(&rest).await.read();
    assert_eq!((rest.records.len(), rest.next), (1, None));
    let user = rest.records[0].user.unwrap();
    let about: AuditRecords = plane.get(&format!("/audit?user={user}")).await.read();
    assert_eq!(about.records, rest.records);
    let trace = rest.records[0].trace.as_deref().unwrap();
    let of_one: AuditRecords = plane.get(&format!("/audit?trace={trace}")).await.read();
    assert_eq!(of_one.records, rest.records);
    for (query, count) in [
        ("actor=operator", 3),
        ("actor=anonymous", 0),
        ("outcome=denied", 0),
        ("client=app", 0),
        ("action=user.create&since=9999999999999", 0),
    ] {
        let found: AuditRecords = plane.get(&format!("/audit?{query}")).await.read();
        assert_eq!(found.records.len(), count, "{query}");
    }
    for wrong in [
        "actor=ada",
        "action=create",
        "outcome=maybe",
        "user=ada",
        "since=-1",
        "trace=nothing",
        "before=0",
        "limit=0",
        "limit=1001",
        "after=-1",
        "reason=Bad%20one",
        "route=oauth",
        "credential=smile",
        "actor_type=robot",
        "until=-1",
        "anything=1",
    ] {
        let refused = plane.get(&format!("/audit?{wrong}")).await;
        refused.refused(400, "query_malformed");
    }
    let both = plane.get("/audit?after=1&before=2").await;
    both.refused(422, "query_contradictory");
}
