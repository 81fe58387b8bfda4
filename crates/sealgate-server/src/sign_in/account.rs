//! `/account`: one's own sessions and what one has granted, and ending them.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::header::SET_COOKIE;
use http::{HeaderMap, StatusCode};
use sealgate_model::{ClientId, SessionId, UserId};
use sealgate_store::{Audit, AuditActor, Page, RevokeReason, SessionFilter, SignIn, StoreError};

use super::cookie;
use super::form::Posted;
use crate::ControlPlane;
use crate::caller::Caller;
use crate::consent::words::Words;
use crate::pages::{
    self, AccountPage, ConsentView, ErrorPage, FormTargets, Moment, SessionView, Shell,
};

/// The most sessions on the page.
const SHOWN: u32 = 100;

/// `GET /`: whoever comes to the control plane by hand wants their account.
pub(crate) async fn root(State(plane): State<Arc<ControlPlane>>) -> Redirect {
    Redirect::to(&plane.issuer.url("/account"))
}

/// `GET /account`. Whoever is not signed in is sent to sign in.
pub(crate) async fn page(
    State(plane): State<Arc<ControlPlane>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ErrorPage> {
    let Some(sign_in) = cookie::current(&plane, &headers).await? else {
        return Ok(Redirect::to(&plane.issuer.url("/sign-in")).into_response());
    };
    let user = plane.store.user(sign_in.user).await?.ok_or_else(gone)?;
    let (sessions, more) = sessions(&plane, &sign_in).await?;
    let view = AccountPage {
        shell: Shell::of(&plane.issuer),
        name: user.name,
        email: user.email,
        notice: query.as_deref().and_then(done),
        sessions,
        more,
        consents: consents(&plane, sign_in.user).await?,
    };
    Ok(pages::page(
        &plane,
        StatusCode::OK,
        &view,
        &FormTargets::own(),
    ))
}

/// `POST /account/sessions/revoke`: ends one of one's own sessions.
pub(crate) async fn revoke(
    State(plane): State<Arc<ControlPlane>>,
    caller: Caller,
    headers: HeaderMap,
    Posted(posted): Posted,
) -> Result<Response, ErrorPage> {
    let Some(sign_in) = cookie::current(&plane, &headers).await? else {
        return Ok(Redirect::to(&plane.issuer.url("/sign-in")).into_response());
    };
    let id: SessionId = posted
        .get("session")
        .unwrap_or_default()
        .parse()
        .map_err(|_| unknown_session())?;
    // Somebody else's session and none are told apart by nothing.
    let session = plane
        .store
        .session(id)
        .await?
        .filter(|session| session.user == sign_in.user);
    let session = session.ok_or_else(unknown_session)?;
    let audit = act(&plane, &caller, sign_in.user, "session.revoke");
    let audit = Audit {
        session: Some(id),
        client: Some(session.client),
        ..audit
    };
    plane
        .store
        .session_revoke(id, RevokeReason::Logout, audit)
        .await?;
    Ok(Redirect::to(&plane.issuer.url("/account?done=revoked")).into_response())
}

/// What was just done, by the word for it in the address.
fn done(query: &str) -> Option<&'static str> {
    match query {
        "done=revoked" => Some("The session is revoked."),
        "done=withdrawn" => Some("What you had allowed is taken back, and its sessions are ended."),
        _ => None,
    }
}

/// `POST /account/consents/withdraw`: takes back all that one has granted a client, and ends one's
/// sessions there. Taking back what is not granted is no mistake.
pub(crate) async fn withdraw(
    State(plane): State<Arc<ControlPlane>>,
    caller: Caller,
    headers: HeaderMap,
    Posted(posted): Posted,
) -> Result<Response, ErrorPage> {
    let Some(sign_in) = cookie::current(&plane, &headers).await? else {
        return Ok(Redirect::to(&plane.issuer.url("/sign-in")).into_response());
    };
    let client = posted.get("client").unwrap_or_default();
    let client: ClientId = client.parse().map_err(|_| ErrorPage::malformed())?;
    let audit = act(&plane, &caller, sign_in.user, "consent.withdraw");
    let audit = Audit {
        client: Some(client.clone()),
        ..audit
    };
    plane
        .store
        .consent_withdraw(sign_in.user, &client, audit)
        .await?;
    Ok(Redirect::to(&plane.issuer.url("/account?done=withdrawn")).into_response())
}

