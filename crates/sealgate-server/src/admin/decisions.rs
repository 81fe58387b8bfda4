//! `/api/v1/decisions`: what gates decided, as they reported it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use sealgate_audit::decision::{Outcome, Stream, Trace};
use sealgate_model::Timestamp;
use sealgate_store::decisions::{DecisionFilter, DecisionRow, Direction, Verified};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::LAST_TIME;
use super::actor::Admin;
use super::extract::Ask;
use super::page::Limit;
use super::schemas::{DecidedWord, Millis, StreamWord};
use crate::ControlPlane;
use crate::decisions::{last_anchor, read_anchor};
use crate::problem::Problem;

/// The longest text that is looked for, in bytes.
const TEXT_LIMIT: usize = 1_024;
/// How many blocks one answer verifies.
const BLOCKS: u32 = 1_000;

pub(super) fn routes() -> OpenApiRouter<Arc<ControlPlane>> {
    OpenApiRouter::default()
        .routes(routes!(list))
        .routes(routes!(verify))
}

/// Which decisions to list: those that fit everything that is named.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListDecisions {
    /// Only of this stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = StreamWord, required = false)]
    pub stream: Option<String>,
    /// Only with this outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = DecidedWord, required = false)]
    pub outcome: Option<String>,
    /// Only for this reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(required = false, nullable = false, max_length = 1024)]
    pub reason: Option<String>,
    /// Only of this actor, by its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(required = false, nullable = false, max_length = 1024)]
    pub actor: Option<String>,
    /// Only of agents that acted for this user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(required = false, nullable = false, max_length = 1024)]
    pub user: Option<String>,
    /// Only of credentials that were given to this client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(required = false, nullable = false, max_length = 1024)]
    pub client: Option<String>,
    /// Only of this session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(required = false, nullable = false, max_length = 1024)]
    pub session: Option<String>,
    /// Only of requests to this route, by its template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(required = false, nullable = false, max_length = 1024)]
    pub route: Option<String>,
    /// Only of this trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = String, required = false, pattern = "^[0-9a-f]{32}$")]
    pub trace: Option<String>,
    /// Only what the gates of this application told, by the client that they report as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(required = false, nullable = false, max_length = 1024)]
    pub application: Option<String>,
    /// Only of this time or later, by the gate's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Millis, required = false)]
    pub since: Option<Timestamp>,
    /// Only of before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Millis, required = false)]
    pub until: Option<Timestamp>,
    /// Newest first, from before this position: the `next` of the answer before. Not with `after`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(required = false, nullable = false, minimum = 0)]
    pub before: Option<u64>,
    /// Oldest first, from after this position: for whoever follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(required = false, nullable = false, minimum = 0)]
    pub after: Option<u64>,
    /// How many at most.
    #[serde(default)]
    #[param(required = false)]
    pub limit: Limit,
}

/// A decision of a gate, or several that are alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DecisionView {
    /// Its position in the log.
    pub position: u64,
    /// Whether it was allowed or denied.
    #[schema(value_type = StreamWord)]
    pub stream: String,
    /// The application: the client that the gate reports as.
    pub application: String,
    /// What the gate calls itself.
    pub gate: String,
    /// When it was kept here.
    #[schema(value_type = Millis)]
    pub kept_at: Timestamp,
    /// When it fell, by the gate's clock; the first of several.
    #[schema(value_type = Millis)]
    pub at: Timestamp,
    /// When the last of several fell.
    #[schema(value_type = Millis)]
    pub last: Timestamp,
    /// How many there are: more than one where there was no room for each.
    pub count: u64,
    /// What came of it.
    #[schema(value_type = DecidedWord)]
    pub outcome: String,
    /// Why, as a reason code; none for what is allowed as a rule.
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
    /// `session`, `bearer` or `dpop`.
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
    /// The version of the policies in force.
    pub policy_version: Option<String>,
    /// The policies that decided, with commas between them.
    pub policies: Option<String>,
    /// Where it came from, as much of it as the gate tells.
    pub network: Option<String>,
    /// The trace id.
    pub trace: Option<String>,
}

impl From<DecisionRow> for DecisionView {
    fn from(row: DecisionRow) -> Self {
        Self {
            position: row.position,
            stream: row.stream.as_str().to_owned(),
            application: row.application,
            gate: row.gate,
            kept_at: row.kept_at,
            at: row.at,
            last: row.last,
            count: row.count,
            outcome: row.outcome.as_str().to_owned(),
            reason: row.reason,
            status: row.status,
            actor_kind: row.actor_kind,
            actor: row.actor,
            user: row.user,
            client: row.client,
            credential: row.credential,
            session: row.session,
            token: row.token,
            route: row.route,
            method: row.method,
            transport: row.transport,
            policy_version: row.policy,
            policies: row.deciding,
            network: row.network,
            trace: row.trace,
        }
    }
}

/// Decisions, in the order that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Decisions {
    /// At most `limit` decisions. There may be fewer than there are: one answer looks through a bounded part of
    /// the log.
    pub decisions: Vec<DecisionView>,
    /// Where to go on, as `before` or `after`.
    pub next: Option<u64>,
    /// Whether there is nothing more that way now.
    pub at_end: bool,
}

