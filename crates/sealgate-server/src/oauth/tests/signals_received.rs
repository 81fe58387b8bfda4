//! What another identity system tells us ends here: pushed, asked for, and by global token revocation.

use std::time::Duration;

use sealgate_jose::{Algorithm, SigningKey};
use sealgate_model::TransmitterId;
use sealgate_store::{Poll, Transmitter};
use serde_json::json as value;

use super::machines::{key, set};
use super::*;
use crate::receiver;

const CORP: &str = "https://idp.corp.example";
const JWKS: &str = "https://idp.corp.example/jwks";
const POLL: &str = "https://idp.corp.example/poll";
const REVOKED: &str = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
const DISABLED: &str = "https://schemas.openid.net/secevent/risc/event-type/account-disabled";

/// A house that listens to an identity system which may speak of `example.org`.
struct Listener {
    house: House,
    outbound: Arc<FakeOutbound>,
    id: TransmitterId,
}

impl Listener {
    async fn new(change: impl FnOnce(&House, &mut Transmitter)) -> Self {
        let outbound = Arc::new(FakeOutbound::new());
        let house = House::new_with_outbound(outbound.clone()).await;
        outbound.serve(JWKS, set(&[signer().public_jwk()]).to_string(), None);
        let id = TransmitterId::generate(house.clock.now(), house.plane.random.as_ref());
        let mut transmitter = Transmitter {
            id,
            name: "Corp".to_owned(),
            issuer: CORP.to_owned(),
            jwks_uri: JWKS.to_owned(),
            audience: ISSUER.to_owned(),
            domains: vec!["example.org".to_owned()],
            may_disable: false,
            push_secret: None,
            poll: None,
            created_at: house.clock.now(),
        };
        change(&house, &mut transmitter);
        let store = &house.plane.store;
        store
            .transmitter_create(transmitter, house.audit())
            .await
            .unwrap();
        Self {
            house,
            outbound,
            id,
        }
    }

    /// The claims of an event about Ada, `jti` 1 unless `change` says otherwise.
    fn event(&self, uri: &str, change: impl FnOnce(&mut Value)) -> Value {
        let mut claims = value!({
            "iss": CORP, "aud": ISSUER, "jti": "1", "iat": self.house.clock.now().as_seconds(),
            "sub_id": { "format": "email", "email": "Ada@example.org" },
            "events": { uri: {} },
        });
        change(&mut claims);
        claims
    }

    async fn push(&self, claims: &Value) -> Response {
        let token = signer().sign("secevent+jwt", claims).unwrap();
        self.push_token(&token, None).await
    }

    async fn push_token(&self, token: &str, secret: Option<&str>) -> Response {
        let mut request = Request::post(format!("/signals/transmitters/{}/events", self.id))
            .header(CONTENT_TYPE, "application/secevent+jwt");
        if let Some(secret) = secret {
            request = request.header(AUTHORIZATION, format!("Bearer {secret}"));
        }
        self.house
            .send(request.body(Body::from(token.to_owned())).unwrap())
            .await
    }

    async fn global(&self, claims: &Value, body: &Value) -> Response {
        let token = signer()
            .sign("global-token-revocation+jwt", claims)
            .unwrap();
        let request = Request::post("/oauth/global-token-revocation")
            .header(CONTENT_TYPE, "application/json")
            .header(AUTHORIZATION, format!("Bearer {token}"));
        self.house
            .send(request.body(Body::from(body.to_string())).unwrap())
            .await
    }

    fn credential(&self, jti: &str) -> Value {
        let now = self.house.clock.now().as_seconds();
        value!({
            "iss": CORP, "aud": format!("{ISSUER}/oauth/global-token-revocation"),
            "iat": now, "exp": now + 300, "jti": jti,
        })
    }

    async fn fate(&self, tokens: &Tokens) -> Option<RevokeReason> {
        self.house.revoked_for(&tokens.access).await
    }
}

fn signer() -> &'static SigningKey {
    key(Algorithm::Rs256)
}

async fn error(response: Response) -> (u16, String, String) {
    let status = response.status().as_u16();
    let body = json(response).await;
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    (status, text("err"), text("description"))
}

fn failed(status: u16, err: &str, description: &str) -> (u16, String, String) {
    (status, err.to_owned(), description.to_owned())
}

