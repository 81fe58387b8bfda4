//! What is open to AI agents, which there are, and taking back what they were granted.

use serde_json::{Value, json};

use crate::harness::{Home, seed_session};

const NOTES: &str = "https://notes.example/mcp";

/// A home whose server has run once.
fn home() -> Home {
    let home = Home::new();
    assert_eq!(home.serve(&[]).terminate().status, 0);
    home
}

#[test]
fn a_resource_is_opened_to_agents_with_its_tools_and_closed_again() {
    let home = home();
    let made = home.json(&[
        "resource",
        "add",
        NOTES,
        "Notes",
        "--agents",
        "--scope",
        "notes:read=Read your notes",
        "--scope",
        "notes:write=Change your notes",
        "--tool",
        "find=Find notes=notes:read",
        "--tool",
        "move_note=Move a note=notes:read,notes:write",
    ]);
    assert_eq!(made["agents"], true);
    assert_eq!(
        made["tools"][1],
        json!({ "name": "move_note", "description": "Move a note", "scopes": ["notes:read", "notes:write"] })
    );
    let shown = home.run(&["resource", "show", NOTES]).stdout;
    for told in [
        "Open to agents  yes",
        "find: Find notes (takes notes:read)",
        "move_note: Move a note (takes notes:read notes:write)",
    ] {
        assert!(shown.contains(told), "{told} in {shown}");
    }
    let wrong = [
        "resource",
        "update",
        NOTES,
        "--tool",
        "find=Find notes=other",
    ];
    let refused = home.run(&wrong);
    assert_eq!(refused.status, 1);
    assert!(
        refused.stderr.contains("tool_scope_unknown"),
        "{}",
        refused.stderr
    );
    let changed = home.json(&[
        "resource",
        "update",
        NOTES,
        "--agents",
        "false",
        "--no-tools",
    ]);
    assert_eq!(
        (&changed["agents"], &changed["tools"]),
        (&json!(false), &json!([]))
    );
}

#[test]
fn agents_are_listed_and_what_they_were_granted_is_taken_back() {
    let home = home();
    let made = home.json(&["user", "add", "ada@example.com"]);
    let ada = made["user"]["id"].as_str().unwrap().to_owned();
    let uri = "http://127.0.0.1:8000/auth/callback";
    let add = |id: &str, more: &[&str]| {
        let all = ["client", "add", "Helper", "--redirect-uri", uri, "--id", id];
        home.json(&[&all, more].concat())
    };
    let helper = add("helper", &["--agent", "--session-lifetime", "3600"]);
    assert_eq!(helper["client"]["session_lifetime"], 3600);
    add("app", &[]);
    let own = seed_session(&home.data(), &ada, "helper");
    let usual = seed_session(&home.data(), &ada, "app");
    let server = home.serve(&[]);
    let agents = home.json(&["agent", "list"]);
    assert_eq!(agents.as_array().unwrap().len(), 1);
    assert_eq!(
        (
            &agents[0]["client"],
            &agents[0]["users"],
            &agents[0]["sessions"]
        ),
        (&json!("helper"), &json!(1), &json!(1))
    );
    let text = home.run(&["agents", "list"]).stdout;
    assert!(
        text.contains("helper") && text.contains("registered"),
        "{text}"
    );

    // What ends something for everybody wants a yes.
    let refused = home.run(&["agent", "revoke", "helper"]);
    assert_eq!(refused.status, 2);
    assert!(
        refused.stderr.contains("confirmation_missing"),
        "{}",
        refused.stderr
    );
    let done = home.json(&["agent", "revoke", "helper", "--user", "ada@example.com"]);
    assert_eq!(done["sessions"], 1, "{done}");
    let session = |id: &str| home.json(&["session", "show", id]);
    assert_eq!(session(&own)["revoked_for"], "consent_withdrawn");
    assert_eq!(session(&usual)["revoked_at"], Value::Null);
    let done = home.json(&["agent", "revoke", "helper", "--yes"]);
    assert_eq!(done["sessions"], 0, "{done}");
    let refused = home.run(&["agent", "revoke", "app", "--yes"]);
    assert_eq!(refused.status, 1);
    assert!(
        refused.stderr.contains("agent_unknown"),
        "{}",
        refused.stderr
    );

    // What was done by one request is found by its trace.
    let records = home.json(&["audit", "list", "--action", "agent.revoke"]);
    let trace = records[0]["trace"].as_str().unwrap();
    let found = home.json(&["audit", "list", "--trace", trace]);
    assert_eq!(found.as_array().unwrap().len(), 1);
    assert_eq!(found[0]["number"], records[0]["number"]);
    let refused = home.run(&["audit", "list", "--trace", "nothing"]);
    assert_eq!(refused.status, 1);
    assert_eq!(server.terminate().status, 0);
}
