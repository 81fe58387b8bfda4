//! Where a sink leads, in which form, and what of it is sound.

use std::path::Path;

use sealgate_audit::forms::syslog::ENTERPRISE;
use sealgate_audit::forms::{Event, Outcome, Stream};
use sealgate_store::SinkSource;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ControlPlane;

/// The words of the parts of acts.
const ACTS_ALLOWED: &str = "acts_allowed";
const ACTS_DENIED: &str = "acts_denied";

/// The longest certificates of an authority, in bytes.
const AUTHORITY: usize = 64 * 1024;

/// Where records go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum SinkTarget {
    /// Signed deliveries by Standard Webhooks.
    Webhook {
        /// Where to post.
        url: String,
        /// Whom alone to trust, as certificates in PEM; whom the system trusts if it is absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        authority: Option<String>,
    },
    /// OpenTelemetry logs, by OTLP over HTTP.
    Otel {
        /// Where to post: the whole URL, such as `https://collector.example:4318/v1/logs`.
        url: String,
        /// Whom alone to trust, as certificates in PEM; whom the system trusts if it is absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        authority: Option<String>,
    },
    /// Syslog messages (RFC 5424).
    Syslog {
        /// The receiver: a name or an address.
        host: String,
        /// Its port.
        #[schema(minimum = 1, maximum = 65535)]
        port: u16,
        /// How they travel.
        transport: SinkTransport,
        /// How they are told apart on a connection.
        #[serde(default)]
        framing: SinkFraming,
        /// The private enterprise number in the name of the structured data.
        #[serde(default = "enterprise")]
        enterprise: u32,
        /// Whom alone to trust, as certificates in PEM; whom the system trusts if it is absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        authority: Option<String>,
    },
    /// A file of JSON Lines on the control plane's machine.
    File {
        /// The directory that it is in, from the root. It has the sink's name.
        directory: String,
    },
}

const fn enterprise() -> u32 {
    ENTERPRISE
}

/// How syslog messages travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SinkTransport {
    /// TLS (RFC 5425).
    Tls,
    /// TCP, which everybody on the way can read (RFC 6587).
    Tcp,
    /// UDP, which everybody on the way can read, and of which nobody says whether it arrives (RFC 5426).
    Udp,
}

/// How syslog messages are told apart on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SinkFraming {
    /// By their length before them (RFC 6587, 3.4.1).
    #[default]
    OctetCounting,
    /// By a line feed behind them (RFC 6587, 3.4.2).
    Newline,
}

/// The form of the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SinkForm {
    /// Our own documents, one on each line.
    Jsonl,
    /// Events of OCSF 1.7.0.
    Ocsf,
    /// OpenTelemetry logs.
    Otel,
    /// A sentence in a syslog message.
    Syslog,
}

impl SinkForm {
    /// Every form.
    pub const ALL: [Self; 4] = [Self::Jsonl, Self::Ocsf, Self::Otel, Self::Syslog];

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Ocsf => "ocsf",
            Self::Otel => "otel",
            Self::Syslog => "syslog",
        }
    }

    /// The form of this word, as it is stored.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.as_str() == word)
    }
}

/// A stream of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SinkStream {
    /// What the control plane did or refused.
    Acts,
    /// What the control plane did.
    ActsAllowed,
    /// What the control plane refused.
    ActsDenied,
    /// What should worry somebody.
    Anomalies,
    /// What gates let in.
    Allowed,
    /// What gates refused.
    Denied,
}

impl SinkStream {
    /// Every stream.
    pub const ALL: [Self; 6] = [
        Self::Acts,
        Self::ActsAllowed,
        Self::ActsDenied,
        Self::Anomalies,
        Self::Allowed,
        Self::Denied,
    ];

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Acts => "acts",
            Self::ActsAllowed => ACTS_ALLOWED,
            Self::ActsDenied => ACTS_DENIED,
            Self::Anomalies => "anomalies",
            Self::Allowed => "allowed",
            Self::Denied => "denied",
        }
    }

    /// Whether a record is of it.
    pub(super) fn has(self, event: &Event) -> bool {
        let of = |stream, outcome: Option<Outcome>| {
            event.stream == stream && outcome.is_none_or(|outcome| event.outcome == outcome)
        };
        match self {
            Self::Acts => of(Stream::Acts, None),
            Self::ActsAllowed => of(Stream::Acts, Some(Outcome::Allowed)),
            Self::ActsDenied => of(Stream::Acts, Some(Outcome::Denied)),
            Self::Anomalies => of(Stream::Anomalies, None),
            Self::Allowed => of(Stream::Allowed, None),
            Self::Denied => of(Stream::Denied, None),
        }
    }

    pub(super) const fn source(self) -> SinkSource {
        match self {
            Self::Acts | Self::ActsAllowed | Self::ActsDenied | Self::Anomalies => {
                SinkSource::Audit
            }
            Self::Allowed => SinkSource::Allowed,
            Self::Denied => SinkSource::Denied,
        }
    }
}

