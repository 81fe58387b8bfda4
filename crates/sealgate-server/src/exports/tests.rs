//! Sinks from end to end, through the administration API and with a fake way out.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Request};
use http_body_util::BodyExt as _;
use sealgate_audit::decision::{self, Decided, Draft, MEDIA_TYPE};
use sealgate_host::{Delivered, Delivery, FakeClock, FakeOutbound, FakeRandom, OutboundError};
use sealgate_model::{Clock as _, Timestamp};
use sealgate_session::{KeyRing, SealKey};
use sealgate_store::{Audit, AuditActor, Sink, SqliteDecisions, SqliteStore};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::worker::once;
use crate::{ControlPlane, Host, Lifetimes, Policy, admin_app, app};

const URL: &str = "https://siem.example/sealgate";

struct House {
    plane: Arc<ControlPlane>,
    clock: Arc<FakeClock>,
    outbound: Arc<FakeOutbound>,
    operator: Router,
    dir: tempfile::TempDir,
}

impl House {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(FakeClock::at(Timestamp::from_seconds(1_795_338_305)));
        let outbound = Arc::new(FakeOutbound::new());
        let random = Arc::new(FakeRandom::seeded(2));
        let store = SqliteStore::open(dir.path(), clock.as_ref(), random.as_ref()).unwrap();
        let host = Host {
            clock: clock.clone(),
            random,
            outbound: outbound.clone(),
        };
        let master = KeyRing::new(vec![SealKey::generate(&FakeRandom::seeded(1))]).unwrap();
        let plane = ControlPlane::new(
            "https://id.example".parse().unwrap(),
            Arc::new(store),
            master,
            host,
            Lifetimes::default(),
            Policy::default(),
        );
        let mut plane = plane.await.unwrap();
        plane.decisions = Arc::new(SqliteDecisions::open(dir.path()).unwrap());
        let plane = Arc::new(plane);
        Self {
            operator: admin_app(Arc::clone(&plane)),
            plane,
            clock,
            outbound,
            dir,
        }
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"));
        let request = match body {
            Some(body) => request
                .header(CONTENT_TYPE, "application/json")
                .body(Body::from(body.to_string())),
            None => request.body(Body::empty()),
        };
        let answer = self.operator.clone().oneshot(request.unwrap()).await;
        let answer = answer.unwrap();
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.ask(Method::POST, path, Some(body)).await
    }

    async fn webhook(&self) -> String {
        let target = json!({ "kind": "webhook", "url": URL });
        let new = json!({ "name": "siem", "target": target });
        let (status, made) = self.post("/sinks", new).await;
        assert_eq!(status, 201, "{made}");
        made["secret"].as_str().unwrap().to_owned()
    }

    async fn act(&self, object: &str) {
        let audit = Audit::allowed(self.clock.now(), AuditActor::Operator, "user.create");
        let audit = Audit {
            object: Some(object.to_owned()),
            ..audit
        };
        self.plane.store.record(audit).await.unwrap();
    }

    async fn sink(&self) -> Sink {
        self.plane.store.sink("siem").await.unwrap().unwrap()
    }

    /// Works the sink off, and the bodies it was sent.
    async fn sent(&self) -> Vec<(String, Vec<(String, String)>)> {
        once(&self.plane, "siem").await;
        let each = self.outbound.take_delivered().into_iter();
        each.map(|delivery| {
            let Delivery::Post { headers, body, .. } = delivery else {
                panic!("no post: {delivery:?}");
            };
            let headers = headers.into_iter();
            let headers = headers.map(|(name, value)| (name, value.expose().to_owned()));
            (String::from_utf8(body).unwrap(), headers.collect())
        })
        .collect()
    }

    async fn actions(&self) -> Vec<(String, String)> {
        let rows = self.plane.store.audit_after(0, 1000).await.unwrap();
        let of_sinks = rows
            .into_iter()
            .filter(|row| row.action.starts_with("sink."));
        of_sinks.map(|row| (row.action, row.reason)).collect()
    }
}

