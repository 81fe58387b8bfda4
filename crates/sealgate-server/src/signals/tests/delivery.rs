//! Events on their way to a receiver that takes them by push.

use sealgate_host::OutboundError;

use super::*;

const ESTABLISHED: &str = "https://schemas.openid.net/secevent/caep/event-type/session-established";
const CREDENTIAL: &str = "https://schemas.openid.net/secevent/caep/event-type/credential-change";
const CLAIMS: &str = "https://schemas.openid.net/secevent/caep/event-type/token-claims-change";
const DISABLED: &str = "https://schemas.openid.net/secevent/risc/event-type/account-disabled";
const ENABLED: &str = "https://schemas.openid.net/secevent/risc/event-type/account-enabled";
const UPDATED: &str = "https://schemas.openid.net/secevent/ssf/event-type/stream-updated";

fn kinds(sets: &[Value]) -> Vec<String> {
    let kind = |set: &Value| {
        set["events"]
            .as_object()
            .unwrap()
            .keys()
            .next()
            .unwrap()
            .clone()
    };
    sets.iter().map(kind).collect()
}

#[tokio::test]
async fn a_revoked_session_is_told_with_all_that_the_standard_asks() {
    let house = House::new().await;
    let token = house.managing("rp").await;
    let mut delivery = push();
    delivery["authorization_header"] = "Bearer s3cret".into();
    let asked = json!({ "delivery": delivery, "events_requested": [REVOKED] });
    house.stream(&token, asked).await;
    let ada = house.user("ada@example.org").await;
    let session = house.session(ada, "rp").await;
    house.clock.advance(Duration::from_secs(5));
    house.revoke(session).await;
    assert_eq!(push::round(&house.plane).await.unwrap(), 1);
    assert_eq!(push::round(&house.plane).await.unwrap(), 0, "told once");
    let posted = house.outbound.sent();
    let (kind, authorization, _) = posted[0].text.as_ref().unwrap();
    assert_eq!(
        (*kind, authorization.as_deref()),
        ("application/secevent+jwt", Some("Bearer s3cret"))
    );
    let told = house.pushed();
    let [set] = told.as_slice() else {
        panic!("{told:?}");
    };
    let at = house.clock.now().as_seconds();
    let mut claims: Vec<&String> = set.as_object().unwrap().keys().collect();
    claims.sort();
    assert_eq!(
        claims,
        ["aud", "events", "iat", "iss", "jti", "sub_id", "txn"]
    );
    assert_eq!((&set["aud"], &set["iat"]), (&json!("rp"), &json!(at)));
    assert_eq!(
        set["sub_id"],
        json!({
            "format": "complex",
            "user": { "format": "iss_sub", "iss": ISSUER, "sub": ada.to_string() },
            "session": { "format": "opaque", "id": session.to_string() },
        })
    );
    assert_eq!(
        set["events"],
        json!({ REVOKED: {
            "event_timestamp": at, "initiating_entity": "admin",
            "reason_admin": { "en": "The session was revoked by hand" },
        } })
    );
}

