//! An issuer, a resource and a caller, on fake time.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sealgate_gate::resource::{
    Admitted, ResourceGate, ResourceRequest, ResourceSettings, Standing, TokenDenial, TokenKeys,
    TokenRevocations, VerifyError,
};
use sealgate_gate::{Kinds, Need};
use sealgate_host::{FakeClock, FakeRandom};
use sealgate_jose::{JwkSet, SigningKey, Verified, VerifyingKeys, dpop::access_token_hash};
use sealgate_model::Timestamp;
use sealgate_oauth::DpopGuard;
use sealgate_revocation::{Credential, Entry, Subject, View};
use serde_json::{Value, json};

pub(crate) const NOW: i64 = 1_800_000_000;
pub(crate) const ISSUER: &str = "https://id.example";
pub(crate) const AUDIENCE: &str = "https://id.example/api/v1";
pub(crate) const URL: &str = "https://id.example/api/v1/users";
pub(crate) const SID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

/// Keys that can go away.
struct Keys(VerifyingKeys, Arc<Mutex<bool>>);

impl TokenKeys for Keys {
    fn verify<'a>(
        &'a self,
        token: &'a str,
        types: &'a [&'a str],
    ) -> Pin<Box<dyn Future<Output = Result<Verified, VerifyError>> + Send + 'a>> {
        if *self.1.lock().unwrap() {
            return Box::pin(std::future::ready(Err(VerifyError::Unavailable)));
        }
        TokenKeys::verify(&self.0, token, types)
    }
}

/// A view that can go stale.
#[derive(Default)]
pub(crate) struct Revocations {
    view: Mutex<View>,
    stale: Mutex<bool>,
}

impl TokenRevocations for Revocations {
    fn check<'a>(
        &'a self,
        credential: &'a Credential<'a>,
    ) -> Pin<Box<dyn Future<Output = Standing> + Send + 'a>> {
        let view = self.view.lock().unwrap();
        let told_at = credential.started_at;
        let standing = if view.check(credential).is_some() {
            Standing::Revoked
        } else if view.is_outdated(credential.subject, credential.client, told_at) {
            Standing::Outdated
        } else if *self.stale.lock().unwrap() {
            Standing::Unknown
        } else {
            Standing::Good
        };
        Box::pin(std::future::ready(standing))
    }
}

/// Everything a test needs.
pub(crate) struct House {
    pub(crate) clock: Arc<FakeClock>,
    pub(crate) gate: Arc<ResourceGate>,
    pub(crate) guard: Arc<DpopGuard>,
    revocations: Arc<Revocations>,
    keys_gone: Arc<Mutex<bool>>,
    signer: SigningKey,
    /// The caller's own key.
    pub(crate) holder: SigningKey,
}

impl House {
    pub(crate) fn new() -> Self {
        Self::remembering(1_000)
    }

    /// A house that remembers `proofs` proofs a minute.
    pub(crate) fn remembering(proofs: usize) -> Self {
        let clock = Arc::new(FakeClock::at(Timestamp::from_seconds(NOW)));
        let signer = SigningKey::from_seed("k1", &[1; 32]).unwrap();
        let set = JwkSet {
            keys: vec![signer.public_jwk()],
        };
        let keys_gone = Arc::default();
        let keys = Keys(VerifyingKeys::from_jwks(&set), Arc::clone(&keys_gone));
        let revocations = Arc::new(Revocations::default());
        let guard = Arc::new(DpopGuard::with_capacity(&FakeRandom::seeded(7), proofs));
        let gate = ResourceGate::new(
            ResourceSettings {
                issuer: ISSUER.to_owned(),
                audience: AUDIENCE.to_owned(),
                metadata: Some(format!(
                    "{ISSUER}/.well-known/oauth-protected-resource/api/v1"
                )),
                realm: "sealgate".to_owned(),
                leeway: Duration::from_secs(60),
            },
            Arc::new(keys),
            Arc::<Revocations>::clone(&revocations),
            Arc::<FakeClock>::clone(&clock),
            Arc::clone(&guard),
        );
        Self {
            clock,
            gate: Arc::new(gate),
            guard,
            revocations,
            keys_gone,
            signer,
            holder: SigningKey::from_seed("holder", &[2; 32]).unwrap(),
        }
    }

    /// The same house with a mapping.
    pub(crate) fn mapping(self, text: &str) -> Self {
        let mapping = sealgate_policy::mapping::read_text(text).unwrap();
        let gate = Arc::into_inner(self.gate).unwrap().with_mapping(mapping);
        Self {
            gate: Arc::new(gate),
            ..self
        }
    }

    pub(crate) fn token(&self, claims: &Value) -> String {
        self.token_of_type("at+jwt", claims)
    }

    pub(crate) fn token_of_type(&self, kind: &str, claims: &Value) -> String {
        self.signer.sign(kind, claims).unwrap()
    }

