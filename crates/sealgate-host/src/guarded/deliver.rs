//! Handing over: the same judgement of hosts and addresses as for every URL that somebody chose, one connection for
//! each delivery, and nothing kept for the next.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName, HeaderValue, RETRY_AFTER,
    TRANSFER_ENCODING, USER_AGENT,
};
use hyper::{Method, Request};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore, crypto};
use sealgate_model::Secret;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio_rustls::TlsConnector;

use super::connect::{Stream, dial};
use super::target::OutboundTarget;
use super::{GuardedFetch, exchange, first_bytes};
use crate::delivery::{Delivered, Delivery};
use crate::outbound::OutboundError;

/// How long a delivery may take, from the first look at its target to the last byte of the answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// How much of an answer is read.
const ANSWER: usize = 4 * 1024;

/// How long a receiver of lines is given to close a connection that was closed towards it.
const FAREWELL: Duration = Duration::from_secs(2);

impl GuardedFetch {
    pub(super) async fn hand_over(&self, delivery: Delivery) -> Result<Delivered, OutboundError> {
        let _place = self
            .deliveries
            .acquire()
            .await
            .map_err(|_| OutboundError::TimedOut)?;
        match delivery {
            Delivery::Post {
                url,
                content_type,
                headers,
                body,
                authority,
            } => {
                let target = OutboundTarget::parse(&url, &self.policy)?;
                let addresses = self.addresses(&target).await?;
                let stream = match authority.filter(|_| target.is_secure()) {
                    None => self.connector.connect(&target, &addresses).await?,
                    Some(pem) => {
                        let tcp = dial(&addresses, target.port()).await?;
                        secured(tcp, &target, &trusting(&pem, &[b"http/1.1"])?).await?
                    }
                };
                post(stream, &target, content_type, headers, body).await
            }
            Delivery::Stream {
                host,
                port,
                secure,
                authority,
                bytes,
            } => {
                let (target, addresses) = self.host(&host, port).await?;
                let tcp = dial(&addresses, port).await?;
                let stream: Box<dyn Stream> = match (secure, authority) {
                    (false, _) => Box::new(tcp),
                    (true, Some(pem)) => secured(tcp, &target, &trusting(&pem, &[])?).await?,
                    (true, None) => {
                        let tls = self.connector.without_alpn()?;
                        secured(tcp, &target, &tls).await?
                    }
                };
                write_and_close(stream, &bytes)
                    .await
                    .map(|()| Delivered::default())
            }
            Delivery::Datagrams { host, port, each } => {
                let (_, addresses) = self.host(&host, port).await?;
                let Some(address) = addresses.first() else {
                    return Err(OutboundError::Unresolved);
                };
                datagrams(SocketAddr::new(*address, port), &each).await?;
                Ok(Delivered::default())
            }
        }
    }

    /// A host that is no URL's, judged as one.
    async fn host(
        &self,
        host: &str,
        port: u16,
    ) -> Result<(OutboundTarget, Vec<IpAddr>), OutboundError> {
        let target = OutboundTarget::host(host, port, &self.policy)?;
        let addresses = self.addresses(&target).await?;
        Ok((target, addresses))
    }
}

impl OutboundTarget {
    /// A host and a port without a URL.
    pub(crate) fn host(
        host: &str,
        port: u16,
        policy: &super::AddressPolicy,
    ) -> Result<Self, OutboundError> {
        let literal = host.parse::<std::net::Ipv6Addr>().is_ok();
        let written = if literal {
            format!("https://[{host}]:{port}/")
        } else {
            format!("https://{host}:{port}/")
        };
        let target = Self::parse(&written, policy)?;
        // Nothing of the text may have been read as something other than the host.
        if host.contains(['/', '?', '@']) || (!literal && host.contains(':')) || port == 0 {
            return Err(OutboundError::UrlUnacceptable("names no usable host"));
        }
        Ok(target)
    }
}

