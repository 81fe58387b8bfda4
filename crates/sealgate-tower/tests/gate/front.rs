//! What happens before the application, and to its answer.

use std::time::Duration;

use axum::body::Body;
use http::{Request, StatusCode};
use sealgate_gate::Kinds;
use sealgate_tower::{GateLayer, Passed, Refused};
use serde_json::Value;
use tower::ServiceExt as _;
use url::Url;

use crate::house::{COOKIE, House, app, get_request, map, text};
use crate::provider::{APP, ISSUER, cold_world};

#[tokio::test(start_paused = true)]
async fn signing_in_goes_through_the_layer_and_ends_with_a_session() {
    let house = House::new().await;
    let begun = house
        .send_as_nobody(get_request("/auth/login?return_to=/user"), "")
        .await;
    assert_eq!(begun.status(), StatusCode::SEE_OTHER);
    let url = Url::parse(begun.headers()["location"].to_str().unwrap()).unwrap();
    let asked = |name: &str| {
        url.query_pairs()
            .find(|(key, _)| key == name)
            .unwrap()
            .1
            .into_owned()
    };
    house.world.state().nonce = Some(asked("nonce"));
    let transaction = begun.headers()["set-cookie"].to_str().unwrap();
    let transaction = transaction.split(';').next().unwrap();
    let answer = format!(
        "/auth/callback?code=c&state={}&iss={ISSUER}",
        asked("state")
    );
    let request = get_request(&answer).header("cookie", transaction);
    let done = house.send_as_nobody(request, "").await;
    assert_eq!(
        (done.status(), &done.headers()["location"]),
        (StatusCode::SEE_OTHER, &"/user".parse().unwrap())
    );
    let cookies = done.headers().get_all("set-cookie").iter();
    let sealed = cookies
        .map(|value| value.to_str().unwrap())
        .find(|value| value.starts_with(COOKIE));
    let sealed = sealed.unwrap().split(';').next().unwrap();
    let request = get_request("/user").header("cookie", sealed);
    assert_eq!(text(house.send_as_nobody(request, "").await).await, "ada");
}

#[tokio::test(start_paused = true)]
async fn programs_are_told_where_tokens_are_had() {
    let house = House::new().await;
    let told = house
        .send_as_nobody(get_request("/.well-known/oauth-protected-resource"), "")
        .await;
    assert_eq!(told.status(), StatusCode::OK);
    let told: Value = serde_json::from_str(&text(told).await).unwrap();
    assert_eq!(told["resource"], APP);
}

#[tokio::test(start_paused = true)]
async fn whatever_the_map_does_not_name_is_closed_to_strangers() {
    let house = House::new().await;
    for path in ["/hidden", "/nowhere", "/user/", "/public/"] {
        let refused = house.send_as_nobody(get_request(path), "").await;
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED, "{path}");
        let told = refused.extensions().get::<Refused>().unwrap();
        assert_eq!(
            (told.reason, told.caller.is_none()),
            ("credential_missing", true)
        );
        assert!(refused.headers().contains_key("www-authenticate"));
    }
    assert_eq!(
        house.send(get_request("/nowhere"), "").await.status(),
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        text(house.send(get_request("/hidden"), "").await).await,
        "leaked"
    );
}

#[tokio::test(start_paused = true)]
async fn a_renewed_session_goes_with_whatever_answer_there_is() {
    for (path, status) in [
        ("/user", StatusCode::OK),
        ("/nowhere", StatusCode::NOT_FOUND),
    ] {
        let house = House::new().await;
        house.world.clock.advance(Duration::from_secs(301));
        house.world.follow_once().await;
        let response = house.send(get_request(path), "").await;
        assert_eq!(response.status(), status);
        let cookie = response.headers()["set-cookie"].to_str().unwrap();
        assert!(cookie.starts_with(COOKIE), "{cookie}");
        assert_eq!(response.headers()["cache-control"], "no-store");
    }
}

