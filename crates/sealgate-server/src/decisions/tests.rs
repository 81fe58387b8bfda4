//! What gates bring, from end to end: by a client's own credentials, and read through the administration API.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Request};
use http_body_util::BodyExt as _;
use sealgate_audit::decision::{BATCH_LIMIT, Decided, Draft, MEDIA_TYPE, Outcome, Stream};
use sealgate_host::{FakeClock, FakeOutbound, FakeRandom};
use sealgate_model::{Clock as _, Timestamp};
use sealgate_session::{KeyRing, SealKey};
use sealgate_store::decisions::RETIRE_PASS;
use sealgate_store::{SqliteDecisions, SqliteStore};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::PATH;
use super::upkeep::{Rounds, anchor, keep_house};
use crate::{ControlPlane, Host, Lifetimes, Policy, admin_app, app};

struct House {
    plane: Arc<ControlPlane>,
    clock: Arc<FakeClock>,
    network: Router,
    operator: Router,
    dir: tempfile::TempDir,
    /// Id and secret of two clients.
    clients: [(String, String); 2],
}

impl House {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(FakeClock::at(Timestamp::from_seconds(1_795_338_305)));
        let random = Arc::new(FakeRandom::seeded(2));
        let store = SqliteStore::open(dir.path(), clock.as_ref(), random.as_ref()).unwrap();
        let host = Host {
            clock: clock.clone(),
            random,
            outbound: Arc::new(FakeOutbound::new()),
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
        let mut house = Self {
            operator: admin_app(Arc::clone(&plane)),
            network: app(Arc::clone(&plane)),
            plane,
            clock,
            dir,
            clients: Default::default(),
        };
        for index in 0..2 {
            let new = json!({
                "id": format!("app-{index}"),
                "name": "An application",
                "kind": "confidential",
                "redirect_uris": ["https://app.example/auth/callback"],
                "scopes": [],
            });
            let (status, told) = house.ask(Method::POST, "/clients", Some(new)).await;
            assert_eq!(status, 201, "{told}");
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            house.clients[index] = (text(&told["client"]["id"]), text(&told["secret"]));
        }
        house
    }

    async fn answered(router: &Router, request: Request<Body>) -> (u16, Value) {
        let answer = router.clone().oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap_or_default())
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
        Self::answered(&self.operator, request.unwrap()).await
    }

    async fn bring(&self, client: usize, batch: Vec<u8>) -> (u16, Value) {
        let (id, secret) = &self.clients[client];
        self.bring_as(&format!("{id}:{secret}"), MEDIA_TYPE, batch)
            .await
    }

    async fn bring_as(&self, who: &str, kind: &str, batch: Vec<u8>) -> (u16, Value) {
        let request = Request::post(PATH)
            .header(AUTHORIZATION, format!("Basic {}", STANDARD.encode(who)))
            .header(CONTENT_TYPE, kind)
            .body(Body::from(batch));
        Self::answered(&self.network, request.unwrap()).await
    }

    fn batch(&self, sequence: u64, actors: &[&str], lost: u64) -> Vec<u8> {
        let mut draft = Draft::new();
        for actor in actors {
            let mut record = Decided::new(self.clock.now(), Outcome::Refused);
            record.actor = Some(actor);
            record.actor_kind = Some("user");
            record.reason = Some("scope_missing");
            record.client = Some("somebody-elses");
            draft.add(&record).unwrap();
        }
        draft.lose(lost);
        draft.encode(Stream::Denied, &[3; 16], sequence, "one", self.clock.now())
    }

    async fn listed(&self, query: &str) -> Vec<Value> {
        let (status, page) = self
            .ask(Method::GET, &format!("/decisions{query}"), None)
            .await;
        assert_eq!(status, 200, "{page}");
        page["decisions"].as_array().unwrap().clone()
    }

    async fn acts(&self, action: &str) -> Vec<Value> {
        let (status, page) = self
            .ask(Method::GET, &format!("/audit?action={action}"), None)
            .await;
        assert_eq!(status, 200, "{page}");
        page["records"].as_array().unwrap().clone()
    }

    async fn faults(&self) -> Vec<Value> {
        let path = "/decisions/verification?stream=denied";
        let (status, found) = self.ask(Method::GET, path, None).await;
        assert_eq!(status, 200, "{found}");
        found["faults"].as_array().unwrap().clone()
    }
}