/// `POST /account/sign-out`: ends this browser's sign-in and the sessions from it, or with
/// `where=everywhere` those of every browser. Signing out twice is signing out.
pub(crate) async fn sign_out(
    State(plane): State<Arc<ControlPlane>>,
    caller: Caller,
    headers: HeaderMap,
    Posted(posted): Posted,
) -> Result<Response, ErrorPage> {
    let everywhere = posted.get("where") == Some("everywhere");
    let sign_in = cookie::current(&plane, &headers).await?;
    if let Some(sign_in) = &sign_in {
        let audit = act(&plane, &caller, sign_in.user, "sign_in.end");
        let (store, reason) = (&plane.store, RevokeReason::Logout);
        if everywhere {
            store.user_sign_out(sign_in.user, reason, audit).await?;
        } else {
            store.sign_in_end(sign_in.id, reason, audit).await?;
        }
    }
    let mut response = pages::logged_out(&plane, everywhere && sign_in.is_some());
    response
        .headers_mut()
        .append(SET_COOKIE, cookie::clear(&plane.issuer));
    Ok(response)
}

/// The user's live sessions, newest first, and whether there are more than are shown.
async fn sessions(
    plane: &ControlPlane,
    sign_in: &SignIn,
) -> Result<(Vec<SessionView>, bool), StoreError> {
    let now = plane.clock.now();
    let filter = SessionFilter {
        user: Some(sign_in.user),
        live_at: Some(now),
        ..SessionFilter::default()
    };
    // They come oldest first, and the newest are the ones that count.
    let mut sessions = Vec::new();
    let mut page = Page::default();
    loop {
        let found = plane.store.sessions(filter.clone(), page).await?;
        let full = found.len() >= page.limit as usize;
        page.after = found.last().map(|session| *session.id.as_bytes());
        sessions.extend(found);
        if !full {
            break;
        }
    }
    let surplus = sessions.len().saturating_sub(SHOWN as usize);
    let more = surplus > 0;
    sessions.drain(..surplus);
    let mut names: BTreeMap<ClientId, String> = BTreeMap::new();
    let mut views = Vec::with_capacity(sessions.len());
    for session in sessions.into_iter().rev() {
        if !names.contains_key(&session.client) {
            let name = plane
                .store
                .client(&session.client)
                .await?
                .map(|client| client.name);
            names.insert(
                session.client.clone(),
                name.unwrap_or_else(|| session.client.to_string()),
            );
        }
        views.push(SessionView {
            id: session.id.to_string(),
            client_name: names.get(&session.client).cloned().unwrap_or_default(),
            here: session.sign_in == sign_in.id,
            started: Moment::new(session.created_at, now),
            renewed: Moment::new(session.renewed_at, now),
        });
    }
    Ok((views, more))
}

/// What the user has granted, by client.
async fn consents(plane: &ControlPlane, user: UserId) -> Result<Vec<ConsentView>, StoreError> {
    let granted = plane.store.consents_of(user).await?;
    if granted.is_empty() {
        return Ok(Vec::new());
    }
    let (words, now) = (Words::load_all(plane).await?, plane.clock.now());
    let mut views = Vec::with_capacity(granted.len());
    for consent in granted {
        // A removed client's consents went with it.
        let Some(client) = plane.store.client(&consent.client).await? else {
            continue;
        };
        views.push(ConsentView {
            client: client.id.to_string(),
            client_name: client.name,
            scopes: words.scopes(consent.scopes.iter().map(String::as_str)),
            resources: words.resources(&consent.resources),
            granted: Moment::new(consent.granted_at, now),
        });
    }
    Ok(views)
}

fn act(plane: &ControlPlane, caller: &Caller, user: UserId, action: &'static str) -> Audit {
    let audit = Audit::allowed(plane.clock.now(), AuditActor::User(user), action);
    caller.record(Audit {
        user: Some(user),
        ..audit
    })
}

fn unknown_session() -> ErrorPage {
    ErrorPage::new(
        StatusCode::NOT_FOUND,
        "There is no such session",
        "You have no session with this id. It may have ended already.",
        "session_unknown",
    )
    .next_step("Go back to your account to see the sessions you have.")
}

fn gone() -> ErrorPage {
    ErrorPage::new(
        StatusCode::NOT_FOUND,
        "There is no such account",
        "Your account no longer exists.",
        "user_unknown",
    )
}