fn actions_in(body: &str) -> Vec<String> {
    let body: Value = serde_json::from_str(body).unwrap();
    let records = body["data"]["records"].as_array().unwrap().clone();
    let action = |record: Value| record["action"].as_str().unwrap().to_owned();
    records.into_iter().map(action).collect()
}

#[expect(clippy::unnecessary_wraps, reason = "as receivers answer")]
fn status(status: u16, retry_after: Option<&str>) -> Result<Delivered, OutboundError> {
    Ok(Delivered {
        status,
        retry_after: retry_after.map(str::to_owned),
        body: Vec::new(),
    })
}

#[tokio::test]
async fn records_go_out_once_in_order_and_signed() {
    let house = House::new().await;
    house.act("before").await;
    let secret = house.webhook().await;
    assert!(secret.starts_with("whsec_"));
    house.act("one").await;
    house.act("two").await;
    let sent = house.sent().await;
    assert_eq!(sent.len(), 1);
    let (body, headers) = &sent[0];
    assert_eq!(
        actions_in(body),
        ["sink.create", "user.create", "user.create"]
    );
    assert!(!body.contains("before"));
    let header = |name: &str| {
        let found = headers.iter().find(|(found, _)| found == name);
        found.map(|(_, value)| value.clone()).unwrap()
    };
    assert!(header("webhook-id").starts_with("msg_"));
    assert_eq!(header("webhook-timestamp"), "1795338305");
    assert!(header("webhook-signature").starts_with("v1,"));
    assert!(house.sent().await.is_empty(), "nothing goes out twice");
    let sink = house.sink().await;
    assert_eq!((sink.delivered, sink.failures), (3, 0));
}

#[tokio::test]
async fn what_was_not_taken_is_sent_again_as_it_was_and_nothing_else_before() {
    let house = House::new().await;
    house.webhook().await;
    house.outbound.next_delivery(status(500, None));
    let first = house.sent().await;
    assert_eq!(first.len(), 1, "one try, and then it is waited");
    assert!(house.sent().await.is_empty());
    assert_eq!(house.sink().await.failures, 1);
    house.clock.advance(Duration::from_secs(2));
    let again = house.sent().await;
    assert_eq!(again[0].0, first[0].0);
    let id = |sent: &[(String, Vec<(String, String)>)]| sent[0].1[0].clone();
    assert_eq!(id(&again), id(&first));
    house.act("later").await;
    let later = house.sent().await;
    assert_eq!(actions_in(&later[0].0), ["user.create"]);
    assert_ne!(id(&later), id(&first));
}

#[tokio::test]
async fn what_a_receiver_asks_for_is_waited_for() {
    let house = House::new().await;
    house.webhook().await;
    house.outbound.next_delivery(status(429, Some("120")));
    house.sent().await;
    house.clock.advance(Duration::from_secs(119));
    assert!(house.sent().await.is_empty());
    house.clock.advance(Duration::from_secs(1));
    assert_eq!(house.sent().await.len(), 1);
    let sink = house.sink().await;
    assert_eq!(sink.last_error.unwrap().0, "sink_busy");
}