#[tokio::test]
async fn a_session_that_ends_there_ends_here_and_who_signs_in_again_stays() {
    let corp = Listener::new(|_, _| {}).await;
    let before = corp.house.tokens("app", "openid").await;
    let elsewhere = corp.house.tokens("other", "openid").await;
    corp.house.clock.advance(Duration::from_secs(60));
    let event = corp.event(REVOKED, |_| {});
    assert_eq!(corp.push(&event).await.status(), StatusCode::ACCEPTED);
    assert_eq!(corp.fate(&before).await, Some(RevokeReason::Signal));
    assert_eq!(corp.fate(&elsewhere).await, Some(RevokeReason::Signal));
    let record = corp.house.last_record().await;
    assert_eq!(record.action, "signal.receive");
    assert_eq!(record.object, Some(corp.id.to_string()));

    // The same event again, and another one about the same moment, reach nobody who came later.
    corp.house.clock.advance(Duration::from_secs(60));
    let again = corp.house.tokens("app", "openid").await;
    assert_eq!(corp.push(&event).await.status(), StatusCode::ACCEPTED);
    let told_twice = corp.event(REVOKED, |claims| {
        claims["jti"] = value!("2");
        claims["iat"] = event["iat"].clone();
    });
    assert_eq!(corp.push(&told_twice).await.status(), StatusCode::ACCEPTED);
    assert_eq!(corp.fate(&again).await, None);
}

#[tokio::test]
async fn one_session_is_named_by_its_id() {
    let corp = Listener::new(|_, _| {}).await;
    let one = corp.house.tokens("app", "openid").await;
    let other = corp.house.tokens("app", "openid").await;
    let sid = claims(&one.access)["sid"].clone();
    let event = corp.event(REVOKED, |claims| {
        claims["sub_id"] = value!({
            "format": "complex", "session": { "format": "opaque", "id": sid },
            "user": { "format": "iss_sub", "iss": ISSUER, "sub": corp.house.user },
        });
    });
    assert_eq!(corp.push(&event).await.status(), StatusCode::ACCEPTED);
    assert_eq!(corp.fate(&one).await, Some(RevokeReason::Signal));
    assert_eq!(corp.fate(&other).await, None);
}

#[tokio::test]
async fn nobody_is_believed_about_accounts_that_are_not_in_its_domains() {
    let corp = Listener::new(|_, corp| corp.domains = vec!["corp.example".to_owned()]).await;
    let tokens = corp.house.tokens("app", "openid").await;
    let user = corp.house.user;
    for (jti, subject) in [
        (
            "a",
            value!({ "format": "email", "email": "ada@example.org" }),
        ),
        (
            "b",
            value!({ "format": "iss_sub", "iss": ISSUER, "sub": user }),
        ),
        ("c", value!({ "format": "opaque", "id": user })),
        (
            "d",
            value!({ "format": "account", "uri": "acct:ada@example.org" }),
        ),
        (
            "e",
            value!({ "format": "aliases", "identifiers": [
            { "format": "email", "email": "nobody@corp.example" },
            { "format": "opaque", "id": user },
        ] }),
        ),
        (
            "f",
            value!({ "format": "iss_sub", "iss": CORP, "sub": user }),
        ),
        (
            "g",
            value!({ "format": "complex", "session": {
            "format": "opaque", "id": claims(&tokens.access)["sid"],
        } }),
        ),
    ] {
        let event = corp.event(REVOKED, |claims| {
            claims["jti"] = value!(jti);
            claims["sub_id"] = subject;
        });
        assert_eq!(
            corp.push(&event).await.status(),
            StatusCode::ACCEPTED,
            "{jti}"
        );
        let reason = corp.house.last_record().await.reason;
        let expected = if jti == "f" {
            "subject_unknown"
        } else {
            "subject_foreign"
        };
        assert_eq!(reason, expected, "{jti}");
    }
    assert_eq!(corp.fate(&tokens).await, None);
}

#[tokio::test]
async fn an_account_is_disabled_only_by_who_may_and_else_signed_out() {
    for may in [false, true] {
        let corp = Listener::new(|_, corp| corp.may_disable = may).await;
        let tokens = corp.house.tokens("app", "openid").await;
        let event = corp.event(DISABLED, |_| {});
        assert_eq!(corp.push(&event).await.status(), StatusCode::ACCEPTED);
        let reason = if may {
            RevokeReason::UserDisabled
        } else {
            RevokeReason::Signal
        };
        assert_eq!(corp.fate(&tokens).await, Some(reason));
        let user = corp
            .house
            .plane
            .store
            .user(corp.house.user)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(user.disabled_at.is_some(), may);
    }
}

