//! The Python that has an application's packages, and what it says when it is asked something.

use std::env;
use std::ffi::OsString;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::failure::Failure;

/// How long the last of what it said may take to get here once it has ended.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// Bytes of stderr that are looked at.
const MOST_HEARD: usize = 1 << 20;

/// A Python interpreter.
pub(crate) struct Python(PathBuf);

impl Python {
    /// The one that was named, else that of the virtual environment, else the one that this program was
    /// installed with, else the system's.
    pub(crate) fn find(named: Option<&Path>) -> Result<Self, Failure> {
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
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

/// What `child` said until it ended. What the application started meanwhile may hold its stderr open for as
/// long as it likes, so that the end of that is not waited for.
pub(crate) fn heard(mut child: Child) -> io::Result<Output> {
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
pub(crate) fn set(command: &mut Command, environment: Vec<(&'static str, Option<OsString>)>) {
    for (name, value) in environment {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use super::*;

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