/// Read what gates decided, newest first, or oldest first from a position on.
#[utoipa::path(
    get, path = "/decisions", tag = "audit", operation_id = "listDecisions", params(ListDecisions),
    responses(
        (status = OK, description = "Decisions.", body = Decisions),
        (status = UNPROCESSABLE_ENTITY, description = "Both `before` and `after` are given."),
    ),
    security(("oauth2" = ["sealgate:audit:read"])),
)]
async fn list(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    Ask(query): Ask<ListDecisions>,
) -> Result<Json<Decisions>, Problem> {
    let (direction, from) = match (query.before, query.after) {
        (Some(_), Some(_)) => {
            return Err(Problem::unprocessable(
                "query_contradictory",
                "before and after do not go together",
            ));
        }
        (before, None) => (Direction::Newest, before),
        (None, after) => (Direction::Oldest, after),
    };
    let limit = query.limit.rows();
    let filter = filter(query)?;
    if let Some(reader) = admin.reader()
        && plane.chain.reads.is_news(reader, plane.clock.uptime())
    {
        plane.store.record(admin.act(&plane, "audit.read")).await?;
    }
    let found = plane.decisions.find(filter, direction, from, limit).await?;
    Ok(Json(Decisions {
        decisions: found.records.into_iter().map(DecisionView::from).collect(),
        next: found.next,
        at_end: found.at_end,
    }))
}

fn malformed(said: &str) -> Problem {
    Problem::bad_request("query_malformed", said)
}

fn filter(query: ListDecisions) -> Result<DecisionFilter, Problem> {
    let texts = [
        &query.reason,
        &query.actor,
        &query.user,
        &query.client,
        &query.session,
        &query.route,
        &query.application,
    ];
    let is_text = |text: &&String| !text.is_empty() && text.len() <= TEXT_LIMIT;
    if !texts.into_iter().flatten().all(|text| is_text(&text)) {
        return Err(malformed("what is looked for is 1 to 1024 bytes long"));
    }
    let in_range = |at: Timestamp| (0..=LAST_TIME).contains(&at.as_millis());
    if ![query.since, query.until]
        .into_iter()
        .flatten()
        .all(in_range)
    {
        return Err(malformed("since and until are times in milliseconds"));
    }
    let stream = query
        .stream
        .as_deref()
        .map(|word| Stream::named(word).ok_or_else(|| malformed("stream is allowed or denied")));
    let outcome = query.outcome.as_deref().map(|word| {
        Outcome::named(word)
            .ok_or_else(|| malformed("outcome is allowed, refused, ended or withheld"))
    });
    let trace = query.trace.as_deref().map(|text| {
        trace(text).ok_or_else(|| malformed("trace is the 32 hexadecimal digits of a trace id"))
    });
    Ok(DecisionFilter {
        stream: stream.transpose()?,
        outcome: outcome.transpose()?,
        trace: trace.transpose()?,
        reason: query.reason,
        actor: query.actor,
        user: query.user,
        client: query.client,
        session: query.session,
        route: query.route,
        application: query.application,
        since: query.since,
        until: query.until,
    })
}

fn trace(text: &str) -> Option<Trace> {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let sound = text.len() == 32 && text.bytes().all(is_digit);
    let number = u128::from_str_radix(text, 16).ok().filter(|_| sound)?;
    Some(number.to_be_bytes())
}

/// Which blocks to verify.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct VerifyDecisions {
    /// The stream.
    #[param(value_type = StreamWord)]
    pub stream: String,
    /// From after this place on: the `through` of the answer before.
    #[serde(default)]
    #[param(required = false)]
    pub after: u64,
}

/// Something in the log that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DecisionFault {
    /// The block's place in its stream.
    pub place: u64,
    /// What is wrong there, as a reason code.
    pub reason: String,
}

/// What came of verifying a part of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DecisionsVerified {
    /// How many blocks were looked at.
    pub blocks: u64,
    /// How many of them let go of their records under the retention.
    pub retired: u64,
    /// The decisions in the others.
    pub decisions: u64,
    /// What does not fit, at most a hundred.
    pub faults: Vec<DecisionFault>,
    /// The place of the last block: give it as `after` for more.
    pub through: u64,
    /// Whether there are more.
    pub more: bool,
}

/// Verify a part of the log of decisions: its chain, its records, and the heads that the audit log has of it.
#[utoipa::path(
    get, path = "/decisions/verification", tag = "audit", operation_id = "verifyDecisions",
    params(VerifyDecisions),
    responses((status = OK, description = "What was found.", body = DecisionsVerified)),
    security(("oauth2" = ["sealgate:audit:read"])),
)]
async fn verify(
    State(plane): State<Arc<ControlPlane>>,
    Ask(query): Ask<VerifyDecisions>,
) -> Result<Json<DecisionsVerified>, Problem> {
    let stream =
        Stream::named(&query.stream).ok_or_else(|| malformed("stream is allowed or denied"))?;
    // Before the blocks are read: what comes meanwhile is no fault.
    let anchor = last_anchor(&plane).await?;
    let verified = plane.decisions.verify(stream, query.after, BLOCKS).await?;
    let anchored = anchor.as_deref().map(read_anchor).unwrap_or_default();
    let anchored = anchored.into_iter().find(|head| head.stream == stream);
    let mut view = view(&verified);
    if let Some(head) = anchored.filter(|head| head.place > query.after) {
        let end = verified.through;
        let hash = verified.hash_at(head.place);
        let reason = if !verified.more && end < head.place {
            Some((end, "decisions_end_missing"))
        } else if hash.is_some_and(|hash| hash != head.hash) {
            Some((head.place, "decisions_anchor_mismatch"))
        } else {
            None
        };
        view.faults
            .extend(reason.map(|(place, reason)| DecisionFault {
                place,
                reason: reason.to_owned(),
            }));
    }
    Ok(Json(view))
}

fn view(verified: &Verified) -> DecisionsVerified {
    DecisionsVerified {
        blocks: verified.blocks,
        retired: verified.retired,
        decisions: verified.decisions,
        faults: verified
            .faults
            .iter()
            .map(|fault| DecisionFault {
                place: fault.place,
                reason: fault.kind.code().to_owned(),
            })
            .collect(),
        through: verified.through,
        more: verified.more,
    }
}