#[tokio::test]
async fn a_gate_speaks_for_its_own_client_and_counts_once() {
    let house = House::new().await;
    let batch = house.batch(1, &["ann", "bob"], 0);
    assert_eq!(
        house.bring(0, batch.clone()).await,
        (200, json!({"sequence": 1, "known": false}))
    );
    assert_eq!(
        house.bring(0, batch.clone()).await,
        (200, json!({"sequence": 1, "known": true}))
    );
    // The same numbers of another client are another's.
    assert_eq!(house.bring(1, batch).await.1["known"], json!(false));
    let all = house.listed("").await;
    assert_eq!(all.len(), 4);
    let applications: Vec<&str> = all
        .iter()
        .map(|one| one["application"].as_str().unwrap())
        .collect();
    let (first, second) = (house.clients[0].0.as_str(), house.clients[1].0.as_str());
    assert_eq!(applications, [second, second, first, first]);
    // What a record says of a client makes nobody that client.
    assert_eq!(all[0]["client"], "somebody-elses");
    let mine = house
        .listed(&format!("?application={first}&actor=ann"))
        .await;
    assert_eq!(
        (mine.len(), &mine[0]["reason"]),
        (1, &json!("scope_missing"))
    );
    assert_eq!(house.listed("?stream=allowed").await, Vec::<Value>::new());
}

#[tokio::test]
async fn strangers_and_what_is_no_batch_are_refused() {
    let house = House::new().await;
    let (id, secret) = house.clients[0].clone();
    let good = format!("{id}:{secret}");
    let batch = house.batch(1, &["ann"], 0);
    let reason = |answer: &(u16, Value)| answer.1["reason"].as_str().unwrap_or_default().to_owned();
    let answer = house
        .bring_as(&format!("{id}:guess"), MEDIA_TYPE, batch.clone())
        .await;
    assert_eq!(answer.0, 401);
    let answer = house
        .bring_as(&good, "application/json", batch.clone())
        .await;
    assert_eq!(
        (answer.0, reason(&answer)),
        (415, "content_type_unsupported".to_owned())
    );
    let answer = house.bring_as(&good, MEDIA_TYPE, vec![0xff; 40]).await;
    assert_eq!(
        (answer.0, reason(&answer)),
        (400, "decisions_malformed".to_owned())
    );
    let answer = house.bring_as(&good, MEDIA_TYPE, vec![0x81, 0x02]).await;
    assert_eq!(
        (answer.0, reason(&answer)),
        (400, "decisions_version".to_owned())
    );
    let answer = house
        .bring_as(&good, MEDIA_TYPE, vec![0; BATCH_LIMIT + 1])
        .await;
    assert_eq!(
        (answer.0, reason(&answer)),
        (413, "body_too_large".to_owned())
    );
    house.clock.advance(Duration::from_secs(61 * 86_400));
    let answer = house.bring_as(&good, MEDIA_TYPE, batch).await;
    assert_eq!(
        (answer.0, reason(&answer)),
        (410, "decisions_too_old".to_owned())
    );
    assert_eq!(house.listed("").await, Vec::<Value>::new());
}