/// The streams of these words, as they are stored; what is not known is left out.
pub(crate) fn streams_of(words: &[String]) -> Vec<SinkStream> {
    let is = |stream: &SinkStream| words.iter().any(|word| word == stream.as_str());
    SinkStream::ALL.into_iter().filter(is).collect()
}

/// Whether this is a sink's name: what can stand in a path, in a label and in a file's name.
pub(crate) fn sound_name(name: &str) -> bool {
    let fits = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    (1..=64).contains(&name.len()) && name.bytes().all(fits) && !name.starts_with('-')
}

impl SinkTarget {
    /// Its kind's word.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Webhook { .. } => "webhook",
            Self::Otel { .. } => "otel",
            Self::Syslog { .. } => "syslog",
            Self::File { .. } => "file",
        }
    }

    /// The form that records take if nobody asks for another.
    pub(crate) const fn usual_form(&self) -> SinkForm {
        match self {
            Self::Webhook { .. } | Self::File { .. } => SinkForm::Jsonl,
            Self::Otel { .. } => SinkForm::Otel,
            Self::Syslog { .. } => SinkForm::Syslog,
        }
    }

    /// Whether it takes records in `form`.
    pub(crate) const fn takes(&self, form: SinkForm) -> bool {
        match self {
            Self::Webhook { .. } | Self::File { .. } => {
                matches!(form, SinkForm::Jsonl | SinkForm::Ocsf)
            }
            Self::Otel { .. } => matches!(form, SinkForm::Otel),
            Self::Syslog { .. } => !matches!(form, SinkForm::Otel),
        }
    }

    /// Whether headers can be sent along.
    pub(crate) const fn takes_headers(&self) -> bool {
        matches!(self, Self::Webhook { .. } | Self::Otel { .. })
    }

    /// Takes out what stands behind the path of its URL, which may be a secret; none if nothing does.
    pub(crate) fn take_query(&mut self) -> Option<String> {
        let (Self::Webhook { url, .. } | Self::Otel { url, .. }) = self else {
            return None;
        };
        let (path, query) = url.split_once('?')?;
        let (path, query) = (path.to_owned(), query.to_owned());
        *url = path;
        Some(query)
    }

    /// The same with this behind the path of its URL.
    #[must_use]
    pub(crate) fn with_query(mut self, query: &str) -> Self {
        if let Self::Webhook { url, .. } | Self::Otel { url, .. } = &mut self {
            url.push('?');
            url.push_str(query);
        }
        self
    }

    /// Whether its deliveries are signed.
    pub(crate) const fn is_signed(&self) -> bool {
        matches!(self, Self::Webhook { .. })
    }

    /// What is wrong with it; nothing if it is sound. Nobody is asked.
    pub(crate) fn unsound(&self, plane: &ControlPlane) -> Option<String> {
        let said = |error: sealgate_host::OutboundError| error.to_string();
        match self {
            Self::Webhook { url, authority } | Self::Otel { url, authority } => {
                let address = plane.outbound.check(url).err().map(said);
                address.or_else(|| unsound_authority(authority.as_deref()))
            }
            Self::Syslog {
                host,
                port,
                transport,
                authority,
                ..
            } => {
                if authority.is_some() && *transport != SinkTransport::Tls {
                    return Some("an authority is for TLS".to_owned());
                }
                let address = plane.outbound.check_host(host, *port).err().map(said);
                address.or_else(|| unsound_authority(authority.as_deref()))
            }
            Self::File { directory } => {
                let path = Path::new(directory);
                let plain = path.is_absolute()
                    && directory.len() <= 1024
                    && !directory.contains(char::is_control)
                    && !path.components().any(|part| part.as_os_str() == "..");
                if !plain {
                    return Some("the directory is a path from the root without `..`".to_owned());
                }
                (!path.is_dir()).then(|| "there is no such directory".to_owned())
            }
        }
    }
}

fn unsound_authority(pem: Option<&str>) -> Option<String> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;
    let pem = pem?;
    if pem.len() > AUTHORITY {
        return Some("the authority is longer than 64 KiB".to_owned());
    }
    let mut count = 0;
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        if certificate.is_err() {
            return Some("the authority is not PEM".to_owned());
        }
        count += 1;
    }
    (count == 0).then(|| "the authority holds no certificate in PEM".to_owned())
}
