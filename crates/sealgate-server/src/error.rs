//! Why the control plane did not start or cannot go on, each with what to do about it.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use sealgate_store::StoreError;
use thiserror::Error;

/// A failure to open, start or keep serving the control plane.
#[derive(Debug, Error)]
pub enum ServeError {
    /// A file or directory of the data directory could not be used.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was tried: "create", "read".
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Other users of the machine can reach what must be the server's alone.
    #[error("{} is open to other users of this machine (mode {mode:o})", path.display())]
    OpenToOthers {
        /// The data directory or the master key.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// The permission bits it must have.
        wanted: u32,
    },
    /// There is no control plane in the directory.
    #[error("no control plane has been started in {}", .0.display())]
    NothingThere(PathBuf),
    /// The issuer is not known: none was given and none was served from this data directory before.
    #[error("the issuer is not known")]
    IssuerUnknown,
    /// The issuer has a path that not everybody reads the same.
    #[error("the path of the issuer {0} is not made of plain segments")]
    IssuerPath(String),
    /// TLS was asked for, with an issuer that is not https.
    #[error("the issuer {0} is http, but a TLS certificate is given")]
    IssuerNotHttps(String),
    /// Plain http on an address that other machines can reach.
    #[error("plain http is only served on loopback addresses, and {0} is not one")]
    PlainHttp(SocketAddr),
    /// Plain http under a name that is not this machine's own.
    #[error("the issuer {0} is plain http and not a loopback address")]
    PlainIssuer(String),
    /// The certificate or its key is not usable.
    #[error("the TLS {what} in {} is not usable: {problem}", path.display())]
    Tls {
        /// "certificate" or "key".
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// The option that sets it.
        option: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
    /// The path of the administration socket is longer than the operating system takes.
    #[error("the path {} is too long for a Unix socket", .0.display())]
    SocketPath(PathBuf),
    /// The master key does not read as one.
    #[error("{} does not hold a master key", .0.display())]
    MasterKey(PathBuf),
    /// The master key is missing, but there are signing keys sealed under it.
    #[error("{} is missing, and the signing keys in the database are sealed under it", .0.display())]
    MasterKeyLost(PathBuf),
    /// The signing keys could not be loaded.
    #[error("the signing keys are not usable: {0}")]
    Keys(String),
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nothing can be counted.
    #[error("metrics cannot be kept: {0}")]
    Metrics(String),
    /// A listener failed while serving.
    #[error("serving failed: {0}")]
    Serving(io::Error),
}

impl ServeError {
    /// The stable reason code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::File { .. } => "file_unusable",
            Self::OpenToOthers { .. } => "permissions_open",
            Self::NothingThere(_) => "data_dir_empty",
            Self::IssuerUnknown => "issuer_unknown",
            Self::IssuerPath(_) => "issuer_path",
            Self::IssuerNotHttps(_) => "issuer_not_https",
            Self::PlainHttp(_) => "plain_http",
            Self::PlainIssuer(_) => "plain_issuer",
            Self::Tls { .. } => "tls_unusable",
            Self::Bind { .. } => "address_unusable",
            Self::SocketPath(_) => "socket_path_too_long",
            Self::MasterKey(_) => "master_key_unreadable",
            Self::MasterKeyLost(_) => "master_key_lost",
            Self::Keys(_) => "keys_unusable",
            Self::Store(error) => error.code(),
            Self::Metrics(_) => "metrics_unavailable",
            Self::Serving(_) => "serving_failed",
        }
    }

    /// What to do about it, as a sentence; none when the error says it all.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::OpenToOthers { path, wanted, .. } => format!("run: chmod {wanted:o} {}", path.display()),
            Self::NothingThere(path) => {
                format!("start it with: sealgate serve --data-dir {}", path.display())
            }
            Self::IssuerUnknown => "give it with --issuer, as in --issuer https://id.example.com".to_owned(),
            Self::IssuerPath(_) => {
                "use letters, digits and -._~ between single slashes, as in https://example.com/id".to_owned()
            }
            Self::IssuerNotHttps(_) => "give an https --issuer, or leave the certificate out".to_owned(),
            Self::PlainHttp(_) => {
                "give --tls-cert and --tls-key, or an https --issuer when a TLS proxy stands in front".to_owned()
            }
            Self::PlainIssuer(_) => "give an https --issuer: browsers and gates refuse plain http".to_owned(),
            Self::Tls { .. } => "give PEM files: the certificate chain, leaf first, and its private key".to_owned(),
            Self::Bind { option, .. } => format!("choose another address with {option}"),
            Self::SocketPath(_) => "choose a shorter --data-dir, at most 90 bytes".to_owned(),
            Self::MasterKey(_) | Self::MasterKeyLost(_) => "restore it from the backup it was kept in".to_owned(),
            Self::Keys(_) => "check that master.key and the database come from the same backup".to_owned(),
            Self::Store(StoreError::Locked) => "stop the process that uses it, or choose another --data-dir".to_owned(),
            Self::Store(StoreError::TooNew { .. }) => "use the newer program that wrote it".to_owned(),
            Self::File { .. } | Self::Store(_) | Self::Metrics(_) | Self::Serving(_) => return None,
        };
        Some(hint)
    }
}