#[tokio::test]
async fn a_sink_that_fails_is_recorded_once_and_again_when_it_recovers() {
    let house = House::new().await;
    house.webhook().await;
    for _ in 0..7 {
        house.outbound.next_delivery(Err(OutboundError::TimedOut));
        house.sent().await;
        house.clock.advance(Duration::from_secs(600));
    }
    let (_, shown) = house.ask(Method::GET, "/sinks/siem", None).await;
    assert_eq!(shown["state"], "failing");
    assert_eq!(shown["last_error"], "outbound_timed_out");
    house.sent().await;
    let told = house.actions().await;
    let told: Vec<_> = told
        .iter()
        .map(|(one, why)| (one.as_str(), why.as_str()))
        .collect();
    let expected = [
        ("sink.create", ""),
        ("sink.fail", "outbound_timed_out"),
        ("sink.recover", ""),
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_sink_is_paused_when_it_fails_for_too_long_or_its_receiver_wants_no_more() {
    let house = House::new().await;
    let target = json!({ "kind": "webhook", "url": URL });
    let new = json!({ "name": "siem", "target": target, "pause_after": 3600 });
    assert_eq!(house.post("/sinks", new).await.0, 201);
    for _ in 0..3 {
        house.outbound.next_delivery(status(502, None));
        house.sent().await;
        house.clock.advance(Duration::from_secs(1800));
    }
    let sink = house.sink().await;
    assert!(sink.paused, "{sink:?}");
    assert_eq!(sink.pause_reason.as_deref(), Some("sink_failing"));
    assert!(house.sent().await.is_empty());
    assert_eq!(house.post("/sinks/siem/resume", Value::Null).await.0, 200);
    let sent = house.sent().await;
    // Where it stopped, with all that happened since.
    assert_eq!(
        actions_in(&sent[0].0),
        ["sink.create", "sink.pause", "sink.resume"]
    );
    house.act("gone").await;
    house.outbound.next_delivery(status(410, None));
    house.sent().await;
    let sink = house.sink().await;
    assert_eq!(
        (sink.paused, sink.pause_reason.as_deref()),
        (true, Some("sink_gone"))
    );
}

#[tokio::test]
async fn a_batch_that_is_too_large_is_halved() {
    let house = House::new().await;
    house.webhook().await;
    for count in 0..7 {
        house.act(&count.to_string()).await;
    }
    house.outbound.next_delivery(status(413, None));
    let sizes: Vec<usize> = house
        .sent()
        .await
        .iter()
        .map(|sent| actions_in(&sent.0).len())
        .collect();
    assert_eq!(sizes, [8, 4, 4]);
    assert_eq!(house.sink().await.delivered, 8);
}

#[tokio::test]
async fn only_the_streams_that_were_asked_for_go_out() {
    let house = House::new().await;
    let target = json!({ "kind": "webhook", "url": URL });
    let new =
        json!({ "name": "siem", "target": target, "streams": ["anomalies"], "from": "beginning" });
    assert_eq!(house.post("/sinks", new).await.0, 201);
    house.act("one").await;
    let raised = Audit::allowed(house.clock.now(), AuditActor::System, "anomaly.raise");
    house.plane.store.record(raised).await.unwrap();
    let sent = house.sent().await;
    assert_eq!(sent.len(), 1);
    assert_eq!(actions_in(&sent[0].0), ["anomaly.raise"]);
    let head = house.plane.store.audit_head().await.unwrap();
    assert_eq!(house.sink().await.places.audit, head);
}

#[tokio::test]
async fn secrets_are_shown_once_kept_sealed_and_replaced_with_both_signing_for_a_while() {
    let house = House::new().await;
    let target = json!({ "kind": "webhook", "url": URL });
    let headers = json!([{ "name": "Authorization", "value": "Splunk deadbeef" }]);
    let new = json!({ "name": "siem", "target": target, "headers": headers });
    let (_, made) = house.post("/sinks", new).await;
    let first = made["secret"].as_str().unwrap().to_owned();
    let (_, shown) = house.ask(Method::GET, "/sinks/siem", None).await;
    assert_eq!(shown["headers"], json!(["Authorization"]));
    assert_eq!(shown.get("secret"), None);
    let kept = format!("{:?}", house.sink().await);
    assert!(!kept.contains("deadbeef") && !kept.contains(&first["whsec_".len()..]));
    let (status, rotated) = house
        .post("/sinks/siem/secret", json!({ "keep": 60 }))
        .await;
    assert_eq!(status, 200);
    assert_ne!(rotated["secret"].as_str().unwrap(), first);
    let signatures = |sent: &[(String, Vec<(String, String)>)]| {
        let found = sent[0]
            .1
            .iter()
            .find(|(name, _)| name == "webhook-signature");
        found.unwrap().1.split(' ').count()
    };
    let sent = house.sent().await;
    assert_eq!(signatures(&sent), 2);
    assert!(
        sent[0]
            .1
            .contains(&("Authorization".to_owned(), "Splunk deadbeef".to_owned()))
    );
    assert!(!sent[0].0.contains("deadbeef") && !sent[0].0.contains(&first));
    house.clock.advance(Duration::from_secs(61));
    house.act("later").await;
    assert_eq!(signatures(&house.sent().await), 1);
}

#[tokio::test]
async fn what_is_not_sound_is_refused_with_what_is_wrong() {
    let house = House::new().await;
    let syslog = |more: Value| {
        let mut target =
            json!({ "kind": "syslog", "host": "logs.example", "port": 6514, "transport": "tls" });
        target
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        json!({ "name": "siem", "target": target })
    };
    let hook = |url: &str| json!({ "name": "siem", "target": { "kind": "webhook", "url": url } });
    let file = |directory: &str| json!({ "name": "siem", "target": { "kind": "file", "directory": directory } });
    let with = |mut new: Value, name: &str, value: Value| {
        new[name] = value;
        new
    };
    for new in [
        hook("ftp://siem.example/"),
        hook("https://169.254.169.254/latest"),
        with(hook(URL), "name", json!("Not A Name")),
        with(hook(URL), "name", json!("../etc")),
        with(hook(URL), "form", json!("otel")),
        with(hook(URL), "streams", json!([])),
        with(hook(URL), "pause_after", json!(0)),
        with(
            hook(URL),
            "headers",
            json!([{ "name": "Webhook-Id", "value": "1" }]),
        ),
        with(
            hook(URL),
            "headers",
            json!([{ "name": "A", "value": "b\r\nC: d" }]),
        ),
        syslog(json!({ "host": "10.0.0.1" })),
        syslog(json!({ "host": "logs.example/x" })),
        syslog(json!({ "port": 0 })),
        syslog(json!({ "authority": "no certificate" })),
        syslog(json!({ "authority": "x", "transport": "tcp" })),
        with(
            syslog(json!({})),
            "headers",
            json!([{ "name": "A", "value": "b" }]),
        ),
        file("relative"),
        file("/nowhere/at/all"),
        file("/tmp/../etc"),
    ] {
        let (status, said) = house.post("/sinks", new.clone()).await;
        assert_eq!(
            (status, said["reason"].as_str()),
            (422, Some("sink_malformed")),
            "{new}"
        );
    }
    house.webhook().await;
    let (status, said) = house.post("/sinks", hook(URL)).await;
    assert_eq!((status, said["reason"].as_str()), (409, Some("sink_known")));
    for path in ["/sinks/none", "/sinks/none/pause"] {
        let method = if path.ends_with("pause") {
            Method::POST
        } else {
            Method::GET
        };
        let (status, said) = house.ask(method, path, None).await;
        assert_eq!(
            (status, said["reason"].as_str()),
            (404, Some("sink_unknown"))
        );
    }
}

#[tokio::test]
async fn a_file_gets_its_lines_and_a_test_tells_what_came_of_it() {
    let house = House::new().await;
    let folder = house.dir.path().join("out");
    std::fs::create_dir(&folder).unwrap();
    let target = json!({ "kind": "file", "directory": folder.to_str().unwrap() });
    let new = json!({ "name": "siem", "target": target, "form": "ocsf" });
    assert_eq!(house.post("/sinks", new).await.0, 201);
    once(&house.plane, "siem").await;
    let text = std::fs::read_to_string(folder.join("siem.jsonl")).unwrap();
    let line: Value = serde_json::from_str(text.trim()).unwrap();
    assert_eq!(line["class_uid"], 3004);
    let (_, tested) = house.post("/sinks/siem/test", Value::Null).await;
    assert_eq!(tested, json!({ "delivered": true, "error": null }));
    let text = std::fs::read_to_string(folder.join("siem.jsonl")).unwrap();
    assert_eq!(text.lines().count(), 2);
    std::fs::remove_dir_all(&folder).unwrap();
    let (_, tested) = house.post("/sinks/siem/test", Value::Null).await;
    assert_eq!(
        tested,
        json!({ "delivered": false, "error": "sink_file_unusable" })
    );
    let (status, _) = house.ask(Method::DELETE, "/sinks/siem", None).await;
    assert_eq!(status, 204);
    let told: Vec<String> = house
        .actions()
        .await
        .into_iter()
        .map(|(action, _)| action)
        .collect();
    assert_eq!(
        told,
        ["sink.create", "sink.test", "sink.test", "sink.remove"]
    );
}

#[tokio::test]
async fn syslog_goes_out_framed_and_as_datagrams() {
    let house = House::new().await;
    let sent = async |name: &str, more: Value| {
        let mut target = json!({ "kind": "syslog", "host": "logs.example", "port": 6514 });
        target
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let new = json!({ "name": name, "target": target });
        assert_eq!(house.post("/sinks", new).await.0, 201);
        once(&house.plane, name).await;
        house.outbound.take_delivered().pop().unwrap()
    };
    let Delivery::Stream {
        bytes,
        secure: true,
        ..
    } = sent("a", json!({ "transport": "tls" })).await
    else {
        panic!("no connection with TLS");
    };
    let text = String::from_utf8(bytes).unwrap();
    let (length, rest) = text.split_once(' ').unwrap();
    assert_eq!(length.parse::<usize>().unwrap(), rest.len());
    assert!(rest.starts_with("<110>1 2026-11-22T09:05:05.000Z id.example sealgate - sink.create [sealgate@32473 id=\"audit:"));
    let newline = json!({ "transport": "tcp", "framing": "newline", "enterprise": 99 });
    let Delivery::Stream {
        bytes,
        secure: false,
        ..
    } = sent("b", newline).await
    else {
        panic!("no connection");
    };
    assert!(bytes.starts_with(b"<110>1 ") && bytes.ends_with(b"\n"));
    assert!(String::from_utf8(bytes).unwrap().contains("[sealgate@99 "));
    let Delivery::Datagrams { each, .. } = sent("c", json!({ "transport": "udp" })).await else {
        panic!("no datagrams");
    };
    assert_eq!(each.len(), 1);
}

#[tokio::test]
async fn records_are_taken_away_oldest_first_and_a_page_at_a_time() {
    let house = House::new().await;
    for count in 0..5 {
        house.act(&count.to_string()).await;
    }
    let mut objects = Vec::new();
    let mut after = 0;
    loop {
        let path = format!("/records?limit=2&after={after}");
        let (status, page) = house.ask(Method::GET, &path, None).await;
        assert_eq!(status, 200, "{page}");
        for record in page["records"].as_array().unwrap() {
            assert!(
                record["hash"].as_str().is_some_and(|hash| hash.len() == 64),
                "{record}"
            );
            if record["action"] == "user.create" {
                objects.push(record["object"].as_str().unwrap().to_owned());
            }
        }
        let Some(next) = page["next"].as_i64() else {
            break;
        };
        after = next;
    }
    assert_eq!(objects, ["0", "1", "2", "3", "4"]);
    let (status, _) = house.ask(Method::GET, "/records?after=-1", None).await;
    assert_eq!(status, 400);
}

/// What gates bring by `POST /gates/decisions`.
struct Application {
    network: Router,
    credentials: String,
    sequence: std::cell::Cell<u64>,
}

impl Application {
    async fn of(house: &House) -> Self {
        let new = json!({
            "id": "app",
            "name": "An application",
            "kind": "confidential",
            "redirect_uris": ["https://app.example/auth/callback"],
            "scopes": [],
        });
        let (status, made) = house.post("/clients", new).await;
        assert_eq!(status, 201, "{made}");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let (id, secret) = (text(&made["client"]["id"]), text(&made["secret"]));
        Self {
            network: app(Arc::clone(&house.plane)),
            credentials: STANDARD.encode(format!("{id}:{secret}")),
            sequence: std::cell::Cell::new(0),
        }
    }

    /// One batch of one stream, with a record for each of `actors`.
    async fn bring(&self, house: &House, stream: decision::Stream, actors: &[String]) {
        let mut draft = Draft::new();
        for actor in actors {
            let outcome = match stream {
                decision::Stream::Allowed => decision::Outcome::Allowed,
                decision::Stream::Denied => decision::Outcome::Refused,
            };
            let mut record = Decided::new(house.clock.now(), outcome);
            record.actor = Some(actor);
            record.actor_kind = Some("user");
            record.reason = (outcome == decision::Outcome::Refused).then_some("scope_missing");
            draft.add(&record).unwrap();
        }
        self.sequence.set(self.sequence.get() + 1);
        let sequence = self.sequence.get();
        let batch = draft.encode(stream, &[3; 16], sequence, "one", house.clock.now());
        let request = Request::post("/gates/decisions")
            .header(AUTHORIZATION, format!("Basic {}", self.credentials))
            .header(CONTENT_TYPE, MEDIA_TYPE)
            .body(Body::from(batch))
            .unwrap();
        let answer = self.network.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), 200);
    }
}

