//! Streams, their status and their subjects.

use super::*;

#[tokio::test]
async fn a_stream_is_made_read_changed_replaced_and_removed() {
    let house = House::new().await;
    let token = house.managing("rp").await;
    let asked = json!({
        "delivery": {
            "method": "urn:ietf:rfc:8935", "endpoint_url": TARGET, "authorization_header": "Bearer s3cret",
        },
        "events_requested": [REVOKED, "urn:example:unknown"], "description": "for us",
    });
    let made = house
        .ask(Method::POST, "/ssf/streams", Some(&token), Some(asked))
        .await;
    assert_eq!(made.headers["cache-control"], "no-store");
    let made = made.is(201);
    let id = made["stream_id"].as_str().unwrap().to_owned();
    assert_eq!(made["iss"], ISSUER);
    assert_eq!(made["aud"], "rp");
    assert_eq!(made["delivery"], push(), "the header is told to nobody");
    assert_eq!(made["events_delivered"], json!([REVOKED]));
    assert_eq!(
        made["events_requested"],
        json!([REVOKED, "urn:example:unknown"])
    );
    assert_eq!(made["events_supported"].as_array().unwrap().len(), 6);
    assert_eq!(made["min_verification_interval"], 30);
    assert!(made.get("inactivity_timeout").is_none());

    let path = format!("/ssf/streams?stream_id={id}");
    let read = house
        .ask(Method::GET, &path, Some(&token), None)
        .await
        .is(200);
    assert_eq!(read, made);
    let all = house
        .ask(Method::GET, "/ssf/streams", Some(&token), None)
        .await
        .is(200);
    assert_eq!(all, json!([made]));

    // What is absent stays; the transmitter's part may be repeated.
    let mut change = made.clone();
    change["description"] = "another".into();
    change.as_object_mut().unwrap().remove("delivery");
    let changed = house
        .ask(Method::PATCH, "/ssf/streams", Some(&token), Some(change))
        .await
        .is(200);
    assert_eq!(changed["description"], "another");
    assert_eq!(changed["delivery"], push());
    let stored = house.plane.store.stream(id.parse().unwrap()).await.unwrap();
    let kept = stored.unwrap().config.push.unwrap();
    let sealed = kept.sealed_authorization.clone().unwrap();
    assert!(!sealed.contains("s3cret"));
    for (name, wrong) in [("iss", "https://evil.example"), ("aud", "other")] {
        let change = json!({ "stream_id": id, name: wrong });
        house
            .ask(Method::PATCH, "/ssf/streams", Some(&token), Some(change))
            .await
            .refused(400, "signal_member_fixed");
    }

    // What is absent is gone, but the header stays with its URL.
    let whole = json!({ "stream_id": id, "delivery": push() });
    let replaced = house
        .ask(Method::PUT, "/ssf/streams", Some(&token), Some(whole))
        .await
        .is(200);
    assert!(replaced.get("description").is_none() && replaced.get("events_requested").is_none());
    assert_eq!(replaced["events_delivered"].as_array().unwrap().len(), 6);
    let elsewhere = json!({ "stream_id": id, "delivery": {
        "method": "urn:ietf:rfc:8935", "endpoint_url": "https://elsewhere.example/" } });
    let stored = || async {
        let stored = house.plane.store.stream(id.parse().unwrap()).await.unwrap();
        stored.unwrap().config.push.unwrap().sealed_authorization
    };
    assert_eq!(stored().await, Some(sealed));
    house
        .ask(Method::PATCH, "/ssf/streams", Some(&token), Some(elsewhere))
        .await
        .is(200);
    assert_eq!(stored().await, None, "another URL does not get the header");

    let gone = house.ask(Method::DELETE, &path, Some(&token), None).await;
    assert_eq!((gone.status, gone.body), (204, Value::Null));
    house
        .ask(Method::GET, &path, Some(&token), None)
        .await
        .refused(404, "signal_stream_unknown");
    for (action, count) in [
        ("stream.create", 1),
        ("stream.update", 3),
        ("stream.remove", 1),
    ] {
        let records = house.records(action).await;
        assert_eq!(records.len(), count, "{action}");
        assert!(records.iter().all(|row| row.actor == "client:rp"));
        assert!(records.iter().all(|row| row.object.as_deref() == Some(&id)));
    }
}

#[tokio::test]
async fn without_a_delivery_a_stream_is_polled_at_an_address_of_its_own() {
    let house = House::new().await;
    let token = house.managing("rp").await;
    let made = house
        .ask(Method::POST, "/ssf/streams", Some(&token), Some(json!({})))
        .await
        .is(201);
    let id = made["stream_id"].as_str().unwrap();
    let url = format!("{ISSUER}/ssf/poll/{id}");
    assert_eq!(
        made["delivery"],
        json!({ "method": "urn:ietf:rfc:8936", "endpoint_url": url })
    );
}

