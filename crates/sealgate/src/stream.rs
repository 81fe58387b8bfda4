//! `sealgate signal stream`: the streams of security events that receivers have made.

use clap::{Args, Subcommand};
use sealgate_model::{ClientId, StreamId};
use sealgate_server::admin::{StreamReason, StreamView, Streams};

use crate::confirm::Sure;
use crate::door::Door;
use crate::failure::Failure;
use crate::output::{self, Text, date, second};
use crate::place::Place;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List streams, with how many events wait and what went wrong last
    List {
        /// Only those of this client
        #[arg(long, value_name = "ID")]
        client: Option<ClientId>,
        #[command(flatten)]
        place: Place,
    },
    /// Show one stream
    Show(Which),
    /// Hold a stream back: up to 10,000 events of up to three days are kept, and its receiver is told
    Pause(Change),
    /// Let a stream go on, whoever has paused or disabled it; its receiver is told
    Resume(Change),
    /// Remove a stream with all that waits on it; its receiver can make another
    Remove {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        sure: Sure,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Which {
    /// The stream's id, as `signal stream list` shows it
    id: StreamId,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
pub(crate) struct Change {
    /// Why; the receiver is told
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    which: Which,
}

pub(crate) async fn run(command: Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::List { client, place } => {
            let door = Door::open(&place, None).await?;
            let streams = every(&door, client.as_ref()).await?;
            output::print(json, &streams, |streams| listed(streams))
        }
        Command::Show(which) => {
            let door = Door::open(&which.place, None).await?;
            let stream: StreamView = door.get(&path(which.id), &[]).await?;
            output::print(json, &stream, shown)
        }
        Command::Pause(change) => set(change, "pause", json).await,
        Command::Resume(change) => set(change, "resume", json).await,
        Command::Remove { which, sure } => {
            sure.ask(&format!("remove stream {} and what waits on it", which.id))?;
            let door = Door::open(&which.place, None).await?;
            door.delete(&path(which.id)).await?;
            let done = serde_json::json!({ "removed": which.id });
            output::print(json, &done, |_| Text {
                data: format!("Stream {} is removed.\n", which.id),
                ..Text::default()
            })
        }
    }
}

fn path(id: StreamId) -> String {
    format!("/signals/streams/{id}")
}

async fn set(change: Change, verb: &str, json: bool) -> Result<(), Failure> {
    let Change { reason, which } = change;
    let door = Door::open(&which.place, None).await?;
    let at = format!("{}/{verb}", path(which.id));
    let stream: StreamView = door.post(&at, &StreamReason { reason }).await?;
    output::print(json, &stream, |stream| Text {
        data: format!("Stream {} is {}.\n", stream.id, stream.status.as_str()),
        ..Text::default()
    })
}

async fn every(door: &Door, client: Option<&ClientId>) -> Result<Vec<StreamView>, Failure> {
    let mut all = Vec::new();
    let mut after: Option<StreamId> = None;
    loop {
        let query = [
            ("client", client.map(ToString::to_string)),
            ("after", after.map(|id| id.to_string())),
        ];
        let page: Streams = door.get("/signals/streams", &query).await?;
        all.extend(page.streams);
        after = page.next;
        if after.is_none() {
            return Ok(all);
        }
    }
}

/// A word for how a stream is delivered.
fn how(stream: &StreamView) -> &'static str {
    if stream.endpoint.is_some() {
        "push"
    } else {
        "poll"
    }
}

fn listed(streams: &[StreamView]) -> Text {
    let rows: Vec<[String; 7]> = streams
        .iter()
        .map(|stream| {
            [
                stream.id.to_string(),
                stream.client.to_string(),
                how(stream).to_owned(),
                stream.status.as_str().to_owned(),
                stream.queued.to_string(),
                stream.dropped.to_string(),
                stream.last_error.clone().unwrap_or_default(),
            ]
        })
        .collect();
    let headings = [
        "ID",
        "CLIENT",
        "BY",
        "STATUS",
        "WAITING",
        "LOST",
        "LAST ERROR",
    ];
    output::table(headings, &rows, "No receiver has made a stream.")
}

fn shown(stream: &StreamView) -> Text {
    let status = match (&stream.status_reason, stream.held) {
        (Some(reason), true) => format!("{}, by an operator: {reason}", stream.status.as_str()),
        (None, true) => format!("{}, by an operator", stream.status.as_str()),
        (Some(reason), false) => format!("{}: {reason}", stream.status.as_str()),
        (None, false) => stream.status.as_str().to_owned(),
    };
    let error = match (&stream.last_error, stream.last_error_at) {
        (Some(error), Some(at)) => format!("{error} at {}", second(at)),
        _ => String::new(),
    };
    let mut rows = vec![
        ("ID", stream.id.to_string()),
        ("Client", stream.client.to_string()),
        ("Delivered by", how(stream).to_owned()),
        ("Endpoint", stream.endpoint.clone().unwrap_or_default()),
        (
            "Description",
            stream.description.clone().unwrap_or_default(),
        ),
        ("Status", status),
        ("Waiting", stream.queued.to_string()),
        ("Delivered", stream.delivered.to_string()),
        ("Lost", stream.dropped.to_string()),
        ("Failures in a row", stream.failures.to_string()),
        ("Last error", error),
        ("Made", date(stream.created_at)),
    ];
    for event in &stream.events {
        rows.push(("Event", event.clone()));
    }
    output::fields(&rows)
}

#[cfg(test)]
mod tests {
    use sealgate_model::Timestamp;

    use super::*;

    fn stream() -> StreamView {
        serde_json::from_value(serde_json::json!({
            "id": "01928e2a-7c00-7000-8000-000000000001", "client": "rp",
            "method": "urn:ietf:rfc:8935", "endpoint": "https://rp.example/events",
            "description": null, "events": ["urn:example:event"], "status": "paused",
            "status_reason": "Maintenance\u{1b}[2J", "held": true, "queued": 3, "delivered": 40,
            "dropped": 1, "failures": 2, "last_error": "outbound_timed_out",
            "last_error_at": 1_795_338_305_000_i64, "created_at": 1_795_338_305_000_i64,
        }))
        .unwrap()
    }

    #[test]
    fn a_stream_is_shown_with_what_went_wrong() {
        assert_eq!(stream().created_at, Timestamp::from_seconds(1_795_338_305));
        insta::assert_snapshot!(shown(&stream()).data);
    }

    #[test]
    fn streams_are_listed_with_what_waits() {
        insta::assert_snapshot!(listed(&[stream()]).data);
        assert_eq!(
            listed(&[]).talk + &listed(&[]).data,
            "No receiver has made a stream.\n"
        );
    }
}
