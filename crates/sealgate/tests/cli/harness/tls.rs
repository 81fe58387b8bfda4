//! A self-signed certificate and a client that trusts nothing else.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

pub(crate) struct Certificate {
    dir: PathBuf,
    der: CertificateDer<'static>,
}

impl Certificate {
    pub(crate) fn make(dir: &Path, host: &str) -> Self {
        let made = rcgen::generate_simple_self_signed(vec![host.to_owned()]).unwrap();
        let certificate = Self {
            dir: dir.to_owned(),
            der: made.cert.der().clone(),
        };
        fs::write(certificate.chain_path(), made.cert.pem()).unwrap();
        fs::write(certificate.key_path(), made.signing_key.serialize_pem()).unwrap();
        certificate
    }

    pub(crate) fn chain_path(&self) -> String {
        self.dir.join("chain.pem").to_str().unwrap().to_owned()
    }

    pub(crate) fn key_path(&self) -> String {
        self.dir.join("key.pem").to_str().unwrap().to_owned()
    }

    pub(crate) fn connect(&self, authority: &str) -> StreamOwned<ClientConnection, TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let connection = ClientConnection::new(Arc::new(config), name).unwrap();
        StreamOwned::new(connection, TcpStream::connect(authority).unwrap())
    }
}
