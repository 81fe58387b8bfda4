//! Clients that act for themselves, their keys, and how they are put into a house.

use std::sync::OnceLock;

use sealgate_jose::{Algorithm, Jwk, SigningKey};
use sealgate_model::Grant;
use sealgate_store::{ClientAuthentication, Resource, ScopeText};
use serde::Serialize;

use super::*;

/// The resource that machines of a house may ask tokens for.
pub(super) const API: &str = "https://api.example";

/// A key of a client's own.
pub(super) fn key(algorithm: Algorithm) -> &'static SigningKey {
    static KEYS: OnceLock<Vec<SigningKey>> = OnceLock::new();
    let keys = KEYS.get_or_init(|| {
        Algorithm::ALL
            .into_iter()
            .map(|algorithm| SigningKey::generate(algorithm, algorithm.name()).unwrap().0)
            .collect()
    });
    keys.iter()
        .find(|key| key.algorithm() == algorithm)
        .unwrap()
}

pub(super) fn set(keys: &[Jwk]) -> Value {
    serde_json::json!({ "keys": keys })
}

impl House {
    /// Adds the resource [`API`], served by the client `other`.
    pub(super) async fn add_api(&self) {
        let resource = Resource {
            status_list: false,
            agents: false,
            tools: Vec::new(),
            uri: API.to_owned(),
            name: "Expenses".to_owned(),
            client: Some("other".parse().unwrap()),
            scopes: vec![ScopeText {
                name: "expenses:read".to_owned(),
                description: "Read your expenses".to_owned(),
            }],
            created_at: self.clock.now(),
        };
        self.plane
            .store
            .resource_create(resource, self.audit())
            .await
            .unwrap();
    }

    /// Lets another client serve [`API`].
    pub(super) async fn serve_api_by(&self, id: &str) {
        let store = &self.plane.store;
        let before = store.resource(API).await.unwrap().unwrap();
        let resource = Resource {
            client: Some(id.parse().unwrap()),
            ..before.clone()
        };
        let changed = store.resource_update(before, resource, self.audit()).await;
        assert!(changed.unwrap());
    }

    /// Adds a machine that may use the client credentials grant, with a secret unless `change` says
    /// otherwise.
    pub(super) async fn add_machine(&self, id: &str, change: impl FnOnce(&mut Client)) {
        let mut client = Client {
            id: id.parse().unwrap(),
            name: format!("The {id} machine"),
            kind: ClientKind::Confidential,
            secret_hash: Some(sha256(secret(id).as_bytes())),
            redirect_uris: Vec::new(),
            logout_uris: Vec::new(),
            scopes: ["openid", "expenses:read", "expenses:write"]
                .map(String::from)
                .to_vec(),
            details: ClientDetails {
                grants: vec![Grant::ClientCredentials],
                resources: vec![API.to_owned()],
                ..ClientDetails::default()
            },
            created_at: self.clock.now(),
            disabled_at: None,
        };
        change(&mut client);
        if client.details.authentication != ClientAuthentication::Secret {
            client.secret_hash = None;
        }
        self.plane
            .store
            .client_create(client, self.audit())
            .await
            .unwrap();
    }

    /// Changes a client that is there. Whatever comes next comes a second later: what is told of a client in the
    /// second of its change is not believed.
    pub(super) async fn change_client(&self, id: &str, change: impl FnOnce(&mut Client)) {
        let id = id.parse().unwrap();
        let before = self.plane.store.client(&id).await.unwrap().unwrap();
        let mut client = before.clone();
        change(&mut client);
        let store = &self.plane.store;
        let changed = store.client_update(before, client, self.audit()).await;
        assert!(changed.unwrap());
        self.clock.advance(std::time::Duration::from_secs(1));
    }

    /// Disables a client.
    pub(super) async fn disable_client(&self, id: &str) {
        let id = id.parse().unwrap();
        let disabled = self.plane.store.client_disable(&id, self.audit()).await;
        assert!(disabled.unwrap());
    }

    /// Asks for a token for the machine itself.
    pub(super) async fn own_token(&self, id: &str, pairs: &[(&str, &str)]) -> Response {
        let mut all = vec![("grant_type", "client_credentials")];
        all.extend_from_slice(pairs);
        self.post("/oauth/token", Some(id), &all).await
    }

    /// A proof of possession of `key`, with the members of `more` beside the usual ones.
    pub(super) fn proof(&self, key: &SigningKey, method: &str, path: &str, more: &Value) -> String {
        let mut claims = serde_json::json!({
            "jti": URL_SAFE_NO_PAD.encode(self.plane.random.bytes::<12>()),
            "htm": method,
            "htu": format!("{ISSUER}{path}"),
            "iat": self.clock.now().as_seconds(),
            "nonce": self.plane.dpop.nonce(self.clock.uptime()),
        });
        for (name, value) in more.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let claims = without_nulls(claims);
        let mut jwk = serde_json::to_value(key.public_jwk()).unwrap();
        jwk["kid"] = Value::Null;
        jwk["use"] = Value::Null;
        let header = serde_json::json!({
            "typ": "dpop+jwt", "alg": key.algorithm().name(), "jwk": without_nulls(jwk),
        });
        key.sign_with_header(&header, &claims).unwrap()
    }
}

/// A member that is set to null is one that is to be left out.
pub(super) fn without_nulls(mut object: Value) -> Value {
    object
        .as_object_mut()
        .unwrap()
        .retain(|_, value| !value.is_null());
    object
}

/// A signed assertion about `client`, with the members of `more` in place of the usual ones.
pub(super) fn assertion(
    house: &House,
    key: &SigningKey,
    client: &str,
    more: &impl Serialize,
) -> String {
    let now = house.clock.now().as_seconds();
    let mut claims = serde_json::json!({
        "iss": client, "sub": client, "aud": ISSUER, "exp": now + 60, "iat": now,
        "jti": URL_SAFE_NO_PAD.encode(house.plane.random.bytes::<12>()),
    });
    let more = serde_json::to_value(more).unwrap();
    for (name, value) in more.as_object().unwrap() {
        claims[name] = value.clone();
    }
    key.sign("client-authentication+jwt", &without_nulls(claims))
        .unwrap()
}
