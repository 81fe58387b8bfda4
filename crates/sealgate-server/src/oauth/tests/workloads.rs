//! Machines that show what their platform says of them: the tokens of a cluster, and what is wrong with others.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sealgate_host::FakeOutbound;
use sealgate_jose::{Algorithm, SigningKey};
use sealgate_model::{Grant, IssuerKind};
use sealgate_store::{
    ClientAuthentication, IdentityIssuer, IssuerDetails, MachineIdentity, MachineProfile,
};
use serde_json::json as value;

use super::machines::{API, key, set, without_nulls};
use super::*;

pub(super) const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const CLUSTER: &str = "https://cluster.example";

impl House {
    /// Takes the identities of an issuer whose keys are registered, as `change` has it.
    pub(super) async fn add_issuer(
        &self,
        issuer: &str,
        kind: IssuerKind,
        keys: Option<Value>,
        change: impl FnOnce(&mut IssuerDetails),
    ) {
        let mut row = IdentityIssuer {
            issuer: issuer.to_owned(),
            name: "A platform".to_owned(),
            kind,
            details: IssuerDetails {
                audience: ISSUER.to_owned(),
                jwks: keys,
                ..IssuerDetails::default()
            },
            created_at: self.clock.now(),
            disabled_at: None,
        };
        change(&mut row.details);
        let store = &self.plane.store;
        store
            .identity_issuer_create(row, self.audit())
            .await
            .unwrap();
    }

    /// Adds a machine with one identity of `issuer`.
    pub(super) async fn add_workload(&self, id: &str, issuer: &str, claims: &[(&str, &str)]) {
        self.add_workload_with(id, issuer, claims, |_client| {})
            .await;
    }

    async fn add_workload_with(
        &self,
        id: &str,
        issuer: &str,
        claims: &[(&str, &str)],
        change: impl FnOnce(&mut Client),
    ) {
        let claims: BTreeMap<_, _> = claims
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let machine = MachineProfile {
            owner: "shop@example.org".to_owned(),
            purpose: "Orders".to_owned(),
            environment: "production".to_owned(),
            expires_at: self.clock.now() + Duration::from_secs(30 * 24 * 3600),
            identities: vec![MachineIdentity {
                issuer: issuer.to_owned(),
                claims,
            }],
        };
        self.add_machine(id, |client| {
            client.scopes = vec!["expenses:read".to_owned(), "expenses:write".to_owned()];
            client.details.authentication = ClientAuthentication::PrivateKeyJwt;
            client.details.grants = vec![Grant::ClientCredentials, Grant::JwtBearer];
            client.details.machine = Some(machine);
            change(client);
        })
        .await;
    }

    /// Hands in an assertion without any credentials.
    pub(super) async fn vouch(&self, assertion: &str, more: &[(&str, &str)]) -> Response {
        let mut pairs = vec![("grant_type", JWT_BEARER), ("assertion", assertion)];
        pairs.extend_from_slice(more);
        self.post("/oauth/token", None, &pairs).await
    }

    pub(super) async fn refused_vouch(&self, assertion: &str, reason: &str) {
        assert_grant_refused(self.vouch(assertion, &[]).await, reason).await;
    }

    /// Takes the tokens of a cluster, and adds one machine there.
    async fn add_cluster(&self) {
        let keys = set(&[key(Algorithm::Rs256).public_jwk()]);
        self.add_issuer(CLUSTER, IssuerKind::Kubernetes, Some(keys), |_details| {})
            .await;
        self.add_workload("orders", CLUSTER, &[("sub", SERVICE_ACCOUNT)])
            .await;
    }

    async fn with_a_cluster() -> Self {
        let house = Self::new().await;
        house.add_cluster().await;
        house
    }
}

const SERVICE_ACCOUNT: &str = "system:serviceaccount:shop:orders";

/// A projected token of a Kubernetes service account, as the API server signs it: without a type.
fn pod_token(house: &House, more: &Value) -> String {
    let now = house.clock.now().as_seconds();
    let mut claims = value!({
        "aud": [ISSUER], "exp": now + 3607, "iat": now, "nbf": now, "iss": CLUSTER,
        "jti": "0f1c1a4e-6a1b-4c5e-9a55-3b0c6c1d1a11", "sub": SERVICE_ACCOUNT,
        "kubernetes.io": {
            "namespace": "shop",
            "node": { "name": "worker-1", "uid": "646e7c5e-32d6-4d42-9dbd-e504e6cbe6b1" },
            "pod": { "name": "orders-69bc", "uid": "5e0bd49b-f040-43b0-99b7-22765a53f7f3" },
            "serviceaccount": { "name": "orders", "uid": "14ee3fa4-a7e2-420f-9f9a-dbc4507c3798" },
        },
    });
    merge(&mut claims, more);
    bare(key(Algorithm::Rs256), &claims)
}

