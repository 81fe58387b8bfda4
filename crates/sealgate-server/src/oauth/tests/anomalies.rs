//! Anomalies and reports of gates through the doors that they come by.

use std::collections::BTreeSet;
use std::time::Duration;

use sealgate_store::MachineProfile;
use serde_json::{Value, json};

use super::*;
use crate::anomalies::trial::{Follower, look_at_states};

impl House {
    /// Asks the administration API.
    async fn admin(&self, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"));
        let request = match body {
            Some(body) => request
                .header(CONTENT_TYPE, "application/json")
                .body(Body::from(body.to_string())),
            None => request.body(Body::empty()),
        };
        let response = crate::admin_app(Arc::clone(&self.plane))
            .oneshot(request.unwrap())
            .await
            .unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    /// Judges what there is, as a process that begins now does, and what is listed then.
    async fn anomalies(&self) -> Vec<Value> {
        let mut follower = Follower::load(&self.plane).await.unwrap();
        follower.round(&self.plane).await.unwrap();
        self.listed("").await
    }

    async fn listed(&self, query: &str) -> Vec<Value> {
        let (status, body) = self
            .admin(Method::GET, &format!("/anomalies{query}"), None)
            .await;
        assert_eq!(status, StatusCode::OK, "{body}");
        body["anomalies"].as_array().unwrap().clone()
    }

    async fn report(&self, client: &str, body: &Value) -> Response {
        let request = Request::post("/gates/report")
            .header(CONTENT_TYPE, "application/json")
            .header(AUTHORIZATION, basic(client, &secret(client)))
            .body(Body::from(body.to_string()))
            .unwrap();
        self.send(request).await
    }
}

fn told(agreement: &str, differing: u32, on_stale: &str) -> Value {
    json!({
        "gate": "web-1", "instance": "0123456789abcdef0123456789abcdef", "version": "0.1.0", "host": "asgi",
        "bound": 10_000, "on_stale": on_stale, "beyond": if on_stale == "allow" { 60_000 } else { 0 },
        "credentials": ["session", "bearer", "dpop"],
        "table": {
            "digest": "ab".repeat(32), "lock_digest": "cd".repeat(32), "agreement": agreement,
            "differing": differing,
            "counts": {
                "routes": 2, "gated": 1, "unmarked": 0, "public": 1, "open": 0, "unresolved": 0, "docs": 0,
            },
            "routes": [
                { "methods": "GET", "template": "/expenses/{id}", "coverage": "gated", "detail": "user" },
                { "methods": "GET", "template": "/health", "coverage": "public", "detail": "probes" },
            ],
        },
    })
}

fn without_routes(mut report: Value) -> Value {
    report["table"].as_object_mut().unwrap().remove("routes");
    report
}

fn rules(anomalies: &[Value]) -> Vec<&str> {
    anomalies
        .iter()
        .map(|one| one["rule"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn a_refresh_token_past_its_grace_is_an_anomaly_with_advice_and_is_raised_once() {
    let house = House::new().await;
    let first = house.tokens("app", "openid").await;
    tokens(house.refresh("app", &first.refresh).await).await;
    assert_eq!(rules(&house.anomalies().await), Vec::<&str>::new());
    house.clock.advance(Duration::from_secs(60));
    assert_eq!(
        house.refresh("app", &first.refresh).await.status(),
        StatusCode::BAD_REQUEST
    );

    let all = house.anomalies().await;
    assert_eq!(rules(&all), ["refresh_token_reused"]);
    let one = &all[0];
    let session = claims(&first.access)["sid"].as_str().unwrap().to_owned();
    assert_eq!(
        one["subject"],
        format!("user={} session={session}", house.user)
    );
    assert_eq!(
        (&one["state"], &one["severity"], &one["count"]),
        (&json!("open"), &json!("high"), &json!(1))
    );
    let advice = one["advice"].as_str().unwrap();
    assert!(
        advice.contains(&format!("sealgate user sign-out {} --wait", house.user)),
        "{advice}"
    );
    // The record that shows it, and the record of its raising.
    let number = one["evidence"][0].as_i64().unwrap();
    let record = house
        .plane
        .store
        .audit_after(number - 1, 1)
        .await
        .unwrap()
        .remove(0);
    assert_eq!(
        (record.action.as_str(), record.reason.as_str()),
        ("session.revoke", "refresh_token_reused")
    );
    let raised = house.last_record().await;
    assert_eq!(raised.action, "anomaly.raise");
    assert_eq!(
        raised.object,
        Some(format!(
            "refresh_token_reused 1 {}",
            one["subject"].as_str().unwrap()
        ))
    );

    // A process that begins anew judges the same records again, and raises nothing twice.
    let again = house.anomalies().await;
    assert_eq!(again, all);
    let of_raising = house
        .records()
        .await
        .into_iter()
        .filter(|row| row.action == "anomaly.raise");
    assert_eq!(of_raising.count(), 1);
}

#[tokio::test]
async fn how_far_it_has_come_is_kept_over_a_restart() {
    let house = House::new().await;
    let mut follower = Follower::load(&house.plane).await.unwrap();
    for _ in 0..29 {
        let refused = house.refresh("app", "nothing").await;
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    }
    follower.round(&house.plane).await.unwrap();
    follower.keep(&house.plane).await.unwrap();
    let head = house.plane.store.anomaly_progress().await.unwrap().number;
    let last = house
        .plane
        .store
        .audit_list(sealgate_store::AuditFilter::default(), 1)
        .await
        .unwrap();
    assert_eq!(head, last[0].number);
    assert_eq!(house.listed("").await, Vec::<Value>::new());
    // The thirtieth refusal is judged by another process, which remembers the others.
    house.refresh("app", "nothing").await;
    let all = house.anomalies().await;
    assert_eq!(rules(&all), ["denied_burst_actor"]);
    assert_eq!(
        (&all[0]["count"], &all[0]["subject"]),
        (&json!(30), &json!("actor=client:app"))
    );
}

#[tokio::test]
async fn an_anomaly_is_shown_and_acknowledged_with_why_and_by_whom() {
    let house = House::new().await;
    for _ in 0..30 {
        house.refresh("app", "nothing").await;
    }
    assert_eq!(house.anomalies().await.len(), 1);
    let (status, one) = house.admin(Method::GET, "/anomalies/1", None).await;
    assert_eq!(
        (status, &one["rule"]),
        (StatusCode::OK, &json!("denied_burst_actor"))
    );
    let path = "/anomalies/1/acknowledge";
    for (body, expected) in [
        (json!({ "why": " " }), "anomaly_reason_malformed"),
        (json!({ "why": "a\nb" }), "anomaly_reason_malformed"),
        (json!({ "reason": "a" }), "body_malformed"),
    ] {
        let (_, refused) = house.admin(Method::POST, path, Some(body)).await;
        assert_eq!(refused["reason"], expected);
    }
    let why = json!({ "why": "a drill" });
    let (status, done) = house.admin(Method::POST, path, Some(why.clone())).await;
    assert_eq!(
        (status, &done["state"]),
        (StatusCode::OK, &json!("acknowledged"))
    );
    assert_eq!(
        (&done["acknowledged_by"], &done["acknowledged_for"]),
        (&json!("operator"), &json!("a drill"))
    );
    assert_eq!(house.last_record().await.action, "anomaly.acknowledge");
    assert_eq!(house.listed("?state=open").await.len(), 0);
    assert_eq!(
        house
            .listed("?state=acknowledged&rule=denied_burst_actor")
            .await
            .len(),
        1
    );
    let (status, refused) = house
        .admin(Method::POST, "/anomalies/9/acknowledge", Some(why))
        .await;
    assert_eq!(
        (status, &refused["reason"]),
        (StatusCode::NOT_FOUND, &json!("anomaly_unknown"))
    );
    for wrong in ["/anomalies/0", "/anomalies/x", "/anomalies?rule=none"] {
        let (status, _) = house.admin(Method::GET, wrong, None).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{wrong}");
    }
    let (_, rules) = house.admin(Method::GET, "/anomalies/rules", None).await;
    assert!(rules["rules"].as_array().unwrap().len() > 30);
}

#[tokio::test]
async fn a_gate_reports_and_is_listed_with_its_routes() {
    let house = House::new().await;
    let whole = told("agrees", 0, "deny");
    let first = house.report("app", &without_routes(whole.clone())).await;
    assert_eq!(first.status(), StatusCode::CONFLICT);
    assert_eq!(
        house.report("app", &whole).await.status(),
        StatusCode::NO_CONTENT
    );
    house.clock.advance(Duration::from_secs(60));
    let again = house.report("app", &without_routes(whole.clone())).await;
    assert_eq!(again.status(), StatusCode::NO_CONTENT);

    let (_, all) = house.admin(Method::GET, "/gates", None).await;
    let gates = all["gates"].as_array().unwrap();
    assert_eq!(gates.len(), 1);
    let gate = &gates[0];
    assert_eq!(
        (&gate["client"], &gate["gate"], &gate["state"]),
        (&json!("app"), &json!("web-1"), &json!("live"))
    );
    assert_eq!(
        (&gate["table"]["gated"], &gate["table"]["agreement"]),
        (&json!(1), &json!("agrees"))
    );
    assert_eq!(
        gate["last_seen"].as_i64().unwrap() - gate["first_seen"].as_i64().unwrap(),
        60_000
    );
    let (_, shown) = house.admin(Method::GET, "/gates/web-1", None).await;
    assert_eq!(shown["tables"][0]["routes"][1]["coverage"], "public");
    assert_eq!(shown["tables"][0]["routes"][1]["detail"], "probes");
    let (status, _) = house.admin(Method::GET, "/gates/web-2", None).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    // Silent ones are told of with all.
    house.clock.advance(Duration::from_secs(400));
    let (_, live) = house.admin(Method::GET, "/gates", None).await;
    assert_eq!(live["gates"], json!([]));
    let (_, all) = house
        .admin(Method::GET, "/gates?all=true&client=app", None)
        .await;
    assert_eq!(all["gates"][0]["state"], "silent");
}

#[tokio::test]
async fn a_report_is_taken_from_a_client_that_proves_who_it_is_and_in_its_form() {
    let house = House::new().await;
    let refused = house.report("native", &told("agrees", 0, "deny")).await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    let reason = async |body: Value| {
        let response = house.report("app", &body).await;
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let problem: Value = serde_json::from_slice(&body).unwrap();
        problem["reason"].as_str().unwrap().to_owned()
    };
    let mut wrong = told("agrees", 0, "deny");
    wrong["secret"] = json!("a");
    assert_eq!(reason(wrong).await, "body_malformed");
    let mut wrong = told("agrees", 0, "deny");
    wrong["gate"] = json!("");
    assert_eq!(reason(wrong).await, "gate_report_malformed");
    let mut wrong = told("agrees", 0, "deny");
    wrong["table"]["routes"][0]["template"] = json!("a".repeat(201));
    assert_eq!(reason(wrong).await, "gate_report_malformed");
    let mut wrong = told("agrees", 0, "deny");
    wrong["host"] = json!("a".repeat(64 * 1024));
    assert_eq!(reason(wrong).await, "body_too_large");
    let mut last = StatusCode::OK;
    for _ in 0..600 {
        last = house
            .report("other", &told("agrees", 0, "deny"))
            .await
            .status();
        if last != StatusCode::NO_CONTENT {
            break;
        }
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn states_are_raised_while_they_last_and_resolved_when_they_are_mended() {
    let house = House::new().await;
    house.report("app", &told("differs", 3, "allow")).await;
    look_at_states(&house.plane).await;
    let mut found = rules(&house.listed("").await)
        .into_iter()
        .map(str::to_owned)
        .collect::<Vec<_>>();
    found.sort_unstable();
    assert_eq!(found, ["gate_allows_stale", "gate_routes_differ"]);
    let differ = house.listed("?rule=gate_routes_differ").await.remove(0);
    assert_eq!(differ["subject"], "client=app gate=web-1");
    assert_eq!(
        differ["detail"],
        "3 routes are not as the lock file has them"
    );
    // Looked at again it is the same one.
    look_at_states(&house.plane).await;
    assert_eq!(
        house.listed("?rule=gate_routes_differ").await.remove(0)["count"],
        1
    );
    house.report("app", &told("agrees", 0, "deny")).await;
    look_at_states(&house.plane).await;
    assert_eq!(house.listed("").await.len(), 0);
    let over = house.listed("?state=resolved").await;
    assert_eq!(over.len(), 2);
    assert!(over[0]["resolved_at"].is_i64());
    let records = house.records().await;
    let resolved = records.iter().filter(|row| row.action == "anomaly.resolve");
    assert_eq!(resolved.count(), 2);

    // An application that reports no more, and one that was disabled and is not expected to.
    house.report("other", &told("agrees", 0, "deny")).await;
    house
        .plane
        .store
        .client_disable(&"other".parse().unwrap(), house.audit())
        .await
        .unwrap();
    house.clock.advance(Duration::from_secs(11 * 60));
    look_at_states(&house.plane).await;
    let silent = house.listed("?rule=gate_silent").await;
    assert_eq!(silent.len(), 1);
    assert_eq!(silent[0]["subject"], "client=app");
    house.report("app", &told("agrees", 0, "deny")).await;
    look_at_states(&house.plane).await;
    assert_eq!(house.listed("?rule=gate_silent").await.len(), 0);
}

#[tokio::test]
async fn old_secrets_unused_machines_and_old_keys_are_found() {
    const DAY: Duration = Duration::from_secs(24 * 3600);
    let house = House::new().await;
    house
        .add_account("importer", |client| {
            let machine: &mut MachineProfile = client.details.machine.as_mut().unwrap();
            machine.expires_at = house.clock.now() + 200 * DAY;
        })
        .await;
    look_at_states(&house.plane).await;
    assert_eq!(house.listed("").await, Vec::<Value>::new());
    house.clock.advance(190 * DAY);
    look_at_states(&house.plane).await;
    let mut found: Vec<(String, String)> = house
        .listed("")
        .await
        .iter()
        .map(|one| {
            let text = |name: &str| one[name].as_str().unwrap().to_owned();
            (text("rule"), text("subject"))
        })
        .collect();
    found.retain(|(rule, _)| !rule.starts_with("signing_key"));
    found.sort();
    let pair = |rule: &str, subject: &str| (rule.to_owned(), subject.to_owned());
    assert_eq!(
        found,
        [
            pair("client_secret_old", "client=app"),
            pair("client_secret_old", "client=other"),
            pair("machine_ending", "client=importer"),
            pair("machine_unused", "client=importer"),
        ]
    );
    // Nobody has looked after the keys of this house meanwhile.
    assert!(!house.listed("?rule=signing_key_overdue").await.is_empty());
}

/// What is declared of an algorithm counts in place of the setting.
#[tokio::test]
async fn a_key_is_overdue_by_the_schedule_that_is_declared() {
    let house = House::new().await;
    let keys = house.plane.store.keys().await.unwrap();
    let algorithms: BTreeSet<String> = keys.into_iter().map(|key| key.algorithm).collect();
    let declare = async |every: &str| {
        let (status, before) = house
            .admin(Method::GET, "/state?declaration=keys", None)
            .await;
        assert_eq!(status, 200, "{before}");
        let keys: serde_json::Map<String, Value> = algorithms
            .iter()
            .map(|name| (name.clone(), json!({"rotate_every": every})))
            .collect();
        let state = json!({"declaration": "keys", "base": before["base"], "state": {"keys": keys},
            "accept": ["key_schedule_longer"]});
        let (status, told) = house.admin(Method::POST, "/state/apply", Some(state)).await;
        assert_eq!(status, 200, "{told}");
    };
    let overdue = async || {
        look_at_states(&house.plane).await;
        house.listed("?rule=signing_key_overdue&state=open").await
    };
    declare("10d").await;
    house.clock.advance(Duration::from_secs(20 * 24 * 3600));
    assert_eq!(overdue().await.len(), algorithms.len());
    declare("80d").await;
    assert_eq!(overdue().await, Vec::<Value>::new());
}
