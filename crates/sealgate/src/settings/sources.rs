//! Where settings come from: the file, the environment, the options. Each value is checked where it
//! stands, so that whoever set it is told which, where and what it should be.

use std::collections::BTreeMap;
use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use sealgate_plan::{ALGORITHMS, TABLES};
use serde::Deserialize as _;
use toml::{Table, Value};

use super::table::{Kind, SETTINGS, Setting};
use super::{DATA_DIR, Settings};
use crate::failure::Failure;

/// The file's name in the data directory.
const FILE: &str = "sealgate.toml";

/// The variable that names the file.
const CONFIG: &str = "SEALGATE_CONFIG";

/// Who set a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Nobody.
    Default,
    /// The settings file.
    File(PathBuf),
    /// An environment variable.
    Variable(&'static str),
    /// An option of the command.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => path.display().fmt(f),
            Self::Variable(name) => f.write_str(name),
            Self::Flag(name) => f.write_str(name),
        }
    }
}

/// What a command was given to find its settings by.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    /// The file named on the command line.
    pub(crate) config: Option<PathBuf>,
    /// Names of settings, their values as text, and the options they were given with.
    pub(crate) flags: Vec<(String, String, String)>,
}

/// The settings, and who set each of them.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) settings: Settings,
    pub(crate) origins: BTreeMap<&'static str, Origin>,
    /// The file that was read, if there is one.
    pub(crate) file: Option<PathBuf>,
}

impl Loaded {
    /// Who set the setting of that name.
    pub(crate) fn origin(&self, key: &str) -> &Origin {
        self.origins.get(key).unwrap_or(&Origin::Default)
    }
}

impl Sources {
    /// An option that sets `key`, if it was given.
    pub(crate) fn flag(&mut self, key: &str, option: &str, value: Option<&String>) {
        if let Some(value) = value {
            self.flags
                .push((key.to_owned(), value.clone(), option.to_owned()));
        }
    }

    /// Options of the form `--set KEY=VALUE`.
    pub(crate) fn assignments(&mut self, given: &[String]) -> Result<(), Failure> {
        for one in given {
            let Some((key, value)) = one.split_once('=') else {
                let said = format!("--set {one} does not read as KEY=VALUE");
                return Err(Failure::usage("setting_wrong", said)
                    .with_hint("give one as in --set lifetimes.access=10m"));
            };
            let (key, value) = (key.trim().to_owned(), value.trim().to_owned());
            self.flags.push((key, value, "--set".to_owned()));
        }
        Ok(())
    }

    /// Reads everything. `variable` reads the environment.
    pub(crate) fn load(self, variable: impl Fn(&str) -> Option<String>) -> Result<Loaded, Failure> {
        // An empty variable is one that is not set, as for the gate.
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let mut found = Found::default();
        let file = match self.file(&variable)? {
            Some(File { path, text, own }) => {
                found.file(&path, &text, own)?;
                Some(path)
            }
            None => None,
        };
        for setting in &SETTINGS {
            if let Some(text) = variable(setting.env) {
                found.text(setting, &text, Origin::Variable(setting.env))?;
            }
        }
        for (key, text, option) in &self.flags {
            let origin = Origin::Flag(option.clone());
            let setting = Setting::named(key).ok_or_else(|| unknown(&origin, key))?;
            found.text(setting, text, origin)?;
        }
        found.finish(file)
    }

    /// The settings file: the one that is named, else the one in the data directory, if there is one.
    fn file(&self, variable: &impl Fn(&str) -> Option<String>) -> Result<Option<File>, Failure> {
        let named = self.config.clone();
        let named = named.or_else(|| variable(CONFIG).map(PathBuf::from));
        let own = named.is_none();
        let path = named.unwrap_or_else(|| self.data_dir(variable).join(FILE));
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Some(File { path, text, own })),
            Err(error)
                if own
                    && matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                Ok(None)
            }
            Err(error) => Err(Failure::usage(
                "settings_unreadable",
                format!("cannot read {}: {error}", path.display()),
            )),
        }
    }

    fn data_dir(&self, variable: &impl Fn(&str) -> Option<String>) -> PathBuf {
        let given = self.flags.iter().rfind(|(key, ..)| key == "data_dir");
        let given = given.map(|(_, value, _)| value.clone());
        given
            .or_else(|| variable("SEALGATE_DATA_DIR"))
            .unwrap_or_else(|| DATA_DIR.to_owned())
            .into()
    }
}

