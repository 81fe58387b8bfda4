//! The running application's own word: a Python child imports it and tells the routes that it really has.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use clap::Args;
use rustix::process::{Pid, Signal, kill_process};
use sealgate_inventory::{Inventory, SCHEMA};
use serde::Deserialize;

use super::folder::Folder;
use super::progress::Line;
use crate::failure::Failure;
use crate::python::{Python, heard};

/// How long importing the application, or starting it, may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// How often it is looked whether it is done.
const BEAT: Duration = Duration::from_millis(100);

/// The module of the package that looks.
const MODULE: &str = "sealgate._inspect";

#[derive(Debug, Default, Args)]
#[group(skip)]
#[expect(
    clippy::doc_markdown,
    reason = "shown in terminals, where backticks are noise"
)]
pub(super) struct Options {
    /// The target is a function that makes the application
    #[arg(long)]
    factory: bool,
    /// Start the application, as a server does, before looking: some add routes then
    #[arg(long)]
    lifespan: bool,
    /// The Python that has the application's packages; by default that of $VIRTUAL_ENV
    #[arg(long, value_name = "FILE")]
    python: Option<PathBuf>,
}

/// What the child answers where it has no inventory.
#[derive(Deserialize)]
struct Fatal {
    fatal: String,
    problem: String,
}

impl Options {
    /// The inventory of the application `target`, imported from `folder`.
    pub(super) fn ask(&self, target: &str, folder: &Folder) -> Result<Inventory, Failure> {
        let python = Python::find(self.python.as_deref())?;
        let mut command = Command::new(absolute(python.path()));
        command.args(["-m", MODULE, target]);
        command.args(self.factory.then_some("--factory"));
        command.args(self.lifespan.then_some("--lifespan"));
        command
            .current_dir(folder.root())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let output = waited_for(command, target).map_err(|error| match error {
            Unheard::Io(error) => {
                let said = format!("cannot run {}: {error}", python.path().display());
                Failure::usage("python_unusable", said)
                    .with_hint("name the Python that has the application's packages: --python FILE")
            }
            Unheard::Late => {
                let seconds = PATIENCE.as_secs();
                let said = format!("importing {target} takes more than {seconds} seconds");
                Failure::usage("routes_inspect_timeout", said).with_hint(
                    "see what it waits for: does it connect to something as it is imported?",
                )
            }
        })?;
        answer(python.path(), &output)
    }
}

/// A file that is named relative to where we are, for a child that is elsewhere. A bare name is looked for on the path.
pub(super) fn absolute(python: &Path) -> PathBuf {
    if python.parent() == Some(Path::new("")) {
        return python.to_owned();
    }
    // Not canonical: a virtual environment's Python is a link, and by its name it knows its packages.
    std::path::absolute(python).unwrap_or_else(|_| python.to_owned())
}

enum Unheard {
    Io(io::Error),
    Late,
}

/// Runs `command` to its end, or to that of our patience.
fn waited_for(mut command: Command, target: &str) -> Result<Output, Unheard> {
    let child = command.spawn().map_err(Unheard::Io)?;
    let pid = Pid::from_raw(child.id().cast_signed());
    let (tell, told) = mpsc::channel();
    thread::spawn(move || tell.send(heard(child)));
    let line = Line::new();
    let mut waited = Duration::ZERO;
    while waited < PATIENCE {
        match told.recv_timeout(BEAT) {
            Ok(output) => return output.map_err(Unheard::Io),
            Err(RecvTimeoutError::Timeout) => waited += BEAT,
            Err(RecvTimeoutError::Disconnected) => break,
        }
        line.say(&format!("importing {target}, {} s", waited.as_secs()));
    }
    if let Some(pid) = pid {
        // It may have ended this moment.
        let _ = kill_process(pid, Signal::KILL);
    }
    Err(Unheard::Late)
}

/// The last line of stdout is the answer: what the application prints goes to stderr.
fn answer(python: &Path, output: &Output) -> Result<Inventory, Failure> {
    let line = output.stdout.rsplit(|byte| *byte == b'\n').nth(1);
    let line = line.unwrap_or_default();
    if let Ok(Fatal { fatal, problem }) = serde_json::from_slice(line) {
        return Err(refused(&fatal, problem));
    }
    if line.is_empty() {
        let errors = String::from_utf8_lossy(&output.stderr);
        let last = errors.lines().rfind(|line| !line.trim().is_empty());
        let last = last.unwrap_or("it said nothing");
        let said = format!(
            "{} cannot look into the application: {last}",
            python.display()
        );
        return Err(Failure::usage("python_unusable", said).with_hint(
            "install the package into it (pip install sealgate), or name another with --python",
        ));
    }
    parsed(line)
}

