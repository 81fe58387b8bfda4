//! The gate's settings, and what is wrong with them.

use std::time::Duration;

use sealgate_model::{ClientId, Issuer, Secret};
use sealgate_session::KeyRing;

mod checks;
mod error;

pub use error::SettingsError;

use checks::{
    choice, is_development, is_scope, origins_setting, resources_setting, seconds_setting,
    url_setting,
};

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

/// Who sees the documentation pages that FastAPI makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Docs {
    /// Everybody.
    Open,
    /// Whoever passes an unmarked route.
    Closed,
}

/// What strangers are told of paths that lead nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownPaths {
    /// That they lead nowhere: 404, or 405.
    Show,
    /// Nothing: they are asked to sign in, as everywhere.
    Hide,
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
    /// What an access token must be made for: one of these resources (RFC 8707), compared byte for byte.
    pub audiences: Vec<String>,
    /// Further origins whose pages may make requests with the session cookie, spelled as browsers do.
    pub allowed_origins: Vec<String>,
    /// Who sees the documentation pages.
    pub docs: Docs,
    /// The public client with which those who read the documentation pages sign in there.
    pub docs_client_id: Option<ClientId>,
    /// What strangers are told of paths that lead nowhere.
    pub unknown_paths: UnknownPaths,
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
        let unmarked = choice(
            "SEALGATE_UNMARKED",
            optional("SEALGATE_UNMARKED").as_deref(),
            &[("user", Unmarked::User), ("deny", Unmarked::Deny)],
            Unmarked::User,
        )?;
        let untyped_logout = choice(
            "SEALGATE_UNTYPED_LOGOUT",
            optional("SEALGATE_UNTYPED_LOGOUT").as_deref(),
            &[
                ("refuse", UntypedLogout::Refuse),
                ("accept", UntypedLogout::Accept),
            ],
            UntypedLogout::Refuse,
        )?;
        let docs = choice(
            "SEALGATE_DOCS",
            optional("SEALGATE_DOCS").as_deref(),
            &[("open", Docs::Open), ("closed", Docs::Closed)],
            if is_development(&base_url) {
                Docs::Open
            } else {
                Docs::Closed
            },
        )?;
        let unknown_paths = choice(
            "SEALGATE_UNKNOWN_PATHS",
            optional("SEALGATE_UNKNOWN_PATHS").as_deref(),
            &[("show", UnknownPaths::Show), ("hide", UnknownPaths::Hide)],
            UnknownPaths::Show,
        )?;
        let docs_client_id = optional("SEALGATE_DOCS_CLIENT_ID")
            .map(|id| id.parse())
            .transpose()
            .map_err(|error| {
                SettingsError::new("SEALGATE_DOCS_CLIENT_ID", format!("is {error}"))
            })?;
        let audiences = match optional("SEALGATE_AUDIENCES") {
            None => vec![base_url.as_str().to_owned()],
            Some(list) => resources_setting("SEALGATE_AUDIENCES", &list)?,
        };
        let allowed_origins = match optional("SEALGATE_ALLOWED_ORIGINS") {
            None => Vec::new(),
            Some(list) => origins_setting("SEALGATE_ALLOWED_ORIGINS", &list)?,
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
            audiences,
            allowed_origins,
            docs,
            docs_client_id,
            unknown_paths,
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

#[cfg(test)]
pub(crate) mod tests;
