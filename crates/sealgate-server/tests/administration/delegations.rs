//! Delegations as administrators see and end them.

use http::Method;
use sealgate_model::{Clock as _, GrantId};
use sealgate_server::admin::{DelegationView, Delegations};
use sealgate_store::{Audit, AuditActor, Delegated, NewDelegation, RevokeReason, Session};
use serde_json::{Value, json};

use crate::plane::{ISSUER, Plane, application};

const FILES: &str = "https://files.example";

impl Plane {
    async fn delegate(&self, session: &Session, parent: Option<GrantId>) -> GrantId {
        let now = self.clock.now();
        let new = NewDelegation {
            id: GrantId::generate(now, &*self.plane.random),
            session: session.id,
            client: session.client.clone(),
            parent,
            resources: vec![FILES.to_owned()],
        };
        let id = new.id;
        let audit = Audit::allowed(now, AuditActor::System, "test.prepare");
        let done = self.plane.store.session_delegate(new, audit).await;
        assert_eq!(done.unwrap(), Delegated::Done);
        id
    }
}

#[tokio::test]
async fn delegations_are_listed_shown_and_revoked_with_those_under_them() {
    let plane = Plane::new().await;
    let mut app = application();
    app["id"] = "app".into();
    plane.post("/clients", app).await;
    let ada = plane.add_user("ada@example.com", &[]).await;
    let session = plane.start_session(ada, "app").await.unwrap();
    let root = plane.delegate(&session, None).await;
    plane.clock.advance(std::time::Duration::from_secs(1));
    let under = plane.delegate(&session, Some(root)).await;
    let list = async |query: &str| -> Vec<GrantId> {
        let page: Delegations = plane.get(&format!("/delegations{query}")).await.read();
        page.delegations.into_iter().map(|one| one.id).collect()
    };
    for query in [
        String::new(),
        format!("?user={ada}&client=app&session={}", session.id),
    ] {
        assert_eq!(list(&query).await, [root, under], "{query}");
    }
    assert_eq!(list("?client=nobody").await, []);
    assert_eq!(list("?limit=1").await, [root]);
    assert_eq!(list(&format!("?after={root}")).await, [under]);
    let shown: DelegationView = plane.get(&format!("/delegations/{under}")).await.read();
    assert_eq!(
        (shown.parent, shown.email.as_str()),
        (Some(root), "ada@example.com")
    );
    assert_eq!(shown.resources, [FILES]);

    let path = format!("/delegations/{root}/revoke");
    let seen = plane.post(&path, Value::Null).await;
    let revoked: DelegationView = seen.read();
    assert_eq!(revoked.revoked_for, Some(RevokeReason::Admin));
    let record = plane.last_record().await;
    assert_eq!(
        (record.action.as_str(), record.actor.as_str(), record.trace),
        ("delegation.revoke", "operator", Some(seen.trace))
    );
    assert_eq!(
        (record.user, record.session, record.object),
        (Some(ada), Some(session.id), Some(root.to_string()))
    );
    assert_eq!(list("").await, []);
    assert_eq!(list("?all=true").await, [root, under]);
    let alive = plane.plane.store.session(session.id).await.unwrap();
    assert_eq!(alive.unwrap().revoked_at, None);

    let nobody = "01890a5d-ac96-774b-bcce-b302099a8057";
    for path in [
        format!("/delegations/{nobody}/revoke"),
        format!("/delegations/{}/revoke", session.id),
    ] {
        plane
            .post(&path, Value::Null)
            .await
            .refused(404, "delegation_unknown");
    }
    let seen = plane.get(&format!("/delegations/{nobody}")).await;
    seen.refused(404, "delegation_unknown");
    plane
        .get("/delegations/nothing")
        .await
        .refused(400, "id_malformed");
}

#[tokio::test]
async fn a_machines_token_from_before_it_could_do_less_opens_nothing_here() {
    let plane = Plane::open().await;
    let scopes = ["sealgate:users:read", "sealgate:sessions:read"];
    let machine = plane.add_machine("machine", &scopes).await;
    let before = plane.bearer(&machine, "").await;
    let ask = async |token: &str| {
        plane
            .network(Method::GET, "/delegations", None, Some(token))
            .await
    };
    assert_eq!(ask(&before).await.status, 200);
    plane.clock.advance(std::time::Duration::from_secs(1));
    let fewer = json!({ "scopes": ["sealgate:sessions:read"] });
    assert_eq!(plane.patch("/clients/machine", fewer).await.status, 200);
    ask(&before).await.refused(401, "token_outdated");
    plane.clock.advance(std::time::Duration::from_secs(1));
    let after = plane.bearer(&machine, "sealgate:sessions:read").await;
    assert_eq!(ask(&after).await.status, 200, "{ISSUER}");
    // A secret that somebody else may know is worth nothing, nor is what was had by it.
    plane.clock.advance(std::time::Duration::from_secs(1));
    plane.post("/clients/machine/secret", Value::Null).await;
    ask(&after).await.refused(401, "token_revoked");
}
