//! The gate's settings, and what is wrong with them.

use std::time::Duration;

use sealgate_model::{ClientId, Issuer, Secret};
use sealgate_session::KeyRing;
use thiserror::Error;
use url::{Host, Url};

/// A setting that is missing or cannot be used. The message names the setting and the way out, and
/// never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{name} {problem}")]
pub struct SettingsError {
    name: &'static str,
    problem: String,
}

impl SettingsError {
    pub(crate) fn new(name: &'static str, problem: impl Into<String>) -> Self {
        Self {
            name,
            problem: problem.into(),
        }
    }

    /// The stable reason code.
    pub const fn code(&self) -> &'static str {
        "setting_bad"
    }

    /// The environment variable that it is about.
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

/// What a route gets that nobody marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unmarked {
    /// Any signed-in user passes, nobody else.
    User,
    /// Nobody passes.
    Deny,
}

/// What becomes of logout tokens that do not state the type of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UntypedLogout {
    /// They are refused.
    Refuse,
    /// They are taken: the issuer is one that states none, or `JWT`.
    Accept,
}

/// Everything the gate needs to know, checked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The control plane (or another OpenID provider).
    pub issuer: Issuer,
    /// This application's `client_id`.
    pub client_id: ClientId,
    /// This application's secret.
    pub client_secret: Secret,
    /// The application's public URL, without trailing slash: where browsers see it.
    pub base_url: Issuer,
    /// The keys that seal sessions, newest first.
    pub seal_keys: KeyRing,
    /// The scopes asked for at sign-in.
    pub scopes: Vec<String>,
    /// The longest time the last verified word of the feed may be trusted (B).
    pub staleness_bound: Duration,
    /// A session's longest life.
    pub session_lifetime: Duration,
    /// A session's longest rest.
    pub idle_limit: Duration,
    /// What unmarked routes get.
    pub unmarked: Unmarked,
    /// What logout tokens without their type get.
    pub untyped_logout: UntypedLogout,
    /// A file of one more certificate authority to trust for the issuer, in PEM.
    pub authority_file: Option<String>,
    /// The path under the application where a browser lands after logout.
    pub after_logout: String,
}

