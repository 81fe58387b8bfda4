//! The way to the administration API: through the socket of a running server; when none runs, in this
//! process over its data directory; or over the network. All speak to the same operations.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http::header::{CONTENT_TYPE, HOST};
use http::{Method, Request};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use sealgate_host::{AddressPolicy, GuardedFetch, SystemClock, SystemRandom};
use sealgate_model::{ClientId, Issuer};
use sealgate_server::admin::BASE;
use sealgate_server::problem::ProblemPage;
use sealgate_server::{
    ControlPlane, DataDir, Host, SOCKET_NAME, ServeError, admin_app, names_loopback,
};
use sealgate_store::StoreError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;
use tower::ServiceExt as _;

use crate::failure::Failure;
use crate::place::Place;
use crate::remote::Remote;
use crate::settings::Settings;

/// How long a server may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// How often, and how many times, to look again when the data is held by a process that has no socket
/// (yet): a server that is starting or stopping, or another command.
const RETRIES: (Duration, u32) = (Duration::from_millis(100), 50);

/// A client's id as one segment of a path: some ids are URLs.
pub(crate) fn segment(id: &ClientId) -> String {
    url::form_urlencoded::byte_serialize(id.as_str().as_bytes()).collect()
}

/// The real clock and randomness, and the real way out, for a control plane of `issuer`.
pub(crate) fn host(settings: &Settings, issuer: Option<&Issuer>) -> Result<Host, Failure> {
    let policy = AddressPolicy::allowing(settings.outbound.allow.clone());
    // Who can be reached by nobody but this machine's users may reach what they run. Without an issuer
    // it is served on loopback, or not at all.
    let policy = if issuer.is_none_or(names_loopback) && settings.listen.ip().is_loopback() {
        policy.with_loopback()
    } else {
        policy
    };
    let authority = settings.outbound.authority_file.as_deref();
    let authority = authority.map(|path| contents(path).map(|pem| (path, pem)));
    let authority = authority.transpose()?;
    let pem = authority.as_ref().map(|(_, pem)| pem.as_slice());
    let outbound = GuardedFetch::new(policy, pem).map_err(|error| {
        let path = authority
            .as_ref()
            .map(|(path, _)| path.display().to_string());
        let path = path.unwrap_or_default();
        Failure::usage(
            "authority_unusable",
            format!("outbound.authority_file, {path}: {error}"),
        )
    })?;
    Ok(Host {
        clock: Arc::new(SystemClock::default()),
        random: Arc::new(SystemRandom),
        outbound: Arc::new(outbound),
    })
}

/// An open way to the administration API.
pub(crate) enum Door {
    /// A running server's socket.
    Socket(std::path::PathBuf),
    /// The router, in this process.
    Inside(axum::Router),
    /// The network.
    Remote(Box<Remote>),
}

impl Door {
    /// Finds the control plane of `place`. The issuer is only needed when no server runs and none ran
    /// there before with one.
    pub(crate) async fn open(place: &Place, issuer: Option<String>) -> Result<Self, Failure> {
        if let Some(server) = place.elsewhere() {
            let remote = Remote::new(&server, place.key.as_deref())?;
            return Ok(Self::Remote(Box::new(remote)));
        }
        if place.key.is_some() {
            return Err(Failure::usage(
                "server_missing",
                "--key proves who you are to a server elsewhere, and none is named",
            )
            .with_hint("name it with --server URL"));
        }
        Self::to(&place.load(issuer.as_ref())?.settings).await
    }

