//! Whatever stands in the claims of a token that the issuer signed: an actor who is what the claims say, or a
//! denial. A claim that is there twice, or of another type, is a denial.
#![no_main]

use std::pin::pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use sealgate_gate::resource::{
    ResourceGate, ResourceRequest, ResourceSettings, Standing, TokenRevocations,
};
use sealgate_gate::{Kinds, Need};
use sealgate_host::{FakeClock, FakeRandom};
use sealgate_jose::{JwkSet, SigningKey, VerifyingKeys};
use sealgate_model::{Actor, Timestamp};
use sealgate_oauth::DpopGuard;
use sealgate_revocation::Credential;
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::{Value, json};

const NOW: i64 = 1_800_000_000;
const NAMES: [&str; 17] = [
    "iss", "aud", "sub", "client_id", "jti", "iat", "exp", "nbf", "scope", "sid", "roles", "tenant", "acr",
    "auth_time", "cnf", "act", "sub_profile",
];

struct Nothing;

impl TokenRevocations for Nothing {
    fn check<'a>(
        &'a self,
        _: &'a Credential<'a>,
    ) -> std::pin::Pin<Box<dyn Future<Output = Standing> + Send + 'a>> {
        Box::pin(std::future::ready(Standing::Good))
    }
}

static KEY: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::from_seed("k", &[1; 32]).expect("a seed makes a key"));

static GATE: LazyLock<ResourceGate> = LazyLock::new(|| {
    let keys = VerifyingKeys::from_jwks(&JwkSet { keys: vec![KEY.public_jwk()] });
    ResourceGate::new(
        ResourceSettings {
            issuer: "https://id.example".to_owned(),
            audience: "https://api.example".to_owned(),
            metadata: None,
            realm: "sealgate".to_owned(),
            leeway: Duration::ZERO,
        },
        Arc::new(keys),
        Arc::new(Nothing),
        Arc::new(FakeClock::at(Timestamp::from_seconds(NOW))),
        Arc::new(DpopGuard::new(&FakeRandom::seeded(1))),
    )
});

/// Claims in order, some of them maybe twice.
struct Claims(Vec<(&'static str, Value)>);

impl Serialize for Claims {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

fuzz_target!(|changes: Vec<(u8, bool, &[u8])>| {
    let mut claims = Claims(vec![
        ("iss", json!("https://id.example")),
        ("aud", json!("https://api.example")),
        ("sub", json!("u1")),
        ("client_id", json!("cli")),
        ("jti", json!("t1")),
        ("iat", json!(NOW)),
        ("exp", json!(NOW + 300)),
    ]);
    for (name, twice, value) in changes {
        let name = NAMES[usize::from(name) % NAMES.len()];
        let text = || Value::String(String::from_utf8_lossy(value).into_owned());
        let value = serde_json::from_slice(value).unwrap_or_else(|_| text());
        if !twice {
            claims.0.retain(|(other, _)| *other != name);
        }
        claims.0.push((name, value));
    }
    let Ok(token) = KEY.sign("at+jwt", &claims) else { return };
    let header = format!("Bearer {token}");
    let request = ResourceRequest {
        method: "GET",
        url: "https://api.example/a",
        authorization: &[header.as_bytes()],
        dpop: &[],
    };
    let need = Need::of(Kinds::ANY);
    let checked = pin!(GATE.check(&request, &need));
    let Poll::Ready(answer) = checked.poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("everything was at hand");
    };
    let Ok(admitted) = answer else { return };
    let all = |name: &str| claims.0.iter().filter(|(other, _)| *other == name).collect::<Vec<_>>();
    let one = |name: &str| all(name).first().map_or(Value::Null, |(_, value)| value.clone());
    assert!(NAMES.iter().all(|name| all(name).len() <= 1), "a claim was there twice");
    assert_eq!(one("iss"), "https://id.example");
    assert!(one("aud").to_string().contains("\"https://api.example\""));
    assert_eq!(one("cnf"), Value::Null, "a bound token passed as a bearer token");
    assert!(one("exp").as_i64().is_some_and(|at| at > NOW));
    let is_agent = |profile: &Value| {
        profile.as_str().is_some_and(|profile| profile.split(' ').any(|one| one == "ai_agent"))
    };
    let chain = one("act");
    let mut act = &chain;
    let mut agents = usize::from(is_agent(&one("sub_profile")));
    while act.is_object() {
        agents += usize::from(is_agent(&act["sub_profile"]));
        act = &act["act"];
    }
    let itself = one("sub") == one("client_id");
    match &*admitted.caller.actor {
        Actor::User(user) => {
            assert!(agents == 0 && !itself);
            assert_eq!(one("sub"), user.id.as_str());
        }
        Actor::Machine(machine) => {
            assert!(agents == 0 && itself);
            assert_eq!(one("sub"), machine.id.as_str());
        }
        Actor::Agent(agent) => {
            assert!(agents > 0);
            assert_eq!(agent.user.is_none(), itself);
        }
    }
});
