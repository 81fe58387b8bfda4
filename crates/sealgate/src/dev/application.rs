//! The application, as a child of this process: started, watched and ended with whatever it started.

use std::ffi::OsString;
use std::fs;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::signal::unix::{self, SignalKind};

use crate::failure::Failure;
use crate::python::{self, Python};

/// How long the application gets to end by itself.
const PATIENCE: Duration = Duration::from_secs(8);

/// How long, in seconds, uvicorn waits for requests that are under way, at a reload too: a stream that
/// never ends must not hold up new code.
const DRAIN: &str = "3";

/// How deep below this process its descendants are looked for.
const DEPTH: usize = 8;

/// uvicorn, with its reloader or without.
pub(super) struct Application {
    child: Child,
    deaths: unix::Signal,
    status: Option<ExitStatus>,
}

impl Application {
    /// Runs uvicorn with `target` at `address`. With `quiet`, stdout is left to us.
    pub(super) fn start(
        python: &Python,
        target: &str,
        address: SocketAddr,
        reload: bool,
        environment: Vec<(&'static str, Option<OsString>)>,
        quiet: bool,
    ) -> Result<Self, Failure> {
        let failed = |error: &io::Error| {
            let said = format!("cannot run {}: {error}", python.path().display());
            Failure::usage("python_unusable", said)
        };
        adopt_orphans();
        // Before the child, so that no death is missed.
        let deaths = unix::signal(SignalKind::child()).map_err(|error| failed(&error))?;
        let mut command = Command::new(python.path());
        // It stays in our process group: a debugger in the application can read from the terminal, and
        // Ctrl-C there is for both.
        command
            .args(["-m", "uvicorn", target])
            .args(["--host", &address.ip().to_string()])
            .args(["--port", &address.port().to_string()])
            .args(["--timeout-graceful-shutdown", DRAIN]);
        if reload {
            command.arg("--reload");
        }
        if quiet {
            command.stdout(Stdio::from(io::stderr()));
        }
        python::set(&mut command, environment);
        let child = command.spawn().map_err(|error| failed(&error))?;
        Ok(Self {
            child,
            deaths,
            status: None,
        })
    }

    /// Waits until it has ended; its exit status.
    pub(super) async fn ended(&mut self) -> ExitStatus {
        loop {
            if let Some(status) = self.status {
                return status;
            }
            match self.child.try_wait() {
                Ok(Some(status)) => self.status = Some(status),
                // Somebody else's death woke us, or nobody's yet.
                Ok(None) => {
                    self.deaths.recv().await;
                }
                // It cannot be waited for, so it is not ours any more.
                Err(_) => self.status = Some(ExitStatus::from_raw(1 << 8)),
            }
        }
    }

    /// Asks it to end, and makes it end when its time is up or when `hurry` comes.
    pub(super) async fn stop(mut self, hurry: impl Future<Output = ()>) {
        if self.status.is_none() {
            self.signal(Signal::TERM);
            tokio::select! {
                _ = self.ended() => {}
                () = tokio::time::sleep(PATIENCE) => {}
                () = hurry => {}
            }
        }
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = Pid::from_raw(self.child.id().cast_signed()) {
            // It may have ended this moment.
            let _ = kill_process(pid, signal);
        }
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        let well = |status: ExitStatus| status.signal().is_none();
        if self.status.is_some_and(well) {
            return;
        }
        // It did not end, or not by itself: then what it started may still have its port.
        if self.status.is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        for pid in descendants(std::process::id(), DEPTH) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// What to say of an application that ended by itself.
pub(super) fn failed(status: ExitStatus) -> Failure {
    let how = match (status.code(), status.signal()) {
        (Some(code), _) => format!("with exit status {code}"),
        (None, Some(signal)) => format!("by signal {signal}"),
        (None, None) => "somehow".to_owned(),
    };
    let said = format!("the application ended {how}, so the control plane was stopped");
    Failure::refused("dev_application_ended", said).with_hint("what it said about it stands above")
}

/// What the reloader started is ours when the reloader was killed.
fn adopt_orphans() {
    #[cfg(target_os = "linux")]
    {
        let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
    }
}

/// The processes below the process `id`, as Linux tells them; elsewhere none.
fn descendants(id: u32, depth: usize) -> Vec<Pid> {
    let mut found = Vec::new();
    let tasks = fs::read_dir(format!("/proc/{id}/task"));
    for task in tasks.into_iter().flatten().flatten() {
        let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        for child in children.split_whitespace().filter_map(|id| id.parse().ok()) {
            if depth > 0 {
                found.extend(descendants(child, depth - 1));
            }
            found.extend(Pid::from_raw(child.cast_signed()));
        }
    }
    found
}