#[tokio::test]
async fn each_event_of_an_account_is_told_to_whoever_may_know_of_it() {
    let house = House::new().await;
    let token = house.managing("rp").await;
    house.stream(&token, json!({ "delivery": push() })).await;
    // Another client, which never heard of Ada.
    let stranger = house.managing("stranger").await;
    let foreign = house.stream(&stranger, json!({})).await;
    let ada = house.user("ada@example.org").await;
    house.session(ada, "rp").await;
    let path = format!("/users/{ada}");
    house
        .operate(Method::PATCH, &path, json!({ "roles": ["accountant"] }))
        .await
        .is(200);
    house
        .operate(Method::POST, &format!("{path}/disable"), Value::Null)
        .await
        .is(200);
    house
        .operate(Method::POST, &format!("{path}/enable"), Value::Null)
        .await
        .is(200);
    push::round(&house.plane).await.unwrap();
    let sets = house.pushed();
    assert_eq!(
        kinds(&sets),
        [ESTABLISHED, CLAIMS, REVOKED, DISABLED, ENABLED]
    );
    assert_eq!(sets[0]["events"][ESTABLISHED]["amr"], json!(["pwd"]));
    assert_eq!(sets[0]["events"][ESTABLISHED]["initiating_entity"], "user");
    assert_eq!(
        sets[1]["events"][CLAIMS]["claims"],
        json!({ "roles": ["accountant"] })
    );
    assert_eq!(
        sets[1]["sub_id"],
        json!({ "format": "iss_sub", "iss": ISSUER, "sub": ada.to_string() })
    );
    assert_eq!(
        sets[2]["events"][REVOKED]["reason_admin"],
        json!({ "en": "The account was disabled" })
    );
    assert_eq!(sets[3]["events"][DISABLED], json!({}));
    assert_eq!(sets[2]["txn"], sets[3]["txn"], "one act, one cause");
    assert_ne!(sets[1]["txn"], sets[2]["txn"]);
    let jtis: std::collections::HashSet<String> =
        sets.iter().map(|set| set["jti"].to_string()).collect();
    assert_eq!(jtis.len(), sets.len());
    let waiting = house
        .plane
        .store
        .signals(foreign.parse().unwrap(), 10)
        .await;
    assert_eq!(waiting.unwrap(), []);
}

#[tokio::test]
async fn a_password_that_is_set_anew_is_a_change_of_a_credential() {
    let house = House::new().await;
    let token = house.managing("rp").await;
    let asked = json!({ "delivery": push(), "events_requested": [CREDENTIAL, REVOKED] });
    house.stream(&token, asked).await;
    let ada = house.user("ada@example.org").await;
    house.session(ada, "rp").await;
    let now = house.clock.now();
    let link = sealgate_store::Invitation {
        id: sealgate_model::InvitationId::generate(now, &*house.plane.random),
        secret_hash: sha256(b"link"),
        user: Some(ada),
        created_at: now,
        expires_at: now + Duration::from_secs(60),
        used_at: None,
    };
    let store = &house.plane.store;
    let stored = store.invitation_create(link.clone(), None, house.audit());
    stored.await.unwrap();
    let mut row = store.user(ada).await.unwrap().unwrap();
    row.password_hash = Some("$argon2id$new".to_owned());
    let sign_in = SignIn {
        id: SignInId::generate(now, &*house.plane.random),
        secret_hash: sha256(b"sign-in"),
        user: ada,
        auth_time: now,
        methods: vec!["pwd".to_owned()],
        expires_at: now + Duration::from_secs(60),
        ended_at: None,
    };
    let accepted = store.invitation_accept(link.id, row, sign_in, house.audit());
    accepted.await.unwrap();
    push::round(&house.plane).await.unwrap();
    let sets = house.pushed();
    assert_eq!(kinds(&sets), [REVOKED, CREDENTIAL]);
    let event = &sets[1]["events"][CREDENTIAL];
    assert_eq!(
        (&event["credential_type"], &event["change_type"]),
        (&json!("password"), &json!("update"))
    );
    assert_eq!(event["initiating_entity"], "user");
    assert!(!event["reason_admin"]["en"].as_str().unwrap().is_empty());
    assert_eq!(
        sets[0]["events"][REVOKED]["reason_admin"]["en"],
        "The password was set anew"
    );
}

