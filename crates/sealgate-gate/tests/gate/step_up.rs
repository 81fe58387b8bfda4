//! Sign-ins that ask for more: a stronger or a fresh proof.

use serde_json::json;

use crate::browser::{Browser, begin, location, signed_in, user};
use crate::provider::world;

#[tokio::test(start_paused = true)]
async fn what_is_asked_for_is_passed_to_the_provider() {
    let world = world().await;
    let mut browser = Browser::default();
    let login = "/auth/login?acr_values=urn:example:gold%20silver&max_age=300";
    let begun = begin(&world, &mut browser, login).await;
    assert_eq!(begun.get("acr_values"), "urn:example:gold silver");
    assert_eq!(begun.get("max_age"), "300");
    assert!(!begun.has("prompt"));
    let begun = begin(&world, &mut browser, "/auth/login?max_age=0").await;
    assert_eq!((begun.get("max_age"), begun.get("prompt")), ("0", "login"));
    let begun = begin(&world, &mut browser, "/auth/login").await;
    assert!(!begun.has("acr_values") && !begun.has("max_age") && !begun.has("prompt"));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_asked_for_is_said_so_and_not_left_out() {
    let world = world().await;
    for query in [
        "max_age=soon",
        "acr_values=%22",
        "max_age=1&max_age=2",
        "acr_values=a%0d%0ab",
    ] {
        let response = Browser::default()
            .send(&world.gate, "GET", &format!("/auth/login?{query}"), &user())
            .await
            .unwrap_err();
        assert_eq!(
            (response.status, response.reason),
            (400, "login_malformed"),
            "{query}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_new_session_replaces_the_old_one() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    let old = browser.session().unwrap().to_owned();
    world.state().claims.push(("acr", json!("gold")));
    let login = "/auth/login?return_to=/payments&acr_values=gold";
    let begun = begin(&world, &mut browser, login).await;
    let response = browser
        .send(&world.gate, "GET", &begun.answer(), &user())
        .await
        .unwrap_err();
    assert_eq!(location(&response), "/payments");
    assert_ne!(browser.session().unwrap(), old);
    let allowed = browser.send(&world.gate, "GET", "/payments", &user()).await;
    let caller = allowed.unwrap().caller.unwrap();
    assert_eq!(caller.actor.human().unwrap().acr.as_deref(), Some("gold"));
}
