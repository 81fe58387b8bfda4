//! Receipts, with gates made by hand.

use axum::response::Response;
use http::header::CONTENT_TYPE;
use sealgate_model::SessionId;
use sealgate_revocation::Follower;
use sealgate_store::{SessionSelector, StoreError};
use serde_json::{Value, json};

use super::*;
use crate::feed::gates::{GateState, Outcome};
use crate::feed::receipt::{Receipt, hold};

const INSTANCE: &str = "0123456789abcdef0123456789abcdef";
const PROMPTLY: Duration = Duration::from_secs(20);

/// A gate that follows as `client` and answers when it is told to.
struct Gate<'a> {
    house: &'a House,
    client: &'a str,
    instance: String,
    follower: Follower,
    stream: Lines,
}

impl<'a> Gate<'a> {
    async fn follow(house: &'a House, client: &'a str, name: &str) -> Self {
        let mut follower = Follower::new(Arc::default(), house::BOUND);
        let asked_at = house.clock.uptime();
        let snapshot = house.snapshot(client).await;
        follower.snapshot(&snapshot, asked_at, asked_at);
        let instance = format!("{name:0<32}");
        let query = resume(&follower);
        let query = format!("{query}&gate={name}&instance={instance}&bound=10000");
        let stream = house.stream(client, &query).await;
        Self {
            house,
            client,
            instance,
            follower,
            stream,
        }
    }

    /// Takes messages until one of them asks how far it has come, once it has `session`.
    async fn asked(&mut self, session: Option<SessionId>) {
        for _ in 0..PATIENCE {
            let event = self.stream.next().await.unwrap();
            let message = self.house.read(self.client, &event.data);
            self.follower.message(&message, self.house.clock.uptime());
            let knows = session.is_none_or(|id| revoked(&self.follower, id).is_some());
            if message.ack && knows {
                return;
            }
        }
        panic!("nobody asks");
    }

    async fn answers(&self) -> Response {
        let (epoch, seq) = self.follower.position().unwrap();
        let body = json!({ "instance": self.instance, "epoch": epoch, "seq": seq, "age": 12 });
        answer(self.house, self.client, &body).await
    }
}

async fn answer(house: &House, client: &str, body: &Value) -> Response {
    let request = signed(client, "/feed/applied")
        .method("POST")
        .header(CONTENT_TYPE, "application/json");
    house
        .send(request.body(Body::from(body.to_string())).unwrap())
        .await
}

/// A house whose control plane has been up for a while.
async fn house() -> House {
    let house = House::with(quick(256)).await;
    house.clock.advance(Duration::from_secs(60));
    house
}

async fn now(house: &House) -> Receipt {
    hold(&house.plane, None, Duration::ZERO).await.ok().unwrap()
}

#[tokio::test]
async fn the_answer_of_the_last_gate_completes_a_receipt_with_the_delay_of_each() {
    let house = house().await;
    let session = house.session("app").await;
    let mut gates = [
        Gate::follow(&house, "app", "web-1").await,
        Gate::follow(&house, "app", "web-2").await,
        // It cannot see the session, and is asked all the same.
        Gate::follow(&house, "other", "api").await,
    ];
    house.revoke(session).await;
    let receipt = hold(&house.plane, None, PROMPTLY);
    let answers = async {
        for (gate, knows) in gates.iter_mut().zip([Some(session), Some(session), None]) {
            gate.asked(knows).await;
            house.clock.advance(Duration::from_millis(15));
            assert_eq!(gate.answers().await.status(), StatusCode::NO_CONTENT);
        }
    };
    let (receipt, ()) = tokio::join!(receipt, answers);
    let receipt = receipt.ok().unwrap();
    assert!(receipt.complete && !receipt.recovering);
    assert_eq!(receipt.seq, 1);
    assert!(receipt.waited >= Duration::from_millis(45));
    let told: Vec<(String, Option<u128>)> = receipt
        .gates
        .into_iter()
        .map(|outcome| {
            let delay = outcome.delay.map(|delay| delay.as_millis());
            (outcome.gate.gate.unwrap(), delay)
        })
        .collect();
    let expected = [("web-1", 15), ("web-2", 30), ("api", 45)];
    assert_eq!(
        told,
        expected.map(|(name, delay)| (name.to_owned(), Some(delay)))
    );
}

#[tokio::test]
async fn a_gate_that_does_not_answer_is_behind_until_its_bound_has_passed_and_then_silent() {
    let house = house().await;
    let session = house.session("app").await;
    let mut web = Gate::follow(&house, "app", "web-1").await;
    let mut stopped = Gate::follow(&house, "app", "web-2").await;
    house.revoke(session).await;
    let early = hold(&house.plane, None, Duration::from_millis(20)).await;
    assert!(!early.ok().unwrap().complete);
    web.asked(Some(session)).await;
    web.answers().await;
    stopped.asked(Some(session)).await;
    house.clock.advance(house::BOUND);
    let receipt = now(&house).await;
    let settled: Vec<bool> = receipt.gates.iter().map(Outcome::is_settled).collect();
    assert_eq!((receipt.complete, settled), (false, vec![true, false]));
    house.clock.advance(Duration::from_millis(1));
    let receipt = now(&house).await;
    assert!(receipt.complete);
    assert!(receipt.gates[1].denies && receipt.gates[1].applied_at.is_none());
    let listed = house.plane.feed.gates.list(&*house.clock);
    assert_eq!(
        [listed[0].state, listed[1].state],
        [GateState::Live, GateState::Silent]
    );
    // It was only slow.
    assert_eq!(stopped.answers().await.status(), StatusCode::NO_CONTENT);
    let receipt = now(&house).await;
    assert_eq!(
        receipt.gates[1].delay,
        Some(house::BOUND + Duration::from_millis(1))
    );
}

