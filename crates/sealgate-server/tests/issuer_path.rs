//! Everything the network reaches stands under the issuer, also when the issuer has a path.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http::header::{ACCEPT, CONTENT_TYPE, LOCATION};
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use sealgate_host::{FakeClock, FakeRandom};
use sealgate_model::Timestamp;
use sealgate_server::{
    Config, ControlPlane, Host, Lifetimes, Listen, Policy, Server, admin_app, app,
};
use serde_json::Value;
use tower::ServiceExt as _;

/// A control plane for `issuer`, and the directory it is in.
async fn plane(issuer: &str) -> (Arc<ControlPlane>, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let host = Host {
        clock: Arc::new(FakeClock::at(Timestamp::from_seconds(1_800_000_000))),
        random: Arc::new(FakeRandom::seeded(5)),
        outbound: Arc::new(sealgate_host::FakeOutbound::new()),
    };
    let config = Config {
        data_dir: dir.path().to_owned(),
        issuer: Some(issuer.parse().unwrap()),
        lifetimes: Lifetimes::default(),
        policy: Policy::default(),
    };
    let listen = Listen {
        address: ([127, 0, 0, 1], 0).into(),
        tls: None,
        metrics: None,
    };
    drop(Server::start(&config, &listen, host.clone()).await.unwrap());
    (ControlPlane::open(&config, host).await.unwrap(), dir)
}

/// What is answered to a browser.
struct Seen {
    status: StatusCode,
    location: Option<String>,
    kind: String,
    body: String,
}

async fn get(app: &Router, path: &str) -> Seen {
    let request = Request::get(path).header(ACCEPT, "text/html, application/json");
    let answer = app
        .clone()
        .oneshot(request.body(Body::empty()).unwrap())
        .await
        .unwrap();
    let header = |name| {
        let value = answer.headers().get(name)?;
        Some(value.to_str().unwrap().to_owned())
    };
    let (location, kind) = (header(LOCATION), header(CONTENT_TYPE).unwrap_or_default());
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    Seen {
        status,
        location,
        kind,
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}

#[tokio::test]
async fn the_metadata_of_an_issuer_with_a_path_is_told_in_both_forms_and_nowhere_else() {
    let (plane, _dir) = plane("https://example.com/id/eu").await;
    let app = app(plane);
    let mut documents = Vec::new();
    for path in [
        "/id/eu/.well-known/openid-configuration",
        "/id/eu/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration/id/eu",
        "/.well-known/oauth-authorization-server/id/eu",
    ] {
        let seen = get(&app, path).await;
        assert_eq!(
            (seen.status, seen.kind.as_str()),
            (StatusCode::OK, "application/json"),
            "{path}"
        );
        documents.push(seen.body);
    }
    documents.dedup();
    assert_eq!(documents.len(), 1, "all four are the same document");
    let document: Value = serde_json::from_str(&documents[0]).unwrap();
    assert_eq!(document["issuer"], "https://example.com/id/eu");
    for (name, url) in document.as_object().unwrap() {
        if name.ends_with("_endpoint") || name.ends_with("_uri") {
            let url = url.as_str().unwrap();
            assert!(
                url.starts_with("https://example.com/id/eu/"),
                "{name}: {url}"
            );
        }
    }
    for path in [
        "/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration/id",
        "/.well-known/oauth-authorization-server/id/eu/",
        "/id/.well-known/openid-configuration/eu",
        "/.well-known/oauth-authorization-server/other",
    ] {
        assert_eq!(
            get(&app, path).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
}

#[tokio::test]
async fn an_issuer_without_a_path_has_its_metadata_at_the_root_alone() {
    let (plane, _dir) = plane("https://id.example").await;
    let app = app(plane);
    for name in ["openid-configuration", "oauth-authorization-server"] {
        let seen = get(&app, &format!("/.well-known/{name}")).await;
        let document: Value = serde_json::from_str(&seen.body).unwrap();
        assert_eq!(document["issuer"], "https://id.example");
        for other in [
            format!("/.well-known/{name}/"),
            format!("/.well-known/{name}/tenant"),
            format!("/tenant/.well-known/{name}"),
        ] {
            assert_eq!(
                get(&app, &other).await.status,
                StatusCode::NOT_FOUND,
                "{other}"
            );
        }
    }
}

#[tokio::test]
async fn pages_assets_and_redirects_stay_under_the_issuers_path() {
    let (plane, _dir) = plane("https://example.com/id").await;
    let app = app(plane);
    for path in ["/id/health", "/id/ready", "/id/oauth/jwks"] {
        assert_eq!(get(&app, path).await.status, StatusCode::OK, "{path}");
    }
    let root = get(&app, "/id").await;
    assert_eq!(
        root.location.as_deref(),
        Some("https://example.com/id/account")
    );
    let page = get(&app, "/id/sign-in").await;
    assert_eq!(page.status, StatusCode::OK);
    let links = ["href=\"", "action=\""].map(|attribute| page.body.split(attribute).skip(1));
    let links: Vec<&str> = links
        .into_iter()
        .flatten()
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert!(links.len() >= 3, "{links:?}");
    for link in links {
        assert!(link.starts_with("/id/"), "{link}");
    }
    let style = page
        .body
        .split('"')
        .find(|part| part.contains(".css?v="))
        .unwrap();
    assert_eq!(get(&app, style).await.kind, "text/css; charset=utf-8");
    for path in [
        "/",
        "/health",
        "/sign-in",
        "/oauth/jwks",
        "/assets/sealgate.css",
    ] {
        let lost = get(&app, path).await;
        assert_eq!(lost.status, StatusCode::NOT_FOUND, "{path}");
        assert!(
            lost.body.contains("href=\"/id/assets/"),
            "{path}: a page in our clothes"
        );
    }
}

#[tokio::test]
async fn administration_knows_no_path() {
    let (plane, _dir) = plane("https://example.com/id").await;
    let app = admin_app(plane);
    assert_eq!(get(&app, "/api/v1/clients").await.status, StatusCode::OK);
    assert_eq!(
        get(&app, "/id/api/v1/clients").await.status,
        StatusCode::NOT_FOUND
    );
}
