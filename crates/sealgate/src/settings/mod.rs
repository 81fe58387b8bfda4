//! The settings of the control plane as one typed tree, from `sealgate.toml`, the environment and the
//! options of the command, each over the one before.
//!
//! [`table`] tells of every setting once; [`sources`] reads them, [`show`] prints them.

mod agents;
mod anomalies;
mod audit;
mod decisions;
pub(crate) mod show;
mod sources;
mod span;
pub(crate) mod table;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use sealgate_host::{ForwardingHeader, TrustedProxies};
use sealgate_model::Issuer;
use sealgate_server::{
    Config, Lifetimes as ServerLifetimes, Limits as ServerLimits, Listen, Policy, Tls as ServerTls,
};
use serde::{Deserialize, Serialize};
use url::Url;

pub(crate) use sources::{Loaded, Origin, Sources};
pub(crate) use span::{NoSpan, Span};

use crate::log::{Format, Level};

/// Where the data is unless told otherwise: beside what the operator works on, in plain sight.
pub(crate) const DATA_DIR: &str = "sealgate-data";

/// Everything that can be set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) data_dir: PathBuf,
    pub(crate) issuer: Option<Issuer>,
    pub(crate) listen: SocketAddr,
    pub(crate) tls: Tls,
    pub(crate) proxy: Proxy,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) keys: Keys,
    pub(crate) admin: Admin,
    pub(crate) signals: Signals,
    pub(crate) audit: audit::Records,
    pub(crate) decisions: decisions::Kept,
    pub(crate) agents: agents::Agents,
    pub(crate) anomalies: anomalies::Anomalies,
    pub(crate) outbound: Outbound,
    pub(crate) metrics: Metrics,
    pub(crate) telemetry: Telemetry,
    pub(crate) log: Log,
    pub(crate) limits: Limits,
}

/// The certificate the server answers https with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Tls {
    pub(crate) cert: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
}

/// The proxies in front, as far as they are believed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Proxy {
    pub(crate) trusted: Vec<IpNet>,
    pub(crate) header: ProxyHeader,
}

/// The header by which they tell of callers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ProxyHeader {
    #[default]
    XForwardedFor,
    Forwarded,
}

/// How long things last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Lifetimes {
    pub(crate) access: Span,
    pub(crate) code: Span,
    pub(crate) grace: Span,
    pub(crate) session: Span,
    pub(crate) idle: Span,
    pub(crate) sign_in: Span,
    pub(crate) invitation: Span,
    pub(crate) setup: Span,
    pub(crate) device: Span,
    pub(crate) request_uri: Span,
}

/// The signing keys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Keys {
    /// Zero: only on command.
    pub(crate) rotate_every: Span,
    pub(crate) ml_dsa: bool,
}

/// The administration API.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Admin {
    pub(crate) http: bool,
}

/// Security events to other systems.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Signals {
    /// Zero: never.
    pub(crate) inactivity: Span,
}

impl Default for Signals {
    fn default() -> Self {
        let built_in = Policy::default().signal_inactivity;
        Self {
            inactivity: Span(built_in.unwrap_or_default()),
        }
    }
}

/// Requests to URLs that clients registered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Outbound {
    pub(crate) allow: Vec<IpNet>,
    pub(crate) authority_file: Option<PathBuf>,
}

/// The metrics' own listener.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Metrics {
    pub(crate) listen: Option<SocketAddr>,
}

/// Where traces go.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Telemetry {
    pub(crate) otlp_endpoint: Option<Endpoint>,
    pub(crate) sample: f64,
    pub(crate) authority_file: Option<PathBuf>,
}

/// The log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Log {
    pub(crate) format: Format,
    pub(crate) level: Level,
}

/// How much there may be of something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Limits {
    pub(crate) connections: usize,
    pub(crate) feed_subscribers: usize,
    pub(crate) password_queue: usize,
    /// Zero: one for every two processors.
    pub(crate) password_workers: usize,
    pub(crate) drain: Span,
}

/// The base URL of an OTLP receiver. It holds no credentials: settings are shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Endpoint(String);

impl Endpoint {
    /// Where traces are posted (OTLP specification, "Default URL paths").
    pub(crate) fn traces(&self) -> String {
        format!("{}/v1/traces", self.0)
    }
}

impl TryFrom<String> for Endpoint {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        let wrong = "not the URL of a receiver";
        let url = Url::parse(&text).map_err(|_| wrong)?;
        let plain = matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        if plain {
            Ok(Self(text.trim_end_matches('/').to_owned()))
        } else {
            Err(wrong)
        }
    }
}

