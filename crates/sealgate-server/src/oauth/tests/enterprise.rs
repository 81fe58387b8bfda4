//! Identity assertion authorization grants: an enterprise says that one of its people uses a client here.

use std::sync::atomic::Ordering;
use std::time::Duration;

use sealgate_jose::Algorithm;
use sealgate_model::{Grant, IssuerKind};
use sealgate_store::{ClientAuthentication, Page, SessionFilter, UserStatus};
use serde_json::json as value;

use super::machines::{API, assertion, key, set, without_nulls};
use super::workloads::JWT_BEARER;
use super::*;

const IDP: &str = "https://idp.corp.example";
const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

impl House {
    /// A house whose user works for an enterprise that vouches for its people, with a client `agent` that they use.
    async fn with_an_enterprise() -> Self {
        let house = Self::new().await;
        house.add_enterprise().await;
        house
    }

    async fn add_enterprise(&self) {
        let house = self;
        house.add_api().await;
        let keys = Some(set(&[key(Algorithm::Rs256).public_jwk()]));
        house
            .add_issuer(IDP, IssuerKind::Enterprise, keys, |details| {
                details.domains = vec!["example.org".to_owned()];
            })
            .await;
        house
            .add_machine("agent", |client| {
                client.details.authentication = ClientAuthentication::PrivateKeyJwt;
                client.details.jwks = Some(set(&[key(Algorithm::Ed25519).public_jwk()]));
                client.details.grants = vec![Grant::JwtBearer, Grant::RefreshToken];
                client.details.agent = true;
            })
            .await;
    }

    /// Hands in what the enterprise says, as `client`, which signs who it is.
    async fn present(&self, client: &str, id_jag: &str, more: &[(&str, &str)]) -> Response {
        let who = assertion(self, key(Algorithm::Ed25519), client, &value!({}));
        let mut pairs = vec![
            ("grant_type", JWT_BEARER),
            ("assertion", id_jag),
            ("client_assertion_type", TYPE),
            ("client_assertion", &who),
        ];
        pairs.extend_from_slice(more);
        self.post("/oauth/token", None, &pairs).await
    }

    async fn refused_id_jag(&self, more: &Value, reason: &str) {
        let response = self.present("agent", &id_jag(self, more), &[]).await;
        assert_grant_refused(response, reason).await;
    }

    async fn live_sessions(&self) -> Vec<Session> {
        let filter = SessionFilter {
            user: Some(self.user),
            live_at: Some(self.clock.now()),
            ..SessionFilter::default()
        };
        let page = Page {
            after: None,
            limit: 100,
        };
        self.plane.store.sessions(filter, page).await.unwrap()
    }
}

fn id_jag(house: &House, more: &Value) -> String {
    let now = house.clock.now().as_seconds();
    let mut claims = value!({
        "iss": IDP, "sub": "00u1a2b3", "aud": ISSUER, "client_id": "agent",
        "jti": URL_SAFE_NO_PAD.encode(house.plane.random.bytes::<12>()),
        "exp": now + 300, "iat": now, "auth_time": now - 1000, "amr": ["mfa", "hwk"],
        "resource": API, "scope": "expenses:read expenses:write",
        "email": "Ada@example.org", "email_verified": true,
    });
    for (name, value) in more.as_object().unwrap() {
        claims[name] = value.clone();
    }
    let claims = without_nulls(claims);
    key(Algorithm::Rs256)
        .sign("oauth-id-jag+jwt", &claims)
        .unwrap()
}

