//! The chain behind the records: signed, verified, held, and free of secrets.

use std::fmt::Write as _;

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::Request;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use rusqlite::Connection;
use sealgate_audit::chain::FindingKind;
use sealgate_jose::JwkSet;
use sealgate_server::admin::{AuditRecords, Checkpoints, HoldView, Holds, VerificationView};
use sealgate_server::{Judge, verify_database, verify_lines};
use serde_json::{Value, json};

use crate::plane::{Plane, Seen, application};

impl Plane {
    fn database(&self) -> Connection {
        Connection::open(self.data().join("sealgate.db")).unwrap()
    }

    async fn verified(&self) -> VerificationView {
        self.get("/audit/verification").await.read()
    }

    async fn signed(&self) -> Checkpoints {
        self.post("/audit/checkpoints", Value::Null).await.read()
    }

    async fn add(&self, email: &str) {
        let added = self.post("/users", json!({ "email": email })).await;
        assert!(added.status.is_success(), "{}", added.body);
    }

    async fn call(&self, path: &str, token: &str) -> Seen {
        let request = Request::get(format!("/api/v1{path}")).header(AUTHORIZATION, token);
        self.public(request.body(Body::empty()).unwrap()).await
    }

    async fn form(&self, path: &str, body: &str) -> Seen {
        let request = Request::post(path)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("origin", "https://id.example")
            .header("sec-fetch-site", "same-origin");
        self.public(request.body(Body::from(body.to_owned())).unwrap())
            .await
    }

    /// What the operator finds with the file alone.
    fn found(&self, external: &[String]) -> Vec<FindingKind> {
        let file = self.data().join("sealgate.db");
        let report = verify_database(&file, Judge::default(), external).unwrap();
        report.counts.keys().copied().collect()
    }
}

fn kinds(view: &VerificationView) -> Vec<FindingKind> {
    view.findings.iter().map(|finding| finding.kind).collect()
}

#[tokio::test]
async fn the_chains_end_is_signed_and_everything_is_verified_and_that_is_on_record() {
    let plane = Plane::new().await;
    plane.add("ada@example.com").await;
    let first = plane.signed().await;
    // Nothing new, nothing signed.
    assert_eq!(plane.signed().await, first);
    plane.add("grace@example.com").await;
    let second = plane.signed().await;
    assert!(second.checkpoints[0].number > first.checkpoints[0].number);
    let listed: Checkpoints = plane.get("/audit/checkpoints").await.read();
    assert_eq!(listed.checkpoints.len(), 2);
    assert_eq!(listed.keys.len(), 1);
    assert_eq!(listed.keys[0]["kid"], listed.checkpoints[0].kid.as_str());
    assert!(listed.keys[0].get("d").is_none());

    let found = plane.verified().await;
    assert!(found.sound, "{found:?}");
    assert_eq!(
        (found.checkpoints, found.signed),
        (3, second.checkpoints[0].number)
    );
    let told = plane.last_record().await;
    assert_eq!((&*told.action, &*told.outcome), ("audit.verify", "allowed"));
    let kept = &first.checkpoints[0].checkpoint;
    let with = format!("/audit/verification?checkpoint={kept}");
    assert!(plane.get(&with).await.read::<VerificationView>().sound);
    let forged = format!("{}AA", &kept[..kept.len() - 2]);
    let with = format!("/audit/verification?checkpoint={forged}");
    let found: VerificationView = plane.get(&with).await.read();
    assert_eq!(kinds(&found), [FindingKind::CheckpointSignature]);
    let told = plane.last_record().await;
    assert_eq!((&*told.outcome, &*told.reason), ("denied", "chain_broken"));
    // Checkpoints are verified after their key has gone.
    let kid = &listed.checkpoints[0].kid;
    let gone = plane
        .post(&format!("/keys/{kid}/revoke"), Value::Null)
        .await;
    assert!(gone.status.is_success(), "{}", gone.body);
    let third = plane.signed().await;
    assert_ne!(&third.checkpoints[0].kid, kid);
    assert_eq!(third.keys.len(), 2);
    assert!(plane.verified().await.sound);
    assert_eq!(plane.found(&[]), []);
}

