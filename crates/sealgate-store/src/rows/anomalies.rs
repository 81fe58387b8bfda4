//! Anomalies that were raised, what gates report of themselves, and how far the records were judged.

use sealgate_audit::anomaly::{Raise, Severity};
use sealgate_model::{ClientId, Timestamp};
use serde_json::Value;

/// Where an anomaly stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AnomalyState {
    /// Nobody has seen to it.
    Open,
    /// Somebody has, and said why it is left as it is.
    Acknowledged,
    /// What it told of is not so any more.
    Resolved,
}

impl AnomalyState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Open, Self::Acknowledged, Self::Resolved];

    /// The word for it in stored rows, JSON and output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
        }
    }
}

/// An anomaly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnomalyRow {
    /// Its number.
    pub id: i64,
    /// The rule that raised it, by its id.
    pub rule: String,
    /// How bad that is.
    pub severity: Severity,
    /// What it is about: the values that its rule groups by, `session=…`, with a space between.
    pub subject: String,
    /// What was found, in words.
    pub detail: String,
    /// Where it stands.
    pub state: AnomalyState,
    /// When it was raised.
    pub since: Timestamp,
    /// When it was found last.
    pub last_at: Timestamp,
    /// How many acts or decisions it tells of; of a state how many times it came back.
    pub count: u64,
    /// The numbers of the records that show it, the last ones.
    pub evidence: Vec<i64>,
    /// When somebody saw to it.
    pub acknowledged_at: Option<Timestamp>,
    /// Who: as records name an actor.
    pub acknowledged_by: Option<String>,
    /// Why it is left as it is.
    pub acknowledged_for: Option<String>,
    /// When it was over.
    pub resolved_at: Option<Timestamp>,
}

/// What became of a raise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnomalyRaised {
    /// It is a new anomaly, with this number.
    New(i64),
    /// It was open already, and tells of more now.
    Again(i64),
    /// It was known: the same record was judged before.
    Known(i64),
}

/// Which anomalies to list: those that fit everything that is named.
#[derive(Debug, Clone, Default)]
pub struct AnomalyFilter {
    /// Only those in these states; empty: in any.
    pub states: Vec<AnomalyState>,
    /// Only those of this rule.
    pub rule: Option<String>,
    /// Only those with a number below this: the last one already seen.
    pub before: Option<i64>,
}

/// A raise as it is written.
#[derive(Debug, Clone)]
pub struct AnomalyRaise {
    /// What was found.
    pub raise: Raise,
    /// Whether it tells of a state, which is one anomaly until it is mended, whoever has seen to it. Of
    /// acts, those after somebody has seen to it are another.
    pub lasting: bool,
    /// How many of one rule may be open at once. What is found beyond that is told of together, as one whose
    /// subject is [`OTHERS`].
    pub room: u32,
}

/// The subject of the anomaly that tells of those that there was no room for.
pub const OTHERS: &str = "others";

/// How far the records were judged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AnomalyProgress {
    /// The number of the last record that was.
    pub number: i64,
    /// What is remembered of those before, as the engine writes it; empty: nothing.
    pub memory: Vec<u8>,
}

/// What a gate said of itself last.
#[derive(Debug, Clone, PartialEq)]
pub struct GateReportRow {
    /// The client that it follows the feed as.
    pub client: ClientId,
    /// What it is called.
    pub gate: String,
    /// Which process it is.
    pub instance: String,
    /// When it was first heard of.
    pub first_seen: Timestamp,
    /// When it was heard of last.
    pub last_seen: Timestamp,
    /// The digest of its route table, if it told of one.
    pub digest: Option<String>,
    /// Everything else that it said, as a JSON object.
    pub report: Value,
}

/// The routes of a gate's table.
#[derive(Debug, Clone, PartialEq)]
pub struct GateRoutes {
    /// The digest of the whole table.
    pub digest: String,
    /// The routes, as a JSON array.
    pub routes: Value,
}
