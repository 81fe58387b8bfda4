//! The sockets: plain http where only this machine can reach it or a TLS proxy stands in front,
//! https by a certificate, and the administration socket that only the operator can open.

use std::fs::{self, DirBuilder, Permissions};
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener as StdUnixListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum_server::accept::{DefaultAcceptor, NoDelayAcceptor};
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use axum_server::{Handle, Server};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sealgate_model::Issuer;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::connection::{Bounded, Places};
use crate::data_dir::file;
use crate::{DataDir, ServeError};

/// How long a connection may take to send a request's headers. A browser needs milliseconds; a
/// connection that trickles is holding a place.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes of a request's line and headers; more is answered 431. The longest honest ones are an
/// authorization request of 16 KiB and a browser's cookies. Without this HTTP/1 takes 400 KiB of each
/// connection, and HTTP/2 less than HTTP/1.
const HEAD_LIMIT: u32 = 32 * 1024;

/// What one HTTP/2 connection may have under way, and how many bytes of it may wait here unread. No body
/// is larger than a stream's share.
const STREAMS: u32 = 100;
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 512 * 1024;

/// How many commands may be connected to the administration socket at once.
const COMMANDS: usize = 32;

/// Where the control plane listens.
#[derive(Debug, Clone)]
pub struct Listen {
    /// The address and port; port 0 takes any free one.
    pub address: SocketAddr,
    /// The certificate to answer https with; without it the listener speaks plain http.
    pub tls: Option<Tls>,
    /// Where metrics are told besides the administration socket, in plain http.
    pub metrics: Option<SocketAddr>,
}

/// A certificate and its key.
#[derive(Debug, Clone)]
pub struct Tls {
    /// The certificate chain, leaf first, in PEM.
    pub cert: PathBuf,
    /// The private key, in PEM.
    pub key: PathBuf,
}

/// A bound listener.
pub(crate) struct Bound {
    listener: TcpListener,
    /// The address with the port that was given.
    pub(crate) address: SocketAddr,
    tls: Option<RustlsConfig>,
}

impl Bound {
    pub(crate) async fn bind(listen: &Listen) -> Result<Self, ServeError> {
        let tls = listen.tls.as_ref().map(configure).transpose()?;
        Self::at(listen.address, tls, "--listen").await
    }

    /// The metrics' listener.
    pub(crate) async fn for_metrics(address: SocketAddr) -> Result<Self, ServeError> {
        Self::at(address, None, "--set metrics.listen=ADDR").await
    }

    async fn at(
        address: SocketAddr,
        tls: Option<RustlsConfig>,
        option: &'static str,
    ) -> Result<Self, ServeError> {
        let failed = |source| ServeError::Bind {
            address,
            option,
            source,
        };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self {
            listener,
            address,
            tls,
        })
    }

    /// The URL under which the listener answers.
    pub(crate) fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Serves `app` to as many connections at once as `places` has room for, until `handle` says to stop and they have
    /// drained. `closing` tells those that have no request that the end is near.
    pub(crate) async fn serve(
        self,
        app: axum::Router,
        places: Places,
        handle: Handle<SocketAddr>,
        closing: watch::Receiver<bool>,
    ) -> Result<(), ServeError> {
        let service = app.into_make_service_with_connect_info::<SocketAddr>();
        let mut server = Server::from_listener(self.listener).handle(handle);
        set_limits(server.http_builder());
        // Small answers must not wait for the peer's acknowledgement of the one before.
        let plain = NoDelayAcceptor::new();
        let outcome = if let Some(tls) = self.tls {
            let acceptor = RustlsAcceptor::new(tls).acceptor(plain);
            let bounded = Bounded::new(acceptor, places, closing);
            server.acceptor(bounded).serve(service).await
        } else {
            let bounded = Bounded::new(plain, places, closing);
            server.acceptor(bounded).serve(service).await
        };
        outcome.map_err(ServeError::Serving)
    }
}

