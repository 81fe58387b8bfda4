//! `GET` and `POST /oauth/authorize` (OAuth 2.1, 3.1): from a client's wish to a code.
//!
//! A request passes in three steps that cannot be skipped: it is checked against its client's
//! registration, a user stands behind it, and only a [`Ready`] one issues a code. While the user
//! signs in, the checked request travels sealed through the browser; nothing is stored for it.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{RawQuery, Request, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use sealgate_model::{CodeId, Secret, SessionId, Timestamp};
use sealgate_oauth::{
    AuthorizationAnswer, AuthorizationRejection, AuthorizationRequest, CodeHandle, ErrorCode,
    Limits, OAuthError, Params, Prompt, Registration, with_parameters,
};
use sealgate_session::{Context, SealError};
use sealgate_store::{Audit, AuditActor, Client, Code, SignIn};
use serde::{Deserialize, Serialize};

use super::refusal::{faulty, refused, unanswered};
use super::{answer, form};
use crate::caller::Caller;
use crate::problem::Problem;
use crate::sign_in::cookie;
use crate::{ControlPlane, pages};

/// How long a user may take on the sign-in page.
const PENDING: Duration = Duration::from_secs(30 * 60);

/// How long a sealed request may be, in bytes. It travels in a URL and a form, not in a cookie:
/// the longest `state`, `nonce` and redirect URI fit, and the URL stays short of the 8 KiB that proxies
/// take of a request line.
const SEALED_REQUEST: usize = 7_168;

/// A checked request on its way through the sign-in page.
#[derive(Serialize, Deserialize)]
struct Pending {
    request: AuthorizationRequest,
    created_at: Timestamp,
}

/// A checked request with a user behind it.
struct Ready<'a> {
    request: &'a AuthorizationRequest,
    sign_in: &'a SignIn,
}

pub(super) async fn get(
    State(plane): State<Arc<ControlPlane>>,
    caller: Caller,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    begin(
        &plane,
        &caller,
        &headers,
        query.unwrap_or_default().as_bytes(),
    )
    .await
}

pub(super) async fn post(
    State(plane): State<Arc<ControlPlane>>,
    caller: Caller,
    request: Request,
) -> Response {
    let headers = request.headers().clone();
    match form::body(request, Limits::STANDARD).await {
        Ok(body) => begin(&plane, &caller, &headers, &body).await,
        Err(error) => page(error),
    }
}

/// A request from its first arrival to the code, the sign-in page or a refusal.
async fn begin(plane: &ControlPlane, caller: &Caller, headers: &HeaderMap, raw: &[u8]) -> Response {
    let mut audit = caller.act(plane.clock.now(), "code.issue");
    let request = match checked(plane, raw, &mut audit).await {
        Ok(request) => request,
        Err(rejection) => return reject(plane, audit, rejection).await,
    };
    let answered = match cookie::current(plane, headers).await.map_err(unanswered) {
        Ok(Some(sign_in)) if satisfied(plane, &request, &sign_in, None, audit.at) => {
            Ready {
                request: &request,
                sign_in: &sign_in,
            }
            .answer(plane, &mut audit)
            .await
        }
        Ok(_) if request.prompt == Prompt::None => Err(OAuthError::LoginRequired),
        Ok(_) => send_to_sign_in(plane, &request, audit.at),
        Err(error) => Err(error),
    };
    match answered {
        Ok(response) => response,
        Err(error) => reject(plane, audit, back_to_client(&request, error)).await,
    }
}

async fn checked(
    plane: &ControlPlane,
    raw: &[u8],
    audit: &mut Audit,
) -> Result<AuthorizationRequest, AuthorizationRejection> {
    use AuthorizationRejection::Page;
    let params = Params::parse_noting_repeats(raw, Limits::STANDARD).map_err(Page)?;
    let id = AuthorizationRequest::client_id(&params).map_err(Page)?;
    let client = plane
        .store
        .client(&id)
        .await
        .map_err(|failure| Page(unanswered(failure)))?;
    let client = client.ok_or(Page(OAuthError::ClientUnknown))?;
    audit.client = Some(client.id.clone());
    let registration = Registration {
        redirect_uris: &client.redirect_uris,
        scopes: &client.scopes,
    };
    AuthorizationRequest::parse(&params, &registration)
}

