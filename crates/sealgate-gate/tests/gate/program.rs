//! A program that calls with access tokens.

use sealgate_gate::{Allowed, Kinds, Need, Requirement, Response};
use sealgate_jose::{DpopProof, SigningKey, dpop::access_token_hash};
use sealgate_model::Clock as _;
use serde_json::{Value, json};

use crate::browser::{Browser, header};
use crate::provider::{APP, ISSUER, SID, World};

/// Any actor.
pub(crate) fn anybody() -> Requirement {
    Requirement::Actor(Need::of(Kinds::ANY))
}

/// Any actor with these scopes.
pub(crate) fn scoped(scopes: &[&str]) -> Requirement {
    Requirement::Actor(Need {
        scopes: scopes.iter().map(ToString::to_string).collect(),
        ..Need::of(Kinds::ANY)
    })
}

/// The claims of a user's token, good for five minutes from now.
pub(crate) fn claims(world: &World) -> Value {
    let now = world.clock.now().as_seconds();
    json!({
        "iss": ISSUER, "aud": APP, "sub": "ada", "client_id": "cli", "jti": "t1", "iat": now,
        "exp": now + 300, "scope": "expenses:read", "sid": SID, "roles": ["accountant"], "tenant": "acme",
        "acr": "silver", "auth_time": now,
    })
}

/// The claims of a machine's token.
pub(crate) fn machine(world: &World) -> Value {
    let now = world.clock.now().as_seconds();
    json!({
        "iss": ISSUER, "aud": APP, "sub": "batch", "client_id": "batch", "jti": "t2", "iat": now,
        "exp": now + 300, "scope": "expenses:read",
    })
}

pub(crate) fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

impl World {
    /// An access token with these claims, by the key that signs now.
    pub(crate) fn token(&self, claims: &Value) -> String {
        let place = self.state().signing;
        self.provider.keys[place].sign("at+jwt", claims).unwrap()
    }

    /// A user's token.
    pub(crate) fn user_token(&self) -> String {
        self.token(&claims(self))
    }
}

/// Somebody who calls with this `Authorization` header.
pub(crate) fn calling(authorization: &str) -> Browser {
    Browser {
        headers: vec![("authorization", authorization.to_owned())],
        ..Browser::default()
    }
}

/// Somebody who calls with a bearer token.
pub(crate) fn bearer(token: &str) -> Browser {
    calling(&format!("Bearer {token}"))
}

/// What becomes of a call with `token` for a route for anybody.
pub(crate) async fn call(world: &World, token: &str) -> Result<Allowed, Response> {
    bearer(token)
        .send(&world.gate, "GET", "/expenses", &anybody())
        .await
}

/// Status and reason of a refused call.
pub(crate) fn refusal(called: Result<Allowed, Response>) -> (u16, &'static str) {
    let response = called.unwrap_err();
    (response.status, response.reason)
}

/// Every challenge of an answer.
pub(crate) fn challenges(response: &Response) -> Vec<&str> {
    let challenges = response.headers.iter();
    challenges
        .filter(|(name, _)| *name == "www-authenticate")
        .map(|(_, value)| value.as_str())
        .collect()
}

/// A program that holds a key.
pub(crate) struct Holder {
    pub(crate) key: SigningKey,
    /// The token that is bound to it.
    pub(crate) token: String,
}

impl Holder {
    pub(crate) fn new(world: &World) -> Self {
        let key = SigningKey::from_seed("holder", &[9; 32]).unwrap();
        let jkt = key.public_jwk().thumbprint().unwrap();
        let token = world.token(&with(claims(world), "cnf", json!({ "jkt": jkt })));
        Self { key, token }
    }

    /// The claims of a sound proof for a GET of this URL.
    pub(crate) fn claims(&self, world: &World, url: &str, nonce: &str, jti: &str) -> Value {
        json!({
            "jti": jti, "htm": "GET", "htu": url, "iat": world.clock.now().as_seconds(),
            "ath": access_token_hash(&self.token), "nonce": nonce,
        })
    }

    pub(crate) fn proof(&self, claims: &Value) -> String {
        let mut jwk = serde_json::to_value(self.key.public_jwk()).unwrap();
        for member in ["kid", "use", "alg"] {
            jwk.as_object_mut().unwrap().remove(member);
        }
        let header = json!({"typ": "dpop+jwt", "alg": self.key.algorithm().name(), "jwk": jwk});
        let proof = self.key.sign_with_header(&header, claims).unwrap();
        assert!(DpopProof::read(&proof).is_ok() || claims["jti"] == "");
        proof
    }

    /// The call with these proofs.
    pub(crate) fn calling(&self, proofs: &[&str]) -> Browser {
        let mut program = calling(&format!("DPoP {}", self.token));
        let proofs = proofs.iter().map(|proof| ("dpop", (*proof).to_owned()));
        program.headers.extend(proofs);
        program
    }

    /// What becomes of a GET of `path` with this proof.
    pub(crate) async fn call(
        &self,
        world: &World,
        path: &str,
        claims: &Value,
    ) -> Result<Allowed, Response> {
        let mut program = self.calling(&[&self.proof(claims)]);
        program.send(&world.gate, "GET", path, &anybody()).await
    }
}

/// The nonce that the gate gives out now.
pub(crate) async fn nonce(world: &World) -> String {
    let refused = Browser::default()
        .send(&world.gate, "GET", "/expenses", &anybody())
        .await
        .unwrap_err();
    header(&refused, "dpop-nonce").unwrap().to_owned()
}
