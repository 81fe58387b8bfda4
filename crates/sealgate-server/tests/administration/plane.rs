//! A control plane on fake time, and what its administration API answers.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::header::CONTENT_TYPE;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use sealgate_host::{FakeClock, FakeRandom};
use sealgate_model::Timestamp;
use sealgate_server::problem::ProblemPage;
use sealgate_server::{Config, ControlPlane, Host, Lifetimes, Listen, Server, admin_app};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt as _;

pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_795_338_305);

#[expect(
    clippy::struct_field_names,
    reason = "the control plane is what it holds"
)]
pub(crate) struct Plane {
    pub(crate) plane: Arc<ControlPlane>,
    pub(crate) clock: Arc<FakeClock>,
    _dir: TempDir,
}

pub(crate) struct Seen {
    pub(crate) status: StatusCode,
    pub(crate) trace: String,
    pub(crate) kind: String,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) async fn of(response: Response) -> Self {
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        let (status, trace, kind) = (
            response.status(),
            header("sealgate-trace"),
            header("content-type"),
        );
        let body = response.into_body().collect().await.unwrap().to_bytes();
        Self {
            status,
            trace,
            kind,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    #[track_caller]
    pub(crate) fn read<T: DeserializeOwned>(&self) -> T {
        serde_json::from_str(&self.body).unwrap()
    }

    #[track_caller]
    pub(crate) fn refused(&self, status: u16, reason: &str) {
        let page: ProblemPage = self.read();
        assert_eq!(
            (self.status.as_u16(), page.reason.as_str()),
            (status, reason),
            "{}",
            page.detail
        );
        assert_eq!((page.status, &page.trace_id), (status, &self.trace));
        assert_eq!(self.kind, "application/problem+json");
    }
}

impl Plane {
    /// A control plane that was started once, opened as a command does.
    pub(crate) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(FakeClock::at(NOW));
        let host = Host {
            clock: clock.clone(),
            random: Arc::new(FakeRandom::seeded(3)),
        };
        let config = Config {
            data_dir: dir.path().to_owned(),
            issuer: Some("https://id.example".parse().unwrap()),
            lifetimes: Lifetimes::default(),
        };
        let listen = Listen {
            address: ([127, 0, 0, 1], 0).into(),
            tls: None,
        };
        drop(Server::start(&config, &listen, host.clone()).await.unwrap());
        let config = Config {
            issuer: None,
            ..config
        };
        Self {
            plane: ControlPlane::open(&config, host).await.unwrap(),
            clock,
            _dir: dir,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Seen {
        let request = Request::get(format!("/api/v1{path}"))
            .body(Body::empty())
            .unwrap();
        Seen::of(
            admin_app(Arc::clone(&self.plane))
                .oneshot(request)
                .await
                .unwrap(),
        )
        .await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Seen {
        let request =
            Request::post(format!("/api/v1{path}")).header(CONTENT_TYPE, "application/json");
        let request = request.body(Body::from(body.to_string())).unwrap();
        Seen::of(
            admin_app(Arc::clone(&self.plane))
                .oneshot(request)
                .await
                .unwrap(),
        )
        .await
    }

    /// Who did what, under which trace, last.
    pub(crate) async fn last_record(&self) -> (String, String, Option<String>) {
        let record = self
            .plane
            .store
            .audit_after(0, 1000)
            .await
            .unwrap()
            .pop()
            .unwrap();
        (record.actor, record.action, record.trace)
    }
}