    /// Finds the control plane of `settings`.
    pub(crate) async fn to(settings: &Settings) -> Result<Self, Failure> {
        let socket = settings.data_dir.join(SOCKET_NAME);
        let config = settings.config();
        let mut tries = 0;
        loop {
            if answers(&socket).await? {
                return Ok(Self::Socket(socket));
            }
            match ControlPlane::open(&config, host_of(settings)?).await {
                Ok(opened) => return Ok(Self::Inside(admin_app(opened))),
                Err(ServeError::Store(StoreError::Locked)) if tries < RETRIES.1 => {
                    tries += 1;
                    tokio::time::sleep(RETRIES.0).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Whether somebody else can come in, too: not while the data is open in this process.
    pub(crate) const fn is_shared(&self) -> bool {
        !matches!(self, Self::Inside(_))
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
            path.to_owned()
        } else {
            format!("{path}?{query}")
        };
        read(&self.call(Method::GET, &target, None).await?)
    }

    /// Sends `body` to `path`.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        let body = written(body)?;
        read(&self.call(Method::POST, path, Some(body)).await?)
    }

    /// Sends the change `body` to `path`.
    pub(crate) async fn patch<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        let body = written(body)?;
        read(&self.call(Method::PATCH, path, Some(body)).await?)
    }

    /// Removes what is at `path`.
    pub(crate) async fn delete(&self, path: &str) -> Result<(), Failure> {
        self.call(Method::DELETE, path, None).await.map(drop)
    }

    async fn call(
        &self,
        method: Method,
        target: &str,
        body: Option<Bytes>,
    ) -> Result<Bytes, Failure> {
        // On the way over the network these would be taken for steps of the path.
        let path = target.split('?').next().unwrap_or_default();
        if path.split('/').any(|segment| matches!(segment, "." | "..")) {
            return Err(Failure::usage("id_malformed", "this is not an id"));
        }
        let answer = tokio::time::timeout(ANSWER_LIMIT, async {
            match self {
                Self::Socket(socket) => over_socket(socket, request(method, target, body)?).await,
                Self::Inside(router) => {
                    in_process(router.clone(), request(method, target, body)?).await
                }
                Self::Remote(remote) => remote.call(method, target, body).await,
            }
        });
        let (status, body) = answer.await.map_err(|_| {
            Failure::unavailable(
                "server_silent",
                "the server did not answer within 30 seconds",
            )
        })??;
        if status.is_success() {
            Ok(body)
        } else {
            Err(read::<ProblemPage>(&body)?.into())
        }
    }
}

fn written(body: &impl Serialize) -> Result<Bytes, Failure> {
    let json = serde_json::to_vec(body).map_err(|error| broken(&error))?;
    Ok(json.into())
}

fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|error| broken(&error))
}

fn request(
    method: Method,
    target: &str,
    body: Option<Bytes>,
) -> Result<Request<Full<Bytes>>, Failure> {
    let mut request = Request::builder()
        .method(method)
        .uri(format!("{BASE}{target}"))
        .header(HOST, "localhost");
    if body.is_some() {
        request = request.header(CONTENT_TYPE, "application/json");
    }
    request
        .body(Full::new(body.unwrap_or_default()))
        .map_err(|error| broken(&error))
}

/// Whether a server runs that these settings are for.
pub(crate) async fn is_running(settings: &Settings) -> bool {
    let socket = settings.data_dir.join(SOCKET_NAME);
    answers(&socket).await.unwrap_or(false)
}

/// What a control plane that is opened in this process is handed.
fn host_of(settings: &Settings) -> Result<Host, Failure> {
    let remembered = match &settings.issuer {
        Some(issuer) => Some(issuer.clone()),
        None => DataDir::existing(&settings.data_dir)?.issuer()?,
    };
    host(settings, remembered.as_ref())
}

fn contents(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| {
        let said = format!("cannot read {}: {error}", path.display());
        Failure::usage("authority_unusable", said)
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_is_a_url_is_one_segment_of_a_path() {
        let written = |id: &str| segment(&id.parse().unwrap());
        assert_eq!(written("nightly-report_1.0"), "nightly-report_1.0");
        assert_eq!(
            written("https://agent.example:8443/c.json?a=1&b=%2F+c"),
            "https%3A%2F%2Fagent.example%3A8443%2Fc.json%3Fa%3D1%26b%3D%252F%2Bc"
        );
    }
}
