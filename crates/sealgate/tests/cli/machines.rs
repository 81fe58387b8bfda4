//! Service accounts by command: registered, enrolled, used, offboarded.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::harness::{Done, Home, Server};

const API: &str = "https://api.example";

/// A home with a server and a service account without a key.
fn home() -> (Home, Server) {
    let home = Home::new();
    let server = home.serve(&[]);
    home.json(&["resource", "add", API, "API", "--scope", "e:write=Write"]);
    let made = home.json(&[
        "machine",
        "add",
        "importer",
        "--owner",
        "finance@example.com",
        "--purpose",
        "imports expenses",
        "--expires",
        "90d",
        "--scope",
        "e:write",
        "--resource",
        API,
    ]);
    assert_eq!(
        (&made["id"], &made["state"]),
        (&json!("importer"), &json!("active"))
    );
    (home, server)
}

/// Runs a command on another machine.
fn enroll(away: &Home, server: &Server, key: &str, credential: &str) -> Done {
    let arguments = [
        "machine",
        "enroll",
        "--issuer",
        &server.url,
        "--key-file",
        key,
    ];
    away.run_with(&arguments, credential)
}

fn claims(token: &str) -> Value {
    use base64::Engine as _;
    let payload = token.split('.').nth(1).unwrap();
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload);
    serde_json::from_slice(&bytes.unwrap()).unwrap()
}