pub(crate) fn set_limits(builder: &mut Builder<TokioExecutor>) {
    builder
        .http1()
        .timer(TokioTimer::new())
        .max_buf_size(HEAD_LIMIT as usize)
        .header_read_timeout(HEADER_TIMEOUT);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(HEAD_LIMIT)
        .max_concurrent_streams(STREAMS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .keep_alive_interval(Some(Duration::from_secs(30)));
}

/// Whether this combination keeps credentials from travelling in the clear, and the issuer it makes:
/// the given one, or this listener's own URL when only this machine can reach it.
///
/// Plain http is allowed on loopback addresses, where it stays on the machine, and behind an https
/// issuer, where a TLS proxy is the one that is reached.
pub(crate) fn issuer_for(
    given: Option<&Issuer>,
    address: SocketAddr,
    tls: bool,
) -> Result<Issuer, ServeError> {
    let local = is_loopback(address.ip());
    let Some(issuer) = given else {
        let scheme = match (tls, local) {
            (true, true) => "https",
            (false, true) => "http",
            (true, false) => return Err(ServeError::IssuerUnknown),
            (false, false) => return Err(ServeError::PlainHttp(address)),
        };
        return format!("{scheme}://{address}")
            .parse()
            .map_err(|_| ServeError::IssuerUnknown);
    };
    if !is_plain(issuer.path()) {
        return Err(ServeError::IssuerPath(issuer.to_string()));
    }
    if issuer.is_https() {
        return Ok(issuer.clone());
    }
    if tls {
        return Err(ServeError::IssuerNotHttps(issuer.to_string()));
    }
    if !local {
        return Err(ServeError::PlainHttp(address));
    }
    if !names_loopback(issuer) {
        return Err(ServeError::PlainIssuer(issuer.to_string()));
    }
    Ok(issuer.clone())
}

/// Whether everybody reads `path` the same: no escapes, no dots that lead elsewhere, no empty segments.
fn is_plain(path: &str) -> bool {
    let unreserved =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    path.split('/').skip(1).all(|segment| {
        !segment.is_empty() && !segment.starts_with('.') && segment.bytes().all(unreserved)
    })
}

fn is_loopback(ip: IpAddr) -> bool {
    // An IPv4 address inside IPv6 (::ffff:127.0.0.1) is the IPv4 one.
    ip.to_canonical().is_loopback()
}

/// Whether the issuer can only be reached from this machine.
pub fn names_loopback(issuer: &Issuer) -> bool {
    let authority = issuer
        .origin()
        .split_once("://")
        .map_or("", |(_, rest)| rest);
    // RFC 6761, 6.3: `localhost` and names under it are loopback.
    let host = url::Host::parse(host_of(authority));
    match host {
        Ok(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Ok(url::Host::Ipv4(ip)) => is_loopback(ip.into()),
        Ok(url::Host::Ipv6(ip)) => is_loopback(ip.into()),
        Err(_) => false,
    }
}

/// The host of `host:port`, where an IPv6 address keeps its brackets.
fn host_of(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

/// The certificate chain of `tls`, leaf first, if a server could be started with it.
pub fn read_chain(tls: &Tls) -> Result<Vec<CertificateDer<'static>>, ServeError> {
    configure(tls)?;
    chain_of(tls)
}

fn chain_of(tls: &Tls) -> Result<Vec<CertificateDer<'static>>, ServeError> {
    let bad = |problem: String| ServeError::Tls {
        what: "certificate",
        path: tls.cert.clone(),
        problem,
    };
    let chain = CertificateDer::pem_file_iter(&tls.cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| bad(error.to_string()))?;
    if chain.is_empty() {
        return Err(bad("it holds no certificate".to_owned()));
    }
    Ok(chain)
}

fn configure(tls: &Tls) -> Result<RustlsConfig, ServeError> {
    let bad = |what, path: &PathBuf, problem: String| ServeError::Tls {
        what,
        path: path.clone(),
        problem,
    };
    let chain = chain_of(tls)?;
    let key = PrivateKeyDer::from_pem_file(&tls.key)
        .map_err(|error| bad("key", &tls.key, error.to_string()))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| bad("certificate", &tls.cert, error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| bad("certificate", &tls.cert, error.to_string()))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(RustlsConfig::from_config(Arc::new(config)))
}

/// The administration socket. Removed when dropped.
pub(crate) struct AdminSocket {
    listener: Option<StdUnixListener>,
    path: PathBuf,
}

impl AdminSocket {
    /// Binds the socket with mode 0600. The caller holds the data lock, so one that is there already
    /// was left by a process that is gone.
    pub(crate) fn bind(dir: &DataDir) -> Result<Self, ServeError> {
        let path = dir.socket();
        // Bound inside a closed directory of its own and then moved, so that there is no moment at
        // which the socket stands at its place with wider permissions.
        let nest = path.with_extension("new");
        let inner = nest.join("s");
        let _ = fs::remove_file(&inner);
        let _ = fs::remove_dir(&nest);
        DirBuilder::new()
            .mode(0o700)
            .create(&nest)
            .map_err(file("create", &nest))?;
        let listener = StdUnixListener::bind(&inner).map_err(|source| match source.kind() {
            std::io::ErrorKind::InvalidInput => ServeError::SocketPath(path.clone()),
            _ => file("bind", &inner)(source),
        })?;
        listener
            .set_nonblocking(true)
            .map_err(ServeError::Serving)?;
        fs::set_permissions(&inner, Permissions::from_mode(0o600))
            .map_err(file("close", &inner))?;
        fs::rename(&inner, &path).map_err(file("create", &path))?;
        let _ = fs::remove_dir(&nest);
        Ok(Self {
            listener: Some(listener),
            path,
        })
    }

    /// Serves `app` on the socket until `handle` says to stop.
    pub(crate) async fn serve(
        mut self,
        app: axum::Router,
        handle: Handle<std::os::unix::net::SocketAddr>,
        closing: watch::Receiver<bool>,
    ) -> Result<(), ServeError> {
        let Some(listener) = self.listener.take() else {
            return Ok(());
        };
        let mut server = axum_server::from_unix(listener)
            .map_err(ServeError::Serving)?
            .handle(handle);
        set_limits(server.http_builder());
        server
            .acceptor(Bounded::new(
                DefaultAcceptor::new(),
                Places::new(COMMANDS),
                closing,
            ))
            .serve(app.into_make_service())
            .await
            .map_err(ServeError::Serving)
    }
}

impl Drop for AdminSocket {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests;
