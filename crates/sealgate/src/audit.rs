//! `sealgate audit`: the record of everything that was done or refused.

mod checkpoint;
mod hold;
mod verify;

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use sealgate_model::{ClientId, SessionId};
use sealgate_server::admin::{AuditOutcome, AuditRecord, AuditRecords, PAGE_LIMIT};

use crate::audit_export;
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
    /// Print records in the form of another system, oldest first, one on each line
    Export(audit_export::Export),
    /// Verify that no record was removed or changed, with every signed checkpoint
    #[command(
        after_help = "Exit status: 0 everything is as it was written, 1 findings, 2 it could not be told."
    )]
    Verify(verify::Arguments),
    /// Sign the end of the log and print the newest checkpoint, to be kept elsewhere
    Checkpoint(checkpoint::Arguments),
    /// Records that no retention takes away
    #[command(visible_alias = "holds", arg_required_else_help = true)]
    Hold {
        #[command(subcommand)]
        command: hold::Command,
    },
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
    /// Only the stream of what went this way
    #[arg(long, value_enum, visible_alias = "stream")]
    outcome: Option<Outcome>,
    /// Only what was about this user
    #[arg(long, value_name = "EMAIL|ID")]
    user: Option<String>,
    /// Only what was about this client
    #[arg(long, value_name = "ID")]
    client: Option<ClientId>,
    /// Only what was about this session
    #[arg(long, value_name = "ID")]
    session: Option<SessionId>,
    /// Only what has this reason code, such as `scope_missing`
    #[arg(long, value_name = "REASON")]
    reason: Option<String>,
    /// Only what came in by this route, such as /oauth/token
    #[arg(long, value_name = "ROUTE")]
    route: Option<String>,
    /// Only what this kind of actor did: user, machine, agent, operator, system or anonymous
    #[arg(long, value_name = "TYPE")]
    actor_type: Option<String>,
    /// Only what came with this kind of credential, such as `client_secret` or dpop
    #[arg(long, value_name = "TYPE")]
    credential: Option<String>,
    /// Only what came of this request, by the trace id on its error page or in its answer
    #[arg(long, value_name = "TRACE")]
    trace: Option<String>,
    /// Only what was at this time or later: one such as 2026-11-22T09:05Z, or how long ago, such as 2h
    #[arg(long, value_name = "TIME")]
    since: Option<Moment>,
    /// Only what was before this time
    #[arg(long, value_name = "TIME")]
    until: Option<Moment>,
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
            ("session", self.session.map(|id| id.to_string())),
            ("reason", self.reason.clone()),
            ("route", self.route.clone()),
            ("actor_type", self.actor_type.clone()),
            ("credential", self.credential.clone()),
            ("trace", self.trace.clone()),
            ("since", self.since.map(|at| at.resolve().to_string())),
            ("until", self.until.map(|at| at.resolve().to_string())),
        ])
    }
}

pub(crate) async fn run(command: Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::List(List { limit, filter }) => {
            let door = Door::open(&filter.place, None).await?;
            let query = filter.query(&door).await?;
            let records = newest(&door, &query, limit).await?;
            output::print(json, &records, |records| listed(records))
        }
        Command::Tail(filter) => tail(&filter, json).await,
        Command::Export(export) => audit_export::run(export).await,
        Command::Verify(arguments) => verify::run(&arguments, json).await,
        Command::Checkpoint(arguments) => checkpoint::run(&arguments, json).await,
        Command::Hold { command } => hold::run(command, json).await,
    }
}

/// The newest `limit` records.
async fn newest(door: &Door, query: &Query, limit: u32) -> Result<Vec<AuditRecord>, Failure> {
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
        records.extend(page.records);
        before = page.next;
        if before.is_none() {
            return Ok(records);
        }
    }
}

/// The next records with a number above `after`, oldest first.
async fn following(door: &Door, query: &Query, after: i64) -> Result<Vec<AuditRecord>, Failure> {
    let mut query = query.clone();
    query.push(("after", Some(after.to_string())));
    let page: AuditRecords = door.get("/audit", &query).await?;
    Ok(page.records)
}

async fn tail(filter: &Filter, json: bool) -> Result<(), Failure> {
    let door = Door::open(&filter.place, None).await?;
    let query = filter.query(&door).await?;
    let mut records = newest(&door, &query, BEGINNING).await?;
    records.reverse();
    let mut last = 0;
    loop {
        last = records.last().map_or(last, |record| record.number);
        for record in &records {
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
        // A full page has more behind it.
        if records.len() < PAGE_LIMIT as usize {
            tokio::time::sleep(EVERY).await;
        }
        records = following(&door, &query, last).await?;
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
            actor_type: Some("machine".to_owned()),
            credential: Some("bearer".to_owned()),
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
            route: Some("/api/v1/users/{id}/disable".to_owned()),
            policy_version: None,
            hash: None,
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
