//! What the Python that runs the application finds in there before the start.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use tokio::sync::oneshot;

use crate::failure::Failure;
use crate::python::{Python, heard, set};

/// How long importing the application may take before the start goes on without it.
const PATIENCE: Duration = Duration::from_secs(30);

/// The module of the package that looks into the application.
const MODULE: &str = "sealgate._dev";

/// What the application's routes ask for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    pub(super) scopes: Vec<String>,
    pub(super) roles: Vec<String>,
    /// Why that is not known, or what is wrong with the application.
    pub(super) problem: Option<String>,
    /// Whether the start goes on all the same.
    fatal: Option<Fatal>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Fatal {
    Uvicorn,
    Target,
}

/// Begins to import the application and to look what its routes ask for.
pub(super) fn ask(
    python: &Python,
    target: &str,
    environment: Vec<(&'static str, Option<OsString>)>,
) -> Reading {
    let mut command = Command::new(python.path());
    command
        .args(["-m", MODULE, target])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    set(&mut command, environment);
    let (told, answer) = oneshot::channel();
    let python = python.path().to_owned();
    let mut pid = None;
    match command.spawn() {
        Ok(child) => {
            pid = Pid::from_raw(child.id().cast_signed());
            thread::spawn(move || {
                let _ = told.send(heard(child).map_err(|error| error.to_string()));
            });
        }
        Err(error) => {
            let _ = told.send(Err(error.to_string()));
        }
    }
    Reading {
        python,
        pid,
        answer: Some(answer),
    }
}

/// A look into the application that is under way. Dropped, it is broken off.
pub(super) struct Reading {
    python: PathBuf,
    pid: Option<Pid>,
    answer: Option<oneshot::Receiver<Result<Output, String>>>,
}

impl Reading {
    /// What was found.
    pub(super) async fn answer(mut self) -> Result<Asked, Failure> {
        let Some(answer) = self.answer.take() else {
            return Ok(Asked::default());
        };
        let Ok(answer) = tokio::time::timeout(PATIENCE, answer).await else {
            return Ok(Asked {
                problem: Some(format!(
                    "importing the application takes more than {} seconds",
                    PATIENCE.as_secs()
                )),
                ..Asked::default()
            });
        };
        self.pid = None;
        let output = answer.unwrap_or_else(|_| Err("it ended unheard".to_owned()));
        read(&self.python, output)
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        if let Some(pid) = self.pid {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// The last line of stdout is the answer: what the application prints while it is imported goes to
/// stderr.
fn read(python: &Path, output: Result<Output, String>) -> Result<Asked, Failure> {
    let python = python.display();
    let unusable = |said: String| Failure::usage("python_unusable", said);
    let output = output.map_err(|error| {
        unusable(format!("cannot run {python}: {error}"))
            .with_hint("name the Python that has the application's packages: --python FILE")
    })?;
    let line = output.stdout.rsplit(|byte| *byte == b'\n').nth(1);
    let asked: Option<Asked> = line.and_then(|line| serde_json::from_slice(line).ok());
    let Some(asked) = asked else {
        let errors = String::from_utf8_lossy(&output.stderr);
        let last = errors.lines().rfind(|line| !line.trim().is_empty());
        let last = last.unwrap_or("it said nothing");
        return Err(unusable(format!("{python} cannot look into the application: {last}"))
            .with_hint("install the package into it (pip install sealgate uvicorn), or name another with --python"));
    };
    let problem = asked.problem.clone().unwrap_or_default();
    match asked.fatal {
        None => Ok(asked),
        Some(Fatal::Uvicorn) => Err(unusable(format!("{python} has no uvicorn to run the application with"))
            .with_hint("install it (pip install uvicorn), or name another with --python")),
        Some(Fatal::Target) => Err(Failure::usage("dev_target_missing", problem).with_hint(
            "name the module and what it calls the application, as in main:app, from the directory that it is imported from",
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::ExitStatus;

    use super::*;

    fn answered(stdout: &str, stderr: &str) -> Result<Asked, Failure> {
        let output = Output {
            status: ExitStatus::from_raw(0),
            stdout: stdout.into(),
            stderr: stderr.into(),
        };
        read(Path::new("/env/bin/python"), Ok(output))
    }

    #[test]
    fn the_last_line_tells_what_routes_ask_for() {
        let asked = answered("noise\n{\"scopes\": [\"a:read\"], \"roles\": []}\n", "").unwrap();
        assert_eq!(asked.scopes, ["a:read"]);
        assert!(asked.problem.is_none());
        let torn = answered("{\"problem\": \"NameError: x\"}\n", "").unwrap();
        assert_eq!(torn.problem.as_deref(), Some("NameError: x"));
    }

    #[test]
    fn what_is_missing_is_named_with_the_way_out() {
        for (stdout, stderr, says) in [
            (
                "",
                "No module named sealgate._dev\n\n",
                "No module named sealgate._dev",
            ),
            ("{\"fatal\": \"uvicorn\"}\n", "", "pip install uvicorn"),
            (
                "{\"fatal\": \"target\", \"problem\": \"no x\"}\n",
                "",
                "no x (dev_target_missing)",
            ),
        ] {
            let text = answered(stdout, stderr).unwrap_err().text();
            assert!(text.contains(says), "{text}");
        }
    }
}
