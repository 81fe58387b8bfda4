//! `sealgate decision`: what the gates of applications decided.

use std::fmt::Write as _;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use sealgate_server::admin::{
    DecisionFault, DecisionView, Decisions, DecisionsVerified, PAGE_LIMIT,
};
use serde::Serialize;

use crate::door::Door;
use crate::failure::Failure;
use crate::moment::Moment;
use crate::output::{self, Text};
use crate::place::Place;
use crate::screen::{self, clean, line_of_json};

/// How often `tail` looks.
const EVERY: Duration = Duration::from_secs(1);
/// How many decisions `tail` begins with.
const BEGINNING: u32 = 10;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List decisions, newest first
    List(List),
    /// Print the last decisions and then new ones as they come; with --json one document on each line
    Tail(Filter),
    /// Verify that no decision was removed or changed since it was kept
    #[command(after_help = "Exit status: 0 everything is as it was kept, 1 findings.")]
    Verify(Verify),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// How many decisions at most
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    limit: u32,
    #[command(flatten)]
    filter: Filter,
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
pub(crate) struct Filter {
    /// Only what went on, or only what did not
    #[arg(long, value_enum)]
    stream: Option<Which>,
    /// Only with this outcome: allowed, refused, ended or withheld
    #[arg(long, value_name = "OUTCOME")]
    outcome: Option<String>,
    /// Only for this reason, such as `scope_missing`
    #[arg(long, value_name = "REASON")]
    reason: Option<String>,
    /// Only of this actor, by its id
    #[arg(long, value_name = "ID")]
    actor: Option<String>,
    /// Only of agents that acted for this user, by its id
    #[arg(long, value_name = "ID")]
    user: Option<String>,
    /// Only of credentials that were given to this client
    #[arg(long, value_name = "ID")]
    client: Option<String>,
    /// Only of this session
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// Only of requests to this route, such as /expenses/{id}
    #[arg(long, value_name = "TEMPLATE")]
    route: Option<String>,
    /// Only of this trace
    #[arg(long, value_name = "TRACE")]
    trace: Option<String>,
    /// Only of this application's gates, by its client
    #[arg(long, value_name = "ID")]
    application: Option<String>,
    /// Only of this time or later: one such as 2026-11-22T09:05Z, or how long ago, such as 2h
    #[arg(long, value_name = "TIME")]
    since: Option<Moment>,
    /// Only of before this time
    #[arg(long, value_name = "TIME")]
    until: Option<Moment>,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Which {
    Allowed,
    Denied,
}

type Query = Vec<(&'static str, Option<String>)>;

impl Filter {
    fn query(&self) -> Query {
        let stream = self.stream.map(|stream| match stream {
            Which::Allowed => "allowed".to_owned(),
            Which::Denied => "denied".to_owned(),
        });
        vec![
            ("stream", stream),
            ("outcome", self.outcome.clone()),
            ("reason", self.reason.clone()),
            ("actor", self.actor.clone()),
            ("user", self.user.clone()),
            ("client", self.client.clone()),
            ("session", self.session.clone()),
            ("route", self.route.clone()),
            ("trace", self.trace.clone()),
            ("application", self.application.clone()),
            ("since", self.since.map(|at| at.resolve().to_string())),
            ("until", self.until.map(|at| at.resolve().to_string())),
        ]
    }
}

pub(crate) async fn run(command: Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::List(List { limit, filter }) => {
            let door = Door::open(&filter.place, None).await?;
            let decisions = newest(&door, &filter.query(), limit).await?;
            output::print(json, &decisions, |decisions| listed(decisions))
        }
        Command::Tail(filter) => tail(&filter, json).await,
        Command::Verify(Verify { place }) => verify(&place, json).await,
    }
}

/// The newest `limit` decisions.
async fn newest(door: &Door, query: &Query, limit: u32) -> Result<Vec<DecisionView>, Failure> {
    let mut decisions: Vec<DecisionView> = Vec::new();
    let mut before: Option<u64> = None;
    loop {
        let left = limit.saturating_sub(u32::try_from(decisions.len()).unwrap_or(u32::MAX));
        if left == 0 {
            return Ok(decisions);
        }
        let mut query = query.clone();
        query.push(("limit", Some(left.min(PAGE_LIMIT).to_string())));
        query.push(("before", before.map(|position| position.to_string())));
        let page: Decisions = door.get("/decisions", &query).await?;
        decisions.extend(page.decisions);
        before = page.next;
        if page.at_end || before.is_none() {
            return Ok(decisions);
        }
    }
}

async fn tail(filter: &Filter, json: bool) -> Result<(), Failure> {
    let door = Door::open(&filter.place, None).await?;
    let query = filter.query();
    // Where the log ends now, whatever fits: what comes after it is new.
    let end: Decisions = door
        .get("/decisions", &[("limit", Some("1".to_owned()))])
        .await?;
    let mut after = end.decisions.first().map_or(0, |last| last.position);
    let mut decisions = newest(&door, &query, BEGINNING).await?;
    decisions.retain(|decision| decision.position <= after);
    decisions.reverse();
    loop {
        for decision in &decisions {
            let line = if json {
                line_of_json(decision)
            } else {
                line(decision)
            };
            if output::gone(&line)? {
                return Ok(());
            }
        }
        if !door.is_shared() {
            screen::talk("No server runs on this data, so that nothing more can come.\n");
            return Ok(());
        }
        let mut query = query.clone();
        query.push(("after", Some(after.to_string())));
        let page: Decisions = door.get("/decisions", &query).await?;
        after = page.next.unwrap_or(after);
        decisions = page.decisions;
        if page.at_end && decisions.is_empty() {
            tokio::time::sleep(EVERY).await;
        }
    }
}

/// What was found in one stream.
#[derive(Debug, Serialize)]
struct Found {
    stream: &'static str,
    blocks: u64,
    retired: u64,
    decisions: u64,
    faults: Vec<DecisionFault>,
}

async fn verify(place: &Place, json: bool) -> Result<(), Failure> {
    let door = Door::open(place, None).await?;
    let mut found = Vec::new();
    for stream in ["allowed", "denied"] {
        let mut whole = Found {
            stream,
            blocks: 0,
            retired: 0,
            decisions: 0,
            faults: Vec::new(),
        };
        let mut after = 0;
        loop {
            let query = [
                ("stream", Some(stream.to_owned())),
                ("after", Some(after.to_string())),
            ];
            let part: DecisionsVerified = door.get("/decisions/verification", &query).await?;
            whole.blocks += part.blocks;
            whole.retired += part.retired;
            whole.decisions += part.decisions;
            whole.faults.extend(part.faults);
            if !part.more || part.through <= after {
                break;
            }
            after = part.through;
        }
        found.push(whole);
    }
    output::print(json, &found, |found| verified(found))?;
    if found.iter().all(|stream| stream.faults.is_empty()) {
        Ok(())
    } else {
        Err(Failure::told())
    }
}

fn verified(found: &[Found]) -> Text {
    let mut data = String::new();
    for stream in found {
        let said = if stream.faults.is_empty() {
            "as they were kept"
        } else {
            "NOT as they were kept"
        };
        // Writing to a String cannot fail.
        let _ = write!(
            data,
            "{}: {} decisions in {} blocks {said}",
            stream.stream,
            stream.decisions,
            stream.blocks - stream.retired,
        );
        if stream.retired > 0 {
            let _ = write!(data, "; {} blocks are kept no longer", stream.retired);
        }
        data.push('\n');
        for fault in &stream.faults {
            let _ = writeln!(data, "  block {}: {}", fault.place, clean(&fault.reason));
        }
    }
    Text {
        data,
        talk: String::new(),
    }
}

fn who(decision: &DecisionView) -> String {
    match (&decision.actor_kind, &decision.actor) {
        (Some(kind), Some(id)) => match &decision.user {
            Some(user) => format!("{kind}:{id} for {user}"),
            None => format!("{kind}:{id}"),
        },
        _ => "nobody known".to_owned(),
    }
}

fn outcome(decision: &DecisionView) -> String {
    let reason = decision.reason.as_ref();
    let reason = reason.map_or_else(String::new, |reason| format!(" ({reason})"));
    let count = match decision.count {
        0 | 1 => String::new(),
        count => format!(", {count} times"),
    };
    format!("{}{reason}{count}", decision.outcome)
}

fn what(decision: &DecisionView) -> String {
    let method = match decision.transport.as_deref() {
        Some("websocket") => "WEBSOCKET",
        _ => decision.method.as_deref().unwrap_or("-"),
    };
    let route = decision.route.as_deref().unwrap_or("-");
    format!("{method} {route}")
}

/// One decision for a person who reads along.
fn line(decision: &DecisionView) -> String {
    format!(
        "{}  {}  {}  {}  {}\n",
        output::second(decision.at),
        clean(&decision.application),
        clean(&what(decision)),
        clean(&outcome(decision)),
        clean(&who(decision)),
    )
}

fn listed(decisions: &[DecisionView]) -> Text {
    let rows: Vec<[String; 5]> = decisions
        .iter()
        .map(|decision| {
            [
                output::second(decision.at),
                decision.application.clone(),
                what(decision),
                outcome(decision),
                who(decision),
            ]
        })
        .collect();
    output::table(
        ["WHEN", "APPLICATION", "REQUEST", "OUTCOME", "WHO"],
        &rows,
        "There are no such decisions.",
    )
}
