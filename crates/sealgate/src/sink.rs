//! `sealgate sink`: where records are sent.

mod add;

use clap::{Args, Subcommand};
use sealgate_server::admin::{
    CreatedSink, RotateSinkSecret, SinkSecret, SinkState, SinkTarget, SinkTest, SinkTransport,
    SinkView, Sinks,
};

use crate::confirm::Sure;
use crate::door::Door;
use crate::failure::Failure;
use crate::output::{self, Text, date, second};
use crate::place::Place;
use crate::screen::clean;
use crate::settings::Span;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Send records somewhere from now on
    Add {
        #[command(subcommand)]
        what: Box<add::What>,
    },
    /// List the sinks, and how each is doing
    List {
        #[command(flatten)]
        place: Place,
    },
    /// Show one sink
    Show(Which),
    /// Send a test record at once, and say what came of it
    Test(Which),
    /// Pause a sink: it keeps its place
    Pause(Which),
    /// Let a sink go on, at once and where it stopped
    Resume(Which),
    /// Pass over the one record that a failing sink does not take, which is put on record
    Skip {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        sure: Sure,
    },
    /// Sign a webhook's deliveries with a new secret, which is shown once
    RotateSecret {
        #[command(flatten)]
        which: Which,
        /// For how long the old secret signs too, up to 30d, such as 12h
        #[arg(long, value_name = "TIME", default_value = "24h", value_parser = add::span)]
        keep: Span,
    },
    /// Remove a sink
    Remove {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        sure: Sure,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Which {
    /// The sink's name
    name: String,
    #[command(flatten)]
    place: Place,
}

impl Which {
    async fn open(&self) -> Result<(Door, String), Failure> {
        let door = Door::open(&self.place, None).await?;
        Ok((door, format!("/sinks/{}", self.segment())))
    }

    /// What is no name is refused there, not taken for a path here.
    fn segment(&self) -> String {
        url::form_urlencoded::byte_serialize(self.name.as_bytes()).collect()
    }
}

pub(crate) async fn run(command: Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::Add { what } => {
            let (new, place) = what.read()?;
            let door = Door::open(&place, None).await?;
            let made: CreatedSink = door.post("/sinks", &new).await?;
            output::print_once(json, &made, added, || {
                format!(
                    "`sealgate sink rotate-secret {}` makes another secret",
                    new.name
                )
            })
        }
        Command::List { place } => {
            let door = Door::open(&place, None).await?;
            output::print(json, &every(&door).await?, |all| listed(all))
        }
        Command::Show(which) => {
            let (door, at) = which.open().await?;
            let sink: SinkView = door.get(&at, &[]).await?;
            output::print(json, &sink, shown)
        }
        Command::Test(which) => {
            let (door, at) = which.open().await?;
            let tested: SinkTest = door.post(&format!("{at}/test"), &()).await?;
            output::print(json, &tested, |tested| Text {
                data: match &tested.error {
                    None => format!("{} took the test record.\n", which.name),
                    Some(error) => format!("{} did not take it: {error}\n", which.name),
                },
                ..Text::default()
            })?;
            match tested.error {
                None => Ok(()),
                Some(_) => Err(Failure::refused(
                    "sink_test_failed",
                    "the sink did not take the test record",
                )),
            }
        }
        Command::Pause(which) => change(json, &which, "pause").await,
        Command::Resume(which) => change(json, &which, "resume").await,
        Command::Skip { which, sure } => {
            sure.ask(&format!("never send one record to {}", which.name))?;
            change(json, &which, "skip").await
        }
        Command::RotateSecret { which, keep } => {
            let (door, at) = which.open().await?;
            let keep = u32::try_from(keep.0.as_secs()).unwrap_or(u32::MAX);
            let how = RotateSinkSecret { keep };
            let made: SinkSecret = door.post(&format!("{at}/secret"), &how).await?;
            let name = which.name.clone();
            output::print_once(
                json,
                &made,
                |made| secret(&made.secret),
                || format!("`sealgate sink rotate-secret {name}` makes another secret"),
            )
        }
        Command::Remove { which, sure } => {
            sure.ask(&format!("send no more records to {}", which.name))?;
            let (door, at) = which.open().await?;
            door.delete(&at).await?;
            let done = serde_json::json!({ "removed": which.name });
            output::print(json, &done, |_| Text {
                data: format!("{} is sent nothing any more.\n", which.name),
                ..Text::default()
            })
        }
    }
}

async fn change(json: bool, which: &Which, verb: &str) -> Result<(), Failure> {
    let (door, at) = which.open().await?;
    let sink: SinkView = door.post(&format!("{at}/{verb}"), &()).await?;
    output::print(json, &sink, shown)
}

