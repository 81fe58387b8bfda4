//! Sign-out, here and at the control plane.

use serde_json::json;

use crate::browser::{Browser, from_here, header, location, signed_in, user};
use crate::provider::{ISSUER, SID, world};
use crate::sign_in::assert_page;

#[tokio::test(start_paused = true)]
async fn logout_ends_the_session_here_and_at_the_control_plane() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    let mut copy = Browser {
        headers: from_here(),
        ..browser.clone()
    };
    browser.headers = vec![
        ("accept", "text/html".into()),
        ("sec-fetch-site", "same-origin".into()),
    ];
    let response = browser
        .send(&world.gate, "POST", "/auth/logout", &user())
        .await
        .unwrap_err();
    assert_eq!(response.status, 303);
    assert_eq!(
        location(&response),
        format!(
            "{ISSUER}/oauth/logout?client_id=expenses&logout_hint={SID}\
             &post_logout_redirect_uri=https%3A%2F%2Fapp.example%2F"
        )
    );
    assert!(browser.session().is_none());
    assert!(world.state().revocations[0].contains(&("token".into(), "refresh-1".into())));
    assert_eq!(
        copy.denied(&world.gate, "GET", "/expenses", &user()).await,
        (401, "session_revoked")
    );
    // Again, from the copy and from nobody: the same answer, and no error.
    for browser in [&mut copy, &mut Browser::default()] {
        let again = browser
            .send(&world.gate, "POST", "/auth/logout", &user())
            .await
            .unwrap_err();
        assert_eq!(again.status, 200);
        assert!(header(&again, "set-cookie").unwrap().ends_with("Max-Age=0"));
    }
}

#[tokio::test(start_paused = true)]
async fn logout_ends_every_session_that_the_browser_brings() {
    let world = world().await;
    let first = signed_in(&world).await;
    let other = "01890a5d-ac96-774b-bcce-b302099a8058";
    world.state().claims.push(("sid", json!(other)));
    let mut second = signed_in(&world).await;
    let planted = first.session().unwrap().to_owned();
    second.headers = from_here();
    second
        .headers
        .push(("cookie", format!("__Host-Http-sealgate={planted}")));
    let done = second
        .send(&world.gate, "POST", "/auth/logout", &user())
        .await
        .unwrap_err();
    assert_eq!(done.status, 200);
    assert_eq!(world.state().revocations.len(), 2);
    let denied = first
        .clone()
        .send(&world.gate, "GET", "/", &user())
        .await
        .unwrap_err();
    assert_eq!(denied.reason, "session_revoked");
}

#[tokio::test(start_paused = true)]
async fn logout_is_a_post_from_this_site() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    let response = browser
        .send(&world.gate, "GET", "/auth/logout", &user())
        .await
        .unwrap_err();
    assert_eq!(
        (response.status, header(&response, "allow")),
        (405, Some("POST"))
    );
    browser.headers = vec![("origin", "https://evil.example".into())];
    let response = browser
        .send(&world.gate, "POST", "/auth/logout", &user())
        .await
        .unwrap_err();
    assert_eq!((response.status, response.reason), (403, "cross_origin"));
    browser.headers.clear();
    assert!(browser.send(&world.gate, "GET", "/", &user()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_logout_that_cannot_be_told_to_the_control_plane_can_be_tried_again() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    browser.headers = from_here();
    world.state().down = true;
    let response = browser
        .send(&world.gate, "POST", "/auth/logout", &user())
        .await
        .unwrap_err();
    assert_page(&response, 503, "logout_unavailable");
    let denied = browser
        .send(&world.gate, "GET", "/", &user())
        .await
        .unwrap_err();
    assert_eq!(denied.reason, "session_revoked");
    world.state().down = false;
    assert_eq!(
        browser
            .send(&world.gate, "POST", "/auth/logout", &user())
            .await
            .unwrap_err()
            .status,
        200
    );
    assert_eq!(world.state().revocations.len(), 1);
}
