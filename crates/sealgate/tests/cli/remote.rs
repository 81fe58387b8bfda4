//! A control plane administered from elsewhere, over the network.

use serde_json::{Value, json};

use crate::harness::{Done, Home};

/// A command run elsewhere, for the server at `url` as `variables` say.
fn elsewhere(url: &str, variables: &[(&str, &str)], arguments: &[&str]) -> Done {
    let away = Home::new();
    away.run_as(&[arguments, &["--server", url]].concat(), variables)
}

fn add_machine(home: &Home, issuer: &str, id: &str, more: &[&str]) -> Value {
    let api = format!("{issuer}/api/v1");
    let machine = [
        "client",
        "add",
        id,
        "--id",
        id,
        "--grant",
        "client_credentials",
        "--resource",
        &api,
    ];
    home.json(&[&machine, more].concat())
}

const SCOPES: [&str; 4] = [
    "--scope",
    "sealgate:users:read",
    "--scope",
    "sealgate:users:write",
];

#[test]
fn a_machine_with_a_secret_administers_as_far_as_its_scopes_reach() {
    let home = Home::new();
    let server = home.serve(&["--admin-http"]);
    let made = add_machine(&home, &server.url, "robot", &SCOPES);
    let variables = [
        ("SEALGATE_ADMIN_CLIENT_ID", "robot"),
        (
            "SEALGATE_ADMIN_CLIENT_SECRET",
            made["secret"].as_str().unwrap(),
        ),
    ];
    let run = |arguments: &[&str]| elsewhere(&server.url, &variables, arguments);
    let added = run(&["user", "add", "ada@example.com", "--json"]);
    assert_eq!(added.status, 0, "{}", added.stderr);
    let listed = run(&["user", "list", "--json"]);
    let users: Value = serde_json::from_str(&listed.stdout).unwrap();
    assert_eq!(users[0]["email"], "ada@example.com");
    let record = home.json(&["audit", "list", "--action", "user.create"]);
    assert_eq!(record[0]["actor"], "client:robot");
    assert_eq!(record[0]["network"], "127.0.0.1");

    let beyond = run(&["client", "list"]);
    assert_eq!(beyond.status, 1);
    assert_eq!(
        beyond.stderr.lines().last().unwrap(),
        "hint: register the client robot for sealgate:clients:read"
    );
    let admin = run(&["user", "add", "eve@example.com", "--role", "admin"]);
    assert_eq!(admin.status, 1);
    assert!(
        admin.stderr.contains("(administration_exceeded)"),
        "{}",
        admin.stderr
    );

    // The environment can say which server, too; a data directory that is named goes before it.
    let away = Home::new();
    let all = [&variables[..], &[("SEALGATE_SERVER", server.url.as_str())]].concat();
    assert_eq!(away.run_as(&["user", "list"], &all).status, 0);
    let data = home.data();
    let here = ["key", "list", "--data-dir", data.to_str().unwrap()];
    assert_eq!(away.run_as(&here, &all).status, 0);
}

#[test]
fn a_machine_with_a_key_needs_no_secret() {
    let home = Home::new();
    let server = home.serve(&["--admin-http"]);
    let pem = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let file = home.write("admin.pem", &pem.serialize_pem());
    let file = file.to_str().unwrap();
    let more = [&SCOPES[..], &["--jwks", file]].concat();
    let made = add_machine(&home, &server.url, "robot", &more);
    assert_eq!(made["secret"], Value::Null);
    assert!(
        !made.to_string().contains("\"d\""),
        "only the public part is registered"
    );
    let variables = [("SEALGATE_ADMIN_CLIENT_ID", "robot")];
    let listed = elsewhere(
        &server.url,
        &variables,
        &["user", "list", "--json", "--key", file],
    );
    assert_eq!(
        (listed.status, listed.stdout.trim()),
        (0, "[]"),
        "{}",
        listed.stderr
    );
    let by_variable = [variables[0], ("SEALGATE_ADMIN_CLIENT_KEY", file)];
    assert_eq!(
        elsewhere(&server.url, &by_variable, &["user", "list"]).status,
        0
    );
    let other = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let other = home.write("other.pem", &other.serialize_pem());
    let refused = elsewhere(
        &server.url,
        &variables,
        &["user", "list", "--key", other.to_str().unwrap()],
    );
    assert_eq!(refused.status, 1, "{}", refused.stderr);
}

