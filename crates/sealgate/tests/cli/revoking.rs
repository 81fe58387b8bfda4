//! Sessions and consents taken back by command, and what is on record of it.

use serde_json::{Value, json};

use crate::harness::{Home, Sink, seed_session};

/// A home with two users and two clients, whose server has run once.
fn home() -> (Home, [String; 2]) {
    let home = Home::new();
    assert_eq!(home.serve(&[]).terminate().status, 0);
    let users = ["ada@example.com", "grace@example.com"].map(|email| {
        let added = home.json(&["user", "add", email]);
        added["user"]["id"].as_str().unwrap().to_owned()
    });
    for id in ["one", "two"] {
        let uri = "http://127.0.0.1:8000/auth/callback";
        home.json(&["client", "add", "App", "--redirect-uri", uri, "--id", id]);
    }
    (home, users)
}

#[test]
fn sessions_are_revoked_one_by_one_and_many_at_once() {
    let (home, [ada, grace]) = home();
    let first = seed_session(&home.data(), &ada, "one");
    let second = seed_session(&home.data(), &ada, "two");
    let third = seed_session(&home.data(), &grace, "one");
    let shown = home.json(&["session", "show", &first]);
    assert_eq!(
        (&shown["email"], &shown["client"]),
        (&json!("ada@example.com"), &json!("one"))
    );
    let done = home.run(&["session", "revoke", &first, "--end-sign-in"]);
    assert_eq!(
        done.stdout,
        "The session of ada@example.com on one is revoked, and the browser sign-in it came from has ended.\n"
    );
    let unsure = home.run(&["session", "revoke", "--all"]);
    assert_eq!(unsure.status, 2);
    assert!(
        unsure
            .stderr
            .contains("this would revoke every session of everybody (confirmation_missing)")
    );
    let none = home.json(&["session", "revoke", "--tenant", "acme", "--yes"]);
    assert_eq!(none, json!({ "revoked": 0 }));
    let before = ["session", "revoke", "--all", "--before", "1h", "--yes"];
    assert_eq!(home.json(&before), json!({ "revoked": 0 }));
    let of_ada = [
        "session",
        "revoke",
        "--user",
        "ada@example.com",
        "--client",
        "two",
        "--yes",
    ];
    assert_eq!(home.run(&of_ada).stdout, "1 session is revoked.\n");
    let live: Vec<Value> = serde_json::from_value(home.json(&["session", "list"])).unwrap();
    assert_eq!(live.len(), 1);
    assert_eq!(live[0]["id"], third.as_str());
    assert_eq!(
        home.json(&["session", "revoke", "--all", "--yes"]),
        json!({ "revoked": 1 })
    );
    assert_eq!(
        home.json(&["session", "show", &second])["revoked_for"],
        "admin"
    );
    assert_eq!(
        home.json(&["session", "show", &third])["revoked_for"],
        "everything"
    );
    for wrong in [
        &["session", "revoke"][..],
        &["session", "revoke", &first, "--all"],
        &["session", "revoke", "--all", "--before", "yesterday"],
    ] {
        assert_eq!(home.run(wrong).status, 2, "{wrong:?}");
    }
    let unknown = home.run(&["session", "revoke", "--client", "three", "--yes"]);
    assert_eq!(unknown.status, 1);
    assert!(
        unknown.stderr.contains("(client_unknown)"),
        "{}",
        unknown.stderr
    );
}

#[test]
fn consents_are_listed_and_taken_back() {
    let (home, [ada, _]) = home();
    let none = home.run(&["consent", "list", "ada@example.com"]);
    assert_eq!((none.status, none.stdout.as_str()), (0, ""));
    let session = seed_session(&home.data(), &ada, "one");
    let taken = home.run(&["consent", "withdraw", "ada@example.com", "one"]);
    assert_eq!(taken.status, 0, "{}", taken.stderr);
    assert_eq!(
        home.json(&["session", "show", &session])["revoked_for"],
        "consent_withdrawn"
    );
    let again = home.run(&["consent", "withdraw", &ada, "one"]);
    assert_eq!(again.status, 1);
    assert!(
        again.stderr.contains("(consent_unknown)"),
        "{}",
        again.stderr
    );
}

#[test]
fn the_record_is_read_by_what_fits() {
    let (home, [ada, _]) = home();
    let list = |more: &[&str]| -> Vec<Value> {
        serde_json::from_value(home.json(&[&["audit", "list"], more].concat())).unwrap()
    };
    let created = list(&["--action", "user.create"]);
    assert_eq!(created.len(), 2);
    assert!(created[0]["number"].as_i64() > created[1]["number"].as_i64());
    let about = list(&["--user", "ada@example.com", "--since", "1h"]);
    assert_eq!((about.len(), &about[0]["user"]), (1, &json!(ada)));
    assert_eq!(list(&["--limit", "1"]).len(), 1);
    assert_eq!(list(&["--outcome", "denied"]).len(), 0);
    let text = home.run(&["audit", "list", "--actor", "operator"]).stdout;
    assert!(text.starts_with("NUMBER  WHEN"), "{text}");
    let wrong = home.run(&["audit", "list", "--actor", "ada"]);
    assert!(
        wrong.stderr.contains("(query_malformed)"),
        "{}",
        wrong.stderr
    );
    let tail = home.run(&["audit", "tail", "--action", "client.create"]);
    assert_eq!(
        (tail.status, tail.stdout.lines().count()),
        (0, 2),
        "{}",
        tail.stderr
    );
    assert!(tail.stderr.contains("nothing more can come"));

    let server = home.serve(&[]);
    let left = home.run_into(&["audit", "tail", "--json"], Sink::Gone);
    assert_eq!(
        left.status, 0,
        "it goes when its reader does: {}",
        left.stderr
    );
    drop(server);
}