#[tokio::test]
async fn what_a_gate_lost_is_put_on_record_once() {
    let house = House::new().await;
    let batch = house.batch(1, &[], 7);
    assert_eq!(house.bring(0, batch.clone()).await.0, 200);
    assert_eq!(house.bring(0, batch).await.0, 200);
    let acts = house.acts("decisions.lost").await;
    assert_eq!(acts.len(), 1);
    assert_eq!(
        (&acts[0]["count"], &acts[0]["reason"]),
        (&json!(7), &json!("decisions_lost"))
    );
    assert_eq!(acts[0]["client"], json!(house.clients[0].0));
}

#[tokio::test]
async fn a_client_that_loses_without_end_does_not_fill_the_audit_log() {
    let house = House::new().await;
    for sequence in 1..=40 {
        assert_eq!(house.bring(0, house.batch(sequence, &[], 1)).await.0, 200);
    }
    assert_eq!(house.acts("decisions.lost").await.len(), 10);
    // Another one is told of all the same, and this one a minute later.
    assert_eq!(house.bring(1, house.batch(1, &[], 1)).await.0, 200);
    assert_eq!(house.acts("decisions.lost").await.len(), 11);
    house.clock.advance(Duration::from_secs(60));
    assert_eq!(house.bring(0, house.batch(41, &[], 1)).await.0, 200);
    assert_eq!(house.acts("decisions.lost").await.len(), 12);
}

#[tokio::test]
async fn one_round_lets_go_of_more_than_one_pass() {
    let house = House::new().await;
    let many = RETIRE_PASS + 40;
    for sequence in 1..=many {
        assert_eq!(
            house.bring(0, house.batch(sequence, &["ann"], 0)).await.0,
            200
        );
    }
    house.clock.advance(Duration::from_secs(401 * 86_400));
    keep_house(&house.plane, &mut Rounds::default(), house.clock.now()).await;
    let left = house.plane.decisions.totals().await.unwrap();
    assert_eq!(left[1].1.blocks, 0);
    let acts = house.acts("decisions.retire").await;
    assert_eq!(acts.len(), 1, "one record for all of it");
    assert_eq!(acts[0]["object"], json!(format!("denied 1-{many}")));
}

#[tokio::test]
async fn an_end_that_was_cut_off_is_found_by_what_the_audit_log_has() {
    let house = House::new().await;
    for sequence in 1..=3 {
        let batch = house.batch(sequence, &["ann"], 0);
        assert_eq!(house.bring(0, batch).await.0, 200);
    }
    anchor(&house.plane).await.unwrap();
    anchor(&house.plane).await.unwrap();
    assert_eq!(house.acts("decisions.anchor").await.len(), 1);
    assert_eq!(house.faults().await, Vec::<Value>::new());
    let file = house.dir.path().join("decisions.db");
    let whole = sqlite(&file, "DELETE FROM block WHERE stream = 1 AND place = 3");
    assert_eq!(whole, 1);
    assert_eq!(
        house.faults().await,
        [json!({"place": 2, "reason": "decisions_end_missing"})]
    );
}

#[tokio::test]
async fn what_is_kept_no_longer_is_put_on_record() {
    let house = House::new().await;
    let first = house.batch(1, &["ann", "bob"], 0);
    assert_eq!(house.bring(0, first).await.0, 200);
    // By default they are kept for long.
    let mut rounds = Rounds::default();
    keep_house(&house.plane, &mut rounds, house.clock.now()).await;
    assert_eq!(house.listed("").await.len(), 2);
    house.clock.advance(Duration::from_secs(401 * 86_400));
    keep_house(&house.plane, &mut rounds, house.clock.now()).await;
    assert_eq!(house.listed("").await, Vec::<Value>::new());
    let acts = house.acts("decisions.retire").await;
    assert_eq!(
        (&acts[0]["count"], &acts[0]["object"]),
        (&json!(2), &json!("denied 1-1"))
    );
    assert_eq!(house.faults().await, Vec::<Value>::new());
}

fn sqlite(file: &std::path::Path, sql: &str) -> usize {
    let connection = rusqlite::Connection::open(file).unwrap();
    connection.execute(sql, ()).unwrap()
}