#[tokio::test]
async fn right_after_a_start_no_receipt_is_complete_until_a_bound_has_passed() {
    let house = House::with(quick(256)).await;
    let session = house.session("app").await;
    house.revoke(session).await;
    house.clock.advance(house::BOUND);
    let receipt = now(&house).await;
    assert!(receipt.gates.is_empty() && receipt.recovering && !receipt.complete);
    house.clock.advance(Duration::from_millis(1));
    assert!(now(&house).await.complete);
}

#[tokio::test]
async fn what_is_revoked_up_to_a_moment_long_ago_counts_from_when_that_was_done() {
    let house = house().await;
    house.session("app").await;
    house.clock.advance(Duration::from_secs(3600));
    let mut gate = Gate::follow(&house, "app", "web-1").await;
    let selector = SessionSelector {
        user: Some(house.user),
        started_at_or_before: house.clock.now() - Duration::from_secs(3000),
        client: None,
        tenant: None,
    };
    let done: Result<u64, StoreError> = house
        .plane
        .store
        .sessions_revoke(selector, sealgate_store::RevokeReason::Admin, house.audit())
        .await;
    assert_eq!(done.unwrap(), 1);
    let receipt = hold(&house.plane, None, PROMPTLY);
    let answers = async {
        loop {
            gate.asked(None).await;
            gate.answers().await;
            if now(&house).await.complete {
                break;
            }
        }
    };
    let (receipt, ()) = tokio::join!(receipt, answers);
    let delay = receipt.ok().unwrap().gates[0].delay.unwrap();
    assert!(delay < Duration::from_secs(1), "{delay:?}");
}

#[tokio::test]
async fn a_number_that_the_log_has_not_reached_has_no_receipt() {
    let house = house().await;
    assert!(now(&house).await.complete);
    let refused = hold(&house.plane, Some(1), PROMPTLY).await.err().unwrap();
    assert_eq!(refused.reason(), "feed_seq_unknown");
    assert_eq!(refused.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_receipt_ends_with_its_time_and_with_the_server() {
    let house = house().await;
    let _gate = Gate::follow(&house, "app", "web-1").await;
    let session = house.session("app").await;
    house.revoke(session).await;
    let wait = Duration::from_millis(30);
    assert!(!hold(&house.plane, None, wait).await.ok().unwrap().complete);
    let (receipt, ()) = tokio::join!(hold(&house.plane, None, PROMPTLY), async {
        tokio::task::yield_now().await;
        house.plane.feed.close();
    });
    assert!(!receipt.ok().unwrap().complete);
}

#[tokio::test]
async fn only_a_gate_that_follows_answers_and_only_of_this_epoch() {
    let house = house().await;
    let gate = Gate::follow(&house, "app", "web-1").await;
    let (epoch, seq) = gate.follower.position().unwrap();
    let good = json!({ "instance": gate.instance, "epoch": epoch, "seq": seq, "age": 0 });
    let with = |name: &str, value: Value| {
        let mut body = good.clone();
        body[name] = value;
        body
    };
    for (client, body, status) in [
        ("app", good.clone(), 204),
        ("other", good.clone(), 404),
        ("spa", good.clone(), 401),
        ("app", with("instance", INSTANCE.into()), 404),
        ("app", with("epoch", "another".into()), 409),
        ("app", with("seq", (-1).into()), 400),
        ("app", with("age", "0".into()), 400),
        ("app", with("more", 1.into()), 400),
        ("app", json!({}), 400),
        ("app", with("epoch", "e".repeat(1024).into()), 413),
    ] {
        let answered = answer(&house, client, &body).await.status();
        assert_eq!(answered, status, "{client} {body}");
    }
    let untyped = signed("app", "/feed/applied").method("POST");
    let untyped = untyped.body(Body::from(good.to_string())).unwrap();
    assert_eq!(house.send(untyped).await.status(), 415);
    let stranger = Request::post("/feed/applied")
        .body(Body::from("{"))
        .unwrap();
    assert_eq!(house.send(stranger).await.status(), 401);
}

#[tokio::test]
async fn what_a_gate_says_of_itself_is_shown_and_what_has_no_form_is_refused() {
    let house = house().await;
    let gate = Gate::follow(&house, "app", "web-1").await;
    let listed = house.plane.feed.gates.list(&*house.clock);
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].gate.as_deref(), Some("web-1"));
    assert_eq!(listed[0].bound, Some(house::BOUND));
    assert_eq!(listed[0].state, GateState::Live);
    drop(gate);
    let listed = house.plane.feed.gates.list(&*house.clock);
    assert_eq!(listed[0].state, GateState::Gone);
    for query in ["?gate=", "?instance=short", "?bound=0", "?bound=x"] {
        let refused = house.get("app", &format!("/feed/events{query}")).await;
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST, "{query}");
    }
}