#[tokio::test]
async fn an_account_that_was_disabled_there_ends_here_whole_and_not_for_who_came_later() {
    let corp = Listener::new(|_, _| {}).await;
    let before = corp.house.tokens("app", "openid").await;
    let elsewhere = corp.house.tokens("other", "openid").await;
    // It names one session of the account, and says that it is told only in time to come.
    let event = corp.event(DISABLED, |event| {
        event["sub_id"] = value!({
            "format": "complex",
            "user": { "format": "email", "email": "ada@example.org" },
            "session": { "format": "opaque", "id": claims(&before.access)["sid"] },
        });
    });
    let late = corp.event(REVOKED, |event| {
        event["jti"] = value!("2");
        // Milliseconds, as some tell it.
        event["events"][REVOKED]["event_timestamp"] = value!(corp.house.clock.now().as_millis());
    });
    corp.house.clock.advance(Duration::from_secs(60));
    let mut later = corp.house.tokens("app", "openid").await;
    for event in [event, late] {
        assert_eq!(corp.push(&event).await.status(), StatusCode::ACCEPTED);
        assert_eq!(corp.fate(&before).await, Some(RevokeReason::Signal));
        assert_eq!(corp.fate(&elsewhere).await, Some(RevokeReason::Signal));
        assert_eq!(corp.fate(&later).await, None);
        later = corp.house.tokens("app", "openid").await;
    }
}

#[tokio::test]
async fn what_is_no_event_for_us_is_refused_with_its_error() {
    let corp = Listener::new(|_, _| {}).await;
    let tokens = corp.house.tokens("app", "openid").await;
    let refused = async |change: &dyn Fn(&mut Value)| {
        error(
            corp.push(&corp.event(REVOKED, |claims| change(claims)))
                .await,
        )
        .await
    };
    assert_eq!(
        refused(&|claims| claims["iss"] = value!("https://evil.example")).await,
        failed(400, "invalid_issuer", "set_issuer_wrong")
    );
    assert_eq!(
        refused(&|claims| claims["aud"] = value!("https://other.example")).await,
        failed(400, "invalid_audience", "set_audience_wrong")
    );
    assert_eq!(
        refused(&|claims| claims["exp"] = value!(1)).await,
        failed(400, "invalid_request", "set_claim_forbidden")
    );
    for iat in [1, i64::MAX] {
        assert_eq!(
            refused(&|claims| claims["iat"] = value!(iat)).await,
            failed(400, "invalid_request", "set_time_wrong")
        );
    }
    let event = corp.event(REVOKED, |_| {});
    let stranger = SigningKey::generate(Algorithm::Rs256, signer().kid())
        .unwrap()
        .0;
    let forged = stranger.sign("secevent+jwt", &event).unwrap();
    let (status, err, _) = error(corp.push_token(&forged, None).await).await;
    assert_eq!((status, err.as_str()), (400, "invalid_key"));
    let other_type = signer().sign("JWT", &event).unwrap();
    let (status, err, _) = error(corp.push_token(&other_type, None).await).await;
    assert_eq!((status, err.as_str()), (400, "invalid_key"));
    let long = "a".repeat(20_000);
    assert_eq!(
        error(corp.push_token(&long, None).await).await,
        failed(400, "invalid_request", "set_too_large")
    );
    assert_eq!(corp.fate(&tokens).await, None);
}

#[tokio::test]
async fn a_transmitter_with_a_secret_has_to_present_it() {
    let corp = Listener::new(|_, corp| corp.push_secret = Some(sha256(b"secret"))).await;
    let token = signer()
        .sign("secevent+jwt", &corp.event(REVOKED, |_| {}))
        .unwrap();
    for wrong in [None, Some("other"), Some("")] {
        let response = corp.push_token(&token, wrong).await;
        assert_eq!(response.headers()["www-authenticate"], "Bearer");
        assert_eq!(
            error(response).await,
            failed(401, "authentication_failed", "transmitter_unauthenticated")
        );
    }
    let right = corp.push_token(&token, Some("secret")).await;
    assert_eq!(right.status(), StatusCode::ACCEPTED);
}

#[tokio::test]
async fn while_its_keys_cannot_be_had_an_event_is_to_be_sent_again() {
    let corp = Listener::new(|_, _| {}).await;
    corp.outbound
        .set(JWKS, Err(sealgate_host::OutboundError::TimedOut));
    let response = corp.push(&corp.event(REVOKED, |_| {})).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(response.headers().contains_key("retry-after"));
}

