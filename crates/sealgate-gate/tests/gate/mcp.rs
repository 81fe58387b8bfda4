//! MCP servers at the gate: a resource of its own each, and messages that say what they are about.

use proptest::prelude::*;
use sealgate_gate::{
    Caller, Denial, Kinds, McpAsked, McpResource, McpRules, Need, Request, Requirement, Response,
    Transport,
};
use sealgate_model::{Actor, Machine};
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::program::{
    Holder, anybody, bearer, calling, challenges, claims, machine, refusal, with,
};
use crate::provider::{APP, World, world, world_with};

const PATH: &str = "/mcp";

fn scoped(scopes: &[&str]) -> Need {
    Need {
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        ..Need::of(Kinds::ANY)
    }
}

fn rules(path: &str) -> McpRules {
    McpRules {
        path: path.to_owned(),
        base: scoped(&["notes:read"]),
        tools: vec![
            ("list".to_owned(), scoped(&[])),
            ("add".to_owned(), scoped(&["notes:write"])),
        ],
        prompts: None,
        resources: None,
        default: None,
        origins: Vec::new(),
        is_root: false,
        body_limit: 4_096,
    }
}

fn server(world: &World) -> (McpResource, Requirement) {
    let server = world.gate.add_mcp_server(rules(PATH)).unwrap();
    (server.clone(), Requirement::Mcp(server))
}

/// A machine's token for a resource.
fn token(world: &World, audience: &str, scope: &str) -> String {
    let claims = with(machine(world), "aud", json!(audience));
    world.token(&with(claims, "scope", json!(scope)))
}

