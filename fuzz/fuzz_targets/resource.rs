//! Whatever stands in the headers of a request without a sound token: a denial with a challenge that fits
//! into a header, and never an actor.
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
use sealgate_model::Timestamp;
use sealgate_oauth::DpopGuard;
use sealgate_revocation::Credential;

struct Nothing;

impl TokenRevocations for Nothing {
    fn check<'a>(
        &'a self,
        _: &'a Credential<'a>,
    ) -> std::pin::Pin<Box<dyn Future<Output = Standing> + Send + 'a>> {
        Box::pin(std::future::ready(Standing::Good))
    }
}

static GATE: LazyLock<ResourceGate> = LazyLock::new(|| {
    let key = SigningKey::from_seed("k", &[1; 32]).expect("a seed makes a key");
    let keys = VerifyingKeys::from_jwks(&JwkSet { keys: vec![key.public_jwk()] });
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
        Arc::new(FakeClock::at(Timestamp::from_seconds(1_800_000_000))),
        Arc::new(DpopGuard::new(&FakeRandom::seeded(1))),
    )
});

fuzz_target!(|headers: (Vec<&[u8]>, Vec<&[u8]>)| {
    let request = ResourceRequest {
        method: "GET",
        url: "https://api.example/a",
        authorization: &headers.0,
        dpop: &headers.1,
    };
    let need = Need { scopes: vec!["read".to_owned()], ..Need::of(Kinds::ANY) };
    let checked = pin!(GATE.check(&request, &need));
    let Poll::Ready(answer) = checked.poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("everything was at hand");
    };
    let denial = answer.expect_err("no token was sound");
    assert!(matches!(denial.status(), 400 | 401));
    for (_, value) in denial.headers() {
        assert!(value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()));
    }
});
