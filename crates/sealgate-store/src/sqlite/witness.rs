//! The witness: a small file beside the database that says how far its log has come.
//!
//! A database that is put back from a copy knows less than its witness, which stayed where it was. The
//! file is written after commits, by a thread of its own: no commit waits for it, and it may be behind,
//! never ahead.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::place::PRIVATE_FILE;
use crate::{HistoryMark, StoreError};

/// Its name in the data directory.
pub(super) const NAME: &str = "revocation.witness";
/// The least time between two writings.
const PAUSE: Duration = Duration::from_millis(200);
/// No witness is longer, in bytes.
const LIMIT: u64 = 256;

/// Writes the file until it is dropped, and once more then.
pub(super) struct Witness {
    noted: Arc<Noted>,
    thread: Option<JoinHandle<()>>,
}

/// What is to be written.
pub(super) struct Noted {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    mark: HistoryMark,
    written: bool,
    closing: bool,
}

impl Noted {
    /// The log has come to `mark`.
    pub(super) fn new(mark: HistoryMark) -> Self {
        Self {
            state: Mutex::new(State {
                mark,
                written: false,
                closing: false,
            }),
            changed: Condvar::new(),
        }
    }

    /// The log has come to `seq`.
    pub(super) fn reach(&self, seq: u64) {
        self.note(|mark| mark.seq = seq);
    }

    /// Another history has begun, and come to `seq`.
    pub(super) fn begin(&self, history: String, seq: u64) {
        self.note(|mark| *mark = HistoryMark { history, seq });
    }

    fn note(&self, change: impl FnOnce(&mut HistoryMark)) {
        let mut state = self.state();
        change(&mut state.mark);
        state.written = false;
        self.changed.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is to be written next, as soon as there is something; none when everything is written and
    /// nothing more will come.
    fn next(&self) -> Option<HistoryMark> {
        let mut state = self.state();
        while state.written && !state.closing {
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if state.written {
            return None;
        }
        state.written = true;
        Some(state.mark.clone())
    }

    /// Lets some time pass, unless everything is about to end.
    fn pause(&self) {
        let _ = self
            .changed
            .wait_timeout_while(self.state(), PAUSE, |state| !state.closing);
    }
}

impl Witness {
    /// Starts the thread; the log in `dir` has come to `mark`.
    pub(super) fn start(dir: &Path, mark: HistoryMark) -> Result<Self, StoreError> {
        let noted = Arc::new(Noted::new(mark));
        let path = dir.join(NAME);
        let thread = std::thread::Builder::new()
            .name("sealgate-witness".to_owned())
            .spawn({
                let noted = Arc::clone(&noted);
                move || work(&path, &noted)
            })
            .map_err(|error| StoreError::Unavailable(format!("no thread to witness: {error}")))?;
        Ok(Self {
            noted,
            thread: Some(thread),
        })
    }

    /// Where to note how far the log has come.
    pub(super) fn noted(&self) -> Arc<Noted> {
        Arc::clone(&self.noted)
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.noted.state().closing = true;
        self.noted.changed.notify_one();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the witness thread ended in a panic");
        }
    }
}

fn work(path: &Path, noted: &Noted) {
    let mut failed = false;
    while let Some(mark) = noted.next() {
        match write(path, &mark) {
            Ok(()) => failed = false,
            Err(error) if !failed => {
                failed = true;
                tracing::warn!(%error, "the witness of the revocation log was not written: a restored backup may go unnoticed");
            }
            Err(_) => {}
        }
        noted.pause();
    }
}

fn write(path: &Path, mark: &HistoryMark) -> std::io::Result<()> {
    write_text(path, &format!("{} {}", mark.history, mark.seq))
}

/// Writes a line beside, then over: whoever reads finds one or the other, whole.
pub(super) fn write_text(path: &Path, text: &str) -> std::io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(PRIVATE_FILE)
        .open(&beside)?;
    file.set_permissions(Permissions::from_mode(PRIVATE_FILE))?;
    writeln!(file, "{text}")?;
    drop(file);
    fs::rename(&beside, path)
}

/// What the witness in `dir` says; none if there is none, or it cannot be read: a power cut can leave
/// one empty, and that is no reason to revoke everything.
pub(super) fn read(dir: &Path) -> Option<HistoryMark> {
    let path = dir.join(NAME);
    let mut text = String::new();
    match File::open(&path).and_then(|file| file.take(LIMIT + 1).read_to_string(&mut text)) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "the witness of the revocation log cannot be read");
            return None;
        }
    }
    let mark = parse(&text);
    if mark.is_none() {
        tracing::warn!(path = %path.display(), "the witness of the revocation log says nothing that can be understood");
    }
    mark
}

fn parse(text: &str) -> Option<HistoryMark> {
    let line = text
        .strip_suffix('\n')
        .filter(|_| text.len() as u64 <= LIMIT)?;
    let (history, seq) = line.split_once(' ')?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let known = !history.is_empty() && history.bytes().all(plain);
    let digits = !seq.is_empty() && seq.bytes().all(|byte| byte.is_ascii_digit());
    (known && digits).then_some(())?;
    Some(HistoryMark {
        history: history.to_owned(),
        seq: seq.parse().ok()?,
    })
}

#[cfg(test)]
mod tests;