#[tokio::test]
async fn whoever_can_write_the_database_and_no_more_cannot_sign_for_what_they_write() {
    let plane = Plane::new().await;
    for name in ["ada", "grace", "edsger"] {
        plane.add(&format!("{name}@example.com")).await;
    }
    let kept = plane.signed().await.checkpoints[0].checkpoint.clone();
    let external = [kept.clone()];
    assert_eq!(plane.found(&external), []);
    // A key of their own, unsealed or sealed under nothing, vouches for nobody.
    let database = plane.database();
    database
        .execute_batch("UPDATE audit_keys SET sealed_jwk = '{\"kty\":\"OKP\"}'")
        .unwrap();
    assert_eq!(plane.found(&[]), [FindingKind::CheckpointKeyUnknown]);
    let keys: Value = plane.get("/keys").await.read();
    assert!(keys["keys"].as_array().unwrap().len() > 1);
    drop(database);

    let plane = Plane::new().await;
    for name in ["ada", "grace", "edsger"] {
        plane.add(&format!("{name}@example.com")).await;
    }
    plane.signed().await;
    let database = plane.database();
    // The end is cut off with every checkpoint that tells of it: the file beside the database knows.
    database
        .execute_batch(
            "DELETE FROM audit WHERE number = (SELECT max(number) FROM audit);
             DELETE FROM audit_checkpoints",
        )
        .unwrap();
    assert_eq!(plane.found(&[]), [FindingKind::Truncated]);
    // And without that one, only what was kept elsewhere does.
    std::fs::remove_file(plane.data().join("audit.checkpoint")).unwrap();
    assert_eq!(plane.found(&[]), []);
}

#[tokio::test]
async fn exported_records_are_verified_with_the_keys_and_nothing_else() {
    let plane = Plane::new().await;
    plane.add("ada@example.com").await;
    plane.add("grace@example.com").await;
    plane.signed().await;
    let listed: Checkpoints = plane.get("/audit/checkpoints").await.read();
    let records: Value = plane.get("/audit?after=0").await.read();
    let records = records["records"].as_array().unwrap();
    let mut lines: Vec<String> = records.iter().map(Value::to_string).collect();
    for one in &listed.checkpoints {
        lines.push(json!({ "checkpoint": one.checkpoint }).to_string());
    }
    let keys = || {
        let set = json!({ "keys": listed.keys });
        Judge::of_set(serde_json::from_value::<JwkSet>(set).unwrap())
    };
    let verify = |lines: &[String]| {
        let text = lines.join("\n");
        let report = verify_lines(|| Ok(text.as_bytes()), &keys(), &[]).unwrap();
        (
            report.counts.keys().copied().collect::<Vec<_>>(),
            report.checkpoints,
        )
    };
    assert_eq!(verify(&lines), (vec![], 1));
    // A stream alone: of the others their hashes are enough.
    let mut scratch = Vec::new();
    let rows = plane.plane.store.audit_after(0, 100).await.unwrap();
    let mut alone = lines.clone();
    let (number, hash) = (rows[1].number, rows[1].hash.unwrap());
    let content = rows[1].content(&mut scratch);
    alone[1] = json!({ "number": number, "hash": hash, "content": content }).to_string();
    assert_eq!(verify(&alone), (vec![], 1));
    let mut altered = lines.clone();
    altered[1] = altered[1].replace("\"reason\":\"\"", "\"reason\":\"x\"");
    assert_eq!(verify(&altered).0, [FindingKind::Altered]);
    let mut removed = lines.clone();
    removed.remove(1);
    assert_eq!(verify(&removed).0, [FindingKind::Removed]);
    let text = "{\"number\":1}".to_owned();
    let error = verify_lines(|| Ok(text.as_bytes()), &Judge::default(), &[]).unwrap_err();
    assert!(error.to_string().starts_with("line 1:"), "{error}");
}

#[tokio::test]
async fn holds_are_made_listed_and_released_on_record() {
    let plane = Plane::new().await;
    for wrong in [
        json!({ "reason": "case" }),
        json!({ "reason": " ", "actor": "operator" }),
        json!({ "reason": "case", "actor": "ada" }),
        json!({ "reason": "case", "trace": "x" }),
        json!({ "reason": "case", "since": 5, "until": 5 }),
    ] {
        plane
            .post("/audit/holds", wrong)
            .await
            .refused(422, "hold_invalid");
    }
    let new = json!({ "reason": "case 2026-17", "client": "app" });
    let hold: HoldView = plane.post("/audit/holds", new).await.read();
    let told = plane.last_record().await;
    assert_eq!(&*told.action, "audit.hold_add");
    assert_eq!(told.object.as_deref(), Some("hold=1 client=app"));
    let release = format!("/audit/holds/{}/release", hold.id);
    assert!(plane.post(&release, Value::Null).await.status.is_success());
    assert_eq!(plane.last_record().await.action, "audit.hold_release");
    let again = plane.post(&release, Value::Null).await;
    again.refused(404, "hold_unknown");
    assert_eq!(plane.get("/audit/holds").await.read::<Holds>().holds, []);
    let all: Holds = plane.get("/audit/holds?all=true").await.read();
    assert_eq!(all.holds[0].released_by.as_deref(), Some("operator"));
}