impl Settings {
    /// Reads settings by their environment names, `SEALGATE_ISSUER` and so on; `lookup` gives the value
    /// of one, or nothing.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let optional = |name: &str| {
            lookup(name)
                .map(|v| v.trim().to_owned())
                .filter(|value| !value.is_empty())
        };
        let required = |name: &'static str, hint: &str| {
            optional(name).ok_or_else(|| SettingsError::new(name, format!("is not set: {hint}")))
        };
        let issuer = url_setting(
            "SEALGATE_ISSUER",
            &required("SEALGATE_ISSUER", "the control plane's URL")?,
        )?;
        let base_url = url_setting(
            "SEALGATE_BASE_URL",
            &required(
                "SEALGATE_BASE_URL",
                "the URL at which browsers see this application",
            )?,
        )?;
        let client_id = required("SEALGATE_CLIENT_ID", "`sealgate client add` prints it")?
            .parse()
            .map_err(|error| SettingsError::new("SEALGATE_CLIENT_ID", format!("is {error}")))?;
        let client_secret = Secret::new(required(
            "SEALGATE_CLIENT_SECRET",
            "`sealgate client add` prints it once",
        )?);
        let seal_keys = KeyRing::parse(&required(
            "SEALGATE_SEAL_KEYS",
            "`sealgate seal-key generate` makes one",
        )?)
        .map_err(|error| {
            SettingsError::new(
                "SEALGATE_SEAL_KEYS",
                format!("cannot be used: {error}; `sealgate seal-key generate` makes a good one"),
            )
        })?;
        let scopes: Vec<String> = optional("SEALGATE_SCOPES")
            .unwrap_or_else(|| "openid profile email".to_owned())
            .split_ascii_whitespace()
            .map(str::to_owned)
            .collect();
        if !scopes.iter().all(|scope| is_scope(scope)) {
            return Err(SettingsError::new(
                "SEALGATE_SCOPES",
                "holds what is no scope: separate them by spaces",
            ));
        }
        if !scopes.iter().any(|scope| scope == "openid") {
            return Err(SettingsError::new(
                "SEALGATE_SCOPES",
                "must hold `openid`, which makes it a sign-in",
            ));
        }
        let unmarked = match optional("SEALGATE_UNMARKED").as_deref() {
            None | Some("user") => Unmarked::User,
            Some("deny") => Unmarked::Deny,
            Some(_) => {
                return Err(SettingsError::new(
                    "SEALGATE_UNMARKED",
                    "is neither `user` nor `deny`",
                ));
            }
        };
        let untyped_logout = match optional("SEALGATE_UNTYPED_LOGOUT").as_deref() {
            None | Some("refuse") => UntypedLogout::Refuse,
            Some("accept") => UntypedLogout::Accept,
            Some(_) => {
                return Err(SettingsError::new(
                    "SEALGATE_UNTYPED_LOGOUT",
                    "is neither `refuse` nor `accept`",
                ));
            }
        };
        let after_logout = optional("SEALGATE_AFTER_LOGOUT").unwrap_or_else(|| "/".to_owned());
        if crate::return_path::check(&after_logout).is_none() {
            return Err(SettingsError::new(
                "SEALGATE_AFTER_LOGOUT",
                "is not a path of this application",
            ));
        }
        let seconds = |name: &'static str, default: u64, most: u64| {
            seconds_setting(name, optional(name).as_deref(), default, most)
        };
        Ok(Self {
            staleness_bound: seconds("SEALGATE_STALENESS_BOUND", 10, 300)?,
            session_lifetime: seconds("SEALGATE_SESSION_LIFETIME", 86_400, 30 * 86_400)?,
            idle_limit: seconds("SEALGATE_IDLE_LIMIT", 3_600, 30 * 86_400)?,
            authority_file: optional("SEALGATE_AUTHORITY_FILE"),
            issuer,
            client_id,
            client_secret,
            base_url,
            seal_keys,
            scopes,
            unmarked,
            untyped_logout,
            after_logout,
        })
    }

    /// The name of the cookie that holds the sealed session.
    pub fn cookie_name(&self) -> &'static str {
        crate::cookies::session_name(self.base_url.is_https())
    }

    /// The path part of the application's URL: empty, or `/…` without trailing slash.
    pub(crate) fn base_path(&self) -> &str {
        &self.base_url.as_str()[self.base_url.origin().len()..]
    }
}

