//! The administration API, `/api/v1`: users, clients, resources, sessions, consents, keys, the
//! revocation feed and the audit log as JSON.
//!
//! The request and response types serialise both ways, so that the command line speaks through the
//! same ones. Every act is written with its audit record. [`routes`] is for whoever the operating system
//! lets in, [`network::routes`] for whoever has a token; the operations are the same.

mod actor;
mod agents;
mod anomalies;
mod audit;
mod audit_chain;
mod clients;
mod consents;
mod decisions;
mod delegations;
mod description;
pub(crate) mod extract;
mod feed;
mod gates;
mod issuers;
mod keys;
mod machines;
mod needs;
pub(crate) mod network;
mod page;
pub(crate) mod policies;
mod records;
mod registration_tokens;
mod resources;
mod schemas;
mod server;
mod sessions;
mod sinks;
pub(crate) mod state;
mod streams;
mod strict;
mod transmitters;
mod users;

use std::sync::{Arc, OnceLock};

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Router};
use http::Method;
use http::header::CONTENT_TYPE;
use utoipa::openapi::{ComponentsBuilder, OpenApiBuilder};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::ControlPlane;
use crate::problem::{self, ProblemPage};
use crate::request;
use actor::Administrator;
use needs::Operations;

pub use crate::exports::{
    Header as SinkHeader, SinkForm, SinkFraming, SinkStream, SinkTarget, SinkTransport,
};
pub use agents::{AgentView, Agents, ListAgents, RevokeAgent, RevokedAgent};
pub use anomalies::{
    AcknowledgeAnomaly, Anomalies, AnomalyRuleView, AnomalyRules, AnomalyStateView, AnomalyView,
    ListAnomalies,
};
pub use audit::{AuditOutcome, AuditRecord, AuditRecords, ListAudit};
pub use audit_chain::{
    CheckpointView, Checkpoints, FindingView, HoldView, Holds, ListCheckpoints, ListHolds, NewHold,
    ReleasedHold, RetiredRanges, RetiredView, VerificationView, VerifyAudit,
};
pub use clients::{ClientPatch, ClientView, Clients, CreatedClient, ListClients, NewClient};
pub use consents::{ConsentView, Consents, ListConsents};
pub use decisions::{
    DecisionFault, DecisionView, Decisions, DecisionsVerified, ListDecisions, VerifyDecisions,
};
pub use delegations::{DelegationView, Delegations, ListDelegations};
pub(crate) use extract::Body;
pub use feed::{
    AskReceipt, FeedGates, GateReceipt, GateState, GateView, ListRevocations, Receipt,
    ReceiptState, RevocationView, Revocations, RevokedKind, Wait,
};
pub use gates::{
    GatePolicy, GateRoute, GateRoutesView, GateTable, ListGates, ReportedGate, ReportedGateShown,
    ReportedGates, ReportedState, ShowGate,
};
pub use issuers::{
    Candidate, IdentityLinkView, IdentityLinks, IssuerView, Issuers, ListIdentityLinks,
    ListIssuers, NewIdentityLink, NewIssuer, TriedIdentity, TryIdentity, WhichIdentityLink,
    WhichIssuer,
};
pub use keys::{KeyMove, KeyPlan, KeyView, Keys, PlanKeys, Rotation};
pub(crate) use machines::count as count_machines;
pub use machines::{
    BootstrapOptions, CreatedBootstrap, Ended, Identity, ListMachines, MachinePatch, MachineState,
    MachineUse, MachineView, Machines, NewMachine, OffboardedMachine, OpenBootstrap, UnusedFor,
    WhichUses,
};
pub use page::{Limit, PAGE_LIMIT};
pub use policies::{
    AppliedPolicy, ApplyPolicy, ListPolicies, Policies, PolicyVersionView, PolicyView,
    RollBackPolicy,
};
pub use records::{ListRecords, RecordPage, RecordSource};
pub use registration_tokens::{
    CreatedRegistrationToken, ListRegistrationTokens, NewRegistrationToken, RegistrationTokenView,
    RegistrationTokens,
};
pub use resources::{
    ListResources, NewResource, ResourcePatch, ResourceView, Resources, ScopeText, ToolText,
    WhichResource,
};
pub use sealgate_keys::Why;
pub use server::{LifetimesView, ServerView};
pub use sessions::{
    ListSessions, RevokeSession, RevokeSessions, RevokedSessions, SessionView, Sessions,
};
pub use sinks::{
    CreatedSink, ListSinks, NewSink, RotateSinkSecret, SinkFrom, SinkSecret, SinkState, SinkTest,
    SinkView, Sinks,
};
pub use state::{
    AppliedState, ApplyState, DeclarationView, Drift, DriftedThing, MadeSecret, PlanState,
    PlannedState, StateView, Toucher, WhichDeclaration,
};
pub use streams::{ListStreams, StreamReason, StreamView, Streams};
pub use transmitters::{
    CreatedTransmitter, ListTransmitters, NewTransmitter, PollToken, TransmitterView, Transmitters,
};
pub use users::{
    CreatedUser, InvitationLink, InvitedUser, ListUsers, NewUser, Password, UserPatch, UserView,
    Users,
};