#[tokio::test]
async fn an_enterprise_vouches_for_its_people_at_a_client_that_proves_who_it_is() {
    let house = House::with_an_enterprise().await;
    let said = id_jag(&house, &value!({}));
    let given = tokens(house.present("agent", &said, &[]).await).await;
    let access = claims(&given.access);
    assert_eq!(access["sub"], house.user.to_string());
    assert_eq!(
        (&access["client_id"], &access["aud"]),
        (&value!("agent"), &value!(API))
    );
    // What the resource has, of what the enterprise and the registration allow.
    assert_eq!(access["scope"], "expenses:read");
    assert_eq!(access["acr"], "urn:sealgate:acr:enterprise");
    assert_eq!(access["amr"], value!(["mfa", "hwk"]));
    assert_eq!(access["auth_time"], house.clock.now().as_seconds() - 1000);
    assert_eq!(access["act"]["sub"], "agent");
    // Nothing can be renewed, and there is no ID token.
    assert_eq!(given.refresh, "");
    assert!(given.body.get("refresh_expires_in").is_none());
    assert!(given.body.get("id_token").is_none());
    let record = house.last_record().await;
    assert_eq!(
        (record.actor.as_str(), record.action.as_str(), record.user),
        ("client:agent", "session.start", Some(house.user))
    );
    assert_eq!(record.object, Some(format!("{IDP} 00u1a2b3")));

    let session = house.session_of(&given.access).await;
    assert_eq!(
        session.expires_at,
        house.clock.now() + house.plane.lifetimes.access
    );
    assert_eq!(house.live_sessions().await.len(), 1);
    let (_, cookie) = house.sign_in().await;
    let page = text(house.get("/account", Some(&cookie)).await).await;
    assert!(page.contains("The agent machine"), "{page}");

    // Once.
    let again = house.present("agent", &said, &[]).await;
    assert_grant_refused(again, "identity_reused").await;
    assert_eq!(house.live_sessions().await.len(), 1);
}

#[tokio::test]
async fn who_does_not_prove_who_it_is_gets_nothing_for_a_person() {
    let house = House::with_an_enterprise().await;
    let said = id_jag(&house, &value!({}));
    let no = StatusCode::UNAUTHORIZED;
    for more in [&[][..], &[("client_id", "agent")]] {
        let mut pairs = vec![("grant_type", JWT_BEARER), ("assertion", said.as_str())];
        pairs.extend_from_slice(more);
        let response = house.post("/oauth/token", None, &pairs).await;
        assert_refused(response, no, "invalid_client", "client_unauthenticated").await;
    }
    // Another client than the one that it is for.
    house
        .change_client("app", |client| client.details.grants.push(Grant::JwtBearer))
        .await;
    let pairs = [("grant_type", JWT_BEARER), ("assertion", said.as_str())];
    let response = house.post("/oauth/token", Some("app"), &pairs).await;
    assert_grant_refused(response, "identity_client_wrong").await;
    // One that is not registered for the grant.
    let response = house.post("/oauth/token", Some("other"), &pairs).await;
    let bad = StatusCode::BAD_REQUEST;
    assert_refused(response, bad, "unauthorized_client", "grant_not_allowed").await;
    assert!(house.live_sessions().await.is_empty());
    // None of this has spent it.
    tokens(house.present("agent", &said, &[]).await).await;
}

#[tokio::test]
async fn what_an_enterprise_did_not_say_for_this_server_now_gives_nothing() {
    let house = House::with_an_enterprise().await;
    let now = house.clock.now().as_seconds();
    let jkt = "A".repeat(43);
    for (more, reason) in [
        (
            value!({ "aud": [ISSUER, "https://other.example"] }),
            "identity_audience_wrong",
        ),
        (
            value!({ "aud": "https://other.example" }),
            "identity_audience_wrong",
        ),
        (value!({ "exp": now - 60 }), "identity_expired"),
        (value!({ "exp": now + 4000 }), "identity_long_lived"),
        (value!({ "iat": now - 4000 }), "identity_long_lived"),
        (value!({ "iat": now + 90 }), "identity_early"),
        (value!({ "iat": null }), "identity_malformed"),
        (value!({ "jti": null }), "identity_malformed"),
        (value!({ "client_id": null }), "identity_malformed"),
        (value!({ "client_id": "app" }), "identity_client_wrong"),
        (
            value!({ "email": "eve@elsewhere.example", "sub": "2" }),
            "identity_user_unknown",
        ),
        (
            value!({ "email": "nobody@example.org", "sub": "2" }),
            "identity_user_unknown",
        ),
        (value!({ "email_verified": false }), "identity_user_unknown"),
        (value!({ "email_verified": null }), "identity_user_unknown"),
        (value!({ "email": null }), "identity_user_unknown"),
        (value!({ "tenant": "t1" }), "identity_subject_wrong"),
        (value!({ "aud_tenant": "acme" }), "identity_subject_wrong"),
        (value!({ "cnf": { "jkt": jkt } }), "identity_key_unproven"),
        (
            value!({ "authorization_details": [{ "type": "x" }] }),
            "identity_details_unsupported",
        ),
    ] {
        house.refused_id_jag(&more, reason).await;
    }
    // Another type of token of the same issuer: an ID token.
    let claims_of = claims(&id_jag(&house, &value!({})));
    let id_token = key(Algorithm::Rs256).sign("JWT", &claims_of).unwrap();
    let response = house.present("agent", &id_token, &[]).await;
    assert_grant_refused(response, "identity_unverified").await;
    assert!(house.live_sessions().await.is_empty());
}

