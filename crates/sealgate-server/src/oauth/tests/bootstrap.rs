//! How service accounts come to a key: bootstrap credentials, and the proofs that go with them.

use std::time::Duration;

use sealgate_jose::{Algorithm, SigningKey};
use sealgate_model::BootstrapId;
use sealgate_oauth::{BootstrapCredential, BootstrapHandle};
use sealgate_store::Bootstrap;
use serde_json::json as value;

use super::machines::{API, key, without_nulls};
use super::*;

const PATH: &str = "/oauth/bootstrap";
const HOUR: Duration = Duration::from_secs(3600);
const NO: StatusCode = StatusCode::UNAUTHORIZED;
const BAD: StatusCode = StatusCode::BAD_REQUEST;

impl House {
    /// A bootstrap credential for an hour.
    async fn credential(&self, id: &str) -> String {
        let (now, random) = (self.clock.now(), self.plane.random.as_ref());
        let handle = BootstrapHandle::generate(BootstrapId::generate(now, random), random);
        let row = Bootstrap {
            id: handle.id,
            secret_hash: handle.secret_hash(),
            client: id.parse().unwrap(),
            keeps_keys: false,
            created_at: now,
            expires_at: now + HOUR,
            used_at: None,
        };
        let store = &self.plane.store;
        let client = store.client(&row.client).await.unwrap();
        let scopes = client.map_or_else(Vec::new, |client| client.scopes);
        let made = store.bootstrap_create(row, scopes, self.audit()).await;
        assert!(made.unwrap());
        BootstrapCredential::write(&handle).expose().to_owned()
    }

    /// A proof of `key` for `credential`, with the members of `more` in place of the usual ones.
    fn proof_for(&self, key: &SigningKey, credential: &str, more: &Value) -> String {
        let mut claims = value!({
            "aud": ISSUER, "iat": self.clock.now().as_seconds(),
            "jti": URL_SAFE_NO_PAD.encode(self.plane.random.bytes::<12>()),
            "ath": BootstrapCredential::hash(credential),
        });
        for (name, value) in more.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let header = value!({
            "typ": "sealgate-bootstrap+jwt", "alg": key.algorithm().name(), "jwk": key.public_jwk(),
        });
        key.sign_with_header(&header, &without_nulls(claims))
            .unwrap()
    }

    async fn enroll(&self, credential: &str, proof: &str) -> Response {
        let request = Request::post(PATH)
            .header(AUTHORIZATION, format!("Bearer {credential}"))
            .header(CONTENT_TYPE, "application/json");
        let body = value!({ "proof": proof }).to_string();
        self.send(request.body(Body::from(body)).unwrap()).await
    }
}

#[tokio::test]
async fn a_machine_registers_the_key_that_it_holds_and_gets_tokens_by_it() {
    let house = House::new().await;
    house.add_account("importer", |_| {}).await;
    for algorithm in [Algorithm::Ed25519, Algorithm::Es256] {
        let (mine, credential) = (key(algorithm), house.credential("importer").await);
        let refused = house.signed_token("importer", mine, &[]).await;
        assert_refused(refused, NO, "invalid_client", "client_unauthenticated").await;
        let proof = house.proof_for(mine, &credential, &value!({}));
        let response = house.enroll(&credential, &proof).await;
        no_store(response.headers());
        assert_eq!(response.status(), StatusCode::OK);
        let body = json(response).await;
        assert_eq!(body["client_id"], "importer");
        assert_eq!(body["token_endpoint"], format!("{ISSUER}/oauth/token"));
        assert_eq!(body["kid"], mine.public_jwk().thumbprint().unwrap());
        let record = house.last_record().await;
        assert_eq!(
            (record.action.as_str(), record.actor.as_str()),
            ("machine.enroll", "client:importer")
        );
        assert_eq!(record.object.as_deref(), body["kid"].as_str());
        // What was got by the key before is revoked up to this second.
        house.clock.advance(Duration::from_secs(1));
        tokens(house.signed_token("importer", mine, &[]).await).await;
    }
    let first = key(Algorithm::Ed25519);
    let refused = house.signed_token("importer", first, &[]).await;
    assert_refused(refused, NO, "invalid_client", "client_unauthenticated").await;
}

