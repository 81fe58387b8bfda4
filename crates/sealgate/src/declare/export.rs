//! `sealgate export`: what there is, as a file that declares it.

use std::io::Write as _;
use std::path::{Component, Path, PathBuf};

use clap::Args;
use sealgate_plan::{DEFAULT_NAME, Written, is_name, write};
use sealgate_server::admin::StateView;
use serde::Serialize;

use crate::door::Door;
use crate::failure::Failure;
use crate::output::{self, Text};
use crate::place::Place;

/// The declaring file in the folder that is written to.
const FILE: &str = "sealgate-state.toml";

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Write sealgate-state.toml and the files with policies into this folder, where none of them is yet
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// The name that the file declares all of it under
    #[arg(long, value_name = "NAME", default_value = DEFAULT_NAME)]
    name: String,
    #[command(flatten)]
    place: Place,
}

/// What a program is told.
#[derive(Serialize)]
struct Exported {
    /// The declaring file.
    text: String,
    /// The files that it names.
    files: std::collections::BTreeMap<String, String>,
    /// What was written where.
    written: Vec<PathBuf>,
}

pub(crate) async fn run(arguments: Arguments, json: bool) -> Result<(), Failure> {
    if !is_name(&arguments.name) {
        let said = "a declaration's name is 1 to 64 of A-Z a-z 0-9 - _ .";
        return Err(Failure::usage("declaration_malformed", said));
    }
    let door = Door::open(&arguments.place, None).await?;
    let view: StateView = door.get("/state", &[]).await?;
    let Written { text, files } = write(&view.state, &arguments.name);
    let mut written = Vec::new();
    if let Some(folder) = &arguments.folder {
        let mut all = vec![(FILE, &text)];
        all.extend(files.iter().map(|(name, text)| (name.as_str(), text)));
        // Looked at before anything is written.
        let places = all.iter().map(|(name, _)| place(folder, name));
        let places = places.collect::<Result<Vec<_>, _>>()?;
        for (path, (_, text)) in places.iter().zip(&all) {
            keep(path, text)?;
        }
        written = places;
    }
    let exported = Exported {
        text,
        files,
        written,
    };
    output::print(json, &exported, told)
}

fn told(exported: &Exported) -> Text {
    if exported.written.is_empty() {
        let talk = match exported.files.len() {
            0 => String::new(),
            count => format!("The {count} files that it names are written with --folder DIR.\n"),
        };
        let data = exported.text.clone();
        return Text { data, talk };
    }
    let lines = exported.written.iter();
    Text {
        data: lines
            .flat_map(|path| [path.display().to_string(), "\n".to_owned()])
            .collect(),
        ..Text::default()
    }
}

/// Where a file goes: below the folder and nowhere else, whatever its name says.
fn place(folder: &Path, name: &str) -> Result<PathBuf, Failure> {
    let relative = Path::new(name);
    let plain = |part: Component<'_>| matches!(part, Component::Normal(_));
    if !relative.components().all(plain) || name.chars().any(char::is_control) {
        let said = format!("{name:?} is no name of a file below a folder");
        return Err(Failure::refused("file_name_refused", said));
    }
    let path = folder.join(relative);
    if path.exists() {
        let said = format!("{} is there already", path.display());
        return Err(Failure::refused("file_exists", said).with_hint("name an empty folder"));
    }
    Ok(path)
}

fn keep(path: &Path, text: &str) -> Result<(), Failure> {
    let unwritable = |error: &std::io::Error| {
        let said = format!("cannot write {}: {error}", path.display());
        Failure::usage("file_unwritable", said)
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| unwritable(&error))?;
    }
    let file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| unwritable(&error))
}
