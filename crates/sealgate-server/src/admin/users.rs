//! `/api/v1/users`: accounts.

mod rules;
mod types;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use sealgate_model::{InvitationId, Timestamp, UserId};
use sealgate_oauth::Handle;
use sealgate_store::{
    Audit, Invitation, Page, RevokeReason, StoreError, UserChange, UserRow, UserStatus,
};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::actor::Admin;
use super::extract::{Ask, Body, Id};
use super::schemas::UserIdText;
use crate::ControlPlane;
use crate::problem::Problem;
use crate::sign_in::passwords::Busy;

pub use types::{
    CreatedUser, InvitationLink, InvitedUser, ListUsers, NewUser, Password, UserPatch, UserView,
    Users,
};

pub(super) fn routes() -> OpenApiRouter<Arc<ControlPlane>> {
    OpenApiRouter::default()
        .routes(routes!(list, create))
        .routes(routes!(show, update))
        .routes(routes!(invite_again))
        .routes(routes!(disable))
        .routes(routes!(enable))
        .routes(routes!(sign_out))
}

/// List accounts, oldest first.
#[utoipa::path(
    get, path = "/users", tag = "users", operation_id = "listUsers", params(ListUsers),
    responses((status = OK, description = "Accounts.", body = Users)),
    security(("oauth2" = ["sealgate:users:read"])),
)]
async fn list(
    State(plane): State<Arc<ControlPlane>>,
    Ask(query): Ask<ListUsers>,
) -> Result<Json<Users>, Problem> {
    if let Some(email) = query.email {
        let found = plane.store.user_by_email(&email).await?;
        let users = found.into_iter().map(UserView::from).collect();
        return Ok(Json(Users { users, next: None }));
    }
    let page = Page {
        after: query.after.map(|id| *id.as_bytes()),
        limit: query.limit.rows(),
    };
    let rows = plane.store.users(page).await?;
    let users: Vec<UserView> = rows.into_iter().map(UserView::from).collect();
    let full = query.limit.is_reached(users.len());
    let next = users.last().filter(|_| full).map(|user| user.id);
    Ok(Json(Users { users, next }))
}

/// Add an account, with a password or with an invitation to choose one.
#[utoipa::path(
    post, path = "/users", tag = "users", operation_id = "createUser",
    request_body(content = NewUser, example = json!({
        "email": "ada@example.com", "name": "Ada Lovelace", "roles": ["accountant"],
    })),
    responses(
        (status = CREATED, description = "The account that was added.", body = CreatedUser),
        (status = CONFLICT, description = "The e-mail address is in use."),
        (status = UNPROCESSABLE_ENTITY, description = "The address, name, roles or password cannot be taken."),
    ),
    security(("oauth2" = ["sealgate:users:write"])),
)]
async fn create(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    Body(new): Body<NewUser>,
) -> Result<(StatusCode, Json<CreatedUser>), Problem> {
    let email = rules::email(&new.email)?;
    let name = rules::name(&new.name)?;
    let roles = rules::roles(new.roles)?;
    rules::declared(&plane, &roles, &[]).await?;
    let mut act = admin.act(&plane, "user.create");
    admin.may_shape_user(&plane, &roles, &act).await?;
    let password_hash = match new.password {
        Some(Password(password)) => {
            rules::password(&password, &email)?;
            let hashed = plane.passwords.hash(password, &*plane.random).await;
            Some(hashed.map_err(busy)?)
        }
        None => None,
    };
    let now = act.at;
    let id = UserId::generate(now, &*plane.random);
    let (stored, link) = if password_hash.is_some() {
        (None, None)
    } else {
        let (stored, link) = invite(&plane, id, now);
        (Some(stored), Some(link))
    };
    let row = UserRow {
        id,
        email,
        name,
        password_hash,
        roles,
        tenant: new.tenant,
        created_at: now,
        disabled_at: None,
    };
    act.user = Some(id);
    plane.store.user_create(row.clone(), stored, act).await?;
    let created = CreatedUser {
        user: row.into(),
        invitation: link,
    };
    Ok((StatusCode::CREATED, Json(created)))
}

