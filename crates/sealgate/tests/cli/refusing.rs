//! What is refused, with which exit status and which words.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::harness::{Home, Sink};

#[test]
fn what_does_not_exist_is_refused_with_a_hint() {
    let home = Home::new();
    let server = home.serve(&[]);
    let nobody = home.run(&["user", "disable", "nobody@example.com"]);
    assert_eq!(nobody.status, 1);
    assert_eq!(
        nobody.stderr,
        "error: there is no user nobody@example.com (user_unknown)\nhint: see `sealgate user list`\n"
    );
    let unknown = "01890a5d-ac96-774b-bcce-b302099a8057";
    assert_eq!(home.run(&["user", "disable", unknown]).status, 1);
    let session = home.run(&["--json", "session", "revoke", unknown]);
    assert_eq!(session.status, 1);
    let document: Value = serde_json::from_str(&session.stdout).unwrap();
    assert_eq!(document["error"]["reason"], "session_unknown");
    assert_eq!(document["error"]["trace_id"].as_str().unwrap().len(), 32);
    assert_eq!(home.run(&["session", "revoke", "not-an-id"]).status, 2);
    let plain = home.run(&[
        "client",
        "add",
        "App",
        "--redirect-uri",
        "http://app.example/cb",
    ]);
    assert_eq!(plain.status, 1);
    assert!(
        plain.stderr.contains("(redirect_uri_scheme)"),
        "{}",
        plain.stderr
    );
    let weak = home.run_with(
        &["user", "add", "a@example.com", "--password-stdin"],
        "hunter2\n",
    );
    assert_eq!(weak.status, 1);
    assert!(
        weak.stderr.contains("(password_refused)") && !weak.stderr.contains("hunter2"),
        "{}",
        weak.stderr
    );
    drop(server);
}

#[test]
fn a_directory_without_a_control_plane_is_unavailable_and_stays_untouched() {
    let home = Home::new();
    let done = home.run(&["user", "list"]);
    assert_eq!(done.status, 3);
    assert!(
        done.stderr
            .contains("(data_dir_empty)\nhint: start it with: sealgate serve --data-dir "),
        "{}",
        done.stderr
    );
    assert!(!home.data().exists());
}

