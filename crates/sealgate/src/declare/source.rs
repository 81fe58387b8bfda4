//! The declaring file, with the files that it names.

use std::io::Read as _;
use std::path::Path;

use sealgate_host::{TextsMost, texts};
use sealgate_plan::{Declaration, FILE_LIMIT, ReadError, read as read_text};
use sealgate_policy::cedar::{FILE_BYTES_MOST, FILES_MOST};

use crate::failure::Failure;
use crate::settings::table::SETTINGS;

/// The names in a file that are settings of the control plane: their sections, and each of them.
fn settings() -> Vec<&'static str> {
    let sections = SETTINGS
        .iter()
        .filter_map(|setting| setting.key.split('.').next());
    sections
        .chain(SETTINGS.iter().map(|setting| setting.key))
        .collect()
}

/// What the file declares.
pub(super) fn read(path: &Path) -> Result<Declaration, Failure> {
    let text = text(path)?;
    declaration(path, &text)
}

/// What `text`, which was read from `path`, declares.
pub(super) fn declaration(path: &Path, text: &str) -> Result<Declaration, Failure> {
    let draft = read_text(text, &path.display().to_string(), &settings());
    let draft = draft.map_err(|error| refused(&error))?;
    let folder = path.parent().unwrap_or(Path::new(""));
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
    let (files, locks) = (read(draft.policy_files())?, read(draft.lock_files())?);
    draft.with(files, &locks).map_err(|error| refused(&error))
}

/// The text of a file that is no longer than a declaring file may be.
pub(super) fn text(path: &Path) -> Result<String, Failure> {
    let unreadable = |error: &std::io::Error| {
        let said = format!("cannot read {}: {error}", path.display());
        Failure::usage("file_unreadable", said)
    };
    let file = std::fs::File::open(path).map_err(|error| unreadable(&error))?;
    let mut bytes = Vec::new();
    // A saved plan holds the state and the plan beside it.
    let most = 4 * FILE_LIMIT as u64;
    file.take(most + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(&error))?;
    if bytes.len() as u64 > most {
        let said = format!("{} is longer than a declaring file may be", path.display());
        return Err(Failure::usage("declaration_too_large", said));
    }
    String::from_utf8(bytes).map_err(|_| {
        let said = format!("{} is not text in UTF-8", path.display());
        Failure::usage("file_unreadable", said)
    })
}

fn refused(error: &ReadError) -> Failure {
    Failure::usage(error.code(), error.to_string())
}
