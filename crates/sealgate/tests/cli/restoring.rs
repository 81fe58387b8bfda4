//! A backup of the database is put back: what was revoked since does not come back.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::harness::{Home, seed_session};

/// Puts the copy in the place of the database, as an operator would.
fn put_back(copy: &Path, data: &Path) {
    for name in ["sealgate.db-wal", "sealgate.db-shm"] {
        let _ = fs::remove_file(data.join(name));
    }
    fs::copy(copy, data.join("sealgate.db")).unwrap();
}

#[test]
fn a_restored_backup_is_noticed_and_everybody_is_signed_out_loudly_and_once() {
    let home = Home::new();
    let data = home.data();
    let server = home.serve(&[]);
    assert_eq!(server.announced["restored"], json!(false));
    assert_eq!(server.terminate().status, 0);
    let added = home.json(&["user", "add", "ada@example.com"]);
    let ada = added["user"]["id"].as_str().unwrap();
    let uri = "http://127.0.0.1:8000/auth/callback";
    home.json(&["client", "add", "App", "--redirect-uri", uri, "--id", "app"]);
    let kept = seed_session(&data, ada, "app");
    let ended = seed_session(&data, ada, "app");
    let copy = home.write("backup.db", "");
    fs::copy(data.join("sealgate.db"), &copy).unwrap();
    let revoke = ["session", "revoke", &ended];
    assert_eq!(home.run(&revoke).status, 0);
    let fate = |id: &str| home.json(&["session", "show", id])["revoked_for"].clone();
    assert_eq!((fate(&kept), fate(&ended)), (Value::Null, json!("admin")));
    let jwks = |server: &crate::harness::Server| server.get("/oauth/jwks").body;
    let server = home.serve(&[]);
    let keys = jwks(&server);
    assert_eq!(server.terminate().status, 0);

    put_back(&copy, &data);
    let server = home.serve(&[]);
    assert_eq!(server.announced["restored"], json!(true));
    assert_eq!(
        (fate(&kept), fate(&ended)),
        (json!("restored"), json!("restored"))
    );
    assert_ne!(jwks(&server), keys);
    let records = home.json(&["audit", "list"]).to_string();
    assert!(records.contains("store.restored"), "{records}");
    let stopped = server.terminate();
    assert!(
        stopped.stderr.contains("PUT BACK FROM A COPY"),
        "{}",
        stopped.stderr
    );

    let server = home.serve(&[]);
    assert_eq!(server.announced["restored"], json!(false));
}

#[test]
fn a_server_that_is_killed_starts_again_as_if_nothing_had_been() {
    let home = Home::new();
    let server = home.serve(&[]);
    let everything = ["session", "revoke", "--all", "--yes"];
    assert_eq!(home.run(&everything).status, 0);
    server.kill();
    assert_eq!(home.serve(&[]).announced["restored"], json!(false));
}
