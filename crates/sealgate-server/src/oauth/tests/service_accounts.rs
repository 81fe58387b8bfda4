//! Service accounts at every door: what is noted of them, and when they end.

use std::time::Duration;

use sealgate_jose::{Algorithm, SigningKey};
use sealgate_model::Grant;
use sealgate_store::{ClientAuthentication, MachineProfile, Revoked, UseKind};
use serde_json::json as value;

use super::machines::{API, assertion, key, set};
use super::*;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
const NO: StatusCode = StatusCode::UNAUTHORIZED;

impl House {
    /// Adds a service account without a key, for 30 days.
    pub(super) async fn add_account(&self, id: &str, change: impl FnOnce(&mut Client)) {
        let mut client = Client {
            id: id.parse().unwrap(),
            name: id.to_owned(),
            kind: ClientKind::Confidential,
            secret_hash: None,
            redirect_uris: Vec::new(),
            logout_uris: Vec::new(),
            scopes: vec!["expenses:read".to_owned(), "expenses:write".to_owned()],
            details: ClientDetails {
                authentication: ClientAuthentication::PrivateKeyJwt,
                grants: vec![Grant::ClientCredentials, Grant::TokenExchange],
                resources: vec![API.to_owned()],
                machine: Some(MachineProfile {
                    owner: "finance@example.com".to_owned(),
                    purpose: "imports expenses".to_owned(),
                    environment: "production".to_owned(),
                    expires_at: self.clock.now() + 30 * DAY,
                    identities: Vec::new(),
                }),
                ..ClientDetails::default()
            },
            created_at: self.clock.now(),
            disabled_at: None,
        };
        change(&mut client);
        let store = &self.plane.store;
        store.machine_create(client, self.audit()).await.unwrap();
    }

    /// The same with a key.
    async fn add_account_with(&self, id: &str, key: &SigningKey) {
        self.add_account(id, |client| {
            client.details.jwks = Some(set(&[key.public_jwk()]));
        })
        .await;
    }

    /// An assertion that names no key: under which id a key was registered is told at its enrolment.
    fn unnamed_assertion(&self, id: &str, key: &SigningKey) -> String {
        let named = assertion(self, key, id, &value!({}));
        let header = value!({ "typ": "client-authentication+jwt", "alg": key.algorithm().name() });
        key.sign_with_header(&header, &claims(&named)).unwrap()
    }

    /// Asks for a token as a service account that signs with `key`.
    pub(super) async fn signed_token(
        &self,
        id: &str,
        key: &SigningKey,
        more: &[(&str, &str)],
    ) -> Response {
        let signed = self.unnamed_assertion(id, key);
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        let mut pairs = vec![
            ("grant_type", "client_credentials"),
            ("client_assertion_type", kind),
            ("client_assertion", signed.as_str()),
        ];
        pairs.extend_from_slice(more);
        self.post("/oauth/token", None, &pairs).await
    }

    async fn last_uses(&self, id: &str) -> Vec<(UseKind, String, Option<Timestamp>)> {
        let row = self.plane.store.machine(&id.parse().unwrap()).await;
        let uses = row.unwrap().unwrap().uses.into_iter();
        uses.map(|one| (one.kind, one.name, one.used_at)).collect()
    }
}

#[tokio::test]
async fn a_machine_never_authenticates_by_a_secret_whatever_its_row_says() {
    let house = House::new().await;
    house
        .add_account("importer", |client| {
            client.details.authentication = ClientAuthentication::Secret;
            client.secret_hash = Some(sha256(secret("importer").as_bytes()));
        })
        .await;
    let refused = house.own_token("importer", &[]).await;
    assert_refused(refused, NO, "invalid_client", "client_unauthenticated").await;
    let empty = [
        ("grant_type", "client_credentials"),
        ("client_id", "importer"),
        ("client_secret", ""),
    ];
    let refused = house.post("/oauth/token", None, &empty).await;
    assert_refused(refused, NO, "invalid_client", "client_unauthenticated").await;
}

