//! `/api/v1/gates`: how gates are set up, which policy they have, and which routes stand behind them.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use sealgate_audit::gate::{Agreement, Coverage, Report, RouteTold, WhenStale};
use sealgate_model::{ClientId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::Ask;
use super::schemas::{
    AgreementWord, ClientIdText, CoverageWord, Millis, ReportedStateWord, WhenStaleWord,
};
use crate::ControlPlane;
use crate::gate_reports::{REMEMBERED, SILENT, Told, since};
use crate::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<Arc<ControlPlane>> {
    OpenApiRouter::default()
        .routes(routes!(list))
        .routes(routes!(show))
}

/// Which gates to list.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListGates {
    /// Only those of this client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = ClientIdText, required = false)]
    pub client: Option<ClientId>,
    /// Also those that have not reported for more than three minutes, for seven days.
    #[serde(default)]
    #[param(required = false)]
    pub all: bool,
}

/// Which processes of a gate to show.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ShowGate {
    /// Only those of this client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = ClientIdText, required = false)]
    pub client: Option<ClientId>,
}

/// Whether a gate reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportedState {
    /// It has within three minutes.
    Live,
    /// It has not.
    Silent,
}

impl ReportedState {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Live, Self::Silent];

    /// The word for it in output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Silent => "silent",
        }
    }
}

/// The policy that a gate decides by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GatePolicy {
    /// Its version; 0 for a file of the gate's own.
    pub version: u64,
    /// When it was made.
    #[schema(value_type = Option<Millis>)]
    pub made_at: Option<Timestamp>,
    /// Whether it is the one in force; none for a file of the gate's own.
    pub current: Option<bool>,
}

/// The routes behind a gate, counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GateTable {
    /// The SHA-256 of its routes as they are told, in hexadecimal.
    pub digest: String,
    /// The SHA-256 of the lock file, if there is one.
    pub lock_digest: Option<String>,
    /// Whether they agree with it.
    #[schema(value_type = AgreementWord)]
    pub agreement: Agreement,
    /// How many are not as it has them.
    pub differing: u32,
    /// How many routes there are.
    pub routes: u32,
    /// Those that say what they ask for.
    pub gated: u32,
    /// Those that say nothing, and are closed.
    pub unmarked: u32,
    /// Those that were declared public, with a reason.
    pub public: u32,
    /// Those that are open, and nobody declared them so.
    pub open: u32,
    /// Those of which it could not be told.
    pub unresolved: u32,
    /// Documentation pages, among the others.
    pub docs: u32,
}

/// What one process of a gate said of itself last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportedGate {
    /// The client that it follows the feed as.
    #[schema(value_type = ClientIdText)]
    pub client: ClientId,
    /// What it is called.
    pub gate: String,
    /// Which process it is.
    pub instance: String,
    /// Whether it reports.
    #[schema(value_type = ReportedStateWord)]
    pub state: ReportedState,
    /// When it was first heard of.
    #[schema(value_type = Millis)]
    pub first_seen: Timestamp,
    /// When it was heard of last.
    #[schema(value_type = Millis)]
    pub last_seen: Timestamp,
    /// The version of the gate.
    pub version: String,
    /// What it stands in.
    pub host: String,
    /// The policy that it has loaded, if it has one.
    pub policy: Option<GatePolicy>,
    /// Its staleness bound, in milliseconds.
    pub bound: u64,
    /// What becomes of credentials beyond it.
    #[schema(value_type = WhenStaleWord)]
    pub on_stale: WhenStale,
    /// For how long beyond it something may pass, in milliseconds.
    pub beyond: u64,
    /// The kinds of credentials that it takes.
    pub credentials: Vec<String>,
    /// The routes behind it, if it was told of them.
    pub table: Option<GateTable>,
}

/// Gates, by client, name and process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportedGates {
    /// As of when.
    #[schema(value_type = Millis)]
    pub at: Timestamp,
    /// The gates.
    pub gates: Vec<ReportedGate>,
}

/// A route behind a gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GateRoute {
    /// Its methods with commas between, `WEBSOCKET`, or `*` for all.
    pub methods: String,
    /// Its path with the names of its parameters.
    pub template: String,
    /// Whether it is one of the framework's documentation pages.
    pub docs: bool,
    /// What stands before it.
    #[schema(value_type = CoverageWord)]
    pub coverage: Coverage,
    /// What its gates ask for, or why it is public, open or unresolved.
    pub detail: String,
}

/// A route table, and who has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GateRoutesView {
    /// The client.
    #[schema(value_type = ClientIdText)]
    pub client: ClientId,
    /// Its digest.
    pub digest: String,
    /// The routes, at most 2,000.
    pub routes: Vec<GateRoute>,
}

/// A gate: each process of it, and the route tables that they have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportedGateShown {
    /// As of when.
    #[schema(value_type = Millis)]
    pub at: Timestamp,
    /// Its processes.
    pub gates: Vec<ReportedGate>,
    /// Their route tables: one, unless it is being replaced.
    pub tables: Vec<GateRoutesView>,
}

