//! The policies that a file declares, with the files that it names.

use std::path::Path;

use sealgate_host::{TextsMost, texts};
use sealgate_policy::cedar::{self, FILE_BYTES_MOST, FILES_MOST, PolicySource};

use crate::failure::Failure;

/// The longest declaring file, in bytes.
const DECLARING_MOST: usize = 1 << 20;

/// The text of the declaring file.
pub(crate) fn text(path: &Path) -> Result<String, Failure> {
    let name = path.display().to_string();
    let folder = Path::new("");
    let most = TextsMost {
        files: 1,
        bytes: DECLARING_MOST,
    };
    let found = texts(folder, std::slice::from_ref(&name), most)
        .map_err(|error| Failure::usage("policy_file_unreadable", error.to_string()))?;
    Ok(found.into_values().next().unwrap_or_default())
}

/// The tables of `text`, which was read from `path`. None of them is understood yet.
pub(crate) fn parsed(text: &str, path: &Path) -> Result<toml::Table, Failure> {
    text.parse::<toml::Table>().map_err(|error| {
        let said = error.to_string();
        let said = said.trim().replace('\n', " ");
        Failure::usage("policy_malformed", format!("{}: {said}", path.display()))
    })
}

/// The declaring file as it is read: its tables, none of which is understood yet.
pub(crate) fn document(path: &Path) -> Result<toml::Table, Failure> {
    parsed(&text(path)?, path)
}

/// What `document`, which was read from `path`, declares of policies, and the files that it names.
pub(crate) fn policies(document: &toml::Table, path: &Path) -> Result<PolicySource, Failure> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let refused = |error: &sealgate_policy::PolicyError| {
        Failure::refused(error.code(), format!("{}: {error}", path.display()))
    };
    let declared = cedar::read(document).map_err(|error| refused(&error))?;
    let most = TextsMost {
        files: FILES_MOST,
        bytes: FILE_BYTES_MOST,
    };
    let read = |names: &[String]| {
        texts(folder, names, most).map_err(|error| {
            Failure::usage("policy_file_unreadable", error.to_string())
                .with_hint(format!("names are relative to {}", path.display()))
        })
    };
    let (files, locks) = (read(&declared.files)?, read(&declared.routes)?);
    declared
        .with(files, &locks)
        .map_err(|error| refused(&error))
}
