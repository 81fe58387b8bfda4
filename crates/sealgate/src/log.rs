//! The server's log: to stderr, for people or as one JSON object per line.

use std::io::IsTerminal as _;

use serde::{Deserialize, Serialize};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::settings::Log;
use crate::telemetry::Telemetry;

/// How the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Format {
    /// Lines for people
    Human,
    /// One JSON object per line
    Json,
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Level {
    /// What failed
    Error,
    /// And what may need somebody
    Warn,
    /// And what happens seldom
    Info,
    /// And every request, without its query
    Debug,
}

/// Starts logging, and tracing where traces are sent. Other crates only get to warn: at finer levels
/// some of them log what they carry.
pub(crate) fn start(settings: &Log, traces: Option<&Telemetry>) {
    let level = match settings.level {
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
    };
    let filter = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target("sealgate", level);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = match settings.format {
        Format::Human => {
            let colour = std::io::stderr().is_terminal()
                && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
            lines.with_target(false).with_ansi(colour).boxed()
        }
        // The span of a request, with its trace id, is the only one there is.
        Format::Json => lines
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .boxed(),
    };
    let started = tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .with(traces.map(Telemetry::layer))
        .try_init();
    if let Err(error) = started {
        crate::screen::talk(&format!("warning: nothing will be logged: {error}\n"));
    }
    // A panic is answered with a 500; here is where one finds it.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        let what = message(panic.payload());
        tracing::error!(place, what, "a defect in sealgate was hit");
    }));
}

/// What a panic says: text in one of two forms, or nothing that can be told.
fn message(payload: &(dyn std::any::Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