#[tokio::test]
async fn a_transmitter_that_does_not_push_is_asked() {
    let corp = Listener::new(|house, corp| {
        let id = corp.id.to_string();
        let context = receiver::seal_context(&house.plane, &id);
        let sealed = house.plane.master.seal_up_to(
            receiver::SEALED,
            &context,
            house.plane.random.as_ref(),
            b"token",
        );
        corp.poll = Some(Poll {
            url: POLL.to_owned(),
            sealed_token: sealed.unwrap(),
        });
    })
    .await;
    let tokens = corp.house.tokens("app", "openid").await;
    let event = signer()
        .sign("secevent+jwt", &corp.event(REVOKED, |_| {}))
        .unwrap();
    let body = value!({ "sets": { "1": event, "2": "no token" }, "moreAvailable": false });
    corp.outbound.serve(POLL, body.to_string(), None);
    receiver::ask_all(&corp.house.plane).await.unwrap();
    assert_eq!(corp.fate(&tokens).await, Some(RevokeReason::Signal));
    let asked: Vec<(Option<String>, Value)> = corp
        .outbound
        .sent()
        .into_iter()
        .filter(|request| request.url == POLL)
        .map(|request| {
            let (kind, authorization, body) = request.text.unwrap();
            assert_eq!(kind, "application/json");
            (authorization, serde_json::from_str(&body).unwrap())
        })
        .collect();
    assert_eq!(asked[0].0.as_deref(), Some("Bearer token"));
    assert_eq!(
        asked[0].1,
        value!({ "maxEvents": 25, "returnImmediately": true })
    );
    assert_eq!(asked[1].1["ack"], value!(["1"]));
    assert_eq!(asked[1].1["setErrs"]["2"]["err"], "invalid_key");
}

#[tokio::test]
async fn a_user_is_signed_out_everywhere_by_global_token_revocation() {
    let corp = Listener::new(|_, _| {}).await;
    let tokens = corp.house.tokens("app", "openid").await;
    let about = |subject: Value| value!({ "sub_id": subject });
    let ada = about(value!({ "format": "email", "email": "ada@example.org" }));
    let credential = corp.credential("1");
    let done = corp.global(&credential, &ada).await;
    assert_eq!(done.status(), StatusCode::NO_CONTENT);
    assert_eq!(corp.fate(&tokens).await, Some(RevokeReason::Signal));
    let record = corp.house.last_record().await;
    assert_eq!(
        (record.action, record.user),
        ("user.sign_out".into(), Some(corp.house.user))
    );

    let reason = async |response: Response| {
        let status = response.status().as_u16();
        (
            status,
            json(response).await["reason"].as_str().unwrap().to_owned(),
        )
    };
    let is = |status: u16, reason: &str| (status, reason.to_owned());
    let again = reason(corp.global(&credential, &ada).await).await;
    assert_eq!(again, is(401, "assertion_reused"));
    let nobody = about(value!({ "format": "email", "email": "bob@example.org" }));
    let nobody = reason(corp.global(&corp.credential("2"), &nobody).await).await;
    assert_eq!(nobody, is(404, "subject_unknown"));
    // Of an account in somebody else's domain it is not told that there is one; the record knows.
    let row = corp.house.plane.store.user(corp.house.user).await;
    let foreign = sealgate_store::UserRow {
        id: sealgate_model::UserId::generate(
            corp.house.clock.now(),
            corp.house.plane.random.as_ref(),
        ),
        email: "eve@rival.example".to_owned(),
        ..row.unwrap().unwrap()
    };
    let created = corp
        .house
        .plane
        .store
        .user_create(foreign, None, corp.house.audit());
    created.await.unwrap();
    let foreign = about(value!({ "format": "email", "email": "eve@rival.example" }));
    let foreign = reason(corp.global(&corp.credential("6"), &foreign).await).await;
    assert_eq!(foreign, nobody);
    assert_eq!(corp.house.last_record().await.reason, "subject_foreign");
    let malformed = reason(
        corp.global(&corp.credential("3"), &value!({ "sub_id": "ada" }))
            .await,
    )
    .await;
    assert_eq!(malformed, is(400, "subject_malformed"));
    for (member, wrong) in [
        ("iss", value!("https://evil.example")),
        ("aud", value!(ISSUER)),
        ("exp", value!(1)),
        ("exp", value!(i64::MAX)),
        ("iat", value!(i64::MAX)),
        ("jti", value!("")),
    ] {
        let mut credential = corp.credential("4");
        credential[member] = wrong;
        let refused = reason(corp.global(&credential, &ada).await).await;
        assert_eq!(refused, is(401, "transmitter_unauthenticated"), "{member}");
    }
    let event = signer()
        .sign("secevent+jwt", &corp.credential("5"))
        .unwrap();
    let request = Request::post("/oauth/global-token-revocation")
        .header(AUTHORIZATION, format!("Bearer {event}"));
    let request = request.body(Body::from(ada.to_string())).unwrap();
    let refused = reason(corp.house.send(request).await).await;
    assert_eq!(refused, is(401, "transmitter_unauthenticated"));
}

#[tokio::test]
async fn who_is_not_listened_to_any_more_is_not_believed() {
    let corp = Listener::new(|_, _| {}).await;
    let store = &corp.house.plane.store;
    assert!(
        store
            .transmitter_remove(corp.id, corp.house.audit())
            .await
            .unwrap()
    );
    let response = corp.push(&corp.event(REVOKED, |_| {})).await;
    assert_eq!(error(response).await.0, 401);
}