pub(super) fn refused(fatal: &str, problem: String) -> Failure {
    match fatal {
        "target" => Failure::usage("routes_target_missing", problem).with_hint(
            "name the module and what it calls the application, as in main:app, and with --path the folder that it is imported from",
        ),
        "import" => Failure::usage("routes_import_failed", problem).with_hint(
            "give it the settings and packages that it starts with; its source can be read without: sealgate routes scan",
        ),
        "lifespan" => Failure::usage("routes_start_failed", problem)
            .with_hint("leave out --lifespan to look at it without starting it"),
        _ => Failure::usage("routes_unreadable", problem)
            .with_hint("report this with the versions of FastAPI and Starlette"),
    }
}

/// The inventory in a file, or on stdin if that is `-`.
pub(super) fn from(file: &Path) -> Result<Inventory, Failure> {
    let unread = |error: io::Error| {
        let said = format!("cannot read {}: {error}", file.display());
        Failure::usage("routes_inventory_unreadable", said)
    };
    let bytes = if file == Path::new("-") {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes).map_err(unread)?;
        bytes
    } else {
        fs::read(file).map_err(unread)?
    };
    parsed(&bytes)
}

fn parsed(bytes: &[u8]) -> Result<Inventory, Failure> {
    #[derive(Deserialize)]
    struct Named {
        schema: String,
    }
    // The name comes first: a document of another version need not fit our types.
    if let Ok(Named { schema }) = serde_json::from_slice(bytes)
        && schema != SCHEMA
    {
        let said = format!("the inventory is written as {schema}, and this program reads {SCHEMA}");
        return Err(Failure::usage("routes_schema_unknown", said)
            .with_hint("take the program and the package of the same version"));
    }
    serde_json::from_slice(bytes).map_err(|error| {
        let said = format!("this is no inventory: {error}");
        Failure::usage("routes_inventory_unreadable", said).with_hint(
            "it is made by `python -m sealgate._inspect` or `sealgate routes scan --json`",
        )
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::ExitStatus;

    use super::*;

    fn answered(stdout: &str, stderr: &str) -> String {
        let output = Output {
            status: ExitStatus::from_raw(0),
            stdout: stdout.into(),
            stderr: stderr.into(),
        };
        match answer(Path::new("/env/bin/python"), &output) {
            Ok(inventory) => inventory.target,
            Err(failure) => failure.text(),
        }
    }

    #[test]
    fn the_last_line_is_the_answer() {
        let told = "noise\n{\"schema\": \"sealgate-routes/1\", \"lens\": \"inspect\", \"target\": \"main:app\", \"routes\": []}\n";
        assert_eq!(answered(told, ""), "main:app");
    }

    #[test]
    fn what_stood_in_the_way_is_told_with_the_way_out() {
        for (stdout, stderr, says) in [
            (
                "{\"fatal\": \"target\", \"problem\": \"there is no module x\"}\n",
                "",
                "there is no module x (routes_target_missing)",
            ),
            (
                "{\"fatal\": \"import\", \"problem\": \"KeyError: 'DB'\"}\n",
                "",
                "KeyError: 'DB' (routes_import_failed)",
            ),
            (
                "{\"fatal\": \"framework\", \"problem\": \"odd\"}\n",
                "",
                "odd (routes_unreadable)",
            ),
            (
                "",
                "Traceback\nNo module named sealgate\n\n",
                "No module named sealgate (python_unusable)",
            ),
            (
                "{\"schema\": \"sealgate-routes/9\"}\n",
                "",
                "this program reads sealgate-routes/1 (routes_schema_unknown)",
            ),
            ("[]\n", "", "(routes_inventory_unreadable)"),
        ] {
            let text = answered(stdout, stderr);
            assert!(text.contains(says), "{text}");
            assert!(text.contains("\nhint: "), "{text}");
        }
    }

    #[test]
    fn a_bare_python_is_looked_for_on_the_path_and_others_from_here() {
        assert_eq!(absolute(Path::new("python3")), Path::new("python3"));
        assert!(absolute(Path::new(".venv/bin/python")).is_absolute());
    }
}
