//! Reads the configuration's text.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Deserialize;
use toml::Spanned;
use toml::value::Datetime;

use super::accept::{AcceptEntry, FilePattern};
use super::pattern::{BadPattern, RoutePattern};
use super::{CONFIG_BYTES_MAX, ClassRules, Config, ConfigError, ConfigProblem};
use super::{NamedGate, PublicEntry};
use crate::accept::is_never_accepted;
use crate::lines::{Lines, day, toml_error};
use crate::{Level, Strength};

#[derive(Deserialize)]
struct Pyproject {
    tool: Option<Tool>,
}

#[derive(Deserialize)]
struct Tool {
    sealgate: Option<Sealgate>,
}

#[derive(Deserialize)]
struct Sealgate {
    routes: Option<RawConfig>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawConfig {
    #[serde(default)]
    apps: Vec<String>,
    #[serde(default)]
    gates: Vec<Spanned<String>>,
    #[serde(default)]
    not_gates: Vec<Spanned<String>>,
    infer: Option<bool>,
    #[serde(default)]
    exclude: Vec<String>,
    login_paths: Option<Vec<String>>,
    #[serde(default)]
    public: Vec<Spanned<RawPublic>>,
    #[serde(default)]
    accept: Vec<Spanned<RawAccept>>,
    #[serde(default)]
    gate: BTreeMap<String, Spanned<RawStrength>>,
    #[serde(default)]
    classes: ClassRules,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPublic {
    /// One pattern, or a list of them.
    route: Spanned<toml::Value>,
    app: Option<String>,
    #[serde(default)]
    reason: String,
    owner: Option<String>,
    expires: Option<Spanned<Datetime>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAccept {
    rule: Spanned<String>,
    route: Option<Spanned<String>>,
    file: Option<Spanned<String>>,
    #[serde(default)]
    reason: String,
    owner: Option<String>,
    expires: Option<Spanned<Datetime>>,
}

/// [`Strength`], where no level means that of a user: who names a gate means that it asks for something.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStrength {
    level: Option<Level>,
    #[serde(default)]
    actors: std::collections::BTreeSet<crate::Actor>,
    #[serde(default)]
    scopes: std::collections::BTreeSet<String>,
    #[serde(default)]
    roles: std::collections::BTreeSet<String>,
    #[serde(default)]
    any_of: std::collections::BTreeSet<String>,
    #[serde(default)]
    more: std::collections::BTreeSet<String>,
}

impl From<RawStrength> for Strength {
    fn from(raw: RawStrength) -> Self {
        Self {
            level: raw.level.unwrap_or(Level::User),
            actors: raw.actors,
            scopes: raw.scopes,
            roles: raw.roles,
            any_of: raw.any_of,
            more: raw.more,
        }
    }
}

pub(super) fn pyproject(text: &str) -> Result<Config, ConfigError> {
    let raw: Pyproject = parse(text)?;
    let routes = raw.tool.and_then(|tool| tool.sealgate);
    match routes.and_then(|sealgate| sealgate.routes) {
        Some(raw) => Reader::of(text).config(raw),
        None => Ok(Config::default()),
    }
}

pub(super) fn own_file(text: &str) -> Result<Config, ConfigError> {
    Reader::of(text).config(parse(text)?)
}

fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, ConfigError> {
    if text.len() > CONFIG_BYTES_MAX {
        return Err(ConfigError {
            problem: ConfigProblem::TooLarge,
            line: None,
            detail: format!(
                "the file has {} bytes, the limit is {CONFIG_BYTES_MAX}",
                text.len()
            ),
        });
    }
    toml::from_str(text).map_err(|error| {
        let (line, detail) = toml_error(text, &error);
        ConfigError {
            problem: ConfigProblem::Syntax,
            line,
            detail,
        }
    })
}

struct Reader {
    lines: Lines,
}

impl Reader {
    fn of(text: &str) -> Self {
        let lines = Lines::of(text);
        Self { lines }
    }

    fn error(&self, problem: ConfigProblem, offset: usize, detail: String) -> ConfigError {
        ConfigError {
            problem,
            line: Some(self.lines.at(offset)),
            detail,
        }
    }

    fn config(&self, raw: RawConfig) -> Result<Config, ConfigError> {
        let default = Config::default();
        let mut config = Config {
            apps: raw.apps,
            infer: raw.infer.unwrap_or(default.infer),
            exclude: raw.exclude,
            login_paths: raw.login_paths.unwrap_or(default.login_paths),
            classes: raw.classes,
            ..Config::default()
        };
        for name in raw.gates {
            let offset = name.span().start;
            let gate = NamedGate {
                name: name.into_inner(),
                strength: None,
            };
            self.add_gate(&mut config, gate, offset)?;
        }
        for (name, strength) in raw.gate {
            let offset = strength.span().start;
            // Named in the list and with a table: the table says more.
            config
                .gates
                .retain(|gate| gate.name != name || gate.strength.is_some());
            let strength = Some(strength.into_inner().into());
            self.add_gate(&mut config, NamedGate { name, strength }, offset)?;
        }
        for name in raw.not_gates {
            let offset = name.span().start;
            let name = name.into_inner();
            self.check_name(&name, offset)?;
            if config.named_gate(&name).is_some() {
                let detail = format!("`{name}` is named as a gate and as none");
                return Err(self.error(ConfigProblem::GateTwice, offset, detail));
            }
            config.not_gates.insert(name);
        }
        for entry in raw.public {
            self.public(entry, &mut config.public)?;
        }
        for entry in raw.accept {
            config.accept.push(self.accept(entry)?);
        }
        Ok(config)
    }

    fn add_gate(
        &self,
        config: &mut Config,
        gate: NamedGate,
        offset: usize,
    ) -> Result<(), ConfigError> {
        self.check_name(&gate.name, offset)?;
        if config.named_gate(&gate.name).is_some() {
            let detail = format!("the gate `{}` is named twice", gate.name);
            return Err(self.error(ConfigProblem::GateTwice, offset, detail));
        }
        config.gates.push(gate);
        Ok(())
    }

    fn check_name(&self, name: &str, offset: usize) -> Result<(), ConfigError> {
        let identifiers = |text: &str| {
            text.split('.').all(|part| {
                !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_')
            })
        };
        match name.split_once(':') {
            // A function within a function is `outer.<locals>.inner`, as Python writes it.
            Some((module, inner))
                if identifiers(module) && identifiers(&inner.replace("<locals>", "_")) =>
            {
                Ok(())
            }
            _ => {
                let detail = format!("`{name}` does not name a callable");
                Err(self.error(ConfigProblem::GateName, offset, detail))
            }
        }
    }

    /// An entry for each of its patterns.
    fn public(
        &self,
        raw: Spanned<RawPublic>,
        entries: &mut Vec<PublicEntry>,
    ) -> Result<(), ConfigError> {
        let offset = raw.span().start;
        let raw = raw.into_inner();
        let at = raw.route.span().start;
        let patterns = match raw.route.get_ref() {
            toml::Value::Array(list) if !list.is_empty() => list.as_slice(),
            one => std::slice::from_ref(one),
        };
        let expires = self.expires(raw.expires.as_ref())?;
        for written in patterns {
            let Some(written) = written.as_str() else {
                let detail = "`route` is a text, or a list of texts".to_owned();
                return Err(self.error(ConfigProblem::Pattern, at, detail));
            };
            let route = self.pattern(written, at)?;
            let reason = raw.reason.trim();
            if reason.is_empty() {
                let detail = format!("`{written}` is public without a reason");
                return Err(self.error(ConfigProblem::ReasonMissing, offset, detail));
            }
            entries.push(PublicEntry {
                route,
                app: raw.app.clone(),
                reason: reason.to_owned(),
                owner: raw.owner.clone(),
                expires,
                line: self.lines.at(offset),
            });
        }
        Ok(())
    }

    fn accept(&self, raw: Spanned<RawAccept>) -> Result<AcceptEntry, ConfigError> {
        let offset = raw.span().start;
        let raw = raw.into_inner();
        let rule = raw.rule.get_ref();
        if is_never_accepted(rule) {
            let detail = format!("findings of `{rule}` cannot be accepted");
            return Err(self.error(ConfigProblem::AcceptRule, raw.rule.span().start, detail));
        }
        let reason = raw.reason.trim();
        if reason.is_empty() {
            let detail = format!("`{rule}` is accepted without a reason");
            return Err(self.error(ConfigProblem::ReasonMissing, offset, detail));
        }
        let route = raw
            .route
            .as_ref()
            .map(|written| self.pattern(written.get_ref(), written.span().start));
        let file = raw.file.as_ref().map(|written| {
            FilePattern::parse(written.get_ref()).ok_or_else(|| {
                let detail = format!("`{}` is no pattern for files", written.get_ref());
                self.error(ConfigProblem::AcceptPlace, written.span().start, detail)
            })
        });
        if route.is_none() && file.is_none() {
            let detail = format!("`{rule}` is accepted wherever it is found");
            return Err(self.error(ConfigProblem::AcceptPlace, offset, detail));
        }
        Ok(AcceptEntry {
            rule: rule.clone(),
            route: route.transpose()?,
            file: file.transpose()?,
            reason: reason.to_owned(),
            owner: raw.owner,
            expires: self.expires(raw.expires.as_ref())?,
            line: self.lines.at(offset),
        })
    }

    fn pattern(&self, text: &str, offset: usize) -> Result<RoutePattern, ConfigError> {
        RoutePattern::parse(text).map_err(|bad| {
            let (problem, detail) = match bad {
                BadPattern::Malformed => (
                    ConfigProblem::Pattern,
                    format!("`{text}` is no pattern for routes"),
                ),
                BadPattern::TooWide => (
                    ConfigProblem::PatternTooWide,
                    format!("`{text}` means the whole application"),
                ),
            };
            self.error(problem, offset, detail)
        })
    }

    fn expires(&self, written: Option<&Spanned<Datetime>>) -> Result<Option<Date>, ConfigError> {
        let Some(written) = written else {
            return Ok(None);
        };
        let date = day(written.get_ref()).ok_or_else(|| {
            let detail = format!("`{}` is no day", written.get_ref());
            self.error(ConfigProblem::Expiry, written.span().start, detail)
        });
        date.map(Some)
    }
}
