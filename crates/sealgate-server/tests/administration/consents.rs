//! What users have granted clients.

use sealgate_model::Clock as _;
use sealgate_server::admin::Consents;
use sealgate_store::{Audit, AuditActor, ConsentRow, RevokeReason};

use crate::plane::{Plane, application};

#[tokio::test]
async fn a_users_consents_are_listed_and_taken_back_with_the_sessions() {
    let plane = Plane::new().await;
    let user = plane.add_user("ada@example.com", &[]).await;
    for id in ["one", "two"] {
        let mut app = application();
        app["id"] = id.into();
        app["name"] = format!("App {id}").into();
        plane.post("/clients", app).await;
        let consent = ConsentRow {
            user,
            client: id.parse().unwrap(),
            scopes: vec!["openid".to_owned()],
            resources: Vec::new(),
            grants: Vec::new(),
            granted_at: plane.clock.now(),
        };
        let audit = Audit::allowed(plane.clock.now(), AuditActor::System, "test");
        plane
            .plane
            .store
            .consent_grant(consent, audit)
            .await
            .unwrap();
    }
    let session = plane.start_session(user, "one").await.unwrap();
    let path = format!("/users/{user}/consents");
    let all: Consents = plane.get(&path).await.read();
    assert_eq!((all.consents.len(), &all.next), (2, &None));
    assert_eq!(all.consents[0].client_name, "App one");
    let page: Consents = plane.get(&format!("{path}?limit=1")).await.read();
    assert_eq!(page.next.unwrap().as_str(), "one");

    assert_eq!(plane.delete(&format!("{path}/one")).await.status, 204);
    let record = plane.last_record().await;
    assert_eq!(
        (record.action.as_str(), record.user),
        ("consent.withdraw", Some(user))
    );
    let after = plane
        .plane
        .store
        .session(session.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(after.revoked_for, Some(RevokeReason::ConsentWithdrawn));
    let left: Consents = plane.get(&path).await.read();
    assert_eq!(left.consents[..], all.consents[1..]);
    plane
        .delete(&format!("{path}/one"))
        .await
        .refused(404, "consent_unknown");
}
