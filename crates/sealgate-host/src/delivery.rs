//! What is handed over to places that an operator names: posts with headers of their own, lines on a connection,
//! datagrams.

use sealgate_model::Secret;

/// One thing to hand over.
pub enum Delivery {
    /// POST to a URL.
    Post {
        /// The URL.
        url: String,
        /// The media type.
        content_type: &'static str,
        /// More headers; each value may be a secret.
        headers: Vec<(String, Secret)>,
        /// The body.
        body: Vec<u8>,
        /// Whom alone to trust, as certificates in PEM; none: whom the system trusts.
        authority: Option<String>,
    },
    /// A connection that is written to and closed. It is done when the other side has closed it too, or has kept it
    /// open for some seconds without breaking it off.
    Stream {
        /// The host: a name or an address.
        host: String,
        /// The port.
        port: u16,
        /// Whether with TLS.
        secure: bool,
        /// Whom alone to trust, as certificates in PEM; none: whom the system trusts.
        authority: Option<String>,
        /// What is written.
        bytes: Vec<u8>,
    },
    /// Datagrams, of which nobody says whether they arrive.
    Datagrams {
        /// The host: a name or an address.
        host: String,
        /// The port.
        port: u16,
        /// Each datagram.
        each: Vec<Vec<u8>>,
    },
}

impl std::fmt::Debug for Delivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            // What stands behind the path may be a secret.
            Self::Post { url, body, .. } => {
                let shown = url.split('?').next().unwrap_or_default();
                write!(f, "Post({shown}, {} bytes)", body.len())
            }
            Self::Stream { host, port, .. } => write!(f, "Stream({host}:{port})"),
            Self::Datagrams { host, port, .. } => write!(f, "Datagrams({host}:{port})"),
        }
    }
}

/// What came back. Of anything but a post: that it is done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Delivered {
    /// The status code; never a redirect. 0 if it was no post.
    pub status: u16,
    /// The `Retry-After` header as it came (RFC 9110, 10.2.3).
    pub retry_after: Option<String>,
    /// The first bytes of the answer's body.
    pub body: Vec<u8>,
}