#[tokio::test(start_paused = true)]
async fn a_form_that_the_gate_read_reaches_the_application_whole() {
    let mut house = House::new().await;
    let user = sealgate_gate::Requirement::Actor(sealgate_gate::Need::of(Kinds::USER));
    let allowed = house
        .browser
        .send(&house.world.gate, "GET", "/", &user)
        .await;
    let token = house
        .world
        .gate
        .csrf_token(&allowed.unwrap().caller.unwrap())
        .unwrap();
    let form =
        || Request::post("/echo").header("content-type", "application/x-www-form-urlencoded");
    for filling in [0, 70_000] {
        let body = format!("csrf_token={token}&a={}", "x".repeat(filling));
        assert_eq!(text(house.send(form(), &body).await).await, body);
    }
    let refused = house.send(form(), "a=b").await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
}

#[tokio::test(start_paused = true)]
async fn somebody_in_front_says_nothing_about_who_calls() {
    let house = House::new().await;
    let planted = Request::get("/user")
        .header("cookie", house.cookie())
        .body(Body::empty())
        .unwrap();
    let seen = std::sync::Arc::new(std::sync::Mutex::new(None));
    let inner = tower::service_fn({
        let seen = std::sync::Arc::clone(&seen);
        move |request: Request<sealgate_tower::Replay<Body>>| {
            *seen.lock().unwrap() = request.extensions().get::<Passed>().cloned();
            std::future::ready(Ok::<_, std::convert::Infallible>(http::Response::new(
                Body::empty(),
            )))
        }
    });
    tower::Layer::layer(&house.layer(), inner)
        .oneshot(planted)
        .await
        .unwrap();
    let passed = seen.lock().unwrap().take().unwrap();
    assert_eq!(passed.caller().unwrap().actor.id(), "ada");
    for (path, expected) in [
        ("/public", StatusCode::OK),
        ("/user", StatusCode::UNAUTHORIZED),
    ] {
        let mut request = Request::get(path).body(Body::empty()).unwrap();
        request.extensions_mut().insert(passed.clone());
        let response = house.app().oneshot(request).await.unwrap();
        assert_eq!(response.status(), expected);
        if expected == StatusCode::OK {
            assert_eq!(text(response).await, "nobody");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_handshake_from_another_site_is_refused() {
    let house = House::new().await;
    let handshake = |origin: &str| {
        get_request("/user")
            .header("upgrade", "websocket")
            .header("connection", "upgrade")
            .header("origin", origin)
    };
    let refused = house.send(handshake("https://evil.example"), "").await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert_eq!(
        refused.extensions().get::<Refused>().unwrap().reason,
        "cross_origin"
    );
    assert_eq!(
        house.send(handshake(APP), "").await.status(),
        StatusCode::OK
    );
}

#[tokio::test(start_paused = true)]
async fn the_first_requests_wait_for_the_first_view_and_later_ones_do_not() {
    let house = House::new().await;
    let cold = cold_world(&[]);
    let app = app().layer(GateLayer::new(cold.gate.clone(), map()));
    let ask = || {
        let request = get_request("/user").header("cookie", house.cookie());
        app.clone().oneshot(request.body(Body::empty()).unwrap())
    };
    let mut took = Vec::new();
    for _ in 0..2 {
        let begun = tokio::time::Instant::now();
        let refused = ask().await.unwrap();
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(
            refused.extensions().get::<Refused>().unwrap().reason,
            "feed_stale"
        );
        took.push(begun.elapsed());
    }
    assert!(
        took[0] >= Duration::from_secs(2) && took[1] < Duration::from_millis(10),
        "{took:?}"
    );
    cold.follow_once().await;
    assert_eq!(ask().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn behind_a_proxy_that_cuts_a_prefix_the_own_routes_are_found() {
    let cut = cold_world(&[("SEALGATE_BASE_URL", "https://app.example/shop")]);
    cut.follow_once().await;
    let layer = GateLayer::new(cut.gate.clone(), map());
    let ask = |layer: GateLayer| {
        let request = get_request("/auth/logout").body(Body::empty()).unwrap();
        app().layer(layer).oneshot(request)
    };
    assert_eq!(
        ask(layer.clone()).await.unwrap().status(),
        StatusCode::UNAUTHORIZED
    );
    let found = ask(layer.below("/shop")).await.unwrap();
    assert_eq!(found.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(found.headers()["allow"], "POST");
}
