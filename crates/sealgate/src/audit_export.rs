//! `sealgate audit export`: records in the form of another system, to stdout.

mod chain;

use clap::{Args, ValueEnum};
use sealgate_audit::forms::syslog::Syslog;
use sealgate_audit::forms::{Event, jsonl, ocsf, otel};
use sealgate_server::admin::RecordPage;

use crate::door::Door;
use crate::failure::Failure;
use crate::moment::Moment;
use crate::output;
use crate::place::Place;

/// How many records are in memory at once.
const PAGE: u32 = 1000;

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The form of the records, one on each line
    #[arg(long, value_enum, default_value = "jsonl")]
    format: Format,
    /// Only what was at this time or later: one such as 2026-11-22T09:05Z, or how long ago, such as 2h
    #[arg(long, value_name = "TIME")]
    since: Option<Moment>,
    /// Only what was before this time
    #[arg(long, value_name = "TIME")]
    until: Option<Moment>,
    /// Only this stream of the audit log; without `--chain` what is left cannot be verified
    #[arg(long, value_enum)]
    stream: Option<Stream>,
    /// With what it takes to verify the lines: checkpoints, what was retired, hashes of what is left out
    #[arg(long, conflicts_with = "decisions")]
    chain: bool,
    /// The decisions of gates instead: what they let in, or what they refused
    #[arg(long, value_enum, conflicts_with = "stream")]
    decisions: Option<Decisions>,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// Our own documents: record.schema.json
    Jsonl,
    /// Events of OCSF 1.7.0
    Ocsf,
    /// OpenTelemetry logs in the JSON of OTLP
    Otel,
    /// Syslog messages (RFC 5424)
    Syslog,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Stream {
    /// What the control plane did or refused
    Acts,
    /// What the control plane did
    ActsAllowed,
    /// What the control plane refused
    ActsDenied,
    /// What should worry somebody
    Anomalies,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Decisions {
    Allowed,
    Denied,
}

pub(crate) async fn run(export: Export) -> Result<(), Failure> {
    if export.chain && !matches!(export.format, Format::Jsonl) {
        let said = "only --format jsonl can be verified";
        return Err(Failure::usage("chain_format", said));
    }
    let door = Door::open(&export.place, None).await?;
    // What is left out is asked for too then: its hashes are printed.
    let asked = export.stream.filter(|_| !export.chain);
    let word = |text: &str| Some(text.to_owned());
    let source = match export.decisions {
        None => None,
        Some(Decisions::Allowed) => word("allowed"),
        Some(Decisions::Denied) => word("denied"),
    };
    let stream = match asked {
        None => None,
        Some(Stream::Acts) => word("acts"),
        Some(Stream::ActsAllowed) => word("acts_allowed"),
        Some(Stream::ActsDenied) => word("acts_denied"),
        Some(Stream::Anomalies) => word("anomalies"),
    };
    // Once: while it runs, how long ago something was changes.
    let since = export.since.map(|at| at.resolve().to_string());
    let until = export.until.map(|at| at.resolve().to_string());
    let mut after: Option<i64> = None;
    let mut span = chain::Span::default();
    // Before the first record: what is retired later is in neither.
    let retired = if export.chain {
        chain::ranges(&door).await?
    } else {
        Vec::new()
    };
    loop {
        let query = [
            ("source", source.clone()),
            ("stream", stream.clone()),
            ("since", since.clone()),
            ("until", until.clone()),
            ("after", after.map(|place| place.to_string())),
            ("limit", Some(PAGE.to_string())),
        ];
        let page: RecordPage = door.get("/records", &query).await?;
        let mut lines = String::new();
        for event in &page.records {
            lines.push_str(&if export.chain {
                span.line(event, export.stream)?
            } else {
                line(export.format, event)
            });
            lines.push('\n');
        }
        if !lines.is_empty() && output::gone(&lines)? {
            return Ok(());
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    if export.chain {
        let mut lines = String::new();
        for line in span.end(&door, &retired).await? {
            lines.push_str(&line);
            lines.push('\n');
        }
        if !lines.is_empty() {
            output::gone(&lines)?;
        }
    }
    Ok(())
}

fn line(format: Format, event: &Event) -> String {
    match format {
        Format::Jsonl => jsonl::line(event),
        Format::Ocsf => ocsf::line(event),
        Format::Otel => otel::line(event),
        Format::Syslog => Syslog::default().line(event),
    }
}