#[tokio::test]
async fn records_say_by_which_route_and_credential_and_what_kind_of_actor() {
    let plane = Plane::open().await;
    let machine = plane.add_machine("robot", &["sealgate:audit:read"]).await;
    let token = plane.bearer(&machine, "").await;
    let read = plane.call("/audit?limit=1", &token).await;
    assert!(read.status.is_success(), "{}", read.body);
    let told = plane.last_record().await;
    assert_eq!(&*told.action, "audit.read");
    assert_eq!(told.actor_type.as_deref(), Some("machine"));
    assert_eq!(told.credential.as_deref(), Some("bearer"));
    assert_eq!(told.route.as_deref(), Some("/api/v1/audit"));
    // Once in a while, or following the log would fill it.
    plane.call("/audit?limit=1", &token).await;
    assert_eq!(plane.last_record().await.number, told.number);
    let filter = "/audit?route=/oauth/token&credential=client_secret&actor_type=machine";
    let issued: AuditRecords = plane.get(filter).await.read();
    assert_eq!(issued.records[0].action, "token.issue");
    let none: AuditRecords = plane.get("/audit?credential=password").await.read();
    assert_eq!(none.records, []);
    plane.add("ada@example.com").await;
    let by_operator = plane.last_record().await;
    assert_eq!(by_operator.credential.as_deref(), Some("local_access"));
    assert_eq!(by_operator.actor_type.as_deref(), Some("operator"));
}

#[tokio::test]
async fn no_record_holds_an_address_a_name_or_a_secret() {
    let plane = Plane::open().await;
    let canaries = [
        "canary-address@example.com",
        "Canary Name",
        "canary correct horse battery staple",
        "canary-wrong-password",
        "canary-wrong-secret",
        "canary.wrong.token",
    ];
    let user = json!({ "email": canaries[0], "name": canaries[1], "password": canaries[2] });
    let added = plane.post("/users", user.clone()).await;
    assert!(added.status.is_success(), "{}", added.body);
    // What is refused is recorded as well.
    plane.post("/users", user).await;
    let mut app = application();
    // A client's id is made of its name, and stands in records.
    app["name"] = "Reports".into();
    let app: Value = plane.post("/clients", app).await.read();
    let secret = app["secret"].as_str().unwrap().to_owned();
    let id = app["client"]["id"].as_str().unwrap().to_owned();
    let form =
        |text: &str| format!("grant_type=client_credentials&client_id={id}&client_secret={text}");
    for body in [
        form(&secret),
        form(canaries[4]),
        format!(
            "grant_type=refresh_token&refresh_token={}&client_id={id}&client_secret={secret}",
            canaries[5]
        ),
        format!(
            "grant_type=authorization_code&code={}&client_id={id}&client_secret={secret}",
            canaries[5]
        ),
    ] {
        plane.form("/oauth/token", &body).await;
    }
    for (email, password) in [
        (canaries[0], canaries[3]),
        ("nobody-canary@example.com", canaries[3]),
        (canaries[0], canaries[2]),
    ] {
        let body = format!(
            "email={}&password={}",
            email.replace('@', "%40"),
            password.replace(' ', "+")
        );
        plane.form("/sign-in", &body).await;
    }
    plane
        .call("/users", &format!("Bearer {}", canaries[5]))
        .await;
    let machine = plane.add_machine("robot", &["sealgate:users:write"]).await;
    let token = plane.bearer(&machine, "").await;
    let hold = json!({ "reason": "canary reason", "actor": "operator" });
    plane.post("/audit/holds", hold).await;
    plane.signed().await;

    let database = plane.database();
    let mut all = String::new();
    for table in ["audit", "audit_checkpoints", "audit_keys", "audit_retired"] {
        let mut select = database.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let many = select.column_count();
        let mut rows = select.query(()).unwrap();
        while let Some(row) = rows.next().unwrap() {
            for column in 0..many {
                let value: rusqlite::types::Value = row.get(column).unwrap();
                let _ = write!(all, "{value:?} ");
                if let rusqlite::types::Value::Blob(bytes) = value {
                    all.push_str(&String::from_utf8_lossy(&bytes));
                }
            }
            all.push('\n');
        }
    }
    assert!(all.lines().count() > 10, "{all}");
    assert!(
        all.contains("sign_in.start") && all.contains("token.issue"),
        "{all}"
    );
    let token = token.strip_prefix("Bearer ").unwrap();
    let signature = token.rsplit('.').next().unwrap();
    let mut forbidden: Vec<String> =
        vec!["canary".to_owned(), secret.clone(), signature.to_owned()];
    for text in canaries.iter().chain([&&*secret]) {
        forbidden.push(STANDARD.encode(text));
        forbidden.push(URL_SAFE_NO_PAD.encode(text));
    }
    for text in forbidden {
        assert!(
            !all.to_lowercase().contains(&text.to_lowercase()),
            "{text}: {all}"
        );
    }
}

