//! What people say of their routes: in `pyproject.toml` or a file of its own, and on the command line.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clap::Args;
use sealgate_inventory::Config;
use sealgate_inventory::config::{ConfigError, NamedGate};

use super::folder::Folder;
use crate::failure::Failure;

/// The file that projects are described in.
const PYPROJECT: &str = "pyproject.toml";

#[derive(Debug, Default, Args)]
#[group(skip)]
pub(super) struct Options {
    /// The configuration; by default [tool.sealgate.routes] in the pyproject.toml of the folder or of one above it,
    /// up to the root of the repository
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Only this application, as in `main:app`; repeat for more
    #[arg(long = "app", value_name = "MODULE:NAME")]
    apps: Vec<String>,
    /// A callable that is a gate whatever it looks like inside, as in `app.auth:get_user`; repeat for more
    #[arg(long = "gate", value_name = "MODULE:NAME")]
    gates: Vec<String>,
    /// Files that are not read, as in `examples/**`; repeat for more
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
}

impl Options {
    /// The applications that the command line names.
    pub(super) fn named(&self) -> &[String] {
        &self.apps
    }

    /// The configuration for `folder`, with what the command line says on top.
    pub(super) fn read(&self, folder: &Folder) -> Result<Config, Failure> {
        let mut config = match &self.config {
            Some(file) => from_file(file, folder)?,
            None => discovered(folder)?,
        };
        if !self.apps.is_empty() {
            config.apps.clone_from(&self.apps);
        }
        for name in &self.gates {
            if !name.contains(':') {
                let said = format!("the gate {name} is not named by its module");
                return Err(Failure::usage("config_gate_name", said)
                    .with_hint("write the module, a colon, and the name: app.auth:get_user"));
            }
            config.not_gates.remove(name);
            if config.named_gate(name).is_none() {
                config.gates.push(NamedGate {
                    name: name.clone(),
                    strength: None,
                });
            }
        }
        config.exclude.extend(self.exclude.iter().cloned());
        Ok(config)
    }
}

fn from_file(file: &Path, folder: &Folder) -> Result<Config, Failure> {
    let text = fs::read_to_string(file).map_err(|error| {
        let said = format!("cannot read {}: {error}", file.display());
        Failure::usage("config_unreadable", said)
    })?;
    parsed(file, &text, folder)
}

/// The nearest `pyproject.toml` that says something of routes.
fn discovered(folder: &Folder) -> Result<Config, Failure> {
    for above in folder.upwards() {
        let file = above.join(PYPROJECT);
        let text = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => {
                let said = format!("cannot read {}: {error}", file.display());
                return Err(Failure::usage("config_unreadable", said));
            }
        };
        if text.contains("sealgate") {
            let config = parsed(&file, &text, folder)?;
            let silent = Config::default().with_file(config.file.clone().unwrap_or_default());
            if config != silent {
                return Ok(config);
            }
        }
    }
    Ok(Config::default())
}

fn parsed(file: &Path, text: &str, folder: &Folder) -> Result<Config, Failure> {
    let config = if file.file_name().is_some_and(|name| name == PYPROJECT) {
        Config::from_pyproject(text)
    } else {
        Config::from_text(text)
    };
    let config = config.map_err(|error| refused(file, &error))?;
    Ok(config.with_file(folder.place_of(file)))
}

fn refused(file: &Path, error: &ConfigError) -> Failure {
    Failure::usage(error.code(), format!("{}: {error}", file.display())).with_hint(error.hint())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join(".git")).unwrap();
        fs::create_dir_all(folder.path().join("api/src")).unwrap();
        fs::write(
            folder.path().join(PYPROJECT),
            "[tool.sealgate.routes]\napps = [\"main:app\"]\ngates = [\"auth:user\"]\n",
        )
        .unwrap();
        fs::write(
            folder.path().join("api").join(PYPROJECT),
            "[project]\nname = \"sealgate-user\"\n",
        )
        .unwrap();
        folder
    }

    #[test]
    fn the_nearest_file_that_says_something_counts() {
        let project = project();
        let folder = Folder::open(&project.path().join("api/src")).unwrap();
        let config = Options::default().read(&folder).unwrap();
        assert_eq!(config.apps, ["main:app"]);
        assert_eq!(config.file.as_deref(), Some("../../pyproject.toml"));
    }

    #[test]
    fn the_command_line_has_the_last_word() {
        let project = project();
        let folder = Folder::open(project.path()).unwrap();
        let options = Options {
            apps: vec!["other:app".to_owned()],
            gates: vec!["auth:user".to_owned(), "auth:admin".to_owned()],
            exclude: vec!["old/**".to_owned()],
            ..Options::default()
        };
        let config = options.read(&folder).unwrap();
        assert_eq!(config.apps, ["other:app"]);
        let gates: Vec<&str> = config.gates.iter().map(|gate| gate.name.as_str()).collect();
        assert_eq!(gates, ["auth:user", "auth:admin"]);
        assert_eq!(config.exclude, ["old/**"]);
    }

    #[test]
    fn what_is_wrong_with_it_is_told_with_its_file() {
        let project = project();
        fs::write(project.path().join("routes.toml"), "gate = 1\n").unwrap();
        let folder = Folder::open(project.path()).unwrap();
        let options = |file: &str| Options {
            config: Some(project.path().join(file)),
            ..Options::default()
        };
        let text = options("routes.toml").read(&folder).unwrap_err().text();
        assert!(
            text.contains("routes.toml: ") && text.contains("(config_syntax)"),
            "{text}"
        );
        let text = options("none.toml").read(&folder).unwrap_err().text();
        assert!(text.contains("(config_unreadable)"), "{text}");
        let bare = Options {
            gates: vec!["get_user".to_owned()],
            ..Options::default()
        };
        assert!(
            bare.read(&folder)
                .unwrap_err()
                .text()
                .contains("(config_gate_name)")
        );
    }
}