fn records_in(sent: &[(String, Vec<(String, String)>)]) -> Vec<Value> {
    let each = sent.iter().flat_map(|(body, _)| {
        let body: Value = serde_json::from_str(body).unwrap();
        body["data"]["records"].as_array().unwrap().clone()
    });
    each.collect()
}

#[tokio::test]
async fn decisions_that_gates_bring_go_out_each_once_and_in_order() {
    use decision::Stream::{Allowed, Denied};
    let house = House::new().await;
    let application = Application::of(&house).await;
    let actors = |from: usize, to: usize| (from..to).map(|at| format!("actor-{at}")).collect();
    let all: Vec<String> = actors(0, 520);
    application
        .bring(&house, Denied, &["before".to_owned()])
        .await;
    let target = json!({ "kind": "webhook", "url": URL });
    for (name, streams, from) in [
        ("siem", json!(["denied"]), "now"),
        ("everything", json!(["allowed", "denied"]), "beginning"),
    ] {
        let new = json!({ "name": name, "target": target, "streams": streams, "from": from });
        assert_eq!(house.post("/sinks", new).await.0, 201);
    }
    assert!(house.sent().await.is_empty());
    // Batches between which and within which pages end, with allowed ones between them.
    application.bring(&house, Denied, &all[..150]).await;
    application.bring(&house, Allowed, &all[..3]).await;
    application.bring(&house, Denied, &all[150..151]).await;
    application.bring(&house, Denied, &all[151..500]).await;
    // The receiver asks for less once, and is away once.
    house.outbound.next_delivery(status(413, None));
    house.outbound.next_delivery(status(200, None));
    house.outbound.next_delivery(status(500, None));
    let first = house.sent().await;
    let refused = first.len() - 1;
    let taken: Vec<Value> = records_in(&first[1..refused]);
    let sink = house.sink().await;
    assert_eq!((sink.failures, sink.delivered), (1, taken.len() as u64));
    house.clock.advance(Duration::from_secs(2));
    application.bring(&house, Denied, &all[500..]).await;
    let again = house.sent().await;
    assert_eq!(records_in(&again[..1]), records_in(&first[refused..]));
    let got: Vec<Value> = taken.into_iter().chain(records_in(&again)).collect();
    let told = got
        .iter()
        .map(|one| one["actor"]["id"].as_str().unwrap().to_owned());
    assert_eq!(told.collect::<Vec<_>>(), all);
    assert!(got.iter().all(|one| {
        let told = (&one["stream"], &one["outcome"], &one["gate"]["client"]);
        told == (&json!("denied"), &json!("denied"), &json!("app"))
    }));
    let ids: std::collections::HashSet<&str> =
        got.iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 520);
    assert!(house.sent().await.is_empty(), "nothing goes out twice");
    assert_eq!(house.sink().await.delivered, 520);

    once(&house.plane, "everything").await;
    house.outbound.take_delivered();
    let everything = house.plane.store.sink("everything").await.unwrap().unwrap();
    assert_eq!(everything.delivered, 524);
    let (_, shown) = house.ask(Method::GET, "/sinks/siem", None).await;
    assert_eq!(shown["waiting_since"], Value::Null);
}