#[tokio::test]
async fn a_receiver_that_is_down_is_tried_later_and_later_and_gets_the_same_token() {
    let house = House::new().await;
    let token = house.managing("rp").await;
    let asked = json!({ "delivery": push(), "events_requested": [REVOKED] });
    let id = house.stream(&token, asked).await;
    let ada = house.user("ada@example.org").await;
    let session = house.session(ada, "rp").await;
    house.outbound.set(TARGET, Err(OutboundError::TimedOut));
    house.revoke(session).await;
    for (wait, tries) in [(0, 1), (1, 1), (1, 2), (9, 2), (1, 3), (30, 4)] {
        house.clock.advance(Duration::from_secs(wait));
        push::round(&house.plane).await.unwrap();
        assert_eq!(house.pushed().len(), tries, "after {wait} s more");
    }
    let stream = house
        .plane
        .store
        .stream(id.parse().unwrap())
        .await
        .unwrap()
        .unwrap();
    assert_eq!((stream.queued, stream.failures), (1, 4));
    assert_eq!(stream.last_error.unwrap().0, "outbound_timed_out");
    for status in [401, 429, 500, 503] {
        house.outbound.set(TARGET, Ok(answer(status, "")));
        house.clock.advance(Duration::from_secs(3600));
        push::round(&house.plane).await.unwrap();
    }
    house.outbound.set(TARGET, Ok(answer(202, "")));
    house.clock.advance(Duration::from_secs(3600));
    push::round(&house.plane).await.unwrap();
    let sets = house.pushed();
    assert_eq!(sets.len(), 9);
    assert!(
        sets.iter().all(|set| *set == sets[0]),
        "the same claims each time"
    );
    let stream = house
        .plane
        .store
        .stream(id.parse().unwrap())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (stream.queued, stream.failures, stream.delivered),
        (0, 0, 1)
    );
}

#[tokio::test]
async fn an_event_that_a_receiver_does_not_understand_is_dropped_on_record_and_the_next_one_sent() {
    let house = House::new().await;
    let token = house.managing("rp").await;
    let asked = json!({ "delivery": push(), "events_requested": [REVOKED] });
    let id = house.stream(&token, asked).await;
    let ada = house.user("ada@example.org").await;
    let session = house.session(ada, "rp").await;
    let refusal = r#"{"err":"invalid_request","description":"what?"}"#;
    house.outbound.set(TARGET, Ok(answer(400, refusal)));
    house.revoke(session).await;
    push::round(&house.plane).await.unwrap();
    let stream = || async {
        let stream = house.plane.store.stream(id.parse().unwrap()).await;
        stream.unwrap().unwrap()
    };
    assert_eq!((stream().await.queued, stream().await.dropped), (0, 1));
    let record = &house.records("signal.deliver").await[0];
    assert_eq!(
        (
            record.outcome.as_str(),
            record.reason.as_str(),
            record.session
        ),
        ("denied", "signal_refused", Some(session))
    );
    // What can be set right is tried again.
    for refusal in [
        r#"{"err":"authentication_failed"}"#,
        r#"{"err":"invalid_key"}"#,
        "<html>",
    ] {
        house.outbound.set(TARGET, Ok(answer(400, refusal)));
        let session = house.session(ada, "rp").await;
        house.revoke(session).await;
        house.clock.advance(Duration::from_secs(3600));
        push::round(&house.plane).await.unwrap();
    }
    assert_eq!(stream().await.queued, 3);
}

#[tokio::test]
async fn nothing_is_lost_when_the_process_is_killed_between_commit_and_push() {
    let house = House::new().await;
    let token = house.managing("rp").await;
    let asked = json!({ "delivery": push(), "events_requested": [REVOKED] });
    house.stream(&token, asked).await;
    let ada = house.user("ada@example.org").await;
    let session = house.session(ada, "rp").await;
    house.revoke(session).await;
    let house = house.restarted().await;
    push::round(&house.plane).await.unwrap();
    let sets = house.pushed();
    assert_eq!(sets.len(), 1);
    assert_eq!(sets[0]["sub_id"]["session"]["id"], session.to_string());
}

