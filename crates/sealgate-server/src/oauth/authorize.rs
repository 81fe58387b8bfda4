//! `GET` and `POST /oauth/authorize` (OAuth 2.1, 3.1): from a client's wish to its answer.

use std::sync::Arc;

use axum::extract::{RawQuery, Request, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use sealgate_model::Secret;
use sealgate_oauth::{
    AuthorizationAnswer, AuthorizationRejection, Delivery, ErrorCode, Limits, OAuthError,
};
use sealgate_store::{Audit, SignIn};

use super::journey::{Journey, Step};
use super::refusal::{refused, unanswered};
use super::requested::{self, back_to_client};
use super::{answer, form};
use crate::caller::Caller;
use crate::pages::ErrorPage;
use crate::sign_in::{cookie, errand};
use crate::{ControlPlane, pages};

/// Where this endpoint is.
const PATH: &str = "/oauth/authorize";

/// The longest posted request that is made again in a URL, in bytes.
const REPEATED: usize = 6 * 1024;

pub(super) async fn get(
    State(plane): State<Arc<ControlPlane>>,
    caller: Caller,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = query.unwrap_or_default();
    let sign_in = cookie::current(&plane, &headers).await.map_err(unanswered);
    begin(&plane, &caller, sign_in, query.as_bytes()).await
}

pub(super) async fn post(
    State(plane): State<Arc<ControlPlane>>,
    caller: Caller,
    request: Request,
) -> Response {
    let (headers, body) = match form::parts(request, Limits::STANDARD).await {
        Ok(parts) => parts,
        Err(error) => return page(error),
    };
    let sign_in = cookie::current(&plane, &headers).await.map_err(unanswered);
    if let (Ok(None), Ok(raw)) = (&sign_in, std::str::from_utf8(&body))
        && raw.len() <= REPEATED
    {
        if !raw.bytes().all(|byte| byte.is_ascii_graphic()) {
            return page(OAuthError::ParameterEncoding);
        }
        // The browser keeps its cookie from forms of other sites but not from the navigation that
        // follows, so the wish is made again as one.
        let again = format!("{}?{raw}", plane.issuer.url(PATH));
        return answer::redirect(&Secret::new(again)).unwrap_or_else(page);
    }
    begin(&plane, &caller, sign_in, &body).await
}

/// A request from its first arrival to the code, one of our pages or a refusal.
async fn begin(
    plane: &ControlPlane,
    caller: &Caller,
    sign_in: Result<Option<SignIn>, OAuthError>,
    raw: &[u8],
) -> Response {
    let mut audit = caller.act(plane.clock.now(), "code.issue");
    let journey = match requested::read(plane, caller, raw, &mut audit).await {
        Ok((client, request)) => Journey::begin(client, request),
        Err(rejection) => {
            let unasked = is_its_own(plane, &audit).await;
            return reject(plane, audit, rejection, unasked).await;
        }
    };
    match sign_in {
        Ok(sign_in) => go_on(plane, audit, &journey, sign_in.as_ref()).await,
        Err(error) => refuse(plane, audit, &journey, error).await,
    }
}

/// Takes a request as far as it can go in a browser with this sign-in: to the code, one of our pages or
/// a refusal. `audit` is the record of the code's issue, begun.
pub(crate) async fn go_on(
    plane: &ControlPlane,
    audit: Audit,
    journey: &Journey,
    sign_in: Option<&SignIn>,
) -> Response {
    match journey.next(plane, sign_in, audit.at).await {
        Ok(step) => carry_out(plane, audit, journey, sign_in, step).await,
        Err(error) => refuse(plane, audit, journey, error).await,
    }
}

/// Does what comes next.
pub(crate) async fn carry_out(
    plane: &ControlPlane,
    mut audit: Audit,
    journey: &Journey,
    sign_in: Option<&SignIn>,
    step: Step,
) -> Response {
    let request = &journey.request;
    let to = |path| {
        let sealed = journey.sealed(plane, audit.at)?;
        answer::redirect(&errand::page(plane, path, &sealed))
    };
    let done = match (step, sign_in) {
        (Step::SignIn, _) | (_, None) => to("/sign-in"),
        (Step::Consent(_), Some(_)) => to("/consent"),
        (Step::Ready(user), Some(sign_in)) => {
            match journey.issue(plane, sign_in, &user, &mut audit).await {
                Ok(code) => deliver(
                    plane,
                    &AuthorizationAnswer {
                        redirect_uri: &request.redirect_uri,
                        response_mode: request.response_mode,
                        state: request.state.as_deref(),
                        result: Ok(code),
                    },
                ),
                Err(error) => Err(error),
            }
        }
    };
    match done {
        Ok(response) => response,
        Err(error) => refuse(plane, audit, journey, error).await,
    }
}

/// Refuses a request, on record, to its client.
pub(crate) async fn refuse(
    plane: &ControlPlane,
    audit: Audit,
    journey: &Journey,
    error: OAuthError,
) -> Response {
    let unasked = journey.client.details.origin.is_its_own() && !journey.was_at_our_pages();
    reject(
        plane,
        audit,
        back_to_client(&journey.request, error),
        unasked,
    )
    .await
}

/// Whether a request is of a client that no administrator registered, as far as it was read. Where nobody can
/// say, it is.
async fn is_its_own(plane: &ControlPlane, audit: &Audit) -> bool {
    let Some(id) = &audit.client else {
        return true;
    };
    let client = plane.store.client(id).await;
    !client.is_ok_and(|client| client.is_some_and(|client| !client.details.origin.is_its_own()))
}

/// Sends an answer in the way the client wants it.
fn deliver(plane: &ControlPlane, sent: &AuthorizationAnswer<'_>) -> Result<Response, OAuthError> {
    match sent.deliver(&plane.issuer) {
        Delivery::Redirect(location) => answer::redirect(&location),
        Delivery::FormPost { action, fields } => Ok(pages::form_post(plane, action, &fields)),
    }
}

/// Refuses, on record, where the refusal may be said. `unasked`: a client whose word alone stands for where it
/// leads, and a user who has not seen one of our pages. A browser that follows a link to this server is not
/// taken elsewhere by it then (RFC 9700, 4.11.2): its user is told, and may go on.
async fn reject(
    plane: &ControlPlane,
    audit: Audit,
    rejection: AuthorizationRejection,
    unasked: bool,
) -> Response {
    match rejection {
        AuthorizationRejection::Page(error) => {
            refused(plane, audit, error).await;
            page(error)
        }
        AuthorizationRejection::Redirect {
            redirect_uri,
            response_mode,
            state,
            error,
        } => {
            refused(plane, audit, error).await;
            let sent = AuthorizationAnswer {
                redirect_uri: &redirect_uri,
                response_mode,
                state: state.as_deref(),
                result: Err(error),
            };
            if !unasked {
                return deliver(plane, &sent).unwrap_or_else(page);
            }
            match sent.deliver(&plane.issuer) {
                Delivery::Redirect(location) => told(error)
                    .next_step("Go on if that is where you came from. If you did not ask for this, close the page.")
                    .onward(location.expose().to_owned())
                    .into_response(),
                Delivery::FormPost { .. } => page(error),
            }
        }
    }
}

/// Tells the person at the browser, who can do nothing about it but tell somebody else.
fn page(error: OAuthError) -> Response {
    told(error).into_response()
}

fn told(error: OAuthError) -> ErrorPage {
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
        OAuthError::RequestUriUnknown
        | OAuthError::RequestUriExpired
        | OAuthError::RequestUriUsed => {
            "This sign-in was begun too long ago, or it is finished already.".to_owned()
        }
        OAuthError::ClientDocumentUnavailable | OAuthError::ClientDocumentThrottled => {
            "The application that sent you here says at its own address who it is, and that \
             cannot be read at this moment. Try again in a moment."
                .to_owned()
        }
        OAuthError::ClientDocumentInvalid(what) => format!(
            "The application that sent you here says at its own address who it is, and that \
             cannot be believed: {what}."
        ),
        OAuthError::ResourceClosed => {
            "The application that sent you here wants to reach something that is not open to \
             applications that nobody registered here."
                .to_owned()
        }
        OAuthError::StoreUnavailable => {
            "The sign-in service cannot reach its data at this moment.".to_owned()
        }
        error => format!("The application that sent you here made a mistake: {error}."),
    };
    ErrorPage::new(status, title, explanation, error.code())
}
