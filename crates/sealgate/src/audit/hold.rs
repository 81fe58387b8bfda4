//! `sealgate audit hold`: records that no retention takes away.

use clap::{Args, Subcommand};
use sealgate_model::ClientId;
use sealgate_server::admin::{HoldView, Holds, NewHold};
use serde_json::Value;

use crate::confirm::Sure;
use crate::door::Door;
use crate::failure::Failure;
use crate::moment::Moment;
use crate::output::{self, Text, second};
use crate::place::Place;
use crate::user;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Hold records that fit everything that is named
    Add(Add),
    /// List holds
    List {
        /// Those that were released too
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        place: Place,
    },
    /// Release a hold: what it held goes when its time is over
    Release {
        /// Its number, as the list shows it
        id: i64,
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        sure: Sure,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Add {
    /// Why, for whoever reads it later
    reason: String,
    /// Records about this user, or of acts of theirs
    #[arg(long, value_name = "EMAIL|ID")]
    user: Option<String>,
    /// Records about this client, or of acts by it or through it
    #[arg(long, value_name = "ID")]
    client: Option<ClientId>,
    /// Records of acts of this actor: operator, system, anonymous, user:ID or client:ID
    #[arg(long, value_name = "ACTOR")]
    actor: Option<String>,
    /// Records of this request, by its trace id
    #[arg(long, value_name = "TRACE")]
    trace: Option<String>,
    /// Records of this time or later: one such as 2026-11-22T09:05Z, or how long ago, such as 2h
    #[arg(long, value_name = "TIME")]
    since: Option<Moment>,
    /// Records of before this time
    #[arg(long, value_name = "TIME")]
    until: Option<Moment>,
    #[command(flatten)]
    place: Place,
}

pub(crate) async fn run(command: Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::Add(add) => {
            let door = Door::open(&add.place, None).await?;
            let user = match &add.user {
                Some(user) => Some(user::find(&door, user).await?),
                None => None,
            };
            let new = NewHold {
                reason: add.reason,
                user,
                client: add.client,
                actor: add.actor,
                trace: add.trace,
                since: add.since.map(Moment::resolve),
                until: add.until.map(Moment::resolve),
            };
            let hold: HoldView = door.post("/audit/holds", &new).await?;
            output::print(json, &hold, |hold| Text {
                data: format!("Hold {} keeps {}.\n", hold.id, scope(&hold.held)),
                ..Text::default()
            })
        }
        Command::List { all, place } => {
            let door = Door::open(&place, None).await?;
            let query = [("all", all.then(|| "true".to_owned()))];
            let holds: Holds = door.get("/audit/holds", &query).await?;
            output::print(json, &holds.holds, |holds| listed(holds))
        }
        Command::Release { id, place, sure } => {
            sure.ask(&format!("release hold {id}"))?;
            let door = Door::open(&place, None).await?;
            let path = format!("/audit/holds/{id}/release");
            let done: Value = door.post(&path, &()).await?;
            output::print(json, &done, |_| Text {
                data: format!("Hold {id} keeps nothing any more.\n"),
                ..Text::default()
            })
        }
    }
}

fn scope(held: &NewHold) -> String {
    let named = [
        held.user.map(|id| format!("user {id}")),
        held.client.as_ref().map(|id| format!("client {id}")),
        held.actor.as_ref().map(|actor| format!("actor {actor}")),
        held.trace.as_ref().map(|trace| format!("trace {trace}")),
        held.since.map(|at| format!("since {}", second(at))),
        held.until.map(|at| format!("until {}", second(at))),
    ];
    let named: Vec<String> = named.into_iter().flatten().collect();
    named.join(", ")
}

fn listed(holds: &[HoldView]) -> Text {
    let rows: Vec<[String; 6]> = holds
        .iter()
        .map(|hold| {
            [
                hold.id.to_string(),
                second(hold.made_at),
                hold.made_by.clone(),
                scope(&hold.held),
                hold.released_at.map(second).unwrap_or_default(),
                hold.held.reason.clone(),
            ]
        })
        .collect();
    output::table(
        ["NUMBER", "SINCE", "BY", "HOLDS", "RELEASED", "WHY"],
        &rows,
        "Nothing is held.",
    )
}

#[cfg(test)]
mod tests {
    use sealgate_model::Timestamp;

    use super::*;

    #[test]
    fn holds_are_listed_with_what_they_keep_and_why() {
        let hold = |id, released_at| HoldView {
            id,
            made_at: Timestamp::from_millis(1_795_338_305_123),
            made_by: "operator".to_owned(),
            held: NewHold {
                reason: "case 2026-17".to_owned(),
                client: Some("app".parse().unwrap()),
                until: Some(Timestamp::from_millis(1_795_338_305_123)),
                ..NewHold::default()
            },
            released_at,
            released_by: None,
        };
        let at = Timestamp::from_millis(1_795_338_399_000);
        let text = listed(&[hold(1, Some(at)), hold(2, None)]).data;
        let lines: Vec<Vec<&str>> = text
            .lines()
            .map(|line| line.split("  ").collect())
            .collect();
        let has = |line: usize, told: &str| lines[line].iter().any(|cell| cell.trim() == told);
        assert!(has(0, "HOLDS") && has(0, "WHY"), "{text}");
        for line in [1, 2] {
            assert!(
                has(line, "client app, until 2026-11-22 09:05:05Z"),
                "{text}"
            );
            assert!(has(line, "case 2026-17") && has(line, "operator"), "{text}");
        }
        assert!(has(1, "2026-11-22 09:06:39Z") && has(2, "-"), "{text}");
    }
}
