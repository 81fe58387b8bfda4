//! The way to the administration API: through the socket of a running server, or, when none runs, in
//! this process over its data directory. Both speak to the same router.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http::header::{CONTENT_TYPE, HOST};
use http::{Method, Request};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use sealgate_host::{SystemClock, SystemRandom};
use sealgate_model::Issuer;
use sealgate_server::problem::ProblemPage;
use sealgate_server::{Config, ControlPlane, Host, Lifetimes, SOCKET_NAME, ServeError, admin_app};
use sealgate_store::StoreError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;
use tower::ServiceExt as _;

use crate::failure::Failure;
use crate::place::Place;

/// How long a server may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// How often, and how many times, to look again when the data is held by a process that has no socket
/// (yet): a server that is starting or stopping, or another command.
const RETRIES: (Duration, u32) = (Duration::from_millis(100), 50);

/// The real clock and randomness.
pub(crate) fn host() -> Host {
    Host {
        clock: Arc::new(SystemClock::default()),
        random: Arc::new(SystemRandom),
    }
}

/// An open way to the administration API.
pub(crate) enum Door {
    /// A running server's socket.
    Socket(std::path::PathBuf),
    /// The router, in this process.
    Inside(axum::Router),
}

impl Door {
    /// Finds the control plane of `place`. The issuer is only needed when no server runs and none ran
    /// there before with one.
    pub(crate) async fn open(place: &Place, issuer: Option<Issuer>) -> Result<Self, Failure> {
        let socket = place.data_dir.join(SOCKET_NAME);
        let config = Config {
            data_dir: place.data_dir.clone(),
            issuer,
            lifetimes: Lifetimes::default(),
        };
        let mut tries = 0;
        loop {
            if answers(&socket).await? {
                return Ok(Self::Socket(socket));
            }
            match ControlPlane::open(&config, host()).await {
                Ok(opened) => return Ok(Self::Inside(admin_app(opened))),
                Err(ServeError::Store(StoreError::Locked)) if tries < RETRIES.1 => {
                    tries += 1;
                    tokio::time::sleep(RETRIES.0).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Asks for the resource at `path` (under `/api/v1`), with the pairs of `query`.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, Option<String>)],
    ) -> Result<T, Failure> {
        let mut pairs = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in query {
            if let Some(value) = value {
                pairs.append_pair(name, value);
            }
        }
        let query = pairs.finish();
        let target = if query.is_empty() {
            format!("/api/v1{path}")
        } else {
            format!("/api/v1{path}?{query}")
        };
        self.call(Method::GET, &target, Bytes::new()).await
    }

    /// Sends `body` to `path`.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        let body = serde_json::to_vec(body).map_err(|error| broken(&error))?;
        self.call(Method::POST, &format!("/api/v1{path}"), Bytes::from(body))
            .await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        target: &str,
        body: Bytes,
    ) -> Result<T, Failure> {
        let request = Request::builder()
            .method(method)
            .uri(target)
            .header(HOST, "localhost")
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(body))
            .map_err(|error| broken(&error))?;
        let answer = tokio::time::timeout(ANSWER_LIMIT, async {
            match self {
                Self::Socket(socket) => over_socket(socket, request).await,
                Self::Inside(router) => in_process(router.clone(), request).await,
            }
        });
        let (status, body) = answer.await.map_err(|_| {
            Failure::unavailable(
                "server_silent",
                "the server did not answer within 30 seconds",
            )
        })??;
        if status.is_success() {
            serde_json::from_slice(&body).map_err(|error| broken(&error))
        } else {
            let page: ProblemPage =
                serde_json::from_slice(&body).map_err(|error| broken(&error))?;
            Err(page.into())
        }
    }
}

/// Whether a server listens on the socket.
async fn answers(socket: &Path) -> Result<bool, Failure> {
    match UnixStream::connect(socket).await {
        Ok(_) => Ok(true),
        // Nobody runs, or somebody was killed and left the socket behind.
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::NotFound | ErrorKind::ConnectionRefused
            ) =>
        {
            Ok(false)
        }
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Err(Failure::unavailable(
            "socket_closed",
            format!("you may not administer the server at {}", socket.display()),
        )
        .with_hint("run this as the user that runs the server")),
        // A path no socket can have: no server can have bound it.
        Err(error) if error.kind() == ErrorKind::InvalidInput => Ok(false),
        Err(error) => Err(lost(&error)),
    }
}

async fn over_socket(
    socket: &Path,
    request: Request<Full<Bytes>>,
) -> Result<(http::StatusCode, Bytes), Failure> {
    let stream = UnixStream::connect(socket)
        .await
        .map_err(|error| lost(&error))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| lost(&error))?;
    let driving = tokio::spawn(connection);
    let answer = sender
        .send_request(request)
        .await
        .map_err(|error| lost(&error))?;
    let status = answer.status();
    let body = answer
        .into_body()
        .collect()
        .await
        .map_err(|error| lost(&error))?
        .to_bytes();
    driving.abort();
    Ok((status, body))
}

async fn in_process(
    router: axum::Router,
    request: Request<Full<Bytes>>,
) -> Result<(http::StatusCode, Bytes), Failure> {
    let Ok(answer) = router.oneshot(request).await;
    let status = answer.status();
    let body = answer
        .into_body()
        .collect()
        .await
        .map_err(|error| broken(&error))?
        .to_bytes();
    Ok((status, body))
}

fn lost(error: &dyn std::error::Error) -> Failure {
    Failure::unavailable(
        "server_lost",
        format!("the connection to the server failed: {error}"),
    )
    .with_hint("see the server's log; a change may or may not have been made")
}

fn broken(error: &dyn std::error::Error) -> Failure {
    Failure::unavailable(
        "answer_unreadable",
        format!("the control plane's answer is not readable: {error}"),
    )
    .with_hint("the server that runs may be another version than this command")
}