#[tokio::test]
async fn a_paused_stream_keeps_what_happens_and_a_disabled_one_does_not() {
    let house = House::new().await;
    let token = house.managing("rp").await;
    let asked = json!({ "delivery": push(), "events_requested": [REVOKED] });
    let id = house.stream(&token, asked).await;
    let ada = house.user("ada@example.org").await;
    let set = async |status: &str| {
        let body = json!({ "stream_id": id, "status": status });
        house
            .ask(Method::POST, "/ssf/status", Some(&token), Some(body))
            .await
            .is(200)
    };
    set("paused").await;
    let session = house.session(ada, "rp").await;
    house.revoke(session).await;
    assert_eq!(push::round(&house.plane).await.unwrap(), 0);
    set("enabled").await;
    assert_eq!(push::round(&house.plane).await.unwrap(), 1);
    assert_eq!(house.pushed().len(), 1);

    set("disabled").await;
    let session = house.session(ada, "rp").await;
    house.revoke(session).await;
    set("enabled").await;
    assert_eq!(push::round(&house.plane).await.unwrap(), 0);
    assert_eq!(house.pushed().len(), 1);
}

#[tokio::test]
async fn what_the_operator_does_to_a_stream_its_receiver_hears_of() {
    let house = House::new().await;
    let token = house.managing("rp").await;
    let asked = json!({ "delivery": push(), "events_requested": [REVOKED] });
    let id = house.stream(&token, asked).await;
    let ada = house.user("ada@example.org").await;
    let path = format!("/signals/streams/{id}");
    let reason = json!({ "reason": "Maintenance" });
    house
        .operate(Method::POST, &format!("{path}/pause"), reason)
        .await
        .is(200);
    let session = house.session(ada, "rp").await;
    house.revoke(session).await;
    push::round(&house.plane).await.unwrap();
    let sets = house.pushed();
    assert_eq!(
        kinds(&sets),
        [UPDATED],
        "and nothing else while it is paused"
    );
    assert_eq!(
        sets[0]["events"][UPDATED],
        json!({ "status": "paused", "reason": "Maintenance" })
    );
    assert_eq!(sets[0]["sub_id"], json!({ "format": "opaque", "id": id }));
    let shown = house.operate(Method::GET, &path, Value::Null).await.is(200);
    assert_eq!(
        (&shown["status"], &shown["queued"], &shown["held"]),
        (&json!("paused"), &json!(1), &json!(true))
    );
    house
        .operate(Method::POST, &format!("{path}/resume"), json!({}))
        .await
        .is(200);
    push::round(&house.plane).await.unwrap();
    let sets = house.pushed();
    assert_eq!(kinds(&sets), [UPDATED, REVOKED, UPDATED]);
    assert_eq!(sets[2]["events"][UPDATED]["status"], "enabled");
    let gone = house.operate(Method::DELETE, &path, Value::Null).await;
    assert_eq!(gone.status, 204);
    house
        .operate(Method::GET, &path, Value::Null)
        .await
        .refused(404, "signal_stream_unknown");
}

#[tokio::test]
async fn a_verification_carries_its_state_back_and_cannot_be_asked_for_too_often() {
    let house = House::new().await;
    let token = house.managing("rp").await;
    let id = house.stream(&token, json!({ "delivery": push() })).await;
    let verify = async |state: &str| {
        let body = json!({ "stream_id": id, "state": state });
        house
            .ask(Method::POST, "/ssf/verify", Some(&token), Some(body))
            .await
    };
    assert_eq!(verify("VGhpcyBpcyBh\n").await.status, 204);
    let soon = verify("again").await;
    assert_eq!(soon.headers["retry-after"], "30");
    soon.refused(429, "signal_verification_throttled");
    push::round(&house.plane).await.unwrap();
    let sets = house.pushed();
    let event = "https://schemas.openid.net/secevent/ssf/event-type/verification";
    assert_eq!(
        sets[0]["events"],
        json!({ event: { "state": "VGhpcyBpcyBh\n" } })
    );
    assert_eq!(sets[0]["sub_id"], json!({ "format": "opaque", "id": id }));
    house.clock.advance(Duration::from_secs(30));
    assert_eq!(verify("later").await.status, 204);
}