/// Whether the sign-in is good enough for the request: recent enough for it, and for a session that
/// still has time to live.
fn satisfied(
    plane: &ControlPlane,
    request: &AuthorizationRequest,
    sign_in: &SignIn,
    asked_at: Option<Timestamp>,
    now: Timestamp,
) -> bool {
    request.is_satisfied_by(sign_in.auth_time, asked_at, now)
        && sign_in.auth_time + plane.lifetimes.session > now
}

fn send_to_sign_in(
    plane: &ControlPlane,
    request: &AuthorizationRequest,
    now: Timestamp,
) -> Result<Response, OAuthError> {
    let pending = Pending {
        request: request.clone(),
        created_at: now,
    };
    let plain = serde_json::to_vec(&pending).map_err(faulty)?;
    let sealed = plane.master.seal_up_to(
        SEALED_REQUEST,
        &context(plane),
        plane.random.as_ref(),
        &plain,
    );
    let sealed = sealed.map_err(|error| match error {
        SealError::TooLong { .. } => OAuthError::ParametersTooLong,
        error => faulty(error),
    })?;
    answer::redirect(&sign_in_page(plane, &sealed))
}

fn sign_in_page(plane: &ControlPlane, sealed: &str) -> Secret {
    Secret::new(with_parameters(
        &plane.issuer.url("/sign-in"),
        &[("request", sealed)],
    ))
}

fn context(plane: &ControlPlane) -> Context<'_> {
    Context {
        purpose: "authorization-request",
        cookie: "",
        client: "",
        issuer: plane.issuer.as_str(),
    }
}

impl Ready<'_> {
    /// Issues the code and sends it to the client.
    async fn answer(
        &self,
        plane: &ControlPlane,
        audit: &mut Audit,
    ) -> Result<Response, OAuthError> {
        let (request, sign_in, random) = (self.request, self.sign_in, plane.random.as_ref());
        let now = audit.at;
        let handle = CodeHandle::generate(CodeId::generate(now, random), random);
        let session = SessionId::generate(now, random);
        audit.actor = AuditActor::User(sign_in.user);
        audit.user = Some(sign_in.user);
        audit.session = Some(session);
        let code = Code {
            id: handle.id,
            secret_hash: handle.secret_hash(),
            client: request.client_id.clone(),
            user: sign_in.user,
            sign_in: sign_in.id,
            session,
            redirect_uri: request.redirect_uri.clone(),
            challenge: request.challenge.as_str().to_owned(),
            nonce: request.nonce.clone(),
            scopes: request.scopes.as_slice().to_vec(),
            auth_time: sign_in.auth_time,
            methods: sign_in.methods.clone(),
            expires_at: now + plane.lifetimes.code,
            used_at: None,
        };
        plane
            .store
            .code_create(code, audit.clone())
            .await
            .map_err(unanswered)?;
        let (redirect_uri, state) = (request.redirect_uri.as_str(), request.state.as_deref());
        let sent = AuthorizationAnswer {
            redirect_uri,
            state,
            result: Ok(handle.to_secret()),
        };
        answer::redirect(&sent.location(&plane.issuer))
    }
}

/// Goes on with a sealed request after the user has signed in: the code is issued and sent to the
/// client. A request that is too old or does not open is told to the user.
pub(crate) async fn continue_with(
    plane: &ControlPlane,
    caller: &Caller,
    sealed: &str,
    sign_in: &SignIn,
) -> Response {
    let mut audit = caller.act(plane.clock.now(), "code.issue");
    let (pending, client) = match reopen(plane, sealed, audit.at).await {
        Ok(found) => found,
        Err(problem) => return pages::ErrorPage::from(&problem).into_response(),
    };
    audit.client = Some(client.id);
    let request = &pending.request;
    let answered = if satisfied(plane, request, sign_in, Some(pending.created_at), audit.at) {
        Ready { request, sign_in }.answer(plane, &mut audit).await
    } else {
        answer::redirect(&sign_in_page(plane, sealed))
    };
    match answered {
        Ok(response) => response,
        Err(error) => reject(plane, audit, back_to_client(request, error)).await,
    }
}

