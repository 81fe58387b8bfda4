//! A home for one control plane in a test: its data directory, the binary, and plain HTTP to it.

mod http;
mod seed;
mod tls;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

pub(crate) use http::fetch;
pub(crate) use seed::seed_session;
pub(crate) use tls::Certificate;

/// A command that has ended.
pub(crate) struct Done {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Where a command's stdout goes when nobody gets to read it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sink {
    /// To a disk that is full.
    Full,
    /// To a reader that has gone away.
    Gone,
}

/// A server that has stopped.
pub(crate) struct Stopped {
    pub(crate) status: i32,
    pub(crate) stderr: String,
    pub(crate) took: Duration,
}

/// A directory of its own, with the data directory to be in it.
pub(crate) struct Home {
    dir: tempfile::TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sealgate"));
        for (name, _) in std::env::vars() {
            if name.starts_with("SEALGATE_") {
                command.env_remove(name);
            }
        }
        command
            .args(arguments)
            .env("SEALGATE_DATA_DIR", self.data())
            .current_dir(self.dir.path());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Done {
        self.run_with(arguments, "")
    }

    /// Runs a command to its end with `input` on stdin.
    pub(crate) fn run_with(&self, arguments: &[&str], input: &str) -> Done {
        let mut command = self.command(arguments);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A command that does not read its stdin may be gone already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        Done {
            status: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs a command to its end with these variables set.
    pub(crate) fn run_as(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Done {
        let mut command = self.command(arguments);
        let command = command.envs(variables.iter().copied()).stdin(Stdio::null());
        let output = command.output().unwrap();
        Done {
            status: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs a command to its end, with stdout going where nobody reads it.
    pub(crate) fn run_into(&self, arguments: &[&str], sink: Sink) -> Done {
        let stdout = match sink {
            Sink::Full => {
                let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
                Stdio::from(full.unwrap())
            }
            Sink::Gone => {
                let (reader, writer) = std::io::pipe().unwrap();
                drop(reader);
                Stdio::from(writer)
            }
        };
        let mut command = self.command(arguments);
        let child = command.stdin(Stdio::null()).stdout(stdout);
        let output = child.stderr(Stdio::piped()).spawn().unwrap();
        let output = output.wait_with_output().unwrap();
        Done {
            status: output.status.code().unwrap(),
            stdout: String::new(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs a command that must succeed with `--json`, and reads its document.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let done = self.run(&[arguments, &["--json"]].concat());
        assert_eq!(done.status, 0, "{arguments:?}: {}", done.stderr);
        serde_json::from_str(&done.stdout).unwrap()
    }

    /// Starts the server on a free loopback port.
    pub(crate) fn serve(&self, arguments: &[&str]) -> Server {
        self.serve_at("127.0.0.1:0", arguments)
    }

    /// Starts the server on `address` and waits until it says where it listens.
    pub(crate) fn serve_at(&self, address: &str, arguments: &[&str]) -> Server {
        let mut command =
            self.command(&[&["serve", "--json", "--listen", address], arguments].concat());
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        if line.is_empty() {
            let mut said = String::new();
            stderr.read_to_string(&mut said).unwrap();
            panic!("the server did not start: {said}");
        }
        let announced: Value = serde_json::from_str(&line).unwrap();
        let url = announced["listening"].as_str().unwrap().to_owned();
        Server {
            child,
            stderr: Some(stderr),
            announced,
            url,
        }
    }

    /// A self-signed certificate for 127.0.0.1, with its files in this home.
    pub(crate) fn certificate(&self) -> Certificate {
        Certificate::make(self.dir.path(), "127.0.0.1")
    }

    /// The same for another host, in the same files.
    pub(crate) fn certificate_for(&self, host: &str) -> Certificate {
        Certificate::make(self.dir.path(), host)
    }

    /// Writes a file of that name in this home, beside the data directory.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

/// A running server; killed when dropped.
pub(crate) struct Server {
    child: Child,
    stderr: Option<ChildStderr>,
    /// What it printed when it was ready.
    pub(crate) announced: Value,
    /// The URL it listens on.
    pub(crate) url: String,
}

impl Server {
    /// `host:port`.
    fn authority(&self) -> &str {
        self.url.split_once("://").unwrap().1
    }

    /// Sends SIGTERM and waits for the end.
    pub(crate) fn terminate(self) -> Stopped {
        self.begin_to_stop();
        self.wait()
    }

    /// Sends SIGTERM.
    pub(crate) fn begin_to_stop(&self) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("sh")
                .args(["-c", "kill -TERM \"$0\"", &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Waits for the end.
    pub(crate) fn wait(mut self) -> Stopped {
        let began = jiff::Timestamp::now();
        let mut stderr = String::new();
        self.stderr
            .take()
            .unwrap()
            .read_to_string(&mut stderr)
            .unwrap();
        let status = self.child.wait().unwrap().code().unwrap();
        let took = jiff::Timestamp::now().duration_since(began).unsigned_abs();
        Stopped {
            status,
            stderr,
            took,
        }
    }

    /// Kills it without notice.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