#[tokio::test]
async fn what_is_asked_for_stays_within_what_is_vouched_for() {
    let house = House::with_an_enterprise().await;
    let bad = StatusCode::BAD_REQUEST;
    let admin = format!("{ISSUER}/api/v1");
    for (more, pair, error, reason) in [
        (
            value!({ "scope": "expenses:write" }),
            ("scope", "expenses:read"),
            "invalid_scope",
            "scope_widened",
        ),
        (
            value!({ "scope": "travel:read" }),
            ("scope", "travel:read"),
            "invalid_scope",
            "scope_not_allowed",
        ),
        (
            value!({ "scope": null }),
            ("client_id", "agent"),
            "invalid_scope",
            "scope_missing",
        ),
        (
            value!({}),
            ("resource", "https://other.example"),
            "invalid_target",
            "resource_widened",
        ),
        (
            value!({ "resource": "https://other.example" }),
            ("client_id", "agent"),
            "invalid_target",
            "resource_not_allowed",
        ),
        (
            value!({ "resource": null }),
            ("client_id", "agent"),
            "invalid_request",
            "parameter_missing",
        ),
        (
            value!({ "resource": admin }),
            ("client_id", "agent"),
            "invalid_target",
            "resource_not_allowed",
        ),
    ] {
        let response = house
            .present("agent", &id_jag(&house, &more), &[pair])
            .await;
        assert_refused(response, bad, error, reason).await;
    }
    let asked = [
        ("resource", API),
        ("scope", "expenses:read openid offline_access"),
    ];
    let said = id_jag(&house, &value!({ "resource": null }));
    let given = tokens(house.present("agent", &said, &asked).await).await;
    assert_eq!(claims(&given.access)["scope"], "expenses:read");
}

#[tokio::test]
async fn administration_is_nothing_that_an_enterprise_gives() {
    let house = House::with_an_enterprise().await;
    let admin = format!("{ISSUER}/api/v1");
    house
        .change_client("agent", |client| {
            client.scopes.push("sealgate:users:write".to_owned());
            client.details.resources.push(admin.clone());
        })
        .await;
    let bad = StatusCode::BAD_REQUEST;
    for resource in [admin.as_str(), ISSUER] {
        let said = value!({ "resource": resource, "scope": "sealgate:users:write" });
        let response = house.present("agent", &id_jag(&house, &said), &[]).await;
        assert_refused(response, bad, "invalid_target", "resource_not_allowed").await;
    }
    let said = value!({ "scope": "sealgate:users:write" });
    let response = house.present("agent", &id_jag(&house, &said), &[]).await;
    assert_refused(response, bad, "invalid_scope", "scope_not_allowed").await;
}

#[tokio::test]
async fn a_subject_is_an_account_once_and_for_all() {
    let house = House::with_an_enterprise().await;
    tokens(
        house
            .present("agent", &id_jag(&house, &value!({})), &[])
            .await,
    )
    .await;
    // The address goes to somebody else at the enterprise: that is another subject.
    house
        .refused_id_jag(&value!({ "sub": "00u9" }), "identity_user_linked")
        .await;
    // The subject stays who it is, without or with another address.
    for email in [Value::Null, value!("ada.lovelace@example.org")] {
        let said = id_jag(&house, &value!({ "email": email }));
        let given = tokens(house.present("agent", &said, &[]).await).await;
        assert_eq!(claims(&given.access)["sub"], house.user.to_string());
    }
    let links = house.plane.store.identity_links(IDP).await.unwrap();
    assert_eq!(links.len(), 1);
    assert_eq!(
        (links[0].subject.as_str(), links[0].user),
        ("00u1a2b3", house.user)
    );
    let gone = house
        .plane
        .store
        .identity_link_remove(IDP, house.user, house.audit());
    assert!(gone.await.unwrap());
    let said = id_jag(&house, &value!({ "sub": "00u9" }));
    tokens(house.present("agent", &said, &[]).await).await;
}

