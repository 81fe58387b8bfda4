//! Gates, receipts and revocations as JSON.

use std::time::Duration;

use sealgate_model::{ClientId, Timestamp};
use sealgate_store::Revocation;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use super::super::page::Limit;
use super::super::schemas::{
    ClientIdText, GateStateWord, Millis, ReceiptStateWord, RevokedKindWord,
};
use super::named;
use crate::feed::gates::{DEFAULT_BOUND, GateSeen, GateState, Outcome};
use crate::feed::receipt;

/// The longest time a request is held open.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// How long a request may be held open, in whole seconds: 0 to 60.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Wait(u64);

impl Wait {
    pub(super) const fn span(self) -> Duration {
        Duration::from_secs(self.0)
    }
}

impl TryFrom<u64> for Wait {
    type Error = &'static str;

    fn try_from(seconds: u64) -> Result<Self, Self::Error> {
        if Duration::from_secs(seconds) <= LONGEST_WAIT {
            Ok(Self(seconds))
        } else {
            Err("wait is 0 to 60")
        }
    }
}

impl From<Wait> for u64 {
    fn from(wait: Wait) -> Self {
        wait.0
    }
}

impl PartialSchema for Wait {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::schema::Object::builder()
            .schema_type(utoipa::openapi::schema::Type::Integer)
            .minimum(Some(0_u32))
            .maximum(Some(60_u32))
            .default(Some(0.into()))
            .description(Some(
                "How many seconds the answer may be waited for at most.",
            ))
            .into()
    }
}

impl ToSchema for Wait {}

/// A gate: one process, or several that share one view, that follows the feed as a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GateView {
    /// The client whose credentials it has.
    #[schema(value_type = ClientIdText)]
    pub client: ClientId,
    /// What it calls itself.
    pub gate: Option<String>,
    /// What tells it from the client's other gates; none: it does not answer when it is asked.
    pub instance: Option<String>,
    /// The network address it came from, where that is known.
    pub network: Option<String>,
    /// How it is doing.
    #[schema(value_type = GateStateWord)]
    pub state: GateState,
    /// Since when it follows or, if it is gone, is gone.
    #[schema(value_type = Millis)]
    pub since: Timestamp,
    /// Its staleness bound in milliseconds, if it tells one.
    #[schema(minimum = 1)]
    pub bound: Option<u64>,
    /// It has everything that it can see of the log up to this number; none: it does not tell.
    #[schema(minimum = 0)]
    pub applied: Option<u64>,
    /// How many revocations of the log have come since; those that it cannot see count too until it
    /// answers next.
    #[schema(minimum = 0)]
    pub behind: Option<u64>,
    /// When it last answered.
    #[schema(value_type = Option<Millis>)]
    pub answered_at: Option<Timestamp>,
    /// How old, when it last answered, the last moment was that it could prove, in milliseconds.
    #[schema(minimum = 0)]
    pub age: Option<u64>,
    /// The version of the policies that it had loaded when it last answered; none: none, or it does not tell.
    #[serde(default)]
    #[schema(minimum = 1)]
    pub policy: Option<u64>,
}

impl GateView {
    pub(super) fn of(seen: GateSeen, head: u64) -> Self {
        Self {
            behind: seen.applied.map(|applied| head.saturating_sub(applied)),
            client: seen.client,
            gate: seen.gate,
            instance: seen.instance,
            network: seen.network,
            state: seen.state,
            since: seen.since,
            bound: seen.bound.map(millis),
            applied: seen.applied,
            answered_at: seen.answered_at,
            age: seen.age.map(millis),
            policy: seen.policy,
        }
    }
}

/// Who follows the feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FeedGates {
    /// The history that numbers belong to.
    pub epoch: String,
    /// The number of the log's last revocation; 0 if there is none.
    #[schema(minimum = 0)]
    pub head: u64,
    /// What time it is for the control plane.
    #[schema(value_type = Millis)]
    pub at: Timestamp,
    /// The gates, by client.
    pub gates: Vec<GateView>,
}

/// For which receipt to ask.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AskReceipt {
    /// The number of a revocation; the log's last one if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = u64, required = false, minimum = 0)]
    pub seq: Option<u64>,
    /// How many seconds to wait for it to be complete.
    #[serde(default)]
    #[param(value_type = Wait, required = false)]
    pub wait: Wait,
}

/// What a gate made of a revocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReceiptState {
    /// It said that it has applied it.
    Applied,
    /// It was not heard of, and its staleness bound has passed: it denies whatever it cannot prove to
    /// be fresh.
    Silent,
    /// It has not said so yet.
    Behind,
}

impl ReceiptState {
    /// Every value.
    pub const ALL: [Self; 3] = [Self::Applied, Self::Silent, Self::Behind];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Silent => "silent",
            Self::Behind => "behind",
        }
    }
}

/// One gate on a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GateReceipt {
    /// The client whose credentials it has.
    #[schema(value_type = ClientIdText)]
    pub client: ClientId,
    /// What it calls itself.
    pub gate: Option<String>,
    /// What tells it from the client's other gates.
    pub instance: Option<String>,
    /// What it made of the revocation.
    #[schema(value_type = ReceiptStateWord)]
    pub state: ReceiptState,
    /// How many milliseconds after the revocation its answer came.
    #[schema(minimum = 0)]
    pub delay: Option<u64>,
    /// Its staleness bound in milliseconds: the one it tells, or the default of every gate.
    #[schema(minimum = 1)]
    pub bound: u64,
    /// When it last answered.
    #[schema(value_type = Option<Millis>)]
    pub seen_at: Option<Timestamp>,
}

