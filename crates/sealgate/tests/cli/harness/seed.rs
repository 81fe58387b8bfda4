//! A session, put into a stopped control plane's store the way a sign-in would.

use std::path::Path;
use std::time::Duration;

use sealgate_host::{SystemClock, SystemRandom, sha256};
use sealgate_model::{Clock as _, CodeId, SessionId, SignInId};
use sealgate_store::{
    Audit, AuditActor, Code, GrantDetails, Session, SignIn, SqliteStore, Store as _,
};

/// Starts a session of `user` on `client` and gives its id.
pub(crate) fn seed_session(data: &Path, user: &str, client: &str) -> String {
    let (clock, random) = (SystemClock::default(), SystemRandom);
    let now = clock.now();
    let ends = now + Duration::from_secs(3600);
    let user = user.parse().unwrap();
    let client: sealgate_model::ClientId = client.parse().unwrap();
    let sign_in = SignInId::generate(now, &random);
    let code = CodeId::generate(now, &random);
    let session = SessionId::generate(now, &random);
    let hash = sha256(b"a secret nobody presents");
    let methods = vec!["pwd".to_owned()];
    let scopes = vec!["openid".to_owned()];
    let audit = |action| Audit::allowed(now, AuditActor::System, action);

    let store = SqliteStore::open(data, &clock, &random).unwrap();
    let writes = async {
        let browser = SignIn {
            id: sign_in,
            secret_hash: hash,
            user,
            auth_time: now,
            methods: methods.clone(),
            expires_at: ends,
            ended_at: None,
        };
        store
            .sign_in_create(browser, audit("test.sign_in"))
            .await
            .unwrap();
        let issued = Code {
            id: code,
            secret_hash: hash,
            client: client.clone(),
            user,
            sign_in,
            session,
            redirect_uri: "http://127.0.0.1:8000/auth/callback".to_owned(),
            challenge: "x".repeat(43),
            nonce: None,
            scopes: scopes.clone(),
            details: GrantDetails::default(),
            auth_time: now,
            methods: methods.clone(),
            expires_at: ends,
            used_at: None,
        };
        store.code_create(issued, audit("test.code")).await.unwrap();
        let started = Session {
            id: session,
            user,
            client,
            sign_in,
            scopes,
            details: GrantDetails::default(),
            auth_time: now,
            methods,
            created_at: now,
            renewed_at: now,
            network: None,
            expires_at: ends,
            revoked_at: None,
            revoked_for: None,
        };
        store
            .code_redeem(
                code,
                started,
                None,
                audit("test.session"),
                audit("test.reuse"),
            )
            .await
            .unwrap();
    };
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(writes);
    session.to_string()
}
