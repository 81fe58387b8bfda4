//! Everything that can be declared: told, planned, applied as one.

use std::time::Duration;

use http::Method;
use sealgate_model::UserId;
use sealgate_plan::{Code, write};
use sealgate_server::admin::{AppliedState, Drift, PlannedState, StateView};
use sealgate_store::{AuditRow, Page, SessionFilter};
use serde_json::{Value, json};

use crate::plane::{ISSUER, Plane, application};

const API: &str = "https://expenses.example.com/api";

/// A company: an application, a service account, the resource of both, and words.
fn company() -> Value {
    json!({
        "client": { "expenses": {
            "name": "Expenses", "kind": "confidential",
            "redirect_uris": ["https://expenses.example.com/cb"],
            "scopes": ["expenses:read"], "resources": [API],
        } },
        "machine": { "importer": {
            "owner": "finance@example.com", "purpose": "imports",
            "expires_at": "2027-01-31T00:00:00Z", "scopes": ["expenses:write"], "resources": [API],
        } },
        "resource": { API: {
            "name": "Expenses", "client": "expenses",
            "scopes": { "expenses:read": "See your expenses", "expenses:write": "File expenses" },
        } },
        "role": { "accountant": { "description": "Books expenses" } },
        "scope": { "expenses:close": { "description": "Close the month" } },
        "keys": { "EdDSA": { "rotate_every": "30d" } },
    })
}

async fn planned(plane: &Plane, state: &Value) -> PlannedState {
    plane
        .post("/state/plan", json!({ "state": state }))
        .await
        .read()
}

/// Every high risk there is.
fn all_risks() -> Vec<&'static str> {
    Code::ALL.into_iter().map(Code::as_str).collect()
}

async fn applied(plane: &Plane, state: &Value) -> AppliedState {
    let plan = planned(plane, state).await;
    let body = json!({ "state": state, "base": plan.base, "accept": all_risks() });
    plane.post("/state/apply", body).await.read()
}

async fn records(plane: &Plane) -> Vec<AuditRow> {
    plane.plane.store.audit_after(0, 1000).await.unwrap()
}

async fn actions_since(plane: &Plane, number: i64) -> Vec<String> {
    let rows = plane.plane.store.audit_after(number, 1000).await.unwrap();
    rows.into_iter().map(|row| row.action).collect()
}

#[tokio::test]
async fn a_company_is_declared_in_one_transaction_and_nothing_is_left_to_do() {
    let plane = Plane::new().await;
    let plan = planned(&plane, &company()).await;
    assert_eq!((plan.summary.create, plan.summary.change), (6, 0));
    let before = plane.last_record().await.number;
    let done = applied(&plane, &company()).await;
    assert_eq!(done.secrets.len(), 1);
    assert_eq!(done.secrets[0].client.as_str(), "expenses");
    assert_eq!(
        actions_since(&plane, before).await,
        [
            "role.declare",
            "scope.declare",
            "key.schedule",
            "client.create",
            "machine.create",
            "resource.create",
            "state.apply",
        ]
    );
    let last = plane.last_record().await;
    assert_eq!(
        (last.actor.as_str(), last.object.as_deref()),
        ("operator", Some("default"))
    );
    // The secret works, and stands nowhere in the state.
    let made = &done.secrets[0].secret;
    let shown = plane.get("/state").await;
    assert!(!shown.body.contains(made.as_str()));
    let view: StateView = shown.read();
    assert_eq!(view.declarations[0].applied_by, "operator");
    let again = planned(&plane, &company()).await;
    assert!(again.plan.is_empty(), "{:?}", again.plan);
    let idle = plane.last_record().await.number;
    assert!(applied(&plane, &company()).await.plan.is_empty());
    assert_eq!(plane.last_record().await.number, idle, "nothing was done");
    // What a file of it would say is the same.
    let written = write(&view.state, "default");
    let read = sealgate_plan::read(&written.text, "x", &[]).unwrap();
    let read = read
        .with(written.files, &std::collections::BTreeMap::new())
        .unwrap();
    let state = serde_json::to_value(read.state).unwrap();
    assert!(planned(&plane, &state).await.plan.is_empty());
}

