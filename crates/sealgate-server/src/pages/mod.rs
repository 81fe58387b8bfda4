//! The hosted pages: plain HTML forms without script, under a strict policy, in light and dark.
//!
//! What stands on them is decided by their callers; here is how they look and which headers they
//! carry. An error page may be made anywhere without knowing whose page it is: [`dress`] puts in the
//! links, the host and the trace id on the way out.

mod assets;
mod error;
mod headers;
mod problems;
mod shell;
mod views;
mod when;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::header::ACCEPT;
use http::{HeaderMap, StatusCode};

use crate::ControlPlane;
use crate::problem::{Problem, TraceId};

pub(crate) use error::ErrorPage;
pub(crate) use headers::FormTargets;
pub(crate) use problems::Problems;
pub(crate) use shell::Shell;
pub(crate) use views::{AccountPage, InvitationPage, SessionView, SignInPage};
pub(crate) use when::Moment;

pub(crate) fn routes() -> Router<Arc<ControlPlane>> {
    Router::new()
        .route("/assets/sealgate.css", get(assets::style))
        .route("/assets/sealgate.svg", get(assets::icon))
}

/// A page as a response, whose forms may lead to `targets`.
pub(crate) fn page<T: Template>(
    plane: &ControlPlane,
    status: StatusCode,
    view: &T,
    targets: &FormTargets,
) -> Response {
    let mut response = render(view).into_response();
    *response.status_mut() = status;
    headers::set(response.headers_mut(), targets, plane.issuer.is_https());
    response
}

fn render<T: Template>(view: &T) -> String {
    // Writing our own strings into a string fails only if a template calls something that does.
    view.render().unwrap_or_else(|error| {
        tracing::error!(%error, "a page could not be written");
        String::new()
    })
}

/// A page that says what went wrong: `explanation` in whole sentences without jargon or secrets,
/// `reason` a stable code.
pub(crate) fn error_page(
    status: StatusCode,
    title: impl Into<String>,
    explanation: impl Into<String>,
    reason: &'static str,
) -> Response {
    ErrorPage::new(status, title, explanation, reason).into_response()
}

/// A page that asks whether the user wants what a client asks: to be signed out. The answer is posted
/// to `/oauth/logout` with `fields`; `redirect_to` is where the browser goes after it, if anywhere.
pub(crate) fn logout_confirm(
    plane: &ControlPlane,
    client_name: Option<String>,
    fields: Vec<(String, String)>,
    redirect_to: Option<&str>,
) -> Response {
    let view = views::LogoutConfirmPage {
        shell: Shell::of(&plane.issuer),
        client_name,
        fields,
    };
    page(plane, StatusCode::OK, &view, &FormTargets::and(redirect_to))
}

/// A page that says that the user is signed out in this browser, or `everywhere`.
pub(crate) fn logged_out(plane: &ControlPlane, everywhere: bool) -> Response {
    let view = views::LoggedOutPage {
        shell: Shell::of(&plane.issuer),
        everywhere,
    };
    page(plane, StatusCode::OK, &view, &FormTargets::own())
}

/// The layer that completes error pages, and shows people at a browser a page where an endpoint would
/// answer a program with JSON.
pub(crate) async fn dress(
    State(plane): State<Arc<ControlPlane>>,
    request: Request,
    next: Next,
) -> Response {
    let trace = request
        .extensions()
        .get::<TraceId>()
        .map(ToString::to_string);
    let person = accepts_page(request.headers());
    let mut response = next.run(request).await;
    let mut found = response.extensions_mut().remove::<ErrorPage>();
    if found.is_none() && person {
        found = response
            .extensions_mut()
            .remove::<Problem>()
            .as_ref()
            .map(ErrorPage::from);
    }
    if let Some(page) = found {
        let shell = Shell {
            trace,
            ..Shell::of(&plane.issuer)
        };
        page.write(&mut response, shell, plane.issuer.is_https());
    }
    response
}

/// Whether the one who asks wants HTML and says so, as browsers do when they navigate.
fn accepts_page(headers: &HeaderMap) -> bool {
    let accept = headers
        .get(ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    accept.split(',').any(|range| {
        range
            .split(';')
            .next()
            .is_some_and(|kind| kind.trim() == "text/html")
    })
}