pub(super) fn merge(claims: &mut Value, more: &Value) {
    for (name, value) in more.as_object().unwrap() {
        claims[name] = value.clone();
    }
    *claims = without_nulls(claims.take());
}

/// Signed, with a header that states no type.
fn bare(key: &SigningKey, claims: &Value) -> String {
    let header = value!({ "alg": key.algorithm().name(), "kid": key.kid() });
    key.sign_with_header(&header, claims).unwrap()
}

#[tokio::test]
async fn a_pod_gets_a_token_for_what_its_service_account_is_registered_for() {
    let house = House::with_a_cluster().await;
    let assertion = pod_token(&house, &value!({}));
    let asked = [("scope", "expenses:read"), ("resource", API)];
    let given = tokens(house.vouch(&assertion, &asked).await).await;
    let said = claims(&given.access);
    assert_eq!(said["sub"], "orders");
    assert_eq!(said["client_id"], "orders");
    assert_eq!(
        (&said["aud"], &said["scope"]),
        (&value!(API), &value!("expenses:read"))
    );
    assert_eq!(given.body["token_type"], "Bearer");
    assert!(given.body.get("refresh_token").is_none());
    let record = house.last_record().await;
    assert_eq!(
        (
            record.actor.as_str(),
            record.action.as_str(),
            record.outcome.as_str()
        ),
        ("client:orders", "token.issue", "allowed")
    );
    let object = format!(
        "{} {CLUSTER} {SERVICE_ACCOUNT}",
        said["jti"].as_str().unwrap()
    );
    assert_eq!(record.object, Some(object));

    // A platform's token is used until it expires.
    tokens(house.vouch(&assertion, &[("client_id", "orders")]).await).await;
    // The same machine may also say who it is otherwise.
    let pairs = [("client_id", "app")];
    assert_grant_refused(
        house.vouch(&assertion, &pairs).await,
        "identity_client_wrong",
    )
    .await;
}

#[tokio::test]
async fn what_a_cluster_did_not_say_for_this_server_and_now_gives_nothing() {
    let house = House::with_a_cluster().await;
    let now = house.clock.now().as_seconds();
    for (more, reason) in [
        (
            value!({ "aud": ["https://kubernetes.default.svc"] }),
            "identity_audience_wrong",
        ),
        (value!({ "aud": [] }), "identity_audience_wrong"),
        (
            value!({ "aud": format!("{ISSUER}/") }),
            "identity_audience_wrong",
        ),
        (value!({ "aud": null }), "identity_malformed"),
        (value!({ "exp": null }), "identity_malformed"),
        (value!({ "exp": now - 1 }), "identity_expired"),
        (value!({ "exp": now - 90 }), "identity_expired"),
        (value!({ "exp": now + 25 * 3600 }), "identity_long_lived"),
        (value!({ "iat": now - 25 * 3600 }), "identity_long_lived"),
        (value!({ "nbf": now + 90 }), "identity_early"),
        (
            value!({ "iss": "https://cluster.example/" }),
            "identity_issuer_unknown",
        ),
        (
            value!({ "iss": "https://elsewhere.example" }),
            "identity_issuer_unknown",
        ),
        (value!({ "iss": null }), "identity_malformed"),
        (value!({ "sub": null }), "identity_malformed"),
        (
            value!({ "sub": "system:serviceaccount:shop:other" }),
            "identity_unmatched",
        ),
        (
            value!({ "sub": "system:node:worker-1" }),
            "identity_subject_wrong",
        ),
    ] {
        house.refused_vouch(&pod_token(&house, &more), reason).await;
    }
    for wrong in ["", "a.b", "a.b.c", "a.b.c.d"] {
        let reason = if wrong.is_empty() {
            let response = house.vouch(wrong, &[]).await;
            let bad = StatusCode::BAD_REQUEST;
            assert_refused(response, bad, "invalid_request", "parameter_missing").await;
            continue;
        } else {
            "identity_malformed"
        };
        house.refused_vouch(wrong, reason).await;
    }
}