    /// An access token with whatever `claims` writes.
    pub(crate) fn sign(&self, claims: &impl serde::Serialize) -> String {
        self.signer.sign("at+jwt", claims).unwrap()
    }

    /// The thumbprint of the caller's key.
    pub(crate) fn jkt(&self) -> String {
        self.holder.public_jwk().thumbprint().unwrap()
    }

    /// A user's claims, bound to the caller's key.
    pub(crate) fn bound(&self) -> Value {
        with(user(), "cnf", json!({ "jkt": self.jkt() }))
    }

    pub(crate) fn nonce(&self) -> String {
        use sealgate_model::Clock as _;
        self.guard.nonce(self.clock.uptime())
    }

    /// The claims of a sound proof for `token` at [`URL`], with a current nonce.
    pub(crate) fn proof_claims(&self, token: &str, jti: &str) -> Value {
        use sealgate_model::Clock as _;
        json!({
            "jti": jti, "htm": "GET", "htu": URL, "iat": self.clock.now().as_seconds(),
            "ath": access_token_hash(token), "nonce": self.nonce(),
        })
    }

    pub(crate) fn proof(&self, claims: &Value) -> String {
        proof_by(&self.holder, claims)
    }

    pub(crate) async fn bearer(&self, token: &str) -> Result<Admitted, TokenDenial> {
        self.bearer_for(token, &any()).await
    }

    pub(crate) async fn bearer_for(
        &self,
        token: &str,
        need: &Need,
    ) -> Result<Admitted, TokenDenial> {
        self.ask(&[&format!("Bearer {token}")], &[], need).await
    }

    pub(crate) async fn dpop(&self, token: &str, proof: &str) -> Result<Admitted, TokenDenial> {
        let need = any();
        self.ask(&[&format!("DPoP {token}")], &[proof], &need).await
    }

    pub(crate) async fn ask(
        &self,
        authorization: &[&str],
        dpop: &[&str],
        need: &Need,
    ) -> Result<Admitted, TokenDenial> {
        let bytes = |values: &[&str]| -> Vec<Vec<u8>> {
            values
                .iter()
                .map(|value| value.as_bytes().to_vec())
                .collect()
        };
        let (authorization, dpop) = (bytes(authorization), bytes(dpop));
        let authorization: Vec<&[u8]> = authorization.iter().map(Vec::as_slice).collect();
        let dpop: Vec<&[u8]> = dpop.iter().map(Vec::as_slice).collect();
        let request = ResourceRequest {
            method: "GET",
            url: URL,
            authorization: &authorization,
            dpop: &dpop,
        };
        self.gate.check(&request, need).await
    }

    pub(crate) fn revoke(&self, subject: Subject) {
        let expires_at = Timestamp::from_seconds(NOW + 86_400);
        self.revocations.view.lock().unwrap().insert(&Entry {
            subject,
            expires_at,
            reason: None,
        });
    }

    pub(crate) fn lose_the_feed(&self) {
        *self.revocations.stale.lock().unwrap() = true;
    }

    pub(crate) fn lose_the_keys(&self) {
        *self.keys_gone.lock().unwrap() = true;
    }
}

pub(crate) fn proof_by(key: &SigningKey, claims: &Value) -> String {
    let mut jwk = serde_json::to_value(key.public_jwk()).unwrap();
    for member in ["kid", "use", "alg"] {
        jwk.as_object_mut().unwrap().remove(member);
    }
    let header = json!({"typ": "dpop+jwt", "alg": key.algorithm().name(), "jwk": jwk});
    key.sign_with_header(&header, claims).unwrap()
}

/// Any actor.
pub(crate) const fn any() -> Need {
    Need::of(Kinds::ANY)
}

/// Any actor with these scopes.
pub(crate) fn scopes(scopes: &[&str]) -> Need {
    Need {
        scopes: scopes.iter().map(ToString::to_string).collect(),
        ..any()
    }
}

/// A user's claims.
pub(crate) fn user() -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "u1", "client_id": "cli", "jti": "t1",
        "iat": NOW, "exp": NOW + 300, "scope": "sealgate:users:read sealgate:keys:write",
        "sid": SID, "roles": ["admin"], "tenant": "acme", "auth_time": NOW - 100,
        "acr": "urn:sealgate:acr:password", "amr": ["pwd"],
    })
}

/// A machine's claims.
pub(crate) fn machine() -> Value {
    json!({
        "iss": ISSUER, "aud": [AUDIENCE, "https://other.example"], "sub": "batch", "client_id": "batch",
        "jti": "t2", "iat": NOW, "exp": NOW + 300, "scope": "sealgate:users:read",
    })
}

pub(crate) fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

pub(crate) fn without(mut claims: Value, name: &str) -> Value {
    claims.as_object_mut().unwrap().remove(name);
    claims
}

/// Status and reason of a denial.
pub(crate) fn refusal(answer: Result<Admitted, TokenDenial>) -> (u16, &'static str) {
    let denial = answer.unwrap_err();
    (denial.status(), denial.reason())
}