#[tokio::test]
async fn what_does_not_work_in_one_part_changes_nothing() {
    let plane = Plane::new().await;
    let count = records(&plane).await.len();
    for (at, wrong, status, reason) in [
        (
            "/client/expenses/redirect_uris",
            json!(["http://a.example/cb"]),
            422,
            "redirect_uri_scheme",
        ),
        (
            "/client/expenses/may_act",
            json!("nobody"),
            422,
            "client_unknown",
        ),
        (
            "/machine/importer/expires_at",
            json!("2020-01-01"),
            422,
            "machine_expiry_wrong",
        ),
        (
            "/machine/importer/resources",
            json!(["https://other.example/"]),
            422,
            "resource_unknown",
        ),
        (
            "/client/expenses/access_lifetime",
            json!("9h"),
            422,
            "access_lifetime_wrong",
        ),
        (
            "/client/expenses/algorithm",
            json!("ML-DSA-65"),
            409,
            "algorithm_disabled",
        ),
        (
            "/keys/EdDSA/rotate_every",
            json!("500d"),
            422,
            "declaration_malformed",
        ),
        ("/client/expenses/secret", json!("x"), 400, "body_malformed"),
    ] {
        let mut state = company();
        let (parent, name) = at.rsplit_once('/').unwrap();
        state.pointer_mut(parent).unwrap()[name] = wrong;
        let refused = plane.post("/state/plan", json!({ "state": state })).await;
        refused.refused(status, reason);
        let base = "0".repeat(64);
        let body = json!({ "state": state, "base": base });
        let refused = plane.post("/state/apply", body).await;
        assert!(refused.status.as_u16() >= 400, "{}", refused.body);
    }
    assert_eq!(records(&plane).await.len(), count);
    assert!(plane.plane.store.clients().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_part_that_the_store_refuses_undoes_all_the_others() {
    let plane = Plane::new().await;
    // An id is never given again, which nothing but the store knows.
    plane.add_machine("importer", &["a"]).await;
    plane.delete("/clients/importer").await;
    let count = records(&plane).await.len();
    let plan = planned(&plane, &company()).await;
    let body = json!({ "state": company(), "base": plan.base });
    let refused = plane.post("/state/apply", body).await;
    refused.refused(409, "conflict");
    assert!(plane.plane.store.clients().await.unwrap().is_empty());
    assert!(plane.plane.store.declared_roles().await.unwrap().is_empty());
    assert_eq!(
        records(&plane).await.len(),
        count,
        "no record of what did not happen"
    );
}

#[tokio::test]
async fn a_plan_holds_only_for_what_it_was_made_from() {
    let plane = Plane::new().await;
    let plan = planned(&plane, &company()).await;
    let mut other = application();
    other["id"] = json!("other");
    assert_eq!(plane.post("/clients", other).await.status, 201);
    let body = json!({ "state": company(), "base": plan.base });
    plane
        .post("/state/apply", body)
        .await
        .refused(409, "state_changed");
    assert_eq!(plane.plane.store.clients().await.unwrap().len(), 1);
    applied(&plane, &company()).await;
    assert_eq!(
        plane.plane.store.clients().await.unwrap().len(),
        3,
        "the other is left alone"
    );
}

#[tokio::test]
async fn a_high_risk_is_agreed_to_by_its_code() {
    let plane = Plane::new().await;
    applied(&plane, &company()).await;
    let mut less = company();
    less["client"] = json!({});
    less["resource"][API]["client"] = Value::Null;
    let plan = planned(&plane, &less).await;
    assert_eq!((plan.summary.remove, plan.summary.high), (1, 1));
    let body = |accept: Value| json!({ "state": less, "base": plan.base, "accept": accept });
    let apply = async |accept: Value| plane.post("/state/apply", body(accept)).await;
    apply(json!([])).await.refused(409, "risk_unaccepted");
    apply(json!(["nothing"])).await.refused(422, "risk_unknown");
    let done: AppliedState = apply(json!(["ends_access"])).await.read();
    assert_eq!(done.summary.remove, 1);
}

/// As many sessions of users on a client.
async fn sessions(plane: &Plane, client: &str, count: usize) -> UserId {
    let user = plane.add_user("grace@example.com", &[]).await;
    for _ in 0..count {
        plane.start_session(user, client).await.unwrap();
    }
    user
}

#[tokio::test]
async fn what_is_not_declared_any_more_ends_with_all_of_its_sessions() {
    let plane = Plane::new().await;
    applied(&plane, &company()).await;
    // More than one transaction ends.
    sessions(&plane, "expenses", 300).await;
    let mut less = company();
    less["client"] = json!({});
    less["machine"] = json!({});
    less["resource"][API]["client"] = Value::Null;
    plane.clock.advance(Duration::from_secs(60));
    let done = applied(&plane, &less).await;
    assert_eq!((done.sessions, done.unfinished), (300, false));
    let live = SessionFilter::default();
    let all = plane
        .plane
        .store
        .sessions(live, Page::default())
        .await
        .unwrap();
    assert!(all.iter().all(|session| session.revoked_at.is_some()));
    assert!(
        plane
            .plane
            .store
            .machine(&"importer".parse().unwrap())
            .await
            .unwrap()
            .unwrap()
            .offboarded_at
            .is_some()
    );
    let view: StateView = plane.get("/state").await.read();
    assert!(view.state.client.is_empty() && view.state.machine.is_empty());
    assert_eq!(view.state.role.len(), 1);
}

#[tokio::test]
async fn a_client_changes_is_disabled_and_comes_back_as_it_is_declared() {
    let plane = Plane::new().await;
    applied(&plane, &company()).await;
    let mut other = company();
    let client = &mut other["client"]["expenses"];
    client["access_lifetime"] = json!("10m");
    client["disabled"] = json!(true);
    applied(&plane, &other).await;
    let id = "expenses".parse().unwrap();
    let row = plane.plane.store.client(&id).await.unwrap().unwrap();
    assert_eq!(row.details.access_lifetime, Some(600));
    assert!(row.disabled_at.is_some() && row.secret_hash.is_some());
    let done = applied(&plane, &company()).await;
    assert!(done.secrets.is_empty(), "its secret stays");
    let row = plane.plane.store.client(&id).await.unwrap().unwrap();
    assert_eq!((row.details.access_lifetime, row.disabled_at), (None, None));
}

#[tokio::test]
async fn a_client_that_begins_with_secrets_is_given_one_that_works() {
    let plane = Plane::new().await;
    let mut state = company();
    let machine = json!({
        "name": "Job", "kind": "confidential", "grants": ["client_credentials"],
        "authentication": "private_key_jwt", "jwks_uri": "https://job.example.com/keys",
        "scopes": ["expenses:read"],
    });
    state["client"]["job"] = machine;
    assert_eq!(applied(&plane, &state).await.secrets.len(), 1);
    state["client"]["job"]["authentication"] = json!("secret");
    state["client"]["job"]["jwks_uri"] = Value::Null;
    let done = applied(&plane, &state).await;
    assert_eq!(done.secrets[0].client.as_str(), "job");
    let id = "job".parse().unwrap();
    let row = plane.plane.store.client(&id).await.unwrap().unwrap();
    let hash = sealgate_host::sha256(done.secrets[0].secret.as_bytes());
    assert_eq!(row.secret_hash.unwrap().as_bytes(), hash.as_bytes());
}

#[tokio::test]
async fn drift_tells_what_was_changed_by_whom_and_when() {
    let plane = Plane::new().await;
    plane
        .get("/state/drift")
        .await
        .refused(404, "declaration_unapplied");
    applied(&plane, &company()).await;
    let none: Drift = plane.get("/state/drift").await.read();
    assert!(none.things.is_empty());
    plane.clock.advance(Duration::from_secs(3600));
    let wider = json!({ "scopes": ["expenses:read", "expenses:approve"] });
    assert_eq!(plane.patch("/clients/expenses", wider).await.status, 200);
    let record = plane.last_record().await;
    let more = json!({ "name": "Expenses and travel" });
    let at = "/resource?uri=https%3A%2F%2Fexpenses.example.com%2Fapi";
    assert_eq!(plane.patch(at, more).await.status, 200);
    let found: Drift = plane.get("/state/drift").await.read();
    assert_eq!(found.things.len(), 2);
    let by = found.things[0].by.as_ref().unwrap();
    assert_eq!(
        (by.actor.as_str(), by.action.as_str(), by.record, by.at),
        ("operator", "client.update", record.number, record.at)
    );
    assert_eq!(
        found.things[1].by.as_ref().unwrap().action,
        "resource.update"
    );
    // Applying the same again puts it right.
    applied(&plane, &company()).await;
    let none: Drift = plane.get("/state/drift").await.read();
    assert!(none.things.is_empty());
}

#[tokio::test]
async fn nobody_applies_more_than_they_have() {
    let plane = Plane::open().await;
    let own = ["sealgate:policy:read", "sealgate:policy:write"];
    let reads = ["sealgate:clients:read", "sealgate:keys:read"];
    let some: Vec<&str> = own.iter().chain(&reads).copied().collect();
    let few = plane.add_machine("few", &own).await;
    let few = plane.bearer(&few, "").await;
    let reader = plane.add_machine("reader", &some).await;
    let reader = plane.bearer(&reader, "").await;
    let writes: Vec<&str> = some
        .iter()
        .copied()
        .chain(["sealgate:clients:write"])
        .collect();
    let machine = plane.add_machine("writer", &writes).await;
    let bearer = plane.bearer(&machine, "").await;
    let get = async |token: &str| {
        plane
            .network(Method::GET, "/state", None, Some(token))
            .await
    };
    get(&few).await.refused(403, "administration_exceeded");
    assert_eq!(get(&reader).await.status, 200);
    let plan = async |state: Value, token: &str| {
        let body = json!({ "state": state });
        plane
            .network(Method::POST, "/state/plan", Some(body), Some(token))
            .await
    };
    let client = |scopes: Value| {
        json!({ "client": { "c": {
            "name": "C", "kind": "confidential", "redirect_uris": ["https://c.example/cb"], "scopes": scopes,
        } } })
    };
    plan(client(json!([])), &reader)
        .await
        .refused(403, "administration_exceeded");
    assert_eq!(plan(client(json!([])), &bearer).await.status, 200);
    for more in [
        client(json!(["sealgate:users:write"])),
        json!({ "role": { "r": { "description": "x" } } }),
        json!({ "keys": { "EdDSA": { "rotate_every": "30d" } } }),
        json!({ "policy": {
            "mapping": { "rules": [{ "name": "a", "when": { "issuer": "https://idp.example" , "group": "g" }, "give": { "roles": ["admin"] } }] },
            "policies": { "files": {} },
        } }),
    ] {
        plan(more, &bearer)
            .await
            .refused(403, "administration_exceeded");
        let record = plane.last_record().await;
        assert_eq!(
            (record.actor.as_str(), record.outcome.as_str()),
            ("client:writer", "denied")
        );
    }
}

#[tokio::test]
async fn a_policy_is_a_version_like_any_other() {
    let plane = Plane::new().await;
    let with = |text: &str| {
        json!({ "policy": { "mapping": {}, "policies": {
            "files": { "a.cedar": text }, "actions": { "expenses.read": {} },
        } } })
    };
    let permits =
        "@id(\"all\") permit (principal is User, action == Action::\"expenses.read\", resource);";
    let done = applied(&plane, &with(permits)).await;
    assert_eq!(done.policy_version, Some(1));
    assert!(planned(&plane, &with(permits)).await.plan.is_empty());
    let unsound = json!({ "state": with("permit (principal, action") });
    let refused = plane.post("/state/plan", unsound).await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    // It is not declared any more: nothing is permitted.
    let done = applied(&plane, &json!({})).await;
    assert_eq!(done.policy_version, Some(2));
    let view: StateView = plane.get("/state").await.read();
    assert!(view.state.policy.unwrap().is_empty());
}

#[tokio::test]
async fn only_declared_roles_are_given_once_there_are_any() {
    let plane = Plane::new().await;
    let user = |email: &str, role: &str| json!({ "email": email, "roles": [role] });
    let early = plane.add_user("early@example.com", &["free"]).await;
    applied(&plane, &company()).await;
    plane
        .post("/users", user("a@example.com", "free"))
        .await
        .refused(422, "role_unknown");
    for role in ["accountant", "admin"] {
        let email = format!("{role}@example.com");
        let made = plane.post("/users", user(&email, role)).await;
        assert_eq!(made.status, 201, "{}", made.body);
    }
    let at = format!("/users/{early}");
    // What it had it keeps.
    let kept = json!({ "roles": ["free", "accountant"] });
    assert_eq!(plane.patch(&at, kept).await.status, 200);
    let other = json!({ "roles": ["other"] });
    plane.patch(&at, other).await.refused(422, "role_unknown");
    let less = json!({ "role": {} });
    applied(&plane, &less).await;
    assert_eq!(
        plane.patch(&at, json!({ "roles": ["other"] })).await.status,
        200
    );
}

#[tokio::test]
async fn a_long_state_is_taken_here_and_nowhere_else() {
    let plane = Plane::new().await;
    let roles: serde_json::Map<String, Value> = (0..1500)
        .map(|number| {
            (
                format!("role-{number}"),
                json!({ "description": "x".repeat(100) }),
            )
        })
        .collect();
    let state = json!({ "role": roles });
    assert!(state.to_string().len() > 128 * 1024);
    assert_eq!(planned(&plane, &state).await.summary.create, 1500);
    plane
        .post("/users", state)
        .await
        .refused(413, "body_too_large");
    let roles: serde_json::Map<String, Value> = (0..4100)
        .map(|number| (format!("role-{number}"), json!({ "description": "x" })))
        .collect();
    let refused = plane
        .post("/state/plan", json!({ "state": { "role": roles } }))
        .await;
    refused.refused(422, "declaration_malformed");
    assert!(refused.body.contains("4096"), "{}", refused.body);
    let own = format!("{ISSUER}/api/v1");
    let reserved = json!({ "state": { "resource": { own: { "name": "x" } } } });
    plane
        .post("/state/plan", reserved)
        .await
        .refused(422, "resource_reserved");
}