#[tokio::test]
async fn a_token_is_signed_by_a_key_of_its_issuer_and_brings_none() {
    let house = House::with_a_cluster().await;
    let rsa = key(Algorithm::Rs256);
    let claims_of: Value = claims(&pod_token(&house, &value!({})));
    let sign = |header: Value| rsa.sign_with_header(&header, &claims_of).unwrap();
    let (other, kid) = (key(Algorithm::Es256), rsa.kid());
    let none = format!(
        "{}.{}.",
        URL_SAFE_NO_PAD.encode(value!({ "alg": "none", "kid": kid }).to_string()),
        URL_SAFE_NO_PAD.encode(claims_of.to_string())
    );
    let jwk = serde_json::to_value(other.public_jwk()).unwrap();
    for forged in [
        none,
        // The public key as if it were a shared secret, and an algorithm of another family.
        sign(value!({ "alg": "HS256", "kid": kid })),
        sign(value!({ "alg": "PS256", "kid": kid })),
        sign(value!({ "alg": "ES256", "kid": kid })),
        sign(value!({ "alg": "RS256", "kid": "unknown" })),
        sign(value!({ "alg": "RS256" })),
        sign(value!({ "alg": "RS256", "kid": kid, "typ": "at+jwt" })),
        sign(value!({ "alg": "RS256", "kid": kid, "typ": "oauth-id-jag+jwt" })),
        sign(value!({ "alg": "RS256", "kid": kid, "jku": "https://evil.example/jwks" })),
        sign(value!({ "alg": "RS256", "kid": kid, "x5u": "https://evil.example/x" })),
        sign(value!({ "alg": "RS256", "kid": kid, "crit": ["exp"] })),
        other
            .sign_with_header(
                &value!({ "alg": "ES256", "kid": other.kid(), "jwk": jwk }),
                &claims_of,
            )
            .unwrap(),
        other.sign("JWT", &claims_of).unwrap(),
    ] {
        house.refused_vouch(&forged, "identity_unverified").await;
    }
    let sound = pod_token(&house, &value!({}));
    let (signed, _) = sound.rsplit_once('.').unwrap();
    house
        .refused_vouch(&format!("{signed}.AAAA"), "identity_unverified")
        .await;
    tokens(house.vouch(&sound, &[]).await).await;
}

#[tokio::test]
async fn an_identity_is_one_machine_or_none() {
    let house = House::with_a_cluster().await;
    let sound = pod_token(&house, &value!({}));
    tokens(house.vouch(&sound, &[]).await).await;

    let nested = [
        ("/kubernetes.io/namespace", "shop"),
        ("/kubernetes.io/serviceaccount/name", "orders"),
    ];
    house.add_workload("twin", CLUSTER, &nested).await;
    house.refused_vouch(&sound, "identity_ambiguous").await;
    house.disable_client("orders").await;
    let given = tokens(house.vouch(&sound, &[]).await).await;
    assert_eq!(claims(&given.access)["sub"], "twin");
    // Without the nested claims only the disabled one is left.
    let poor = pod_token(&house, &value!({ "kubernetes.io": null }));
    house.refused_vouch(&poor, "identity_machine_ended").await;

    let twin = "twin".parse().unwrap();
    let removed = house.plane.store.client_remove(&twin, house.audit()).await;
    assert!(removed.unwrap());
    house.refused_vouch(&sound, "identity_machine_ended").await;
}

#[tokio::test]
async fn nothing_outlives_the_assertion_or_the_machine() {
    let house = House::with_a_cluster().await;
    let short = pod_token(
        &house,
        &value!({ "exp": house.clock.now().as_seconds() + 40 }),
    );
    let given = tokens(house.vouch(&short, &[]).await).await;
    assert_eq!(given.body["expires_in"], 40);

    let ends = house.clock.now() + Duration::from_secs(30);
    house
        .add_workload_with(
            "brief",
            CLUSTER,
            &[("sub", "system:serviceaccount:shop:brief")],
            |client| client.details.machine.as_mut().unwrap().expires_at = ends,
        )
        .await;
    let brief = value!({ "sub": "system:serviceaccount:shop:brief" });
    let given = tokens(house.vouch(&pod_token(&house, &brief), &[]).await).await;
    assert_eq!(given.body["expires_in"], 30);
    house.clock.advance(Duration::from_secs(30));
    house
        .refused_vouch(&pod_token(&house, &brief), "identity_machine_ended")
        .await;
}

