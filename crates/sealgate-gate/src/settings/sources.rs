//! Where settings come from: the environment, a file below it, files of secrets, or a program's own
//! arguments. Each value keeps where it was set, so that whoever set it is told.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use sealgate_model::Secret;

use super::env_file::{self, MOST_BYTES};
use super::error::{Found, Origin};
use super::names::{NAMES, PATHS, SECRETS};
use super::{Settings, SettingsError};

/// The values of settings, and where each was set.
pub struct Sources {
    values: BTreeMap<String, (Secret, Origin)>,
    /// The places that were looked at, in words.
    places: String,
}

impl Sources {
    /// The environment of this process, and `file` if one is named; see [`Sources::environment`].
    pub fn of_process(file: Option<&Path>) -> Result<Self, SettingsError> {
        Self::environment(&|name| std::env::var_os(name).map(told), file, &beginning)
    }

    /// Looks into the environment, by `variable`, and for what is not set there into `file`, if one is
    /// named and there. `read` gives a file's content, and is asked for no more than it needs.
    ///
    /// Fails if `file` cannot be understood, and if a secret is set twice in one place or its file
    /// cannot be read.
    pub fn environment(
        variable: &dyn Fn(&str) -> Option<String>,
        file: Option<&Path>,
        read: &dyn Fn(&Path) -> io::Result<Vec<u8>>,
    ) -> Result<Self, SettingsError> {
        let mut set = BTreeMap::new();
        let files = SECRETS.into_iter().map(|(_, file)| file);
        for name in NAMES.into_iter().chain(files) {
            // An empty value is one that is not set.
            let value = variable(name).filter(|value| !value.trim().is_empty());
            if let Some(value) = value {
                set.insert(name, (Secret::new(value), Origin::Environment));
            }
        }
        let mut sources = Self {
            values: resolved(set, read)?,
            places: "the environment".to_owned(),
        };
        if let Some(file) = file {
            sources.add_file(file, read)?;
        }
        Ok(sources)
    }

    /// Takes the arguments of a program, by the names of the environment, with the argument's own.
    /// `of` tells where the program gives them, as in `Gate(...) at app.py:12`.
    pub fn arguments(given: impl IntoIterator<Item = (String, String)>, of: Option<&str>) -> Self {
        let of = of.unwrap_or("Gate(...)");
        let values = given.into_iter().map(|(name, value)| {
            let setting = format!("{}{}", super::names::PREFIX, name.to_ascii_uppercase());
            let origin = Origin::Argument {
                name,
                of: of.to_owned(),
            };
            (setting, (Secret::new(value), origin))
        });
        Self {
            values: values.collect(),
            places: of.to_owned(),
        }
    }

    fn add_file(
        &mut self,
        file: &Path,
        read: &dyn Fn(&Path) -> io::Result<Vec<u8>>,
    ) -> Result<(), SettingsError> {
        let unreadable = |problem: String| {
            SettingsError::new(
                file.display().to_string(),
                format!("cannot be read: {problem}"),
            )
        };
        let bytes = match read(file) {
            Ok(bytes) => bytes,
            // Where everything is in the environment nobody needs the file.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.places = format!("{} and {}, which is not there", self.places, file.display());
                return Ok(());
            }
            Err(error) => return Err(unreadable(error.to_string())),
        };
        if bytes.len() > MOST_BYTES {
            return Err(unreadable(format!("it has more than {MOST_BYTES} bytes")));
        }
        let text =
            String::from_utf8(bytes).map_err(|_| unreadable("it is not UTF-8".to_owned()))?;
        let at = |line| Origin::Line {
            file: file.to_owned(),
            line,
        };
        let lines = env_file::parse(&text).map_err(|wrong| {
            SettingsError::new(wrong.name, wrong.problem).found(Found::At(at(wrong.number)))
        })?;
        let folder = file.parent().unwrap_or(Path::new(""));
        let mut set = BTreeMap::new();
        for line in lines {
            if line.value.expose().trim().is_empty() {
                continue;
            }
            let value = if PATHS.contains(&line.name) {
                let path = folder.join(line.value.expose());
                Secret::new(path.display().to_string())
            } else {
                line.value
            };
            set.insert(line.name, (value, at(line.number)));
        }
        for (name, by) in SECRETS {
            // What the environment says stands: then the file that nobody needs need not be there.
            if self.values.contains_key(name) {
                set.remove(name);
                set.remove(by);
            }
        }
        for (name, found) in resolved(set, read)? {
            self.values.entry(name).or_insert(found);
        }
        self.places = format!("{} and {}", self.places, file.display());
        Ok(())
    }

    fn value(&self, name: &str) -> Option<String> {
        let (value, _) = self.values.get(name)?;
        Some(value.expose().to_owned())
    }

    /// The settings that these make.
    pub fn settings(&self) -> Result<Settings, SettingsError> {
        let made = Settings::from_lookup(|name| self.value(name));
        made.map_err(|error| self.explain(error))
    }

    /// `error` with where its setting was set.
    pub fn explain(&self, error: SettingsError) -> SettingsError {
        let found = match self.values.get(error.name()) {
            Some((_, origin)) => Found::At(origin.clone()),
            None => Found::Nowhere(self.places.clone()),
        };
        error.found(found)
    }
}

