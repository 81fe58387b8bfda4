//! A file of the gate's own, for applications whose issuer hands out no policies, and for tests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sealgate_policy::{DOCUMENT_LIMIT, Declaring};

use super::Loaded;
use crate::settings::SettingsError;

const NAME: &str = "SEALGATE_POLICY_FILE";
/// The most files that one name with a `*` may stand for.
const FILES_MOST: usize = 256;

/// What the file at `path` declares of mappings and policies. It is read once, when the gate begins.
///
/// # Errors
/// If it, or a file that it names, cannot be read or decided by.
pub(crate) fn load(path: &Path) -> Result<Loaded, SettingsError> {
    let declaring = Declaring::read(&text(path)?).map_err(|error| bad(path, &error))?;
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    let files = texts(folder, declaring.files())?;
    let locks = texts(folder, declaring.routes())?;
    let document = declaring.with(files, &locks).map_err(|e| bad(path, &e))?;
    Loaded::of_file(document.mapping, &document.policies).map_err(|error| bad(path, &error))
}

/// The text of each file that `names` stand for, by its name as it is written there.
fn texts(folder: &Path, names: &[String]) -> Result<BTreeMap<String, String>, SettingsError> {
    let mut texts = BTreeMap::new();
    for name in names {
        let found = named(folder, name)?;
        if found.is_empty() {
            return Err(problem(&folder.join(name), "there is no such file"));
        }
        for (name, path) in found {
            texts.insert(name, text(&path)?);
        }
    }
    Ok(texts)
}

/// The files that `name` stands for: one, or in its last part with one `*`, all that fit.
fn named(folder: &Path, name: &str) -> Result<Vec<(String, PathBuf)>, SettingsError> {
    let (within, last) = name.rsplit_once('/').unwrap_or(("", name));
    let place = folder.join(within);
    if within.contains('*') || last.matches('*').count() > 1 {
        let what = "one `*` in the last part of a file's name is understood, and no more";
        return Err(problem(&place.join(last), what));
    }
    let Some((before, after)) = last.split_once('*') else {
        return Ok(vec![(name.to_owned(), folder.join(name))]);
    };
    let unreadable = |error: std::io::Error| problem(&place, &format!("cannot be read: {error}"));
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&place).map_err(unreadable)? {
        let Ok(file) = entry.map_err(unreadable)?.file_name().into_string() else {
            continue;
        };
        let fits = file.len() >= before.len() + after.len()
            && file.starts_with(before)
            && file.ends_with(after);
        if fits {
            let name = Path::new(within).join(&file);
            found.push((name.to_string_lossy().into_owned(), place.join(&file)));
        }
        if found.len() > FILES_MOST {
            return Err(problem(&place, "too many files fit that name"));
        }
    }
    found.sort();
    Ok(found)
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
    fn one_star_in_the_last_part_of_a_name_stands_for_all_files_that_fit() {
        let files = [
            "policies/a.cedar",
            "policies/b.cedar",
            "policies/c.txt",
            "policies/.cedar",
        ];
        let (place, _) = place("", &files);
        let found = |name: &str| -> Vec<String> {
            let found = named(place.path(), name).unwrap();
            found.into_iter().map(|(name, _)| name).collect()
        };
        assert_eq!(
            found("policies/*.cedar"),
            ["policies/.cedar", "policies/a.cedar", "policies/b.cedar"]
        );
        assert_eq!(found("policies/a*"), ["policies/a.cedar"]);
        assert_eq!(found("policies/c.txt"), ["policies/c.txt"]);
        for odd in ["*/a.cedar", "policies/*.*", "nowhere/*.cedar"] {
            assert!(named(place.path(), odd).is_err(), "{odd}");
        }
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
            (
                "[policy]\nfiles = ['policies/*.txt']\n",
                "there is no such file",
            ),
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