#[test]
fn a_second_server_on_the_same_data_is_refused_and_the_first_goes_on() {
    let home = Home::new();
    let server = home.serve(&[]);
    let second = home.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(second.status, 3);
    assert!(
        second.stderr.contains("(store_locked)"),
        "{}",
        second.stderr
    );
    assert_eq!(
        home.run(&["user", "list"]).status,
        0,
        "the first one's socket is still there"
    );
    assert_eq!(server.get("/health").body, r#"{"ok":true}"#);
}

#[test]
fn plain_http_beyond_this_machine_is_refused_before_anything_is_made() {
    let home = Home::new();
    for arguments in [
        &["--listen", "0.0.0.0:0"][..],
        &["--listen", "0.0.0.0:0", "--issuer", "http://127.0.0.1:8420"],
        &["--listen", "[::]:0", "--issuer", "http://id.example"],
    ] {
        let done = home.run(&[&["serve"], arguments].concat());
        assert_eq!(done.status, 2, "{arguments:?}");
        assert!(
            done.stderr
                .contains("(plain_http)\nhint: give --tls-cert and --tls-key"),
            "{}",
            done.stderr
        );
    }
    assert!(!home.data().exists());
    // Behind a TLS proxy the issuer is https, and the listener may be anywhere.
    let server = home.serve_at("0.0.0.0:0", &["--issuer", "https://id.example"]);
    assert_eq!(server.announced["issuer"], "https://id.example");
}

#[test]
fn a_master_key_that_others_can_read_is_refused() {
    let home = Home::new();
    assert_eq!(home.serve(&[]).terminate().status, 0);
    let key = home.data().join("master.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    for command in [&["serve", "--listen", "127.0.0.1:0"][..], &["user", "list"]] {
        let done = home.run(command);
        assert_eq!(done.status, 3);
        assert!(
            done.stderr
                .contains("(permissions_open)\nhint: run: chmod 600 "),
            "{}",
            done.stderr
        );
    }
    fs::remove_file(&key).unwrap();
    let done = home.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(done.status, 3);
    assert!(done.stderr.contains("(master_key_lost)"), "{}", done.stderr);
}

#[test]
fn every_refusal_is_a_problem_page_with_a_trace_id() {
    let home = Home::new();
    let server = home.serve(&[]);
    let lost = server.get("/nowhere?token=s3cret");
    assert_eq!(
        (lost.status, &lost.json()["reason"]),
        (404, &"not_found".into())
    );
    assert_eq!(
        lost.header("content-type"),
        Some("application/problem+json")
    );
    assert_eq!(
        lost.header("sealgate-trace"),
        lost.json()["trace_id"].as_str()
    );
    let method = server.send("DELETE", "/health", &[], b"");
    assert_eq!(
        (method.status, &method.json()["reason"]),
        (405, &"method_not_allowed".into())
    );
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    let large = server.send("POST", "/oauth/token", &form, &vec![b'a'; 5 << 20]);
    assert_eq!(
        (large.status, &large.json()["reason"]),
        (413, &"body_too_large".into())
    );
    let chunked = server.send_chunked("/oauth/token", &form, &vec![b'a'; 100_000]);
    assert_eq!(chunked.status, 413, "{}", chunked.body);
    assert_eq!(server.get("/ready").body, r#"{"ready":true,"store":true}"#);
    let admin = server.get("/api/v1/users");
    assert_eq!(admin.status, 404, "administration is not on the network");
}

#[test]
fn output_that_cannot_be_written_is_a_failure_and_a_lost_secret_says_what_to_do() {
    let home = Home::new();
    assert_eq!(home.serve(&[]).terminate().status, 0);
    let uri = "http://127.0.0.1:8000/auth/callback";
    let client = ["client", "add", "App", "--redirect-uri", uri, "--id"];
    let full = home.run_into(&[&client[..], &["one"]].concat(), Sink::Full);
    assert_eq!(full.status, 3);
    assert!(
        full.stderr
            .contains("(output_unwritten)\nhint: the secret of one is lost;"),
        "{}",
        full.stderr
    );
    let gone = home.run_into(&[&client[..], &["two"]].concat(), Sink::Gone);
    assert_eq!(gone.status, 3, "{}", gone.stderr);
    for sink in [Sink::Full, Sink::Gone] {
        let email = format!("{sink:?}@example.com");
        let lost = home.run_into(&["user", "add", &email], sink);
        assert_eq!(lost.status, 3);
        assert!(
            lost.stderr.contains("sealgate user invite "),
            "{}",
            lost.stderr
        );
        assert_eq!(home.run_into(&["seal-key", "generate"], sink).status, 3);
    }
    let listed = home.run_into(&["user", "list"], Sink::Full);
    assert_eq!(listed.status, 3);
    let head = home.run_into(&["user", "list"], Sink::Gone);
    assert_eq!(
        head.status, 0,
        "who has seen enough may go: {}",
        head.stderr
    );
}

#[test]
fn wrong_usage_is_told_in_json_where_json_was_asked_for() {
    let home = Home::new();
    for arguments in [
        &["--json", "user", "remove"][..],
        &["user", "list", "--json", "--nonsense"],
        &["session", "revoke", "not-an-id", "--json"],
        &["client", "add", "--json"],
    ] {
        let done = home.run(arguments);
        assert_eq!(done.status, 2, "{arguments:?}");
        let document: Value = serde_json::from_str(&done.stdout).unwrap();
        assert_eq!(document["error"]["reason"], "usage_wrong");
        assert!(document["error"]["detail"].as_str().unwrap().len() > 10);
        assert!(done.stderr.starts_with("error: "), "{}", done.stderr);
    }
    let plain = home.run(&["user", "remove"]);
    assert_eq!((plain.status, plain.stdout.as_str()), (2, ""));
    let help = home.run(&["--json", "--help"]);
    assert_eq!(help.status, 0);
    assert!(help.stdout.contains("Usage: sealgate"));
}