/// The lines of the vectors, signed with a key that is made for them.
fn made_vectors() -> Value {
    use sealgate_audit::chain::{CheckpointClaims, Hash, RecordLine};
    use sealgate_jose::{Algorithm, SigningKey};

    let (key, _) = SigningKey::generate(Algorithm::Ed25519, "vectors").unwrap();
    let id = "01928e2a-7c00-7000-8000-000000000001";
    let records = json!([
        { "number": 1, "at": 1_795_338_305_000_i64, "actor": "system", "actor_type": "system",
          "action": "server.start", "outcome": "allowed", "reason": "", "count": 1 },
        { "number": 2, "at": 1_795_338_305_001_i64, "actor": "client:reports", "actor_type": "machine",
          "credential": "private_key_jwt", "action": "token.issue", "outcome": "denied",
          "reason": "scope_missing", "client": "reports", "network": "192.0.2.7",
          "route": "/oauth/token", "trace": "4bf92f3577b34da6a3ce929d0e0e4736", "count": 5,
          "policy_version": 3 },
        { "number": 3, "at": 1_795_338_305_002_i64, "actor": format!("user:{id}"), "actor_type": "user",
          "credential": "dpop", "through": "cli", "through_session": id, "action": "session.revoke",
          "outcome": "allowed", "reason": "", "user": id, "session": id, "object": "",
          "count": 1 },
        { "number": 4, "at": -1, "actor": "anonymous", "action": "sign_in.start", "outcome": "denied",
          "reason": "password_wrong ✗", "count": 4_294_967_295_i64 },
    ]);
    let (mut lines, mut previous, mut before) = (Vec::new(), Hash::GENESIS, None);
    for record in records.as_array().unwrap() {
        let mut record = record.clone();
        record["hash"] = Value::Null;
        let mut line: RecordLine = serde_json::from_value(record).unwrap();
        let content = line.content(&mut Vec::new());
        previous = Hash::link(&previous, line.number, &content);
        line.hash = Some(previous);
        let number = line.number;
        lines.push(serde_json::to_value(&line).unwrap());
        if number == 1 {
            // Left out: its hashes are enough.
            lines[0] = json!({ "number": 1, "hash": previous, "content": content });
        }
        if number % 2 == 0 {
            let claims = CheckpointClaims {
                iss: "https://id.example".to_owned(),
                iat: 1_795_338_400,
                history: "e".repeat(32),
                number,
                hash: previous,
                previous: before,
            };
            let token = key.sign(CheckpointClaims::TYPE, &claims).unwrap();
            before = Some(Hash::of(token.as_bytes()));
            lines.push(json!({ "checkpoint": token }));
        }
    }
    json!({ "keys": [key.public_jwk()], "lines": lines })
}

#[test]
fn the_vectors_of_the_specification_are_what_this_program_verifies() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/spec/vectors/audit-chain.json"
    );
    if std::env::var_os("SEALGATE_WRITE_VECTORS").is_some() {
        let text = serde_json::to_string_pretty(&made_vectors()).unwrap();
        std::fs::write(path, text + "\n").unwrap();
    }
    let vectors: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let keys: JwkSet = serde_json::from_value(json!({ "keys": vectors["keys"] })).unwrap();
    let lines = vectors["lines"].as_array().unwrap();
    let verify = |lines: &[String]| {
        let text = lines.join("\n");
        let keys = Judge::of_set(keys.clone());
        verify_lines(|| Ok(text.as_bytes()), &keys, &[]).unwrap()
    };
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    let report = verify(&lines);
    assert!(report.is_sound(), "{report:?}");
    assert_eq!(
        (report.records, report.checkpoints, report.signed),
        (4, 2, 4)
    );
    let mut altered = lines.clone();
    altered[1] = altered[1].replace("scope_missing", "");
    assert!(!verify(&altered).is_sound());
    // What is made anew is made the same way, but for the key.
    let made = made_vectors();
    for (one, other) in made["lines"]
        .as_array()
        .unwrap()
        .iter()
        .zip(vectors["lines"].as_array().unwrap())
    {
        if one.get("checkpoint").is_none() {
            assert_eq!(one, other);
        }
    }
}