#[tokio::test]
async fn what_waited_for_three_days_is_dropped_and_the_stream_says_so() {
    let house = House::new().await;
    let token = house.managing("rp").await;
    let asked = json!({ "delivery": push(), "events_requested": [REVOKED] });
    let id = house.stream(&token, asked).await;
    let ada = house.user("ada@example.org").await;
    let session = house.session(ada, "rp").await;
    house.outbound.set(TARGET, Err(OutboundError::TimedOut));
    house.revoke(session).await;
    house.clock.advance(KEPT + Duration::from_secs(1));
    push::upkeep(&house.plane).await.unwrap();
    house.outbound.set(TARGET, Ok(answer(202, "")));
    push::round(&house.plane).await.unwrap();
    let sets = house.pushed();
    assert_eq!(kinds(&sets), [UPDATED]);
    assert_eq!(
        sets[0]["events"][UPDATED],
        json!({ "status": "enabled", "reason": "signals_lost" })
    );
    let record = &house.records("signal.deliver").await[0];
    assert_eq!(
        (record.reason.as_str(), record.object.as_deref()),
        ("signal_too_old", Some(id.as_str()))
    );
}

#[tokio::test]
async fn a_stream_whose_receiver_is_silent_is_paused_where_the_operator_wants_it() {
    let policy = Policy {
        signal_inactivity: Some(Duration::from_secs(3600)),
        ..Policy::default()
    };
    let house = House::with(ISSUER, policy).await;
    let secret = house.receiver("rp").await;
    let token = house.token("rp", &secret, MANAGE).await;
    let id = house.stream(&token, json!({ "delivery": push() })).await;
    let path = format!("/ssf/streams?stream_id={id}");
    house.clock.advance(Duration::from_secs(3000));
    let token = house.token("rp", &secret, MANAGE).await;
    let read = house
        .ask(Method::GET, &path, Some(&token), None)
        .await
        .is(200);
    assert_eq!(read["inactivity_timeout"], 3600);
    house.clock.advance(Duration::from_secs(3000));
    push::upkeep(&house.plane).await.unwrap();
    assert_eq!(
        push::round(&house.plane).await.unwrap(),
        0,
        "it was heard of"
    );
    house.clock.advance(Duration::from_secs(601));
    push::upkeep(&house.plane).await.unwrap();
    push::round(&house.plane).await.unwrap();
    let sets = house.pushed();
    assert_eq!(
        sets[0]["events"][UPDATED],
        json!({ "status": "paused", "reason": "inactivity" })
    );
}

#[tokio::test]
async fn a_client_that_is_no_longer_registered_is_told_nothing() {
    let house = House::new().await;
    let token = house.managing("rp").await;
    let asked = json!({ "delivery": push(), "events_requested": [REVOKED] });
    let id = house.stream(&token, asked).await;
    let ada = house.user("ada@example.org").await;
    let session = house.session(ada, "rp").await;
    let change = json!({ "resources": [] });
    house
        .operate(Method::PATCH, "/clients/rp", change)
        .await
        .is(200);
    house.revoke(session).await;
    push::round(&house.plane).await.unwrap();
    assert_eq!(house.outbound.sent().len(), 0);
    let stream = house
        .plane
        .store
        .stream(id.parse().unwrap())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(stream.last_error.unwrap().0, "registration_withdrawn");
    house
        .operate(Method::DELETE, "/clients/rp", Value::Null)
        .await
        .is(204);
    let gone = house.plane.store.stream(id.parse().unwrap()).await.unwrap();
    assert_eq!(gone, None);
}

#[tokio::test]
async fn the_worker_pushes_as_soon_as_something_ends() {
    let house = House::new().await;
    let token = house.managing("rp").await;
    let asked = json!({ "delivery": push(), "events_requested": [REVOKED] });
    house.stream(&token, asked).await;
    let ada = house.user("ada@example.org").await;
    let session = house.session(ada, "rp").await;
    let worker = tokio::spawn(deliver(Arc::clone(&house.plane)));
    house.revoke(session).await;
    let told = async {
        while house.outbound.sent().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(4), told)
        .await
        .unwrap();
    worker.abort();
}
