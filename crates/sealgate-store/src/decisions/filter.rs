//! What is looked for, and what is found.

use sealgate_audit::decision::{BlockHead, Decided, Index, Outcome, Stream, Trace};
use sealgate_model::Timestamp;

/// Which records: those that fit everything that is named.
#[derive(Debug, Clone, Default)]
pub struct DecisionFilter {
    /// Only of this stream.
    pub stream: Option<Stream>,
    /// Only with this outcome.
    pub outcome: Option<Outcome>,
    /// Only for this reason.
    pub reason: Option<String>,
    /// Only of this actor, by its id.
    pub actor: Option<String>,
    /// Only of agents that acted for this user.
    pub user: Option<String>,
    /// Only of credentials that were given to this client.
    pub client: Option<String>,
    /// Only of this session.
    pub session: Option<String>,
    /// Only of requests to this route's template.
    pub route: Option<String>,
    /// Only of this trace.
    pub trace: Option<Trace>,
    /// Only what this application's gates tell, by the client that they report as.
    pub application: Option<String>,
    /// Only of this time or later.
    pub since: Option<Timestamp>,
    /// Only from before this time.
    pub until: Option<Timestamp>,
}

/// Which way to look through the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The newest first, from before a position, or from the end.
    Newest,
    /// The oldest first, from after a position, or from the beginning.
    Oldest,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundDecisions {
    /// The records, in the direction that was asked for.
    pub records: Vec<DecisionRow>,
    /// Where to go on.
    pub next: Option<u64>,
    /// Whether there is nothing more that way now.
    pub at_end: bool,
}

/// A record with what stands around it. Its texts are its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionRow {
    /// Its position in the log.
    pub position: u64,
    /// The stream.
    pub stream: Stream,
    /// The client that the gate reported as.
    pub application: String,
    /// What the gate calls itself.
    pub gate: String,
    /// When the control plane kept it.
    pub kept_at: Timestamp,
    /// When the decision fell, by the gate's clock.
    pub at: Timestamp,
    /// When the last of several fell.
    pub last: Timestamp,
    /// How many there are.
    pub count: u64,
    /// What came of it.
    pub outcome: Outcome,
    /// The reason code.
    pub reason: Option<String>,
    /// The status of the gate's own answer.
    pub status: Option<u16>,
    /// `user`, `machine` or `agent`.
    pub actor_kind: Option<String>,
    /// The actor's id.
    pub actor: Option<String>,
    /// The user for whom an agent acted.
    pub user: Option<String>,
    /// The client that the credential was given to.
    pub client: Option<String>,
    /// How the credential was presented.
    pub credential: Option<String>,
    /// The session.
    pub session: Option<String>,
    /// The token's own id.
    pub token: Option<String>,
    /// The route's template.
    pub route: Option<String>,
    /// The method.
    pub method: Option<String>,
    /// `http` or `websocket`.
    pub transport: Option<String>,
    /// The version of the policy.
    pub policy: Option<String>,
    /// The policies that decided.
    pub deciding: Option<String>,
    /// Where it came from.
    pub network: Option<String>,
    /// The trace id, in hexadecimal digits.
    pub trace: Option<String>,
}

/// Positions leave room for the rows of a block.
const ROWS: u64 = 8_192;

/// The position of row `row` of block `number`.
pub(super) const fn position(number: u64, row: usize) -> u64 {
    number.saturating_mul(ROWS).saturating_add(row as u64)
}

/// The block of a position, and the row in it.
pub(super) const fn place(position: u64) -> (u64, u64) {
    (position / ROWS, position % ROWS)
}

impl DecisionRow {
    pub(super) fn new(position: u64, head: &BlockHead, record: &Decided<'_>) -> Self {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Self {
            position,
            stream: head.stream,
            application: head.client.clone(),
            gate: head.gate.clone(),
            kept_at: head.kept_at,
            at: record.at,
            last: record.last,
            count: record.count,
            outcome: record.outcome,
            reason: owned(record.reason),
            status: record.status,
            actor_kind: owned(record.actor_kind),
            actor: owned(record.actor),
            user: owned(record.user),
            client: owned(record.client),
            credential: owned(record.credential),
            session: owned(record.session),
            token: owned(record.token),
            route: owned(record.route),
            method: owned(record.method),
            transport: owned(record.transport),
            policy: owned(record.policy),
            deciding: owned(record.deciding),
            network: owned(record.network),
            trace: record.trace_text(),
        }
    }
}

impl DecisionFilter {
    /// The stream that it can only be about, if it says so in any way.
    pub(super) fn stream(&self) -> Option<Stream> {
        self.stream.or(self.outcome.map(Outcome::stream))
    }

    /// Whether a block with this index may hold what is looked for.
    pub(super) fn may_be_in(&self, index: &Index) -> bool {
        let asked = |text: &Option<String>, may: fn(&Index, &str) -> bool| {
            text.as_deref().is_none_or(|text| may(index, text))
        };
        asked(&self.actor, Index::may_hold_actor)
            && asked(&self.user, Index::may_hold_user)
            && asked(&self.client, Index::may_hold_client)
            && asked(&self.session, Index::may_hold_session)
            && asked(&self.route, Index::may_hold_route)
            && asked(&self.reason, Index::may_hold_reason)
            && self.trace.is_none_or(|trace| index.may_hold_trace(&trace))
    }

    /// Whether `record` is one.
    pub(super) fn fits(&self, record: &Decided<'_>) -> bool {
        let is = |asked: &Option<String>, found: Option<&str>| {
            asked.is_none() || asked.as_deref() == found
        };
        self.outcome.is_none_or(|outcome| outcome == record.outcome)
            && is(&self.reason, record.reason)
            && is(&self.actor, record.actor)
            && is(&self.user, record.user)
            && is(&self.client, record.client)
            && is(&self.session, record.session)
            && is(&self.route, record.route)
            && (self.trace.is_none() || self.trace == record.trace)
            && self.since.is_none_or(|since| record.last >= since)
            && self.until.is_none_or(|until| record.at < until)
    }
}