#[test]
fn a_machine_enrolls_once_gets_tokens_by_its_key_and_is_offboarded() {
    let (home, server) = home();
    let made = home.run(&["machine", "bootstrap", "importer", "--lifetime", "300"]);
    assert_eq!(made.status, 0, "{}", made.stderr);
    assert!(
        made.stderr.contains("good once and until"),
        "{}",
        made.stderr
    );
    let credential = made.stdout.trim();
    assert!(credential.starts_with("sealgate_bootstrap_"));

    let away = Home::new();
    let enrolled = enroll(&away, &server, "key.pem", &made.stdout);
    assert_eq!(enrolled.status, 0, "{}", enrolled.stderr);
    assert!(enrolled.stdout.contains("importer"), "{}", enrolled.stdout);
    assert!(enrolled.stderr.contains("sealgate machine token importer"));
    let key = away.data().with_file_name("key.pem");
    let rights = std::fs::metadata(&key).unwrap().permissions().mode();
    assert_eq!(rights & 0o777, 0o600);
    assert!(!(enrolled.stdout + &enrolled.stderr).contains(credential));

    let again = enroll(&away, &server, "other.pem", &made.stdout);
    assert_eq!(again.status, 1);
    assert!(
        again.stderr.contains("(bootstrap_used)\nhint: "),
        "{}",
        again.stderr
    );
    assert!(!away.data().with_file_name("other.pem").exists());
    let there = enroll(&away, &server, "key.pem", &made.stdout);
    assert_eq!(there.status, 2);
    assert!(
        there.stderr.contains("(key_file_unwritten)"),
        "{}",
        there.stderr
    );

    let token = |more: &[&str]| {
        let usual = [
            "machine",
            "token",
            "importer",
            "--key-file",
            "key.pem",
            "--issuer",
            &server.url,
        ];
        away.run(&[&usual, more].concat())
    };
    let given = token(&["--resource", API, "--scope", "e:write"]);
    assert_eq!(given.status, 0, "{}", given.stderr);
    let told = claims(given.stdout.trim());
    assert_eq!(
        (&told["sub"], &told["aud"]),
        (&json!("importer"), &json!(API))
    );
    let whole: Value = serde_json::from_str(&token(&["--json"]).stdout).unwrap();
    assert_eq!(whole["scope"], "e:write");
    let beyond = token(&["--scope", "other"]);
    assert_eq!(beyond.status, 1);
    assert!(
        beyond.stderr.contains("(scope_not_allowed)"),
        "{}",
        beyond.stderr
    );

    let shown = home.json(&["machine", "show", "importer"]);
    assert!(shown["last_used_at"].is_i64() && shown["scopes"][0]["last_used_at"].is_i64());
    assert_eq!(shown["jwks"]["keys"].as_array().unwrap().len(), 1);

    let unsure = home.run(&["machine", "offboard", "importer"]);
    assert_eq!(unsure.status, 2);
    assert!(
        unsure
            .stderr
            .contains("end the service account importer for good, everywhere")
    );
    let ended = home.run(&["machine", "offboard", "importer", "--yes"]);
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    assert_eq!(
        ended.stdout,
        "importer is offboarded. Its tokens are revoked, and with it ended:\n  1 key\n  \
         0 identities of other issuers\n  0 unused bootstrap credentials\n  0 delegations\n  0 sessions\n\
         Revoked everywhere: no gate follows the feed.\n"
    );
    let refused = token(&[]);
    assert_eq!(refused.status, 1);
    assert!(
        refused.stderr.contains("(client_unauthenticated)"),
        "{}",
        refused.stderr
    );
    let shown = home.json(&["machine", "show", "importer"]);
    assert_eq!(
        (&shown["state"], &shown["owner"]),
        (&json!("offboarded"), &json!("finance@example.com"))
    );
    assert_eq!(home.json(&["machines", "list"]), json!([]));
    assert_eq!(
        home.json(&["machine", "list", "--all"])
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn an_offboarding_is_not_proven_while_a_gate_has_not_answered() {
    let (home, server) = home();
    let uri = "http://127.0.0.1:8000/auth/callback";
    let app = home.json(&["client", "add", "App", "--redirect-uri", uri, "--id", "app"]);
    // Whoever follows and never says how far it has come.
    let _follower = server.open_feed("app", app["secret"].as_str().unwrap());
    let ended = home.run(&["machine", "offboard", "importer", "--yes", "--wait", "1"]);
    assert_eq!(ended.status, 4, "{}{}", ended.stdout, ended.stderr);
    assert!(
        ended.stdout.contains("importer is offboarded."),
        "{}",
        ended.stdout
    );
    assert!(
        ended.stdout.contains("Not everywhere yet after"),
        "{}",
        ended.stdout
    );
    assert!(
        ended.stdout.contains("0 of 1 gates have applied it."),
        "{}",
        ended.stdout
    );
    let again = home.run(&[
        "machine", "offboard", "importer", "--yes", "--wait", "1", "--json",
    ]);
    let both: Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!(
        (&both["done"]["again"], &both["receipt"]["complete"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(again.status, 4);
}

#[test]
fn without_a_server_it_ends_and_nobody_can_say_where() {
    let (home, server) = home();
    assert_eq!(server.terminate().status, 0);
    let ended = home.run(&["machine", "offboard", "importer", "--yes"]);
    assert_eq!(ended.status, 4);
    assert!(
        ended.stdout.starts_with("importer is offboarded."),
        "{}",
        ended.stdout
    );
    assert!(
        ended.stderr.contains("No server runs on this data"),
        "{}",
        ended.stderr
    );
    let unknown = home.run(&["machine", "offboard", "nobody", "--yes"]);
    assert_eq!(unknown.status, 1);
    assert!(
        unknown.stderr.contains("(machine_unknown)"),
        "{}",
        unknown.stderr
    );
}

#[test]
fn a_machine_is_changed_and_listed_with_what_it_does_not_use() {
    let (home, _server) = home();
    let changed = home.json(&[
        "machine",
        "update",
        "importer",
        "--owner",
        "platform@example.com",
        "--environment",
        "staging",
        "--expires",
        "30d",
        "--unset",
        "resource",
        "--access-lifetime",
        "120",
    ]);
    assert_eq!(
        (&changed["owner"], &changed["days_left"]),
        (&json!("platform@example.com"), &json!(29))
    );
    assert_eq!(
        (&changed["resources"], &changed["access_lifetime"]),
        (&json!([]), &json!(120))
    );
    let listed = home.run(&["machine", "list"]).stdout;
    assert!(listed.starts_with("NAME      OWNER"), "{listed}");
    assert!(
        listed.contains("never") && listed.contains("29 days"),
        "{listed}"
    );
    let nothing = home.run(&["machine", "update", "importer"]);
    assert_eq!(nothing.status, 2);
    assert!(
        nothing.stderr.contains("(change_missing)"),
        "{}",
        nothing.stderr
    );
    for (wrong, reason) in [
        (
            &["machine", "add", "b", "--owner", "a", "--purpose", "b"][..],
            "required",
        ),
        (
            &["machine", "update", "importer", "--expires", "tomorrow"],
            "a time to come",
        ),
        (
            &[
                "machine",
                "update",
                "importer",
                "--identity",
                "https://a.example",
            ],
            "at least one claim",
        ),
        (
            &[
                "machine",
                "update",
                "importer",
                "--grant",
                "authorization_code",
            ],
            "a grant of a service account",
        ),
    ] {
        let refused = home.run(wrong);
        assert_eq!(refused.status, 2, "{wrong:?}");
        assert!(refused.stderr.contains(reason), "{}", refused.stderr);
    }
    for (wrong, reason) in [
        (
            &["machine", "update", "importer", "--expires", "401d"][..],
            "(machine_expiry_wrong)",
        ),
        (
            &["client", "update", "importer", "--auth", "secret"],
            "(client_is_machine)",
        ),
        (&["client", "secret", "importer"], "(client_is_machine)"),
        (
            &["client", "remove", "importer", "--yes"],
            "(client_is_machine)",
        ),
    ] {
        let refused = home.run(wrong);
        assert_eq!(refused.status, 1, "{wrong:?}");
        assert!(refused.stderr.contains(reason), "{}", refused.stderr);
    }
}

#[test]
fn what_is_no_credential_is_not_sent_and_leaves_no_key() {
    let (_home, server) = home();
    let away = Home::new();
    for wrong in ["", "hunter2", "sealgate_bootstrap_a\nsealgate_bootstrap_b"] {
        let refused = enroll(&away, &server, "key.pem", wrong);
        assert_eq!(refused.status, 2);
        assert!(
            refused.stderr.contains("(bootstrap_malformed)"),
            "{}",
            refused.stderr
        );
        assert!(!refused.stderr.contains("hunter2"), "{}", refused.stderr);
    }
    let unknown = format!("sealgate_bootstrap_{}", "A".repeat(64));
    let refused = enroll(&away, &server, "key.pem", &unknown);
    assert_eq!(refused.status, 1);
    assert!(
        refused.stderr.contains("(bootstrap_unknown)"),
        "{}",
        refused.stderr
    );
    assert!(!away.data().with_file_name("key.pem").exists());
    let plain = [
        "machine",
        "enroll",
        "--issuer",
        "http://id.example",
        "--key-file",
        "key.pem",
    ];
    assert!(
        away.run_with(&plain, &unknown)
            .stderr
            .contains("(server_wrong)")
    );
    let nowhere = ["machine", "enroll", "--key-file", "key.pem"];
    assert!(
        away.run_with(&nowhere, &unknown)
            .stderr
            .contains("(issuer_missing)")
    );
    // Nobody answers: the key may be registered, so it stays.
    let silent = [
        "machine",
        "enroll",
        "--issuer",
        "http://127.0.0.1:9",
        "--key-file",
        "key.pem",
    ];
    let lost = away.run_with(&silent, &unknown);
    assert_eq!(lost.status, 3);
    assert!(
        lost.stderr.contains("may or may not be registered"),
        "{}",
        lost.stderr
    );
    assert!(away.data().with_file_name("key.pem").exists());
}

#[test]
fn a_credential_may_come_from_a_file_or_the_environment() {
    let (home, server) = home();
    let away = Home::new();
    let credential = || home.run(&["machine", "bootstrap", "importer"]).stdout;
    away.write("credential", &credential());
    let by_file = away.run(&[
        "machine",
        "enroll",
        "--issuer",
        &server.url,
        "--key-file",
        "one.pem",
        "--credential-file",
        "credential",
    ]);
    assert_eq!(by_file.status, 0, "{}", by_file.stderr);
    let beside = home
        .run(&["machine", "bootstrap", "importer", "--keep-keys"])
        .stdout;
    let by_variable = away.run_as(
        &["machine", "enroll", "--key-file", "two.pem", "--json"],
        &[
            ("SEALGATE_BOOTSTRAP", beside.trim()),
            ("SEALGATE_ISSUER", &server.url),
        ],
    );
    assert_eq!(by_variable.status, 0, "{}", by_variable.stderr);
    let told: Value = serde_json::from_str(&by_variable.stdout).unwrap();
    assert_eq!(
        (&told["client_id"], &told["key_file"]),
        (&json!("importer"), &json!("two.pem"))
    );
    // Two keys of one kind are told apart by their ids.
    for key in ["one.pem", "two.pem"] {
        let token = [
            "machine",
            "token",
            "importer",
            "--key-file",
            key,
            "--issuer",
            &server.url,
        ];
        let given = away.run(&token);
        assert_eq!(given.status, 0, "{}", given.stderr);
        let other = away.run(&[&token[..], &["--key-id", "another"]].concat());
        assert_eq!(other.status, 1);
    }
    let es256 = home.run(&["machine", "bootstrap", "importer"]).stdout;
    let arguments = [
        "machine",
        "enroll",
        "--issuer",
        &server.url,
        "--key-file",
        "three.pem",
    ];
    let enrolled = away.run_with(
        &[&arguments[..], &["--algorithm", "ES256"]].concat(),
        &es256,
    );
    assert_eq!(enrolled.status, 0, "{}", enrolled.stderr);
    let token = [
        "machine",
        "token",
        "importer",
        "--key-file",
        "three.pem",
        "--issuer",
        &server.url,
    ];
    assert_eq!(away.run(&token).status, 0);
}

#[test]
fn machines_are_counted_by_state() {
    let (home, server) = home();
    let measured = server.get_admin(&home.data(), "/metrics").body;
    for line in [
        "sealgate_machines{state=\"active\"} 1\n",
        "sealgate_machines{state=\"expired\"} 0\n",
        "sealgate_machines{state=\"unused\"} 0\n",
        "sealgate_machines{state=\"expiring\"} 0\n",
    ] {
        assert!(measured.contains(line), "{line}");
    }
    home.json(&["machine", "update", "importer", "--expires", "30d"]);
    let measured = server.get_admin(&home.data(), "/metrics").body;
    assert!(measured.contains("sealgate_machines{state=\"expiring\"} 1\n"));
}

#[test]
fn a_key_stays_where_somebody_in_front_says_that_the_answer_was_lost() {
    use std::io::{Read as _, Write as _};

    let front = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}", front.local_addr().unwrap());
    let proxy = std::thread::spawn(move || {
        let (mut asked, _) = front.accept().unwrap();
        let mut seen = Vec::new();
        let mut some = [0; 4096];
        while !seen.ends_with(b"}") {
            let many = asked.read(&mut some).unwrap();
            seen.extend_from_slice(&some[..many]);
        }
        let answer =
            "HTTP/1.1 504 Gateway Timeout\r\nContent-Length: 4\r\nConnection: close\r\n\r\nlate";
        asked.write_all(answer.as_bytes()).unwrap();
    });
    let away = Home::new();
    let credential = format!("sealgate_bootstrap_{}", "A".repeat(64));
    let lost = [
        "machine",
        "enroll",
        "--issuer",
        &url,
        "--key-file",
        "key.pem",
    ];
    let lost = away.run_with(&lost, &credential);
    proxy.join().unwrap();
    assert_ne!(lost.status, 0);
    assert!(
        lost.stderr.contains("may or may not be registered"),
        "{}",
        lost.stderr
    );
    assert!(away.data().with_file_name("key.pem").exists());
}
