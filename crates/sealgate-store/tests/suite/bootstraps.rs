//! Bootstrap credentials: good once, for a service account to register a key with.

use sealgate_host::sha256;
use sealgate_model::{BootstrapId, ClientId};
use sealgate_store::{Bootstrap, Enrolled, Revoked, StoreError};
use serde_json::{Value, json};

use crate::world::{DAY, HOUR, MINUTE, World};

impl World {
    pub(crate) fn bootstrap_row(&self, client: &ClientId) -> Bootstrap {
        Bootstrap {
            id: BootstrapId::generate(self.now(), &self.random),
            secret_hash: sha256(b"bootstrap"),
            client: client.clone(),
            keeps_keys: false,
            created_at: self.now(),
            expires_at: self.now() + HOUR,
            used_at: None,
        }
    }

    pub(crate) async fn bootstrap(&self, client: &ClientId) -> Bootstrap {
        let bootstrap = self.bootstrap_row(client);
        assert!(self.store_bootstrap(&bootstrap).await.unwrap());
        bootstrap
    }

    /// Stores one for a service account as it is now.
    async fn store_bootstrap(&self, bootstrap: &Bootstrap) -> Result<bool, StoreError> {
        let client = self.store.client(&bootstrap.client).await.unwrap();
        let scopes = client.map_or_else(Vec::new, |client| client.scopes);
        let audit = self.audit("machine.bootstrap");
        let row = bootstrap.clone();
        self.store.bootstrap_create(row, scopes, audit).await
    }

    pub(crate) async fn spend(&self, id: BootstrapId, key: &Value) -> Enrolled {
        let audit = self.audit("machine.enroll");
        let spent = self.store.bootstrap_spend(id, key.clone(), audit).await;
        spent.unwrap()
    }

    async fn keys_of(&self, id: &ClientId) -> Value {
        let client = self.store.client(id).await.unwrap().unwrap();
        client
            .details
            .jwks
            .map_or(Value::Null, |set| set["keys"].clone())
    }
}

pub(crate) fn key(kid: &str) -> Value {
    json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" })
}

#[tokio::test]
async fn a_bootstrap_credential_registers_one_key_once() {
    let world = World::new();
    let id = world.machine("importer").await.id;
    let bootstrap = world.bootstrap(&id).await;
    assert_eq!(
        world.store.bootstrap(bootstrap.id).await.unwrap(),
        Some(bootstrap.clone())
    );
    assert_eq!(world.seen(&id).await.bootstrap, Some(bootstrap.clone()));
    let Enrolled::Done(client) = world.spend(bootstrap.id, &key("one")).await else {
        panic!("it is good once");
    };
    assert_eq!(client.id, id);
    assert_eq!(world.keys_of(&id).await, json!([key("one")]));
    assert_eq!(world.spend(bootstrap.id, &key("two")).await, Enrolled::Used);
    assert_eq!(world.keys_of(&id).await, json!([key("one")]));
    assert_eq!(world.seen(&id).await.bootstrap, None);
    assert_eq!(
        world.actions().await,
        ["machine.create", "machine.bootstrap", "machine.enroll"]
    );
    assert!(
        world.log().await.is_empty(),
        "a first key takes nothing away"
    );
}

#[tokio::test]
async fn of_many_enrolments_at_once_with_one_credential_one_is_done() {
    let world = World::new();
    let id = world.machine("importer").await.id;
    let bootstrap = world.bootstrap(&id).await;
    let mut racing = Vec::new();
    for number in 0..8 {
        let (store, audit) = (world.store.clone(), world.audit("machine.enroll"));
        let key = key(&number.to_string());
        racing.push(tokio::spawn(async move {
            store
                .bootstrap_spend(bootstrap.id, key, audit)
                .await
                .unwrap()
        }));
    }
    let mut done = 0;
    for race in racing {
        match race.await.unwrap() {
            Enrolled::Done(_) => done += 1,
            other => assert_eq!(other, Enrolled::Used),
        }
    }
    assert_eq!(
        (done, world.keys_of(&id).await.as_array().unwrap().len()),
        (1, 1)
    );
}

