//! `/account`: one's own sessions, what one has granted and the agents that act for one, and ending them.

mod agents;
mod holdings;

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::header::SET_COOKIE;
use http::{HeaderMap, StatusCode};
use sealgate_model::{ClientId, SessionId, UserId};
use sealgate_store::{
    Audit, AuditActor, ConsentRow, CredentialType, RevokeReason, Session, SignIn, StoreError,
};

use self::holdings::Holdings;
use super::cookie;
use super::form::Posted;
use crate::ControlPlane;
use crate::caller::Caller;
use crate::consent::words::Words;
use crate::pages::{
    self, AccountPage, ConsentView, ErrorPage, FormTargets, Moment, SessionView, Shell,
};

/// The most sessions on the page.
const SHOWN: usize = 100;

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
    let all = holdings::load(&plane, sign_in.user).await?;
    let (sessions, more) = sessions(&plane, &sign_in, &all);
    let (agents, more_agents) = agents::views(&plane, &all).await?;
    let view = AccountPage {
        shell: Shell::of(&plane.issuer),
        name: user.name,
        email: user.email,
        notice: query.as_deref().and_then(done),
        sessions,
        more,
        agents,
        more_agents,
        lasting: all.lasting(),
        consents: consents(&plane, &all).await?,
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
        "done=agent" => Some("The agent is revoked: it may do nothing for you any more."),
        "done=agents" => Some("All agents are revoked: none may do anything for you any more."),
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
    let done = if posted.get("what") == Some("agent") {
        "/account?done=agent"
    } else {
        "/account?done=withdrawn"
    };
    Ok(Redirect::to(&plane.issuer.url(done)).into_response())
}

/// `POST /account/agents/revoke`: takes back all that one has granted AI agents, and ends their sessions.
pub(crate) async fn revoke_agents(
    State(plane): State<Arc<ControlPlane>>,
    caller: Caller,
    headers: HeaderMap,
    Posted(_posted): Posted,
) -> Result<Response, ErrorPage> {
    let Some(sign_in) = cookie::current(&plane, &headers).await? else {
        return Ok(Redirect::to(&plane.issuer.url("/sign-in")).into_response());
    };
    let audit = act(&plane, &caller, sign_in.user, "consent.withdraw");
    plane.store.agents_withdraw(sign_in.user, audit).await?;
    Ok(Redirect::to(&plane.issuer.url("/account?done=agents")).into_response())
}

/// `POST /account/sign-out`: ends this browser's sign-in and the sessions from it; with `where=browsers` those
/// of every browser; with `where=everywhere` also those of AI agents that go on without one. Signing out twice
/// is signing out.
pub(crate) async fn sign_out(
    State(plane): State<Arc<ControlPlane>>,
    caller: Caller,
    headers: HeaderMap,
    Posted(posted): Posted,
) -> Result<Response, ErrorPage> {
    let end = posted.get("where").unwrap_or_default();
    let everywhere = matches!(end, "everywhere" | "browsers");
    let sign_in = cookie::current(&plane, &headers).await?;
    if let Some(sign_in) = &sign_in {
        let audit = act(&plane, &caller, sign_in.user, "sign_in.end");
        let (store, reason) = (&plane.store, RevokeReason::Logout);
        match end {
            "everywhere" => store.user_sign_out(sign_in.user, reason, audit).await?,
            "browsers" => store.browsers_sign_out(sign_in.user, reason, audit).await?,
            _ => store.sign_in_end(sign_in.id, reason, audit).await?,
        }
    }
    let mut response = pages::logged_out(&plane, everywhere && sign_in.is_some());
    response
        .headers_mut()
        .append(SET_COOKIE, cookie::clear(&plane.issuer));
    Ok(response)
}

/// The user's live sessions that are no agent's, newest first, and whether there are more than are shown.
fn sessions(plane: &ControlPlane, sign_in: &SignIn, all: &Holdings) -> (Vec<SessionView>, bool) {
    let now = plane.clock.now();
    let mut own = all
        .sessions
        .iter()
        .rev()
        .filter(|one| !all.is_agent(&one.client));
    let view = |session: &Session| SessionView {
        id: session.id.to_string(),
        client_name: all.name(&session.client),
        here: session.sign_in == sign_in.id,
        started: Moment::new(session.created_at, now),
        renewed: Moment::new(session.renewed_at, now),
    };
    let views = own.by_ref().take(SHOWN).map(view).collect();
    (views, own.next().is_some())
}

/// What the user has granted, by client, without agents.
async fn consents(plane: &ControlPlane, all: &Holdings) -> Result<Vec<ConsentView>, StoreError> {
    let granted: Vec<&ConsentRow> = all
        .consents
        .iter()
        .filter(|one| !all.is_agent(&one.client))
        .collect();
    if granted.is_empty() {
        return Ok(Vec::new());
    }
    let (words, now) = (Words::load_all(plane).await?, plane.clock.now());
    let view = |consent: &ConsentRow| ConsentView {
        client: consent.client.to_string(),
        client_name: all.name(&consent.client),
        grants: words.grants(
            consent.scopes.iter().map(String::as_str),
            &consent.resources,
        ),
        granted: Moment::new(consent.granted_at, now),
    };
    // A removed client's consents went with it.
    let known = granted
        .into_iter()
        .filter(|one| all.clients.contains_key(&one.client));
    Ok(known.map(view).collect())
}

fn act(plane: &ControlPlane, caller: &Caller, user: UserId, action: &'static str) -> Audit {
    let audit = Audit::allowed(plane.clock.now(), AuditActor::User(user), action);
    caller.record(Audit {
        user: Some(user),
        credential: Some(CredentialType::Session),
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
