//! `sealgate routes lock`: writes down what there is, for review.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use clap::Args;
use sealgate_inventory::lock::{self, LOCK_FILE, LockError};
use sealgate_inventory::report::Format;
use sealgate_inventory::{Entry, LockFile};
use serde::Serialize;

use super::changes::Changes;
use super::folder::Folder;
use super::{config, file, lens};
use crate::failure::Failure;
use crate::output::{self, Text};
use crate::screen::clean;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The folder that the application is imported from
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,
    #[command(flatten)]
    at: At,
    #[command(flatten)]
    lens: lens::Options,
    #[command(flatten)]
    config: config::Options,
}

/// Where the lock file is.
#[derive(Debug, Args)]
pub(super) struct At {
    /// The lock file; by default sealgate.routes.toml in the folder
    #[arg(long, value_name = "FILE")]
    lock: Option<PathBuf>,
}

impl At {
    pub(super) fn path(&self, folder: &Folder) -> PathBuf {
        let beside = || folder.root().join(LOCK_FILE);
        self.lock.clone().unwrap_or_else(beside)
    }

    /// As it is told to people.
    pub(super) fn shown(&self, folder: &Folder) -> String {
        match &self.lock {
            Some(file) => file.display().to_string(),
            None => format!("{}{LOCK_FILE}", folder.prefix(Format::Text)),
        }
    }

    /// What it says, if it is there.
    pub(super) fn read(&self, folder: &Folder) -> Result<Option<LockFile>, Failure> {
        let path = self.path(folder);
        let shown = self.shown(folder);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                let said = format!("cannot read {shown}: {error}");
                return Err(Failure::usage("lock_unreadable", said));
            }
        };
        let read = lock::read(&text).map_err(|error| refused(&shown, &error))?;
        Ok(Some(read.with_file(folder.place_of(&path))))
    }
}

fn refused(file: &str, error: &LockError) -> Failure {
    Failure::usage(error.code(), format!("{file}: {error}")).with_hint(error.hint())
}

/// What was written.
#[derive(Serialize)]
struct Written {
    file: String,
    #[serde(flatten)]
    changes: Changes,
    /// The routes that were not seen, and whose blocks stay.
    kept: Vec<String>,
}

pub(super) fn run(arguments: &Arguments, json: bool) -> Result<(), Failure> {
    let folder = Folder::open(&arguments.path)?;
    let config = arguments.config.read(&folder)?;
    // A file that cannot be read is not written over: people have written into it.
    let before = arguments.at.read(&folder)?;
    let inventory = arguments.lens.look(&folder, &config)?;
    // Whoever names applications looked at no others: what was reviewed of those stays.
    let named = arguments.config.named();
    let wanted = |app: &str| named.is_empty() || named.iter().any(|one| one == app);
    let after = lock::renew_only(&inventory, before.as_ref(), &config, wanted);
    let changes = Changes::between(before.as_ref(), &after);
    let kept = lock::kept(&after, &inventory, &config);
    let kept = kept
        .into_iter()
        .filter(|entry| wanted(&entry.app))
        .map(Entry::key);
    let kept: Vec<String> = kept.map(|key| format!("{} {key}", key.app)).collect();
    file::write(&arguments.at.path(&folder), after.to_text().as_bytes())?;
    let written = Written {
        file: arguments.at.shown(&folder),
        changes,
        kept,
    };
    output::print(json, &written, told)
}

/// What stays without having been seen.
fn not_seen(kept: &[String]) -> String {
    let Some((first, more)) = kept.split_first() else {
        return String::new();
    };
    let named = match more.len() {
        0 => clean(first).into_owned(),
        count => format!("{} and {count} more", clean(first)),
    };
    let blocks = match more.len() {
        0 => "1 block of a route that was not seen stays".to_owned(),
        count => format!("{} blocks of routes that were not seen stay", count + 1),
    };
    format!(
        "{blocks} ({named}): the file was written from a look that tells more. Look that way again to renew them: --lens inspect.\n"
    )
}

fn told(written: &Written) -> Text {
    let mut talk = written.changes.text(&written.file);
    let unproven = match written.changes.unproven {
        0 => String::new(),
        1 => "1 route is neither known to be gated nor public: `sealgate routes check` goes on failing for it.\n".to_owned(),
        count => format!("{count} routes are neither known to be gated nor public: `sealgate routes check` goes on failing for them.\n"),
    };
    talk.push_str(&unproven);
    talk.push_str(&not_seen(&written.kept));
    if written.changes.any() {
        talk.push_str("Read the difference before you commit it.\n");
    }
    Text {
        talk,
        ..Text::default()
    }
}