#[tokio::test]
async fn an_enterprise_speaks_for_the_people_of_its_tenant() {
    let house = House::with_an_enterprise().await;
    let store = &house.plane.store;
    let keys = Some(set(&[key(Algorithm::Rs256).public_jwk()]));
    store
        .identity_issuer_remove(IDP, house.audit())
        .await
        .unwrap();
    house
        .add_issuer(IDP, IssuerKind::Enterprise, keys, |details| {
            details.domains = vec!["example.org".to_owned()];
            details.tenant = Some("acme".parse().unwrap());
            details.claims.insert("tenant".to_owned(), "t1".to_owned());
        })
        .await;
    let of = value!({ "tenant": "t1" });
    house.refused_id_jag(&of, "identity_user_unknown").await;
    let change = sealgate_store::UserChange {
        before: None,
        name: None,
        roles: None,
        tenant: Some(Some("acme".parse().unwrap())),
        sign_out: None,
    };
    let changed = store.user_update(house.user, change, house.audit()).await;
    assert!(changed.unwrap());
    house.clock.advance(Duration::from_secs(1));
    let given = tokens(house.present("agent", &id_jag(&house, &of), &[]).await).await;
    assert_eq!(claims(&given.access)["tenant"], "acme");
    let meant = value!({ "tenant": "t1", "aud_tenant": "acme" });
    tokens(house.present("agent", &id_jag(&house, &meant), &[]).await).await;
    for other in [
        value!({}),
        value!({ "tenant": "t2" }),
        value!({ "tenant": "t1", "aud_tenant": "other" }),
    ] {
        house.refused_id_jag(&other, "identity_subject_wrong").await;
    }
}

#[tokio::test]
async fn an_issuer_of_many_enterprises_is_trusted_for_one_and_not_for_all_that_begin_alike() {
    let house = House::with_an_enterprise().await;
    let store = &house.plane.store;
    let removed = store.identity_issuer_remove(IDP, house.audit()).await;
    assert!(removed.unwrap());
    let keys = Some(set(&[key(Algorithm::Rs256).public_jwk()]));
    house
        .add_issuer(IDP, IssuerKind::Enterprise, keys, |details| {
            details.domains = vec!["example.org".to_owned()];
            details
                .claims
                .insert("tenant".to_owned(), "org:*".to_owned());
        })
        .await;
    // Subjects are each customer's own: the same one at another of them is somebody else.
    for tenant in ["org:1", "org:2"] {
        let said = value!({ "tenant": tenant });
        house.refused_id_jag(&said, "identity_subject_wrong").await;
    }
}

#[tokio::test]
async fn an_address_that_only_reads_like_an_accounts_is_not_its_own() {
    let house = House::with_an_enterprise().await;
    for email in ["\u{a0}ada@example.org", " ada@example.org"] {
        let said = value!({ "sub": "00u9", "email": email });
        house.refused_id_jag(&said, "identity_user_unknown").await;
    }
    let said = id_jag(&house, &value!({ "email": "Ada@Example.org" }));
    tokens(house.present("agent", &said, &[]).await).await;
}