#[tokio::test]
async fn acts_that_were_refused_go_out_without_those_that_were_not() {
    let house = House::new().await;
    let target = json!({ "kind": "webhook", "url": URL });
    let new = json!({ "name": "siem", "target": target, "streams": ["acts_denied"] });
    assert_eq!(house.post("/sinks", new).await.0, 201);
    house.act("done").await;
    let refused = Audit::denied(
        house.clock.now(),
        AuditActor::Anonymous,
        "token.issue",
        "client_unknown",
    );
    house.plane.store.record(refused).await.unwrap();
    house.act("done too").await;
    assert_eq!(actions_in(&house.sent().await[0].0), ["token.issue"]);
    let (_, page) = house
        .ask(Method::GET, "/records?stream=acts_allowed", None)
        .await;
    let actions: Vec<&str> = page["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["action"].as_str().unwrap())
        .collect();
    let expected = ["key.create", "sink.create", "user.create", "user.create"];
    assert_eq!(actions, expected);
}

#[tokio::test]
async fn what_stands_behind_an_address_is_sealed_and_not_shown() {
    let house = House::new().await;
    let url = "https://siem.example/in?sig=hunter2&v=1";
    for (name, kind) in [("siem", "webhook"), ("collector", "otel")] {
        let new = json!({ "name": name, "target": { "kind": kind, "url": url } });
        let (status, made) = house.post("/sinks", new).await;
        assert_eq!(
            (status, &made["target"]["url"]),
            (201, &json!("https://siem.example/in?…"))
        );
        let kept = house.plane.store.sink(name).await.unwrap().unwrap();
        assert!(!format!("{kept:?}").contains("hunter2"), "{kept:?}");
        once(&house.plane, name).await;
        let sent = house.outbound.take_delivered().pop().unwrap();
        assert!(!format!("{sent:?}").contains("hunter2"), "{sent:?}");
        let Delivery::Post { url: asked, .. } = sent else {
            panic!("no post: {sent:?}");
        };
        assert_eq!(asked, url);
    }
    let (_, all) = house.ask(Method::GET, "/sinks", None).await;
    assert!(!all.to_string().contains("hunter2"), "{all}");
    // Another secret of its signatures leaves it as it is.
    assert_eq!(house.post("/sinks/siem/secret", json!({})).await.0, 200);
    house.act("later").await;
    once(&house.plane, "siem").await;
    let Some(Delivery::Post { url: asked, .. }) = house.outbound.take_delivered().pop() else {
        panic!("nothing was sent");
    };
    assert_eq!(asked, url);
    // What was shown is no address.
    let shown = json!({ "kind": "webhook", "url": "https://siem.example/in?…" });
    let (status, _) = house
        .post("/sinks", json!({ "name": "again", "target": shown }))
        .await;
    assert_eq!(status, 422);
}

#[tokio::test]
async fn one_record_that_a_receiver_refuses_is_left_alone_and_can_be_passed_over_on_record() {
    let house = House::new().await;
    house.webhook().await;
    let (status_code, said) = house.post("/sinks/siem/skip", Value::Null).await;
    assert_eq!(
        (status_code, &said["reason"]),
        (409, &json!("sink_not_failing"))
    );
    for count in 0..3 {
        house.act(&count.to_string()).await;
    }
    // Of `sink.create` and three others the third is refused: 4, 2 taken, 2, 1.
    house.outbound.next_delivery(status(403, None));
    house.outbound.next_delivery(status(200, None));
    house.outbound.next_delivery(status(403, None));
    house.outbound.next_delivery(status(403, None));
    let sizes: Vec<usize> = house
        .sent()
        .await
        .iter()
        .map(|sent| actions_in(&sent.0).len())
        .collect();
    assert_eq!(sizes, [4, 2, 2, 1]);
    let sink = house.sink().await;
    assert_eq!((sink.delivered, sink.failures), (2, 1));
    assert_eq!(sink.last_error.unwrap().0, "sink_refused");
    let (status_code, shown) = house.post("/sinks/siem/skip", Value::Null).await;
    assert_eq!((status_code, &shown["name"]), (200, &json!("siem")));
    house.clock.advance(Duration::from_secs(2));
    let sent = records_in(&house.sent().await);
    let told: Vec<_> = sent
        .iter()
        .map(|one| one["object"].as_str().unwrap())
        .collect();
    assert_eq!((told[0], told.len()), ("2", 2));
    assert!(told[1].starts_with("siem audit:"), "{told:?}");
    assert_eq!(sent[1]["action"], "sink.skip");
}
