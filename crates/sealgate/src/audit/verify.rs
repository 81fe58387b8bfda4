//! `sealgate audit verify`: whether every record is as it was written.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::{Path, PathBuf};

use clap::Args;
use sealgate_jose::JwkSet;
use sealgate_server::admin::VerificationView;
use sealgate_server::{Judge, ServeError, verify_database, verify_lines};
use serde_json::Value;

use crate::door::Door;
use crate::failure::Failure;
use crate::output::{self, Text};
use crate::place::Place;
use crate::screen::{self, clean};

/// What every SQLite file begins with.
const DATABASE: &[u8] = b"SQLite format 3\0";

/// A file with a checkpoint or keys is never longer, in bytes.
const SMALL: u64 = 1024 * 1024;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// A database (sealgate.db or a copy of it) or a file of exported records; otherwise the data directory,
    /// which is read and not written, whether or not a server runs on it
    file: Option<PathBuf>,
    /// A checkpoint that was kept elsewhere, as `sealgate audit checkpoint` prints it
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// The public keys of checkpoints, as `sealgate audit checkpoint --json` prints them or as a key set
    /// (RFC 7517); needed for exported records and for a database without its master key
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    #[command(flatten)]
    place: Place,
}

pub(crate) async fn run(arguments: &Arguments, json: bool) -> Result<(), Failure> {
    let external = match &arguments.checkpoint {
        Some(path) => vec![checkpoint(&small(path)?)?],
        None => Vec::new(),
    };
    let keys = match &arguments.keys {
        Some(path) => Judge::of_set(key_set(&small(path)?)?),
        None => Judge::default(),
    };
    let found: VerificationView = match &arguments.file {
        None if arguments.place.elsewhere().is_some() => {
            let door = Door::open(&arguments.place, None).await?;
            let query = [("checkpoint", external.into_iter().next())];
            door.get("/audit/verification", &query).await?
        }
        None => {
            let settings = arguments.place.load(None)?.settings;
            let file = settings.data_dir.join("sealgate.db");
            if !file.exists() {
                return Err(ServeError::NothingThere(settings.data_dir).into());
            }
            verify_database(&file, keys, &external)?.into()
        }
        Some(file) if is_database(file)? => verify_database(file, keys, &external)?.into(),
        Some(file) => {
            let open = || File::open(file).map(BufReader::new);
            let verified = verify_lines(open, &keys, &external);
            verified.map_err(|error| unusable(file, &error))?.into()
        }
    };
    output::print(json, &found, told)?;
    if found.sound {
        Ok(())
    } else {
        Err(Failure::told())
    }
}

fn is_database(path: &Path) -> Result<bool, Failure> {
    let mut beginning = Vec::new();
    let file = File::open(path).map_err(|error| unusable(path, &error))?;
    let read = file.take(DATABASE.len() as u64).read_to_end(&mut beginning);
    read.map_err(|error| unusable(path, &error))?;
    Ok(beginning == DATABASE)
}

fn small(path: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let file = File::open(path).map_err(|error| unusable(path, &error))?;
    let read = file.take(SMALL).read_to_string(&mut text);
    read.map_err(|error| unusable(path, &error))?;
    Ok(text)
}

fn unusable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::usage("file_unusable", format!("{}: {error}", path.display()))
}

/// The checkpoint in a file: by itself, or in what `sealgate audit checkpoint --json` prints.
fn checkpoint(text: &str) -> Result<String, Failure> {
    let text = text.trim();
    if !text.starts_with('{') {
        return Ok(text.to_owned());
    }
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    let told = value["checkpoint"].as_str();
    let told =
        told.ok_or_else(|| Failure::usage("checkpoint_malformed", "the file holds no checkpoint"));
    told.map(str::to_owned)
}

fn key_set(text: &str) -> Result<JwkSet, Failure> {
    serde_json::from_str(text)
        .map_err(|_| Failure::usage("keys_malformed", "the file holds no key set (RFC 7517)"))
}

fn told(found: &VerificationView) -> Text {
    let mut text = output::fields(&[
        (
            "Records",
            format!(
                "{}, number {} to {}",
                found.records, found.first, found.last
            ),
        ),
        (
            "Signed",
            format!(
                "up to number {}, by {} checkpoints",
                found.signed, found.checkpoints
            ),
        ),
        ("Retired", found.retired.to_string()),
        (
            "Head",
            found
                .head
                .map_or_else(|| "none".to_owned(), |hash| hash.to_string()),
        ),
    ]);
    if found.sound {
        text.data.push_str("\nEverything is as it was written.\n");
        return text;
    }
    text.data.push('\n');
    for finding in &found.findings {
        let line = format!("{}: {}\n", finding.kind.as_str(), clean(&finding.detail));
        text.data.push_str(&line);
    }
    let more = found.found.saturating_sub(found.findings.len() as u64);
    if more > 0 {
        let _ = writeln!(text.data, "and {more} more");
    }
    screen::talk("The audit log is not as it was written.\n");
    text
}
