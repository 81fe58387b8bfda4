//! `/api/v1/resources` and `/api/v1/resource`: what tokens can be for (RFC 8707). A resource goes by its
//! URI, which stands in the query: an escaped slash in a path does not pass every proxy.

mod tools;
mod types;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use sealgate_model::ClientId;
use sealgate_oauth::{ResourceUri, Scopes};
use sealgate_store::{Audit, Resource, StoreError};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::actor::Admin;
use super::extract::{Ask, Body};
use crate::problem::Problem;
use crate::sign_in::address;
use crate::{ControlPlane, admin_scopes, signals};

pub use types::{
    ListResources, NewResource, ResourcePatch, ResourceView, Resources, ScopeText, ToolText,
    WhichResource,
};

pub(super) fn routes() -> OpenApiRouter<Arc<ControlPlane>> {
    OpenApiRouter::default()
        .routes(routes!(list, create))
        .routes(routes!(show, update, remove))
}

/// The most scopes of one resource.
const MOST_SCOPES: usize = 64;

/// List resources, by URI.
#[utoipa::path(
    get, path = "/resources", tag = "resources", operation_id = "listResources",
    params(ListResources),
    responses((status = OK, description = "Resources.", body = Resources)),
    security(("oauth2" = ["sealgate:clients:read"])),
)]
async fn list(
    State(plane): State<Arc<ControlPlane>>,
    Ask(query): Ask<ListResources>,
) -> Result<Json<Resources>, Problem> {
    let all = plane.store.resources().await?;
    let key = |resource: &Resource| resource.uri.clone();
    let (page, next) = query.limit.slice(all, query.after.as_ref(), key);
    let resources = page.into_iter().map(ResourceView::from).collect();
    Ok(Json(Resources { resources, next }))
}

/// Register a resource, so that clients can be registered for it.
#[utoipa::path(
    post, path = "/resources", tag = "resources", operation_id = "createResource",
    request_body(content = NewResource, example = json!({
        "uri": "https://expenses.example.com/api", "name": "Expenses",
        "scopes": [{ "name": "expenses:read", "description": "See your expenses" }],
    })),
    responses(
        (status = CREATED, description = "The resource that was registered.", body = ResourceView),
        (status = CONFLICT, description = "The URI is in use."),
        (status = UNPROCESSABLE_ENTITY, description = "The registration is not sound."),
    ),
    security(("oauth2" = ["sealgate:clients:write"])),
)]
async fn create(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    Body(new): Body<NewResource>,
) -> Result<(StatusCode, Json<ResourceView>), Problem> {
    let uri = identifier(&plane, &new.uri)?;
    let act = admin.act(&plane, "resource.create");
    let scopes = scopes(new.scopes)?;
    let resource = Resource {
        uri,
        name: name(&new.name)?,
        client: server(&plane, new.client).await?,
        tools: tools::tools(new.tools, &scopes)?,
        scopes,
        status_list: new.status_list,
        agents: new.agents,
        created_at: act.at,
    };
    let act = about(&resource, act);
    plane.store.resource_create(resource.clone(), act).await?;
    Ok((StatusCode::CREATED, Json(resource.into())))
}

/// Show one resource.
#[utoipa::path(
    get, path = "/resource", tag = "resources", operation_id = "showResource",
    params(WhichResource),
    responses(
        (status = OK, description = "The resource.", body = ResourceView),
        (status = NOT_FOUND, description = "There is no such resource."),
    ),
    security(("oauth2" = ["sealgate:clients:read"])),
)]
async fn show(
    State(plane): State<Arc<ControlPlane>>,
    Ask(which): Ask<WhichResource>,
) -> Result<Json<ResourceView>, Problem> {
    Ok(Json(find(&plane, &which.uri).await?.into()))
}

