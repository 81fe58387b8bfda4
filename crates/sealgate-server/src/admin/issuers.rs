//! `/api/v1/issuers` and `/api/v1/issuer`: the issuers whose identities are taken. One goes by its name in tokens,
//! which stands in the query: it is a URL.

mod links;
mod rules;
mod trial;
mod types;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use sealgate_store::{Audit, IdentityIssuer, StoreError};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::actor::Admin;
use super::extract::{Ask, Body};
use crate::ControlPlane;
use crate::problem::Problem;

pub use types::{
    Candidate, IdentityLinkView, IdentityLinks, IssuerView, Issuers, ListIdentityLinks,
    ListIssuers, NewIdentityLink, NewIssuer, TriedIdentity, TryIdentity, WhichIdentityLink,
    WhichIssuer,
};

/// The most issuers.
const MOST: usize = 256;

pub(super) fn routes() -> OpenApiRouter<Arc<ControlPlane>> {
    OpenApiRouter::default()
        .routes(routes!(list, create))
        .routes(routes!(show, remove))
        .routes(routes!(disable))
        .routes(routes!(enable))
        .routes(routes!(trial::tried))
        .routes(routes!(links::list, links::create, links::remove))
}

/// List the issuers whose identities are taken, by their names in tokens.
#[utoipa::path(
    get, path = "/issuers", tag = "issuers", operation_id = "listIssuers", params(ListIssuers),
    responses((status = OK, description = "Issuers.", body = Issuers)),
    security(("oauth2" = ["sealgate:clients:read"])),
)]
async fn list(
    State(plane): State<Arc<ControlPlane>>,
    Ask(query): Ask<ListIssuers>,
) -> Result<Json<Issuers>, Problem> {
    let all = plane.store.identity_issuers().await?;
    let key = |issuer: &IdentityIssuer| issuer.issuer.clone();
    let (page, next) = query.limit.slice(all, query.after.as_ref(), key);
    let issuers = page.into_iter().map(IssuerView::from).collect();
    Ok(Json(Issuers { issuers, next }))
}

/// Take the identities of an issuer: of a platform about machines, of an enterprise about its people.
#[utoipa::path(
    post, path = "/issuers", tag = "issuers", operation_id = "createIssuer",
    request_body(content = NewIssuer, example = json!({
        "issuer": "https://token.actions.githubusercontent.com", "name": "GitHub Actions",
        "kind": "github", "claims": { "repository_owner": "acme" },
    })),
    responses(
        (status = CREATED, description = "The issuer that was added.", body = IssuerView),
        (status = CONFLICT, description = "It is known already, or there are too many."),
        (status = UNPROCESSABLE_ENTITY, description = "The registration is not sound."),
    ),
    security(("oauth2" = ["sealgate:clients:write"])),
)]
async fn create(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    Body(new): Body<NewIssuer>,
) -> Result<(StatusCode, Json<IssuerView>), Problem> {
    let act = about(&new.issuer, admin.act(&plane, "issuer.create"));
    admin.may_shape_transmitter(&plane, &act).await?;
    if plane.store.identity_issuers().await?.len() >= MOST {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "issuers_too_many",
            "no more issuers can be added",
        ));
    }
    let issuer = rules::settle(&plane, new, act.at)?;
    match plane
        .store
        .identity_issuer_create(issuer.clone(), act)
        .await
    {
        Ok(()) => Ok((StatusCode::CREATED, Json(issuer.into()))),
        Err(StoreError::Conflict(_)) => Err(Problem::new(
            StatusCode::CONFLICT,
            "issuer_known",
            "this issuer is registered already",
        )),
        Err(error) => Err(error.into()),
    }
}

/// Show one issuer.
#[utoipa::path(
    get, path = "/issuer", tag = "issuers", operation_id = "showIssuer", params(WhichIssuer),
    responses(
        (status = OK, description = "The issuer.", body = IssuerView),
        (status = NOT_FOUND, description = "There is no such issuer."),
    ),
    security(("oauth2" = ["sealgate:clients:read"])),
)]
async fn show(
    State(plane): State<Arc<ControlPlane>>,
    Ask(which): Ask<WhichIssuer>,
) -> Result<Json<IssuerView>, Problem> {
    Ok(Json(find(&plane, &which.issuer).await?.into()))
}

/// Remove an issuer, and forget which accounts its subjects are. Machines keep the identities that name it, which fit
/// nobody until it is registered again.
#[utoipa::path(
    delete, path = "/issuer", tag = "issuers", operation_id = "removeIssuer", params(WhichIssuer),
    responses(
        (status = NO_CONTENT, description = "It is gone."),
        (status = NOT_FOUND, description = "There is no such issuer."),
    ),
    security(("oauth2" = ["sealgate:clients:write"])),
)]
async fn remove(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    Ask(which): Ask<WhichIssuer>,
) -> Result<StatusCode, Problem> {
    find(&plane, &which.issuer).await?;
    let act = about(&which.issuer, admin.act(&plane, "issuer.remove"));
    admin.may_shape_transmitter(&plane, &act).await?;
    if plane
        .store
        .identity_issuer_remove(&which.issuer, act)
        .await?
    {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(unknown())
    }
}

/// Disable an issuer: nothing that it says is believed from now on.
#[utoipa::path(
    post, path = "/issuer/disable", tag = "issuers", operation_id = "disableIssuer", params(WhichIssuer),
    responses(
        (status = OK, description = "The issuer as it is now.", body = IssuerView),
        (status = NOT_FOUND, description = "There is no such issuer."),
    ),
    security(("oauth2" = ["sealgate:clients:write"])),
)]
async fn disable(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    Ask(which): Ask<WhichIssuer>,
) -> Result<Json<IssuerView>, Problem> {
    let act = about(&which.issuer, admin.act(&plane, "issuer.disable"));
    set(&plane, &admin, &which.issuer, false, act).await
}

/// Enable an issuer again.
#[utoipa::path(
    post, path = "/issuer/enable", tag = "issuers", operation_id = "enableIssuer", params(WhichIssuer),
    responses(
        (status = OK, description = "The issuer as it is now.", body = IssuerView),
        (status = NOT_FOUND, description = "There is no such issuer."),
    ),
    security(("oauth2" = ["sealgate:clients:write"])),
)]
async fn enable(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    Ask(which): Ask<WhichIssuer>,
) -> Result<Json<IssuerView>, Problem> {
    let act = about(&which.issuer, admin.act(&plane, "issuer.enable"));
    set(&plane, &admin, &which.issuer, true, act).await
}

async fn set(
    plane: &ControlPlane,
    admin: &Admin,
    issuer: &str,
    enabled: bool,
    act: Audit,
) -> Result<Json<IssuerView>, Problem> {
    find(plane, issuer).await?;
    admin.may_shape_transmitter(plane, &act).await?;
    let store = &plane.store;
    if store.identity_issuer_enable(issuer, enabled, act).await? {
        Ok(Json(find(plane, issuer).await?.into()))
    } else {
        Err(unknown())
    }
}

async fn find(plane: &ControlPlane, issuer: &str) -> Result<IdentityIssuer, Problem> {
    let found = plane.store.identity_issuer(issuer).await?;
    found.ok_or_else(unknown)
}

fn about(issuer: &str, act: Audit) -> Audit {
    // What is no issuer's name is refused before anything is recorded of it, but for who asked.
    let named = issuer.len() <= 512 && issuer.bytes().all(|b| b.is_ascii_graphic());
    Audit {
        object: named.then(|| issuer.to_owned()),
        ..act
    }
}

fn unknown() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "issuer_unknown",
        "there is no such issuer",
    )
}