impl From<Endpoint> for String {
    fn from(endpoint: Endpoint) -> Self {
        endpoint.0
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data_dir: DATA_DIR.into(),
            issuer: None,
            listen: ([127, 0, 0, 1], 8420).into(),
            tls: Tls::default(),
            proxy: Proxy::default(),
            lifetimes: Lifetimes::default(),
            keys: Keys::default(),
            admin: Admin::default(),
            signals: Signals::default(),
            audit: audit::Records::default(),
            decisions: decisions::Kept::default(),
            agents: agents::Agents::default(),
            anomalies: anomalies::Anomalies::default(),
            outbound: Outbound::default(),
            metrics: Metrics::default(),
            telemetry: Telemetry::default(),
            log: Log::default(),
            limits: Limits::default(),
        }
    }
}

impl Default for Lifetimes {
    fn default() -> Self {
        let built_in = ServerLifetimes::default();
        Self {
            access: Span(built_in.access),
            code: Span(built_in.code),
            grace: Span(built_in.grace),
            session: Span(built_in.session),
            idle: Span(built_in.idle),
            sign_in: Span(built_in.sign_in),
            invitation: Span(built_in.invitation),
            setup: Span(built_in.setup),
            device: Span(built_in.device),
            request_uri: Span(built_in.request_uri),
        }
    }
}

impl Default for Keys {
    fn default() -> Self {
        let built_in = Policy::default();
        Self {
            rotate_every: Span(built_in.rotate_every.unwrap_or_default()),
            ml_dsa: built_in.ml_dsa,
        }
    }
}

impl Default for Telemetry {
    fn default() -> Self {
        Self {
            otlp_endpoint: None,
            sample: 1.0,
            authority_file: None,
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self {
            format: Format::Human,
            level: Level::Info,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        let built_in = ServerLimits::default();
        Self {
            connections: built_in.connections,
            feed_subscribers: built_in.feed_subscribers,
            password_queue: built_in.password_queue,
            password_workers: built_in.password_workers.unwrap_or(0),
            drain: Span(built_in.drain),
        }
    }
}

impl Settings {
    /// What the control plane is opened with.
    pub(crate) fn config(&self) -> Config {
        let Lifetimes {
            access,
            code,
            grace,
            session,
            idle,
            sign_in,
            invitation,
            setup,
            device,
            request_uri,
        } = self.lifetimes;
        Config {
            data_dir: self.data_dir.clone(),
            issuer: self.issuer.clone(),
            lifetimes: ServerLifetimes {
                access: access.0,
                code: code.0,
                grace: grace.0,
                session: session.0,
                idle: idle.0,
                sign_in: sign_in.0,
                invitation: invitation.0,
                setup: setup.0,
                device: device.0,
                request_uri: request_uri.0,
            },
            policy: Policy {
                rotate_every: Some(self.keys.rotate_every.0)
                    .filter(|every| *every > Duration::ZERO),
                ml_dsa: self.keys.ml_dsa,
                admin_http: self.admin.http,
                proxies: self.proxies(),
                signal_inactivity: Some(self.signals.inactivity.0)
                    .filter(|span| *span > Duration::ZERO),
                audit: self.audit.policy(),
                decisions: self.decisions.retention(),
                agents: self.agents.policy(),
                anomalies: self.anomalies.changes(),
                limits: ServerLimits {
                    connections: self.limits.connections,
                    feed_subscribers: self.limits.feed_subscribers,
                    password_queue: self.limits.password_queue,
                    password_workers: Some(self.limits.password_workers)
                        .filter(|workers| *workers > 0),
                    drain: self.limits.drain.0,
                },
            },
        }
    }

    fn proxies(&self) -> TrustedProxies {
        let header = match self.proxy.header {
            ProxyHeader::XForwardedFor => ForwardingHeader::XForwardedFor,
            ProxyHeader::Forwarded => ForwardingHeader::Forwarded,
        };
        TrustedProxies::new(self.proxy.trusted.clone(), header)
    }

    /// Where it listens.
    pub(crate) fn listeners(&self) -> Listen {
        let tls = self.tls.cert.clone().zip(self.tls.key.clone());
        Listen {
            address: self.listen,
            tls: tls.map(|(cert, key)| ServerTls { cert, key }),
            metrics: self.metrics.listen,
        }
    }
}
