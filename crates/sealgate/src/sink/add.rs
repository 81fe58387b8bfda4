//! `sealgate sink add`: each kind of sink with what it takes.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use sealgate_server::admin::{
    NewSink, SinkForm, SinkFraming, SinkFrom, SinkHeader, SinkStream, SinkTarget, SinkTransport,
};

use crate::failure::Failure;
use crate::place::Place;
use crate::settings::Span;

#[allow(clippy::doc_markdown, reason = "help is printed as it stands")]
#[derive(Debug, Subcommand)]
pub(crate) enum What {
    /// Signed deliveries by Standard Webhooks
    Webhook {
        #[command(flatten)]
        common: Common,
        /// Where to post
        url: String,
        /// The form of the records
        #[arg(long, value_enum, default_value = "jsonl")]
        format: Document,
        #[command(flatten)]
        http: Http,
    },
    /// OpenTelemetry logs to a collector, by OTLP over HTTP
    Otel {
        #[command(flatten)]
        common: Common,
        /// Where to post: the whole URL, such as https://collector.example:4318/v1/logs
        url: String,
        #[command(flatten)]
        http: Http,
    },
    /// Syslog messages (RFC 5424)
    Syslog {
        #[command(flatten)]
        common: Common,
        /// The receiver and its port, such as logs.example:6514 or [2001:db8::1]:6514
        #[arg(value_name = "HOST:PORT")]
        receiver: String,
        /// How they travel; everybody on the way can read what is not TLS
        #[arg(long, value_enum, default_value = "tls")]
        transport: Transport,
        /// How they are told apart on a connection
        #[arg(long, value_enum, default_value = "octet-counting")]
        framing: Framing,
        /// What stands in the message
        #[arg(long, value_enum, default_value = "syslog")]
        format: Message,
        /// Your private enterprise number, for the name of the structured data
        #[arg(long, value_name = "NUMBER", default_value_t = 32_473)]
        enterprise_number: u32,
        /// A file of certificates in PEM: trust those alone
        #[arg(long, value_name = "FILE")]
        ca: Option<PathBuf>,
    },
    /// A file of JSON Lines on the control plane's machine
    File {
        #[command(flatten)]
        common: Common,
        /// The directory that it is in; the file has the sink's name
        directory: PathBuf,
        /// The form of the records
        #[arg(long, value_enum, default_value = "jsonl")]
        format: Document,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Common {
    /// The name to call it by: a-z 0-9 and -
    name: String,
    /// A stream to send: repeat for more [default: acts and anomalies]
    #[arg(long = "stream", value_name = "STREAM", value_enum)]
    streams: Vec<Stream>,
    /// Begin with the first record that is still there, and not with what happens from now on
    #[arg(long)]
    from_beginning: bool,
    /// Pause it when it has failed for so long, such as 7d [default: never]
    #[arg(long, value_name = "TIME", value_parser = span)]
    pause_after: Option<Span>,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
pub(crate) struct Http {
    /// A file of headers to send along, one `Name: value` on each line
    #[arg(long, value_name = "FILE")]
    header_file: Option<PathBuf>,
    /// A file of certificates in PEM: trust those alone
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Stream {
    /// What the control plane did or refused
    Acts,
    /// What the control plane did
    ActsAllowed,
    /// What the control plane refused
    ActsDenied,
    /// What should worry somebody
    Anomalies,
    /// What gates let in
    Allowed,
    /// What gates refused
    Denied,
}

impl Stream {
    pub(crate) const fn word(self) -> SinkStream {
        match self {
            Self::Acts => SinkStream::Acts,
            Self::ActsAllowed => SinkStream::ActsAllowed,
            Self::ActsDenied => SinkStream::ActsDenied,
            Self::Anomalies => SinkStream::Anomalies,
            Self::Allowed => SinkStream::Allowed,
            Self::Denied => SinkStream::Denied,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Document {
    /// Our own documents
    Jsonl,
    /// Events of OCSF 1.7.0
    Ocsf,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Message {
    /// A sentence
    Syslog,
    /// Our own documents
    Jsonl,
    /// Events of OCSF 1.7.0
    Ocsf,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Transport {
    Tls,
    Tcp,
    Udp,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Framing {
    OctetCounting,
    Newline,
}

impl What {
    /// What is asked for, and of whom.
    pub(super) fn read(self) -> Result<(NewSink, Place), Failure> {
        match self {
            Self::Webhook {
                common,
                url,
                format,
                http,
            } => {
                let authority = http.ca.as_deref().map(text).transpose()?;
                let headers = http.headers()?;
                let target = SinkTarget::Webhook { url, authority };
                Ok(common.sink(target, format.form(), headers))
            }
            Self::Otel { common, url, http } => {
                let authority = http.ca.as_deref().map(text).transpose()?;
                let headers = http.headers()?;
                let target = SinkTarget::Otel { url, authority };
                Ok(common.sink(target, SinkForm::Otel, headers))
            }
            Self::Syslog {
                common,
                receiver,
                transport,
                framing,
                format,
                enterprise_number,
                ca,
            } => {
                let (host, port) = receiver_of(&receiver)?;
                let target = SinkTarget::Syslog {
                    host,
                    port,
                    transport: match transport {
                        Transport::Tls => SinkTransport::Tls,
                        Transport::Tcp => SinkTransport::Tcp,
                        Transport::Udp => SinkTransport::Udp,
                    },
                    framing: match framing {
                        Framing::OctetCounting => SinkFraming::OctetCounting,
                        Framing::Newline => SinkFraming::Newline,
                    },
                    enterprise: enterprise_number,
                    authority: ca.as_deref().map(text).transpose()?,
                };
                let form = match format {
                    Message::Syslog => SinkForm::Syslog,
                    Message::Jsonl => SinkForm::Jsonl,
                    Message::Ocsf => SinkForm::Ocsf,
                };
                Ok(common.sink(target, form, Vec::new()))
            }
            Self::File {
                common,
                directory,
                format,
            } => {
                let directory = std::path::absolute(&directory).map_err(|error| {
                    let said = format!("{}: {error}", directory.display());
                    Failure::usage("sink_malformed", said)
                })?;
                let Some(directory) = directory.to_str() else {
                    let said = "the directory's name is not UTF-8";
                    return Err(Failure::usage("sink_malformed", said));
                };
                let target = SinkTarget::File {
                    directory: directory.to_owned(),
                };
                Ok(common.sink(target, format.form(), Vec::new()))
            }
        }
    }
}

impl Document {
    const fn form(self) -> SinkForm {
        match self {
            Self::Jsonl => SinkForm::Jsonl,
            Self::Ocsf => SinkForm::Ocsf,
        }
    }
}

impl Common {
    fn sink(
        self,
        target: SinkTarget,
        form: SinkForm,
        headers: Vec<SinkHeader>,
    ) -> (NewSink, Place) {
        let streams: Vec<SinkStream> = self.streams.iter().map(|one| one.word()).collect();
        let new = NewSink {
            name: self.name,
            target,
            form: Some(form),
            streams: Some(streams).filter(|streams| !streams.is_empty()),
            headers,
            from: if self.from_beginning {
                SinkFrom::Beginning
            } else {
                SinkFrom::Now
            },
            pause_after: self
                .pause_after
                .map(|span| u32::try_from(span.0.as_secs()).unwrap_or(u32::MAX)),
        };
        (new, self.place)
    }
}

impl Http {
    /// From a file and not from arguments, which everybody on the machine can read.
    fn headers(&self) -> Result<Vec<SinkHeader>, Failure> {
        let Some(file) = &self.header_file else {
            return Ok(Vec::new());
        };
        let text = text(file)?;
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        let header = |(at, line): (usize, &str)| {
            let (name, value) = line.split_once(':').ok_or_else(|| {
                // The line may be a secret.
                let said = format!("{}: header {} has no colon", file.display(), at + 1);
                Failure::usage("header_malformed", said)
            })?;
            Ok(SinkHeader {
                name: name.trim().to_owned(),
                value: value.trim().to_owned(),
            })
        };
        lines.enumerate().map(header).collect()
    }
}

pub(super) fn span(text: &str) -> Result<Span, String> {
    text.parse()
        .map_err(|error: crate::settings::NoSpan| format!("{error}: give one like 7d or 12h"))
}

fn receiver_of(text: &str) -> Result<(String, u16), Failure> {
    let wrong = || {
        Failure::usage(
            "receiver_malformed",
            "a receiver is a host and a port, such as logs.example:6514",
        )
    };
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    let port = port.parse().map_err(|_| wrong())?;
    let inner = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let host = match inner {
        Some(literal) => literal,
        None if host.contains(':') || host.is_empty() => return Err(wrong()),
        None => host,
    };
    Ok((host.to_owned(), port))
}

fn text(file: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(file).map_err(|error| {
        let said = format!("{}: {error}", file.display());
        Failure::usage("file_unreadable", said)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_is_a_host_and_a_port() {
        let read = |text: &str| receiver_of(text).ok();
        assert_eq!(
            read("logs.example:6514"),
            Some(("logs.example".to_owned(), 6514))
        );
        assert_eq!(
            read("[2001:db8::1]:514"),
            Some(("2001:db8::1".to_owned(), 514))
        );
        for wrong in [
            "logs.example",
            "logs.example:",
            ":514",
            "2001:db8::1:514",
            "a:70000",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
