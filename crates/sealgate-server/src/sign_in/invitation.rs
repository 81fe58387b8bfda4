//! `/invitation`: one-time links with which people choose their password.
//!
//! Opening a link changes nothing, however often mail scanners and previews do it; only the posted
//! form spends it. Links that were used, have expired or never were get one and the same page.

use std::fmt;
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::header::SET_COOKIE;
use http::{HeaderMap, StatusCode};
use sealgate_model::{InvitationId, Secret, Timestamp, UserId};
use sealgate_oauth::{Handle, Limits, Params};
use sealgate_store::{
    Accepted, Audit, AuditActor, CredentialType, Invitation, StoreError, UserRow, UserStatus,
};

use super::form::Posted;
use super::passwords::{SHORTEST_PASSWORD, check_rules};
use super::{address, cookie, start};
use crate::ControlPlane;
use crate::caller::Caller;
use crate::pages::{self, ErrorPage, FormTargets, InvitationPage, Problems, Shell};

/// The one-time link with which the first administrator is made. Whoever has it owns the control
/// plane, so `Debug` does not show it.
#[derive(Clone)]
pub struct SetupLink {
    /// Where to open it.
    pub url: String,
    /// From when on it is refused.
    pub expires_at: Timestamp,
}

impl fmt::Debug for SetupLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SetupLink(…, expires at {})", self.expires_at)
    }
}

/// Makes the link with which the first administrator is made; earlier ones stop working.
pub(crate) async fn create_setup(plane: &ControlPlane) -> Result<SetupLink, StoreError> {
    let now = plane.clock.now();
    let handle = Handle::generate(InvitationId::generate(now, &*plane.random), &*plane.random);
    let expires_at = now + plane.lifetimes.setup;
    let link = Invitation {
        id: handle.id,
        secret_hash: handle.secret_hash(),
        user: None,
        created_at: now,
        expires_at,
        used_at: None,
    };
    let audit = Audit::allowed(now, AuditActor::System, "setup_link.create");
    plane.store.invitation_create(link, None, audit).await?;
    // The handle is base64url: nothing to escape.
    let url = plane.issuer.url(&format!(
        "/invitation?token={}",
        handle.to_secret().expose()
    ));
    Ok(SetupLink { url, expires_at })
}

/// A link that can be used now.
struct Open {
    id: InvitationId,
    /// The account it is for; none for the set-up link.
    user: Option<UserRow>,
}

impl Open {
    /// Whether it sets a password in place of another.
    fn is_reset(&self) -> bool {
        self.user
            .as_ref()
            .is_some_and(|user| user.password_hash.is_some())
    }
}

/// `GET /invitation?token=…`: the form. It reads, and never spends the link.
pub(crate) async fn page(
    State(plane): State<Arc<ControlPlane>>,
    RawQuery(query): RawQuery,
) -> Result<Response, ErrorPage> {
    let query = query.unwrap_or_default();
    let limits = Limits {
        bytes: 512,
        count: 8,
        value: 128,
    };
    let query = Params::parse(query.as_bytes(), limits).map_err(|_| spent())?;
    let token = query.get("token").unwrap_or_default();
    let open = open(&plane, token).await?;
    let reset = open.is_reset();
    let (email, name) = open.user.map(|user| (user.email, user.name)).unzip();
    let view = InvitationPage {
        shell: Shell::of(&plane.issuer),
        setup: email.is_none(),
        reset,
        token: token.to_owned(),
        email: email.unwrap_or_default(),
        name: name.unwrap_or_default(),
        shortest: SHORTEST_PASSWORD,
        problems: Problems::none(),
    };
    Ok(pages::page(
        &plane,
        StatusCode::OK,
        &view,
        &FormTargets::own(),
    ))
}

