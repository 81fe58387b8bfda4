//! Whatever somebody sends to an MCP server: what goes on is one message that a plain reader of JSON reads in the
//! same way, and calls no tool but the one that is open. A session's id is nobody's who has not got it.
#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use sealgate_gate::{
    Caller, Gate, Host, Kinds, McpAsked, McpResource, McpRules, Need, Premises, Request, Settings, Transport,
};
use sealgate_host::{FakeClock, FakeRandom, HttpFetch};
use sealgate_model::{Actor, Machine, Timestamp};
use serde_json::Value;

static SERVER: LazyLock<(Arc<Gate>, McpResource, Caller)> = LazyLock::new(server);

fuzz_target!(|input: (&[u8], Vec<(u8, &[u8])>)| {
    let (body, fields) = input;
    let names: [&[u8]; 5] =
        [b"mcp-method", b"mcp-name", b"mcp-session-id", b"content-type", b"content-encoding"];
    let headers: Vec<_> = fields.iter().map(|(name, value)| (names[usize::from(*name) % 5], *value)).collect();
    let (gate, server, caller) = &*SERVER;
    let request =
        Request { transport: Transport::Http, method: "POST", path: "/mcp", query: b"", headers: &headers };
    let asked = McpAsked { caller, request: &request };
    if let Ok(session) = gate.mcp_arrives(server, asked) {
        assert_eq!(session, None, "nobody has made it a code");
    }
    if gate.mcp_message(server, asked, body).is_some() {
        return;
    }
    let message: Value = serde_json::from_slice(body).expect("what goes on is JSON");
    assert!(message.is_object(), "it is one message");
    match message["method"].as_str() {
        Some("tools/call") => assert_eq!(message["params"]["name"], "open"),
        Some(_) => {}
        None => assert!(message.get("result").is_some() || message.get("error").is_some()),
    }
});

fn server() -> (Arc<Gate>, McpResource, Caller) {
    let settings = Settings::from_lookup(|name| {
        let value = match name {
            "SEALGATE_ISSUER" => "https://id.example",
            "SEALGATE_BASE_URL" => "https://app.example",
            "SEALGATE_CLIENT_ID" => "notes",
            "SEALGATE_CLIENT_SECRET" => "s3cret-s3cret",
            "SEALGATE_SEAL_KEYS" => "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA",
            _ => return None,
        };
        Some(value.to_owned())
    })
    .expect("the settings are whole");
    let rules = McpRules {
        path: "/mcp".to_owned(),
        base: Need::of(Kinds::ANY),
        tools: vec![("open".to_owned(), Need::of(Kinds::ANY))],
        prompts: None,
        resources: None,
        default: None,
        origins: Vec::new(),
        is_root: false,
        body_limit: 4_096,
    };
    let server = settings.add_mcp_server(rules).expect("the rules are whole");
    let actor = Actor::Machine(Machine { id: "m".to_owned(), client: "m".to_owned(), ..Machine::default() });
    let caller = Caller::for_test(actor, "https://id.example");
    let host = Host {
        clock: Arc::new(FakeClock::at(Timestamp::from_seconds(1_790_000_000))),
        random: Arc::new(FakeRandom::default()),
        fetch: Arc::new(HttpFetch::new(None).expect("a client")),
        premises: Premises::default(),
    };
    (Gate::new(settings, host).expect("the gate is made"), server, caller)
}
