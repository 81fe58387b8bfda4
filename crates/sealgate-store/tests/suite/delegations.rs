//! Delegations: found again, revoked with what is under them, and gone with their session.

use sealgate_model::{ClientId, GrantId, SessionId};
use sealgate_store::{
    Delegated, DelegationFilter, NewDelegation, Page, RevokeReason, Revoked, StoreError,
};

use crate::world::{DAY, HOUR, MINUTE, World};

const API: &str = "https://api.example";
const FILES: &str = "https://files.example";

impl World {
    /// An exchange, with an id of its own unless there is a delegation for it.
    async fn exchange(
        &self,
        session: SessionId,
        client: &ClientId,
        parent: Option<GrantId>,
        resource: &str,
    ) -> (GrantId, Delegated) {
        let known = self.store.delegation_of(session, client, parent);
        let fresh = GrantId::generate(self.now(), &self.random);
        let id = known.await.unwrap().unwrap_or(fresh);
        let new = NewDelegation {
            id,
            session,
            client: client.clone(),
            parent,
            resources: vec![resource.to_owned()],
        };
        let done = self
            .store
            .session_delegate(new, self.audit("token.exchange"));
        (id, done.await.unwrap())
    }

    async fn take_back(&self, id: GrantId) -> bool {
        let audit = self.audit("delegation.revoke");
        let done = self.store.delegation_revoke(id, RevokeReason::Admin, audit);
        done.await.unwrap()
    }
}

#[tokio::test]
async fn the_same_client_acts_out_of_the_same_session_by_the_same_delegation() {
    let world = World::new();
    let (ada, app, sign_in, session, _) = world.story().await;
    let (other, _) = world.session_from(&sign_in, &app.id).await;
    let (first, done) = world.exchange(session.id, &app.id, None, FILES).await;
    assert_eq!(done, Delegated::Done);
    world.clock.advance(MINUTE);
    assert_eq!(
        world.exchange(session.id, &app.id, None, API).await,
        (first, Delegated::Done)
    );
    let (under, _) = world.exchange(session.id, &app.id, Some(first), API).await;
    let (elsewhere, _) = world.exchange(other.id, &app.id, None, API).await;
    assert!(first != under && first != elsewhere);

    let known = world.store.delegation(first).await.unwrap().unwrap();
    assert_eq!((known.session, known.user), (session.id, ada.id));
    assert_eq!(known.resources, [API, FILES]);
    assert_eq!(known.last_used_at, world.now());
    assert_eq!(known.created_at, world.now() - MINUTE);
    assert_eq!(known.expires_at, session.expires_at);
    // Whoever lost the race to make it is told which it is, and has written nothing.
    let records = world.records().await.len();
    let late = NewDelegation {
        id: GrantId::generate(world.now(), &world.random),
        session: session.id,
        client: app.id.clone(),
        parent: None,
        resources: vec!["https://more.example".to_owned()],
    };
    let done = world
        .store
        .session_delegate(late, world.audit("token.exchange"));
    assert_eq!(done.await.unwrap(), Delegated::Other(first));
    assert_eq!(world.records().await.len(), records);
    let same = world.store.delegation(first).await.unwrap().unwrap();
    assert_eq!(same, known);
}

