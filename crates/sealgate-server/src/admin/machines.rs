//! `/api/v1/machines`: service accounts, from their registration to their offboarding.

mod answers;
pub(super) mod rules;
mod types;
mod view;

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use sealgate_model::{BootstrapId, ClientId};
use sealgate_oauth::{BootstrapCredential, BootstrapHandle};
use sealgate_store::{Audit, Bootstrap, Client, MachineRow, StoreError};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::actor::Admin;
use super::extract::{Ask, Body, Id, MaybeBody};
use super::schemas::ClientIdText;
use crate::ControlPlane;
use crate::oauth::bootstrap;
use crate::problem::Problem;
use view::Surroundings;

pub(super) use rules::{no_machine, not_expired};
pub(crate) use view::count;

pub use answers::{
    CreatedBootstrap, Ended, MachineState, MachineUse, MachineView, Machines, OffboardedMachine,
    OpenBootstrap,
};
pub use types::{
    BootstrapOptions, Identity, ListMachines, MachinePatch, NewMachine, UnusedFor, WhichUses,
};

pub(super) fn routes() -> OpenApiRouter<Arc<ControlPlane>> {
    OpenApiRouter::default()
        .routes(routes!(list, create))
        .routes(routes!(show, update))
        .routes(routes!(bootstrap))
        .routes(routes!(offboard))
}

/// List service accounts, by id, with what they use.
#[utoipa::path(
    get, path = "/machines", tag = "machines", operation_id = "listMachines", params(ListMachines),
    responses((status = OK, description = "Service accounts.", body = Machines)),
    security(("oauth2" = ["sealgate:clients:read"])),
)]
async fn list(
    State(plane): State<Arc<ControlPlane>>,
    Ask(query): Ask<ListMachines>,
) -> Result<Json<Machines>, Problem> {
    let all = plane.store.machines(query.all).await?;
    let key = |row: &MachineRow| row.client.id.clone();
    let (page, next) = query.limit.slice(all, query.after.as_ref(), key);
    let around = Surroundings::read(&plane, query.unused_for).await?;
    let machines = page.into_iter().map(|row| around.view(row)).collect();
    Ok(Json(Machines { machines, next }))
}

/// Register a service account. It has no secret: it proves who it is by a key of its own, or is vouched for by
/// another issuer.
#[utoipa::path(
    post, path = "/machines", tag = "machines", operation_id = "createMachine",
    request_body(content = NewMachine, example = json!({
        "id": "expense-importer", "owner": "finance@example.com", "purpose": "imports card expenses",
        "environment": "production", "expires_at": 1_826_874_305_000_i64,
        "scopes": ["expenses:write"], "resources": ["https://expenses.example.com/api"],
    })),
    responses(
        (status = CREATED, description = "The service account that was registered.", body = MachineView),
        (status = CONFLICT, description = "The id is in use or ever was, or an identity is another service account's."),
        (status = UNPROCESSABLE_ENTITY, description = "The registration is not sound."),
    ),
    security(("oauth2" = ["sealgate:clients:write"])),
)]
async fn create(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    Body(new): Body<NewMachine>,
) -> Result<(StatusCode, Json<MachineView>), Problem> {
    let act = about(&new.id, admin.act(&plane, "machine.create"));
    let mut client = new.planned(act.at);
    admin.may_shape(&plane, &client, &act).await?;
    rules::settle(&plane, None, &mut client, act.at).await?;
    plane.store.machine_create(client.clone(), act).await?;
    let shown = shown(&plane, &client.id, UnusedFor::default()).await?;
    Ok((StatusCode::CREATED, Json(shown)))
}

/// Show one service account, also one that was offboarded: what it may, what it uses, when it ends.
#[utoipa::path(
    get, path = "/machines/{id}", tag = "machines", operation_id = "showMachine",
    params(("id" = ClientIdText, Path), WhichUses),
    responses(
        (status = OK, description = "The service account.", body = MachineView),
        (status = NOT_FOUND, description = "There is no such service account."),
    ),
    security(("oauth2" = ["sealgate:clients:read"])),
)]
async fn show(
    State(plane): State<Arc<ControlPlane>>,
    Id(id): Id<ClientId>,
    Ask(query): Ask<WhichUses>,
) -> Result<Json<MachineView>, Problem> {
    shown(&plane, &id, query.unused_for).await.map(Json)
}

/// Change a service account. What is absent stays, `null` takes away. With less time, tokens that it has are not
/// believed any more; with another key in place of one, everything that it has is revoked.
#[utoipa::path(
    patch, path = "/machines/{id}", tag = "machines", operation_id = "updateMachine",
    params(("id" = ClientIdText, Path)),
    request_body(content = MachinePatch, example = json!({
        "owner": "platform@example.com", "expires_at": 1_826_874_305_000_i64, "jwks_uri": null,
    })),
    responses(
        (status = OK, description = "The service account as it is now.", body = MachineView),
        (status = NOT_FOUND, description = "There is no such service account."),
        (status = CONFLICT, description = "It was offboarded, an identity is another's, or somebody else changed it meanwhile."),
        (status = UNPROCESSABLE_ENTITY, description = "The registration would not be sound."),
    ),
    security(("oauth2" = ["sealgate:clients:write"])),
)]
async fn update(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    Id(id): Id<ClientId>,
    Body(patch): Body<MachinePatch>,
) -> Result<Json<MachineView>, Problem> {
    let before = live(&plane, &id).await?;
    let mut client = before.clone();
    let act = about(&id, admin.act(&plane, "machine.update"));
    admin.may_shape(&plane, &before, &act).await?;
    patch.apply(&mut client);
    admin.may_shape(&plane, &client, &act).await?;
    rules::settle(&plane, Some(&before), &mut client, act.at).await?;
    let changed = plane.store.machine_update(before, client, act).await;
    if changed.map_err(meanwhile)? {
        shown(&plane, &id, UnusedFor::default()).await.map(Json)
    } else {
        Err(unknown())
    }
}

