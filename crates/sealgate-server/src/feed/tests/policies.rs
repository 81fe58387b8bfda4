//! The bundle of policies, as gates and administrators see it: which version counts the feed tells, and the two agree.

use axum::response::Response;
use http::header::CONTENT_TYPE;
use http_body_util::BodyExt as _;
use sealgate_policy::{BUNDLE_LIMIT, BUNDLE_TYPE, Bundle, BundleError, Document, ExpectedBundle};
use sealgate_revocation::Event;
use sealgate_store::{Audit, AuditActor, NewPolicy, PolicyApplied, PolicyVersion, SqliteStore};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::*;

/// A document that says something else for each number.
fn document(number: u32) -> Document {
    let text = format!(
        "// {number}\n@id(\"all\")\npermit (principal, action == Action::\"things.read\", resource);\n"
    );
    let document = json!({
        "mapping": serde_json::to_value(Document::default()).unwrap()["mapping"],
        "policies": { "files": { "a.cedar": text }, "actions": { "things.read": {} } },
    });
    Document::from_json(document.to_string().as_bytes()).unwrap()
}

async fn apply(house: &House, number: u32) -> PolicyVersion {
    let new = crate::policies::prepare(&document(number), None, None).unwrap();
    let audit = Audit::allowed(house.clock.now(), AuditActor::Operator, "policy.apply");
    match house.plane.store.policy_apply(new, audit).await.unwrap() {
        PolicyApplied::Applied(version) => version,
        other => panic!("{other:?}"),
    }
}

/// What the control plane hands to `client`, as a gate reads it.
async fn fetched(house: &House, client: &str, nonce: &str) -> Result<Bundle, BundleError> {
    let response = house
        .get(client, &format!("/policy/bundle?nonce={nonce}"))
        .await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "application/jwt");
    assert_eq!(response.headers()["cache-control"], "no-store");
    read(house, &text(response).await, "app", "n-1")
}

