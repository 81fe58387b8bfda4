//! Every setting: its name, variable, bounds, default and one line about it. The reference page is made
//! of this, and so is what is said about a value that is wrong.

use std::fmt::Write as _;
use std::time::Duration;

use toml::Value;

use super::span::Span;

/// What a setting's value is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// Text of a form that its type checks; here is how the form is told.
    Text(&'static str),
    /// A file or directory. In a settings file, a relative one is relative to that file.
    Path,
    /// `true` or `false`.
    Switch,
    /// A duration within bounds, in seconds.
    Span(u64, u64),
    /// A whole number within bounds.
    Number(i64, i64),
    /// A share, 0 to 1.
    Share,
    /// Texts of a form that their type checks.
    List(&'static str),
}

/// One setting.
#[derive(Debug)]
pub(crate) struct Setting {
    /// Its name: section and key.
    pub(crate) key: &'static str,
    /// The environment variable.
    pub(crate) env: &'static str,
    /// What its value is.
    pub(crate) kind: Kind,
    /// The value it has when nobody sets it; empty for none.
    pub(crate) default: &'static str,
    /// One line about it.
    pub(crate) doc: &'static str,
}

const fn setting(
    key: &'static str,
    env: &'static str,
    kind: Kind,
    default: &'static str,
    doc: &'static str,
) -> Setting {
    Setting {
        key,
        env,
        kind,
        default,
        doc,
    }
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// All of them, in the order in which they are told.
#[rustfmt::skip]
pub(crate) const SETTINGS: [Setting; 47] = [
    setting("data_dir", "SEALGATE_DATA_DIR", Kind::Path, "sealgate-data",
        "where everything is kept; made on the first start. Not in a file that lies in the data directory"),
    setting("issuer", "SEALGATE_ISSUER", Kind::Text("an http(s) URL without query, fragment or slash at its end"), "",
        "the URL under which browsers and gates reach the server; by default the loopback address listened on"),
    setting("listen", "SEALGATE_LISTEN", Kind::Text("an address and port, such as 127.0.0.1:8420"), "127.0.0.1:8420",
        "the address and port to listen on; port 0 takes a free one"),
    setting("tls.cert", "SEALGATE_TLS_CERT", Kind::Path, "",
        "the certificate chain to serve https with, leaf first, in PEM"),
    setting("tls.key", "SEALGATE_TLS_KEY", Kind::Path, "",
        "the certificate's private key, in PEM"),
    setting("proxy.trusted", "SEALGATE_PROXY_TRUSTED", Kind::List("networks such as 10.0.0.5/32 or fd00::/64"), "",
        "the proxies that are believed when they tell where a request comes from: all through which requests arrive"),
    setting("proxy.header", "SEALGATE_PROXY_HEADER", Kind::Text("x-forwarded-for or forwarded"), "x-forwarded-for",
        "the one header that they tell it by; each must set it, or append to it"),
    setting("lifetimes.access", "SEALGATE_LIFETIMES_ACCESS", Kind::Span(MINUTE, HOUR), "5m",
        "access and ID tokens"),
    setting("lifetimes.code", "SEALGATE_LIFETIMES_CODE", Kind::Span(5, 10 * MINUTE), "60s",
        "an authorization code; FAPI 2.0 asks for at most 60s, OAuth 2.1 for at most 10m"),
    setting("lifetimes.grace", "SEALGATE_LIFETIMES_GRACE", Kind::Span(0, 5 * MINUTE), "20s",
        "how long a spent refresh token is answered again with the same successor"),
    setting("lifetimes.session", "SEALGATE_LIFETIMES_SESSION", Kind::Span(5 * MINUTE, DAY), "24h",
        "a session, whatever its activity; NIST SP 800-63B-4 allows at most 24h at AAL2"),
    setting("lifetimes.idle", "SEALGATE_LIFETIMES_IDLE", Kind::Span(5 * MINUTE, HOUR), "1h",
        "a session without renewal; NIST SP 800-63B-4 allows at most 1h at AAL2"),
    setting("lifetimes.sign_in", "SEALGATE_LIFETIMES_SIGN_IN", Kind::Span(5 * MINUTE, DAY), "24h",
        "a browser signed in at the control plane"),
    setting("lifetimes.invitation", "SEALGATE_LIFETIMES_INVITATION", Kind::Span(10 * MINUTE, 30 * DAY), "3d",
        "an invitation link"),
    setting("lifetimes.setup", "SEALGATE_LIFETIMES_SETUP", Kind::Span(10 * MINUTE, 7 * DAY), "24h",
        "the first administrator's set-up link"),
    setting("lifetimes.device", "SEALGATE_LIFETIMES_DEVICE", Kind::Span(MINUTE, 30 * MINUTE), "10m",
        "a device code"),
    setting("lifetimes.request_uri", "SEALGATE_LIFETIMES_REQUEST_URI", Kind::Span(5, 599), "60s",
        "a pushed authorization request; FAPI 2.0 asks for less than 600s"),
    setting("keys.rotate_every", "SEALGATE_KEYS_ROTATE_EVERY", Kind::Span(0, 400 * DAY), "90d",
        "how long a signing key signs before the next one takes over; 0s: only on command"),
    setting("keys.ml_dsa", "SEALGATE_KEYS_ML_DSA", Kind::Switch, "false",
        "whether clients may be registered for ML-DSA-65 (RFC 9964)"),
    setting("admin.http", "SEALGATE_ADMIN_HTTP", Kind::Switch, "false",
        "whether the administration API is served on the network too, under `/api/v1`, to those who have an access token for it"),
    setting("signals.inactivity", "SEALGATE_SIGNALS_INACTIVITY", Kind::Span(0, 30 * DAY), "0s",
        "after how long without a word of its receiver a new stream of security events is paused; 0s: never"),
    setting("audit.network", "SEALGATE_AUDIT_NETWORK", Kind::Text("full, prefix or none"), "full",
        "how much of callers' addresses records keep: all of it, 24 bits of IPv4 and 48 of IPv6, or nothing"),
    setting("audit.keep_allowed", "SEALGATE_AUDIT_KEEP_ALLOWED", Kind::Span(0, 3_650 * DAY), "0s",
        "how long records of what was allowed are kept; 0s: for ever"),
    setting("audit.keep_denied", "SEALGATE_AUDIT_KEEP_DENIED", Kind::Span(0, 3_650 * DAY), "0s",
        "how long records of what was denied are kept; 0s: for ever"),
    setting("decisions.keep_allowed", "SEALGATE_DECISIONS_KEEP_ALLOWED", Kind::Span(HOUR, 3_650 * DAY), "30d",
        "how long records of what gates allowed are kept"),
    setting("decisions.keep_denied", "SEALGATE_DECISIONS_KEEP_DENIED", Kind::Span(HOUR, 3_650 * DAY), "400d",
        "how long records of what gates denied are kept"),
    setting("decisions.allowed_mib", "SEALGATE_DECISIONS_ALLOWED_MIB", Kind::Number(1, 1_048_576), "1024",
        "how much of what gates allowed is kept, in MiB; the oldest goes first"),
    setting("decisions.denied_mib", "SEALGATE_DECISIONS_DENIED_MIB", Kind::Number(1, 1_048_576), "8192",
        "how much of what gates denied is kept, in MiB; the oldest goes first"),
    setting("agents.documents", "SEALGATE_AGENTS_DOCUMENTS", Kind::Text("off, listed or any"), "any",
        "whose client metadata documents are read, for resources that are open to agents: nobody's, those under `agents.domains`, or anybody's"),
    setting("agents.domains", "SEALGATE_AGENTS_DOMAINS", Kind::List("domains such as claude.ai"), "",
        "the domains that client metadata documents may come from, with those under them"),
    setting("agents.registration", "SEALGATE_AGENTS_REGISTRATION", Kind::Text("off, token or open"), "off",
        "who may register clients by themselves (RFC 7591), for resources that are open to agents: nobody, whoever has a registration token, or anybody"),
    setting("agents.lifetime", "SEALGATE_AGENTS_LIFETIME", Kind::Span(5 * MINUTE, 90 * DAY), "30d",
        "how long an AI agent may act for a user who allowed it, whatever its activity"),
    setting("agents.idle", "SEALGATE_AGENTS_IDLE", Kind::Span(5 * MINUTE, 30 * DAY), "7d",
        "how long an AI agent may rest before its user has to allow it again"),
    setting("anomalies.rules", "SEALGATE_ANOMALIES_RULES", Kind::List("changes such as denied_burst_actor.threshold=50, window=10m, suppress=1h or off=WHY"), "",
        "what is otherwise about the [rules of anomalies](anomalies.md)"),
    setting("outbound.allow", "SEALGATE_OUTBOUND_ALLOW", Kind::List("networks such as 10.1.2.0/24 or fd00::/8"), "",
        "special-use networks that URLs registered by clients may lead to all the same"),
    setting("outbound.authority_file", "SEALGATE_OUTBOUND_AUTHORITY_FILE", Kind::Path, "",
        "a PEM file with more certificate authorities to trust at URLs registered by clients"),
    setting("metrics.listen", "SEALGATE_METRICS_LISTEN", Kind::Text("an address and port, such as 127.0.0.1:9420"), "",
        "where `GET /metrics` is answered besides the administration socket, in plain http"),
    setting("telemetry.otlp_endpoint", "SEALGATE_TELEMETRY_OTLP_ENDPOINT", Kind::Text("an http(s) URL without user, query or fragment"), "",
        "where traces are sent by OTLP over HTTP, as in http://127.0.0.1:4318; `/v1/traces` is appended"),
    setting("telemetry.sample", "SEALGATE_TELEMETRY_SAMPLE", Kind::Share, "1.0",
        "which share of the requests is traced"),
    setting("telemetry.authority_file", "SEALGATE_TELEMETRY_AUTHORITY_FILE", Kind::Path, "",
        "a PEM file with one more certificate authority to trust at the OTLP endpoint"),
    setting("log.format", "SEALGATE_LOG_FORMAT", Kind::Text("human or json"), "human",
        "how the log on stderr looks"),
    setting("log.level", "SEALGATE_LOG_LEVEL", Kind::Text("error, warn, info or debug"), "info",
        "how much is logged"),
    setting("limits.connections", "SEALGATE_LIMITS_CONNECTIONS", Kind::Number(16, 1_000_000), "8192",
        "connections from the network at once; never more than three quarters of the process's descriptors"),
    setting("limits.feed_subscribers", "SEALGATE_LIMITS_FEED_SUBSCRIBERS", Kind::Number(64, 1_000_000), "4096",
        "streams of the revocation feed at once"),
    setting("limits.password_queue", "SEALGATE_LIMITS_PASSWORD_QUEUE", Kind::Number(1, 4096), "128",
        "passwords that wait to be checked; further ones are told to come back"),
    setting("limits.password_workers", "SEALGATE_LIMITS_PASSWORD_WORKERS", Kind::Number(0, 256), "0",
        "threads that check passwords; 0: one for every two processors"),
    setting("limits.drain", "SEALGATE_LIMITS_DRAIN", Kind::Span(0, 5 * MINUTE), "10s",
        "how long requests in flight get to finish after the signal to stop"),
];

impl Setting {
    /// The setting of that name.
    pub(crate) fn named(key: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| setting.key == key)
    }

    /// What a value must be, in words.
    pub(crate) fn expected(&self) -> String {
        match self.kind {
            Kind::Text(form) => form.to_owned(),
            Kind::Path => "a path".to_owned(),
            Kind::Switch => "true or false".to_owned(),
            Kind::Span(least, most) => format!(
                "a duration from {} to {}, such as \"{}\"",
                Span::seconds(least),
                Span::seconds(most),
                self.default
            ),
            Kind::Number(least, most) => format!("a whole number from {least} to {most}"),
            Kind::Share => "a number from 0 to 1".to_owned(),
            Kind::List(form) => format!("a list of {form}"),
        }
    }

    /// `text`, from a variable or an option, as a value; none if it cannot be one.
    pub(crate) fn read(&self, text: &str) -> Option<Value> {
        Some(match self.kind {
            Kind::Text(_) | Kind::Path | Kind::Span(..) => Value::String(text.to_owned()),
            Kind::Switch => Value::Boolean(text.parse().ok()?),
            Kind::Number(..) => Value::Integer(text.parse().ok()?),
            Kind::Share => Value::Float(text.parse().ok()?),
            Kind::List(_) => {
                let items = text
                    .split(',')
                    .map(str::trim)
                    .filter(|item| !item.is_empty());
                Value::Array(items.map(|item| Value::String(item.to_owned())).collect())
            }
        })
    }

    /// Whether `value` is within the bounds. Its form is for the type of the setting to check.
    pub(crate) fn admits(&self, value: &Value) -> bool {
        match self.kind {
            Kind::Span(least, most) => {
                let span = value.as_str().and_then(|text| text.parse::<Span>().ok());
                let bounds = Duration::from_secs(least)..=Duration::from_secs(most);
                span.is_some_and(|span| bounds.contains(&span.0))
            }
            Kind::Number(least, most) => value
                .as_integer()
                .is_some_and(|number| (least..=most).contains(&number)),
            Kind::Share => {
                #[expect(clippy::cast_precision_loss, reason = "0 and 1 are exact")]
                let number = value
                    .as_float()
                    .or_else(|| value.as_integer().map(|whole| whole as f64));
                number.is_some_and(|number| (0.0..=1.0).contains(&number))
            }
            Kind::Path | Kind::Text(_) => value.as_str().is_some_and(|text| !text.is_empty()),
            Kind::Switch | Kind::List(_) => true,
        }
    }
}

/// The table of docs/reference/settings.md.
pub(crate) fn reference() -> String {
    let mut page =
        "| setting | variable | default | what |\n| --- | --- | --- | --- |\n".to_owned();
    for setting in &SETTINGS {
        let default = match (setting.default, setting.kind) {
            ("", Kind::List(_)) => "empty".to_owned(),
            ("", _) => "none".to_owned(),
            (default, _) => format!("`{default}`"),
        };
        let bounds = match setting.kind {
            Kind::Span(least, most) => {
                format!("{} to {}: ", Span::seconds(least), Span::seconds(most))
            }
            Kind::Number(least, most) => format!("{least} to {most}: "),
            Kind::Share => "0 to 1: ".to_owned(),
            Kind::Switch => "`true` or `false`: ".to_owned(),
            Kind::List(form) => format!("a list of {form}: "),
            Kind::Text(_) | Kind::Path => String::new(),
        };
        let Setting { key, env, doc, .. } = setting;
        // Writing to a String cannot fail.
        let _ = writeln!(page, "| `{key}` | `{env}` | {default} | {bounds}{doc} |");
    }
    page
}
