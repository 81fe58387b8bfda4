//! Starting, answering and stopping.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::harness::Home;

const PASSWORD: &str = "correct horse battery staple";

#[test]
fn the_version_is_told_without_touching_anything() {
    let home = Home::new();
    let done = home.run(&["--version"]);
    assert_eq!(
        (done.status, done.stdout.as_str()),
        (0, concat!("sealgate ", env!("CARGO_PKG_VERSION"), "\n"))
    );
    assert!(!home.data().exists());
}

#[test]
fn the_first_start_makes_a_closed_data_directory_and_prints_the_set_up_link() {
    let home = Home::new();
    let server = home.serve(&[]);
    let setup = server.announced["setup"]["url"].as_str().unwrap();
    assert!(
        setup.starts_with(&format!("{}/invitation?token=", server.url)),
        "{setup}"
    );
    assert_eq!(server.announced["issuer"], server.url.as_str());
    let mode = |name: &str| {
        fs::metadata(home.data().join(name))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode(""), 0o700);
    for name in ["master.key", "sealgate.db", "admin.sock"] {
        assert_eq!(mode(name), 0o600, "{name}");
    }
    let page = server.get(setup.strip_prefix(&server.url).unwrap());
    assert_eq!(page.status, 200, "{}", page.body);
    let discovery = server.get("/.well-known/openid-configuration").json();
    assert_eq!(discovery["issuer"], server.url.as_str());
}

#[test]
fn an_administrator_ends_the_set_up_links() {
    let home = Home::new();
    let server = home.serve(&[]);
    let add = [
        "user",
        "add",
        "root@example.com",
        "--role",
        "admin",
        "--password-stdin",
    ];
    assert_eq!(home.run_with(&add, PASSWORD).status, 0);
    assert_eq!(server.terminate().status, 0);
    assert_eq!(home.serve(&[]).announced["setup"], Value::Null);
}

#[test]
fn a_socket_left_behind_by_a_killed_server_is_no_server() {
    let home = Home::new();
    home.serve(&[]).kill();
    assert!(home.data().join("admin.sock").exists());
    assert_eq!(home.run(&["user", "list"]).status, 0);
    let server = home.serve(&[]);
    assert_eq!(home.run(&["user", "list"]).status, 0);
    drop(server);
}

#[test]
fn the_log_has_a_line_per_request_and_never_its_query() {
    let home = Home::new();
    let server = home.serve(&["--log-format", "json", "--log-level", "debug"]);
    server.get("/nowhere?token=s3cret");
    let setup = server.announced["setup"]["url"]
        .as_str()
        .unwrap()
        .to_owned();
    let stopped = server.terminate();
    let lines: Vec<Value> = stopped
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let line = lines
        .iter()
        .find(|line| line["path"] == "/nowhere")
        .unwrap();
    assert_eq!(
        (&line["status"], &line["method"]),
        (&404.into(), &"GET".into())
    );
    assert!(!stopped.stderr.contains("s3cret"));
    let token = setup.split_once("token=").unwrap().1;
    assert!(!stopped.stderr.contains(token));
}

#[test]
fn stopping_ends_the_feeds_streams_and_exits_0() {
    let home = Home::new();
    let server = home.serve(&[]);
    let uri = "http://127.0.0.1:8000/auth/callback";
    let client = home.json(&["client", "add", "App", "--redirect-uri", uri, "--id", "app"]);
    let stream = server.open_feed("app", client["secret"].as_str().unwrap());
    let stopped = server.terminate();
    assert_eq!(stopped.status, 0, "{}", stopped.stderr);
    // Ended by the server, not left to time out.
    assert!(stopped.took.as_secs() < 8, "{:?}", stopped.took);
    stream.read_to_end();
}

#[test]
fn https_is_served_directly_with_a_certificate() {
    let home = Home::new();
    let cert = home.certificate();
    let (chain, key) = (cert.chain_path(), cert.key_path());
    let server = home.serve(&["--tls-cert", &chain, "--tls-key", &key]);
    assert!(
        server.url.starts_with("https://127.0.0.1:"),
        "{}",
        server.url
    );
    assert_eq!(server.announced["issuer"], server.url.as_str());
    let health = server.get_tls("/health", &cert);
    assert_eq!(
        (health.status, health.body.as_str()),
        (200, r#"{"ok":true}"#)
    );

    assert_eq!(home.run(&["serve", "--tls-cert", &chain]).status, 2);
    let other = Home::new();
    let wrong = other.run(&[
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--tls-cert",
        &key,
        "--tls-key",
        &key,
    ]);
    assert_eq!(wrong.status, 2);
    assert!(wrong.stderr.contains("(tls_unusable)"), "{}", wrong.stderr);
}
