//! Every older file becomes a new one and loses nothing.

use std::path::Path;

use sealgate_host::{FakeClock, FakeRandom};
use sealgate_model::Timestamp;

use super::*;
use crate::{
    ClientAuthentication, ClientDetails, Consent, GrantDetails, Page, Revoked, SessionFilter,
    SqliteStore, Store,
};

/// A file that the first program filled, something in every table, and one of an earlier version has left
/// since.
fn file_of_version(version: usize, dir: &Path) {
    let connection = Connection::open(dir.join("sealgate.db")).unwrap();
    connection.execute_batch(FIRST).unwrap();
    connection
        .execute_batch(
            "INSERT INTO meta VALUES (1, 'an epoch', 0, 2);
             INSERT INTO users VALUES
                (x'00000000000000000000000000000001', 'Ada@example.com', 'ada@example.com', 'Ada',
                 '$argon2id$', '[\"admin\"]', 1, NULL);
             INSERT INTO clients VALUES
                ('app', 'App', 'confidential', zeroblob(32), '[\"https://a/cb\"]', '[]',
                 '[\"openid\"]', 1),
                ('cli', 'CLI', 'public', NULL, '[]', '[]', '[]', 1);
             INSERT INTO sign_ins VALUES
                (x'00000000000000000000000000000002', zeroblob(32),
                 x'00000000000000000000000000000001', 1, '[\"pwd\"]', 1000, NULL);
             INSERT INTO codes VALUES
                (x'00000000000000000000000000000003', zeroblob(32), 'app',
                 x'00000000000000000000000000000001', x'00000000000000000000000000000002',
                 x'00000000000000000000000000000004', 'https://a/cb', 'challenge', NULL,
                 '[\"openid\"]', 1, '[\"pwd\"]', 61, 2);
             INSERT INTO sessions VALUES
                (x'00000000000000000000000000000004', x'00000000000000000000000000000001', 'app',
                 x'00000000000000000000000000000002', '[\"openid\"]', 1, '[\"pwd\"]', 2, 2, 1000,
                 NULL, NULL);
             INSERT INTO refresh_tokens VALUES
                (x'00000000000000000000000000000005', zeroblob(32),
                 x'00000000000000000000000000000004', 'app', 0, 2, NULL);
             INSERT INTO revocations VALUES
                (1, 'session', x'00000000000000000000000000000006', 1, 'app', 1000),
                (2, 'user', x'00000000000000000000000000000001', 2, 'app', 2000);
             INSERT INTO audit (at, actor, action, outcome, reason)
                VALUES (1, 'operator', 'user.create', 'allowed', '');",
        )
        .unwrap();
    for step in &MIGRATIONS[1..version] {
        connection.execute_batch(step).unwrap();
    }
    connection
        .pragma_update(None, "application_id", APPLICATION_ID)
        .unwrap();
    connection
        .pragma_update(None, "user_version", i64::try_from(version).unwrap())
        .unwrap();
}

fn open(dir: &Path) -> SqliteStore {
    let clock = FakeClock::at(Timestamp::from_millis(10));
    SqliteStore::open(dir, &clock, &FakeRandom::default()).unwrap()
}