/// Change a resource's name, scopes, tools or the client that serves it, or whether it is open to agents.
#[utoipa::path(
    patch, path = "/resource", tag = "resources", operation_id = "updateResource",
    params(WhichResource),
    request_body(content = ResourcePatch, example = json!({ "name": "Expenses and travel" })),
    responses(
        (status = OK, description = "The resource as it is now.", body = ResourceView),
        (status = NOT_FOUND, description = "There is no such resource."),
        (status = CONFLICT, description = "Somebody else changed the resource meanwhile."),
        (status = UNPROCESSABLE_ENTITY, description = "The registration would not be sound."),
    ),
    security(("oauth2" = ["sealgate:clients:write"])),
)]
async fn update(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    Ask(which): Ask<WhichResource>,
    Body(patch): Body<ResourcePatch>,
) -> Result<Json<ResourceView>, Problem> {
    let before = find(&plane, &which.uri).await?;
    let mut resource = before.clone();
    if let Some(text) = patch.name {
        resource.name = name(&text)?;
    }
    if let Some(client) = patch.client {
        resource.client = server(&plane, client).await?;
    }
    if let Some(given) = patch.scopes {
        resource.scopes = scopes(given)?;
    }
    if let Some(status_list) = patch.status_list {
        resource.status_list = status_list;
    }
    if let Some(agents) = patch.agents {
        resource.agents = agents;
    }
    // Those that stay have to go together with other scopes, too.
    let given = patch.tools.unwrap_or_else(|| {
        let kept = std::mem::take(&mut resource.tools);
        kept.into_iter().map(ToolText::from).collect()
    });
    resource.tools = tools::tools(given, &resource.scopes)?;
    let act = about(&resource, admin.act(&plane, "resource.update"));
    let kept = resource.clone();
    match plane.store.resource_update(before, kept, act).await {
        Ok(true) => Ok(Json(resource.into())),
        Ok(false) => Err(unknown()),
        Err(StoreError::Conflict(_)) => Err(Problem::new(
            StatusCode::CONFLICT,
            "resource_changed",
            "the resource was changed by somebody else meanwhile: look at it and try again",
        )),
        Err(error) => Err(error.into()),
    }
}

/// Remove a resource for which no client is registered any more.
#[utoipa::path(
    delete, path = "/resource", tag = "resources", operation_id = "removeResource",
    params(WhichResource),
    responses(
        (status = NO_CONTENT, description = "It is gone."),
        (status = NOT_FOUND, description = "There is no such resource."),
        (status = CONFLICT, description = "Clients are registered for it."),
    ),
    security(("oauth2" = ["sealgate:clients:write"])),
)]
async fn remove(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    Ask(which): Ask<WhichResource>,
) -> Result<StatusCode, Problem> {
    let resource = find(&plane, &which.uri).await?;
    // Without this a client could get tokens for what nobody knows any more.
    let clients = plane.store.clients().await?;
    let uses = |client: &&sealgate_store::Client| client.details.resources.contains(&resource.uri);
    if let Some(client) = clients.iter().find(uses) {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "resource_in_use",
            format!("client {} is registered for it", client.id),
        ));
    }
    let act = about(&resource, admin.act(&plane, "resource.remove"));
    if plane.store.resource_remove(&resource.uri, act).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(unknown())
    }
}

/// Whether `uri` is the control plane's own: the issuer, its administration or its security events, which
/// need not be registered.
pub(super) fn is_own(plane: &ControlPlane, uri: &str) -> bool {
    let trimmed = uri.strip_suffix('/').unwrap_or(uri);
    trimmed == plane.issuer.as_str()
        || uri == admin_scopes::resource(&plane.issuer)
        || uri == signals::resource(&plane.issuer)
}

fn name(text: &str) -> Result<String, Problem> {
    readable(text, 100).ok_or_else(|| {
        Problem::unprocessable(
            "name_malformed",
            "a resource's name has 1 to 100 bytes and no control or hidden characters",
        )
    })
}

fn readable(text: &str, most: usize) -> Option<String> {
    let trimmed = text.trim();
    let sound =
        text.len() <= most && !trimmed.is_empty() && !trimmed.chars().any(address::is_hidden);
    sound.then(|| trimmed.to_owned())
}

/// The URI of a resource that can be registered.
fn identifier(plane: &ControlPlane, text: &str) -> Result<String, Problem> {
    let uri: ResourceUri = text.parse().map_err(|_| {
        Problem::unprocessable(
            "resource_malformed",
            "a resource goes by an absolute https URI without fragment, in its normal form and of at most 512 bytes",
        )
    })?;
    if is_own(plane, uri.as_str()) {
        return Err(Problem::unprocessable(
            "resource_reserved",
            "this resource is the control plane's own",
        ));
    }
    Ok(uri.into_string())
}

