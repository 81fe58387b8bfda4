//! `/api/v1/users`: adding, inviting, listing, disabling and enabling accounts.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use http::header::CACHE_CONTROL;
use sealgate_model::{InvitationId, Secret, Timestamp, UserId};
use sealgate_oauth::Handle;
use sealgate_store::{Audit, Invitation, Page, UserRow, UserStatus};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::extract::{Ask, Body, Id};
use super::{PAGE_LIMIT, act};
use crate::ControlPlane;
use crate::problem::{Problem, TraceId};
use crate::sign_in::{address, passwords};

pub(crate) fn routes() -> Router<Arc<ControlPlane>> {
    Router::new()
        .route("/users", get(list).post(create))
        .route("/users/{id}/invite", post(invite_again))
        .route("/users/{id}/disable", post(disable))
        .route("/users/{id}/enable", post(enable))
}

/// A password on its way in. It serialises, but never shows in `Debug`.
#[derive(Debug, Clone)]
pub struct Password(pub Secret);

impl Serialize for Password {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose())
    }
}

impl<'de> Deserialize<'de> for Password {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Secret::new(text)))
    }
}

/// An account to add.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// The e-mail address, at most 254 bytes.
    pub email: String,
    /// The name to show, at most 200 bytes; may be empty.
    #[serde(default)]
    pub name: String,
    /// Roles; `admin` is the control plane's own.
    #[serde(default)]
    pub roles: Vec<String>,
    /// The password; without it the answer holds an invitation link to choose one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Password>,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserView {
    /// The account's id: the `sub` of its tokens.
    pub id: UserId,
    /// The e-mail address.
    pub email: String,
    /// The name to show; may be empty.
    pub name: String,
    /// Roles, sorted.
    pub roles: Vec<String>,
    /// Whether it can be used.
    pub status: UserStatus,
    /// When it was made, in milliseconds since 1970.
    pub created_at: Timestamp,
    /// When it was disabled, if it is.
    pub disabled_at: Option<Timestamp>,
}

impl From<UserRow> for UserView {
    fn from(row: UserRow) -> Self {
        let status = row.status();
        Self {
            id: row.id,
            email: row.email,
            name: row.name,
            roles: row.roles,
            status,
            created_at: row.created_at,
            disabled_at: row.disabled_at,
        }
    }
}

/// The link with which a user chooses a password. It works once, and whoever has it is in, so that
/// `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationLink {
    /// Where to open it.
    pub url: String,
    /// From when on it is refused.
    pub expires_at: Timestamp,
}

impl std::fmt::Debug for InvitationLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "InvitationLink(…, expires at {})", self.expires_at)
    }
}

/// An account with the new link to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitedUser {
    /// The account. If it is active, the link sets its password anew.
    pub user: UserView,
    /// The link. Earlier ones do not work any more.
    pub invitation: InvitationLink,
}

/// The account that was added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedUser {
    /// The account.
    pub user: UserView,
    /// Its invitation, unless a password was given.
    pub invitation: Option<InvitationLink>,
}

/// Which accounts to list.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListUsers {
    /// Only the one with this address, compared without case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Only those after this one: the `next` of the answer before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<UserId>,
}

/// Accounts, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Users {
    /// At most [`PAGE_LIMIT`] accounts.
    pub users: Vec<UserView>,
    /// What to ask for next; none at the end.
    pub next: Option<UserId>,
}

async fn create(
    State(plane): State<Arc<ControlPlane>>,
    trace: TraceId,
    Body(new): Body<NewUser>,
) -> Result<Response, Problem> {
    let email = email(&new.email)?;
    let name = name(&new.name)?;
    let roles = roles(new.roles)?;
    let password_hash = match new.password {
        Some(Password(password)) => {
            passwords::check_rules(&password, &email)
                .map_err(|problem| Problem::bad_request("password_refused", problem))?;
            let busy = |busy: passwords::Busy| {
                Problem::unavailable(
                    busy.code(),
                    "too many passwords are being worked on; try again",
                    1,
                )
            };
            Some(
                plane
                    .passwords
                    .hash(password, &*plane.random)
                    .await
                    .map_err(busy)?,
            )
        }
        None => None,
    };
    let now = plane.clock.now();
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
        created_at: now,
        disabled_at: None,
    };
    let audit = Audit {
        user: Some(id),
        ..act(&plane, "user.create", trace)
    };
    plane.store.user_create(row.clone(), stored, audit).await?;
    let created = CreatedUser {
        user: row.into(),
        invitation: link,
    };
    let not_kept = [(CACHE_CONTROL, "no-store")];
    Ok((StatusCode::CREATED, not_kept, Json(created)).into_response())
}