/// Each table's columns and each index, as SQLite understands them.
fn shape(dir: &Path) -> Vec<String> {
    let connection = Connection::open(dir.join("sealgate.db")).unwrap();
    let mut rows = connection
        .prepare(
            "SELECT s.name || '.' || c.name || ' ' || c.type || ' ' || c.\"notnull\" || ' ' ||
                    coalesce(c.dflt_value, '-') || ' ' || c.pk || ' ' || c.hidden
             FROM sqlite_schema AS s, pragma_table_xinfo(s.name) AS c WHERE s.type = 'table'
             UNION ALL
             SELECT sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL
             ORDER BY 1",
        )
        .unwrap();
    rows.query_map((), |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

#[tokio::test]
async fn a_file_of_any_earlier_version_keeps_everything_and_gains_the_rest() {
    for version in 1..MIGRATIONS.len() {
        let dir = tempfile::tempdir().unwrap();
        file_of_version(version, dir.path());
        let store = open(dir.path());
        let store: &dyn Store = &store;
        assert_eq!(store.epoch().await.unwrap(), "an epoch");

        let users = store.users(Page::default()).await.unwrap();
        assert_eq!((users.len(), users[0].tenant.as_ref()), (1, None));
        assert!(store.admin_exists().await.unwrap());
        let clients = store.clients().await.unwrap();
        assert_eq!(clients[0].details, ClientDetails::default());
        assert_eq!(clients[0].redirect_uris, ["https://a/cb"]);
        assert!(clients[0].secret_hash.is_some());
        // Whoever may act as a public client is not known: its users are asked from now on.
        let public = &clients[1].details;
        assert_eq!(public.authentication, ClientAuthentication::None);
        assert_eq!(public.consent, Consent::Required);
        assert_eq!(*public, ClientDetails::for_kind(clients[1].kind));

        let sessions = store
            .sessions(SessionFilter::default(), Page::default())
            .await
            .unwrap();
        assert_eq!(sessions[0].details, GrantDetails::default());
        let log = store.revocations_after(0, 10).await.unwrap();
        assert_eq!(log.len(), 2);
        assert_eq!(log[1].what, Revoked::User(users[0].id));
        assert_eq!(log[1].at, Timestamp::from_millis(2));
        assert_eq!(store.revocation_head().await.unwrap(), 2);
        let covered = store
            .not_before(Some(users[0].id), None, None)
            .await
            .unwrap();
        assert_eq!(covered, Some(Timestamp::from_millis(2)));
        let records = store.audit_after(0, 10).await.unwrap();
        assert_eq!((records[0].number, records[0].count), (1, 1));
        assert_eq!(records[0].object, None);
        if i64::try_from(version).unwrap() < CHAINED {
            // What was written before there was a chain is chained, and a record tells so.
            assert_eq!(records.len(), 2);
            assert_eq!(records[1].action, "audit.begin");
            assert_eq!(records[1].object.as_deref(), Some("1-1"));
            let unsigned = std::sync::Arc::new(|_: i64, _: &str| unreachable!("no checkpoint"));
            let report = store.audit_verify(unsigned, Vec::new()).await.unwrap();
            assert!(report.is_sound(), "{report:?}");
            assert_eq!(report.records, 2);
        }
    }
}

#[tokio::test]
async fn an_older_file_ends_up_with_the_shape_of_a_new_one() {
    let fresh = tempfile::tempdir().unwrap();
    drop(open(fresh.path()));
    let expected = shape(fresh.path());
    assert!(expected.len() > 100, "{expected:?}");
    for version in 1..MIGRATIONS.len() {
        let dir = tempfile::tempdir().unwrap();
        file_of_version(version, dir.path());
        drop(open(dir.path()));
        assert_eq!(shape(dir.path()), expected, "from version {version}");
        let connection = Connection::open(dir.path().join("sealgate.db")).unwrap();
        let broken: Option<String> = connection
            .query_row(
                "SELECT \"table\" FROM pragma_foreign_key_check LIMIT 1",
                (),
                |row| row.get(0),
            )
            .ok();
        assert_eq!(broken, None);
    }
}

/// What clients, resources and sessions had before agents came, in the columns that they had then.
#[tokio::test]
async fn a_file_from_before_agents_opens_nothing_to_them_and_ends_no_session() {
    let dir = tempfile::tempdir().unwrap();
    file_of_version(8, dir.path());
    let connection = Connection::open(dir.path().join("sealgate.db")).unwrap();
    connection
        .execute_batch(
            "INSERT INTO resources (uri, name, client_id, scopes, created_at) VALUES
                ('https://api.example', 'API', 'app', '[{\"name\":\"a:read\",\"description\":\"Read\"}]', 1);
             UPDATE clients SET details = '{\"agent\":true,\"grants\":[\"authorization_code\",\"refresh_token\"]}'
                WHERE id = 'cli';
             UPDATE sessions SET scopes = '[\"openid\",\"offline_access\"]', expires_at = 100000;",
        )
        .unwrap();
    drop(connection);
    let store = open(dir.path());
    let store: &dyn Store = &store;
    let resources = store.resources().await.unwrap();
    assert_eq!((resources[0].agents, resources[0].tools.len()), (false, 0));
    let clients = store.clients().await.unwrap();
    assert!(clients.iter().all(|client| {
        client.details.origin == crate::ClientOrigin::Registered && client.details.machine.is_none()
    }));
    assert!(clients[1].details.agent);
    // A session from then is none that lasts without the sign-in that it came from.
    let all = store.sessions(SessionFilter::default(), Page::default());
    let session = &all.await.unwrap()[0];
    assert!(!session.details.lasting && session.network.is_none());
    let now = Timestamp::from_millis(20);
    let audit = crate::Audit::allowed(now, crate::AuditActor::System, "sign_in.end");
    store
        .sign_in_end(session.sign_in, crate::RevokeReason::Logout, audit)
        .await
        .unwrap();
    let ended = store.session(session.id).await.unwrap().unwrap();
    assert_eq!(ended.revoked_at, Some(now));
    let unused = crate::Unused {
        made_before: now,
        idle_since: now,
    };
    let audit = crate::Audit::allowed(now, crate::AuditActor::System, "client.forget");
    assert_eq!(
        store.own_clients_forget(unused, audit).await.unwrap(),
        (0, false)
    );
    assert_eq!(store.clients().await.unwrap().len(), 2);
}