fn busy(busy: Busy) -> Problem {
    Problem::unavailable(
        busy.code(),
        "too many passwords are being worked on; try again",
        1,
    )
}

/// Show one account.
#[utoipa::path(
    get, path = "/users/{id}", tag = "users", operation_id = "showUser",
    params(("id" = UserIdText, Path)),
    responses(
        (status = OK, description = "The account.", body = UserView),
        (status = NOT_FOUND, description = "There is no such account."),
    ),
    security(("oauth2" = ["sealgate:users:read"])),
)]
async fn show(
    State(plane): State<Arc<ControlPlane>>,
    Id(id): Id<UserId>,
) -> Result<Json<UserView>, Problem> {
    Ok(Json(find(&plane, id).await?.into()))
}

/// Change an account's name, roles or tenant. Other roles reach every gate at once and sign nobody out; links to
/// the account that are not used yet are worth nothing from then on. Another tenant ends all sessions.
#[utoipa::path(
    patch, path = "/users/{id}", tag = "users", operation_id = "updateUser",
    params(("id" = UserIdText, Path)),
    request_body(content = UserPatch, example = json!({ "roles": ["accountant", "auditor"] })),
    responses(
        (status = OK, description = "The account as it is now.", body = UserView),
        (status = NOT_FOUND, description = "There is no such account."),
        (status = CONFLICT, description = "Somebody else changed the account meanwhile."),
        (status = UNPROCESSABLE_ENTITY, description = "The name or roles cannot be taken."),
    ),
    security(("oauth2" = ["sealgate:users:write"])),
)]
async fn update(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    Id(id): Id<UserId>,
    Body(patch): Body<UserPatch>,
) -> Result<Json<UserView>, Problem> {
    let name = patch.name.as_deref().map(rules::name).transpose()?;
    let roles = patch.roles.map(rules::roles).transpose()?;
    let before = find(&plane, id).await?;
    let act = about(id, admin.act(&plane, "user.update"));
    admin.may_shape_user(&plane, &before.roles, &act).await?;
    let after = roles.as_deref().unwrap_or(&before.roles);
    admin.may_shape_user(&plane, after, &act).await?;
    rules::declared(&plane, after, &before.roles).await?;
    // Other roles end nothing: whoever was told of the earlier ones asks anew. A tenant is what a session was
    // started for.
    let moves = patch.tenant.as_ref().is_some_and(|to| *to != before.tenant);
    let change = UserChange {
        name,
        roles,
        tenant: patch.tenant,
        sign_out: (patch.sign_out || moves).then_some(RevokeReason::Admin),
        before: Some(before),
    };
    let updated = plane.store.user_update(id, change, act).await;
    if !updated.map_err(changed)? {
        return Err(unknown());
    }
    show(State(plane), Id(id)).await
}

/// Make a new link with which an account's owner chooses a password; earlier ones stop working.
#[utoipa::path(
    post, path = "/users/{id}/invite", tag = "users", operation_id = "inviteUser",
    params(("id" = UserIdText, Path)),
    responses(
        (status = CREATED, description = "The account and the link to it.", body = InvitedUser),
        (status = NOT_FOUND, description = "There is no such account."),
        (status = CONFLICT, description = "The account is disabled, or somebody else changed it meanwhile."),
    ),
    security(("oauth2" = ["sealgate:users:write"])),
)]
async fn invite_again(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    Id(id): Id<UserId>,
) -> Result<(StatusCode, Json<InvitedUser>), Problem> {
    let user = find(&plane, id).await?;
    let act = about(id, admin.act(&plane, "invitation.create"));
    // Whoever has the link is in.
    admin.may_shape_user(&plane, &user.roles, &act).await?;
    if user.status() == UserStatus::Disabled {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "account_disabled",
            "the account is disabled, and a link to it would not work",
        ));
    }
    let (stored, invitation) = invite(&plane, id, act.at);
    let judged = Some(user.clone());
    let made = plane.store.invitation_create(stored, judged, act).await;
    made.map_err(changed)?;
    let invited = InvitedUser {
        user: user.into(),
        invitation,
    };
    Ok((StatusCode::CREATED, Json(invited)))
}

