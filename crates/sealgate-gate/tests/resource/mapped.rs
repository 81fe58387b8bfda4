//! A resource that takes tokens alone, with a mapping.

use serde_json::json;

use crate::house::{House, user, with};

#[tokio::test]
async fn a_mapping_says_which_roles_and_scopes_count() {
    let house = House::new().mapping(
        "
        [[mapping]]
        when = { issuer = 'own', group = 'finance' }
        give = { roles = ['approver'], scopes = ['expenses:approve'] }
        [[mapping]]
        when = { issuer = 'own', client = 'odd' }
        give.actor = 'machine'
        [[mapping]]
        when = { issuer = 'own', client = 'odd' }
        give.actor = 'agent'
        ",
    );
    let finance = house.token(&with(user(), "groups", json!(["finance"])));
    let admitted = house.bearer(&finance).await.unwrap();
    let plain = house.bearer(&house.token(&user())).await.unwrap();
    let (mapped, told) = (&admitted.caller.actor, &plain.caller.actor);
    let gained: Vec<_> = mapped
        .roles()
        .iter()
        .filter(|role| !told.roles().contains(role))
        .collect();
    assert_eq!(gained, ["approver"]);
    assert_eq!(mapped.scopes(), told.scopes());
    let odd = house.token(&with(user(), "client_id", json!("odd")));
    let denied = house.bearer(&odd).await.unwrap_err();
    assert_eq!(
        (denied.status(), denied.reason()),
        (403, "actor_contradictory")
    );
}
