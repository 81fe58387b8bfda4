//! Clients, resources and accounts, registered and changed by command.

use serde_json::{Value, json};

use crate::harness::Home;

const API: &str = "https://api.example";
const CALLBACK: &str = "http://127.0.0.1:8000/auth/callback";

/// A home whose server has run once.
fn home() -> Home {
    let home = Home::new();
    assert_eq!(home.serve(&[]).terminate().status, 0);
    home
}

/// Registers a client with every option there is.
fn add_with_everything(home: &Home, keys: &str) -> Value {
    home.json(&[
        "client",
        "add",
        "App",
        "--id",
        "app",
        "--redirect-uri",
        CALLBACK,
        "--logout-uri",
        "http://127.0.0.1:8000/",
        "--scope",
        "a:read",
        "--grant",
        "authorization_code",
        "--grant",
        "device_code",
        "--resource",
        API,
        "--jwks",
        keys,
        "--endpoint-audience",
        "--require-pushed",
        "--require-dpop",
        "--consent",
        "required",
        "--algorithm",
        "ES256",
        "--backchannel-logout-uri",
        "https://app.example/logout",
        "--access-lifetime",
        "120",
        "--tenant",
        "acme",
        "--may-act",
        "app",
    ])
}

#[test]
fn everything_that_can_be_said_of_a_client_is_kept_changed_and_taken_away() {
    let home = home();
    home.json(&["resource", "add", API, "API", "--scope", "a:read=Read it"]);
    let key = json!({ "kty": "OKP", "crv": "Ed25519", "kid": "one",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
    let file = home.write("key.json", &key.to_string());
    let made = add_with_everything(&home, file.to_str().unwrap());
    assert_eq!(made["secret"], Value::Null);
    let client = home.json(&["client", "show", "app"]);
    assert_eq!(client, made["client"]);
    for (name, value) in [
        ("authentication", json!("private_key_jwt")),
        ("jwks", json!({ "keys": [key] })),
        (
            "grants",
            json!([
                "authorization_code",
                "urn:ietf:params:oauth:grant-type:device_code"
            ]),
        ),
        ("resources", json!([API])),
        ("endpoint_audience", json!(true)),
        ("require_pushed", json!(true)),
        ("require_dpop", json!(true)),
        ("consent", json!("required")),
        ("algorithm", json!("ES256")),
        ("access_lifetime", json!(120)),
        ("tenant", json!("acme")),
        ("may_act", json!("app")),
    ] {
        assert_eq!(client[name], value, "{name}");
    }
    let shown = home.run(&["client", "show", "app"]).stdout;
    assert!(shown.contains("Tokens exchanged by   app\n"), "{shown}");
    let changed = home.json(&[
        "client",
        "update",
        "app",
        "--name",
        "Another",
        "--require-dpop=false",
        "--jwks-uri",
        "https://app.example/keys",
        "--unset",
        "tenant",
        "--unset",
        "logout-uri",
        "--unset",
        "access-lifetime",
        "--unset",
        "may-act",
    ]);
    assert_eq!(
        (&changed["name"], &changed["require_dpop"]),
        (&json!("Another"), &json!(false))
    );
    assert_eq!(
        (&changed["jwks"], &changed["tenant"], &changed["may_act"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    assert_eq!(changed["jwks_uri"], "https://app.example/keys");
    assert_eq!(
        (&changed["logout_uris"], &changed["require_pushed"]),
        (&json!([]), &json!(true))
    );
    let nothing = home.run(&["client", "update", "app"]);
    assert_eq!(nothing.status, 2);
    assert!(
        nothing.stderr.contains("(change_missing)"),
        "{}",
        nothing.stderr
    );
    let shown = home.run(&["client", "show", "app"]).stdout;
    assert!(shown.contains("Name                  Another\n"), "{shown}");
}

#[test]
fn a_new_secret_is_shown_once_and_a_removed_client_is_gone() {
    let home = home();
    let add = [
        "client",
        "add",
        "App",
        "--redirect-uri",
        CALLBACK,
        "--id",
        "app",
    ];
    let first = home.json(&add)["secret"].as_str().unwrap().to_owned();
    let renewed = home.run(&["client", "secret", "app"]);
    assert_eq!(renewed.status, 0, "{}", renewed.stderr);
    let line = renewed.stdout.lines().find(|line| line.contains("SECRET"));
    let second = line.unwrap().split('=').nth(1).unwrap();
    assert!(second.len() == 43 && second != first);
    let by_keys = home.run(&["client", "update", "app", "--auth", "private_key_jwt"]);
    assert_eq!(by_keys.status, 1);
    assert!(
        by_keys.stderr.ends_with(
            "(client_keys_missing)\nhint: give them with --jwks FILE or --jwks-uri URL\n"
        ),
        "{}",
        by_keys.stderr
    );
    let disabled = home.json(&["client", "disable", "app"]);
    assert!(disabled["disabled_at"].is_i64());
    assert_eq!(
        home.json(&["client", "enable", "app"])["disabled_at"],
        Value::Null
    );
    let unsure = home.run(&["client", "remove", "app"]);
    assert_eq!(unsure.status, 2);
    assert_eq!(
        unsure.stderr,
        "error: this would remove the client app for good (confirmation_missing)\nhint: give --yes if that is what you want\n"
    );
    let removed = home.run(&["client", "remove", "app", "--yes"]);
    assert_eq!(
        removed.stdout,
        "app is removed, and its sessions are revoked.\n"
    );
    let gone = home.run(&["client", "show", "app"]);
    assert_eq!(gone.status, 1);
    assert!(
        gone.stderr
            .ends_with("(client_unknown)\nhint: see `sealgate client list`\n")
    );
    assert_eq!(home.run(&["client", "show", ".."]).status, 2);
}

#[test]
fn a_resource_is_added_changed_and_removed() {
    let home = home();
    let uri = "https://api.example/expenses?a=b";
    let add = [
        "resource",
        "add",
        uri,
        "Expenses",
        "--scope",
        "e:read=See your expenses",
    ];
    let made = home.json(&add);
    assert_eq!(made["scopes"][0]["description"], "See your expenses");
    assert_eq!(home.json(&["resources", "list"]), json!([made]));
    home.json(&[
        "client",
        "add",
        "App",
        "--redirect-uri",
        CALLBACK,
        "--id",
        "app",
        "--resource",
        uri,
    ]);
    let changed = home.json(&[
        "resource", "update", uri, "--name", "Travel", "--client", "app",
    ]);
    assert_eq!(
        (&changed["name"], &changed["client"]),
        (&json!("Travel"), &json!("app"))
    );
    assert_eq!(home.json(&["resource", "show", uri]), changed);
    let changed = home.json(&["resource", "update", uri, "--no-client"]);
    assert_eq!(changed["client"], Value::Null);
    let used = home.run(&["resource", "remove", uri, "--yes"]);
    assert!(
        used.stderr.contains("(resource_in_use)\nhint: "),
        "{}",
        used.stderr
    );
    home.json(&["client", "update", "app", "--unset", "resource"]);
    assert_eq!(home.run(&["resource", "remove", uri]).status, 2);
    assert_eq!(home.run(&["resource", "remove", uri, "--yes"]).status, 0);
    assert_eq!(home.json(&["resource", "list"]), json!([]));
}

#[test]
fn an_account_is_changed_and_shown() {
    let home = home();
    home.json(&[
        "user",
        "add",
        "ada@example.com",
        "--role",
        "accountant",
        "--tenant",
        "acme",
    ]);
    let update =
        |more: &[&str]| home.json(&[&["user", "update", "ada@example.com"], more].concat());
    let changed = update(&["--name", "Ada", "--role", "auditor", "--role", "accountant"]);
    assert_eq!(changed["roles"], json!(["accountant", "auditor"]));
    assert_eq!(
        (&changed["name"], &changed["tenant"]),
        (&json!("Ada"), &json!("acme"))
    );
    let changed = update(&["--no-roles", "--no-tenant", "--name", ""]);
    assert_eq!(
        (&changed["roles"], &changed["tenant"], &changed["name"]),
        (&json!([]), &Value::Null, &json!(""))
    );
    assert_eq!(home.json(&["user", "show", "ada@example.com"]), changed);
    let out = home.run(&["user", "sign-out", "ada@example.com"]);
    assert_eq!(out.stdout, "ada@example.com is signed out everywhere.\n");
    assert_eq!(home.run(&["user", "update", "ada@example.com"]).status, 2);
}

#[test]
fn the_api_describes_itself() {
    let home = home();
    let document: Value = serde_json::from_str(&home.run(&["openapi"]).stdout).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(
        document["paths"]["/users"]["get"]["operationId"],
        "listUsers"
    );
}
