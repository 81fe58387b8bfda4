//! `/api/v1/clients`: OAuth clients.

mod rows;
pub(super) mod rules;
pub(super) mod texts;
mod types;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use sealgate_host::sha256;
use sealgate_model::{ClientId, Secret};
use sealgate_store::{Audit, Client, ClientAuthentication, StoreError};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use rows::planned;

use super::actor::Admin;
use super::extract::{Ask, Body, Id};
use super::machines;
use super::schemas::ClientIdText;
use crate::ControlPlane;
use crate::problem::Problem;

pub use types::{ClientPatch, ClientView, Clients, CreatedClient, ListClients, NewClient};

pub(super) fn routes() -> OpenApiRouter<Arc<ControlPlane>> {
    OpenApiRouter::default()
        .routes(routes!(list, create))
        .routes(routes!(show, update, remove))
        .routes(routes!(renew_secret))
        .routes(routes!(disable))
        .routes(routes!(enable))
}

/// List clients, by id.
#[utoipa::path(
    get, path = "/clients", tag = "clients", operation_id = "listClients", params(ListClients),
    responses((status = OK, description = "Clients.", body = Clients)),
    security(("oauth2" = ["sealgate:clients:read"])),
)]
async fn list(
    State(plane): State<Arc<ControlPlane>>,
    Ask(query): Ask<ListClients>,
) -> Result<Json<Clients>, Problem> {
    let all = plane.store.clients().await?;
    let key = |client: &Client| client.id.clone();
    let (page, next) = query.limit.slice(all, query.after.as_ref(), key);
    let clients = page.into_iter().map(ClientView::from).collect();
    Ok(Json(Clients { clients, next }))
}

/// Register a client. Its secret, if it has one, is told in the answer and never again.
#[utoipa::path(
    post, path = "/clients", tag = "clients", operation_id = "createClient",
    request_body(content = NewClient, example = json!({
        "name": "Expense tracker", "kind": "confidential",
        "redirect_uris": ["https://expenses.example.com/auth/callback"],
        "logout_uris": ["https://expenses.example.com/"], "scopes": ["expenses:read"],
    })),
    responses(
        (status = CREATED, description = "The client that was registered.", body = CreatedClient),
        (status = CONFLICT, description = "The id is in use or ever was, or the algorithm is switched off."),
        (status = UNPROCESSABLE_ENTITY, description = "The registration is not sound."),
    ),
    security(("oauth2" = ["sealgate:clients:write"])),
)]
async fn create(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    Body(new): Body<NewClient>,
) -> Result<(StatusCode, Json<CreatedClient>), Problem> {
    let id = match &new.id {
        Some(id) => texts::id(id.clone())?,
        None => texts::id_from(&new.name, &*plane.random)?,
    };
    let act = about(&id, admin.act(&plane, "client.create"));
    let mut client = planned(id, new, act.at);
    admin.may_shape(&plane, &client, &act).await?;
    rules::settle(&plane, &mut client).await?;
    rules::named_actor(&plane, &client).await?;
    let by_secret = client.details.authentication == ClientAuthentication::Secret;
    let secret = by_secret.then(|| Secret::generate(&*plane.random));
    client.secret_hash = secret
        .as_ref()
        .map(|secret| sha256(secret.expose().as_bytes()));
    plane.store.client_create(client.clone(), act).await?;
    Ok((StatusCode::CREATED, Json(told(&plane, client, secret))))
}

fn told(plane: &ControlPlane, client: Client, secret: Option<Secret>) -> CreatedClient {
    CreatedClient {
        client: client.into(),
        secret: secret.map(|secret| secret.expose().to_owned()),
        issuer: plane.issuer.clone(),
    }
}