/// List what gates report of themselves: versions, policy, what becomes of requests when the feed breaks, and how
/// many of their routes are covered.
#[utoipa::path(
    get, path = "/gates", tag = "feed", operation_id = "listReportedGates", params(ListGates),
    responses((status = OK, description = "Gates.", body = ReportedGates)),
    security(("oauth2" = ["sealgate:feed:read"])),
)]
async fn list(
    State(plane): State<Arc<ControlPlane>>,
    Ask(query): Ask<ListGates>,
) -> Result<Json<ReportedGates>, Problem> {
    let at = plane.clock.now();
    let span = if query.all { REMEMBERED } else { SILENT };
    let gates = reported(&plane, at, at - span).await?;
    let is_asked = |gate: &ReportedGate| query.client.as_ref().is_none_or(|id| *id == gate.client);
    let gates = gates.into_iter().filter(is_asked).collect();
    Ok(Json(ReportedGates { at, gates }))
}

/// Show a gate by its name, and every route behind it with what stands before it.
#[utoipa::path(
    get, path = "/gates/{name}", tag = "feed", operation_id = "showReportedGate",
    params(("name" = String, Path, description = "What the gate is called.", max_length = 64), ShowGate),
    responses(
        (status = OK, description = "The gate.", body = ReportedGateShown),
        (status = NOT_FOUND, description = "No gate of that name has reported for seven days."),
    ),
    security(("oauth2" = ["sealgate:feed:read"])),
)]
async fn show(
    State(plane): State<Arc<ControlPlane>>,
    Path(name): Path<String>,
    Ask(query): Ask<ShowGate>,
) -> Result<Json<ReportedGateShown>, Problem> {
    let at = plane.clock.now();
    let gates = reported(&plane, at, at - REMEMBERED).await?.into_iter();
    let is_asked = |gate: &ReportedGate| {
        gate.gate == name && query.client.as_ref().is_none_or(|id| *id == gate.client)
    };
    let gates: Vec<ReportedGate> = gates.filter(is_asked).collect();
    if gates.is_empty() {
        return Err(Problem::new(
            StatusCode::NOT_FOUND,
            "gate_unknown",
            "no gate of that name has reported of late",
        ));
    }
    let mut tables: BTreeMap<(ClientId, String), Vec<GateRoute>> = BTreeMap::new();
    for gate in &gates {
        let Some(table) = &gate.table else { continue };
        let key = (gate.client.clone(), table.digest.clone());
        if tables.contains_key(&key) {
            continue;
        }
        let kept = plane.store.gate_routes(&key.0, &key.1).await?;
        let told: Vec<RouteTold> = kept
            .and_then(|routes| serde_json::from_value(routes).ok())
            .unwrap_or_default();
        tables.insert(key, told.into_iter().map(GateRoute::from).collect());
    }
    let view = |((client, digest), routes)| GateRoutesView {
        client,
        digest,
        routes,
    };
    let tables = tables.into_iter().map(view).collect();
    Ok(Json(ReportedGateShown { at, gates, tables }))
}

async fn reported(
    plane: &ControlPlane,
    at: Timestamp,
    from: Timestamp,
) -> Result<Vec<ReportedGate>, Problem> {
    let all = since(plane, from).await?;
    let current = plane.store.policy_current().await?;
    let current = current.map(|stored| stored.version.version);
    Ok(all
        .into_iter()
        .map(|told| ReportedGate::of(told, current, at))
        .collect())
}

impl ReportedGate {
    fn of(told: Told, current: Option<u64>, at: Timestamp) -> Self {
        let Report {
            gate,
            instance,
            version,
            host,
            policy,
            bound,
            on_stale,
            beyond,
            credentials,
            table,
        } = told.report;
        let is_live = at.since(told.last_seen) < SILENT;
        Self {
            client: told.client,
            gate,
            instance,
            state: if is_live {
                ReportedState::Live
            } else {
                ReportedState::Silent
            },
            first_seen: told.first_seen,
            last_seen: told.last_seen,
            version,
            host,
            policy: policy.map(|policy| GatePolicy {
                version: policy.version,
                made_at: policy.made_at.map(Timestamp::from_millis),
                current: (policy.version > 0).then_some(Some(policy.version) == current),
            }),
            bound,
            on_stale,
            beyond,
            credentials,
            table: table.map(|table| GateTable {
                digest: table.digest,
                lock_digest: table.lock_digest,
                agreement: table.agreement,
                differing: table.differing,
                routes: table.counts.routes,
                gated: table.counts.gated,
                unmarked: table.counts.unmarked,
                public: table.counts.public,
                open: table.counts.open,
                unresolved: table.counts.unresolved,
                docs: table.counts.docs,
            }),
        }
    }
}

impl From<RouteTold> for GateRoute {
    fn from(told: RouteTold) -> Self {
        Self {
            methods: told.methods,
            template: told.template,
            docs: told.docs,
            coverage: told.coverage,
            detail: told.detail,
        }
    }
}