#[tokio::test]
async fn a_machine_gets_nothing_after_its_time_and_its_tokens_end_with_it() {
    let house = House::delegating().await;
    let mine = key(Algorithm::Ed25519);
    house
        .add_account("importer", |client| {
            client.details.jwks = Some(set(&[mine.public_jwk()]));
            let machine = client.details.machine.as_mut().unwrap();
            machine.expires_at = house.clock.now() + Duration::from_secs(400);
        })
        .await;
    let first = tokens(house.signed_token("importer", mine, &[]).await).await;
    assert_eq!(first.body["expires_in"], 300);
    house.clock.advance(Duration::from_secs(300));
    let last = tokens(
        house
            .signed_token("importer", mine, &[("resource", API)])
            .await,
    )
    .await;
    assert_eq!(last.body["expires_in"], 100);
    let end = house.clock.now().as_seconds() + 100;
    assert_eq!(claims(&last.access)["exp"], end);
    assert!(introspect::is_active(&house, "other", &last.access).await);
    let given = house.tokens("app", "openid expenses:read").await;
    house.clock.advance(Duration::from_secs(100));
    assert!(!introspect::is_active(&house, "other", &last.access).await);
    // Nothing was written meanwhile, and its row is in memory.
    let refused = house.signed_token("importer", mine, &[]).await;
    assert_refused(refused, NO, "invalid_client", "client_unauthenticated").await;
    let signed = assertion(&house, mine, "importer", &value!({}));
    let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    let proof = [
        ("client_assertion_type", kind),
        ("client_assertion", signed.as_str()),
    ];
    for (path, more) in [
        ("/oauth/introspect", vec![("token", given.access.as_str())]),
        ("/oauth/revoke", vec![("token", given.access.as_str())]),
        (
            "/oauth/token",
            vec![
                ("grant_type", token_exchange::GRANT),
                ("subject_token", given.access.as_str()),
                ("subject_token_type", token_exchange::ACCESS),
            ],
        ),
    ] {
        let refused = house.post(path, None, &[&proof[..], &more].concat()).await;
        assert_refused(refused, NO, "invalid_client", "client_unauthenticated").await;
    }
}

#[tokio::test]
async fn tokens_of_machines_are_short_however_long_others_live() {
    let mut house = House::delegating().await;
    let mine = key(Algorithm::Ed25519);
    house.add_account_with("importer", mine).await;
    Arc::get_mut(&mut house.plane).unwrap().lifetimes.access = HOUR;
    let given = tokens(house.signed_token("importer", mine, &[]).await).await;
    assert_eq!(given.body["expires_in"], 900);
    assert_eq!(
        claims(&given.access)["exp"],
        house.clock.now().as_seconds() + 900
    );
    assert_eq!(house.tokens("app", "openid").await.body["expires_in"], 3600);
}

#[tokio::test]
async fn a_token_that_is_exchanged_ends_with_the_machine_that_has_it() {
    let house = House::delegating().await;
    let end = house.clock.now() + Duration::from_secs(90);
    house
        .change_client("other", |client| {
            client.details.resources.push(API.to_owned());
        })
        .await;
    let mine = key(Algorithm::Ed25519);
    house
        .add_account("importer", |client| {
            client.details.jwks = Some(set(&[mine.public_jwk()]));
            client.details.machine.as_mut().unwrap().expires_at = end;
        })
        .await;
    house.serve_api_by("importer").await;
    let given = house.tokens("app", "openid expenses:read").await;
    let at_api = [("resource", API)];
    let kind = token_exchange::REFRESH;
    let given = tokens(house.exchange("app", kind, &given.refresh, &at_api).await).await;
    let signed = assertion(&house, mine, "importer", &value!({}));
    let pairs = [
        (
            "client_assertion_type",
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        ),
        ("client_assertion", signed.as_str()),
        ("grant_type", token_exchange::GRANT),
        ("subject_token", given.access.as_str()),
        ("subject_token_type", token_exchange::ACCESS),
        ("resource", API),
    ];
    let acting = tokens(house.post("/oauth/token", None, &pairs).await).await;
    assert_eq!(claims(&acting.access)["exp"], end.as_seconds());
    let uses = house.last_uses("importer").await;
    let is_noted = |kind| uses.iter().any(|one| one.0 == kind && one.2.is_some());
    assert!(
        is_noted(UseKind::Token) && is_noted(UseKind::Resource),
        "{uses:?}"
    );
}

