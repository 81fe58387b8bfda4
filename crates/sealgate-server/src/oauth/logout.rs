//! `GET` and `POST /oauth/logout` (OpenID Connect RP-Initiated Logout 1.0).
//!
//! Logout ends the browser's sign-in and every session that came from it. A client that shows that it
//! holds one of those sessions is believed; on anybody else's word the user is asked first, or any
//! page could sign people out.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{RawQuery, Request, State};
use axum::response::Response;
use http::header::SET_COOKIE;
use http::{HeaderMap, StatusCode};
use sealgate_model::{ClientId, Secret, SessionId, SignInId, Timestamp, UserId};
use sealgate_oauth::{Limits, OAuthError, Params, with_parameters};
use sealgate_session::Context;
use sealgate_store::{Audit, AuditActor, Client, CredentialType, RevokeReason, Session, SignIn};
use serde::{Deserialize, Serialize};

use super::refusal::{faulty, refused, unanswered};
use super::tokens::ID_TYPE;
use super::{answer, form};
use crate::caller::Caller;
use crate::sign_in::{cookie, origin};
use crate::{ControlPlane, pages};

/// How long the question may stand unanswered.
const QUESTION: Duration = Duration::from_secs(30 * 60);

/// What went wrong, for a page.
enum Refusal {
    /// A rule of the parameters.
    OAuth(OAuthError),
    /// A rule of logout.
    Logout(&'static str, &'static str),
}

impl From<OAuthError> for Refusal {
    fn from(error: OAuthError) -> Self {
        Self::OAuth(error)
    }
}

/// The claims of an ID token that tell whose sign-in is to end. It may have expired
/// (RP-Initiated Logout, 2).
#[derive(Deserialize)]
struct Hint {
    iss: String,
    sub: UserId,
    aud: ClientId,
    sid: SessionId,
}

/// What a client wants.
struct Wish {
    client: Option<Client>,
    hint: Option<Hint>,
    /// The session that the client names without proving that it holds it.
    session: Option<SessionId>,
    /// Where the browser goes afterwards, `state` included.
    return_to: Option<String>,
}

/// The user's answer to the question, as sealed into its form: good for one sign-in only, so that
/// nobody else can answer for them.
#[derive(Serialize, Deserialize)]
struct Question {
    sign_in: SignInId,
    client: Option<ClientId>,
    return_to: Option<String>,
    asked_at: Timestamp,
}

pub(super) async fn get(
    State(plane): State<Arc<ControlPlane>>,
    caller: Caller,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let mut audit = caller.act(plane.clock.now(), "sign_in.end");
    let done = heed(
        &plane,
        &headers,
        query.unwrap_or_default().as_bytes(),
        &mut audit,
    )
    .await;
    finish(&plane, audit, done).await
}

pub(super) async fn post(
    State(plane): State<Arc<ControlPlane>>,
    caller: Caller,
    request: Request,
) -> Response {
    let mut audit = caller.act(plane.clock.now(), "sign_in.end");
    let headers = request.headers().clone();
    let done = match form::body(request, Limits::WITH_TOKEN).await {
        Ok(body) => posted(&plane, &headers, &body, &mut audit).await,
        Err(error) => Err(error.into()),
    };
    finish(&plane, audit, done).await
}

async fn finish(plane: &ControlPlane, audit: Audit, done: Result<Response, Refusal>) -> Response {
    match done {
        Ok(response) => response,
        Err(Refusal::OAuth(error)) => {
            refused(plane, audit, error).await;
            let status = match error {
                OAuthError::StoreUnavailable => StatusCode::SERVICE_UNAVAILABLE,
                OAuthError::Internal => StatusCode::INTERNAL_SERVER_ERROR,
                OAuthError::ParametersTooLong => StatusCode::PAYLOAD_TOO_LARGE,
                _ => StatusCode::BAD_REQUEST,
            };
            pages::error_page(
                status,
                "You are not signed out",
                format!("This logout cannot go on: {error}."),
                error.code(),
            )
        }
        Err(Refusal::Logout(reason, explanation)) => {
            let denied = Audit {
                outcome: sealgate_store::Outcome::Denied,
                reason: reason.to_owned(),
                ..audit
            };
            plane.refusals.record(plane, denied).await;
            pages::error_page(
                StatusCode::BAD_REQUEST,
                "You are not signed out",
                explanation,
                reason,
            )
        }
    }
}