#[tokio::test]
async fn a_key_that_replaced_another_gets_tokens_that_count_as_newer_at_once() {
    let house = House::delegating().await;
    let real = sealgate_host::SystemClock::default();
    house.add_account("importer", |_| {}).await;
    for algorithm in [Algorithm::Ed25519, Algorithm::Es256] {
        house.clock.advance(Duration::from_millis(700));
        let (mine, credential) = (key(algorithm), house.credential("importer").await);
        let proof = house.proof_for(mine, &credential, &value!({}));
        let asked = real.uptime();
        let response = house.enroll(&credential, &proof).await;
        assert_eq!(response.status(), StatusCode::OK);
        if algorithm == Algorithm::Es256 {
            // Four tenths of this second have passed, and the answer comes when the rest of it has.
            assert!(real.uptime().since(asked) >= Duration::from_millis(600));
            house.clock.advance(Duration::from_millis(600));
        }
        let given = tokens(
            house
                .signed_token("importer", mine, &[("resource", API)])
                .await,
        )
        .await;
        assert!(introspect::is_active(&house, "other", &given.access).await);
    }
}

#[tokio::test]
async fn the_proof_may_come_in_a_form_and_in_nothing_else() {
    let house = House::new().await;
    house.add_account("importer", |_| {}).await;
    let credential = house.credential("importer").await;
    let proof = house.proof_for(key(Algorithm::Ed25519), &credential, &value!({}));
    let send = async |kind: &str, body: String| {
        let request = Request::post(PATH)
            .header(AUTHORIZATION, format!("bearer {credential}"))
            .header(CONTENT_TYPE, kind);
        house.send(request.body(Body::from(body)).unwrap()).await
    };
    let plain = send("text/plain", form(&[("proof", &proof)])).await;
    assert_refused(plain, BAD, "invalid_request", "bootstrap_content_type").await;
    let empty = send("application/x-www-form-urlencoded", String::new()).await;
    assert_refused(empty, BAD, "invalid_request", "parameter_missing").await;
    for wrong in [
        "",
        "[]",
        "{}",
        r#"{"proof":"a","proof":"b"}"#,
        r#"{"proof":1}"#,
    ] {
        let malformed = send("application/json", wrong.to_owned()).await;
        assert_refused(
            malformed,
            BAD,
            "invalid_request",
            "bootstrap_proof_malformed",
        )
        .await;
    }
    let long = value!({ "proof": "a".repeat(24 * 1024) }).to_string();
    let long = send("application/json", long).await;
    let too_large = StatusCode::PAYLOAD_TOO_LARGE;
    assert_refused(long, too_large, "invalid_request", "parameters_too_long").await;
    let good = send(
        "application/x-www-form-urlencoded; charset=UTF-8",
        form(&[("proof", &proof)]),
    );
    assert_eq!(good.await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_credential_is_good_once() {
    let house = House::new().await;
    house.add_account("importer", |_| {}).await;
    let credential = house.credential("importer").await;
    let (mine, other) = (key(Algorithm::Ed25519), key(Algorithm::Es256));
    let proof = house.proof_for(mine, &credential, &value!({}));
    assert_eq!(
        house.enroll(&credential, &proof).await.status(),
        StatusCode::OK
    );
    // The same again, and another key with what was found in somebody's log.
    let again = house.enroll(&credential, &proof).await;
    assert_refused(again, NO, "invalid_token", "bootstrap_used").await;
    let proof = house.proof_for(other, &credential, &value!({}));
    let stolen = house.enroll(&credential, &proof).await;
    assert_refused(stolen, NO, "invalid_token", "bootstrap_used").await;
    let refused = house.signed_token("importer", other, &[]).await;
    assert_refused(refused, NO, "invalid_client", "client_unauthenticated").await;
    tokens(house.signed_token("importer", mine, &[]).await).await;
}

#[tokio::test]
async fn of_two_machines_that_come_at_once_with_one_credential_one_gets_in() {
    let house = House::new().await;
    house.add_account("importer", |_| {}).await;
    let credential = house.credential("importer").await;
    let keys = [key(Algorithm::Ed25519), key(Algorithm::Es256)];
    let proofs = keys.map(|key| house.proof_for(key, &credential, &value!({})));
    let (first, second) = tokio::join!(
        house.enroll(&credential, &proofs[0]),
        house.enroll(&credential, &proofs[1])
    );
    let mut statuses = [first.status().as_u16(), second.status().as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401]);
    let client = house.plane.store.client(&"importer".parse().unwrap()).await;
    let keys = client.unwrap().unwrap().details.jwks.unwrap();
    assert_eq!(keys["keys"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn strangers_learn_nothing_and_are_slowed_down_while_good_credentials_are_not() {
    let house = House::new().await;
    house.add_account("importer", |_| {}).await;
    let credential = house.credential("importer").await;
    let mine = key(Algorithm::Ed25519);
    let proof = house.proof_for(mine, &credential, &value!({}));
    let mut forged = credential.clone();
    forged.replace_range(credential.len() - 2.., "AA");
    let unknown = BootstrapCredential::PREFIX.to_owned() + &"A".repeat(64);
    let bare = credential
        .trim_start_matches(BootstrapCredential::PREFIX)
        .to_owned();
    for wrong in ["", "a", &bare, &unknown, &forged] {
        let response = house.enroll(wrong, &proof).await;
        let challenge = response.headers()["www-authenticate"].to_str().unwrap();
        assert!(challenge.starts_with("Bearer "), "{challenge}");
        assert_refused(response, NO, "invalid_token", "bootstrap_unknown").await;
    }
    let form = form(&[("proof", &proof)]);
    let bare = Request::post(PATH).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    let nothing = house.send(bare.body(Body::from(form)).unwrap()).await;
    assert_refused(nothing, NO, "invalid_token", "bootstrap_unknown").await;
    for _ in 6..60 {
        assert_eq!(house.enroll(&unknown, &proof).await.status(), NO);
    }
    let slow = house.enroll(&unknown, &proof).await;
    let slowed = StatusCode::TOO_MANY_REQUESTS;
    assert_refused(slow, slowed, "temporarily_unavailable", "client_throttled").await;
    assert_eq!(
        house.enroll(&credential, &proof).await.status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_proof_is_of_its_own_key_for_this_credential_here_and_now() {
    let house = House::new().await;
    house.add_account("importer", |_| {}).await;
    house.add_account("other-machine", |_| {}).await;
    let (credential, other) = (
        house.credential("importer").await,
        house.credential("other-machine").await,
    );
    let (mine, theirs) = (key(Algorithm::Ed25519), key(Algorithm::Es256));
    let now = house.clock.now().as_seconds();
    for (more, reason) in [
        (
            value!({ "aud": "https://elsewhere.example" }),
            "bootstrap_proof_misdirected",
        ),
        (value!({ "aud": [ISSUER] }), "bootstrap_proof_malformed"),
        (value!({ "aud": null }), "bootstrap_proof_malformed"),
        (
            value!({ "ath": BootstrapCredential::hash(&other) }),
            "bootstrap_proof_misdirected",
        ),
        (value!({ "ath": null }), "bootstrap_proof_malformed"),
        (value!({ "iat": now + 61 }), "bootstrap_proof_expired"),
        (value!({ "iat": now - 360 }), "bootstrap_proof_expired"),
        (value!({ "iat": null }), "bootstrap_proof_malformed"),
        (value!({ "jti": "" }), "bootstrap_proof_malformed"),
    ] {
        let proof = house.proof_for(mine, &credential, &more);
        let refused = house.enroll(&credential, &proof).await;
        assert_refused(refused, BAD, "invalid_request", reason).await;
    }
    // Somebody else's public key, signed for with one's own.
    let claims = value!({
        "aud": ISSUER, "iat": now, "jti": "a", "ath": BootstrapCredential::hash(&credential),
    });
    let same = SigningKey::generate(Algorithm::Ed25519, "a").unwrap().0;
    for (header, reason) in [
        (
            value!({ "typ": "sealgate-bootstrap+jwt", "alg": "EdDSA", "jwk": same.public_jwk() }),
            "bootstrap_proof_signature",
        ),
        (
            value!({ "typ": "sealgate-bootstrap+jwt", "alg": "EdDSA", "jwk": theirs.public_jwk() }),
            "bootstrap_proof_malformed",
        ),
        (
            value!({ "typ": "dpop+jwt", "alg": "EdDSA", "jwk": mine.public_jwk() }),
            "bootstrap_proof_malformed",
        ),
        (
            value!({ "typ": "sealgate-bootstrap+jwt", "alg": "EdDSA", "kid": "a" }),
            "bootstrap_proof_malformed",
        ),
    ] {
        let proof = mine.sign_with_header(&header, &claims).unwrap();
        let refused = house.enroll(&credential, &proof).await;
        assert_refused(refused, BAD, "invalid_request", reason).await;
    }
    let mut private = serde_json::to_value(mine.public_jwk()).unwrap();
    private["d"] = value!("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A");
    let header = value!({ "typ": "sealgate-bootstrap+jwt", "alg": "EdDSA", "jwk": private });
    let proof = mine.sign_with_header(&header, &claims).unwrap();
    let refused = house.enroll(&credential, &proof).await;
    assert_refused(refused, BAD, "invalid_request", "bootstrap_key_refused").await;
    let nobody = house.plane.store.client(&"importer".parse().unwrap()).await;
    assert_eq!(nobody.unwrap().unwrap().details.jwks, None);
    // None of that has spent the credential.
    let proof = house.proof_for(mine, &credential, &value!({}));
    assert_eq!(
        house.enroll(&credential, &proof).await.status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_credential_ends_with_its_time_and_with_its_machine() {
    let house = House::new().await;
    let mine = key(Algorithm::Ed25519);
    let try_it = async |credential: &str, reason: &str| {
        let proof = house.proof_for(mine, credential, &value!({}));
        let refused = house.enroll(credential, &proof).await;
        assert_refused(refused, NO, "invalid_token", reason).await;
    };
    for id in ["late", "disabled", "offboarded"] {
        house.add_account(id, |_| {}).await;
    }
    let disabled = house.credential("disabled").await;
    house.disable_client("disabled").await;
    try_it(&disabled, "bootstrap_unknown").await;
    let offboarded = house.credential("offboarded").await;
    let id = "offboarded".parse().unwrap();
    let ended = house.plane.store.machine_offboard(&id, house.audit()).await;
    assert!(ended.unwrap().is_some());
    try_it(&offboarded, "bootstrap_unknown").await;
    let late = house.credential("late").await;
    house.clock.advance(HOUR);
    try_it(&late, "bootstrap_expired").await;
    house
        .add_account("short", |client| {
            let machine = client.details.machine.as_mut().unwrap();
            machine.expires_at = house.clock.now() + Duration::from_secs(600);
        })
        .await;
    let short = house.credential("short").await;
    house.clock.advance(Duration::from_secs(600));
    try_it(&short, "machine_ended").await;
}

#[tokio::test]
async fn a_store_that_is_down_spends_no_credential_and_counts_no_failure() {
    let (house, switch) = outage::house().await;
    house.add_account("importer", |_| {}).await;
    let credential = house.credential("importer").await;
    let proof = house.proof_for(key(Algorithm::Ed25519), &credential, &value!({}));
    switch.store(1, std::sync::atomic::Ordering::SeqCst);
    for _ in 0..70 {
        outage::assert_unavailable(house.enroll(&credential, &proof).await).await;
    }
    switch.store(0, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(
        house.enroll(&credential, &proof).await.status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn no_credential_and_no_proof_is_ever_on_record() {
    let house = House::new().await;
    house.add_account("importer", |_| {}).await;
    let credential = house.credential("importer").await;
    let mine = key(Algorithm::Ed25519);
    let wrong = house.proof_for(mine, &credential, &value!({ "aud": "https://a.example" }));
    let response = house.enroll(&credential, &wrong).await;
    let body = text(response).await;
    let proof = house.proof_for(mine, &credential, &value!({}));
    let answer = text(house.enroll(&credential, &proof).await).await;
    house.plane.refusals.flush_all(&house.plane).await;
    let records = format!("{:?}", house.records().await);
    assert!(records.contains("bootstrap_proof_misdirected"), "{records}");
    let hidden = credential.trim_start_matches(BootstrapCredential::PREFIX);
    for told in [&body, &answer, &records] {
        assert!(!told.contains(hidden) && !told.contains(&proof) && !told.contains(&wrong));
    }
}