#[tokio::test]
async fn what_a_machine_uses_is_noted_once_an_hour() {
    let house = House::new().await;
    let mine = key(Algorithm::Ed25519);
    house.add_account_with("importer", mine).await;
    let used = async || {
        let uses = house.last_uses("importer").await.into_iter();
        uses.filter_map(|(kind, name, at)| at.map(|at| (kind, name, at)))
            .collect::<Vec<_>>()
    };
    assert!(used().await.is_empty());
    let began = house.clock.now();
    let read = [("scope", "expenses:read")];
    tokens(house.signed_token("importer", mine, &read).await).await;
    let first = used().await;
    assert_eq!(
        first,
        [
            (UseKind::Client, String::new(), began),
            (UseKind::Scope, "expenses:read".to_owned(), began),
            (UseKind::Token, String::new(), began),
        ]
    );
    house.clock.advance(HOUR / 2);
    tokens(house.signed_token("importer", mine, &read).await).await;
    assert_eq!(used().await, first);
    let at_api = [("scope", "expenses:read"), ("resource", API)];
    tokens(house.signed_token("importer", mine, &at_api).await).await;
    assert_eq!(used().await.len(), 4);
    house.clock.advance(HOUR / 2 + Duration::from_secs(10));
    tokens(house.signed_token("importer", mine, &read).await).await;
    let (now, later) = (house.clock.now(), used().await);
    let at = |kind| later.iter().find(|one| one.0 == kind).unwrap().2;
    assert_eq!((at(UseKind::Token), at(UseKind::Scope)), (now, now));
    assert_eq!(at(UseKind::Resource), began + HOUR / 2);
    // Of other clients nothing is noted: nobody would look at it.
    house.add_machine("robot", |_| {}).await;
    tokens(house.own_token("robot", &[]).await).await;
    let robot = "robot".parse().unwrap();
    assert!(house.plane.store.machine(&robot).await.unwrap().is_none());
}

#[tokio::test]
async fn a_machine_whose_time_is_over_is_disabled_on_record_and_its_tokens_revoked() {
    let house = House::new().await;
    house
        .add_account_with("importer", key(Algorithm::Ed25519))
        .await;
    house.add_account("other-machine", |_| {}).await;
    house
        .add_account("later", |client| {
            let machine = client.details.machine.as_mut().unwrap();
            machine.expires_at = house.clock.now() + 31 * DAY;
        })
        .await;
    house.clock.advance(30 * DAY);
    // As long as the clock is not proven, nothing is.
    crate::machines::end_expired(&house.plane, Timestamp::from_millis(0)).await;
    let head = house.plane.store.revocation_head().await.unwrap();
    assert_eq!(head, 0);
    crate::machines::end_expired(&house.plane, house.clock.now()).await;
    let records = house.records().await;
    let expired: Vec<_> = records
        .iter()
        .filter(|row| row.action == "machine.expire")
        .collect();
    let ids: Vec<_> = expired
        .iter()
        .map(|row| row.client.as_ref().unwrap().as_str())
        .collect();
    assert_eq!(ids, ["importer", "other-machine"]);
    assert!(expired.iter().all(|row| row.actor == "system"));
    let log = house.plane.store.revocations_after(0, 10).await.unwrap();
    let revoked: Vec<_> = log.into_iter().map(|entry| entry.what).collect();
    let clients = ["importer", "other-machine"].map(|id| Revoked::Client(id.parse().unwrap()));
    assert_eq!(revoked, clients);
    crate::machines::end_expired(&house.plane, house.clock.now()).await;
    assert_eq!(house.records().await.len(), records.len());
    let later = house.plane.store.client(&"later".parse().unwrap()).await;
    assert_eq!(later.unwrap().unwrap().disabled_at, None);
}
