//! Looking at what a URL serves, as a stranger sees it.

use std::path::Path;
use std::time::Duration;

use http::HeaderMap;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use sealgate_host::{AddressPolicy, SystemClock};
use sealgate_model::{Clock as _, Timestamp};

use crate::failure::Failure;

/// The most that is read of an answer.
const LIMIT: usize = 256 * 1024;

/// What was served.
pub(super) struct Seen {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    /// When the answer came, and how long it took.
    pub(super) at: Timestamp,
    pub(super) took: Duration,
    /// The certificate of the other side, in DER.
    pub(super) certificate: Option<Vec<u8>>,
}

impl Seen {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// A request of any kind.
pub(super) struct Ask<'a> {
    pub(super) method: &'a str,
    pub(super) url: &'a str,
    pub(super) headers: &'a [(&'a str, &'a str)],
    pub(super) body: Option<String>,
}

/// A client that follows nothing and waits for nobody.
pub(super) struct Web {
    client: reqwest::Client,
    clock: SystemClock,
}

impl Web {
    /// One that trusts the system's authorities and those in a file.
    pub(super) fn new(authority: Option<&Path>) -> Result<Self, Failure> {
        Self::build(authority, false)
    }

    /// The same, but nothing is asked of a name that leads to an address that is not public: for what a
    /// server on the web names.
    pub(super) fn outward(authority: Option<&Path>) -> Result<Self, Failure> {
        Self::build(authority, true)
    }

    fn build(authority: Option<&Path>, outward: bool) -> Result<Self, Failure> {
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(Duration::from_secs(5))
            .tls_info(true)
            .user_agent(concat!("sealgate-doctor/", env!("CARGO_PKG_VERSION")));
        for certificate in authority.map(authorities).transpose()?.unwrap_or_default() {
            builder = builder.add_root_certificate(certificate);
        }
        if outward {
            builder = builder.dns_resolver(Outward);
        }
        let client = builder.build().map_err(|error| {
            Failure::unavailable("client_unusable", format!("cannot make requests: {error}"))
        })?;
        let clock = SystemClock::default();
        Ok(Self { client, clock })
    }

    pub(super) fn clock(&self) -> &SystemClock {
        &self.clock
    }

    /// What comes of a request of any kind. The body of a stream of events is not waited for.
    pub(super) async fn ask(&self, ask: Ask<'_>) -> Result<Seen, String> {
        let method = reqwest::Method::from_bytes(ask.method.as_bytes());
        let method = method.map_err(|error| error.to_string())?;
        let mut request = self.client.request(method, ask.url);
        for (name, value) in ask.headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = ask.body {
            request = request.body(body);
        }
        self.sent(request).await
    }

    /// What is at `url`, or why nothing is.
    pub(super) async fn get(&self, url: &str) -> Result<Seen, String> {
        self.get_with(url, &[]).await
    }

    pub(super) async fn get_with(
        &self,
        url: &str,
        headers: &[(&str, &str)],
    ) -> Result<Seen, String> {
        let mut request = self.client.get(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.sent(request).await
    }

    async fn sent(&self, request: reqwest::RequestBuilder) -> Result<Seen, String> {
        let began = self.clock.uptime();
        let mut answer = request.send().await.map_err(|error| reason(&error))?;
        let (at, took) = (self.clock.now(), self.clock.uptime().since(began));
        let mut body = Vec::new();
        let kind = answer.headers().get(http::header::CONTENT_TYPE);
        let endless = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
        while !endless && let Some(piece) = answer.chunk().await.map_err(|error| reason(&error))? {
            body.extend_from_slice(&piece);
            if body.len() > LIMIT {
                return Err("the answer is endless".to_owned());
            }
        }
        let tls = answer.extensions().get::<reqwest::tls::TlsInfo>();
        let certificate = tls.and_then(reqwest::tls::TlsInfo::peer_certificate);
        Ok(Seen {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            body,
            at,
            took,
            certificate: certificate.map(<[u8]>::to_vec),
        })
    }
}

/// Asks the system's resolver, and judges every address where it is connected to: a name cannot change
/// what it means in between.
struct Outward;

impl Resolve for Outward {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let found: Vec<std::net::SocketAddr> = found.collect();
            for address in &found {
                if let Err(why) = AddressPolicy::public().check(address.ip()) {
                    let said = format!("{} is not asked: it leads to {why}", name.as_str());
                    return Err(std::io::Error::other(said).into());
                }
            }
            let addresses: Addrs = Box::new(found.into_iter());
            Ok(addresses)
        })
    }
}

/// The certificates in a PEM file.
pub(crate) fn authorities(path: &Path) -> Result<Vec<reqwest::Certificate>, Failure> {
    let failed = |said: String| Failure::usage("authority_unusable", said);
    let pem = std::fs::read(path)
        .map_err(|error| failed(format!("cannot read {}: {error}", path.display())))?;
    let trusted = reqwest::Certificate::from_pem_bundle(&pem).unwrap_or_default();
    if trusted.is_empty() {
        let said = format!("{} holds no certificate", path.display());
        return Err(failed(said));
    }
    Ok(trusted)
}

/// The innermost reason, which is the one that helps: the outer ones only say that a request failed.
fn reason(error: &reqwest::Error) -> String {
    let mut inner: &dyn std::error::Error = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_that_leads_inward_is_not_asked_for_a_server_on_the_web() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!(
            "http://localhost:{}/",
            listener.local_addr().unwrap().port()
        );
        let refused = Web::outward(None).unwrap().get(&url).await.err().unwrap();
        assert!(refused.contains("is not asked"), "{refused}");
        let asking = tokio::spawn(async move { Web::new(None).unwrap().get(&url).await.map(drop) });
        drop(listener.accept().await.unwrap());
        let said = asking.await.unwrap().unwrap_err();
        assert!(!said.contains("is not asked"), "{said}");
    }
}