/// Show one client.
#[utoipa::path(
    get, path = "/clients/{id}", tag = "clients", operation_id = "showClient",
    params(("id" = ClientIdText, Path)),
    responses(
        (status = OK, description = "The client.", body = ClientView),
        (status = NOT_FOUND, description = "There is no such client."),
    ),
    security(("oauth2" = ["sealgate:clients:read"])),
)]
async fn show(
    State(plane): State<Arc<ControlPlane>>,
    Id(id): Id<ClientId>,
) -> Result<Json<ClientView>, Problem> {
    Ok(Json(find(&plane, &id).await?.into()))
}

/// Change a registration. What is absent stays, `null` takes away.
#[utoipa::path(
    patch, path = "/clients/{id}", tag = "clients", operation_id = "updateClient",
    params(("id" = ClientIdText, Path)),
    request_body(content = ClientPatch, example = json!({
        "require_pushed": true, "access_lifetime": 120, "jwks_uri": null,
    })),
    responses(
        (status = OK, description = "The client as it is now.", body = ClientView),
        (status = NOT_FOUND, description = "There is no such client."),
        (status = CONFLICT, description = "The algorithm is switched off, or somebody else changed the client meanwhile."),
        (status = UNPROCESSABLE_ENTITY, description = "The registration would not be sound."),
    ),
    security(("oauth2" = ["sealgate:clients:write"])),
)]
async fn update(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    Id(id): Id<ClientId>,
    Body(patch): Body<ClientPatch>,
) -> Result<Json<ClientView>, Problem> {
    let before = find(&plane, &id).await?;
    let mut client = before.clone();
    let act = about(&id, admin.act(&plane, "client.update"));
    admin.may_shape(&plane, &client, &act).await?;
    machines::no_machine(&client)?;
    patch.apply(&mut client);
    admin.may_shape(&plane, &client, &act).await?;
    rules::settle(&plane, &mut client).await?;
    if client.details.may_act != before.details.may_act {
        rules::named_actor(&plane, &client).await?;
    }
    match plane.store.client_update(before, client.clone(), act).await {
        Ok(true) => Ok(Json(client.into())),
        Ok(false) => Err(unknown()),
        // Making a signing key takes seconds, and meanwhile it may have been disabled.
        Err(error) => Err(changed(error)),
    }
}

/// Remove a client for good: its sessions are revoked at once, and its id is never given again.
#[utoipa::path(
    delete, path = "/clients/{id}", tag = "clients", operation_id = "removeClient",
    params(("id" = ClientIdText, Path)),
    responses(
        (status = NO_CONTENT, description = "It is gone."),
        (status = NOT_FOUND, description = "There is no such client."),
        (status = CONFLICT, description = "It is a service account, which is offboarded."),
    ),
    security(("oauth2" = ["sealgate:clients:write"])),
)]
async fn remove(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    Id(id): Id<ClientId>,
) -> Result<StatusCode, Problem> {
    let act = about(&id, admin.act(&plane, "client.remove"));
    // Of one that is removed already there may be sessions left to end.
    if let Some(client) = plane.store.client(&id).await? {
        admin.may_shape(&plane, &client, &act).await?;
        machines::no_machine(&client)?;
    }
    if plane.store.client_remove(&id, act).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(unknown())
    }
}

/// Give a client another secret, told in the answer and never again. The earlier one is worth nothing
/// from then on; tokens that it got stay good until they expire.
#[utoipa::path(
    post, path = "/clients/{id}/secret", tag = "clients", operation_id = "renewClientSecret",
    params(("id" = ClientIdText, Path)),
    responses(
        (status = CREATED, description = "The client and its new secret.", body = CreatedClient),
        (status = NOT_FOUND, description = "There is no such client."),
        (status = CONFLICT, description = "The client does not prove who it is by a secret, or somebody else changed it meanwhile."),
    ),
    security(("oauth2" = ["sealgate:clients:write"])),
)]
async fn renew_secret(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    Id(id): Id<ClientId>,
) -> Result<(StatusCode, Json<CreatedClient>), Problem> {
    let client = find(&plane, &id).await?;
    let act = about(&id, admin.act(&plane, "client.secret"));
    // Whoever has the secret can do what the client may.
    admin.may_shape(&plane, &client, &act).await?;
    machines::no_machine(&client)?;
    if client.details.authentication != ClientAuthentication::Secret {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "client_without_secret",
            "the client does not prove who it is by a secret",
        ));
    }
    let secret = Secret::generate(&*plane.random);
    let hash = sha256(secret.expose().as_bytes());
    let judged = client.scopes.clone();
    let set = plane.store.client_set_secret(&id, judged, hash, act).await;
    if !set.map_err(changed)? {
        return Err(unknown());
    }
    let told = told(&plane, client, Some(secret));
    Ok((StatusCode::CREATED, Json(told)))
}

