//! A line on the terminal while something takes long.

use std::io::{IsTerminal as _, stderr};
use std::sync::Mutex;
use std::time::Duration;

use sealgate_host::SystemClock;
use sealgate_model::{Clock as _, Uptime};

use crate::screen::{clean, talk};

/// What is done before this needs no line.
const QUIET: Duration = Duration::from_secs(1);

/// How often the line changes at most.
const BEAT: Duration = Duration::from_millis(100);

/// The line. Without a terminal there is none.
pub(super) struct Line {
    clock: SystemClock,
    started: Uptime,
    terminal: bool,
    /// When it last changed; none while nothing stands there.
    shown: Mutex<Option<Uptime>>,
}

impl Line {
    /// On standard error.
    pub(super) fn new() -> Self {
        let clock = SystemClock::default();
        Self {
            started: clock.uptime(),
            clock,
            terminal: stderr().is_terminal(),
            shown: Mutex::new(None),
        }
    }

    /// Says what is being done.
    pub(super) fn say(&self, text: &str) {
        if !self.terminal {
            return;
        }
        let now = self.clock.uptime();
        if now.since(self.started) < QUIET {
            return;
        }
        let Ok(mut shown) = self.shown.lock() else {
            return;
        };
        if shown.is_none_or(|last| now.since(last) >= BEAT) {
            *shown = Some(now);
            talk(&format!("\r\u{1b}[K{}", clean(text)));
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if self.shown.lock().is_ok_and(|shown| shown.is_some()) {
            talk("\r\u{1b}[K");
        }
    }
}
