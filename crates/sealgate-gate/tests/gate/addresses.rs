//! Browsers at another address than the one that the settings name.

use crate::browser::{Browser, begin, location, user};
use crate::provider::{world, world_with};

#[tokio::test(start_paused = true)]
async fn a_sign_in_at_another_address_moves_to_the_applications_own_once() {
    let world = world_with(&[("SEALGATE_BASE_URL", "http://127.0.0.1:8000/tools")]).await;
    let mut browser = Browser {
        host: Some("localhost:8000"),
        ..Browser::default()
    };
    let login = "/tools/auth/login?return_to=/tools/list%3Fpage%3D2&acr_values=gold";
    let moved = browser
        .send(&world.gate, "GET", login, &user())
        .await
        .unwrap_err();
    assert_eq!(
        (moved.status, location(&moved)),
        (
            303,
            "http://127.0.0.1:8000/tools/auth/login\
             ?return_to=%2Ftools%2Flist%3Fpage%3D2&acr_values=gold&moved=1"
        )
    );
    assert!(browser.cookies.is_empty());

    // A proxy that renames the host would send the browser here for ever.
    let target = location(&moved)
        .strip_prefix("http://127.0.0.1:8000")
        .unwrap();
    let begun = begin(&world, &mut browser, target).await;
    assert_eq!(begun.get("acr_values"), "gold");
    browser.host = Some("127.0.0.1:8000");
    let begun = begin(
        &world,
        &mut Browser {
            host: browser.host,
            ..Browser::default()
        },
        login,
    )
    .await;
    assert_eq!(begun.get("acr_values"), "gold");
}

#[tokio::test(start_paused = true)]
async fn the_host_header_never_says_where_to_go() {
    let world = world().await;
    let mut browser = Browser {
        host: Some("evil.example"),
        ..Browser::default()
    };
    for target in ["/auth/login", "/auth/login?moved=1", "/auth/callback?x"] {
        let response = browser
            .send(&world.gate, "GET", target, &user())
            .await
            .unwrap_err();
        let headers = format!("{:?}", response.headers);
        let body = String::from_utf8_lossy(&response.body).into_owned();
        assert!(
            !headers.contains("evil") && !body.contains("evil"),
            "{target}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn http_in_front_of_the_proxy_is_another_address() {
    let world = world().await;
    let mut browser = Browser {
        headers: vec![("x-forwarded-proto", "http".to_owned())],
        ..Browser::default()
    };
    let moved = browser
        .send(&world.gate, "GET", "/auth/login", &user())
        .await
        .unwrap_err();
    assert_eq!(location(&moved), "https://app.example/auth/login?moved=1");
    // The answer without its cookie is told apart from one whose cookie was lost.
    let target = "/auth/callback?code=c&state=12345678abc";
    let page = browser
        .send(&world.gate, "GET", target, &user())
        .await
        .unwrap_err();
    assert_eq!((page.status, page.reason), (400, "address_other"));
    browser.headers.clear();
    let page = browser
        .send(&world.gate, "GET", target, &user())
        .await
        .unwrap_err();
    assert_eq!((page.status, page.reason), (400, "transaction_missing"));
}
