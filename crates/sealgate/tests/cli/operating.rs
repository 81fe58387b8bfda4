//! Settings, metrics and the end of a server, through the real binary.

use std::os::unix::fs::PermissionsExt as _;

use crate::harness::{Home, fetch};

const FORM: [(&str, &str); 1] = [("Content-Type", "application/x-www-form-urlencoded")];

#[test]
fn the_file_in_the_data_directory_is_read_by_the_server_and_the_commands() {
    let home = Home::new();
    home.serve(&[]).terminate();
    let file = home.data().join("sealgate.toml");
    std::fs::write(&file, "[lifetimes]\ninvitation = '1h'\n").unwrap();
    let shown = home.json(&["settings"]);
    let rows = shown["settings"].as_array().unwrap().iter();
    let invitation = rows
        .clone()
        .find(|row| row["setting"] == "lifetimes.invitation");
    let invitation = invitation.unwrap();
    assert_eq!(invitation["value"], "1h");
    assert_eq!(invitation["origin"], file.to_str().unwrap());
    assert_eq!(invitation["variable"], "SEALGATE_LIFETIMES_INVITATION");
    let others = rows
        .clone()
        .filter(|row| row["origin"] == "default")
        .count();
    assert_eq!(others, rows.count() - 2, "the data directory and this one");

    // With a server and without, an invitation is good for an hour.
    let hour = |email: &str| {
        let before = jiff::Timestamp::now().as_millisecond();
        let added = home.json(&["user", "add", email]);
        let left = added["invitation"]["expires_at"].as_i64().unwrap() - before;
        assert!((3_600_000..3_660_000).contains(&left), "{left}");
    };
    hour("alone@example.com");
    let server = home.serve(&[]);
    hour("served@example.com");
    drop(server);
}

#[test]
fn settings_that_are_wrong_stop_the_start_with_a_sentence() {
    let home = Home::new();
    let file = home.write("other.toml", "[lifetimes]\nsession = '30d'\n");
    let file = file.to_str().unwrap();
    let long = home.run(&["serve", "--config", file]);
    assert_eq!(long.status, 2);
    assert_eq!(
        long.stderr,
        format!(
            "error: {file}: lifetimes.session must be a duration from 5m to 24h, such as \"24h\", and is \"30d\" (setting_wrong)\n"
        )
    );
    for (arguments, reason) in [
        (
            &["serve", "--set", "lifetimes.sesion=1h"][..],
            "(setting_unknown)\nhint: did you mean lifetimes.session?",
        ),
        (&["serve", "--set", "listen"], "(setting_wrong)"),
        (
            &["serve", "--listen", "nowhere"],
            "--listen must be an address and port, such as 127.0.0.1:8420, and is \"nowhere\"",
        ),
        (
            &["user", "list", "--config", "none.toml"],
            "(settings_unreadable)",
        ),
        (
            &["serve", "--set", "outbound.authority_file=none.pem"],
            "(authority_unusable)",
        ),
    ] {
        let refused = home.run(arguments);
        assert_eq!(refused.status, 2, "{arguments:?}");
        assert!(refused.stderr.contains(reason), "{}", refused.stderr);
    }
    assert!(!home.data().exists(), "nothing is made");
}

#[test]
fn metrics_are_told_to_the_operator_and_not_to_the_network() {
    let home = Home::new();
    let server = home.serve(&["--set", "metrics.listen=127.0.0.1:0"]);
    server.get("/sign-in?secret=s3cret");
    server.get("/nowhere/s3cret");
    server.send("S3CRET", "/oauth/jwks", &[], b"");
    server.send("POST", "/oauth/token", &FORM, b"grant_type=s3cret");
    home.json(&["user", "add", "ada@example.com"]);

    let own = server.announced["metrics"].as_str().unwrap();
    let told = fetch(&format!("{own}/metrics"));
    assert_eq!(told.status, 200);
    assert_eq!(
        told.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    for line in [
        "sealgate_http_requests_total{route=\"/sign-in\",method=\"GET\",status=\"200\"} 1",
        "sealgate_http_requests_total{route=\"none\",method=\"GET\",status=\"404\"} 1",
        "sealgate_http_requests_total{route=\"/oauth/jwks\",method=\"other\",status=\"405\"} 1",
        "sealgate_http_request_duration_seconds_count{route=\"/sign-in\"} 1",
        "sealgate_acts_total{action=\"user.create\"} 1",
        "sealgate_password_queue_waiting 0",
        "sealgate_feed_subscribers 0",
        "sealgate_build_info{version=\"0.1.0\"} 1",
    ] {
        assert!(
            told.body.lines().any(|told| told == line),
            "{line}\n{}",
            told.body
        );
    }
    for name in [
        "sealgate_refusals_total{action=\"token.issue\",reason=",
        "sealgate_store_commit_duration_seconds_bucket{le=",
        "sealgate_signing_key_age_seconds{algorithm=\"EdDSA\",state=\"active\",kid=",
        "sealgate_process_resident_memory_bytes ",
    ] {
        assert!(told.body.contains(name), "{name}\n{}", told.body);
    }
    assert!(
        !told.body.to_lowercase().contains("s3cret"),
        "{}",
        told.body
    );

    assert_eq!(fetch(&format!("{own}/health")).status, 404);
    assert_eq!(server.get("/metrics").status, 404);
    assert_eq!(server.get_admin(&home.data(), "/metrics").status, 200);
}

#[test]
fn a_request_in_flight_is_answered_while_nothing_new_is_taken() {
    let home = Home::new();
    let server = home.serve(&[]);
    let body = b"grant_type=authorization_code&client_id=nobody";
    let length = body.len().to_string();
    let headers = [FORM[0], ("Content-Length", length.as_str())];
    let begun = server.begin("/oauth/token", &headers, &body[..10]);
    // The request is there once the server asks for what it lacks, or is busy with another.
    assert_eq!(server.get("/health").status, 200);
    server.begin_to_stop();
    let waited = jiff::Timestamp::now();
    while server.takes_connections() {
        let passed = jiff::Timestamp::now().duration_since(waited);
        assert!(passed.as_secs() < 5, "connections are still taken");
    }
    let answer = begun.finish(&body[10..]);
    assert_eq!(
        (answer.status, &answer.json()["error"]),
        (401, &"invalid_client".into()),
        "it is read and judged"
    );
    let stopped = server.wait();
    assert_eq!(stopped.status, 0, "{}", stopped.stderr);
}

#[test]
fn a_data_directory_that_is_open_is_refused_whatever_the_settings_say() {
    let home = Home::new();
    home.serve(&[]).terminate();
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(home.data(), open).unwrap();
    let refused = home.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert!(
        refused.stderr.contains("(permissions_open)"),
        "{}",
        refused.stderr
    );
}