/// A posted form is either the user's answer to our question, or a client's wish in another dress.
async fn posted(
    plane: &ControlPlane,
    headers: &HeaderMap,
    body: &[u8],
    audit: &mut Audit,
) -> Result<Response, Refusal> {
    let params = Params::parse(body, Limits::WITH_TOKEN)?;
    let Some(sealed) = params.get("confirmation") else {
        // The browser keeps its cookie from forms of other sites but not from the navigation that
        // follows, so the wish is made again as one.
        let raw = std::str::from_utf8(body).map_err(|_| OAuthError::ParameterEncoding)?;
        let again = format!("{}?{raw}", plane.issuer.url("/oauth/logout"));
        return Ok(answer::redirect(&Secret::new(again))?);
    };
    if !origin::is_same(headers, &plane.issuer) {
        return Err(Refusal::Logout(
            "cross_origin",
            "The answer did not come from our own page.",
        ));
    }
    let unreadable = || {
        Refusal::Logout(
            "confirmation_unreadable",
            "The form was altered or is too old. Start again.",
        )
    };
    let opened = plane
        .master
        .open(&context(plane), sealed)
        .map_err(|_| unreadable())?;
    let question: Question = serde_json::from_slice(&opened.plain).map_err(|_| unreadable())?;
    if audit.at.since(question.asked_at) > QUESTION {
        return Err(unreadable());
    }
    audit.client = question.client;
    let sign_in = cookie::current(plane, headers).await.map_err(unanswered)?;
    match sign_in.filter(|sign_in| sign_in.id == question.sign_in) {
        Some(sign_in) => end(plane, &sign_in, None, question.return_to.as_deref(), audit).await,
        // It has ended in the meantime, which is what was wanted.
        None => leave(plane, question.return_to.as_deref()),
    }
}

/// Does what the client wants, or asks the user.
async fn heed(
    plane: &ControlPlane,
    headers: &HeaderMap,
    raw: &[u8],
    audit: &mut Audit,
) -> Result<Response, Refusal> {
    let params = Params::parse(raw, Limits::WITH_TOKEN)?;
    let wish = read(plane, &params).await?;
    audit.client = wish.client.as_ref().map(|client| client.id.clone());
    let return_to = wish.return_to.as_deref();
    let Some(sign_in) = cookie::current(plane, headers).await.map_err(unanswered)? else {
        // The browser is not signed in here. What the client proves to hold ends all the same.
        if let Some(hint) = &wish.hint {
            end_session(plane, hint, audit).await?;
        }
        return leave(plane, return_to);
    };
    let by_stranger = wish
        .client
        .as_ref()
        .is_some_and(|client| client.details.origin.is_its_own());
    if by_stranger {
        // What is its own it may end. Whom nobody registered signs nobody out of everything else unasked.
        if let Some(hint) = &wish.hint {
            end_session(plane, hint, audit).await?;
        }
        return ask(plane, &wish, &sign_in, audit.at);
    }
    match believed(plane, &wish, &sign_in).await? {
        Some(session) => end(plane, &sign_in, Some(session), return_to, audit).await,
        None => ask(plane, &wish, &sign_in, audit.at),
    }
}

/// What the parameters say, checked against the client's registration. A browser is only ever sent to
/// an address registered for logout, compared exactly.
async fn read(plane: &ControlPlane, params: &Params) -> Result<Wish, Refusal> {
    let hint = params
        .get("id_token_hint")
        .and_then(|token| verified(plane, token));
    let named = params
        .get("client_id")
        .map(str::parse::<ClientId>)
        .transpose();
    let named = named.map_err(|_| OAuthError::ClientUnknown)?;
    let id = match (&hint, named) {
        (Some(hint), Some(named)) if hint.aud != named => {
            return Err(Refusal::Logout(
                "client_mismatch",
                "The application named is not the one the ID token is for.",
            ));
        }
        (Some(hint), _) => Some(hint.aud.clone()),
        (None, named) => named,
    };
    let client = match id {
        Some(id) => Some(
            plane
                .store
                .client(&id)
                .await
                .map_err(unanswered)?
                .ok_or(OAuthError::ClientUnknown)?,
        ),
        None => None,
    };
    let return_to = match (params.get("post_logout_redirect_uri"), &client) {
        (None, _) => None,
        (Some(uri), Some(client)) if client.logout_uris.iter().any(|known| known == uri) => {
            let state = params.get_up_to("state", 2048)?;
            Some(with_parameters(
                uri,
                state.map(|state| ("state", state)).as_slice(),
            ))
        }
        (Some(_), _) => {
            return Err(Refusal::Logout(
                "logout_uri_unregistered",
                "The application asked to send you to an address that is not registered for it.",
            ));
        }
    };
    let session = params.get("logout_hint").and_then(|hint| hint.parse().ok());
    Ok(Wish {
        client,
        hint,
        session,
        return_to,
    })
}