/// Where the API is, below the issuer. The whole URL is the resource that tokens for it are made for.
pub const BASE: &str = "/api/v1";

/// The last millisecond of the year 9999: later times are slips.
const LAST_TIME: i64 = 253_402_300_799_999;

/// The API for the machine's operator, under [`BASE`].
pub(crate) fn routes(plane: &Arc<ControlPlane>) -> Router<Arc<ControlPlane>> {
    let operations = Arc::new(Operations::described());
    let routes = endpoints(plane, operations).layer(Extension(Administrator::Operator));
    Router::new().nest(BASE, routes)
}

/// The scope that an access token needs for `method` at `path`, below [`BASE`] and without a query.
pub fn scope_for(method: &Method, path: &str) -> Option<String> {
    static OPERATIONS: OnceLock<Operations> = OnceLock::new();
    let operations = OPERATIONS.get_or_init(Operations::described);
    operations.at(method, path)?.scope.clone()
}

/// Every operation with its description.
fn operations() -> OpenApiRouter<Arc<ControlPlane>> {
    // What no handler's body or answer leads to.
    let shared = ComponentsBuilder::new()
        .schema_from::<Limit>()
        .schema_from::<Wait>()
        .schema_from::<ProblemPage>()
        .build();
    let bare = OpenApiBuilder::new().components(Some(shared)).build();
    OpenApiRouter::with_openapi(bare)
        .merge(users::routes())
        .merge(clients::routes())
        .merge(machines::routes())
        .merge(issuers::routes())
        .merge(registration_tokens::routes())
        .merge(resources::routes())
        .merge(server::routes())
        .merge(sessions::routes())
        .merge(delegations::routes())
        .merge(consents::routes())
        .merge(agents::routes())
        .merge(keys::routes())
        .merge(feed::routes())
        .merge(policies::routes())
        .merge(streams::routes())
        .merge(gates::routes())
        .merge(anomalies::routes())
        .merge(state::routes())
        .merge(audit::routes())
        .merge(records::routes())
        .merge(sinks::routes())
        .merge(audit_chain::routes())
        .merge(decisions::routes())
        .merge(transmitters::routes())
        .routes(routes!(describe))
}

/// Every operation, for whoever may.
fn endpoints(plane: &Arc<ControlPlane>, described: Arc<Operations>) -> Router<Arc<ControlPlane>> {
    let (routes, _) = operations().split_for_parts();
    routes
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(Extension(Description::default()))
        .layer(from_fn_with_state(Arc::clone(plane), feed::stand))
        .layer(from_fn(whole))
        .layer(from_fn_with_state(described, strict::layer))
}

/// Reads bodies that may be long, now that it is known who administers.
async fn whole(request: Request, next: Next) -> Response {
    match request::late(request).await {
        Ok(request) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

/// The description in JSON, once it was asked for.
#[derive(Clone, Default)]
struct Description(Arc<OnceLock<Bytes>>);

/// This description.
#[utoipa::path(
    get, path = "/openapi.json", tag = "description", operation_id = "describe",
    responses((status = OK, description = "OpenAPI 3.1.", body = utoipa::openapi::Object)),
)]
async fn describe(
    State(plane): State<Arc<ControlPlane>>,
    Extension(Description(known)): Extension<Description>,
) -> Response {
    let text = known.get_or_init(|| description::of(&plane.issuer).to_string().into());
    ([(CONTENT_TYPE, "application/json")], text.clone()).into_response()
}
