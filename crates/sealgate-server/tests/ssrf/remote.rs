//! The world outside: one server that may be reached, and listeners beside it that must not be. All on loopback
//! addresses of this machine; which of them counts as public is the policy's word alone.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use sealgate_host::{Resolve, Resolved};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// What stands for the public internet.
pub(crate) const PUBLIC: &str = "127.0.0.100";

/// What must not be reached: by the same port, so that nothing but the address keeps anybody away.
const INSIDE: [&str; 5] = [
    "127.0.0.1",
    "127.0.0.2",
    "127.0.0.101",
    "127.255.255.254",
    "::1",
];

/// The names that the public server has a certificate for.
const NAMES: [&str; 8] = [
    "agent.example",
    "inside.example",
    "localhost",
    "agent.localhost",
    "localhost.localdomain",
    "ip6-localhost",
    "127.0.0.1",
    "127.0.0.100",
];

/// The outside.
pub(crate) struct Remote {
    pub(crate) port: u16,
    /// The authority that signed the public server's certificate.
    pub(crate) authority: String,
    pub(crate) names: Arc<Names>,
    /// What the public server answers next: how, and with which body if it is a sound answer.
    pub(crate) answer: Arc<Mutex<(String, String)>>,
    reached: Arc<AtomicUsize>,
    trespassed: Arc<AtomicUsize>,
}

