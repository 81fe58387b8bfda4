//! The gate's settings, and what is wrong with them.

use std::path::PathBuf;
use std::time::Duration;

use sealgate_model::{ClientId, Issuer, Secret};
use sealgate_session::KeyRing;

mod checks;
mod env_file;
mod error;
mod issuers;
mod names;
mod sources;
mod values;

pub use error::SettingsError;
pub use sources::Sources;

use crate::issuer::Preset;
use crate::mcp::McpServers;
use crate::report::{NetworkTold, Sampling};
use crate::stale::OnStale;
use checks::url_setting;
use issuers::{issuer_setting, provider_setting, trusted_issuers_setting};
use values::Values;

pub(crate) use values::is_gate_name;

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

/// Whether the processes of one machine share their revocation view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SharedView {
    /// They do, in the first usual place that can be used.
    Auto,
    /// Each has its own.
    Off,
    /// They do, in this directory.
    In(PathBuf),
}

/// Everything the gate needs to know, checked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The control plane (or another OpenID provider).
    pub issuer: Issuer,
    /// What the issuer is like.
    pub(crate) provider: &'static Preset,
    /// Further issuers whose access tokens are taken, and what they are like.
    pub(crate) trusted_issuers: Vec<(Issuer, &'static Preset)>,
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
    /// What becomes of credentials once it is over.
    pub on_stale: OnStale,
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
    /// Whether the settings name them; else the base URL is the only one.
    audiences_named: bool,
    /// Further origins whose pages may make requests with the session cookie, spelled as browsers do.
    pub allowed_origins: Vec<String>,
    /// Who sees the documentation pages.
    pub docs: Docs,
    /// The public client with which those who read the documentation pages sign in there.
    pub docs_client_id: Option<ClientId>,
    /// What strangers are told of paths that lead nowhere.
    pub unknown_paths: UnknownPaths,
    /// Whether the processes of one machine share their revocation view.
    pub shared_view: SharedView,
    /// What the control plane calls this gate when it says who has heard of a revocation; none: the machine's
    /// name.
    pub gate_name: Option<String>,
    /// The lock file of the application's routes, and after `#` the application in it where that has to be
    /// said. Whoever knows the routes compares them: the gate itself reads no such file.
    pub routes: Option<String>,
    /// A file that declares mappings and policies, for a gate whose issuer hands out none.
    pub policy_file: Option<String>,
    /// Which allowed requests get a record of their own in the log of decisions.
    pub decisions_allowed: Sampling,
    /// How much of the address of a request is told there.
    pub decisions_network: NetworkTold,
    /// The directory below which decisions are kept while the control plane is away.
    pub spool: Option<PathBuf>,
    /// How many bytes that may be.
    pub spool_limit: u64,
    /// The application's MCP servers.
    pub mcp: McpServers,
}

impl Settings {
    /// Reads settings by their environment names, `SEALGATE_ISSUER` and so on; `lookup` gives the value
    /// of one, or nothing.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let values = Values(lookup);
        let provider = provider_setting(values.optional("SEALGATE_PROVIDER").as_deref())?;
        let issuer = issuer_setting(
            "SEALGATE_ISSUER",
            &values.required("SEALGATE_ISSUER", "the control plane's URL")?,
            provider,
        )?;
        let trusted_issuers = match values.optional("SEALGATE_TRUSTED_ISSUERS") {
            None => Vec::new(),
            Some(list) => trusted_issuers_setting(&list, &issuer)?,
        };
        let base_url = url_setting(
            "SEALGATE_BASE_URL",
            &values.required(
                "SEALGATE_BASE_URL",
                "the URL at which browsers see this application",
            )?,
        )?;
        let (client_id, client_secret) = values.client()?;
        let seal_keys = values.seal_keys()?;
        let scopes = values.scopes(provider)?;
        let is_foreign = !provider.has_feed || !trusted_issuers.is_empty();
        let (audiences, audiences_named) = values.audiences(&base_url, &client_id, is_foreign)?;
        Ok(Self {
            staleness_bound: values.seconds("SEALGATE_STALENESS_BOUND", 10, 300)?,
            on_stale: values.on_stale()?,
            session_lifetime: values.seconds("SEALGATE_SESSION_LIFETIME", 86_400, 30 * 86_400)?,
            idle_limit: values.seconds("SEALGATE_IDLE_LIMIT", 3_600, 30 * 86_400)?,
            unmarked: values.choice(
                "SEALGATE_UNMARKED",
                &[("user", Unmarked::User), ("deny", Unmarked::Deny)],
                Unmarked::User,
            )?,
            untyped_logout: values.choice(
                "SEALGATE_UNTYPED_LOGOUT",
                &[
                    ("refuse", UntypedLogout::Refuse),
                    ("accept", UntypedLogout::Accept),
                ],
                // Most providers state `JWT` or nothing; ours states what it is.
                if provider.has_feed {
                    UntypedLogout::Refuse
                } else {
                    UntypedLogout::Accept
                },
            )?,
            docs: values.choice(
                "SEALGATE_DOCS",
                &[("open", Docs::Open), ("closed", Docs::Closed)],
                // Plain http is only for loopback addresses: an application under development.
                if base_url.is_https() {
                    Docs::Closed
                } else {
                    Docs::Open
                },
            )?,
            unknown_paths: values.choice(
                "SEALGATE_UNKNOWN_PATHS",
                &[("show", UnknownPaths::Show), ("hide", UnknownPaths::Hide)],
                UnknownPaths::Show,
            )?,
            shared_view: values.shared_view()?,
            gate_name: values.gate_name()?,
            routes: values.routes()?,
            decisions_allowed: values.decisions_allowed()?,
            decisions_network: values.choice(
                "SEALGATE_DECISIONS_NETWORK",
                &[
                    ("full", NetworkTold::Full),
                    ("prefix", NetworkTold::Prefix),
                    ("none", NetworkTold::None),
                ],
                NetworkTold::Prefix,
            )?,
            spool: values.spool()?,
            spool_limit: values.spool_limit()?,
            policy_file: values.optional("SEALGATE_POLICY_FILE"),
            authority_file: values.optional("SEALGATE_AUTHORITY_FILE"),
            after_logout: values.after_logout()?,
            allowed_origins: values.allowed_origins()?,
            docs_client_id: values.client_named("SEALGATE_DOCS_CLIENT_ID")?,
            issuer,
            provider,
            trusted_issuers,
            client_id,
            client_secret,
            base_url,
            seal_keys,
            scopes,
            audiences,
            audiences_named,
            mcp: McpServers::default(),
        })
    }

    /// The name of the cookie that holds the sealed session.
    pub fn cookie_name(&self) -> &'static str {
        crate::cookies::session_name(self.base_url.is_https())
    }

    /// Whether this is an application under development: its URL is plain http, which is for loopback addresses
    /// only. What is not so certain counts as production.
    pub fn is_development(&self) -> bool {
        !self.base_url.is_https()
    }

    /// The first audience that the settings name, if they do.
    pub(crate) fn named_audience(&self) -> Option<&str> {
        let first = self.audiences.first().filter(|_| self.audiences_named);
        first.map(String::as_str)
    }

    /// The kind of provider at the issuer, as `SEALGATE_PROVIDER` names it.
    pub fn provider_name(&self) -> &'static str {
        self.provider.name
    }

    /// The path part of the application's URL: empty, or `/…` without trailing slash.
    pub(crate) fn base_path(&self) -> &str {
        &self.base_url.as_str()[self.base_url.origin().len()..]
    }
}

#[cfg(test)]
pub(crate) mod tests;