#[tokio::test]
async fn a_delegation_falls_with_all_under_it_and_whoever_takes_its_tokens_hears_of_each() {
    let world = World::new();
    let (_, app, _, session, _) = world.story().await;
    let api = world.client("api").await.id;
    let files = world.client("files").await.id;
    let stranger = world.client("stranger").await.id;
    world.resource(API, Some(&api)).await;
    world.resource(FILES, Some(&files)).await;
    let (root, _) = world.exchange(session.id, &app.id, None, API).await;
    world.clock.advance(MINUTE);
    let (under, _) = world.exchange(session.id, &api, Some(root), FILES).await;
    let (beside, _) = world.exchange(session.id, &api, None, FILES).await;
    assert!(world.take_back(root).await);

    let told: Vec<_> = world
        .log()
        .await
        .into_iter()
        .map(|entry| (entry.what, entry.client.unwrap(), entry.reason))
        .collect();
    let entry =
        |id, reader: &ClientId| (Revoked::Grant(id), reader.clone(), Some("admin".to_owned()));
    assert_eq!(
        told,
        [
            entry(root, &api),
            entry(root, &app.id),
            entry(under, &api),
            entry(under, &files),
        ]
    );
    assert!(told.iter().all(|(_, reader, _)| *reader != stranger));
    // The session and what is beside go on; neither of the two comes back.
    assert_eq!(world.fate(session.id).await, None);
    let (again, done) = world.exchange(session.id, &api, None, API).await;
    assert_eq!((again, done), (beside, Delegated::Done));
    for (client, parent) in [(&app.id, None), (&api, Some(root)), (&files, Some(under))] {
        let (_, done) = world.exchange(session.id, client, parent, API).await;
        assert_eq!(done, Delegated::Revoked, "{client}");
    }
    // Twice is once; of what is not there nobody hears.
    let (log, records) = (world.log().await.len(), world.records().await.len());
    assert!(world.take_back(root).await);
    assert!(
        !world
            .take_back(GrantId::generate(world.now(), &world.random))
            .await
    );
    assert_eq!(log, world.log().await.len());
    assert_eq!(records, world.records().await.len());
    let last = world.records().await.pop().unwrap();
    assert_eq!(last.action, "token.exchange");
    assert!(
        world
            .actions()
            .await
            .contains(&"delegation.revoke".to_owned())
    );
}

#[tokio::test]
async fn a_delegation_of_another_session_is_nobodys_parent() {
    let world = World::new();
    let (_, app, sign_in, session, _) = world.story().await;
    let (other, _) = world.session_from(&sign_in, &app.id).await;
    let (foreign, _) = world.exchange(other.id, &app.id, None, API).await;
    let nobody = GrantId::generate(world.now(), &world.random);
    for parent in [foreign, nobody] {
        let (_, done) = world.exchange(session.id, &app.id, Some(parent), API).await;
        assert_eq!(done, Delegated::Revoked);
    }
}

#[tokio::test]
async fn nobody_acts_out_of_what_has_ended() {
    let world = World::new();
    let (_, app, sign_in, session, _) = world.story().await;
    let helper = world.client("helper").await.id;
    let audit = world.audit("client.disable");
    assert!(world.store.client_disable(&helper, audit).await.unwrap());
    let (_, done) = world.exchange(session.id, &helper, None, API).await;
    assert_eq!(done, Delegated::Ended, "the client is disabled");
    let audit = world.audit("session.revoke");
    let revoked = world
        .store
        .session_revoke(session.id, RevokeReason::Admin, audit);
    assert!(revoked.await.unwrap());
    let (_, done) = world.exchange(session.id, &app.id, None, API).await;
    assert_eq!(done, Delegated::Ended, "the session is revoked");
    let (late, _) = world.session_from(&sign_in, &app.id).await;
    world.clock.advance(DAY);
    let (_, done) = world.exchange(late.id, &app.id, None, API).await;
    assert_eq!(done, Delegated::Ended, "the session has expired");
}

#[tokio::test]
async fn a_session_has_so_many_delegations_and_no_more() {
    let world = World::new();
    let (_, app, _, session, _) = world.story().await;
    let mut parent = None;
    for _ in 0..256 {
        let (id, done) = world.exchange(session.id, &app.id, parent, API).await;
        assert_eq!(done, Delegated::Done);
        parent = Some(id);
    }
    let new = NewDelegation {
        id: GrantId::generate(world.now(), &world.random),
        session: session.id,
        client: app.id.clone(),
        parent,
        resources: vec![],
    };
    let done = world
        .store
        .session_delegate(new, world.audit("token.exchange"));
    assert!(matches!(done.await, Err(StoreError::TooMany(_))));
    // The deepest chain there could be falls as one.
    let root = world.store.delegation_of(session.id, &app.id, None);
    assert!(world.take_back(root.await.unwrap().unwrap()).await);
    assert_eq!(world.log().await.len(), 256);
}