impl Remote {
    pub(crate) async fn new() -> Self {
        let authority = {
            let mut params = CertificateParams::default();
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
        };
        let acceptor = acceptor(&authority);
        let (public, inside) = listeners().await;
        let port = public.local_addr().unwrap().port();
        let remote = Self {
            port,
            authority: authority.pem(),
            names: Arc::default(),
            answer: Arc::default(),
            reached: Arc::default(),
            trespassed: Arc::default(),
        };
        for listener in inside {
            let trespassed = Arc::clone(&remote.trespassed);
            tokio::spawn(async move {
                while listener.accept().await.is_ok() {
                    trespassed.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        let (reached, answer) = (Arc::clone(&remote.reached), Arc::clone(&remote.answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = public.accept().await {
                reached.fetch_add(1, Ordering::SeqCst);
                let (acceptor, answer) = (acceptor.clone(), answer.lock().unwrap().clone());
                tokio::spawn(async move {
                    let stream = acceptor.accept(stream).await?;
                    serve(stream, &answer.0, &answer.1, port).await
                });
            }
        });
        remote
    }

    /// How many connections the public server has had.
    pub(crate) fn reached(&self) -> usize {
        self.reached.load(Ordering::SeqCst)
    }

    /// How many connections anything else has had.
    pub(crate) fn trespassed(&self) -> usize {
        self.trespassed.load(Ordering::SeqCst)
    }
}

/// The public listener, and those inside by the same port.
async fn listeners() -> (TcpListener, Vec<TcpListener>) {
    'port: loop {
        let public = TcpListener::bind((PUBLIC, 0)).await.unwrap();
        let port = public.local_addr().unwrap().port();
        let mut inside = Vec::new();
        for address in INSIDE {
            let at = SocketAddr::new(address.parse().unwrap(), port);
            match TcpListener::bind(at).await {
                Ok(listener) => inside.push(listener),
                // Somebody else's port; or a machine without IPv6, where nothing can be reached by it.
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => continue 'port,
                Err(_) if address.contains(':') => {}
                Err(error) => panic!("{address}: {error}"),
            }
        }
        return (public, inside);
    }
}

fn acceptor(authority: &CertifiedIssuer<'static, KeyPair>) -> TlsAcceptor {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(NAMES.map(str::to_owned).to_vec())
        .unwrap()
        .signed_by(&key, authority)
        .unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        )
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// Answers one request as `how` says.
async fn serve(
    mut stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    how: &str,
    sound: &str,
    port: u16,
) -> io::Result<()> {
    let mut request = Vec::new();
    while !request.windows(4).any(|four| four == b"\r\n\r\n") {
        if stream.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    let json = |extra: &str, body: &str| {
        let length = body.len();
        format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{extra}\r\n{body}"
        )
    };
    let (word, rest) = how.split_once(' ').unwrap_or((how, ""));
    let target = || {
        let (_, location) = rest.split_once(' ').unwrap_or(("", rest));
        location.replace("{port}", &port.to_string())
    };
    let text = match how {
        "" | "sound" => json("", sound),
        "silent" => std::future::pending().await,
        "slow head" => {
            for byte in json("", sound).into_bytes() {
                stream.write_all(&[byte]).await?;
                stream.flush().await?;
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            return Ok(());
        }
        "slow body" => {
            let head =
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 400\r\n\r\n";
            stream.write_all(head.as_bytes()).await?;
            loop {
                stream.write_all(b" ").await?;
                stream.flush().await?;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        "endless head" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n").await?;
            loop {
                stream.write_all(b"X: y\r\n").await?;
                stream.flush().await?;
                tokio::time::sleep(Duration::from_millis(150)).await;
            }
        }
        "huge" => json("", &format!("{sound}{}", " ".repeat(4 << 20))),
        "huge untold" => format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{sound}{}",
            " ".repeat(4 << 20)
        ),
        "huge chunked" => {
            let size = 4 << 20;
            format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n{size:x}\r\n{}\r\n0\r\n\r\n",
                " ".repeat(size)
            )
        }
        "wrong type" => json("", sound).replace("application/json", "text/html"),
        "no type" => json("", sound).replace("Content-Type: application/json\r\n", ""),
        "two types" => json("Content-Type: text/html\r\n", sound),
        "gzip" => json("Content-Encoding: gzip\r\n", sound),
        "brotli" => json("Content-Encoding: br\r\n", sound),
        "no http" => "SSH-2.0-OpenSSH_9.9\r\n".to_owned(),
        "cut short" => json("", sound).replace("Content-Length: ", "Content-Length: 9"),
        "many headers" => json(&"X: y\r\n".repeat(200), sound),
        "not json" => json("", "<html>"),
        "json of another" => json("", r#"{"client_id":"https://other.example/c","keys":[]}"#),
        "utf-16" => json("", &format!("\u{feff}{sound}")),
        _ if word == "redirect" => {
            let status = rest.split(' ').next().unwrap_or("302");
            format!(
                "HTTP/1.1 {status} Moved\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n",
                target()
            )
        }
        _ if word == "refresh" => format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nRefresh: 0; url={}\r\nContent-Length: 0\r\n\r\n",
            target()
        ),
        _ if word == "status" => json("", sound).replace("200 OK", &format!("{rest} Other")),
        other => panic!("no such answer: {other}"),
    };
    stream.write_all(text.as_bytes()).await?;
    stream.shutdown().await
}

/// A resolver that answers for each name with the next of its answers, and then with the last.
#[derive(Default)]
pub(crate) struct Names(Mutex<HashMap<String, Turns>>);

/// How often a name was asked about, and what it resolves to each time.
type Turns = (usize, Vec<Vec<IpAddr>>);

impl Names {
    /// From now on every name but those inside resolves to the next of `answers`.
    pub(crate) fn set(&self, answers: &[Vec<String>]) {
        let answers: Vec<Vec<IpAddr>> = answers
            .iter()
            .map(|answer| answer.iter().map(|ip| ip.parse().unwrap()).collect())
            .collect();
        *self.0.lock().unwrap() = HashMap::from([("*".to_owned(), (0, answers))]);
    }

    fn answer(&self, name: &str) -> Option<Vec<IpAddr>> {
        if name == "inside.example" {
            return Some(vec!["127.0.0.1".parse().unwrap()]);
        }
        let mut known = self.0.lock().unwrap();
        let (turn, answers) = known.get_mut("*")?;
        let answer = answers.get(*turn).or(answers.last()).cloned();
        *turn += 1;
        answer
    }
}

impl Resolve for Names {
    fn resolve<'a>(&'a self, name: &'a str) -> Resolved<'a> {
        let answer = self.answer(name);
        let answer = answer.ok_or_else(|| io::ErrorKind::NotFound.into());
        Box::pin(std::future::ready(answer))
    }
}