/// A settings file.
struct File {
    path: PathBuf,
    text: String,
    /// Whether it was found in the data directory.
    own: bool,
}

/// The values found so far, a later one in place of an earlier.
#[derive(Default)]
struct Found {
    values: BTreeMap<&'static str, (Value, Origin)>,
}

impl Found {
    fn file(&mut self, path: &Path, text: &str, own: bool) -> Result<(), Failure> {
        let origin = Origin::File(path.to_owned());
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            let before = error
                .span()
                .map_or("", |span| text.get(..span.start).unwrap_or(text));
            let line = before.matches('\n').count() + 1;
            let what = error.message().replace('\n', ", ");
            Failure::usage(
                "settings_unreadable",
                format!("{origin}, line {line}, does not read as TOML: {what}"),
            )
        })?;
        let mut leaves = Vec::new();
        flatten("", &Value::Table(settings_of(table)), &mut leaves);
        for (key, mut value) in leaves {
            let setting = Setting::named(&key).ok_or_else(|| unknown(&origin, &key))?;
            if own && setting.key == "data_dir" {
                let said =
                    format!("{origin}: data_dir cannot be set in a file that was found by it");
                return Err(Failure::usage("setting_wrong", said)
                    .with_hint("name the file with --config or SEALGATE_CONFIG"));
            }
            if let (Kind::Path, Value::String(text)) = (setting.kind, &mut value)
                && let Some(folder) = path.parent()
                && !text.is_empty()
            {
                *text = folder.join(&*text).display().to_string();
            }
            self.value(setting, value, origin.clone())?;
        }
        Ok(())
    }

    fn text(
        &mut self,
        setting: &'static Setting,
        text: &str,
        origin: Origin,
    ) -> Result<(), Failure> {
        let value = setting
            .read(text)
            .ok_or_else(|| wrong(setting, &origin, text))?;
        self.value(setting, value, origin)
    }

    fn value(
        &mut self,
        setting: &'static Setting,
        value: Value,
        origin: Origin,
    ) -> Result<(), Failure> {
        // By itself, so that the one value that is wrong is known.
        let alone = nested(setting.key, value.clone());
        if !setting.admits(&value) || Settings::deserialize(Value::Table(alone)).is_err() {
            return Err(wrong(setting, &origin, &value.to_string()));
        }
        self.values.insert(setting.key, (value, origin));
        Ok(())
    }

    fn finish(self, file: Option<PathBuf>) -> Result<Loaded, Failure> {
        let mut whole = Table::new();
        let mut origins = BTreeMap::new();
        for (key, (value, origin)) in self.values {
            merge(&mut whole, nested(key, value));
            origins.insert(key, origin);
        }
        let settings = Settings::deserialize(Value::Table(whole)).map_err(|error| {
            Failure::usage(
                "setting_wrong",
                format!("the settings do not fit together: {error}"),
            )
        })?;
        let loaded = Loaded {
            settings,
            origins,
            file,
        };
        loaded.check()?;
        Ok(loaded)
    }
}

