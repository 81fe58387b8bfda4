//! What an operator does, with and without a running server.

use serde_json::Value;

use crate::harness::{Home, seed_session};

#[test]
fn a_running_and_a_stopped_control_plane_are_administered_alike() {
    let home = Home::new();
    let server = home.serve(&[]);
    administer(&home, "running");
    let issuer = server.url.clone();
    assert_eq!(server.terminate().status, 0);
    assert!(!home.data().join("admin.sock").exists());

    administer(&home, "stopped");
    let users = home.json(&["user", "list"]);
    let emails: Vec<&str> = users
        .as_array()
        .unwrap()
        .iter()
        .map(|user| user["email"].as_str().unwrap())
        .collect();
    assert_eq!(
        emails,
        ["ada-running@example.com", "ada-stopped@example.com"]
    );
    let added = home.json(&["user", "add", "grace@example.com"]);
    let link = added["invitation"]["url"].as_str().unwrap();
    assert!(
        link.starts_with(&format!("{issuer}/invitation?token=")),
        "{link}"
    );
}

/// Everything an operator does, told apart by `mode`.
fn administer(home: &Home, mode: &str) {
    let email = format!("ada-{mode}@example.com");
    let added = home.json(&["user", "add", &email, "--name", "Ada", "--role", "auditor"]);
    assert_eq!(
        (&added["user"]["status"], &added["user"]["roles"][0]),
        (&"invited".into(), &"auditor".into())
    );

    let again = home.run(&["user", "add", &email.to_uppercase()]);
    assert_eq!(again.status, 1);
    assert!(
        again
            .stderr
            .starts_with("error: this e-mail address is already in use (conflict)\n"),
        "{}",
        again.stderr
    );

    let disabled = home.json(&["users", "disable", &email]);
    assert_eq!(disabled["status"], "disabled");
    let enabled = home.json(&["user", "enable", added["user"]["id"].as_str().unwrap()]);
    assert_eq!(enabled["status"], "invited");

    let id = format!("app-{mode}");
    let uri = "http://127.0.0.1:8000/auth/callback";
    let client = home.run(&[
        "client",
        "add",
        "App",
        "--redirect-uri",
        uri,
        "--id",
        &id,
        "--scope",
        "expenses:read",
    ]);
    assert_eq!(client.status, 0, "{}", client.stderr);
    let lines: Vec<&str> = client.stdout.lines().collect();
    assert!(
        lines[0].starts_with("SEALGATE_ISSUER=http://127.0.0.1:"),
        "{lines:?}"
    );
    assert_eq!(lines[1], format!("SEALGATE_CLIENT_ID={id}"));
    assert_eq!(
        lines[2]
            .strip_prefix("SEALGATE_CLIENT_SECRET=")
            .unwrap()
            .len(),
        43
    );
    assert_eq!(lines.len(), 3);

    let clients = home.json(&["clients", "list"]);
    let client = clients
        .as_array()
        .unwrap()
        .iter()
        .find(|client| client["id"] == id.as_str())
        .unwrap();
    assert_eq!(client["scopes"][4], "expenses:read");
    assert_eq!(client.get("secret"), None);

    let before = home.json(&["key", "list"]);
    let after = home.json(&["key", "rotate", "--now"]);
    let kid = |keys: &Value, state: &str| {
        let found = keys
            .as_array()
            .unwrap()
            .iter()
            .find(|key| key["state"] == state)
            .unwrap();
        found["kid"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        kid(&after, "active"),
        kid(&before, "next"),
        "the published key signs"
    );
    assert_eq!(home.json(&["keys", "list"]), after);
    assert!(
        home.run(&["session", "list"])
            .stderr
            .contains("There are no live sessions.")
    );
}

#[test]
fn a_revoked_session_leaves_the_list_of_live_ones() {
    let home = Home::new();
    assert_eq!(home.serve(&[]).terminate().status, 0);
    let user = home.json(&["user", "add", "ada@example.com"])["user"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let uri = "http://127.0.0.1:8000/auth/callback";
    home.json(&["client", "add", "App", "--redirect-uri", uri, "--id", "app"]);
    let sid = seed_session(&home.data(), &user, "app");

    let server = home.serve(&[]);
    for filter in [
        &["--user", "ada@example.com"][..],
        &["--user", &user],
        &["--client", "app"],
        &[],
    ] {
        let live = home.json(&[&["session", "list"], filter].concat());
        assert_eq!(live[0]["id"], sid.as_str(), "{filter:?}");
        assert_eq!(live[0]["email"], "ada@example.com");
    }
    assert_eq!(
        home.json(&["session", "list", "--client", "other"]),
        serde_json::json!([])
    );

    let done = home.run(&["session", "revoke", &sid]);
    assert_eq!(
        (done.status, done.stdout.as_str()),
        (0, "The session of ada@example.com on app is revoked.\n")
    );
    assert_eq!(
        home.run(&["session", "revoke", &sid]).status,
        0,
        "revoking again changes nothing"
    );
    assert_eq!(home.json(&["session", "list"]), serde_json::json!([]));
    let all = home.json(&["session", "list", "--all"]);
    assert_eq!(
        (&all[0]["id"], &all[0]["revoked_for"]),
        (&sid.as_str().into(), &"admin".into())
    );
    drop(server);
}

#[test]
fn a_seal_key_is_fresh_each_time_and_fits_a_gate() {
    let home = Home::new();
    let first = home.run(&["seal-key", "generate"]).stdout;
    let second = home.run(&["seal-key", "generate"]).stdout;
    assert_ne!(first, second);
    assert!(
        sealgate_session::KeyRing::parse(&format!("{},{}", first.trim(), second.trim())).is_ok()
    );
    assert_eq!(
        home.json(&["seal-key", "generate"])["seal_key"]
            .as_str()
            .unwrap()
            .len(),
        43
    );
}

#[test]
fn a_lost_invitation_is_replaced_by_a_new_link_with_and_without_a_server() {
    let home = Home::new();
    let server = home.serve(&[]);
    let added = home.json(&["user", "add", "ada@example.com"]);
    let first = added["invitation"]["url"].as_str().unwrap().to_owned();
    let again = home.json(&["user", "invite", "ada@example.com"]);
    let second = again["invitation"]["url"].as_str().unwrap().to_owned();
    assert_eq!(again["user"]["status"], "invited");
    let status = |url: &str| server.get(url.strip_prefix(&server.url).unwrap()).status;
    assert_eq!((status(&first), status(&second)), (410, 200));
    let id = added["user"]["id"].as_str().unwrap();
    let third = home.run(&["user", "invite", id]);
    assert_eq!(third.status, 0, "{}", third.stderr);
    assert_eq!(
        (status(&second), status(third.stdout.trim_end())),
        (410, 200)
    );
    home.json(&["user", "disable", id]);
    let disabled = home.run(&["user", "invite", id]);
    assert_eq!(disabled.status, 1);
    assert!(
        disabled
            .stderr
            .ends_with("(account_disabled)\nhint: enable it first: sealgate user enable EMAIL\n"),
        "{}",
        disabled.stderr
    );
    let issuer = server.url.clone();
    assert_eq!(server.terminate().status, 0);
    home.json(&["user", "enable", id]);
    let link = home.json(&["user", "invite", id])["invitation"]["url"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(link.starts_with(&issuer), "{link}");
    let nobody = home.run(&["user", "invite", "nobody@example.com"]);
    assert!(nobody.stderr.contains("(user_unknown)"));
}
