//! The child's process, and who waits for which answer.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::process::{ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use sealgate_probe::Answer;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::Start;
use crate::python::Python;

/// The module of the package that asks.
const MODULE: &str = "sealgate._probe";

/// How long the application may take to stop before it is ended.
const STOP: Duration = Duration::from_secs(8);

/// Bytes of its last words that are kept.
const WORDS: usize = 4_096;

/// Nothing was heard: the process has ended.
pub(super) struct Unheard;

type Waiting = Arc<Mutex<Option<HashMap<usize, oneshot::Sender<Answer>>>>>;

/// The child's process.
pub(super) struct Process {
    pid: Option<Pid>,
    /// Lines for its stdin; none once it was told to stop.
    lines: Mutex<Option<mpsc::Sender<Vec<u8>>>>,
    next: AtomicUsize,
    /// Who waits for which answer; none once it has ended.
    waiting: Waiting,
    first: Option<oneshot::Receiver<String>>,
    ended: Mutex<Option<oneshot::Receiver<()>>>,
    words: Arc<Mutex<Vec<u8>>>,
}

#[derive(Serialize)]
struct Numbered<'a, T> {
    id: usize,
    #[serde(flatten)]
    asked: &'a T,
}

#[derive(Deserialize)]
struct Answered {
    id: usize,
    #[serde(flatten)]
    answer: Answer,
}

impl Process {
    pub(super) fn start(python: &Python, start: &Start) -> std::io::Result<Self> {
        let mut command = Command::new(crate::routes::live::absolute(python.path()));
        command.args(["-m", MODULE, &start.target]);
        command.args(start.factory.then_some("--factory"));
        command.args((!start.lifespan).then_some("--no-lifespan"));
        let mut child = command
            .current_dir(&start.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (lines, to_write) = mpsc::channel();
        let (tell_first, first) = oneshot::channel();
        let (tell_end, ended) = oneshot::channel();
        let waiting: Waiting = Arc::new(Mutex::new(Some(HashMap::new())));
        let words = Arc::new(Mutex::new(Vec::new()));
        if let Some(stdin) = child.stdin.take() {
            thread::spawn(move || write(stdin, &to_write));
        }
        if let Some(stderr) = child.stderr.take() {
            let words = Arc::clone(&words);
            thread::spawn(move || listen(stderr, &words));
        }
        let pid = Pid::from_raw(child.id().cast_signed());
        let stdout = child.stdout.take();
        let heard = Arc::clone(&waiting);
        thread::spawn(move || {
            if let Some(stdout) = stdout {
                read(stdout, tell_first, &heard);
            }
            // Nobody is left to answer those who wait.
            locked(&heard).take();
            let _ = child.wait();
            let _ = tell_end.send(());
        });
        Ok(Self {
            pid,
            lines: Mutex::new(Some(lines)),
            next: AtomicUsize::new(0),
            waiting,
            first: Some(first),
            ended: Mutex::new(Some(ended)),
            words,
        })
    }

    /// The first line that it says; none if it ends before.
    pub(super) async fn first(&mut self) -> Option<String> {
        self.first.take()?.await.ok()
    }

    /// Sends a request and waits for its answer.
    pub(super) async fn ask<T: Serialize>(&self, asked: &T) -> Result<Answer, Unheard> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let mut line = serde_json::to_vec(&Numbered { id, asked }).map_err(|_| Unheard)?;
        line.push(b'\n');
        let (tell, told) = oneshot::channel();
        locked(&self.waiting)
            .as_mut()
            .ok_or(Unheard)?
            .insert(id, tell);
        match &*locked(&self.lines) {
            Some(lines) => lines.send(line).map_err(|_| Unheard)?,
            None => return Err(Unheard),
        }
        told.await.map_err(|_| Unheard)
    }

    /// Ends it at once. It may have ended by itself, and is waited for by its own thread alone.
    pub(super) fn kill(&self) {
        if let Some(pid) = self.pid
            && locked(&self.waiting).is_some()
        {
            let _ = kill_process(pid, Signal::KILL);
        }
    }

    /// Lets it stop, and ends it when that takes too long.
    pub(super) async fn stop(&self) {
        locked(&self.lines).take();
        let ended = locked(&self.ended).take();
        if let Some(ended) = ended
            && tokio::time::timeout(STOP, ended).await.is_err()
        {
            self.kill();
        }
    }

    /// The last line that it said to people.
    pub(super) fn last_words(&self) -> String {
        let words = locked(&self.words);
        let text = String::from_utf8_lossy(&words);
        let last = text.lines().rfind(|line| !line.trim().is_empty());
        last.unwrap_or("it said nothing").to_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn write(mut stdin: ChildStdin, lines: &mpsc::Receiver<Vec<u8>>) {
    for line in lines {
        if stdin.write_all(&line).is_err() {
            return;
        }
    }
}

fn read(stdout: ChildStdout, first: oneshot::Sender<String>, waiting: &Waiting) {
    let mut first = Some(first);
    for line in BufReader::new(stdout).lines() {
        let Ok(line) = line else {
            return;
        };
        if let Some(first) = first.take() {
            let _ = first.send(line);
            continue;
        }
        let Ok(answered) = serde_json::from_str::<Answered>(&line) else {
            // Whoever waits for it is told that there was none.
            continue;
        };
        let waits = locked(waiting)
            .as_mut()
            .and_then(|waiting| waiting.remove(&answered.id));
        if let Some(waits) = waits {
            let _ = waits.send(answered.answer);
        }
    }
}

/// Keeps the last of what the application says to people, which is read so that it never stands still for that.
fn listen(mut stderr: ChildStderr, words: &Mutex<Vec<u8>>) {
    let mut piece = [0; 4_096];
    while let Ok(length @ 1..) = stderr.read(&mut piece) {
        let mut words = locked(words);
        words.extend(&piece[..length]);
        let more = words.len().saturating_sub(WORDS);
        words.drain(..more);
    }
}