/// Disable a client: its sessions are revoked at once, and it gets nothing.
#[utoipa::path(
    post, path = "/clients/{id}/disable", tag = "clients", operation_id = "disableClient",
    params(("id" = ClientIdText, Path)),
    responses(
        (status = OK, description = "The client as it is now.", body = ClientView),
        (status = NOT_FOUND, description = "There is no such client."),
    ),
    security(("oauth2" = ["sealgate:clients:write"])),
)]
async fn disable(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    Id(id): Id<ClientId>,
) -> Result<Json<ClientView>, Problem> {
    let act = about(&id, admin.act(&plane, "client.disable"));
    let client = find(&plane, &id).await?;
    admin.may_shape(&plane, &client, &act).await?;
    if plane.store.client_disable(&id, act).await? {
        Ok(Json(find(&plane, &id).await?.into()))
    } else {
        Err(unknown())
    }
}

/// Enable a client again; sessions that were revoked stay revoked.
#[utoipa::path(
    post, path = "/clients/{id}/enable", tag = "clients", operation_id = "enableClient",
    params(("id" = ClientIdText, Path)),
    responses(
        (status = OK, description = "The client as it is now.", body = ClientView),
        (status = NOT_FOUND, description = "There is no such client."),
        (status = CONFLICT, description = "It is a service account that has expired."),
    ),
    security(("oauth2" = ["sealgate:clients:write"])),
)]
async fn enable(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    Id(id): Id<ClientId>,
) -> Result<Json<ClientView>, Problem> {
    let act = about(&id, admin.act(&plane, "client.enable"));
    let client = find(&plane, &id).await?;
    admin.may_shape(&plane, &client, &act).await?;
    machines::not_expired(&client, act.at)?;
    if plane.store.client_enable(&id, act).await? {
        Ok(Json(find(&plane, &id).await?.into()))
    } else {
        Err(unknown())
    }
}

async fn find(plane: &ControlPlane, id: &ClientId) -> Result<Client, Problem> {
    plane.store.client(id).await?.ok_or_else(unknown)
}

fn about(id: &ClientId, act: Audit) -> Audit {
    Audit {
        client: Some(id.clone()),
        ..act
    }
}

/// What was judged of a client holds of that client as it was.
fn changed(error: StoreError) -> Problem {
    match error {
        StoreError::Conflict(_) => Problem::new(
            StatusCode::CONFLICT,
            "client_changed",
            "the client was changed by somebody else meanwhile: look at it and try again",
        ),
        error => error.into(),
    }
}

fn unknown() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "client_unknown",
        "there is no such client",
    )
}

#[cfg(test)]
mod tests {
    use sealgate_model::Timestamp;
    use serde_json::json;

    use super::*;

    #[test]
    fn debug_output_never_shows_the_secret() {
        let new: NewClient =
            serde_json::from_value(json!({ "name": "A", "kind": "public" })).unwrap();
        let client = planned("a".parse().unwrap(), new, Timestamp::from_millis(0));
        let created = CreatedClient {
            client: client.into(),
            secret: Some("hunter2".to_owned()),
            issuer: "https://id.example".parse().unwrap(),
        };
        assert_eq!(format!("{created:?}"), "CreatedClient(a)");
    }
}
