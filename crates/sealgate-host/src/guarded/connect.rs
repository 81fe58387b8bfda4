//! Connections to exactly the addresses that were judged, and TLS to exactly the host that was named.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, crypto};
use rustls_platform_verifier::Verifier;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::target::OutboundTarget;
use crate::{FetchError, OutboundError};

/// How many of a host's addresses are tried.
const TRIES: usize = 4;
/// How long one address gets to accept a connection.
const DIAL: Duration = Duration::from_secs(2);

/// A connection, with or without TLS.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Makes connections that nothing else uses.
pub(super) struct Connector {
    authorities: Vec<CertificateDer<'static>>,
    /// Made at the first use: reading the system's authorities takes longer than a start should.
    tls: OnceLock<Result<TlsConnector, String>>,
    /// The same without a protocol to agree on.
    plain: OnceLock<Result<TlsConnector, String>>,
}

impl Connector {
    /// Trusts the system's certificate authorities and, if given, those in a PEM file.
    pub(super) fn new(extra_authority: Option<&[u8]>) -> Result<Self, FetchError> {
        let authorities = match extra_authority {
            None => Vec::new(),
            Some(pem) => CertificateDer::pem_slice_iter(pem)
                .collect::<Result<Vec<_>, _>>()
                .ok()
                .filter(|authorities| !authorities.is_empty())
                .ok_or_else(|| FetchError::Unusable("holds no certificate in PEM".to_owned()))?,
        };
        Ok(Self {
            authorities,
            tls: OnceLock::new(),
            plain: OnceLock::new(),
        })
    }

    /// A connection to the first of `addresses` that accepts one.
    pub(super) async fn connect(
        &self,
        target: &OutboundTarget,
        addresses: &[IpAddr],
    ) -> Result<Box<dyn Stream>, OutboundError> {
        let tcp = dial(addresses, target.port()).await?;
        if !target.is_secure() {
            return Ok(Box::new(tcp));
        }
        let failed = |why: String| OutboundError::TlsFailed(why);
        let name = ServerName::try_from(target.name().to_owned())
            .map_err(|_| OutboundError::UrlUnacceptable("names no usable host"))?;
        let tls = self
            .tls
            .get_or_init(|| self.configure(&[b"http/1.1"]))
            .as_ref()
            .map_err(|why| failed(why.clone()))?;
        let stream = tls
            .connect(name, tcp)
            .await
            .map_err(|error| failed(error.to_string()))?;
        Ok(Box::new(stream))
    }

    /// TLS for what is not HTTP.
    pub(super) fn without_alpn(&self) -> Result<TlsConnector, OutboundError> {
        let tls = self.plain.get_or_init(|| self.configure(&[]));
        tls.clone().map_err(OutboundError::TlsFailed)
    }

    fn configure(&self, protocols: &[&[u8]]) -> Result<TlsConnector, String> {
        let provider = Arc::new(crypto::aws_lc_rs::default_provider());
        let verifier =
            Verifier::new_with_extra_roots(self.authorities.clone(), Arc::clone(&provider))
                .map_err(|error| error.to_string())?;
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        // Nothing is carried from one request to the next.
        config.resumption = Resumption::disabled();
        Ok(TlsConnector::from(Arc::new(config)))
    }
}

pub(super) async fn dial(addresses: &[IpAddr], port: u16) -> Result<TcpStream, OutboundError> {
    let mut last = OutboundError::Unresolved;
    for address in addresses.iter().take(TRIES) {
        let connecting = TcpStream::connect(SocketAddr::new(*address, port));
        last = match tokio::time::timeout(DIAL, connecting).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => OutboundError::Unreachable(error.kind().to_string()),
            Err(_) => OutboundError::TimedOut,
        };
    }
    Err(last)
}