#[tokio::test]
async fn an_issuer_that_is_disabled_or_removed_is_not_believed() {
    let house = House::with_a_cluster().await;
    let sound = pod_token(&house, &value!({}));
    let store = &house.plane.store;
    let enable = async |enabled| {
        let changed = store.identity_issuer_enable(CLUSTER, enabled, house.audit());
        assert!(changed.await.unwrap());
    };
    enable(false).await;
    house.refused_vouch(&sound, "identity_issuer_unknown").await;
    enable(true).await;
    tokens(house.vouch(&sound, &[]).await).await;
    let removed = store.identity_issuer_remove(CLUSTER, house.audit()).await;
    assert!(removed.unwrap());
    house.refused_vouch(&sound, "identity_issuer_unknown").await;
    // Registered again as something else, the rules of the machine fit nobody.
    let keys = Some(set(&[key(Algorithm::Rs256).public_jwk()]));
    house
        .add_issuer(CLUSTER, IssuerKind::Github, keys, |_| {})
        .await;
    house.refused_vouch(&sound, "identity_unmatched").await;
}

#[tokio::test]
async fn a_workload_gets_no_more_than_its_machine_is_registered_for() {
    let house = House::with_a_cluster().await;
    let sound = pod_token(&house, &value!({}));
    let bad = StatusCode::BAD_REQUEST;
    for (pairs, error, reason) in [
        (
            ("scope", "expenses:delete"),
            "invalid_scope",
            "scope_not_allowed",
        ),
        (("scope", "openid"), "invalid_scope", "scope_needs_user"),
        (
            ("resource", "https://other.example"),
            "invalid_target",
            "resource_not_allowed",
        ),
    ] {
        let response = house.vouch(&sound, &[pairs]).await;
        assert_refused(response, bad, error, reason).await;
    }
    let mine = [("sub", "system:serviceaccount:shop:keys")];
    house
        .add_workload_with("keys", CLUSTER, &mine, |client| {
            client.details.grants = vec![Grant::ClientCredentials];
        })
        .await;
    let other = pod_token(&house, &value!({ "sub": mine[0].1 }));
    let response = house.vouch(&other, &[]).await;
    assert_refused(response, bad, "unauthorized_client", "grant_not_allowed").await;
}

#[tokio::test]
async fn only_this_grant_goes_without_client_authentication() {
    let house = House::with_a_cluster().await;
    let sound = pod_token(&house, &value!({}));
    let no = StatusCode::UNAUTHORIZED;
    // A machine that names itself in another grant has proven nothing.
    let pairs = [
        ("grant_type", "client_credentials"),
        ("client_id", "orders"),
        ("assertion", &sound),
    ];
    let response = house.post("/oauth/token", None, &pairs).await;
    assert_refused(response, no, "invalid_client", "client_unauthenticated").await;
    // Credentials that are sent are judged, also with a sound assertion.
    let wrong = [("client_id", "app"), ("client_secret", "wrong")];
    let response = house.vouch(&sound, &wrong).await;
    assert_refused(response, no, "invalid_client", "client_unauthenticated").await;
    let empty = [("client_assertion_type", "x")];
    let response = house.vouch(&sound, &empty).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    // Two grants at once are none.
    let twice = [("grant_type", "client_credentials")];
    let response = house.vouch(&sound, &twice).await;
    let bad = StatusCode::BAD_REQUEST;
    assert_refused(response, bad, "invalid_request", "parameter_repeated").await;
    // A client that proves who it is gets nothing by the identity of another.
    let pairs = [("grant_type", JWT_BEARER), ("assertion", sound.as_str())];
    house
        .change_client("app", |client| client.details.grants.push(Grant::JwtBearer))
        .await;
    let response = house.post("/oauth/token", Some("app"), &pairs).await;
    assert_grant_refused(response, "identity_client_wrong").await;
}

#[tokio::test]
async fn a_workload_that_proves_a_key_gets_a_token_bound_to_it() {
    let house = House::with_a_cluster().await;
    house
        .change_client("orders", |client| client.details.require_dpop = true)
        .await;
    let sound = pod_token(&house, &value!({}));
    let response = house.vouch(&sound, &[]).await;
    let bad = StatusCode::BAD_REQUEST;
    assert_refused(response, bad, "invalid_dpop_proof", "dpop_proof_missing").await;
    let proof = house.proof(key(Algorithm::Ed25519), "POST", "/oauth/token", &value!({}));
    let pairs = [("grant_type", JWT_BEARER), ("assertion", sound.as_str())];
    let request = Request::post("/oauth/token")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("dpop", proof);
    let response = house
        .send(request.body(Body::from(form(&pairs))).unwrap())
        .await;
    let given = tokens(response).await;
    assert_eq!(given.body["token_type"], "DPoP");
    let jkt = key(Algorithm::Ed25519).public_jwk().thumbprint().unwrap();
    assert_eq!(claims(&given.access)["cnf"]["jkt"], jkt);
}