/// TLS that trusts the certificates in `pem` and nobody else.
fn trusting(pem: &str, protocols: &[&[u8]]) -> Result<TlsConnector, OutboundError> {
    let failed = |why: String| OutboundError::TlsFailed(why);
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|_| failed("an authority is not PEM".to_owned()))?;
        roots
            .add(certificate)
            .map_err(|error| failed(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(failed("there is no authority to trust".to_owned()));
    }
    let provider = Arc::new(crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    config.resumption = rustls::client::Resumption::disabled();
    Ok(TlsConnector::from(Arc::new(config)))
}

async fn secured(
    tcp: TcpStream,
    target: &OutboundTarget,
    tls: &TlsConnector,
) -> Result<Box<dyn Stream>, OutboundError> {
    let name = ServerName::try_from(target.name().to_owned())
        .map_err(|_| OutboundError::UrlUnacceptable("names no usable host"))?;
    let stream = tls
        .connect(name, tcp)
        .await
        .map_err(|error| OutboundError::TlsFailed(error.to_string()))?;
    Ok(Box::new(stream))
}

async fn post(
    stream: Box<dyn Stream>,
    target: &OutboundTarget,
    content_type: &'static str,
    headers: Vec<(String, Secret)>,
    body: Vec<u8>,
) -> Result<Delivered, OutboundError> {
    let unsendable = |_| OutboundError::UrlUnacceptable("has no header for it");
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(target.path())
        .header(HOST, target.authority())
        .header(USER_AGENT, concat!("sealgate/", env!("CARGO_PKG_VERSION")))
        .header(CONNECTION, "close")
        .header(CONTENT_TYPE, content_type)
        .body(Full::new(Bytes::from(body)))
        .map_err(|_| OutboundError::UrlUnacceptable("cannot be sent"))?;
    for (name, value) in headers {
        let name: HeaderName = name
            .parse()
            .map_err(|_| OutboundError::UrlUnacceptable("has no header for it"))?;
        // What frames the message is not for others to say.
        if [HOST, CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING].contains(&name) {
            return Err(OutboundError::UrlUnacceptable("has no header for it"));
        }
        let mut value = HeaderValue::from_str(value.expose()).map_err(unsendable)?;
        value.set_sensitive(true);
        request.headers_mut().insert(name, value);
    }
    let (response, _driver) = exchange(stream, request).await?;
    let retry_after = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    Ok(Delivered {
        status: response.status().as_u16(),
        retry_after,
        body: first_bytes(response, ANSWER).await?,
    })
}

/// Writes, says that nothing more comes, and waits a little for the other side to close: one that does has read
/// everything, and one that breaks off has not. One that does neither keeps connections open, which is no failure.
async fn write_and_close(mut stream: Box<dyn Stream>, bytes: &[u8]) -> Result<(), OutboundError> {
    let lost = |error: std::io::Error| OutboundError::Unreachable(error.kind().to_string());
    stream.write_all(bytes).await.map_err(lost)?;
    stream.flush().await.map_err(lost)?;
    stream.shutdown().await.map_err(lost)?;
    let closing = async {
        // What it says has no meaning.
        let mut said = [0; 512];
        loop {
            match stream.read(&mut said).await {
                Ok(0) => return Ok(()),
                // A receiver that closes the connection without the farewell of TLS has closed it.
                Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(()),
                Err(error) => return Err(lost(error)),
                Ok(_) => {}
            }
        }
    };
    tokio::time::timeout(FAREWELL, closing)
        .await
        .unwrap_or(Ok(()))
}

async fn datagrams(to: SocketAddr, each: &[Vec<u8>]) -> Result<(), OutboundError> {
    let lost = |error: std::io::Error| OutboundError::Unreachable(error.kind().to_string());
    let any: SocketAddr = if to.is_ipv4() {
        ([0, 0, 0, 0], 0).into()
    } else {
        (std::net::Ipv6Addr::UNSPECIFIED, 0).into()
    };
    let socket = UdpSocket::bind(any).await.map_err(lost)?;
    socket.connect(to).await.map_err(lost)?;
    for datagram in each {
        socket.send(datagram).await.map_err(lost)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two ends of one connection over loopback.
    async fn connection() -> (TcpStream, TcpStream) {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
            .await
            .unwrap();
        let address = listener.local_addr().unwrap();
        let (ours, theirs) = tokio::join!(TcpStream::connect(address), listener.accept());
        (ours.unwrap(), theirs.unwrap().0)
    }

    #[tokio::test]
    async fn a_receiver_that_closes_has_taken_the_lines_at_once() {
        let (ours, mut theirs) = connection().await;
        let began = tokio::time::Instant::now();
        let (sent, read) = tokio::join!(write_and_close(Box::new(ours), b"3 a\nb"), async move {
            let mut read = Vec::new();
            theirs.read_to_end(&mut read).await.unwrap();
            read
        });
        assert_eq!((sent, &read[..]), (Ok(()), &b"3 a\nb"[..]));
        assert!(began.elapsed() < FAREWELL);
    }

    #[tokio::test]
    async fn a_receiver_that_keeps_connections_open_has_taken_them_too() {
        let (ours, mut theirs) = connection().await;
        let keeps = tokio::spawn(async move {
            let mut read = Vec::new();
            theirs.read_to_end(&mut read).await.unwrap();
            // However much it says besides.
            theirs.write_all(&[b'x'; 9000]).await.unwrap();
            (theirs, read)
        });
        let sent = write_and_close(Box::new(ours), b"1 a").await;
        let (_open, read) = keeps.await.unwrap();
        assert_eq!((sent, &read[..]), (Ok(()), &b"1 a"[..]));
    }

    #[tokio::test]
    async fn a_receiver_that_breaks_off_has_not() {
        let (ours, theirs) = connection().await;
        // Closed with something unread: the system resets the connection.
        let breaks = async move {
            theirs.readable().await.unwrap();
            drop(theirs);
        };
        let lines = vec![b'x'; 64 * 1024];
        let (sent, ()) = tokio::join!(write_and_close(Box::new(ours), &lines), breaks);
        assert!(
            matches!(sent, Err(OutboundError::Unreachable(_))),
            "{sent:?}"
        );
    }
}