impl Loaded {
    /// What no single value shows.
    fn check(&self) -> Result<(), Failure> {
        let Settings {
            tls,
            proxy,
            lifetimes,
            ..
        } = &self.settings;
        if proxy.trusted.iter().any(|net| net.prefix_len() == 0) {
            let said = format!(
                "{}: proxy.trusted holds everybody, who then are wherever they say",
                self.origin("proxy.trusted")
            );
            return Err(Failure::usage("setting_wrong", said));
        }
        let lone = match (&tls.cert, &tls.key) {
            (Some(_), None) => Some(("tls.cert", "tls.key")),
            (None, Some(_)) => Some(("tls.key", "tls.cert")),
            _ => None,
        };
        if let Some((set, missing)) = lone {
            let said = format!("{}: {set} is set, and {missing} is not", self.origin(set));
            return Err(Failure::usage("setting_wrong", said));
        }
        for (short, long, why) in [
            (
                ("lifetimes.idle", lifetimes.idle),
                ("lifetimes.session", lifetimes.session),
                "a session does not rest longer than it lasts",
            ),
            (
                ("lifetimes.access", lifetimes.access),
                ("lifetimes.idle", lifetimes.idle),
                "a session would end before its token is renewed",
            ),
            (
                ("lifetimes.grace", lifetimes.grace),
                ("lifetimes.access", lifetimes.access),
                "a refresh token is renewed once in the life of an access token",
            ),
        ] {
            if short.1 > long.1 {
                let culprit = match self.origin(short.0) {
                    Origin::Default => self.origin(long.0),
                    origin => origin,
                };
                let said = format!(
                    "{culprit}: {} must be at most {}, which is {}, and is {}: {why}",
                    short.0, long.0, long.1, short.1
                );
                return Err(Failure::usage("setting_wrong", said));
            }
        }
        Ok(())
    }
}

/// What a file says of settings. What it declares of clients and their like may stand beside them, and is nothing
/// until it is applied.
fn settings_of(mut table: Table) -> Table {
    let declares = |name: &str| TABLES.contains(&name) && name != "keys";
    table.retain(|name, _| !declares(name));
    if let Some(Value::Table(keys)) = table.get_mut("keys") {
        keys.retain(|name, value| !(ALGORITHMS.contains(&name) && value.is_table()));
    }
    table
}

/// The leaves of a file by their full names. A table where a value belongs is a leaf too, and fits none.
fn flatten(name: &str, value: &Value, leaves: &mut Vec<(String, Value)>) {
    match value {
        Value::Table(table) if Setting::named(name).is_none() => {
            for (key, value) in table {
                let name = if name.is_empty() {
                    key.clone()
                } else {
                    format!("{name}.{key}")
                };
                flatten(&name, value, leaves);
            }
        }
        value => leaves.push((name.to_owned(), value.clone())),
    }
}

/// `value` under its full name.
fn nested(key: &str, value: Value) -> Table {
    let mut names = key.rsplit('.');
    let mut inner = Table::new();
    inner.insert(names.next().unwrap_or_default().to_owned(), value);
    for name in names {
        let mut outer = Table::new();
        outer.insert(name.to_owned(), Value::Table(inner));
        inner = outer;
    }
    inner
}

fn merge(whole: &mut Table, part: Table) {
    for (key, value) in part {
        match (whole.get_mut(&key), value) {
            (Some(Value::Table(before)), Value::Table(more)) => merge(before, more),
            (_, value) => {
                whole.insert(key, value);
            }
        }
    }
}

fn wrong(setting: &Setting, origin: &Origin, value: &str) -> Failure {
    let Setting { key, .. } = setting;
    let expected = setting.expected();
    // The option of a setting of its own says which one it is.
    let said = match origin {
        Origin::Flag(option) if option != "--set" => {
            format!("{option} must be {expected}, and is {value}")
        }
        origin => format!("{origin}: {key} must be {expected}, and is {value}"),
    };
    Failure::usage("setting_wrong", said)
}

fn unknown(origin: &Origin, key: &str) -> Failure {
    let failure = Failure::usage(
        "setting_unknown",
        format!("{origin}: there is no setting {key}"),
    );
    let section = format!("{key}.");
    let inside: Vec<&str> = SETTINGS
        .iter()
        .map(|setting| setting.key)
        .filter(|known| known.starts_with(&section))
        .collect();
    if !inside.is_empty() {
        return failure.with_hint(format!("{key} is a section, of {}", inside.join(", ")));
    }
    let nearest = SETTINGS
        .iter()
        .map(|setting| (distance(key, setting.key), setting.key))
        .min();
    match nearest {
        Some((apart, known)) if apart <= 3 => failure.with_hint(format!("did you mean {known}?")),
        _ => failure.with_hint("`sealgate settings` lists them"),
    }
}

/// How many letters must be changed, put in or left out to make one of the other (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (line, one) in left.chars().enumerate() {
        let mut diagonal = line;
        row[0] = line + 1;
        for (column, other) in right.iter().enumerate() {
            let changed = diagonal + usize::from(one != *other);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[right.len()]
}