#[tokio::test]
async fn the_session_ends_with_whatever_ends_sessions() {
    let house = House::with_an_enterprise().await;
    let store = &house.plane.store;
    let given = tokens(
        house
            .present("agent", &id_jag(&house, &value!({})), &[])
            .await,
    )
    .await;
    let before = id_jag(&house, &value!({}));
    house.clock.advance(Duration::from_secs(2));
    let selector = sealgate_store::SessionSelector {
        user: Some(house.user),
        client: None,
        tenant: None,
        started_at_or_before: house.clock.now(),
    };
    let ended = store
        .sessions_revoke(selector, RevokeReason::Admin, house.audit())
        .await;
    assert_eq!(ended.unwrap(), 1);
    assert_eq!(
        house.revoked_for(&given.access).await,
        Some(RevokeReason::Admin)
    );
    // What was said before that does not bring it back, and neither does what was proven before.
    let response = house.present("agent", &before, &[]).await;
    assert_grant_refused(response, "identity_ended").await;
    house.clock.advance(Duration::from_secs(2));
    house.refused_id_jag(&value!({}), "identity_ended").await;
    let now = house.clock.now().as_seconds();
    let fresh = id_jag(&house, &value!({ "auth_time": now - 1 }));
    tokens(house.present("agent", &fresh, &[]).await).await;

    assert!(store.user_disable(house.user, house.audit()).await.unwrap());
    let user = store.user(house.user).await.unwrap().unwrap();
    assert_eq!(user.status(), UserStatus::Disabled);
    assert!(house.live_sessions().await.is_empty());
    house.refused_id_jag(&value!({}), "user_disabled").await;
}

#[tokio::test]
async fn an_assertion_that_is_bound_to_a_key_takes_a_proof_of_it() {
    let house = House::with_an_enterprise().await;
    let mine = key(Algorithm::Es256);
    let jkt = mine.public_jwk().thumbprint().unwrap();
    let bound = value!({ "cnf": { "jkt": jkt } });
    let present = async |by: &sealgate_jose::SigningKey| {
        let who = assertion(&house, key(Algorithm::Ed25519), "agent", &value!({}));
        let said = id_jag(&house, &bound);
        let pairs = [
            ("grant_type", JWT_BEARER),
            ("assertion", said.as_str()),
            ("client_assertion_type", TYPE),
            ("client_assertion", who.as_str()),
        ];
        let request = Request::post("/oauth/token")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("dpop", house.proof(by, "POST", "/oauth/token", &value!({})));
        house
            .send(request.body(Body::from(form(&pairs))).unwrap())
            .await
    };
    assert_grant_refused(
        present(key(Algorithm::Ps256)).await,
        "identity_key_unproven",
    )
    .await;
    let given = tokens(present(mine).await).await;
    assert_eq!(claims(&given.access)["cnf"]["jkt"], jkt);
    assert_eq!(given.body["token_type"], "DPoP");
}

#[tokio::test]
async fn a_disabled_enterprise_or_client_vouches_for_nobody() {
    let house = House::with_an_enterprise().await;
    let store = &house.plane.store;
    let disabled = store
        .identity_issuer_enable(IDP, false, house.audit())
        .await;
    assert!(disabled.unwrap());
    house
        .refused_id_jag(&value!({}), "identity_issuer_unknown")
        .await;
    let enabled = store.identity_issuer_enable(IDP, true, house.audit()).await;
    assert!(enabled.unwrap());
    house.disable_client("agent").await;
    let response = house
        .present("agent", &id_jag(&house, &value!({})), &[])
        .await;
    let no = StatusCode::UNAUTHORIZED;
    assert_refused(response, no, "invalid_client", "client_unauthenticated").await;
}

#[tokio::test]
async fn what_changes_while_a_session_starts_is_not_told_as_it_was() {
    let (house, switch) = outage::house().await;
    house.add_enterprise().await;
    house
        .change_client("other", |client| {
            client.details.grants.push(Grant::JwtBearer);
            client.details.resources.push(API.to_owned());
        })
        .await;
    let ask = async || {
        let said = id_jag(&house, &value!({ "client_id": "other" }));
        let pairs = [("grant_type", JWT_BEARER), ("assertion", said.as_str())];
        house.post("/oauth/token", Some("other"), &pairs).await
    };
    switch.store(outage::CHANGED_MEANWHILE, Ordering::SeqCst);
    outage::assert_unavailable(ask().await).await;
    let given = tokens(ask().await).await;
    let roles = claims(&given.access)["roles"].to_string();
    assert!(roles.contains("role-"), "{roles}");

    switch.store(outage::DOWN, Ordering::SeqCst);
    outage::assert_unavailable(ask().await).await;
}
