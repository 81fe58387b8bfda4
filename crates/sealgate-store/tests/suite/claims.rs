//! What credentials tell and is not so any more: who is told of that, and of nothing else.

use sealgate_model::{ClientId, Grant};
use sealgate_store::{Client, ClientAuthentication, ClientDetails, Revoked, UserChange, UserRow};
use serde_json::json;

use crate::world::{MINUTE, World};

const API: &str = "https://api.example";

impl World {
    async fn change(&self, user: &UserRow, change: UserChange) {
        let audit = self.audit("user.update");
        let done = self.store.user_update(user.id, change, audit).await;
        assert!(done.unwrap());
    }

    async fn register_anew(&self, id: &ClientId, change: impl FnOnce(&mut Client)) {
        let before = self.store.client(id).await.unwrap().unwrap();
        let mut client = before.clone();
        change(&mut client);
        let audit = self.audit("client.update");
        let done = self.store.client_update(before, client, audit).await;
        assert!(done.unwrap());
    }

    /// What the log tells and whom, from a place on.
    async fn told_since(&self, place: usize) -> Vec<(Revoked, Option<ClientId>)> {
        let log = self.log().await.split_off(place);
        log.into_iter().map(|one| (one.what, one.client)).collect()
    }
}

fn roles(roles: &[&str]) -> UserChange {
    UserChange {
        roles: Some(roles.iter().map(ToString::to_string).collect()),
        ..UserChange::default()
    }
}

#[tokio::test]
async fn other_roles_end_nothing_and_are_told_to_whoever_hears_of_the_users_sessions() {
    let world = World::new();
    let (ada, app, sign_in, session, _) = world.story().await;
    let api = world.client("api").await.id;
    world.client("stranger").await;
    world.resource(API, Some(&api)).await;
    world.session_for_resources(&sign_in, &app.id, &[API]).await;
    for (place, change) in [(0, roles(&["auditor"])), (2, roles(&[]))] {
        world.change(&ada, change).await;
        let told = Revoked::UserClaims(ada.id);
        let readers = [&api, &app.id].map(|reader| (told.clone(), Some(reader.clone())));
        assert_eq!(world.told_since(place).await, readers);
    }
    let last = world.log().await.pop().unwrap();
    assert_eq!(last.at, world.now());
    assert_eq!(last.reason.as_deref(), Some("roles_changed"));
    assert!(last.expires_at >= session.expires_at);
    assert_eq!(world.fate(session.id).await, None);
    // The same roles, and what no credential tells, are told to nobody.
    world.change(&ada, roles(&[])).await;
    let bob = world.user("bob@example.com").await;
    world.change(&bob, roles(&["auditor"])).await;
    assert_eq!(world.log().await.len(), 4);
}

#[tokio::test]
async fn another_name_is_told_to_those_that_were_told_the_name() {
    let world = World::new();
    let (ada, _, sign_in, ..) = world.story().await;
    let desk = world.client("desk").await.id;
    let code = world.code(&sign_in, &desk).await;
    let mut named = world.session_for(&code);
    named.scopes = vec!["openid".to_owned(), "profile".to_owned()];
    world.redeem(&code, &named, None).await.unwrap();
    let name = |name: &str| UserChange {
        name: Some(name.to_owned()),
        ..UserChange::default()
    };
    world.change(&ada, name("Ada")).await;
    assert!(world.log().await.is_empty(), "that is the name as it was");
    world.change(&ada, name("Countess Lovelace")).await;
    let told = (Revoked::UserClaims(ada.id), Some(desk));
    assert_eq!(world.told_since(0).await, [told]);
}

#[tokio::test]
async fn what_was_told_by_an_act_that_was_written_first_is_from_before_the_change() {
    let world = World::new();
    let (ada, _, _, session, first) = world.story().await;
    // A change that began before a renewal, and is written after it.
    let slow = world.audit("user.update");
    world.clock.advance(MINUTE);
    world.rotate(first.id, world.token(&session, 1)).await;
    let done = world.store.user_update(ada.id, roles(&[]), slow).await;
    assert!(done.unwrap());
    let told = world.log().await.pop().unwrap();
    assert_eq!(told.at, world.now(), "as late as the renewal");
}

#[tokio::test]
async fn a_client_that_may_do_less_is_told_to_everybody_and_one_that_may_do_more_to_nobody() {
    let world = World::new();
    let (.., session, _) = world.story().await;
    let id = session.client.clone();
    world
        .register_anew(&id, |client| {
            client.name = "Another name".to_owned();
            client.scopes.push("expenses:write".to_owned());
            client.details.resources = vec![API.to_owned()];
            client.details.access_lifetime = Some(60);
        })
        .await;
    assert!(world.log().await.is_empty());
    let lesser: [fn(&mut Client); 8] = [
        |client| client.scopes.retain(|scope| scope != "expenses:write"),
        |client| client.details.resources.clear(),
        |client| {
            client
                .details
                .grants
                .retain(|grant| *grant != Grant::RefreshToken);
        },
        |client| client.details.agent = true,
        |client| client.details.tenant = Some("acme".parse().unwrap()),
        |client| client.details.may_act = Some("broker".parse().unwrap()),
        |client| client.details.may_act = Some("another".parse().unwrap()),
        |client| client.details.may_act = None,
    ];
    for (place, change) in lesser.into_iter().enumerate() {
        world.register_anew(&id, change).await;
        let told = (Revoked::ClientClaims(id.clone()), None);
        assert_eq!(world.told_since(place).await, [told]);
    }
    assert_eq!(world.fate(session.id).await, None);
}

#[tokio::test]
async fn what_a_machine_began_with_credentials_that_it_lost_is_revoked() {
    let world = World::new();
    let (.., session, _) = world.story().await;
    let app = session.client.clone();
    let machine = |details: &mut ClientDetails| details.grants = vec![Grant::ClientCredentials];
    let robot = world.client_with("robot", machine).await;
    let secret = async |id: &ClientId| {
        let scopes = robot.scopes.clone();
        let audit = world.audit("client.secret");
        let hash = sealgate_host::sha256(b"another");
        let done = world.store.client_set_secret(id, scopes, hash, audit).await;
        assert!(done.unwrap());
    };
    // Whom people signed in to is the same application with another secret.
    secret(&app).await;
    assert!(world.log().await.is_empty());
    let revoked = || (Revoked::Client(robot.id.clone()), None);
    secret(&robot.id).await;
    assert_eq!(world.told_since(0).await, [revoked()]);
    let keys = |kids: &[&str]| {
        let keys: Vec<_> = kids.iter().map(|kid| json!({ "kid": kid })).collect();
        Some(json!({ "keys": keys }))
    };
    world
        .register_anew(&robot.id, |client| {
            client.details.authentication = ClientAuthentication::PrivateKeyJwt;
            client.details.jwks = keys(&["one"]);
        })
        .await;
    assert_eq!(world.told_since(1).await, [revoked()]);
    let with = async |kids: &[&str]| {
        let jwks = keys(kids);
        let change = |client: &mut Client| client.details.jwks = jwks;
        world.register_anew(&robot.id, change).await;
    };
    with(&["one", "two"]).await;
    assert_eq!(world.log().await.len(), 2, "one more key takes none away");
    with(&["two"]).await;
    assert_eq!(world.told_since(2).await, [revoked()]);
    assert_eq!(world.fate(session.id).await, None);
}