/// Make a credential with which the service account can register a key, once. It is told in the answer and never
/// again, and takes the place of one that was not used.
#[utoipa::path(
    post, path = "/machines/{id}/bootstrap", tag = "machines", operation_id = "bootstrapMachine",
    params(("id" = ClientIdText, Path)),
    request_body(content = Option<BootstrapOptions>, example = json!({ "lifetime": 900 })),
    responses(
        (status = CREATED, description = "The credential.", body = CreatedBootstrap),
        (status = NOT_FOUND, description = "There is no such service account."),
        (status = CONFLICT, description = "It cannot be used, its keys are not kept here, or somebody else changed it meanwhile."),
        (status = UNPROCESSABLE_ENTITY, description = "The credential would live too short or too long."),
    ),
    security(("oauth2" = ["sealgate:clients:write"])),
)]
async fn bootstrap(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    Id(id): Id<ClientId>,
    MaybeBody(options): MaybeBody<BootstrapOptions>,
) -> Result<(StatusCode, Json<CreatedBootstrap>), Problem> {
    let client = live(&plane, &id).await?;
    let act = about(&id, admin.act(&plane, "machine.bootstrap"));
    // Whoever has the credential can do what the service account may.
    admin.may_shape(&plane, &client, &act).await?;
    let lifetime = rules::bootstrap_lifetime(options.lifetime)?;
    if options.keep_keys && client.details.jwks_uri.is_some() {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "machine_keys_elsewhere",
            "the keys of this service account are at its jwks_uri: a key can take their place, not stand beside them",
        ));
    }
    let end = client.ends_at().unwrap_or(act.at);
    let random = plane.random.as_ref();
    let handle = BootstrapHandle::generate(BootstrapId::generate(act.at, random), random);
    let row = Bootstrap {
        id: handle.id,
        secret_hash: handle.secret_hash(),
        client: id.clone(),
        keeps_keys: options.keep_keys,
        created_at: act.at,
        expires_at: (act.at + Duration::from_secs(u64::from(lifetime))).min(end),
        used_at: None,
    };
    let created = CreatedBootstrap {
        id,
        credential: BootstrapCredential::write(&handle).expose().to_owned(),
        expires_at: row.expires_at,
        endpoint: plane.issuer.url(bootstrap::PATH),
        issuer: plane.issuer.clone(),
    };
    let judged = client.scopes;
    let made = plane.store.bootstrap_create(row, judged, act).await;
    if made.map_err(meanwhile)? {
        Ok((StatusCode::CREATED, Json(created)))
    } else {
        Err(Problem::new(
            StatusCode::CONFLICT,
            "machine_unusable",
            "the service account is disabled or has expired",
        ))
    }
}

/// End a service account for good, everywhere: its tokens, delegations, keys, identities and unused bootstrap
/// credentials. Its id is never given again, and what was registered stays readable.
#[utoipa::path(
    post, path = "/machines/{id}/offboard", tag = "machines", operation_id = "offboardMachine",
    params(("id" = ClientIdText, Path)),
    responses(
        (status = OK, description = "What ended, and what still names it.", body = OffboardedMachine),
        (status = NOT_FOUND, description = "There is no such service account."),
    ),
    security(("oauth2" = ["sealgate:clients:write"])),
)]
async fn offboard(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    Id(id): Id<ClientId>,
) -> Result<Json<OffboardedMachine>, Problem> {
    let act = about(&id, admin.act(&plane, "machine.offboard"));
    // Of one that has ended already there may be something left over.
    let row = plane.store.machine(&id).await?.ok_or_else(unknown)?;
    admin.may_shape(&plane, &row.client, &act).await?;
    let done = plane.store.machine_offboard(&id, act).await?;
    let done = done.ok_or_else(unknown)?;
    let machine = shown(&plane, &id, UnusedFor::default()).await?;
    Ok(Json(OffboardedMachine::of(machine, done)))
}

/// The service account with this id as it is to be shown.
async fn shown(
    plane: &ControlPlane,
    id: &ClientId,
    unused_for: UnusedFor,
) -> Result<MachineView, Problem> {
    let row = plane.store.machine(id).await?.ok_or_else(unknown)?;
    let around = Surroundings::read(plane, unused_for).await?;
    Ok(around.view(row))
}

/// The service account with this id, if it was not offboarded.
async fn live(plane: &ControlPlane, id: &ClientId) -> Result<Client, Problem> {
    let row = plane.store.machine(id).await?.ok_or_else(unknown)?;
    match row.offboarded_at {
        None => Ok(row.client),
        Some(_) => Err(Problem::new(
            StatusCode::CONFLICT,
            "machine_offboarded",
            "this service account was offboarded, which is for good",
        )),
    }
}

fn about(id: &ClientId, act: Audit) -> Audit {
    Audit {
        client: Some(id.clone()),
        ..act
    }
}

/// What was judged of a service account holds of it as it was.
fn meanwhile(error: StoreError) -> Problem {
    match error {
        StoreError::Conflict(_) => Problem::new(
            StatusCode::CONFLICT,
            "client_changed",
            "the service account was changed by somebody else meanwhile: look at it and try again",
        ),
        error => error.into(),
    }
}

fn unknown() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "machine_unknown",
        "there is no such service account",
    )
}