#[tokio::test]
async fn a_key_takes_the_place_of_others_or_stands_beside_them() {
    let world = World::new();
    let id = world.machine("importer").await.id;
    let first = world.bootstrap(&id).await;
    world.spend(first.id, &key("one")).await;
    let beside = Bootstrap {
        keeps_keys: true,
        ..world.bootstrap_row(&id)
    };
    assert!(world.store_bootstrap(&beside).await.unwrap());
    world.spend(beside.id, &key("two")).await;
    assert_eq!(world.keys_of(&id).await, json!([key("one"), key("two")]));
    assert!(world.log().await.is_empty());
    let instead = world.bootstrap(&id).await;
    world.spend(instead.id, &key("three")).await;
    assert_eq!(world.keys_of(&id).await, json!([key("three")]));
    let log = world.log().await;
    assert_eq!(log.len(), 1, "what the other keys got is revoked");
    assert_eq!(log[0].what, Revoked::Client(id.clone()));

    for number in 0..16 {
        let more = Bootstrap {
            keeps_keys: true,
            ..world.bootstrap_row(&id)
        };
        assert!(world.store_bootstrap(&more).await.unwrap());
        let spent = world.spend(more.id, &key(&format!("more {number}"))).await;
        assert_eq!(matches!(spent, Enrolled::Done(_)), number < 15, "{number}");
        assert_eq!(spent == Enrolled::Full, number == 15);
    }
}

#[tokio::test]
async fn a_newer_credential_takes_the_place_of_one_that_was_not_used() {
    let world = World::new();
    let id = world.machine("importer").await.id;
    let (old, new) = (world.bootstrap(&id).await, world.bootstrap(&id).await);
    assert_eq!(world.spend(old.id, &key("one")).await, Enrolled::Gone);
    assert!(matches!(
        world.spend(new.id, &key("one")).await,
        Enrolled::Done(_)
    ));
}

#[tokio::test]
async fn a_credential_is_good_for_its_time_and_as_long_as_its_machine_is() {
    let world = World::new();
    let late = world.machine("late").await.id;
    let bootstrap = world.bootstrap(&late).await;
    world.clock.advance(HOUR);
    assert_eq!(
        world.spend(bootstrap.id, &key("one")).await,
        Enrolled::Expired
    );

    let disabled = world.machine("disabled").await.id;
    let bootstrap = world.bootstrap(&disabled).await;
    let audit = world.audit("client.disable");
    assert!(world.store.client_disable(&disabled, audit).await.unwrap());
    assert_eq!(world.spend(bootstrap.id, &key("one")).await, Enrolled::Gone);
    let audit = world.audit("client.enable");
    assert!(world.store.client_enable(&disabled, audit).await.unwrap());
    assert_eq!(world.spend(bootstrap.id, &key("one")).await, Enrolled::Gone);

    let expiring = world.machine("expiring").await;
    world.clock.advance(29 * DAY + 23 * HOUR + 59 * MINUTE);
    let bootstrap = world.bootstrap(&expiring.id).await;
    world.clock.advance(MINUTE);
    assert_eq!(
        world.spend(bootstrap.id, &key("one")).await,
        Enrolled::Ended
    );
    assert_eq!(world.keys_of(&expiring.id).await, Value::Null);
    let row = world.bootstrap_row(&expiring.id);
    assert!(!world.store_bootstrap(&row).await.unwrap());
    let nobody = world.client("app").await.id;
    let row = world.bootstrap_row(&nobody);
    assert!(
        !world.store_bootstrap(&row).await.unwrap(),
        "no service account"
    );
}

#[tokio::test]
async fn a_credential_is_made_for_a_service_account_that_may_what_was_judged() {
    let world = World::new();
    let before = world.machine("importer").await;
    let row = world.bootstrap_row(&before.id);
    let mut more = before.clone();
    more.scopes.push("sealgate:users:write".to_owned());
    let audit = world.audit("machine.update");
    let changed = world.store.machine_update(before.clone(), more, audit);
    assert!(changed.await.unwrap());
    let audit = world.audit("machine.bootstrap");
    let made = world
        .store
        .bootstrap_create(row.clone(), before.scopes, audit);
    assert!(matches!(made.await, Err(StoreError::Conflict("client"))));
    assert_eq!(world.store.bootstrap(row.id).await.unwrap(), None);
    assert!(world.store_bootstrap(&row).await.unwrap());
}

#[tokio::test]
async fn expired_credentials_are_swept() {
    let world = World::new();
    let id = world.machine("importer").await.id;
    let bootstrap = world.bootstrap(&id).await;
    world.clock.advance(2 * HOUR);
    assert_eq!(world.sweep().await, 1);
    assert_eq!(world.store.bootstrap(bootstrap.id).await.unwrap(), None);
}