async fn every(door: &Door) -> Result<Vec<SinkView>, Failure> {
    let mut all = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page: Sinks = door.get("/sinks", &[("after", after)]).await?;
        all.extend(page.sinks);
        after = page.next;
        if after.is_none() {
            return Ok(all);
        }
    }
}

/// Where a sink leads, in a few words.
fn place(target: &SinkTarget) -> String {
    match target {
        SinkTarget::Webhook { url, .. } | SinkTarget::Otel { url, .. } => url.clone(),
        SinkTarget::Syslog {
            host,
            port,
            transport,
            ..
        } => {
            let transport = match transport {
                SinkTransport::Tls => "tls",
                SinkTransport::Tcp => "tcp",
                SinkTransport::Udp => "udp",
            };
            format!("{host}:{port} ({transport})")
        }
        SinkTarget::File { directory } => directory.clone(),
    }
}

fn secret(secret: &str) -> Text {
    Text {
        data: format!("Deliveries are signed with this, and it is shown only now:\n  {secret}\n"),
        ..Text::default()
    }
}

fn added(made: &CreatedSink) -> Text {
    let mut text = shown(&made.sink);
    if let Some(shown) = &made.secret {
        text.data.push('\n');
        text.data.push_str(&secret(shown).data);
    }
    text
}

fn shown(sink: &SinkView) -> Text {
    let streams = sink.streams.iter().map(|one| one.as_str());
    let mut rows = vec![
        ("Name", sink.name.clone()),
        ("Kind", sink.target.kind().to_owned()),
        ("Goes to", place(&sink.target)),
        ("Form", sink.form.as_str().to_owned()),
        ("Streams", streams.collect::<Vec<_>>().join(", ")),
        ("State", state(sink)),
        ("Delivered", sink.delivered.to_string()),
    ];
    let mut tell = |name, value: Option<String>| {
        if let Some(value) = value {
            rows.push((name, value));
        }
    };
    tell("Delivered last", sink.delivered_at.map(second));
    tell("Oldest waits since", sink.waiting_since.map(second));
    tell(
        "Failures in a row",
        Some(sink.failures)
            .filter(|one| *one > 0)
            .map(|one| one.to_string()),
    );
    let error = sink.last_error.as_ref().zip(sink.last_error_at);
    tell(
        "Last error",
        error.map(|(error, at)| format!("{error}, {}", second(at))),
    );
    tell(
        "Headers",
        Some(sink.headers.join(", ")).filter(|names| !names.is_empty()),
    );
    tell(
        "Paused after",
        sink.pause_after.map(|span| format!("{span} s of failing")),
    );
    tell("Added", Some(date(sink.created_at)));
    output::fields(&rows)
}

fn state(sink: &SinkView) -> String {
    match (sink.state, &sink.pause_reason) {
        (SinkState::Paused, Some(reason)) => format!("paused ({reason})"),
        (state, _) => state.as_str().to_owned(),
    }
}

fn listed(sinks: &[SinkView]) -> Text {
    let rows: Vec<[String; 6]> = sinks
        .iter()
        .map(|sink| {
            [
                sink.name.clone(),
                sink.target.kind().to_owned(),
                clean(&place(&sink.target)).into_owned(),
                state(sink),
                sink.delivered.to_string(),
                sink.waiting_since.map_or_else(|| "-".to_owned(), second),
            ]
        })
        .collect();
    let empty = "Records are sent nowhere. Send them with `sealgate sink add`.";
    let heads = [
        "NAME",
        "KIND",
        "GOES TO",
        "STATE",
        "DELIVERED",
        "WAITING SINCE",
    ];
    output::table(heads, &rows, empty)
}

#[cfg(test)]
mod tests {
    use sealgate_model::Timestamp;
    use sealgate_server::admin::{SinkForm, SinkStream};

    use super::*;

    #[test]
    fn a_sink_is_added_and_listed() {
        let at = Timestamp::from_millis(1_795_338_305_000);
        let sink = SinkView {
            name: "siem".to_owned(),
            target: SinkTarget::Webhook {
                url: "https://siem.example.com/sealgate".to_owned(),
                authority: None,
            },
            form: SinkForm::Jsonl,
            streams: vec![SinkStream::Acts, SinkStream::Anomalies],
            headers: vec!["Authorization".to_owned()],
            pause_after: Some(86_400),
            state: SinkState::Failing,
            pause_reason: None,
            delivered: 1_204,
            delivered_at: Some(at),
            waiting_since: Some(at),
            failures: 6,
            last_error: Some("outbound_timed_out".to_owned()),
            last_error_at: Some(at),
            created_at: at,
        };
        insta::assert_snapshot!(listed(std::slice::from_ref(&sink)).data);
        let made = CreatedSink {
            sink,
            secret: Some("whsec_c2VjcmV0".to_owned()),
        };
        insta::assert_snapshot!(added(&made).data);
    }
}