async fn ask(
    world: &World,
    by: &mut Browser,
    requirement: &Requirement,
) -> Result<Caller, Response> {
    let asked = by.send(&world.gate, "POST", PATH, requirement).await;
    asked.map(|allowed| allowed.caller.unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_token_is_taken_at_its_resource_and_nowhere_else() {
    let world = world().await;
    let (server, here) = server(&world);
    let elsewhere = world.gate.add_mcp_server(rules("/other")).unwrap();
    let elsewhere = Requirement::Mcp(elsewhere);
    let mut own = bearer(&token(&world, server.audience(), "notes:read"));
    let mut of_app = bearer(&token(&world, APP, "notes:read"));
    // In every order: what is remembered of a token at one of them is worth nothing at the others.
    for _ in 0..2 {
        assert!(ask(&world, &mut own, &here).await.is_ok());
        for wrong in [&elsewhere, &anybody()] {
            let refused = own.send(&world.gate, "POST", PATH, wrong).await;
            assert_eq!(refusal(refused), (401, "token_audience_wrong"));
        }
        assert!(
            of_app
                .send(&world.gate, "POST", "/x", &anybody())
                .await
                .is_ok()
        );
        let refused = of_app.send(&world.gate, "POST", PATH, &here).await;
        assert_eq!(refusal(refused), (401, "token_audience_wrong"));
    }
    // A token for both is a token for each.
    let both = with(machine(&world), "aud", json!([APP, server.audience()]));
    let mut both = bearer(&world.token(&with(both, "scope", json!("notes:read"))));
    for _ in 0..2 {
        assert!(ask(&world, &mut both, &here).await.is_ok());
        assert!(
            both.send(&world.gate, "POST", "/x", &anybody())
                .await
                .is_ok()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_was_let_in_there_meets_no_requirement_of_another_route() {
    let world = world().await;
    let (server, here) = server(&world);
    let mut own = bearer(&token(&world, server.audience(), "notes:read"));
    let caller = ask(&world, &mut own, &here).await.unwrap();
    let gate = &world.gate;
    assert_eq!(gate.check_caller(&caller, &here), None);
    assert_eq!(
        gate.check_caller(&caller, &anybody()),
        Some(Denial::TokenAudience)
    );
    assert!(gate.refusal(Some(&caller), &anybody()).is_some());
    assert!(gate.refusal(Some(&caller), &here).is_none());
    let mut of_app = bearer(&token(&world, APP, "notes:read"));
    let caller = of_app
        .send(gate, "GET", "/x", &anybody())
        .await
        .unwrap()
        .caller
        .unwrap();
    assert_eq!(
        gate.check_caller(&caller, &here),
        Some(Denial::TokenAudience)
    );
    assert_eq!(gate.check_caller(&caller, &anybody()), None);
}

#[tokio::test(start_paused = true)]
async fn each_refusal_says_what_a_client_has_to_do() {
    let world = world().await;
    let (server, here) = server(&world);
    let about = format!(
        "Bearer realm=\"sealgate\", resource_metadata=\"{}\"",
        server.metadata_url()
    );
    let refused = ask(&world, &mut Browser::default(), &here)
        .await
        .unwrap_err();
    assert_eq!(
        (refused.status, refused.reason),
        (401, "credential_missing")
    );
    assert_eq!(
        challenges(&refused)[0],
        format!("{about}, scope=\"notes:read\"")
    );
    let old = with(machine(&world), "aud", json!(server.audience()));
    let old = with(old, "exp", json!(1_789_999_000));
    for token in [world.token(&old), "a.b.c".to_owned()] {
        let refused = ask(&world, &mut bearer(&token), &here).await.unwrap_err();
        assert_eq!(refused.status, 401);
        let [one, ..] = challenges(&refused)[..] else {
            panic!("a 401 has a challenge");
        };
        assert!(
            one.starts_with(&format!("{about}, error=\"invalid_token\"")),
            "{one}"
        );
        assert!(one.ends_with(", scope=\"notes:read\""), "{one}");
    }
    let mut without = bearer(&token(&world, server.audience(), "other"));
    let refused = ask(&world, &mut without, &here).await.unwrap_err();
    assert_eq!(refused.status, 403);
    let [only] = challenges(&refused)[..] else {
        panic!("a 403 has one challenge");
    };
    assert_eq!(only.matches("scope=").count(), 1, "{only}");
    assert!(
        only.contains("error=\"insufficient_scope\"") && only.ends_with("scope=\"notes:read\"")
    );
    for wrong in ["Basic YTpi", ""] {
        let refused = ask(&world, &mut calling(wrong), &here).await.unwrap_err();
        assert_eq!(refused.reason, "credential_missing", "{wrong:?}");
    }
    let mut twice = bearer("a.b.c");
    twice
        .headers
        .push(("authorization", "Bearer a.b.c".to_owned()));
    let refused = ask(&world, &mut twice, &here).await.unwrap_err();
    assert_eq!(refused.status, 400);
}

#[tokio::test(start_paused = true)]
async fn a_bound_token_needs_a_proof_for_the_servers_own_address() {
    let world = world_with(&[("SEALGATE_BASE_URL", "https://app.example/tools")]).await;
    let server = world.gate.add_mcp_server(rules(PATH)).unwrap();
    let here = Requirement::Mcp(server.clone());
    let mut holder = Holder::new(&world);
    let jkt = holder.key.public_jwk().thumbprint().unwrap();
    let bound = with(claims(&world), "cnf", json!({ "jkt": jkt }));
    let bound = with(bound, "aud", json!(server.audience()));
    holder.token = world.token(&with(bound, "scope", json!("notes:read")));
    let refused = ask(&world, &mut bearer(&holder.token), &here)
        .await
        .unwrap_err();
    assert_eq!(refused.reason, "token_bound");
    let nonce = crate::browser::header(&refused, "dpop-nonce")
        .unwrap()
        .to_owned();
    for (url, jti, reason) in [
        ("https://app.example/tools/mcp", "p1", None),
        (
            "https://app.example/tools/mcp",
            "p1",
            Some("dpop_proof_reused"),
        ),
        (
            "https://app.example/mcp",
            "p2",
            Some("dpop_proof_misdirected"),
        ),
    ] {
        let proof = holder.proof(&holder.claims(&world, url, &nonce, jti));
        let mut program = holder.calling(&[&proof]);
        let asked = program.send(&world.gate, "GET", "/tools/mcp", &here).await;
        assert_eq!(
            asked.err().map(|refused| refused.reason),
            reason,
            "{url} {jti}"
        );
    }
}

/// What becomes of a message of somebody with these scopes.
fn sent(world: &World, server: &McpResource, scopes: &[&str], body: &[u8]) -> Option<Response> {
    let actor = Actor::Machine(Machine {
        id: "m".to_owned(),
        client: "m".to_owned(),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        ..Machine::default()
    });
    let caller = Caller::for_test(actor, "https://id.example");
    let request = Request {
        transport: Transport::Http,
        method: "POST",
        path: PATH,
        query: b"",
        headers: &[],
    };
    let asked = McpAsked {
        caller: &caller,
        request: &request,
    };
    world.gate.mcp_message(server, asked, body)
}

#[tokio::test(start_paused = true)]
async fn what_goes_on_calls_only_what_is_open_to_its_caller() {
    let world = world().await;
    let (server, _) = server(&world);
    let pieces = prop_oneof![
        Just(r#""jsonrpc":"2.0""#),
        Just(r#""id":1"#),
        Just(r#""method":"tools/call""#),
        Just(r#""method":"tools/list""#),
        Just(r#""m\u0065thod":"tools/call""#),
        Just(r#""params":{}"#),
        Just(r#""params":{"name":"list"}"#),
        Just(r#""params":{"name":"add"}"#),
        Just(r#""params":{"name":"list","name":"add"}"#),
        Just(r#""params":{"arguments":{"name":"add"}}"#),
        Just(r#""params":{"n\u0061me":"add"}"#),
        Just(r#""result":{}"#),
        Just(r#""Method":"tools/call""#),
        Just("\"a\":\"\\\"},\""),
    ];
    let body = (proptest::collection::vec(pieces, 0..7), "[ ,\\]\\}]{0,2}")
        .prop_map(|(pieces, end)| format!("{{{}}}{end}", pieces.join(",")));
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let passed = std::cell::Cell::new(0);
    runner
        .run(&body, |body| {
            if sent(&world, &server, &["notes:read"], body.as_bytes()).is_some() {
                return Ok(());
            }
            passed.set(passed.get() + 1);
            let message: Value =
                serde_json::from_str(&body).map_err(|e| TestCaseError::fail(e.to_string()))?;
            if message["method"] == "tools/call" {
                prop_assert_eq!(&message["params"]["name"], "list");
            }
            Ok(())
        })
        .unwrap();
    assert!(passed.get() > 0, "nothing that was tried went on");
    assert!(
        sent(
            &world,
            &server,
            &["notes:read"],
            br#"{"jsonrpc":"2.0","id":1,"method":"x"}"#
        )
        .is_none()
    );
    let add = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add"}}"#;
    assert!(sent(&world, &server, &["notes:read", "notes:write"], add).is_none());
    for scopes in [&["notes:read"][..], &["notes:write"]] {
        let refused = sent(&world, &server, scopes, add).unwrap();
        assert!(challenges(&refused)[0].ends_with("scope=\"notes:read notes:write\""));
    }
}
