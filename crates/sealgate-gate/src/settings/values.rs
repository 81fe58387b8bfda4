//! The values that settings are read from, by name, and what single ones are made of.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sealgate_model::{ClientId, Issuer, Secret};
use sealgate_session::KeyRing;

use super::checks::{choice, is_scope, origins_setting, resources_setting, seconds_setting};
use super::{SettingsError, SharedView};
use crate::issuer::Preset;
use crate::report::Sampling;
use crate::stale::OnStale;

/// The longest name of a gate, in bytes.
const GATE_NAME_LIMIT: usize = 64;

/// Whether a gate can be called that.
pub(crate) fn is_gate_name(name: &str) -> bool {
    (1..=GATE_NAME_LIMIT).contains(&name.len())
        && name.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Gives the value of a setting by its environment name.
pub(super) struct Values<L>(pub(super) L);

impl<L: Fn(&str) -> Option<String>> Values<L> {
    /// The value; an empty one is one that is not set.
    pub(super) fn optional(&self, name: &str) -> Option<String> {
        let value = (self.0)(name)?;
        Some(value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    /// The value, or the error that says how to come by one.
    pub(super) fn required(&self, name: &'static str, hint: &str) -> Result<String, SettingsError> {
        let value = self.optional(name);
        value.ok_or_else(|| SettingsError::new(name, format!("is not set: {hint}")))
    }

    /// A number of seconds from 1 to `most`.
    pub(super) fn seconds(
        &self,
        name: &'static str,
        default: u64,
        most: u64,
    ) -> Result<Duration, SettingsError> {
        seconds_setting(name, self.optional(name).as_deref(), default, most)
    }

    /// One of `choices` by its name.
    pub(super) fn choice<T: Copy>(
        &self,
        name: &'static str,
        choices: &[(&str, T)],
        default: T,
    ) -> Result<T, SettingsError> {
        choice(name, self.optional(name).as_deref(), choices, default)
    }

    /// What becomes of credentials while the view is not fresh.
    pub(super) fn on_stale(&self) -> Result<OnStale, SettingsError> {
        const NAME: &str = "SEALGATE_ON_STALE";
        const LONGEST: u64 = 3_600;
        let Some(value) = self.optional(NAME) else {
            return Ok(OnStale::Deny);
        };
        let seconds = value.strip_prefix("allow:").map(|text| {
            let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
            let seconds = text.parse().ok().filter(|_| is_number);
            seconds.filter(|seconds| (1..=LONGEST).contains(seconds))
        });
        match (value.as_str(), seconds) {
            ("deny", _) => Ok(OnStale::Deny),
            ("introspect", _) => Ok(OnStale::Introspect),
            (_, Some(Some(seconds))) => Ok(OnStale::Allow(Duration::from_secs(seconds))),
            _ => Err(SettingsError::new(
                NAME,
                format!(
                    "is none of `deny`, `introspect` and `allow:SECONDS`, with 1 to {LONGEST} seconds"
                ),
            )),
        }
    }

    /// Whether the processes of one machine share their revocation view, and where.
    pub(super) fn shared_view(&self) -> Result<SharedView, SettingsError> {
        const NAME: &str = "SEALGATE_SHARED_VIEW";
        match self.optional(NAME).as_deref() {
            None | Some("auto") => Ok(SharedView::Auto),
            Some("off") => Ok(SharedView::Off),
            Some(path) if Path::new(path).is_absolute() => Ok(SharedView::In(PathBuf::from(path))),
            Some(_) => Err(SettingsError::new(
                NAME,
                "is none of `auto`, `off` and the absolute path of a directory",
            )),
        }
    }

    /// What the gate is called.
    pub(super) fn gate_name(&self) -> Result<Option<String>, SettingsError> {
        const NAME: &str = "SEALGATE_GATE_NAME";
        let name = self.optional(NAME);
        if name.as_deref().is_some_and(|name| !is_gate_name(name)) {
            let problem = format!("is not 1 to {GATE_NAME_LIMIT} printable ASCII characters");
            return Err(SettingsError::new(NAME, problem));
        }
        Ok(name)
    }

    /// Which allowed requests get a record of their own.
    pub(super) fn decisions_allowed(&self) -> Result<Sampling, SettingsError> {
        const NAME: &str = "SEALGATE_DECISIONS_ALLOWED";
        const MOST: u32 = 1_000_000;
        let Some(value) = self.optional(NAME) else {
            return Ok(Sampling::All);
        };
        let one_in = value.strip_prefix("1/").and_then(|text| {
            let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
            let number = text.parse().ok().filter(|_| is_number);
            number.filter(|number| (1..=MOST).contains(number))
        });
        match (value.as_str(), one_in) {
            ("all", _) => Ok(Sampling::All),
            ("none", _) => Ok(Sampling::None),
            (_, Some(one_in)) => Ok(Sampling::OneIn(one_in)),
            _ => Err(SettingsError::new(
                NAME,
                format!("is none of `all`, `none` and `1/N`, with N from 1 to {MOST}"),
            )),
        }
    }

    /// The directory below which decisions are kept while the control plane is away.
    pub(super) fn spool(&self) -> Result<Option<PathBuf>, SettingsError> {
        const NAME: &str = "SEALGATE_SPOOL";
        let text = self.optional(NAME);
        let sound = |text: &String| {
            Path::new(text).is_absolute() && !text.contains([char::REPLACEMENT_CHARACTER, '\0'])
        };
        if text.as_ref().is_some_and(|text| !sound(text)) {
            return Err(SettingsError::new(
                NAME,
                "is not the absolute path of a directory",
            ));
        }
        Ok(text.map(PathBuf::from))
    }

    /// How many bytes of decisions may be kept there; the setting says it in MiB.
    pub(super) fn spool_limit(&self) -> Result<u64, SettingsError> {
        const NAME: &str = "SEALGATE_SPOOL_LIMIT";
        const MOST: u64 = 65_536;
        let Some(value) = self.optional(NAME) else {
            return Ok(64 << 20);
        };
        let is_number = value.bytes().all(|byte| byte.is_ascii_digit());
        let mebibytes = value.parse::<u64>().ok().filter(|_| is_number);
        match mebibytes {
            Some(number) if (1..=MOST).contains(&number) => Ok(number << 20),
            _ => Err(SettingsError::new(
                NAME,
                format!("is not a number of MiB from 1 to {MOST}"),
            )),
        }
    }

    /// The lock file of routes.
    pub(super) fn routes(&self) -> Result<Option<String>, SettingsError> {
        const NAME: &str = "SEALGATE_ROUTES";
        let file = self.optional(NAME);
        let sound = |text: &String| {
            let (path, app) = text.split_once('#').unwrap_or((text, "module:app"));
            !path.is_empty()
                && app.contains(':')
                && !text.contains([char::REPLACEMENT_CHARACTER, '\0'])
        };
        if file.as_ref().is_some_and(|text| !sound(text)) {
            let problem = "is no path of a lock file: write it like sealgate.routes.toml, or like \
                           sealgate.routes.toml#main:app where it holds several applications";
            return Err(SettingsError::new(NAME, problem));
        }
        Ok(file)
    }

    /// The application's `client_id` and secret.
    pub(super) fn client(&self) -> Result<(ClientId, Secret), SettingsError> {
        const ID: &str = "SEALGATE_CLIENT_ID";
        let id = self.required(ID, "`sealgate client add` prints it")?;
        let secret = self.required(
            "SEALGATE_CLIENT_SECRET",
            "`sealgate client add` prints it once",
        )?;
        let id = id
            .parse()
            .map_err(|error| SettingsError::new(ID, format!("is {error}")))?;
        Ok((id, Secret::new(secret)))
    }

    /// A client that may be named.
    pub(super) fn client_named(
        &self,
        name: &'static str,
    ) -> Result<Option<ClientId>, SettingsError> {
        let id = self.optional(name).map(|id| id.parse()).transpose();
        id.map_err(|error| SettingsError::new(name, format!("is {error}")))
    }

    /// The keys that seal sessions.
    pub(super) fn seal_keys(&self) -> Result<KeyRing, SettingsError> {
        const NAME: &str = "SEALGATE_SEAL_KEYS";
        let keys = self.required(NAME, "`sealgate seal-key generate` makes one")?;
        KeyRing::parse(&keys).map_err(|error| {
            let problem =
                format!("cannot be used: {error}; `sealgate seal-key generate` makes a good one");
            SettingsError::new(NAME, problem)
        })
    }

    /// The scopes asked for at sign-in; by default those with which this kind of issuer gives refresh
    /// tokens.
    pub(super) fn scopes(&self, provider: &Preset) -> Result<Vec<String>, SettingsError> {
        let wrong = |problem| Err(SettingsError::new("SEALGATE_SCOPES", problem));
        let scopes: Vec<String> = match self.optional("SEALGATE_SCOPES") {
            Some(list) => list.split_ascii_whitespace().map(str::to_owned).collect(),
            None => ["openid", "profile", "email"]
                .into_iter()
                .chain(provider.refresh_scope)
                .map(str::to_owned)
                .collect(),
        };
        if !scopes.iter().all(|scope| is_scope(scope)) {
            return wrong("holds what is no scope: separate them by spaces");
        }
        if !scopes.iter().any(|scope| scope == "openid") {
            return wrong("must hold `openid`, which makes it a sign-in");
        }
        Ok(scopes)
    }

    /// What access tokens must be made for, and whether that is said. Other providers make tokens for names
    /// of their own; but none of them is the client's id, for which ID tokens are made.
    pub(super) fn audiences(
        &self,
        base_url: &Issuer,
        client_id: &ClientId,
        is_foreign: bool,
    ) -> Result<(Vec<String>, bool), SettingsError> {
        const NAME: &str = "SEALGATE_AUDIENCES";
        let Some(list) = self.optional(NAME) else {
            return Ok((vec![base_url.as_str().to_owned()], false));
        };
        let audiences = resources_setting(NAME, &list, is_foreign)?;
        if audiences.iter().any(|one| one == client_id.as_str()) {
            return Err(SettingsError::new(
                NAME,
                "holds SEALGATE_CLIENT_ID, for which ID tokens are made: give the API a name of its own",
            ));
        }
        Ok((audiences, true))
    }

    /// Further origins whose pages may make requests with the session cookie.
    pub(super) fn allowed_origins(&self) -> Result<Vec<String>, SettingsError> {
        const NAME: &str = "SEALGATE_ALLOWED_ORIGINS";
        match self.optional(NAME) {
            None => Ok(Vec::new()),
            Some(list) => origins_setting(NAME, &list),
        }
    }

    /// Where a browser lands after logout.
    pub(super) fn after_logout(&self) -> Result<String, SettingsError> {
        const NAME: &str = "SEALGATE_AFTER_LOGOUT";
        let path = self.optional(NAME).unwrap_or_else(|| "/".to_owned());
        if crate::return_path::check(&path).is_none() {
            return Err(SettingsError::new(
                NAME,
                "is not a path of this application",
            ));
        }
        Ok(path)
    }
}