/// The registration of a resource that is declared as it is kept, if it is sound. Whether there is a client that
/// serves it is for the caller to know.
pub(super) fn check(plane: &ControlPlane, row: Resource) -> Result<Resource, Problem> {
    let uri = identifier(plane, &row.uri)?;
    let created_at = row.created_at;
    let view = ResourceView::from(row);
    let scopes = scopes(view.scopes)?;
    Ok(Resource {
        uri,
        name: name(&view.name)?,
        client: view.client,
        tools: tools::tools(view.tools, &scopes)?,
        scopes,
        status_list: view.status_list,
        agents: view.agents,
        created_at,
    })
}

fn scopes(given: Vec<ScopeText>) -> Result<Vec<sealgate_store::ScopeText>, Problem> {
    let malformed = |said| Problem::unprocessable("scope_malformed", said);
    if given.len() > MOST_SCOPES {
        return Err(malformed("a resource has at most 64 scopes"));
    }
    let mut kept: Vec<sealgate_store::ScopeText> = Vec::with_capacity(given.len());
    for scope in given {
        if !Scopes::is_token(&scope.name) {
            return Err(malformed(
                "a scope is 1 to 256 printable characters without space, quote or backslash",
            ));
        }
        let words = readable(&scope.description, 200).ok_or_else(|| {
            malformed(
                "a scope's description has 1 to 200 bytes and no control or hidden characters",
            )
        })?;
        if admin_scopes::is_one(&scope.name) || Scopes::ABOUT_USER.contains(&scope.name.as_str()) {
            return Err(Problem::unprocessable(
                "scope_reserved",
                "openid, profile, email, offline_access and what begins with sealgate: have a meaning of their own",
            ));
        }
        if kept.iter().any(|known| known.name == scope.name) {
            return Err(malformed("a scope is described twice"));
        }
        kept.push(sealgate_store::ScopeText {
            name: scope.name,
            description: words,
        });
    }
    Ok(kept)
}

/// The client that serves a resource, if there is one of that id.
async fn server(
    plane: &ControlPlane,
    client: Option<ClientId>,
) -> Result<Option<ClientId>, Problem> {
    if let Some(id) = &client
        && plane.store.client(id).await?.is_none()
    {
        return Err(Problem::unprocessable(
            "client_unknown",
            format!("there is no client {id}"),
        ));
    }
    Ok(client)
}

async fn find(plane: &ControlPlane, uri: &str) -> Result<Resource, Problem> {
    plane.store.resource(uri).await?.ok_or_else(unknown)
}

fn about(resource: &Resource, act: Audit) -> Audit {
    Audit {
        client: resource.client.clone(),
        object: Some(resource.uri.clone()),
        ..act
    }
}

fn unknown() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "resource_unknown",
        "there is no such resource",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(name: &str, description: &str) -> ScopeText {
        ScopeText {
            name: name.to_owned(),
            description: description.to_owned(),
        }
    }

    #[test]
    fn scopes_are_described_once_and_none_that_mean_something_else() {
        let kept = scopes(vec![scope("expenses:read", " See your expenses ")]).unwrap();
        assert_eq!(kept[0].description, "See your expenses");
        for (wrong, reason) in [
            (vec![scope("a b", "x")], "scope_malformed"),
            (vec![scope("a", " ")], "scope_malformed"),
            (vec![scope("a", "x\u{202e}y")], "scope_malformed"),
            (vec![scope("a", "x"), scope("a", "y")], "scope_malformed"),
            (vec![scope("openid", "x")], "scope_reserved"),
            (vec![scope("sealgate:users:read", "x")], "scope_reserved"),
        ] {
            assert_eq!(scopes(wrong).unwrap_err().reason(), reason);
        }
        let many = (0..65)
            .map(|number| scope(&number.to_string(), "x"))
            .collect();
        assert!(scopes(many).is_err());
    }
}
