//! The Python that runs the application, and what it finds in there before the start.

use std::env;
use std::ffi::OsString;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use tokio::sync::oneshot;

use crate::failure::Failure;

/// How long importing the application may take before the start goes on without it.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long the last of what it said may take to get here once it has ended.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// Bytes of stderr that are looked at.
const MOST_HEARD: usize = 1 << 20;

/// The module of the package that looks into the application.
const MODULE: &str = "sealgate._dev";

/// A Python interpreter.
pub(super) struct Python(PathBuf);

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

impl Python {
    /// The one that was named, else that of the virtual environment, else the one that this program was
    /// installed with, else the system's.
    pub(super) fn find(named: Option<&Path>) -> Result<Self, Failure> {
        let own = env::current_exe().ok();
        let beside = own.as_deref().and_then(Path::parent).map(Path::to_owned);
        let active = env::var_os("VIRTUAL_ENV").filter(|folder| !folder.is_empty());
        Self::among(named, active.map(PathBuf::from), beside)
    }

    fn among(
        named: Option<&Path>,
        active: Option<PathBuf>,
        beside: Option<PathBuf>,
    ) -> Result<Self, Failure> {
        if let Some(named) = named {
            // A bare name is looked for on the path.
            let bare = named.parent() == Some(Path::new(""));
            if bare || named.exists() {
                return Ok(Self(named.to_owned()));
            }
            let said = format!("there is no {}", named.display());
            return Err(Failure::usage("python_unusable", said));
        }
        if let Some(active) = active {
            let python = active.join("bin/python");
            if python.exists() {
                return Ok(Self(python));
            }
            let said = format!(
                "VIRTUAL_ENV is {}, which has no bin/python",
                active.display()
            );
            return Err(Failure::usage("python_unusable", said).with_hint(
                "activate an environment that is there, or name the Python: --python FILE",
            ));
        }
        let installed = beside.map(|folder| folder.join("python"));
        let installed = installed.filter(|python| python.exists());
        Ok(Self(installed.unwrap_or_else(|| "python3".into())))
    }

    /// The program.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Begins to import the application and to look what its routes ask for.
    pub(super) fn ask(
        &self,
        target: &str,
        environment: Vec<(&'static str, Option<OsString>)>,
    ) -> Reading {
        let mut command = Command::new(&self.0);
        command
            .args(["-m", MODULE, target])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        set(&mut command, environment);
        let (told, answer) = oneshot::channel();
        let python = self.0.clone();
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
}

/// What `child` said until it ended. What the application started meanwhile may hold its stderr open for as
/// long as it likes, so that the end of that is not waited for.
fn heard(mut child: Child) -> io::Result<Output> {
    let (tell, told) = mpsc::channel();
    if let Some(mut stderr) = child.stderr.take() {
        thread::spawn(move || {
            let mut piece = [0; 4_096];
            while let Ok(length @ 1..) = stderr.read(&mut piece) {
                // Nobody listens any more; but it must not stand still for that.
                let _ = tell.send(piece[..length].to_vec());
            }
        });
    }
    let mut stdout = Vec::new();
    if let Some(mut pipe) = child.stdout.take() {
        pipe.read_to_end(&mut stdout)?;
    }
    let status = child.wait()?;
    let mut stderr = Vec::new();
    while let Ok(piece) = told.recv_timeout(LAST_WORDS) {
        stderr.extend(piece);
        if stderr.len() > MOST_HEARD {
            break;
        }
    }
    Ok(Output {
        status,
        stdout,
        stderr,
    })
}

/// Puts what belongs into the environment of `command`, and takes out what does not.
pub(super) fn set(command: &mut Command, environment: Vec<(&'static str, Option<OsString>)>) {
    for (name, value) in environment {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
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
    fn nobody_waits_for_what_the_application_started() {
        let script = "echo told; echo heard >&2; exec 1>&2; sleep 5 & exit 3";
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        let (tell, told) = mpsc::channel();
        thread::spawn(move || tell.send(heard(child)));
        let output = told.recv_timeout(Duration::from_secs(4)).unwrap().unwrap();
        assert_eq!(output.status.code(), Some(3));
        assert_eq!(
            (output.stdout, output.stderr),
            (b"told\n".to_vec(), b"heard\n".to_vec())
        );
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

    #[test]
    fn a_named_python_counts_before_the_environment_and_that_before_its_neighbour() {
        let folder = tempfile::tempdir().unwrap();
        let bin = folder.path().join("bin");
        std::fs::create_dir(&bin).unwrap();
        std::fs::write(bin.join("python"), "").unwrap();
        let (active, beside) = (Some(folder.path().to_owned()), Some(bin.clone()));
        let found = |named: Option<&Path>, active: &Option<PathBuf>, beside: &Option<PathBuf>| {
            Python::among(named, active.clone(), beside.clone()).map(|python| python.0)
        };
        let bare = Path::new("python3.12");
        assert_eq!(found(Some(bare), &active, &beside).unwrap(), bare);
        assert_eq!(found(None, &active, &None).unwrap(), bin.join("python"));
        assert_eq!(found(None, &None, &beside).unwrap(), bin.join("python"));
        assert_eq!(found(None, &None, &None).unwrap(), Path::new("python3"));
        assert!(found(Some(&bin.join("none")), &active, &beside).is_err());
        assert!(found(None, &Some(bin), &beside).is_err());
    }
}