/// What the sign-in page tells of a sealed request.
pub(crate) struct Described {
    /// The client it is from.
    pub(crate) client: Client,
    /// Who the client thinks will sign in (OpenID Connect Core, 3.1.2.1): filled in, never trusted.
    pub(crate) login_hint: Option<String>,
}

/// What a sealed request is about, for the sign-in page to tell.
pub(crate) async fn describe(plane: &ControlPlane, sealed: &str) -> Result<Described, Problem> {
    let (pending, client) = reopen(plane, sealed, plane.clock.now()).await?;
    let login_hint = pending.request.login_hint;
    Ok(Described { client, login_hint })
}

/// Opens a sealed request and looks its client up again: what was registered when the user set out
/// may not be any more.
async fn reopen(
    plane: &ControlPlane,
    sealed: &str,
    now: Timestamp,
) -> Result<(Pending, Client), Problem> {
    let unreadable = || {
        Problem::bad_request(
            "request_unreadable",
            "this sign-in request does not come from here or was cut short",
        )
    };
    let opened = plane
        .master
        .open_up_to(SEALED_REQUEST, &context(plane), sealed)
        .map_err(|_| unreadable())?;
    let pending: Pending = serde_json::from_slice(&opened.plain).map_err(|_| unreadable())?;
    if now.since(pending.created_at) > PENDING {
        return Err(Problem::bad_request(
            "request_expired",
            "this sign-in request is too old; start again",
        ));
    }
    let client = plane.store.client(&pending.request.client_id).await?;
    let registered = |client: &Client| {
        let presented = pending.request.redirect_uri.as_str();
        client
            .redirect_uris
            .iter()
            .filter_map(|uri| uri.parse::<sealgate_oauth::RedirectUri>().ok())
            .any(|uri| uri.matches(presented))
    };
    match client.filter(registered) {
        Some(client) => Ok((pending, client)),
        None => Err(Problem::bad_request(
            "client_unknown",
            "the application of this sign-in request is not registered any more",
        )),
    }
}

fn back_to_client(request: &AuthorizationRequest, error: OAuthError) -> AuthorizationRejection {
    AuthorizationRejection::Redirect {
        redirect_uri: request.redirect_uri.clone(),
        state: request.state.clone(),
        error,
    }
}

/// Refuses, on record, where the refusal may be said.
async fn reject(plane: &ControlPlane, audit: Audit, rejection: AuthorizationRejection) -> Response {
    match rejection {
        AuthorizationRejection::Page(error) => {
            refused(plane, audit, error).await;
            page(error)
        }
        AuthorizationRejection::Redirect {
            redirect_uri,
            state,
            error,
        } => {
            refused(plane, audit, error).await;
            let sent = AuthorizationAnswer {
                redirect_uri: &redirect_uri,
                state: state.as_deref(),
                result: Err(error),
            };
            answer::redirect(&sent.location(&plane.issuer)).unwrap_or_else(page)
        }
    }
}

/// Tells the person at the browser, who can do nothing about it but tell somebody else.
fn page(error: OAuthError) -> Response {
    let (status, title) = match error.error() {
        ErrorCode::TemporarilyUnavailable => (StatusCode::SERVICE_UNAVAILABLE, "Not just now"),
        ErrorCode::ServerError => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "Something went wrong here",
        ),
        _ if error == OAuthError::ParametersTooLong => {
            (StatusCode::PAYLOAD_TOO_LARGE, "This sign-in cannot go on")
        }
        _ => (StatusCode::BAD_REQUEST, "This sign-in cannot go on"),
    };
    let explanation = match error {
        OAuthError::ClientUnknown => {
            "The application that sent you here is not registered.".to_owned()
        }
        OAuthError::RedirectUriUnregistered => {
            "The application asked to send you to an address that is not registered for it. \
             To keep you safe, you were not sent there."
                .to_owned()
        }
        OAuthError::StoreUnavailable => {
            "The sign-in service cannot reach its data at this moment.".to_owned()
        }
        error => format!("The application that sent you here made a mistake: {error}."),
    };
    pages::error_page(status, title, explanation, error.code())
}
