//! Sight: who follows the feed, what it told, receipts.

use std::time::Duration;

use http::Method;
use sealgate_server::admin::{FeedGates, Receipt, Revocations, RevokedKind};
use serde_json::Value;

use crate::plane::{Plane, application};

#[tokio::test]
async fn a_change_tells_where_the_log_stands_and_the_receipt_for_it_is_complete_where_nobody_follows()
 {
    let plane = Plane::new().await;
    plane.clock.advance(Duration::from_secs(60));
    let mut app = application();
    app["id"] = "app".into();
    let added = plane.post("/clients", app).await;
    let epoch = added.headers["sealgate-revocation"].to_str().unwrap();
    let epoch = epoch.strip_suffix(".0").unwrap().to_owned();
    let ada = plane.add_user("ada@example.com", &[]).await;
    let session = plane.start_session(ada, "app").await.unwrap();
    let path = format!("/sessions/{}/revoke", session.id);
    let revoked = plane.post(&path, Value::Null).await;
    assert_eq!(revoked.headers["sealgate-revocation"], format!("{epoch}.1"));

    let receipt: Receipt = plane.get("/feed/receipt?seq=1&wait=60").await.read();
    assert!(receipt.complete && receipt.gates.is_empty());
    assert_eq!((receipt.epoch.as_str(), receipt.seq), (epoch.as_str(), 1));
    assert!(receipt.committed_at.is_some());
    let gates: FeedGates = plane.get("/feed/gates").await.read();
    assert_eq!((gates.head, gates.gates.len()), (1, 0));
    let log: Revocations = plane.get("/feed/events").await.read();
    let row = &log.revocations[0];
    assert_eq!(
        (log.head, row.seq, row.kind, row.id.clone()),
        (1, 1, RevokedKind::Session, Some(session.id.to_string()))
    );
    assert_eq!(row.client, Some(session.client));
    let nothing: Revocations = plane.get("/feed/events?after=1").await.read();
    assert_eq!(nothing.revocations, []);
    // What only looks tells nothing of the sort, and neither does what was refused.
    let seen = plane.get("/sessions").await;
    assert!(!seen.headers.contains_key("sealgate-revocation"));
    let refused = plane
        .post(
            "/sessions/01928e2a-7c00-7000-8000-000000000001/revoke",
            Value::Null,
        )
        .await;
    refused.refused(404, "session_unknown");
    assert!(!refused.headers.contains_key("sealgate-revocation"));
}

#[tokio::test]
async fn whoever_waits_for_news_is_answered_when_there_is_some() {
    let plane = Plane::new().await;
    let mut app = application();
    app["id"] = "app".into();
    plane.post("/clients", app).await;
    let (news, _) = tokio::join!(plane.get("/feed/events?after=0&wait=30"), async {
        tokio::task::yield_now().await;
        plane.post("/clients/app/disable", Value::Null).await
    });
    let news: Revocations = news.read();
    assert_eq!(news.revocations[0].kind, RevokedKind::Client);
    assert_eq!(news.revocations[0].client, None);
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused() {
    let plane = Plane::new().await;
    for (path, status, reason) in [
        ("/feed/receipt?seq=1", 404, "feed_seq_unknown"),
        ("/feed/receipt?seq=-1", 400, "query_malformed"),
        ("/feed/receipt?wait=61", 400, "query_malformed"),
        ("/feed/receipt?more=1", 400, "query_malformed"),
        ("/feed/events?wait=61", 400, "query_malformed"),
        ("/feed/events?limit=0", 400, "query_malformed"),
        (
            "/feed/events?after=9223372036854775808",
            400,
            "query_malformed",
        ),
        ("/feed/gates?all=true", 400, "query_malformed"),
    ] {
        plane.get(path).await.refused(status, reason);
    }
}

#[tokio::test]
async fn sight_needs_its_own_scope_over_the_network() {
    let plane = Plane::open().await;
    let blind = plane
        .add_machine("blind", &["sealgate:sessions:write", "sealgate:audit:read"])
        .await;
    let seeing = plane.add_machine("seeing", &["sealgate:feed:read"]).await;
    let blind = plane.bearer(&blind, "").await;
    let seeing = plane.bearer(&seeing, "").await;
    for path in ["/feed/gates", "/feed/receipt", "/feed/events"] {
        let nobody = plane.network(Method::GET, path, None, None).await;
        nobody.refused(401, "credential_missing");
        let refused = plane.network(Method::GET, path, None, Some(&blind)).await;
        refused.refused(403, "scope_missing");
        let seen = plane.network(Method::GET, path, None, Some(&seeing)).await;
        assert_eq!(seen.status, 200, "{path}: {}", seen.body);
    }
}