/// The hint, if this control plane signed it. One under a key that has gone is no hint, and the user
/// is asked.
fn verified(plane: &ControlPlane, token: &str) -> Option<Hint> {
    let verified = plane.keys.verifying().verify(token, &[ID_TYPE]).ok()?;
    verified
        .claims::<Hint>()
        .ok()
        .filter(|hint| hint.iss == plane.issuer.as_str())
}

/// The session that came from this sign-in and that the client holds, or held: it may end both without the user
/// being asked.
async fn believed(
    plane: &ControlPlane,
    wish: &Wish,
    sign_in: &SignIn,
) -> Result<Option<SessionId>, OAuthError> {
    let (Some(client), Some(id)) = (
        &wish.client,
        wish.hint.as_ref().map(|hint| hint.sid).or(wish.session),
    ) else {
        return Ok(None);
    };
    if wish
        .hint
        .as_ref()
        .is_some_and(|hint| hint.sub != sign_in.user)
    {
        return Ok(None);
    }
    let session = plane.store.session(id).await.map_err(unanswered)?;
    let fits = |session: &Session| session.sign_in == sign_in.id && session.client == client.id;
    Ok(session.filter(fits).map(|session| session.id))
}

/// Ends a sign-in, and the session that is meant, which may be one that would go on without it.
async fn end(
    plane: &ControlPlane,
    sign_in: &SignIn,
    session: Option<SessionId>,
    return_to: Option<&str>,
    audit: &mut Audit,
) -> Result<Response, Refusal> {
    audit.actor = AuditActor::User(sign_in.user);
    audit.credential = Some(CredentialType::Session);
    audit.user = Some(sign_in.user);
    let (store, reason) = (&plane.store, RevokeReason::Logout);
    if let Some(id) = session {
        let ended = store.session_sign_out(id, reason, audit.clone()).await;
        ended.map_err(unanswered)?;
    }
    // What has ended by that is not ended twice.
    let ended = store.sign_in_end(sign_in.id, reason, audit.clone()).await;
    ended.map_err(unanswered)?;
    let mut response = leave(plane, return_to)?;
    response
        .headers_mut()
        .append(SET_COOKIE, cookie::clear(&plane.issuer));
    Ok(response)
}

async fn end_session(
    plane: &ControlPlane,
    hint: &Hint,
    audit: &mut Audit,
) -> Result<(), OAuthError> {
    let session = plane.store.session(hint.sid).await.map_err(unanswered)?;
    if session.is_some_and(|session| session.user == hint.sub && session.client == hint.aud) {
        audit.action = "session.revoke";
        audit.actor = AuditActor::Client(hint.aud.clone());
        audit.user = Some(hint.sub);
        audit.session = Some(hint.sid);
        plane
            .store
            .session_revoke(hint.sid, RevokeReason::Logout, audit.clone())
            .await
            .map_err(unanswered)?;
    }
    Ok(())
}

fn leave(plane: &ControlPlane, return_to: Option<&str>) -> Result<Response, Refusal> {
    match return_to {
        Some(uri) => Ok(answer::redirect(&Secret::new(uri))?),
        None => Ok(pages::logged_out(plane, false)),
    }
}

fn ask(
    plane: &ControlPlane,
    wish: &Wish,
    sign_in: &SignIn,
    now: Timestamp,
) -> Result<Response, Refusal> {
    let question = Question {
        sign_in: sign_in.id,
        client: wish.client.as_ref().map(|client| client.id.clone()),
        return_to: wish.return_to.clone(),
        asked_at: now,
    };
    let plain = serde_json::to_vec(&question).map_err(faulty)?;
    let sealed = plane
        .master
        .seal(&context(plane), plane.random.as_ref(), &plain);
    let sealed = sealed.map_err(|_| OAuthError::ParametersTooLong)?;
    let fields = vec![("confirmation".to_owned(), sealed)];
    let client = wish.client.as_ref();
    let name = client.map(|client| pages::AskerView::of(client).called());
    Ok(pages::logout_confirm(
        plane,
        name,
        fields,
        wish.return_to.as_deref(),
    ))
}

fn context(plane: &ControlPlane) -> Context<'_> {
    Context {
        purpose: "logout-question",
        cookie: "",
        client: "",
        issuer: plane.issuer.as_str(),
    }
}
