//! `/api/v1/state`: everything that can be declared, as it is, as a plan and applied as one.

mod drift;
mod judged;
mod steps;
mod types;

use std::sync::Arc;

use axum::Json;
use axum::extract::{DefaultBodyLimit, State};
use http::StatusCode;
use sealgate_plan::{Code, Level, Risk};
use sealgate_store::{Audit, DeclarationRow, StoreError};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::actor::Admin;
use super::extract::{Ask, Body};
use crate::ControlPlane;
use crate::declared::author;
use crate::problem::Problem;
use judged::Judged;
use steps::Steps;

pub use types::{
    AppliedState, ApplyState, DeclarationView, Drift, DriftedThing, MadeSecret, PlanState,
    PlannedState, StateView, Toucher, WhichDeclaration,
};

/// The most bytes of a state that is planned or applied.
pub(crate) const STATE_LIMIT: usize = 2 * 1024 * 1024;

/// The operations whose bodies may be that long, below the API's base.
pub(crate) const LONG: [&str; 2] = ["/state/plan", "/state/apply"];

/// What whoever reads or compares everything may read.
const READS: [&str; 2] = ["sealgate:clients:read", "sealgate:keys:read"];

pub(super) fn routes() -> OpenApiRouter<Arc<ControlPlane>> {
    let longer = OpenApiRouter::default()
        .routes(routes!(plan))
        .routes(routes!(apply))
        .layer(DefaultBodyLimit::max(STATE_LIMIT));
    OpenApiRouter::default()
        .routes(routes!(show))
        .routes(routes!(drift))
        .merge(longer)
}

/// Show everything that can be declared, and what was declared last. Needs the scopes to read clients and keys, too.
#[utoipa::path(
    get, path = "/state", tag = "state", operation_id = "showState", params(WhichDeclaration),
    responses((status = OK, description = "Everything that can be declared.", body = StateView)),
    security(("oauth2" = ["sealgate:policy:read"])),
)]
async fn show(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    Ask(which): Ask<WhichDeclaration>,
) -> Result<Json<StateView>, Problem> {
    let act = admin.act(&plane, "state.read");
    may_read(&plane, &admin, &act).await?;
    let judged = Judged::look(&plane, which.name()?).await?;
    Ok(Json(StateView::of(&judged)))
}

/// Tell what of a declaration is not as it was applied, who changed it last, and when.
#[utoipa::path(
    get, path = "/state/drift", tag = "state", operation_id = "showDrift", params(WhichDeclaration),
    responses(
        (status = OK, description = "What has changed since.", body = Drift),
        (status = NOT_FOUND, description = "Nothing was applied under this name."),
    ),
    security(("oauth2" = ["sealgate:policy:read"])),
)]
async fn drift(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    Ask(which): Ask<WhichDeclaration>,
) -> Result<Json<Drift>, Problem> {
    let act = admin.act(&plane, "state.read");
    may_read(&plane, &admin, &act).await?;
    let judged = Judged::look(&plane, which.name()?).await?;
    drift::found(&plane, &judged).await.map(Json)
}

/// Tell what would change for a state to hold. Changes nothing.
#[utoipa::path(
    post, path = "/state/plan", tag = "state", operation_id = "planState",
    request_body(content = PlanState, example = json!({
        "declaration": "default", "state": { "role": { "auditor": { "description": "Reads everything" } } },
    })),
    responses(
        (status = OK, description = "What would change.", body = PlannedState),
        (status = CONFLICT, description = "It contradicts what is there."),
        (status = PAYLOAD_TOO_LARGE, description = "The state is longer than 2 MiB."),
        (status = UNPROCESSABLE_ENTITY, description = "A part of it is not sound."),
    ),
    security(("oauth2" = ["sealgate:policy:write"])),
)]
async fn plan(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    Body(asked): Body<PlanState>,
) -> Result<Json<PlannedState>, Problem> {
    let act = admin.act(&plane, "state.apply");
    may_read(&plane, &admin, &act).await?;
    let judged = Judged::plan(&plane, asked).await?;
    // Whoever reads the plan is told now what would be refused then.
    Steps::of(&plane, &admin, &judged).await?;
    Ok(Json(PlannedState::of(&judged)))
}

