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
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::header::ACCEPT;
use http::{HeaderMap, StatusCode};
use sealgate_model::Secret;

use crate::ControlPlane;
use crate::problem::{Problem, TraceId};

pub(crate) use error::ErrorPage;
pub(crate) use headers::FormTargets;
pub(crate) use problems::Problems;
pub(crate) use shell::Shell;
pub(crate) use views::{
    AccountPage, AgentView, AskerView, ConnectionView, ConsentPage, ConsentView, DeviceDonePage,
    DevicePage, DeviceQuestionPage, GrantsView, InvitationPage, LinkView, PlaceView, ResourceView,
    ScopeView, SessionView, SignInPage, ToolView, ToolsView,
};
pub(crate) use when::{Moment, span};

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

/// A page that has the browser post an authorization answer to a client at `action`.
pub(crate) fn form_post(
    plane: &ControlPlane,
    action: &str,
    fields: &[(&'static str, Secret)],
) -> Response {
    let plain = |(name, value): &(&'static str, Secret)| (*name, value.expose().to_owned());
    let view = views::FormPostPage {
        shell: Shell::of(&plane.issuer),
        action: action.to_owned(),
        host: host_of(action),
        fields: fields.iter().map(plain).collect(),
    };
    let targets = FormTargets::and([action]).beyond_redirects();
    let mut response = page(plane, StatusCode::OK, &view, &targets);
    headers::set_posting(response.headers_mut());
    response
}

/// The host of a URL, as people know it; the scheme where an application has that to itself, whatever stands
/// behind it: `cursor://claude.ai/cb` leads to no host.
pub(crate) fn host_of(url: &str) -> String {
    let Ok(parsed) = url::Url::parse(url) else {
        return url.to_owned();
    };
    let host = parsed.host_str().filter(|_| is_of_the_web(&parsed));
    host.unwrap_or(parsed.scheme()).to_owned()
}

/// Whether a URL leads to a program on the user's own computer, which nobody can tell from another one
/// there: to whatever has taken a scheme for itself, or to what browsers find on the loopback (RFC 6761, 6.3).
pub(crate) fn is_this_computer(url: &str) -> bool {
    let here = |name: &str| {
        let name = name.trim_end_matches('.');
        name == "localhost" || name.ends_with(".localhost")
    };
    url::Url::parse(url).is_ok_and(|url| match url.host() {
        _ if !is_of_the_web(&url) => true,
        Some(url::Host::Ipv4(address)) => address.is_loopback() || address.is_unspecified(),
        Some(url::Host::Ipv6(address)) => {
            let inner = address.to_ipv4_mapped();
            address.is_loopback()
                || address.is_unspecified()
                || inner.is_some_and(|inner| inner.is_loopback() || inner.is_unspecified())
        }
        Some(url::Host::Domain(name)) => here(name),
        None => true,
    })
}

fn is_of_the_web(url: &url::Url) -> bool {
    matches!(url.scheme(), "https" | "http")
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

/// Completes error pages, and shows people at a browser a page where an endpoint would
/// answer a program with JSON.
pub(crate) async fn dress<A>(
    plane: &ControlPlane,
    request: Request,
    answering: impl FnOnce(Request) -> A,
) -> Response
where
    A: Future<Output = Response>,
{
    let trace = request.extensions().get::<TraceId>().cloned();
    let person = accepts_page(request.headers());
    let mut response = answering(request).await;
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
            trace: trace.map(String::from),
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