#[tokio::test]
async fn what_cannot_be_a_stream_is_refused_with_a_reason() {
    let house = House::new().await;
    let token = house.managing("rp").await;
    let push = |url: &str, header: &str| {
        json!({ "delivery": { "method": "urn:ietf:rfc:8935", "endpoint_url": url,
            "authorization_header": header } })
    };
    for (body, reason) in [
        (json!([]), "signal_request_malformed"),
        (push("ftp://rp.example/", "a"), "outbound_url_unacceptable"),
        (
            push("https://user@rp.example/", "a"),
            "outbound_url_unacceptable",
        ),
        (push("https://10.0.0.1/", "a"), "outbound_address_refused"),
        (push(TARGET, "a\r\nX: y"), "signal_request_malformed"),
        (push(TARGET, "\u{fc}"), "signal_request_malformed"),
        (
            json!({ "delivery": { "method": "urn:example:carrier-pigeon" } }),
            "signal_delivery_unsupported",
        ),
        (
            json!({ "events_requested": "all" }),
            "signal_request_malformed",
        ),
    ] {
        let asked = house.ask(
            Method::POST,
            "/ssf/streams",
            Some(&token),
            Some(body.clone()),
        );
        let seen = asked.await;
        assert_eq!(seen.status, 400, "{body}");
        if reason != "outbound_address_refused" {
            seen.refused(400, reason);
        }
    }
    for _ in 0..STREAMS {
        house.stream(&token, json!({})).await;
    }
    house
        .ask(Method::POST, "/ssf/streams", Some(&token), Some(json!({})))
        .await
        .refused(409, "signal_streams_full");
}