/// `POST /invitation`: spends the link, once, and signs the browser in.
pub(crate) async fn submit(
    State(plane): State<Arc<ControlPlane>>,
    caller: Caller,
    headers: HeaderMap,
    Posted(posted): Posted,
) -> Result<Response, ErrorPage> {
    let token = posted.get("token").unwrap_or_default();
    let open = open(&plane, token).await?;
    let (setup, reset) = (open.user.is_none(), open.is_reset());
    let mut problems = Problems::none();
    let now = plane.clock.now();
    let mut user = match open.user {
        Some(user) => user,
        None => first_administrator(&plane, &posted, now, &mut problems),
    };
    let password = choose(&posted, &user.email, &mut problems);
    let again = |user: &UserRow, problems| {
        let view = InvitationPage {
            shell: Shell::of(&plane.issuer),
            setup,
            reset,
            token: token.to_owned(),
            email: user.email.clone(),
            name: user.name.clone(),
            shortest: SHORTEST_PASSWORD,
            problems,
        };
        pages::page(
            &plane,
            StatusCode::UNPROCESSABLE_ENTITY,
            &view,
            &FormTargets::own(),
        )
    };
    if !problems.is_empty() {
        return Ok(again(&user, problems));
    }
    user.password_hash = Some(plane.passwords.hash(password, &*plane.random).await?);
    let (sign_in, handle) = start::begin(&plane, user.id);
    let action = match (setup, reset) {
        (true, _) => "setup_link.accept",
        (false, true) => "password.reset",
        (false, false) => "invitation.accept",
    };
    let audit = Audit {
        user: Some(user.id),
        credential: Some(CredentialType::Link),
        ..Audit::allowed(now, AuditActor::User(user.id), action)
    };
    match plane
        .store
        .invitation_accept(open.id, user.clone(), sign_in, caller.record(audit))
        .await
    {
        Ok(Accepted::Done) => {}
        Ok(Accepted::Spent) => return Err(spent()),
        Err(StoreError::Conflict(_)) => {
            // Only somebody who holds the set-up link learns this, and sees all accounts anyway.
            let mut problems = Problems::none();
            problems.add(
                "email",
                "There is already an account with this e-mail address. Use another one.",
            );
            return Ok(again(&user, problems));
        }
        Err(error) => return Err(error.into()),
    }
    start::end_anothers(&plane, &caller, &headers, user.id).await?;
    let mut response = Redirect::to(&plane.issuer.url("/account")).into_response();
    response
        .headers_mut()
        .append(SET_COOKIE, cookie::set(&plane.issuer, &handle));
    Ok(response)
}

/// The account that a set-up link makes, as far as the form names it rightly.
fn first_administrator(
    plane: &ControlPlane,
    posted: &Params,
    now: Timestamp,
    problems: &mut Problems,
) -> UserRow {
    let name = posted.get("name").unwrap_or_default();
    if address::name(name).is_none() {
        problems.add("name", "Enter your name, in at most 200 bytes.");
    }
    let email = posted.get("email").unwrap_or_default();
    if address::email(email).is_none() {
        problems.add("email", "Enter an e-mail address, like name@example.com.");
    }
    UserRow {
        id: UserId::generate(now, &*plane.random),
        email: email.trim().to_owned(),
        name: name.trim().to_owned(),
        password_hash: None,
        roles: vec!["admin".to_owned()],
        tenant: None,
        created_at: now,
        disabled_at: None,
    }
}

/// The password that the form chooses, as far as it may be chosen. It is never shown again, so it is
/// asked for twice.
fn choose(posted: &Params, email: &str, problems: &mut Problems) -> Secret {
    let password = Secret::new(posted.get("password").unwrap_or_default());
    if let Err(why) = check_rules(&password, email) {
        problems.add("password", why);
    } else if posted.get("repeated") != Some(password.expose()) {
        problems.add(
            "repeated",
            "The two passwords differ. Type the same one twice.",
        );
    }
    password
}

/// The link that `token` opens, if it can be used now.
async fn open(plane: &ControlPlane, token: &str) -> Result<Open, ErrorPage> {
    let handle = Handle::<InvitationId>::parse(token).ok_or_else(spent)?;
    let link = plane.store.invitation(handle.id).await?.ok_or_else(spent)?;
    let good = link.secret_hash == handle.secret_hash()
        && link.used_at.is_none()
        && plane.clock.now() < link.expires_at;
    if !good {
        return Err(spent());
    }
    match link.user {
        Some(id) => {
            let user = plane.store.user(id).await?;
            let user = user
                .filter(|user| user.status() != UserStatus::Disabled)
                .ok_or_else(spent)?;
            Ok(Open {
                id: link.id,
                user: Some(user),
            })
        }
        // A set-up link that was printed and forgotten must not make a second way in.
        None if plane.store.admin_exists().await? => Err(spent()),
        None => Ok(Open {
            id: link.id,
            user: None,
        }),
    }
}

fn spent() -> ErrorPage {
    ErrorPage::new(
        StatusCode::GONE,
        "This link does not work any more",
        "It was used before, it has expired, or it was not copied in full. Each link works once.",
        "invitation_spent",
    )
    .next_step("If you have set a password, sign in with it. If not, ask your administrator for a new invitation.")
}
