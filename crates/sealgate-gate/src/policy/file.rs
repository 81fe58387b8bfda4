//! A file of the gate's own, for applications whose issuer hands out no policies, and for tests.

use std::collections::BTreeMap;
use std::path::Path;

use sealgate_host::{TextsMost, texts};
use sealgate_policy::cedar::{FILE_BYTES_MOST, FILES_MOST};
use sealgate_policy::{DOCUMENT_LIMIT, Declaring};

use super::Loaded;
use crate::settings::SettingsError;

const NAME: &str = "SEALGATE_POLICY_FILE";

/// What the file at `path` declares of mappings and policies. It is read once, when the gate begins.
///
/// # Errors
/// If it, or a file that it names, cannot be read or decided by.
pub(crate) fn load(path: &Path) -> Result<Loaded, SettingsError> {
    let declaring = Declaring::read(&text(path)?).map_err(|error| bad(path, &error))?;
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    let files = named(folder, declaring.files())?;
    let locks = named(folder, declaring.routes())?;
    let document = declaring.with(files, &locks).map_err(|e| bad(path, &e))?;
    Loaded::of_file(document.mapping, &document.policies).map_err(|error| bad(path, &error))
}

/// The text of each file that `names` stand for, by its name as it is written there: the same that `sealgate policy
/// check` and `sealgate apply` read.
fn named(folder: &Path, names: &[String]) -> Result<BTreeMap<String, String>, SettingsError> {
    let most = TextsMost {
        files: FILES_MOST,
        bytes: FILE_BYTES_MOST,
    };
    texts(folder, names, most).map_err(|error| bad(folder, &error))
}

fn text(path: &Path) -> Result<String, SettingsError> {
    let unreadable = |error: std::io::Error| problem(path, &format!("cannot be read: {error}"));
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    if size > DOCUMENT_LIMIT as u64 {
        return Err(problem(path, "is too long"));
    }
    std::fs::read_to_string(path).map_err(unreadable)
}

fn bad(path: &Path, error: &dyn std::fmt::Display) -> SettingsError {
    problem(path, &error.to_string())
}

fn problem(path: &Path, what: &str) -> SettingsError {
    SettingsError::new(NAME, format!("cannot be used: {}: {what}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use tempfile::TempDir;

    use super::*;

    const CEDAR: &str =
        "@id(\"list\")\npermit (principal, action == Action::\"things.read\", resource);\n";

    fn place(declared: &str, files: &[&str]) -> (TempDir, PathBuf) {
        let place = TempDir::new().unwrap();
        fs::create_dir(place.path().join("policies")).unwrap();
        for file in files {
            fs::write(place.path().join(file), CEDAR.replace("list", file)).unwrap();
        }
        let path = place.path().join("sealgate.toml");
        fs::write(&path, declared).unwrap();
        (place, path)
    }

    #[test]
    fn what_cannot_be_decided_by_is_refused_at_the_start_with_the_name_of_the_file() {
        let files = ["policies/a.cedar"];
        let (_place, path) = place(
            "[policy]\nfiles = ['policies/*.cedar']\n[policy.actions]\n'things.read' = {}\n",
            &files,
        );
        let loaded = load(&path).unwrap();
        assert!(loaded.is_own());
        assert_eq!((loaded.version, loaded.policies.count()), (0, 1));
        for (declared, told) in [
            ("[policy]\nfiles = ['policies/x.cedar']\n", "x.cedar"),
            ("[policy]\nfiles = ['policies/*.txt']\n", "names no file"),
            ("[policy]\nrules = 1\n", "sealgate.toml"),
            ("[[mapping]]\nwhen = 1\n", "sealgate.toml"),
            ("no toml", "sealgate.toml"),
        ] {
            let (_place, path) = place(declared, &files);
            let error = load(&path).err().unwrap();
            assert_eq!(error.name(), NAME);
            assert!(error.to_string().contains(told), "{error}");
        }
        assert!(load(Path::new("/nowhere/sealgate.toml")).is_err());
    }
}