#[tokio::test]
async fn nobody_gets_in_without_a_token_for_these_endpoints() {
    let house = House::new().await;
    let secret = house.receiver("rp").await;
    let none = house.ask(Method::GET, "/ssf/streams", None, None).await;
    let challenge = none.headers["www-authenticate"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(
        challenge.contains(&format!(
            "resource_metadata=\"{ISSUER}/.well-known/oauth-protected-resource/ssf\""
        )),
        "{challenge}"
    );
    none.refused(401, "credential_missing");
    let read = house.token("rp", &secret, READ).await;
    house
        .ask(Method::GET, "/ssf/streams", Some(&read), None)
        .await
        .is(200);
    for (method, path) in [
        (Method::POST, "/ssf/streams"),
        (Method::POST, "/ssf/status"),
        (Method::POST, "/ssf/verify"),
        (Method::POST, "/ssf/subjects/add"),
    ] {
        let seen = house.ask(method, path, Some(&read), Some(json!({}))).await;
        assert!(
            seen.headers["www-authenticate"]
                .to_str()
                .unwrap()
                .contains("insufficient_scope")
        );
        seen.refused(403, "scope_missing");
    }
    // A token for something else is none for this.
    let other = house.token("rp", &secret, "other").await;
    house
        .ask(Method::GET, "/ssf/streams", Some(&other), None)
        .await
        .refused(401, "token_audience_wrong");
    // What was taken away is gone at once, and so is what a disabled client had.
    let change = json!({ "resources": [] });
    house
        .operate(Method::PATCH, "/clients/rp", change)
        .await
        .is(200);
    let seen = house
        .ask(Method::GET, "/ssf/streams", Some(&read), None)
        .await;
    assert!(matches!(seen.status, 401 | 403), "{}", seen.body);
    assert!(
        !house
            .plane
            .store
            .audit_after(0, 1000)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_client_sees_and_changes_its_own_streams_alone() {
    let house = House::new().await;
    let (one, other) = (house.managing("one").await, house.managing("other").await);
    let id = house.stream(&one, json!({})).await;
    let all = house
        .ask(Method::GET, "/ssf/streams", Some(&other), None)
        .await;
    assert_eq!(all.is(200), json!([]));
    let get = |path: String| (Method::GET, path, None);
    let user = json!({ "format": "email", "email": "ada@example.org" });
    for (method, path, body) in [
        get(format!("/ssf/streams?stream_id={id}")),
        get(format!("/ssf/status?stream_id={id}")),
        (Method::DELETE, format!("/ssf/streams?stream_id={id}"), None),
        (
            Method::PATCH,
            "/ssf/streams".into(),
            Some(json!({ "stream_id": id })),
        ),
        (
            Method::PUT,
            "/ssf/streams".into(),
            Some(json!({ "stream_id": id })),
        ),
        (
            Method::POST,
            "/ssf/status".into(),
            Some(json!({ "stream_id": id, "status": "disabled" })),
        ),
        (
            Method::POST,
            "/ssf/verify".into(),
            Some(json!({ "stream_id": id })),
        ),
        (
            Method::POST,
            "/ssf/subjects/remove".into(),
            Some(json!({ "stream_id": id, "subject": user })),
        ),
        (
            Method::POST,
            format!("/ssf/poll/{id}"),
            Some(json!({ "returnImmediately": true })),
        ),
    ] {
        let seen = house.ask(method, &path, Some(&other), body).await;
        seen.refused(404, "signal_stream_unknown");
    }
    let kept = house
        .ask(Method::GET, "/ssf/streams", Some(&one), None)
        .await;
    assert_eq!(kept.is(200).as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_status_is_set_and_read_and_an_operators_word_stands() {
    let house = House::new().await;
    let token = house.managing("rp").await;
    let id = house.stream(&token, json!({})).await;
    let path = format!("/ssf/status?stream_id={id}");
    let status = || async {
        house
            .ask(Method::GET, &path, Some(&token), None)
            .await
            .is(200)
    };
    let set = async |status: &str| {
        let body = json!({ "stream_id": id, "status": status, "reason": "lunch" });
        house
            .ask(Method::POST, "/ssf/status", Some(&token), Some(body))
            .await
    };
    assert_eq!(
        status().await,
        json!({ "stream_id": id, "status": "enabled" })
    );
    let paused = set("paused").await.is(200);
    assert_eq!(
        paused,
        json!({ "stream_id": id, "status": "paused", "reason": "lunch" })
    );
    assert_eq!(status().await, paused);
    set("gone").await.refused(400, "signal_request_malformed");

    let operator = |verb: &str| format!("/signals/streams/{id}/{verb}");
    house
        .operate(Method::POST, &operator("pause"), json!({}))
        .await
        .is(200);
    set("enabled").await.refused(403, "signal_stream_held");
    house
        .operate(Method::POST, &operator("resume"), json!({}))
        .await
        .is(200);
    assert_eq!(set("enabled").await.is(200)["status"], "enabled");
    assert_eq!(house.records("stream.status").await.len(), 2);
    let acts = ["stream.pause", "stream.resume"];
    for act in acts {
        assert_eq!(house.records(act).await[0].actor, "operator", "{act}");
    }
}

#[tokio::test]
async fn a_user_who_is_left_out_is_told_of_no_more_and_nobody_learns_who_exists() {
    let house = House::new().await;
    let token = house.managing("rp").await;
    let id = house.stream(&token, json!({ "delivery": push() })).await;
    let (ada, bob) = (
        house.user("ada@example.org").await,
        house.user("bob@example.org").await,
    );
    let set = async |verb: &str, subject: Value| {
        let body = json!({ "stream_id": id, "subject": subject });
        let path = format!("/ssf/subjects/{verb}");
        house
            .ask(Method::POST, &path, Some(&token), Some(body))
            .await
    };
    let ada_id = json!({ "format": "iss_sub", "iss": ISSUER, "sub": ada.to_string() });
    assert_eq!(set("remove", ada_id.clone()).await.status, 204);
    for nobody in [
        json!({ "format": "email", "email": "nobody@example.org" }),
        json!({ "format": "iss_sub", "iss": "https://other.example", "sub": ada.to_string() }),
        json!({ "format": "phone_number", "phone_number": "+12065550123" }),
        json!({ "format": "complex", "user": ada_id, "session": { "format": "opaque", "id": "s" } }),
    ] {
        assert_eq!(set("remove", nobody.clone()).await.status, 204);
        assert_eq!(set("add", nobody).await.status, 200);
    }
    set("remove", json!({ "format": "phone", "phone_number": "1" }))
        .await
        .refused(400, "signal_subject_malformed");
    let (of_ada, of_bob) = (
        house.session(ada, "rp").await,
        house.session(bob, "rp").await,
    );
    house.revoke(of_ada).await;
    house.revoke(of_bob).await;
    push::round(&house.plane).await.unwrap();
    let told = |house: &House| -> Vec<String> {
        let revoked = house.pushed().into_iter();
        let revoked = revoked.filter(|set| set["events"].get(REVOKED).is_some());
        revoked
            .map(|set| set["sub_id"]["session"]["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(told(&house), [of_bob.to_string()]);
    let email = json!({ "format": "email", "email": "ada@example.org" });
    assert_eq!(set("add", email).await.status, 200);
    let again = house.session(ada, "rp").await;
    house.revoke(again).await;
    push::round(&house.plane).await.unwrap();
    assert_eq!(told(&house), [of_bob.to_string(), again.to_string()]);
}