/// Make a state hold: everything that it takes, in one transaction, or nothing. Needs every scope that its single
/// changes need.
#[utoipa::path(
    post, path = "/state/apply", tag = "state", operation_id = "applyState",
    request_body(content = ApplyState, example = json!({
        "declaration": "default", "state": { "role": { "auditor": { "description": "Reads everything" } } },
        "base": "0000000000000000000000000000000000000000000000000000000000000000", "accept": [],
    })),
    responses(
        (status = OK, description = "What was changed, and secrets that are told this once.", body = AppliedState),
        (status = CONFLICT, description = "Something was changed since the plan was made, a high risk is not agreed to, or it contradicts what is there."),
        (status = PAYLOAD_TOO_LARGE, description = "The state is longer than 2 MiB."),
        (status = UNPROCESSABLE_ENTITY, description = "A part of it is not sound."),
    ),
    security(("oauth2" = ["sealgate:policy:write"])),
)]
async fn apply(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    Body(asked): Body<ApplyState>,
) -> Result<Json<AppliedState>, Problem> {
    let (asked, base, accepted) = asked.parts();
    let act = Audit {
        object: Some(asked.declaration.clone()),
        ..admin.act(&plane, "state.apply")
    };
    may_read(&plane, &admin, &act).await?;
    let judged = Judged::plan(&plane, asked).await?;
    if judged.base != base {
        return Err(changed());
    }
    agreed(&judged, &accepted)?;
    let steps = Steps::of(&plane, &admin, &judged).await?;
    if steps.changes.is_empty() && judged.is_kept() {
        return Ok(Json(AppliedState::of(&judged, Vec::new(), None)));
    }
    steps.make_keys(&plane).await?;
    let row = DeclarationRow {
        name: judged.declaration.name.clone(),
        state: judged.kept()?,
        applied_at: act.at,
        applied_by: author(&act.actor),
    };
    let done = plane
        .store
        .declare(judged.rows.clone(), steps.changes, row, act)
        .await;
    match done {
        Ok(done) => Ok(Json(AppliedState::of(&judged, steps.secrets, Some(done)))),
        Err(StoreError::Conflict("declarable")) => Err(changed()),
        Err(error) => Err(error.into()),
    }
}

async fn may_read(plane: &ControlPlane, admin: &Admin, act: &Audit) -> Result<(), Problem> {
    for scope in READS {
        admin.must_have(plane, scope, act).await?;
    }
    Ok(())
}

/// Whether every high risk is agreed to by its code.
fn agreed(judged: &Judged, accepted: &[String]) -> Result<(), Problem> {
    let risks = judged.plan.changes.iter().flat_map(|change| &change.risks);
    let open = |risk: &&Risk| {
        risk.level == Level::High && !accepted.iter().any(|code| code == risk.code.as_str())
    };
    let mut open: Vec<&str> = risks.filter(open).map(|risk| risk.code.as_str()).collect();
    open.sort_unstable();
    open.dedup();
    if let Some(unknown) = accepted.iter().find(|code| Code::parse(code).is_none()) {
        return Err(Problem::unprocessable(
            "risk_unknown",
            format!(
                "there is no risk {}",
                super::clients::texts::shortened(unknown)
            ),
        ));
    }
    if open.is_empty() {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::CONFLICT,
        "risk_unaccepted",
        format!(
            "this has high risks that nobody has agreed to: {}",
            open.join(", ")
        ),
    ))
}

fn changed() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "state_changed",
        "something was changed since this plan was made: make it again, and look at it",
    )
}
