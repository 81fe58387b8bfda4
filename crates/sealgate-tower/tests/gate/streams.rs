//! Answers that go on, and connections that last, end with what their caller came with.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use futures_util::stream;
use http::{Method, Request, Response};
use http_body_util::BodyExt as _;
use sealgate_gate::{Kinds, Need};
use sealgate_model::{Clock as _, SessionId, Timestamp};
use sealgate_policy::Declaring;
use sealgate_revocation::{Entry, Subject};
use sealgate_tower::{GateLayer, Passed, RouteMap};
use tokio::time::Instant;
use tower::ServiceExt as _;

use crate::house::{House, text};
use crate::provider::{SID, World};

/// One line every 50 ms, for ever; or as fast as anybody reads.
fn lines(pause: u64) -> Body {
    Body::from_stream(stream::unfold(0, move |n| async move {
        if n > 0 && pause > 0 {
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
        Some((Ok::<_, Infallible>(format!("{n}\n")), n + 1))
    }))
}

fn streaming(house: &House) -> Router {
    Router::new()
        .route("/slow", get(async || lines(50)))
        .route("/silent", get(async || lines(86_400_000)))
        .route("/busy", get(async || lines(0)))
        .route("/short", get(async || "whole"))
        .route(
            "/fallen",
            get(async |passed: axum::Extension<Passed>| passed.fallen().await.code()),
        )
        .layer(house.layer())
}

async fn open(house: &House, path: &str) -> Response<Body> {
    let request = Request::get(path)
        .header("cookie", house.cookie())
        .body(Body::empty())
        .unwrap();
    streaming(house).oneshot(request).await.unwrap()
}

/// The feed tells of the session's end.
async fn revoke(world: &World) {
    world.state().entries.push(Entry {
        subject: Subject::Session(SID.parse::<SessionId>().unwrap()),
        expires_at: world.clock.now() + Duration::from_secs(86_400),
        reason: None,
    });
    world.clock.advance(Duration::from_secs(1));
    world.follow_once().await;
}

/// Reads until the body breaks off; how long that takes, and the error.
async fn broken_off(mut body: Body) -> (Duration, String) {
    let begun = Instant::now();
    loop {
        match body.frame().await {
            Some(Ok(_)) => assert!(begun.elapsed() < Duration::from_secs(60), "it goes on"),
            Some(Err(error)) => {
                let error = std::error::Error::source(&error).map(ToString::to_string);
                assert!(body.frame().await.is_none());
                return (begun.elapsed(), error.unwrap_or_default());
            }
            None => panic!("it ended as if it were whole"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_breaks_off_within_a_second_of_a_revocation() {
    for path in ["/slow", "/silent"] {
        let house = House::new().await;
        let mut body = open(&house, path).await.into_body();
        assert_eq!(
            body.frame().await.unwrap().unwrap().into_data().unwrap(),
            "0\n"
        );
        let more = tokio::time::timeout(Duration::from_secs(5), body.frame()).await;
        assert_eq!(more.is_ok(), path == "/slow");
        revoke(&house.world).await;
        let (took, error) = broken_off(body).await;
        assert!(took < Duration::from_secs(1), "{path} {took:?}");
        assert!(error.contains("session_revoked"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_breaks_off_when_the_session_ends_or_the_feed_falls_silent() {
    for (seconds, follow, reason) in [(86_401, true, "session_expired"), (20, false, "feed_stale")]
    {
        let house = House::new().await;
        let mut body = open(&house, "/slow").await.into_body();
        body.frame().await.unwrap().unwrap();
        house.world.clock.advance(Duration::from_secs(seconds));
        if follow {
            house.world.follow_once().await;
        }
        let (took, error) = broken_off(body).await;
        assert!(took < Duration::from_secs(1), "{took:?}");
        assert!(error.contains(reason), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_never_makes_its_reader_wait_breaks_off_too() {
    let house = House::new().await;
    let mut body = open(&house, "/busy").await.into_body();
    body.frame().await.unwrap().unwrap();
    revoke(&house.world).await;
    let mut frames = 0;
    while body.frame().await.unwrap().is_ok() {
        frames += 1;
        assert!(frames < 10, "it goes on");
        tokio::time::advance(Duration::from_millis(100)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_short_answer_is_whole() {
    let house = House::new().await;
    let response = open(&house, "/short").await;
    revoke(&house.world).await;
    assert_eq!(text(response).await, "whole");
}

#[tokio::test(start_paused = true)]
async fn a_handler_can_wait_for_its_callers_end() {
    let house = House::new().await;
    let waiting = open(&house, "/fallen");
    tokio::pin!(waiting);
    assert!(
        tokio::time::timeout(Duration::from_secs(5), &mut waiting)
            .await
            .is_err()
    );
    revoke(&house.world).await;
    let begun = Instant::now();
    assert_eq!(text(waiting.await).await, "session_revoked");
    assert!(begun.elapsed() < Duration::from_secs(1));
}

/// Version `version` of the policies permits reading to whom `condition` fits; heard by the gate.
async fn permit(world: &World, version: u64, condition: &str) {
    hand_out(world, version, condition);
    world.clock.advance(Duration::from_millis(5));
    world.follow_once().await;
}

fn hand_out(world: &World, version: u64, condition: &str) {
    let text = "[policy]\nfiles = ['p.cedar']\n[policy.actions]\n'notes.read' = {}\n";
    let policy = format!("@id(\"p\") permit (principal, action, resource) when {{ {condition} }};");
    let files = [("p.cedar".to_owned(), policy)].into();
    let document = Declaring::read(text).unwrap().with(files, &[].into());
    let now = world.clock.now();
    let mut state = world.state();
    state.bundle.version = version;
    state.bundle.made_at = now.as_millis();
    state.bundle.document = Some(document.unwrap().to_json().unwrap());
    state.entries.push(Entry {
        subject: Subject::Policy {
            not_before: now - Duration::from_millis(1),
        },
        expires_at: Timestamp::from_millis((1 << 53) - 1),
        reason: None,
    });
}

#[tokio::test(start_paused = true)]
async fn a_stream_breaks_off_when_the_policies_allow_its_action_no_more() {
    let house = House::new().await;
    permit(&house.world, 1, "true").await;
    let need = || Need {
        actions: vec!["notes.read".to_owned()],
        route: Some("GET /notes".to_owned()),
        ..Need::of(Kinds::USER)
    };
    let routes = RouteMap::builder()
        .ask(Method::GET, "/notes", need())
        .ask(Method::GET, "/fallen", need())
        .build()
        .unwrap();
    let app = Router::new()
        .route("/notes", get(async || lines(50)))
        .route(
            "/fallen",
            get(async |passed: axum::Extension<Passed>| passed.fallen().await.code()),
        )
        .layer(GateLayer::new(house.world.gate.clone(), routes));
    let request = |path: &str| {
        let request = Request::get(path).header("cookie", house.cookie());
        request.body(Body::empty()).unwrap()
    };
    let waiting = tokio::spawn(app.clone().oneshot(request("/fallen")));
    let mut body = app.oneshot(request("/notes")).await.unwrap().into_body();
    body.frame().await.unwrap().unwrap();
    tokio::time::sleep(Duration::from_millis(10)).await;
    permit(&house.world, 2, "context.credential == \"bearer\"").await;
    let (took, error) = broken_off(body).await;
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert!(error.contains("policy_denied"), "{error}");
    assert_eq!(text(waiting.await.unwrap().unwrap()).await, "policy_denied");
}

/// Over a socket, where the end of an answer is told from its breaking off.
#[tokio::test]
async fn a_client_sees_that_a_stream_broke_off() {
    let house = House::new().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let app = streaming(&house);
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let refused = client.get(format!("{url}/slow")).send().await.unwrap();
    assert_eq!(refused.status(), 401);
    let request = client
        .get(format!("{url}/slow"))
        .header("cookie", house.cookie());
    let mut answer = request.send().await.unwrap();
    assert_eq!(answer.chunk().await.unwrap().unwrap(), "0\n");
    revoke(&house.world).await;
    let begun = Instant::now();
    let broken = loop {
        match answer.chunk().await {
            Ok(Some(_)) => {}
            Ok(None) => break false,
            Err(_) => break true,
        }
    };
    assert!(
        broken && begun.elapsed() < Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
    server.abort();
}