#[tokio::test]
async fn what_a_platform_bound_to_a_key_takes_a_proof_of_it() {
    let house = House::with_a_cluster().await;
    let mine = key(Algorithm::Es256);
    let jkt = mine.public_jwk().thumbprint().unwrap();
    let bound = pod_token(&house, &value!({ "cnf": { "jkt": jkt } }));
    house.refused_vouch(&bound, "identity_key_unproven").await;
    let by_certificate =
        value!({ "cnf": { "x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2" } });
    let by_certificate = pod_token(&house, &by_certificate);
    house
        .refused_vouch(&by_certificate, "identity_key_unproven")
        .await;
    let pairs = [("grant_type", JWT_BEARER), ("assertion", bound.as_str())];
    let present = async |by: &SigningKey| {
        let request = Request::post("/oauth/token")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("dpop", house.proof(by, "POST", "/oauth/token", &value!({})));
        house
            .send(request.body(Body::from(form(&pairs))).unwrap())
            .await
    };
    let other = present(key(Algorithm::Ed25519)).await;
    assert_grant_refused(other, "identity_key_unproven").await;
    let given = tokens(present(mine).await).await;
    assert_eq!(claims(&given.access)["cnf"]["jkt"], jkt);
}

#[tokio::test]
async fn keys_are_found_by_the_metadata_of_the_issuer() {
    let outbound = Arc::new(FakeOutbound::new());
    let house = House::new_with_outbound(outbound.clone()).await;
    house
        .add_issuer(CLUSTER, IssuerKind::Kubernetes, None, |_| {})
        .await;
    house
        .add_workload("orders", CLUSTER, &[("sub", SERVICE_ACCOUNT)])
        .await;
    let sound = pod_token(&house, &value!({}));
    let busy = StatusCode::SERVICE_UNAVAILABLE;
    let unavailable = async || {
        let response = house.vouch(&sound, &[]).await;
        assert_refused(
            response,
            busy,
            "temporarily_unavailable",
            "identity_keys_unavailable",
        )
        .await;
        house.clock.advance(Duration::from_secs(5));
    };
    unavailable().await;
    let metadata = format!("{CLUSTER}/.well-known/openid-configuration");
    let keys = "https://cluster.example/openid/v1/jwks";
    let public = set(&[key(Algorithm::Rs256).public_jwk()]).to_string();
    outbound.serve(keys, public, None);
    let told = |issuer: &str, uri: &str| value!({ "issuer": issuer, "jwks_uri": uri }).to_string();
    // Metadata of another issuer, and of keys at a place that is nobody's business.
    outbound.serve(&metadata, told("https://cluster.example/", keys), None);
    unavailable().await;
    outbound.serve(
        &metadata,
        told(CLUSTER, "http://169.254.169.254/jwks"),
        None,
    );
    unavailable().await;
    outbound.serve(&metadata, told(CLUSTER, keys), None);
    tokens(house.vouch(&sound, &[]).await).await;
    let asked = outbound.sent().len();
    tokens(house.vouch(&sound, &[]).await).await;
    // A key that nobody knows is asked for once a minute, whoever names it.
    let claims_of = claims(&sound);
    let header = value!({ "alg": "RS256", "kid": "made-up" });
    let forged = key(Algorithm::Rs256)
        .sign_with_header(&header, &claims_of)
        .unwrap();
    for _ in 0..3 {
        house.refused_vouch(&forged, "identity_unverified").await;
    }
    assert_eq!(outbound.sent().len(), asked);
}

#[tokio::test]
async fn who_fails_too_often_is_told_to_wait_and_the_machine_is_not() {
    let house = House::with_a_cluster().await;
    let sound = pod_token(&house, &value!({}));
    let (signed, _) = sound.rsplit_once('.').unwrap();
    let forged = format!("{signed}.AAAA");
    let mut last = StatusCode::OK;
    for _ in 0..61 {
        last = house.vouch(&forged, &[]).await.status();
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    tokens(house.vouch(&sound, &[]).await).await;
}

#[tokio::test]
async fn a_store_that_is_down_refuses_nobody_and_lets_nobody_in() {
    let (house, switch) = outage::house().await;
    house.add_cluster().await;
    let sound = pod_token(&house, &value!({}));
    switch.store(outage::DOWN, Ordering::SeqCst);
    for _ in 0..70 {
        // Nor does it count as somebody's failure.
        outage::assert_unavailable(house.vouch(&sound, &[]).await).await;
    }
    switch.store(outage::UP, Ordering::SeqCst);
    tokens(house.vouch(&sound, &[]).await).await;
}
