//! Any request without a session or token of ours is refused by the gate, and sent nowhere but to this
//! application's own sign-in.
#![no_main]

use std::sync::{Arc, OnceLock};

use libfuzzer_sys::fuzz_target;
use sealgate_gate::{Decision, Gate, Host, Kinds, Need, Premises, Request, Requirement, Settings, Transport};
use sealgate_host::{FakeClock, FakeRandom, HttpFetch};
use sealgate_model::Timestamp;

static GATE: OnceLock<Arc<Gate>> = OnceLock::new();

fuzz_target!(|input: (bool, &str, &str, &[u8], Vec<(u8, &[u8])>)| {
    let (socket, method, path, query, fields) = input;
    let names: [&[u8]; 12] = [
        b"cookie",
        b"authorization",
        b"dpop",
        b"origin",
        b"sec-fetch-site",
        b"sec-fetch-mode",
        b"accept",
        b"host",
        b"x-forwarded-host",
        b"x-forwarded-proto",
        b"x-csrf-token",
        b"content-type",
    ];
    let headers: Vec<_> = fields.iter().map(|(name, value)| (names[usize::from(*name) % 12], *value)).collect();
    let transport = if socket { Transport::WebSocket } else { Transport::Http };
    let request = Request { transport, method, path, query, headers: &headers };
    let requirement = Requirement::Actor(Need::of(Kinds::ANY));
    // Its key may be one that the issuer has to be asked for first.
    let with_token = headers.iter().any(|(name, _)| *name == b"authorization");
    match GATE.get_or_init(gate).decide(&request, &requirement) {
        Decision::Allow(_) => panic!("nobody has a session"),
        Decision::Pending(_) => assert!(with_token || path.starts_with("/auth/")),
        Decision::Respond(response) => {
            for (_, location) in response.headers.iter().filter(|(name, _)| *name == "location") {
                let own = location.strip_prefix("https://app.example").unwrap_or(location);
                assert!(own.starts_with("/auth/login"), "{location}");
            }
        }
    }
});

fn gate() -> Arc<Gate> {
    let settings = Settings::from_lookup(|name| {
        let value = match name {
            "SEALGATE_ISSUER" => "https://id.example",
            "SEALGATE_BASE_URL" => "https://app.example",
            "SEALGATE_CLIENT_ID" => "expenses",
            "SEALGATE_CLIENT_SECRET" => "secret",
            "SEALGATE_SEAL_KEYS" => "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA",
            _ => return None,
        };
        Some(value.to_owned())
    })
    .expect("the settings are good");
    let host = Host {
        clock: Arc::new(FakeClock::at(Timestamp::from_seconds(1_790_000_000))),
        random: Arc::new(FakeRandom::default()),
        fetch: Arc::new(HttpFetch::new(None).expect("a client")),
        premises: Premises::default(),
    };
    Gate::new(settings, host).expect("the gate stands")
}