/// Plain http is for loopback development only: elsewhere cookies and codes would travel in clear.
fn url_setting(name: &'static str, text: &str) -> Result<Issuer, SettingsError> {
    let wrong = |problem: &str| SettingsError::new(name, problem);
    let parsed = Url::parse(text).map_err(|_| {
        wrong("is not a URL: write it like https://app.example or http://localhost:8000")
    })?;
    if !matches!(parsed.scheme(), "https" | "http") {
        return Err(wrong(
            "is not an http(s) URL: write it like https://app.example",
        ));
    }
    // Browsers and issuers are compared with byte by byte, in the one spelling that they use.
    let spelled = parsed.as_str().trim_end_matches('/');
    if text != spelled || text.contains(['?', '#', '@']) || parsed.path().contains("//") {
        let hint = format!(
            "is not spelled as browsers spell it: write {spelled:?}, without a trailing slash"
        );
        return Err(SettingsError::new(name, hint));
    }
    let loopback = match parsed.host() {
        Some(Host::Domain(domain)) => domain == "localhost" || domain.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if parsed.scheme() == "https" || loopback {
        text.parse()
            .map_err(|error| SettingsError::new(name, format!("cannot be used: {error}")))
    } else {
        Err(wrong(
            "must be https: plain http is for loopback addresses only",
        ))
    }
}

/// A scope is printable ASCII without quotes and backslashes (RFC 6749, 3.3).
fn is_scope(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
}

fn seconds_setting(
    name: &'static str,
    value: Option<&str>,
    default: u64,
    most: u64,
) -> Result<Duration, SettingsError> {
    let seconds = match value {
        None => default,
        Some(text) => text
            .parse()
            .ok()
            .filter(|seconds| (1..=most).contains(seconds))
            .ok_or_else(|| {
                SettingsError::new(name, format!("is not a number of seconds from 1 to {most}"))
            })?,
    };
    Ok(Duration::from_secs(seconds))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    const KEY: &str = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA";

    fn with(change: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let good = [
            ("SEALGATE_ISSUER", "https://id.example"),
            ("SEALGATE_BASE_URL", "https://app.example"),
            ("SEALGATE_CLIENT_ID", "expenses"),
            ("SEALGATE_CLIENT_SECRET", "s3cret-s3cret"),
            ("SEALGATE_SEAL_KEYS", KEY),
        ];
        Settings::from_lookup(|name| {
            let find = |list: &[(&str, &str)]| {
                list.iter()
                    .find(|(n, _)| *n == name)
                    .map(|(_, v)| (*v).to_owned())
            };
            find(change).or_else(|| find(&good))
        })
    }

    pub(crate) fn good(change: &[(&str, &str)]) -> Settings {
        with(change).unwrap()
    }

    #[test]
    fn defaults_are_the_documented_ones() {
        let settings = good(&[]);
        assert_eq!(settings.scopes, ["openid", "profile", "email"]);
        assert_eq!(settings.staleness_bound, Duration::from_secs(10));
        assert_eq!(settings.unmarked, Unmarked::User);
        assert!(!format!("{settings:?}").contains("s3cret"));
        assert!(!format!("{settings:?}").contains(KEY));
    }

    #[test]
    fn every_mistake_names_its_setting_and_the_way_out() {
        let cases = [
            ("SEALGATE_ISSUER", "", "is not set"),
            ("SEALGATE_ISSUER", "http://id.example", "https"),
            ("SEALGATE_ISSUER", "https://id.example/", "trailing slash"),
            (
                "SEALGATE_ISSUER",
                "https://ID.example",
                "https://id.example",
            ),
            (
                "SEALGATE_BASE_URL",
                "https://app.example:443",
                "https://app.example",
            ),
            (
                "SEALGATE_BASE_URL",
                "http://127.1:8000",
                "http://127.0.0.1:8000",
            ),
            ("SEALGATE_BASE_URL", "https://app.example//x", "spelled"),
            ("SEALGATE_BASE_URL", "https://app.example/x?y", "spelled"),
            ("SEALGATE_BASE_URL", "https://u@app.example", "spelled"),
            ("SEALGATE_BASE_URL", "javascript:alert(1)", "http(s)"),
            ("SEALGATE_SCOPES", "openid a\"b", "no scope"),
            ("SEALGATE_BASE_URL", "app.example", "not a URL"),
            ("SEALGATE_SEAL_KEYS", "short", "seal-key generate"),
            ("SEALGATE_SCOPES", "profile", "openid"),
            ("SEALGATE_UNMARKED", "open", "neither"),
            ("SEALGATE_UNTYPED_LOGOUT", "yes", "neither"),
            ("SEALGATE_STALENESS_BOUND", "0", "seconds"),
            ("SEALGATE_STALENESS_BOUND", "301", "seconds"),
            ("SEALGATE_AFTER_LOGOUT", "https://evil.example", "path"),
        ];
        for (name, value, says) in cases {
            let error = with(&[(name, value)]).unwrap_err();
            assert_eq!(error.name(), name);
            assert!(error.to_string().contains(says), "{name}={value}: {error}");
        }
    }

    #[test]
    fn plain_http_is_for_loopback() {
        for base in [
            "http://localhost:8000",
            "http://127.0.0.1:8000",
            "http://[::1]:8000",
            "http://app.localhost",
        ] {
            assert!(with(&[("SEALGATE_BASE_URL", base)]).is_ok(), "{base}");
        }
        assert!(with(&[("SEALGATE_BASE_URL", "http://localhost.evil.example")]).is_err());
    }
}
