//! What is declared and applied as one: bounds on what strangers send, turns of writes, and who gets there first.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::{Body, Bytes};
use futures_util::stream;
use http::Request;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use sealgate_plan::Code;
use sealgate_server::admin::{AppliedState, PlannedState};
use serde_json::{Value, json};

use crate::plane::Plane;

const API: &str = "https://expenses.example.com/api";

const GITHUB: &str = "https://token.actions.githubusercontent.com";

async fn planned(plane: &Plane, state: &Value) -> PlannedState {
    let seen = plane.post("/state/plan", json!({ "state": state })).await;
    assert_eq!(seen.status, 200, "{}", seen.body);
    seen.read()
}

fn application(state: &Value, base: &str) -> Value {
    let all: Vec<&str> = Code::ALL.into_iter().map(Code::as_str).collect();
    json!({ "state": state, "base": base, "accept": all })
}

async fn applied(plane: &Plane, state: &Value) -> AppliedState {
    let plan = planned(plane, state).await;
    let seen = plane
        .post("/state/apply", application(state, &plan.base))
        .await;
    assert_eq!(seen.status, 200, "{}", seen.body);
    seen.read()
}

/// A piece of a body that is counted while somebody holds it.
struct Piece(Vec<u8>, Arc<AtomicUsize>);

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        self.1.fetch_sub(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn nothing_of_a_strangers_long_body_is_held() {
    let plane = Plane::open().await;
    let machine = plane
        .add_machine("few", &["sealgate:policy:read", "sealgate:policy:write"])
        .await;
    let token = plane.bearer(&machine, "").await;
    for (path, authorization, status, most) in [
        ("/api/v1/state/plan", None, 401, 1),
        ("/api/v1/state/apply", None, 401, 1),
        ("/api/v1/policies", None, 401, 1),
        ("/api/v1/state/plan", Some("Bearer nonsense"), 401, 1),
        // Of somebody who may ask it is read whole.
        ("/api/v1/state/plan", Some(token.as_str()), 400, 14),
    ] {
        let held = Arc::new(AtomicUsize::new(0));
        let peak = Arc::new(AtomicUsize::new(0));
        let (now, highest) = (Arc::clone(&held), Arc::clone(&peak));
        let pieces = stream::iter((0..14).map(move |_| {
            let count = now.fetch_add(1, Ordering::SeqCst) + 1;
            highest.fetch_max(count, Ordering::SeqCst);
            let piece = Piece(vec![b' '; 16 * 1024], Arc::clone(&now));
            Ok::<_, std::io::Error>(Bytes::from_owner(piece))
        }));
        let mut request = Request::post(path).header(CONTENT_TYPE, "application/json");
        if let Some(authorization) = authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let body = Body::from_stream(pieces);
        let seen = plane.public(request.body(body).unwrap()).await;
        assert_eq!(seen.status, status, "{path}: {}", seen.body);
        assert_eq!(peak.load(Ordering::SeqCst), most, "{path}");
        assert_eq!(held.load(Ordering::SeqCst), 0, "{path}");
    }
}

#[tokio::test]
async fn policies_longer_than_other_bodies_are_taken() {
    let plane = Plane::new().await;
    let text = format!(
        "// {}\n@id(\"all\") permit (principal is User, action == Action::\"expenses.read\", resource);",
        "x".repeat(200 * 1024)
    );
    let seen = plane
        .post(
            "/policies",
            json!({ "document": { "mapping": {}, "policies": {
                "files": { "a.cedar": text }, "actions": { "expenses.read": {} },
            } } }),
        )
        .await;
    assert!(seen.status.is_success(), "{}", seen.body);
}

#[expect(clippy::needless_pass_by_value, reason = "made where it is given")]
fn client(more: Value) -> Value {
    let mut client = json!({
        "name": "C", "kind": "confidential", "redirect_uris": ["https://c.example/cb"],
    });
    client
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    client
}

#[expect(clippy::needless_pass_by_value, reason = "made where it is given")]
fn machine(more: Value) -> Value {
    let mut machine = json!({
        "owner": "finance@example.com", "purpose": "imports", "expires_at": "2027-01-31T00:00:00Z",
    });
    machine
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    machine
}

#[tokio::test]
async fn everything_is_called_otherwise_at_once() {
    let plane = Plane::new().await;
    let other = "https://travel.example.com/api";
    let first = json!({
        "client": {
            "a": client(json!({ "resources": [API], "may_act": "b" })),
            "b": client(json!({ "resources": [API] })),
        },
        "machine": { "m": machine(json!({ "resources": [API] })) },
        "resource": { API: { "name": "A", "client": "a" } },
    });
    applied(&plane, &first).await;
    // The client that serves it, the resource and who may act all get other names; one machine moves to them.
    let second = json!({
        "client": {
            "b": client(json!({ "resources": [other], "may_act": "z" })),
            "y": client(json!({ "resources": [other], "may_act": "z" })),
            "z": client(json!({ "resources": [other] })),
        },
        "machine": {
            "m": machine(json!({ "resources": [other] })),
            "n": machine(json!({ "resources": [other] })),
        },
        "resource": { other: { "name": "A", "client": "z" } },
    });
    applied(&plane, &second).await;
    assert!(planned(&plane, &second).await.plan.is_empty());
    // And everything goes at once, with what is registered for it.
    applied(&plane, &json!({})).await;
    assert!(planned(&plane, &json!({})).await.plan.is_empty());
}

#[tokio::test]
async fn an_identity_moves_from_one_service_account_to_another_and_is_never_that_of_two() {
    let plane = Plane::new().await;
    let issuer = json!({ "issuer": GITHUB, "name": "GitHub", "kind": "github" });
    assert_eq!(plane.post("/issuers", issuer).await.status, 201);
    let vouched = |repository: &str| {
        machine(json!({ "identities": [{
            "issuer": GITHUB,
            "claims": { "repository": repository, "ref": "refs/heads/main" },
        }] }))
    };
    let two = json!({ "machine": { "a": vouched("acme/x"), "b": vouched("acme/x") } });
    plane
        .post("/state/plan", json!({ "state": two }))
        .await
        .refused(409, "machine_identity_taken");
    applied(
        &plane,
        &json!({ "machine": { "a": vouched("acme/x"), "b": vouched("acme/y") } }),
    )
    .await;
    let swapped = json!({ "machine": { "a": vouched("acme/y"), "b": vouched("acme/x") } });
    applied(&plane, &swapped).await;
    let renamed = json!({ "machine": { "c": vouched("acme/y"), "b": vouched("acme/x") } });
    applied(&plane, &renamed).await;
    assert!(planned(&plane, &renamed).await.plan.is_empty());
    // One that nobody declared is in the way as before.
    let own = json!({ "machine": { "d": vouched("acme/y") }, });
    plane
        .post(
            "/state/plan",
            json!({ "declaration": "other", "state": own }),
        )
        .await
        .refused(409, "machine_identity_taken");
}

#[tokio::test]
async fn of_two_that_apply_at_once_one_is_told_to_look_again() {
    let plane = Plane::new().await;
    let state = |name: &str| json!({ "role": { name: { "description": "x" } } });
    let (one, two) = (state("one"), state("two"));
    let base = planned(&plane, &one).await.base;
    assert_eq!(planned(&plane, &two).await.base, base);
    let (first, second, patched) = tokio::join!(
        plane.post("/state/apply", application(&one, &base)),
        plane.post("/state/apply", application(&two, &base)),
        plane.post("/clients", crate::plane::application()),
    );
    assert_eq!(patched.status, 201);
    let done = [&first, &second]
        .into_iter()
        .filter(|seen| seen.status == 200);
    assert!(done.count() <= 1, "{} {}", first.body, second.body);
    for seen in [first, second] {
        if seen.status != 200 {
            seen.refused(409, "state_changed");
        }
    }
}