impl From<Outcome> for GateReceipt {
    fn from(outcome: Outcome) -> Self {
        let state = if outcome.applied_at.is_some() {
            ReceiptState::Applied
        } else if outcome.denies {
            ReceiptState::Silent
        } else {
            ReceiptState::Behind
        };
        Self {
            client: outcome.gate.client,
            gate: outcome.gate.gate,
            instance: outcome.gate.instance,
            state,
            delay: outcome.delay.map(millis),
            bound: millis(outcome.gate.bound.unwrap_or(DEFAULT_BOUND)),
            seen_at: outcome.gate.answered_at,
        }
    }
}

/// Which gates have applied a revocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Receipt {
    /// The history that the number belongs to.
    pub epoch: String,
    /// The revocation's number.
    #[schema(minimum = 0)]
    pub seq: u64,
    /// When it was revoked; none if the log has forgotten it.
    #[schema(value_type = Option<Millis>)]
    pub committed_at: Option<Timestamp>,
    /// Whether every gate has applied it, or denies what it cannot prove to be fresh.
    pub complete: bool,
    /// Whether the control plane started so lately that gates which followed it before may not be
    /// back: until the longest staleness bound has passed no receipt is complete.
    pub recovering: bool,
    /// How many milliseconds it was waited for.
    #[schema(minimum = 0)]
    pub waited: u64,
    /// Each gate that follows, or did so lately that it could still believe what it knew.
    pub gates: Vec<GateReceipt>,
}

impl Receipt {
    pub(super) fn of(held: receipt::Receipt, epoch: String) -> Self {
        Self {
            epoch,
            seq: held.seq,
            committed_at: held.committed_at,
            complete: held.complete,
            recovering: held.recovering,
            waited: millis(held.waited),
            gates: held.gates.into_iter().map(GateReceipt::from).collect(),
        }
    }
}

/// Which part of the log to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListRevocations {
    /// What comes after this number; from the beginning if it is not given.
    #[serde(default, deserialize_with = "number")]
    #[param(value_type = u64, required = false, minimum = 0)]
    pub after: u64,
    /// How many at most.
    #[serde(default)]
    #[param(value_type = Limit, required = false)]
    pub limit: Limit,
    /// How many seconds to wait for one if there is none.
    #[serde(default)]
    #[param(value_type = Wait, required = false)]
    pub wait: Wait,
}

/// A number of the log: one that fits the description's `int64`, as all there can be do.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let number = u64::deserialize(deserializer)?;
    if i64::try_from(number).is_err() {
        return Err(D::Error::custom("after is at most 9223372036854775807"));
    }
    Ok(number)
}

/// What kind of thing is revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevokedKind {
    /// One session.
    Session,
    /// What a user started.
    User,
    /// What was started on a client, or by it.
    Client,
    /// Everything.
    All,
    /// What a key signed.
    Key,
    /// One access token.
    Token,
    /// What was started for a tenant.
    Tenant,
    /// One delegation.
    Grant,
    /// What is told of a user: nothing ends, and it is asked for anew.
    UserClaims,
    /// What is told of a client, likewise.
    ClientClaims,
    /// Versions of the policies until then: gates decide by a newer one.
    Policy,
}

impl RevokedKind {
    /// Every value.
    pub const ALL: [Self; 11] = [
        Self::Session,
        Self::User,
        Self::Client,
        Self::All,
        Self::Key,
        Self::Token,
        Self::Tenant,
        Self::Grant,
        Self::UserClaims,
        Self::ClientClaims,
        Self::Policy,
    ];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            RevokedKind::Session => "session",
            RevokedKind::User => "user",
            RevokedKind::Client => "client",
            RevokedKind::All => "all",
            RevokedKind::Key => "key",
            RevokedKind::Token => "token",
            RevokedKind::Tenant => "tenant",
            RevokedKind::Grant => "grant",
            RevokedKind::UserClaims => "user_claims",
            RevokedKind::ClientClaims => "client_claims",
            RevokedKind::Policy => "policy",
        }
    }
}

/// A revocation as the log has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RevocationView {
    /// Its number.
    #[schema(minimum = 1)]
    pub seq: u64,
    /// What kind of thing is revoked.
    #[schema(value_type = RevokedKindWord)]
    pub kind: RevokedKind,
    /// Which one: its id; none for everything.
    pub id: Option<String>,
    /// When. What is revoked up to a moment is revoked up to this one.
    #[schema(value_type = Millis)]
    pub at: Timestamp,
    /// The client whose gates hear of it; none: every client's.
    #[schema(value_type = Option<ClientIdText>)]
    pub client: Option<ClientId>,
    /// From when on nothing that it revokes can be alive: then the log forgets it.
    #[schema(value_type = Millis)]
    pub expires_at: Timestamp,
}

impl From<Revocation> for RevocationView {
    fn from(row: Revocation) -> Self {
        let (kind, id) = named(&row.what);
        Self {
            seq: row.seq,
            kind,
            id,
            at: row.at,
            client: row.client,
            expires_at: row.expires_at,
        }
    }
}

/// Revocations, in the order of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Revocations {
    /// The history that numbers belong to.
    pub epoch: String,
    /// The number of the log's last revocation.
    #[schema(minimum = 0)]
    pub head: u64,
    /// The revocations.
    pub revocations: Vec<RevocationView>,
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