/// A variable as text. What is none has a replacement character in it, which no setting takes: to pass for
/// one that is not set, it would fall back to a default.
fn told(value: OsString) -> String {
    let text = value.into_string();
    text.unwrap_or_else(|value| value.to_string_lossy().into_owned())
}

/// What a file begins with: one byte more than may be, so that too many show.
fn beginning(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX);
    File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

type Values<Name> = BTreeMap<Name, (Secret, Origin)>;

/// The same values, with the content of their files for the secrets that have one.
fn resolved(
    mut set: Values<&'static str>,
    read: &dyn Fn(&Path) -> io::Result<Vec<u8>>,
) -> Result<Values<String>, SettingsError> {
    for (name, by) in SECRETS {
        let Some((path, at)) = set.remove(by) else {
            continue;
        };
        if set.contains_key(name) {
            let problem = format!("and {name} are both set: keep one");
            return Err(SettingsError::new(by, problem).found(Found::At(at)));
        }
        let path = PathBuf::from(path.expose().trim());
        let wrong = |problem: String| {
            let problem = format!("names {}, which {problem}", path.display());
            SettingsError::new(by, problem).found(Found::At(at.clone()))
        };
        let bytes = read(&path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
        if bytes.len() > MOST_BYTES {
            return Err(wrong(format!("has more than {MOST_BYTES} bytes")));
        }
        let text = String::from_utf8(bytes).map_err(|_| wrong("is not UTF-8".to_owned()))?;
        let text = Secret::new(text);
        if text.expose().trim().is_empty() {
            return Err(wrong("is empty".to_owned()));
        }
        let origin = Origin::File {
            file: path,
            by,
            at: Box::new(at),
        };
        set.insert(name, (Secret::new(text.expose().trim()), origin));
    }
    let named = |(name, value): (&str, _)| (name.to_owned(), value);
    Ok(set.into_iter().map(named).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::{GOOD, KEY};

    fn files(
        found: &'static [(&'static str, &'static str)],
    ) -> impl Fn(&Path) -> io::Result<Vec<u8>> {
        move |path| {
            let file = found.iter().find(|(name, _)| Path::new(name) == path);
            let text = file.ok_or(io::Error::from(io::ErrorKind::NotFound))?;
            Ok(text.1.as_bytes().to_vec())
        }
    }

    fn made(
        environment: &[(&str, &str)],
        found: &'static [(&'static str, &'static str)],
    ) -> Result<Settings, SettingsError> {
        let variable = |name: &str| {
            let value = environment.iter().find(|(known, _)| *known == name);
            value.map(|(_, value)| (*value).to_owned())
        };
        let file = Some(Path::new("app/.env"));
        Sources::environment(&variable, file, &files(found))?.settings()
    }

    fn but(change: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
        let kept = GOOD
            .into_iter()
            .filter(|(name, _)| change.iter().all(|(other, _)| other != name));
        kept.chain(change.iter().copied())
            .filter(|(_, value)| !value.is_empty())
            .collect()
    }

    const FILE: &[(&str, &str)] = &[(
        "app/.env",
        "SEALGATE_ISSUER=https://file.example\n\nSEALGATE_STALENESS_BOUND=x\nSEALGATE_SCOPES=''\n",
    )];

    #[test]
    fn the_environment_counts_before_the_file() {
        let set = but(&[("SEALGATE_STALENESS_BOUND", "7")]);
        let settings = made(&set, FILE).unwrap();
        assert_eq!(settings.issuer.as_str(), "https://id.example");
        assert_eq!(settings.staleness_bound.as_secs(), 7);
        let fallen_back = but(&[("SEALGATE_ISSUER", ""), ("SEALGATE_STALENESS_BOUND", "7")]);
        let settings = made(&fallen_back, FILE).unwrap();
        assert_eq!(settings.issuer.as_str(), "https://file.example");
    }

    #[cfg(unix)]
    #[test]
    fn a_variable_that_is_no_text_does_not_pass_for_one_that_is_not_set() {
        use std::os::unix::ffi::OsStringExt as _;
        assert_eq!(told("deny".into()), "deny");
        let wrong = told(OsString::from_vec(b"deny\xff".to_vec()));
        for name in super::super::names::NAMES {
            let others = GOOD.into_iter().filter(|(known, _)| *known != name);
            let set: Vec<_> = others.chain([(name, wrong.as_str())]).collect();
            if !matches!(
                name,
                "SEALGATE_CLIENT_SECRET" | "SEALGATE_AUTHORITY_FILE" | "SEALGATE_POLICY_FILE"
            ) {
                assert_eq!(made(&set, &[]).unwrap_err().name(), name);
            }
        }
    }

    #[test]
    fn an_error_says_where_the_setting_was_set() {
        let set_there = but(&[("SEALGATE_UNMARKED", "open")]);
        let cases = [
            (made(&GOOD, FILE), "(set in app/.env, line 3)"),
            (made(&set_there, &[]), "`deny` (set in the environment)"),
            (
                made(&[], &[]),
                "SEALGATE_ISSUER is not set: the control plane's URL (looked in the environment and app/.env, which is not there)",
            ),
        ];
        for (outcome, says) in cases {
            let said = outcome.unwrap_err().to_string();
            assert!(said.ends_with(says), "{said}");
        }
        let given = [("issuer".to_owned(), "id.example".to_owned())];
        let sources = Sources::arguments(given, Some("Gate(...) at app.py:12"));
        let said = sources.settings().unwrap_err().to_string();
        assert!(
            said.ends_with("(set by issuer=… in Gate(...) at app.py:12)"),
            "{said}"
        );
    }

    #[test]
    fn secrets_come_from_files_of_their_own() {
        let secret = ("SEALGATE_CLIENT_SECRET", "");
        let by_file = but(&[secret, ("SEALGATE_CLIENT_SECRET_FILE", "/run/secret")]);
        let settings = made(&by_file, &[("/run/secret", "s3cret-s3cret\n")]).unwrap();
        assert_eq!(settings.client_secret.expose(), "s3cret-s3cret");

        // In a settings file the path is relative to it, and the environment counts before both.
        let in_file: &[_] = &[
            ("app/.env", "SEALGATE_SEAL_KEYS_FILE=keys"),
            ("app/keys", KEY),
        ];
        made(&but(&[("SEALGATE_SEAL_KEYS", "")]), in_file).unwrap();
        made(&GOOD, in_file).unwrap();
        made(&GOOD, &[("app/.env", "SEALGATE_SEAL_KEYS_FILE=none")]).unwrap();
    }

    #[test]
    fn a_secrets_file_that_is_no_help_is_named_and_never_shown() {
        let by_file = [
            ("SEALGATE_SEAL_KEYS", ""),
            ("SEALGATE_SEAL_KEYS_FILE", "/run/keys"),
        ];
        let by_file = but(&by_file);
        let twice = but(&[("SEALGATE_SEAL_KEYS_FILE", "/run/keys")]);
        let cases: [(_, &'static [_], _); 4] = [
            (
                &twice,
                &[],
                "SEALGATE_SEAL_KEYS_FILE and SEALGATE_SEAL_KEYS are both set",
            ),
            (&by_file, &[], "/run/keys, which cannot be read"),
            (&by_file, &[("/run/keys", " \n")], "which is empty"),
            (
                &by_file,
                &[("/run/keys", "hunter2")],
                "(set in /run/keys, which SEALGATE_SEAL_KEYS_FILE names, set in the environment)",
            ),
        ];
        for (set, found, says) in cases {
            let said = made(set, found).unwrap_err().to_string();
            assert!(said.contains(says), "{said}");
            assert!(!said.contains("hunter2"));
        }
    }

    #[test]
    fn a_line_that_is_refused_is_named() {
        let said = made(&GOOD, &[("app/.env", "\nSEALGATE_ISUER=x")])
            .unwrap_err()
            .to_string();
        assert_eq!(
            said,
            "SEALGATE_ISUER is no setting of the gate: did you mean SEALGATE_ISSUER? (set in app/.env, line 2)"
        );
    }
}