fn invite(plane: &ControlPlane, user: UserId, now: Timestamp) -> (Invitation, InvitationLink) {
    let handle = Handle::generate(InvitationId::generate(now, &*plane.random), &*plane.random);
    let expires_at = now + plane.lifetimes.invitation;
    let stored = Invitation {
        id: handle.id,
        secret_hash: handle.secret_hash(),
        user: Some(user),
        created_at: now,
        expires_at,
        used_at: None,
    };
    // The handle is base64url: nothing to escape.
    let url = plane.issuer.url(&format!(
        "/invitation?token={}",
        handle.to_secret().expose()
    ));
    (stored, InvitationLink { url, expires_at })
}

/// Disable an account: its sessions are revoked at once, and it cannot sign in.
#[utoipa::path(
    post, path = "/users/{id}/disable", tag = "users", operation_id = "disableUser",
    params(("id" = UserIdText, Path)),
    responses(
        (status = OK, description = "The account as it is now.", body = UserView),
        (status = NOT_FOUND, description = "There is no such account."),
    ),
    security(("oauth2" = ["sealgate:users:write"])),
)]
async fn disable(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    Id(id): Id<UserId>,
) -> Result<Json<UserView>, Problem> {
    let act = about(id, admin.act(&plane, "user.disable"));
    let user = find(&plane, id).await?;
    admin.may_shape_user(&plane, &user.roles, &act).await?;
    if !plane.store.user_disable(id, act).await? {
        return Err(unknown());
    }
    show(State(plane), Id(id)).await
}

/// Enable an account again; sessions that were revoked stay revoked.
#[utoipa::path(
    post, path = "/users/{id}/enable", tag = "users", operation_id = "enableUser",
    params(("id" = UserIdText, Path)),
    responses(
        (status = OK, description = "The account as it is now.", body = UserView),
        (status = NOT_FOUND, description = "There is no such account."),
    ),
    security(("oauth2" = ["sealgate:users:write"])),
)]
async fn enable(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    Id(id): Id<UserId>,
) -> Result<Json<UserView>, Problem> {
    let act = about(id, admin.act(&plane, "user.enable"));
    let user = find(&plane, id).await?;
    admin.may_shape_user(&plane, &user.roles, &act).await?;
    if !plane.store.user_enable(id, act).await? {
        return Err(unknown());
    }
    show(State(plane), Id(id)).await
}

/// Sign a user out everywhere: every browser sign-in ends, and every session is revoked.
#[utoipa::path(
    post, path = "/users/{id}/sign-out", tag = "users", operation_id = "signOutUser",
    params(("id" = UserIdText, Path)),
    responses(
        (status = OK, description = "The account, which stays as it is.", body = UserView),
        (status = NOT_FOUND, description = "There is no such account."),
    ),
    security(("oauth2" = ["sealgate:sessions:write"])),
)]
async fn sign_out(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    Id(id): Id<UserId>,
) -> Result<Json<UserView>, Problem> {
    let user = find(&plane, id).await?;
    let act = about(id, admin.act(&plane, "user.sign_out"));
    admin.may_shape_user(&plane, &user.roles, &act).await?;
    plane
        .store
        .user_sign_out(id, RevokeReason::Admin, act)
        .await?;
    Ok(Json(user.into()))
}

/// The account with this id.
pub(super) async fn find(plane: &ControlPlane, id: UserId) -> Result<UserRow, Problem> {
    plane.store.user(id).await?.ok_or_else(unknown)
}

fn about(id: UserId, act: Audit) -> Audit {
    Audit {
        user: Some(id),
        ..act
    }
}

/// What was judged of an account holds of that account as it was.
fn changed(error: StoreError) -> Problem {
    match error {
        StoreError::Conflict(_) => Problem::new(
            StatusCode::CONFLICT,
            "user_changed",
            "the account was changed by somebody else meanwhile: look at it and try again",
        ),
        error => error.into(),
    }
}

fn unknown() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "user_unknown",
        "there is no such user",
    )
}