async fn text(response: Response) -> String {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

fn read(house: &House, token: &str, client: &str, nonce: &str) -> Result<Bundle, BundleError> {
    let keys = house.plane.keys.verifying();
    let verified = keys
        .verify_up_to(BUNDLE_LIMIT, token, &[BUNDLE_TYPE])
        .unwrap();
    let client = client.parse().unwrap();
    let expected = ExpectedBundle {
        issuer: &house.plane.issuer,
        client: &client,
        nonce,
    };
    Bundle::read(&verified.payload, &expected)
}

#[tokio::test]
async fn that_nothing_was_ever_applied_is_signed_too() {
    let house = House::new().await;
    let bundle = fetched(&house, "app", "n-1").await.unwrap();
    assert_eq!((bundle.version, bundle.made_at.as_millis()), (0, 0));
    assert!(bundle.document.is_empty());
    let (follower, _) = house.follow("app").await;
    assert_eq!(follower.view().read().policy_not_before(), None);
}

#[tokio::test]
async fn a_bundle_is_for_whoever_asked_and_answers_that_question() {
    let house = House::new().await;
    let version = apply(&house, 1).await;
    let bundle = fetched(&house, "app", "n-1").await.unwrap();
    assert_eq!((bundle.version, bundle.made_at), (1, version.made_at));
    assert_eq!(bundle.document, document(1));
    assert_eq!(
        fetched(&house, "app", "n-2").await,
        Err(BundleError::WrongNonce)
    );
    assert_eq!(
        fetched(&house, "other", "n-1").await,
        Err(BundleError::WrongAudience)
    );
    for client in ["nobody", "spa"] {
        assert_eq!(
            house.get(client, "/policy/bundle?nonce=n-1").await.status(),
            401
        );
    }
    let bare = Request::get("/policy/bundle?nonce=n-1")
        .body(Body::empty())
        .unwrap();
    assert_eq!(house.send(bare).await.status(), 401);
    for nonce in ["", "a%20b", &"a".repeat(129)] {
        let response = house
            .get("app", &format!("/policy/bundle?nonce={nonce}"))
            .await;
        assert_eq!(response.status(), 400);
        let problem: Value = serde_json::from_str(&text(response).await).unwrap();
        assert_eq!(problem["reason"], "policy_nonce_malformed");
    }
}

#[tokio::test]
async fn who_has_a_version_is_not_sent_it_again_and_a_nonce_asks_what_counts_now() {
    let house = House::new().await;
    apply(&house, 1).await;
    let response = house.get("app", "/policy/bundle").await;
    let etag = response.headers()[ETAG].to_str().unwrap().to_owned();
    let again = async |path: &str| {
        let request = signed("app", path).header(IF_NONE_MATCH, format!("\"x\", W/{etag}"));
        house.send(request.body(Body::empty()).unwrap()).await
    };
    assert_eq!(again("/policy/bundle").await.status(), 304);
    assert_eq!(again("/policy/bundle?nonce=n-1").await.status(), 200);
    house.clock.advance(Duration::from_secs(1));
    apply(&house, 2).await;
    assert_eq!(again("/policy/bundle").await.status(), 200);
    // Without a nonce it proves nothing, and no gate takes it.
    assert!(
        read(
            &house,
            &text(house.get("app", "/policy/bundle").await).await,
            "app",
            "n-1"
        )
        .is_err()
    );
}

#[tokio::test]
async fn every_client_hears_that_what_it_has_loaded_counts_no_more() {
    let house = House::new().await;
    let first = apply(&house, 1).await;
    let (mut follower, mut stream) = house.follow("app").await;
    let known = |follower: &Follower| follower.view().read().policy_not_before();
    assert_eq!(
        known(&follower),
        Some(first.made_at - Duration::from_millis(1))
    );
    // In the same millisecond: later all the same.
    let second = apply(&house, 2).await;
    assert!(second.made_at > first.made_at);
    for _ in 0..PATIENCE {
        if known(&follower) >= Some(first.made_at) {
            break;
        }
        let event = stream.next().await.unwrap();
        let message = house.read("app", &event.data);
        if let Event::Revoked(entry) = &message.event {
            assert_eq!(entry.reason.as_deref(), Some("policy_applied"));
        }
        follower.message(&message, house.clock.uptime());
    }
    let told = known(&follower).unwrap();
    assert!(told >= first.made_at && told < second.made_at);
    // A gate that begins now hears of one version alone, whoever it is.
    let (other, _) = house.follow("other").await;
    assert_eq!(known(&other), Some(told));
    house.clock.advance(Duration::from_secs(26 * 3600));
    assert_eq!(told_of(&house).await, 1);
}

/// How many entries of the snapshot are about policies.
async fn told_of(house: &House) -> usize {
    let snapshot = house.snapshot("app").await;
    let entries = snapshot.entries().iter();
    let is_policy = |entry: &&sealgate_revocation::Entry| {
        matches!(entry.subject, sealgate_revocation::Subject::Policy { .. })
    };
    entries.filter(is_policy).count()
}

#[tokio::test]
async fn a_copy_of_the_database_hands_out_no_version_that_counts_no_more() {
    let mut house = House::new().await;
    apply(&house, 1).await;
    let copy = house.copy();
    house.clock.advance(Duration::from_secs(1));
    // A gate loads it, and the database is put back from before it.
    let lost = apply(&house, 2).await;
    let (mut follower, _stream) = house.follow("app").await;
    let shown = text(house.get("app", "/feed/snapshot").await).await;
    let mut stream = house.stream("app", &resume(&follower)).await;
    let heartbeat = stream.next().await.unwrap().data;
    assert!(!shown.is_empty());
    house.clock.advance(Duration::from_secs(1));
    let clock = Arc::clone(&house.clock);
    let random = FakeRandom::seeded(77);
    let store = SqliteStore::open(copy.path(), &*clock, &random).unwrap();
    house.plane = assemble(Arc::new(store), clock, random, quick(16)).await;
    let request = signed("app", "/feed/snapshot").header("sealgate-last-message", &heartbeat);
    let response = house.send(request.body(Body::empty()).unwrap()).await;
    assert!(response.status().is_success());
    let asked_at = house.clock.uptime();
    let snapshot = house.snapshot("app").await;
    follower.snapshot(&snapshot, asked_at, asked_at);
    // The gate with the lost version is told that it counts no more, and what it gets instead counts.
    let not_before = follower.view().read().policy_not_before().unwrap();
    assert!(not_before >= lost.made_at);
    let bundle = fetched(&house, "app", "n-1").await.unwrap();
    assert!(bundle.made_at > not_before && bundle.version > 1_000);
    assert_eq!(bundle.document, document(1));
}

/// The administration API, as the operator calls it.
async fn administer(house: &House, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
    let request = Request::builder()
        .method(method)
        .uri(format!("/api/v1{path}"));
    let request = match body {
        Some(body) => request
            .header(CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string())),
        None => request.body(Body::empty()),
    };
    let routes = crate::admin::routes(&house.plane).with_state(Arc::clone(&house.plane));
    let response = routes.oneshot(request.unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let text = text(response).await;
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

fn asked(number: u32, before: Option<u64>) -> Value {
    let document = serde_json::to_value(document(number)).unwrap();
    let mut body = json!({ "document": document, "note": format!("version {number}") });
    if let Some(before) = before {
        body["before"] = json!(before);
    }
    body
}

#[tokio::test]
async fn an_administrator_applies_lists_shows_and_rolls_back() {
    let house = House::new().await;
    assert_eq!(
        administer(&house, "GET", "/policies", None).await.1,
        json!({"policies": [], "next": null})
    );
    for number in 1..=3 {
        let before = Some(u64::from(number) - 1);
        let (status, applied) =
            administer(&house, "POST", "/policies", Some(asked(number, before))).await;
        assert_eq!(
            (status, &applied["version"], &applied["changed"]),
            (200, &json!(number), &json!(true))
        );
    }
    let (_, same) = administer(&house, "POST", "/policies", Some(asked(3, None))).await;
    assert_eq!(
        (&same["version"], &same["changed"]),
        (&json!(3), &json!(false))
    );
    let (status, problem) = administer(&house, "POST", "/policies", Some(asked(4, Some(2)))).await;
    assert_eq!(
        (status, &problem["reason"]),
        (409, &json!("policy_outdated"))
    );
    let rolled = administer(
        &house,
        "POST",
        "/policies/1/roll-back",
        Some(json!({"note": "too wide"})),
    )
    .await;
    assert_eq!(
        (rolled.0, &rolled.1["version"], &rolled.1["repeats"]),
        (200, &json!(4), &json!(1))
    );
    let (_, list) = administer(&house, "GET", "/policies?limit=2", None).await;
    let of = |name: &str| -> Vec<Value> {
        list["policies"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one[name].clone())
            .collect()
    };
    assert_eq!(of("version"), [4, 3]);
    assert_eq!(of("current"), [true, false]);
    assert_eq!(of("by"), ["operator", "operator"]);
    assert_eq!(of("note"), ["too wide", "version 3"]);
    assert_eq!(list["next"], 3);
    let (_, shown) = administer(&house, "GET", "/policies/4", None).await;
    assert_eq!(
        shown["document"],
        serde_json::to_value(document(1)).unwrap()
    );
    let bundle = fetched(&house, "app", "n-1").await.unwrap();
    assert_eq!((bundle.version, bundle.document), (4, document(1)));
    let records = house.plane.store.audit_after(0, 1_000).await.unwrap();
    let acts: Vec<_> = records
        .iter()
        .filter(|record| record.action.starts_with("policy."))
        .map(|record| (record.action.as_str(), record.object.as_deref().unwrap()))
        .collect();
    assert_eq!(
        acts,
        [
            ("policy.apply", "1"),
            ("policy.apply", "2"),
            ("policy.apply", "3"),
            ("policy.roll_back", "4")
        ]
    );
}

#[tokio::test]
async fn what_gates_could_not_decide_by_is_not_applied() {
    let house = House::new().await;
    for (document, reason) in [
        (
            json!({"mapping": {}, "policies": {"files": {"a.cedar": "permit (nobody"}}}),
            "policy_unsound",
        ),
        (
            json!({"mapping": {}, "policies": {}, "rituals": {}}),
            "policy_malformed",
        ),
        (json!("x"), "policy_malformed"),
    ] {
        let body = Some(json!({ "document": document }));
        let (status, problem) = administer(&house, "POST", "/policies", body).await;
        assert_eq!(
            (status, &problem["reason"]),
            (422, &json!(reason)),
            "{problem}"
        );
    }
    let body = |note: &str| Some(json!({ "document": document(1), "note": note }));
    for note in ["", "a\u{7}", &"x".repeat(501)] {
        let (status, problem) = administer(&house, "POST", "/policies", body(note)).await;
        assert_eq!(
            (status, &problem["reason"]),
            (422, &json!("policy_note_malformed"))
        );
    }
    for path in ["/policies/9", "/policies/9/roll-back"] {
        let (method, body) = if path.ends_with("back") {
            ("POST", Some(json!({})))
        } else {
            ("GET", None)
        };
        let (status, problem) = administer(&house, method, path, body).await;
        assert_eq!(
            (status, &problem["reason"]),
            (404, &json!("policy_unknown"))
        );
    }
    for path in ["/policies/0", "/policies/x", "/policies/-1"] {
        assert_eq!(administer(&house, "GET", path, None).await.0, 400, "{path}");
    }
    assert!(house.plane.store.policy_current().await.unwrap().is_none());
    assert_eq!(house.plane.store.revocation_head().await.unwrap(), 0);
}

#[tokio::test]
async fn gates_say_which_version_they_have_loaded() {
    let house = House::new().await;
    apply(&house, 1).await;
    let instance = "0123456789abcdef0123456789abcdef";
    let (follower, _) = house.follow("app").await;
    let query = format!("{}&gate=web&instance={instance}", resume(&follower));
    let _stream = house.stream("app", &query).await;
    let (epoch, seq) = follower.position().unwrap();
    for (policy, expected) in [(None, 0), (Some(1), 1)] {
        let mut receipt = json!({"instance": instance, "epoch": epoch, "seq": seq, "age": 3});
        if let Some(policy) = policy {
            receipt["policy"] = json!(policy);
        }
        let request = signed("app", "/feed/applied")
            .method("POST")
            .header(CONTENT_TYPE, "application/json");
        let response = house
            .send(request.body(Body::from(receipt.to_string())).unwrap())
            .await;
        assert_eq!(response.status(), 204);
        let (_, list) = administer(&house, "GET", "/policies", None).await;
        assert_eq!(list["policies"][0]["gates"], expected);
        let (_, gates) = administer(&house, "GET", "/feed/gates", None).await;
        let told = gates["gates"]
            .as_array()
            .unwrap()
            .iter()
            .find(|gate| gate["instance"] == instance);
        assert_eq!(told.unwrap()["policy"], json!(policy));
    }
}

#[tokio::test]
async fn documents_have_their_limits() {
    let house = House::new().await;
    let audit = || Audit::allowed(house.clock.now(), AuditActor::Operator, "policy.apply");
    let new = |length: usize| NewPolicy {
        document: "x".repeat(length),
        digest: "0".repeat(64),
        before: None,
        note: None,
        repeats: None,
    };
    for length in [0, 380 * 1024 + 1] {
        assert!(
            house
                .plane
                .store
                .policy_apply(new(length), audit())
                .await
                .is_err()
        );
    }
    // The longest that is kept can be handed out, whatever it is made of.
    let quotes = NewPolicy {
        document: "\"".repeat(380 * 1024),
        ..new(1)
    };
    house
        .plane
        .store
        .policy_apply(quotes, audit())
        .await
        .unwrap();
    let response = house.get("app", "/policy/bundle?nonce=n-1").await;
    assert_eq!(response.status(), 200);
    assert!(text(response).await.len() <= BUNDLE_LIMIT);
}
