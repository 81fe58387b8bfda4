//! `sealgate audit`: the record of everything that was done or refused.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use sealgate_model::ClientId;
use sealgate_server::admin::{AuditOutcome, AuditRecord, AuditRecords};

use crate::door::Door;
use crate::failure::Failure;
use crate::moment::Moment;
use crate::output::{self, Text};
use crate::place::Place;
use crate::screen::{self, clean, line_of_json};
use crate::user;

/// How often `tail` looks.
const EVERY: Duration = Duration::from_secs(1);

/// How many records `tail` begins with.
const BEGINNING: u32 = 10;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List records, newest first
    List(List),
    /// Print the last records and then new ones as they come; with --json one document on each line
    Tail(Filter),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// How many records at most
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    limit: u32,
    #[command(flatten)]
    filter: Filter,
}

#[derive(Debug, Args)]
pub(crate) struct Filter {
    /// Only what this actor did: operator, system, anonymous, user:ID or client:ID
    #[arg(long, value_name = "ACTOR")]
    actor: Option<String>,
    /// Only this action, such as session.revoke
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
    /// Only what went this way
    #[arg(long, value_enum)]
    outcome: Option<Outcome>,
    /// Only what was about this user
    #[arg(long, value_name = "EMAIL|ID")]
    user: Option<String>,
    /// Only what was about this client
    #[arg(long, value_name = "ID")]
    client: Option<ClientId>,
    /// Only what came of this request, by the trace id on its error page or in its answer
    #[arg(long, value_name = "TRACE")]
    trace: Option<String>,
    /// Only what was at this time or later: one such as 2026-11-22T09:05Z, or how long ago, such as 2h
    #[arg(long, value_name = "TIME")]
    since: Option<Moment>,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Outcome {
    Allowed,
    Denied,
}

type Query = Vec<(&'static str, Option<String>)>;

impl Filter {
    async fn query(&self, door: &Door) -> Result<Query, Failure> {
        let user = match &self.user {
            Some(user) => Some(user::find(door, user).await?.to_string()),
            None => None,
        };
        let outcome = self.outcome.map(|outcome| match outcome {
            Outcome::Allowed => "allowed".to_owned(),
            Outcome::Denied => "denied".to_owned(),
        });
        Ok(vec![
            ("actor", self.actor.clone()),
            ("action", self.action.clone()),
            ("outcome", outcome),
            ("user", user),
            ("client", self.client.as_ref().map(ToString::to_string)),
            ("trace", self.trace.clone()),
            ("since", self.since.map(|at| at.resolve().to_string())),
        ])
    }
}

pub(crate) async fn run(command: Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::List(List { limit, filter }) => {
            let door = Door::open(&filter.place, None).await?;
            let query = filter.query(&door).await?;
            let records = newest(&door, &query, limit, 0).await?;
            output::print(json, &records, |records| listed(records))
        }
        Command::Tail(filter) => tail(&filter, json).await,
    }
}

/// The newest `limit` records with a number above `after`.
async fn newest(
    door: &Door,
    query: &Query,
    limit: u32,
    after: i64,
) -> Result<Vec<AuditRecord>, Failure> {
    let mut records: Vec<AuditRecord> = Vec::new();
    let mut before: Option<i64> = None;
    loop {
        let left = limit.saturating_sub(u32::try_from(records.len()).unwrap_or(u32::MAX));
        if left == 0 {
            return Ok(records);
        }
        let mut query = query.clone();
        query.push(("limit", Some(left.min(1000).to_string())));
        query.push(("before", before.map(|number| number.to_string())));
        let page: AuditRecords = door.get("/audit", &query).await?;
        let reached = page.records.iter().any(|record| record.number <= after);
        let new = page
            .records
            .into_iter()
            .filter(|record| record.number > after);
        records.extend(new);
        before = page.next;
        if reached || before.is_none() {
            return Ok(records);
        }
    }
}

async fn tail(filter: &Filter, json: bool) -> Result<(), Failure> {
    let door = Door::open(&filter.place, None).await?;
    let query = filter.query(&door).await?;
    let mut last = 0;
    let mut limit = BEGINNING;
    loop {
        let records = newest(&door, &query, limit, last).await?;
        // From now on all that is new.
        limit = u32::MAX;
        last = records.first().map_or(last, |record| record.number);
        for record in records.iter().rev() {
            let line = if json {
                line_of_json(record)
            } else {
                line(record)
            };
            if output::gone(&line)? {
                return Ok(());
            }
        }
        if !door.is_shared() {
            screen::talk("No server runs on this data, so that nothing more can come.\n");
            return Ok(());
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// One record for a person who reads along.
fn line(record: &AuditRecord) -> String {
    let outcome = outcome(record);
    let about = about(record);
    let about = if about.is_empty() {
        String::new()
    } else {
        format!("  {about}")
    };
    format!(
        "{}  {}  {}  {outcome}{about}\n",
        output::second(record.at),
        clean(&record.actor),
        clean(&record.action)
    )
}

fn outcome(record: &AuditRecord) -> String {
    let word = match record.outcome {
        AuditOutcome::Allowed => "allowed",
        AuditOutcome::Denied => "denied",
    };
    let reason = match record.reason.as_str() {
        "" => String::new(),
        reason => format!(" ({reason})"),
    };
    let count = match record.count {
        0 | 1 => String::new(),
        count => format!(", {count} times"),
    };
    clean(&format!("{word}{reason}{count}")).into_owned()
}

fn about(record: &AuditRecord) -> String {
    let named = [
        record.through.as_ref().map(|id| format!("through {id}")),
        record.user.map(|id| format!("user {id}")),
        record.client.as_ref().map(|id| format!("client {id}")),
        record.session.map(|id| format!("session {id}")),
        record.object.clone(),
        record.network.as_ref().map(|from| format!("from {from}")),
    ];
    let named: Vec<String> = named.into_iter().flatten().collect();
    clean(&named.join(", ")).into_owned()
}

fn listed(records: &[AuditRecord]) -> Text {
    let rows: Vec<[String; 6]> = records
        .iter()
        .map(|record| {
            [
                record.number.to_string(),
                output::second(record.at),
                record.actor.clone(),
                record.action.clone(),
                outcome(record),
                about(record),
            ]
        })
        .collect();
    output::table(
        ["NUMBER", "WHEN", "WHO", "WHAT", "OUTCOME", "ABOUT"],
        &rows,
        "There are no such records.",
    )
}

#[cfg(test)]
mod tests {
    use sealgate_model::{Timestamp, UserId};

    use super::*;

    fn record(outcome: AuditOutcome) -> AuditRecord {
        AuditRecord {
            number: 7,
            at: Timestamp::from_millis(1_795_338_305_123),
            actor: "client:robot".to_owned(),
            through: None,
            through_session: None,
            action: "user.disable".to_owned(),
            outcome,
            reason: match outcome {
                AuditOutcome::Allowed => String::new(),
                AuditOutcome::Denied => "scope_missing".to_owned(),
            },
            user: Some(UserId::from_bytes([9; 16])),
            client: None,
            session: None,
            object: None,
            network: Some("192.0.2.1".to_owned()),
            trace: None,
            count: if outcome == AuditOutcome::Denied {
                5
            } else {
                1
            },
        }
    }

    #[test]
    fn records_are_listed_and_told_in_lines() {
        let records = [record(AuditOutcome::Allowed), record(AuditOutcome::Denied)];
        insta::assert_snapshot!(listed(&records).data);
        insta::assert_snapshot!(line(&records[1]), @"2026-11-22 09:05:05Z  client:robot  user.disable  denied (scope_missing), 5 times  user 09090909-0909-0909-0909-090909090909, from 192.0.2.1");
    }
}