#[test]
fn who_cannot_be_believed_or_reached_is_said_with_what_to_do() {
    let home = Home::new();
    let server = home.serve(&["--admin-http"]);
    add_machine(&home, &server.url, "robot", &SCOPES);
    let wrong = [
        ("SEALGATE_ADMIN_CLIENT_ID", "robot"),
        ("SEALGATE_ADMIN_CLIENT_SECRET", "hunter2"),
    ];
    let refused = elsewhere(&server.url, &wrong, &["user", "list", "--json"]);
    assert_eq!(refused.status, 1);
    assert!(!refused.stderr.contains("hunter2"));
    let said: Value = serde_json::from_str(&refused.stdout).unwrap();
    assert_eq!(
        said["error"]["hint"],
        "check SEALGATE_ADMIN_CLIENT_ID and its secret or key"
    );
    for (variables, url, reason) in [
        (&wrong[..0], server.url.as_str(), "admin_client_missing"),
        (&wrong[..1], &server.url, "admin_secret_missing"),
        (&wrong, "http://id.example", "server_wrong"),
    ] {
        let refused = elsewhere(url, variables, &["user", "list"]);
        assert_eq!(refused.status, 2);
        assert!(refused.stderr.contains(reason), "{}", refused.stderr);
    }
    let nobody = elsewhere("http://127.0.0.1:9", &wrong, &["user", "list"]);
    assert_eq!(nobody.status, 3);
    assert!(nobody.stderr.contains("(server_lost)"), "{}", nobody.stderr);
    let nowhere = home.run(&["user", "list", "--key", "key.pem"]);
    assert!(
        nowhere.stderr.contains("(server_missing)"),
        "{}",
        nowhere.stderr
    );
    let both = home.run(&[
        "user",
        "list",
        "--data-dir",
        "data",
        "--server",
        &server.url,
    ]);
    assert_eq!(both.status, 2);
}

#[test]
fn a_server_that_does_not_open_its_administration_says_nothing_of_it() {
    let home = Home::new();
    let server = home.serve(&[]);
    let made = add_machine(&home, &server.url, "robot", &SCOPES);
    let variables = [
        ("SEALGATE_ADMIN_CLIENT_ID", "robot"),
        (
            "SEALGATE_ADMIN_CLIENT_SECRET",
            made["secret"].as_str().unwrap(),
        ),
    ];
    let refused = elsewhere(&server.url, &variables, &["user", "list"]);
    assert_eq!(refused.status, 1);
    assert!(
        refused.stderr.contains("see the setting admin.http"),
        "{}",
        refused.stderr
    );
    assert_eq!(server.get("/api/v1/openapi.json").status, 404);
}

#[test]
fn strangers_get_nothing_but_the_description() {
    let home = Home::new();
    let server = home.serve(&["--admin-http"]);
    let refused = server.get("/api/v1/users");
    assert_eq!(
        (refused.status, &refused.json()["reason"]),
        (401, &json!("credential_missing"))
    );
    assert_eq!(server.get("/api/v1/openapi.json").status, 200);
}

#[test]
fn over_https_only_a_trusted_certificate_is_told_the_secret() {
    let home = Home::new();
    let certificate = home.certificate();
    let (chain, key) = (certificate.chain_path(), certificate.key_path());
    let server = home.serve(&["--admin-http", "--tls-cert", &chain, "--tls-key", &key]);
    assert!(server.url.starts_with("https://"));
    let made = add_machine(&home, &server.url, "robot", &SCOPES);
    let secret = made["secret"].as_str().unwrap();
    let variables = [
        ("SEALGATE_ADMIN_CLIENT_ID", "robot"),
        ("SEALGATE_ADMIN_CLIENT_SECRET", secret),
        ("SSL_CERT_FILE", &chain),
    ];
    let stranger = elsewhere(&server.url, &variables[..2], &["user", "list"]);
    assert_eq!(stranger.status, 3);
    assert!(
        stranger.stderr.contains("(server_lost)"),
        "{}",
        stranger.stderr
    );
    let trusted = elsewhere(&server.url, &variables, &["user", "list"]);
    assert_eq!(trusted.status, 0, "{}", trusted.stderr);
}
