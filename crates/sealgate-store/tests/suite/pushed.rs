//! Pushed requests are taken once; assertions are used once.

use sealgate_model::ClientId;

use crate::world::{MINUTE, World};

#[tokio::test]
async fn a_pushed_request_is_taken_once_and_by_its_own_client() {
    let world = World::new();
    let (client, other) = (world.client("app").await, world.client("web").await);
    let pushed = world.pushed(&client.id).await;
    let read = world.store.pushed(pushed.id).await.unwrap().unwrap();
    assert_eq!(read.secret_hash, pushed.secret_hash);
    let take = async |client: &ClientId| {
        let taken = world.store.pushed_take(pushed.id, client, world.now());
        taken.await.unwrap()
    };
    assert!(take(&other.id).await.is_none());
    let taken = take(&client.id).await.unwrap();
    assert_eq!(taken.parameters, pushed.parameters);
    assert_eq!(taken.details, pushed.details);
    assert_eq!(taken.expires_at, pushed.expires_at);
    assert!(take(&client.id).await.is_none());
    assert!(world.store.pushed(pushed.id).await.unwrap().is_none());
}

#[tokio::test]
async fn of_many_who_take_a_pushed_request_one_gets_it() {
    let world = World::new();
    let client = world.client("app").await;
    let pushed = world.pushed(&client.id).await;
    let mut tasks = Vec::new();
    for _ in 0..20 {
        let (store, id, now) = (world.store.clone(), client.id.clone(), world.now());
        tasks.push(tokio::spawn(async move {
            store.pushed_take(pushed.id, &id, now).await.unwrap()
        }));
    }
    let mut taken = 0;
    for task in tasks {
        taken += usize::from(task.await.unwrap().is_some());
    }
    assert_eq!(taken, 1);
}

#[tokio::test]
async fn an_expired_pushed_request_is_not_given_away() {
    let world = World::new();
    let client = world.client("app").await;
    let pushed = world.pushed(&client.id).await;
    world.clock.advance(MINUTE);
    let taken = world
        .store
        .pushed_take(pushed.id, &client.id, world.now())
        .await;
    assert!(taken.unwrap().is_none());
}

#[tokio::test]
async fn what_was_pushed_is_not_in_debug_output() {
    let world = World::new();
    let client = world.client("app").await;
    let text = format!("{:?}", world.pushed(&client.id).await);
    assert!(!text.contains("example"), "{text}");
}

#[tokio::test]
async fn an_assertion_is_used_once_by_each_client() {
    let world = World::new();
    let (client, other) = (world.client("app").await.id, world.client("web").await.id);
    let until = world.now() + MINUTE;
    let records = world.records().await.len();
    let used = async |client: &ClientId, jti: u8| {
        world
            .store
            .assertion_use(client, [jti; 32], until, world.now())
            .await
            .unwrap()
    };
    assert!(used(&client, 1).await);
    assert!(!used(&client, 1).await);
    assert!(used(&client, 2).await);
    assert!(used(&other, 1).await);
    // As long as the assertion itself would be believed, its use is remembered.
    world
        .clock
        .advance(std::time::Duration::from_millis(59_999));
    assert!(!used(&client, 1).await);
    world.clock.advance(MINUTE);
    assert!(used(&client, 1).await);
    assert_eq!(world.records().await.len(), records);
}