#[tokio::test]
async fn a_client_that_begins_to_serve_a_resource_is_told_of_delegations_for_it_that_are_revoked() {
    let world = World::new();
    let (_, app, _, session, _) = world.story().await;
    world.resource(API, None).await;
    world.resource(FILES, None).await;
    let (id, _) = world.exchange(session.id, &app.id, None, API).await;
    let revoked_at = world.now();
    assert!(world.take_back(id).await);
    world.clock.advance(HOUR);
    let before = world.log().await.len();
    let (api, files) = (world.client("api").await.id, world.client("files").await.id);
    world.serve(API, Some(&api)).await;
    world.serve(FILES, Some(&files)).await;
    let told = world.log().await.split_off(before);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].what, Revoked::Grant(id));
    assert_eq!((told[0].at, &told[0].client), (revoked_at, &Some(api)));
}

#[tokio::test]
async fn delegations_are_listed_by_what_is_named_in_slices() {
    let world = World::new();
    let (ada, app, sign_in, session, _) = world.story().await;
    let api = world.client("api").await.id;
    let (root, _) = world.exchange(session.id, &app.id, None, API).await;
    world.clock.advance(MINUTE);
    let (under, _) = world.exchange(session.id, &api, Some(root), API).await;
    world.clock.advance(MINUTE);
    let (second, _) = world.session_from(&sign_in, &app.id).await;
    let (ended, _) = world.exchange(second.id, &app.id, None, API).await;
    let bob = world.user("bob@example.com").await;
    let bobs = world.sign_in(bob.id).await;
    world.clock.advance(MINUTE);
    let (his, _) = world.session_from(&bobs, &app.id).await;
    let (of_bob, _) = world.exchange(his.id, &app.id, None, API).await;
    let audit = world.audit("session.revoke");
    let revoked = world
        .store
        .session_revoke(second.id, RevokeReason::Admin, audit);
    assert!(revoked.await.unwrap());
    assert!(world.take_back(under).await);
    let listed = async |filter: DelegationFilter, page: Page| -> Vec<GrantId> {
        let found = world.store.delegations(filter, page).await.unwrap();
        found.into_iter().map(|row| row.id).collect()
    };
    let all = DelegationFilter::default;
    let page = Page::default;
    assert_eq!(listed(all(), page()).await, [root, under, ended, of_bob]);
    let live = Some(world.now());
    let filter = DelegationFilter {
        live_at: live,
        ..all()
    };
    assert_eq!(listed(filter, page()).await, [root, of_bob]);
    let filter = DelegationFilter {
        user: Some(ada.id),
        ..all()
    };
    assert_eq!(listed(filter, page()).await, [root, under, ended]);
    let filter = DelegationFilter {
        client: Some(api),
        ..all()
    };
    assert_eq!(listed(filter, page()).await, [under]);
    let filter = DelegationFilter {
        session: Some(session.id),
        ..all()
    };
    assert_eq!(listed(filter.clone(), page()).await, [root, under]);
    let rest = Page {
        after: Some(*root.as_bytes()),
        limit: 1,
    };
    assert_eq!(listed(filter, rest).await, [under]);
}

#[tokio::test]
async fn delegations_go_with_their_session() {
    let world = World::new();
    let (_, app, _, session, _) = world.story().await;
    let (root, _) = world.exchange(session.id, &app.id, None, API).await;
    let (under, _) = world.exchange(session.id, &app.id, Some(root), FILES).await;
    assert!(world.take_back(under).await);
    world.clock.advance(2 * DAY);
    world.sweep().await;
    for id in [root, under] {
        assert_eq!(world.store.delegation(id).await.unwrap(), None);
    }
}
