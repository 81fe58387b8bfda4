//! What the gate says goes to Python's `logging`, under the name `sealgate`.

use std::fmt::{self, Write as _};

use pyo3::prelude::*;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{Interest, set_global_default};
use tracing::{Event, Level, Metadata, Subscriber};

/// Warnings and errors only: what comes with every request is not worth a call into Python.
const LEAST: Level = Level::WARN;
/// Of the revocation feed's changes, which are few, everything that is said.
const FEED: &str = "sealgate::feed";

struct PythonLogging;

/// Sends this extension's messages to Python. A second call changes nothing.
pub(crate) fn install() {
    // It fails only when it was already done.
    let _ = set_global_default(PythonLogging);
}

impl Subscriber for PythonLogging {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.enabled(metadata) {
            Interest::always()
        } else {
            Interest::never()
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let least = if metadata.target() == FEED {
            Level::INFO
        } else {
            LEAST
        };
        *metadata.level() <= least
            && metadata.target().starts_with("sealgate")
            && metadata.is_event()
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        // Spans are not enabled.
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        let method = match *event.metadata().level() {
            Level::ERROR => "error",
            Level::WARN => "warning",
            _ => "info",
        };
        let _ = Python::try_attach(|py| {
            let logger = py
                .import("logging")
                .and_then(|logging| logging.call_method1("getLogger", ("sealgate",)));
            let said = logger.and_then(|logger| logger.call_method1(method, ("%s", line.text())));
            if let Err(error) = said {
                error.write_unraisable(py, None);
            }
        });
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// One message with its fields behind it.
#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Line {
    fn text(&self) -> String {
        format!("{}{}", self.message, self.fields)
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a String cannot fail.
        let _ = if field.name() == "message" {
            write!(self.message, "{value:?}")
        } else {
            write!(self.fields, " {}={value:?}", field.name())
        };
    }
}
