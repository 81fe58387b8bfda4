//! What is looked at of sinks. Their names are an operator's, and there are few.

use std::fmt::Write as _;

use super::look::whole;
use crate::admin::SinkState;
use crate::{ControlPlane, exports};

/// Appends how the sinks are doing; nothing if the store does not say.
pub(super) async fn look(plane: &ControlPlane, text: &mut String) {
    let Ok(sinks) = plane.store.sinks().await else {
        return;
    };
    let now = plane.clock.now();
    let mut lags = Vec::with_capacity(sinks.len());
    for sink in &sinks {
        let since = exports::waiting_since(plane, sink).await.ok().flatten();
        let lag = since.map_or(0.0, |since| now.since(since).as_secs_f64());
        lags.push((sink.name.as_str(), lag));
    }
    series(
        text,
        ("sealgate_sink_records_total", "counter"),
        "Records that were delivered, by sink",
        sinks
            .iter()
            .map(|sink| (sink.name.as_str(), whole(sink.delivered))),
    );
    series(
        text,
        ("sealgate_sink_failures_total", "counter"),
        "Tries to deliver records that failed, by sink",
        sinks
            .iter()
            .map(|sink| (sink.name.as_str(), whole(sink.failed))),
    );
    series(
        text,
        ("sealgate_sink_lag_seconds", "gauge"),
        "For how long the oldest record waits that a sink was not sent",
        lags.into_iter(),
    );
    let name = "sealgate_sink_state";
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "# HELP {name} 1 for the state that a sink is in\n# TYPE {name} gauge"
    );
    for sink in &sinks {
        for state in SinkState::ALL {
            let is = u8::from(SinkState::of(sink) == state);
            let (sink, state) = (sink.name.as_str(), state.as_str());
            let _ = writeln!(text, "{name}{{sink=\"{sink}\",state=\"{state}\"}} {is}");
        }
    }
    text.push('\n');
}

fn series<'s>(
    text: &mut String,
    (name, kind): (&str, &str),
    help: &str,
    values: impl Iterator<Item = (&'s str, f64)>,
) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    for (sink, value) in values {
        let _ = writeln!(text, "{name}{{sink=\"{sink}\"}} {value}");
    }
    text.push('\n');
}
