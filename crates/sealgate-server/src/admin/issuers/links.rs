//! Which accounts the subjects of an enterprise's provider are.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use sealgate_store::{Audit, IdentityLink, StoreError};

use super::super::actor::Admin;
use super::super::extract::{Ask, Body};
use super::types::{
    IdentityLinkView, IdentityLinks, ListIdentityLinks, NewIdentityLink, WhichIdentityLink,
    WhichIssuer,
};
use super::{find, unknown};
use crate::ControlPlane;
use crate::problem::Problem;

/// List the accounts that an issuer vouches for, by subject.
#[utoipa::path(
    get, path = "/issuer/links", tag = "issuers", operation_id = "listIdentityLinks",
    params(ListIdentityLinks),
    responses(
        (status = OK, description = "Accounts.", body = IdentityLinks),
        (status = NOT_FOUND, description = "There is no such issuer."),
    ),
    security(("oauth2" = ["sealgate:users:read"])),
)]
pub(super) async fn list(
    State(plane): State<Arc<ControlPlane>>,
    Ask(query): Ask<ListIdentityLinks>,
) -> Result<Json<IdentityLinks>, Problem> {
    find(&plane, &query.issuer).await?;
    let all = plane.store.identity_links(&query.issuer).await?;
    let key = |link: &IdentityLink| link.subject.clone();
    let (page, next) = query.limit.slice(all, query.after.as_ref(), key);
    let links = page.into_iter().map(IdentityLinkView::from).collect();
    Ok(Json(IdentityLinks { links, next }))
}

/// Say which account a subject of an issuer is, without waiting for its first verified address.
#[utoipa::path(
    post, path = "/issuer/links", tag = "issuers", operation_id = "createIdentityLink",
    params(WhichIssuer),
    request_body(content = NewIdentityLink, example = json!({
        "subject": "00u1a2b3c4", "user": "01928e2a-7c00-7000-8000-000000000001",
    })),
    responses(
        (status = CREATED, description = "The link.", body = IdentityLinkView),
        (status = NOT_FOUND, description = "There is no such issuer."),
        (status = CONFLICT, description = "The subject or the account is linked at this issuer already."),
        (status = UNPROCESSABLE_ENTITY, description = "The link is not sound."),
    ),
    security(("oauth2" = ["sealgate:users:write"])),
)]
pub(super) async fn create(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    Ask(which): Ask<WhichIssuer>,
    Body(new): Body<NewIdentityLink>,
) -> Result<(StatusCode, Json<IdentityLinkView>), Problem> {
    let unsound = |said: &str| Problem::unprocessable("identity_link_malformed", said);
    let issuer = find(&plane, &which.issuer).await?;
    if !issuer.kind.is_about_people() {
        return Err(unsound(
            "only an issuer of kind enterprise vouches for people",
        ));
    }
    if !(1..=1024).contains(&new.subject.len()) || new.subject.contains(char::is_control) {
        return Err(unsound(
            "a subject has 1 to 1024 bytes without control characters",
        ));
    }
    let user = plane.store.user(new.user).await?;
    let user =
        user.ok_or_else(|| Problem::unprocessable("user_unknown", "there is no such account"))?;
    let act = admin.act(&plane, "issuer.link");
    let act = Audit {
        user: Some(user.id),
        object: Some(format!("{} {}", issuer.issuer, new.subject)),
        ..act
    };
    admin.may_shape_transmitter(&plane, &act).await?;
    let link = IdentityLink {
        issuer: issuer.issuer,
        subject: new.subject,
        user: user.id,
        linked_at: act.at,
    };
    match plane.store.identity_link_create(link.clone(), act).await {
        Ok(()) => Ok((StatusCode::CREATED, Json(link.into()))),
        Err(StoreError::Conflict(_)) => Err(Problem::new(
            StatusCode::CONFLICT,
            "identity_linked",
            "the subject or the account is linked at this issuer already",
        )),
        Err(error) => Err(error.into()),
    }
}

/// Forget which subject of an issuer an account is. Its next verified address counts again.
#[utoipa::path(
    delete, path = "/issuer/links", tag = "issuers", operation_id = "removeIdentityLink",
    params(WhichIdentityLink),
    responses(
        (status = NO_CONTENT, description = "It is forgotten."),
        (status = NOT_FOUND, description = "There is no such issuer or no such link."),
    ),
    security(("oauth2" = ["sealgate:users:write"])),
)]
pub(super) async fn remove(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    Ask(which): Ask<WhichIdentityLink>,
) -> Result<StatusCode, Problem> {
    let issuer = find(&plane, &which.issuer).await?;
    let act = Audit {
        user: Some(which.user),
        object: Some(issuer.issuer.clone()),
        ..admin.act(&plane, "issuer.unlink")
    };
    admin.may_shape_transmitter(&plane, &act).await?;
    let store = &plane.store;
    if store
        .identity_link_remove(&issuer.issuer, which.user, act)
        .await?
    {
        Ok(StatusCode::NO_CONTENT)
    } else if store.identity_issuer(&issuer.issuer).await?.is_none() {
        Err(unknown())
    } else {
        Err(Problem::new(
            StatusCode::NOT_FOUND,
            "identity_link_unknown",
            "the account is not linked at this issuer",
        ))
    }
}