/// Makes a new link for an account, in place of one that was lost or has expired, or of a password
/// that was forgotten.
async fn invite_again(
    State(plane): State<Arc<ControlPlane>>,
    trace: TraceId,
    Id(id): Id<UserId>,
) -> Result<Response, Problem> {
    let user = plane.store.user(id).await?.ok_or_else(unknown)?;
    if user.status() == UserStatus::Disabled {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "account_disabled",
            "the account is disabled, and a link to it would not work",
        ));
    }
    let (stored, invitation) = invite(&plane, id, plane.clock.now());
    let audit = Audit {
        user: Some(id),
        ..act(&plane, "invitation.create", trace)
    };
    plane.store.invitation_create(stored, audit).await?;
    let invited = InvitedUser {
        user: user.into(),
        invitation,
    };
    let not_kept = [(CACHE_CONTROL, "no-store")];
    Ok((StatusCode::CREATED, not_kept, Json(invited)).into_response())
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

async fn list(
    State(plane): State<Arc<ControlPlane>>,
    Ask(query): Ask<ListUsers>,
) -> Result<Json<Users>, Problem> {
    if let Some(email) = query.email {
        let users = plane
            .store
            .user_by_email(&email)
            .await?
            .into_iter()
            .map(UserView::from)
            .collect();
        return Ok(Json(Users { users, next: None }));
    }
    let page = Page {
        after: query.after.map(|id| *id.as_bytes()),
        limit: PAGE_LIMIT,
    };
    let users: Vec<UserView> = plane
        .store
        .users(page)
        .await?
        .into_iter()
        .map(UserView::from)
        .collect();
    let full = u32::try_from(users.len()).is_ok_and(|count| count >= PAGE_LIMIT);
    let next = users.last().filter(|_| full).map(|user| user.id);
    Ok(Json(Users { users, next }))
}

async fn disable(
    State(plane): State<Arc<ControlPlane>>,
    trace: TraceId,
    Id(id): Id<UserId>,
) -> Result<Json<UserView>, Problem> {
    let audit = Audit {
        user: Some(id),
        ..act(&plane, "user.disable", trace)
    };
    if !plane.store.user_disable(id, audit).await? {
        return Err(unknown());
    }
    current(&plane, id).await
}

async fn enable(
    State(plane): State<Arc<ControlPlane>>,
    trace: TraceId,
    Id(id): Id<UserId>,
) -> Result<Json<UserView>, Problem> {
    let audit = Audit {
        user: Some(id),
        ..act(&plane, "user.enable", trace)
    };
    if !plane.store.user_enable(id, audit).await? {
        return Err(unknown());
    }
    current(&plane, id).await
}

async fn current(plane: &ControlPlane, id: UserId) -> Result<Json<UserView>, Problem> {
    plane
        .store
        .user(id)
        .await?
        .map(|row| Json(row.into()))
        .ok_or_else(unknown)
}

fn unknown() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "user_unknown",
        "there is no such user",
    )
}

fn email(text: &str) -> Result<String, Problem> {
    let malformed = || Problem::bad_request("email_malformed", "this is not an e-mail address");
    address::email(text)
        .map(str::to_owned)
        .ok_or_else(malformed)
}

/// A name, which may be left for its owner to give.
fn name(text: &str) -> Result<String, Problem> {
    let malformed = || {
        Problem::bad_request(
            "name_malformed",
            "a name has at most 200 bytes and no control or hidden characters",
        )
    };
    if text.trim().is_empty() {
        return Ok(String::new());
    }
    address::name(text).map(str::to_owned).ok_or_else(malformed)
}

/// Roles, sorted and each once.
fn roles(mut roles: Vec<String>) -> Result<Vec<String>, Problem> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':');
    let sound = roles.len() <= 32
        && roles
            .iter()
            .all(|role| (1..=64).contains(&role.len()) && role.bytes().all(allowed));
    if !sound {
        return Err(Problem::bad_request(
            "role_malformed",
            "a role is 1 to 64 of A-Z a-z 0-9 - _ . : and there are at most 32",
        ));
    }
    roles.sort_unstable();
    roles.dedup();
    Ok(roles)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_cannot_be_sent_to_is_refused_and_a_name_may_be_missing() {
        assert_eq!(email("a@").unwrap_err().reason(), "email_malformed");
        assert_eq!(email(" ada@example.com ").unwrap(), "ada@example.com");
        assert_eq!(name(" ").unwrap(), "");
        assert_eq!(name("a\u{1b}[2J").unwrap_err().reason(), "name_malformed");
    }

    #[test]
    fn roles_are_sorted_and_each_once() {
        let given = ["b", "a", "b"].map(str::to_owned).to_vec();
        assert_eq!(roles(given).unwrap(), ["a", "b"]);
        for wrong in ["", "a b", "ü"] {
            assert!(roles(vec![wrong.to_owned()]).is_err(), "{wrong:?}");
        }
        assert!(roles((0..33).map(|n| n.to_string()).collect()).is_err());
    }

    #[test]
    fn a_password_does_not_show_in_debug_output() {
        let new = NewUser {
            email: "a@b".to_owned(),
            name: String::new(),
            roles: Vec::new(),
            password: Some(Password(Secret::new("hunter2"))),
        };
        assert!(!format!("{new:?}").contains("hunter2"));
    }
}
