//! AI agents: who they are, who lets them act, and taking it back.

use sealgate_model::{Clock as _, Timestamp, UserId};
use sealgate_server::admin::{AgentView, Agents, RevokedAgent, SessionView};
use sealgate_store::{
    Audit, AuditActor, Client, ClientDetails, ClientKind, ClientOrigin, Consent, ConsentRow,
    RevokeReason,
};
use serde_json::{Value, json};

use crate::plane::{Plane, application};

const DOCUMENT: &str = "https://agent.example/client.json";

/// A client that nobody registered.
async fn add_document(plane: &Plane) {
    let client = Client {
        id: DOCUMENT.parse().unwrap(),
        name: "Note\u{202e} taker".to_owned(),
        kind: ClientKind::Public,
        secret_hash: None,
        redirect_uris: Vec::new(),
        logout_uris: Vec::new(),
        scopes: vec!["openid".to_owned()],
        details: ClientDetails {
            agent: true,
            consent: Consent::Required,
            origin: ClientOrigin::Document,
            ..ClientDetails::for_kind(ClientKind::Public)
        },
        created_at: plane.clock.now(),
        disabled_at: None,
    };
    let audit = Audit::allowed(plane.clock.now(), AuditActor::System, "test.prepare");
    plane
        .plane
        .store
        .client_create(client, audit)
        .await
        .unwrap();
}

async fn allow(plane: &Plane, user: UserId, client: &str) {
    let consent = ConsentRow {
        user,
        client: client.parse().unwrap(),
        scopes: vec!["openid".to_owned()],
        resources: Vec::new(),
        grants: Vec::new(),
        granted_at: plane.clock.now(),
    };
    let audit = Audit::allowed(plane.clock.now(), AuditActor::System, "test.prepare");
    plane
        .plane
        .store
        .consent_grant(consent, audit)
        .await
        .unwrap();
}

/// A plane with two users who both let an agent act, and an application that is none.
async fn with_agents() -> (Plane, UserId, UserId) {
    let plane = Plane::new().await;
    let ada = plane.add_user("ada@example.com", &[]).await;
    let eve = plane.add_user("eve@example.com", &[]).await;
    let mut app = application();
    app["id"] = "app".into();
    plane.post("/clients", app).await;
    add_document(&plane).await;
    for user in [ada, eve] {
        allow(&plane, user, DOCUMENT).await;
        plane.start_session(user, DOCUMENT).await.unwrap();
    }
    plane.start_session(ada, "app").await.unwrap();
    plane.clock.advance(std::time::Duration::from_secs(60));
    (plane, ada, eve)
}

#[tokio::test]
async fn agents_are_listed_with_who_uses_them() {
    let (plane, ..) = with_agents().await;
    let all: Agents = plane.get("/agents").await.read();
    let agent = AgentView {
        client: DOCUMENT.parse().unwrap(),
        name: "Note taker".to_owned(),
        origin: ClientOrigin::Document,
        host: Some("agent.example".to_owned()),
        users: 2,
        consents: 2,
        sessions: 2,
        last_used_at: all.agents[0].last_used_at,
        created_at: all.agents[0].created_at,
        disabled_at: None,
    };
    assert_eq!(all.agents, [agent]);
    assert!(all.agents[0].last_used_at > Some(Timestamp::from_millis(0)));
    let mut helper = application();
    helper["id"] = "helper".into();
    helper["agent"] = true.into();
    plane.post("/clients", helper).await;
    let page: Agents = plane.get("/agents?limit=1").await.read();
    assert_eq!(page.agents[0].client.as_str(), "helper");
    assert_eq!(page.next.unwrap().as_str(), "helper");
    let rest: Agents = plane.get("/agents?after=helper").await.read();
    assert_eq!(rest.agents.len(), 1);
}

#[tokio::test]
async fn one_that_nobody_registered_gets_less_by_an_administrator_and_never_more() {
    let (plane, ..) = with_agents().await;
    let path = format!(
        "/clients/{}",
        DOCUMENT.replace(':', "%3A").replace('/', "%2F")
    );
    // A name of its own is bounded by its characters, and must keep nobody from deciding about it.
    let said = json!({ "name": "手帳".repeat(40), "redirect_uris": ["https://agent.example/cb"] });
    let said = plane.patch(&path, said).await;
    assert_eq!(said.status.as_u16(), 200, "{}", said.body);
    for more in [
        json!({ "consent": "trusted" }),
        json!({ "agent": false }),
        json!({ "scopes": ["notes:write"] }),
        json!({ "scopes": ["sealgate:users:read"] }),
        json!({ "grants": ["authorization_code", "urn:ietf:params:oauth:grant-type:device_code"] }),
        json!({ "resources": ["https://id.harbour.example/api/v1"] }),
    ] {
        let refused = plane.patch(&path, more.clone()).await;
        assert_eq!(refused.status.as_u16(), 422, "{more}");
    }
    plane
        .patch(&path, json!({ "consent": "trusted" }))
        .await
        .refused(422, "client_of_its_own");
    let less =
        json!({ "session_lifetime": 3600, "grants": ["authorization_code"], "require_dpop": true });
    let less = plane.patch(&path, less).await;
    assert_eq!(less.status.as_u16(), 200, "{}", less.body);
}

#[tokio::test]
async fn an_agent_is_taken_from_one_user_and_from_everybody() {
    let (plane, ada, eve) = with_agents().await;
    let revoke = async |body: Value| plane.post("/agents/revoke", body).await;
    let one = json!({ "client": DOCUMENT, "user": ada });
    let done: RevokedAgent = revoke(one.clone()).await.read();
    assert_eq!((done.consents, done.sessions), (1, 1));
    let record = plane.last_record().await;
    assert_eq!(
        (
            record.action.as_str(),
            record.user,
            record.client.unwrap().as_str()
        ),
        ("agent.revoke", Some(ada), DOCUMENT)
    );
    // The older way does the same, with the id as one segment of the path.
    let path = format!(
        "/users/{ada}/consents/{}",
        DOCUMENT.replace(':', "%3A").replace('/', "%2F")
    );
    plane.delete(&path).await.refused(404, "consent_unknown");
    let again: RevokedAgent = revoke(one).await.read();
    assert_eq!((again.consents, again.sessions), (0, 0));
    let left = plane.plane.store.consents_of(eve).await.unwrap();
    assert_eq!(left.len(), 1);

    let done: RevokedAgent = revoke(json!({ "client": DOCUMENT })).await.read();
    assert_eq!((done.consents, done.sessions), (1, 1));
    let sessions: Value = plane.get("/sessions?all=true").await.read();
    for session in sessions["sessions"].as_array().unwrap() {
        let session: SessionView = serde_json::from_value(session.clone()).unwrap();
        let expected =
            (session.client.as_str() == DOCUMENT).then_some(RevokeReason::ConsentWithdrawn);
        assert_eq!(session.revoked_for, expected, "{session:?}");
    }
    // It may ask again, unless it is disabled.
    let all: Agents = plane.get("/agents").await.read();
    assert_eq!((all.agents[0].users, all.agents[0].disabled_at), (0, None));
    for wrong in [json!({ "client": "nobody" }), json!({ "client": "app" })] {
        revoke(wrong).await.refused(404, "agent_unknown");
    }
    let nobody = UserId::from_bytes([7; 16]);
    revoke(json!({ "client": DOCUMENT, "user": nobody }))
        .await
        .refused(404, "user_unknown");
}
