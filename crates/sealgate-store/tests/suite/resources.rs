//! Resources: what tokens can be for.

use sealgate_store::{Resource, ScopeText, StoreError, ToolText};

use crate::world::{HOUR, World};

fn resource(world: &World, uri: &str) -> Resource {
    Resource {
        status_list: false,
        agents: false,
        tools: Vec::new(),
        uri: uri.to_owned(),
        name: "Expenses API".to_owned(),
        client: None,
        scopes: vec![ScopeText {
            name: "expenses:read".to_owned(),
            description: "Read your expenses".to_owned(),
        }],
        created_at: world.now(),
    }
}

#[tokio::test]
async fn a_resource_is_made_changed_and_removed() {
    let world = World::new();
    let client = world.client("api").await;
    let first = resource(&world, "https://api.example/a");
    let create = async |resource| {
        let audit = world.audit("resource.create");
        world.store.resource_create(resource, audit).await
    };
    create(resource(&world, "https://api.example/b"))
        .await
        .unwrap();
    create(first.clone()).await.unwrap();
    let again = create(first.clone()).await;
    assert!(
        matches!(again, Err(StoreError::Conflict("resource URI"))),
        "{again:?}"
    );
    let list = world.store.resources().await.unwrap();
    assert_eq!(list[0], first);
    assert_eq!(list[1].uri, "https://api.example/b");

    world.clock.advance(HOUR);
    let changed = Resource {
        name: "Travel API".to_owned(),
        client: Some(client.id.clone()),
        scopes: vec![],
        status_list: true,
        agents: true,
        tools: vec![ToolText {
            name: "add_note".to_owned(),
            description: "Add a note".to_owned(),
            scopes: vec!["notes:write".to_owned()],
        }],
        created_at: world.now(),
        ..first.clone()
    };
    let update = async |resource: Resource| {
        let audit = world.audit("resource.update");
        let before = world.store.resource(&resource.uri).await.unwrap();
        let before = before.unwrap_or_else(|| resource.clone());
        world.store.resource_update(before, resource, audit).await
    };
    assert!(update(changed.clone()).await.unwrap());
    let kept = world.store.resource(&first.uri).await.unwrap().unwrap();
    let expected = Resource {
        created_at: first.created_at,
        ..changed.clone()
    };
    assert_eq!(kept, expected);
    let nowhere = Resource {
        uri: "https://nowhere.example".to_owned(),
        ..changed.clone()
    };
    assert!(!update(nowhere).await.unwrap());
    let audit = world.audit("resource.update");
    let late = world
        .store
        .resource_update(first.clone(), first.clone(), audit);
    let late = late.await;
    assert!(
        matches!(late, Err(StoreError::Conflict("resource"))),
        "a change that was begun before another one undoes nothing: {late:?}"
    );
    let nobodys = Resource {
        client: Some("nobody".parse().unwrap()),
        ..changed
    };
    let refused = update(nobodys).await;
    assert!(
        matches!(refused, Err(StoreError::Invalid(_))),
        "{refused:?}"
    );

    let remove = async || {
        let audit = world.audit("resource.remove");
        world.store.resource_remove(&first.uri, audit).await
    };
    assert!(remove().await.unwrap());
    assert!(!remove().await.unwrap());
    assert!(world.store.resource(&first.uri).await.unwrap().is_none());
    let actions = world.actions().await;
    assert_eq!(
        actions[1..],
        [
            "resource.create",
            "resource.create",
            "resource.update",
            "resource.remove"
        ]
    );
}
