//! The page that says what went wrong, in plain words, and what to do now.

use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_LENGTH, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use sealgate_store::StoreError;

use super::headers::FormTargets;
use super::shell::Shell;
use super::views::ErrorView;
use super::{headers, host_of, render};
use crate::problem::Problem;
use crate::sign_in::passwords::Busy;

/// What an error page says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ErrorPage {
    status: StatusCode,
    title: String,
    explanation: String,
    next_step: &'static str,
    reason: &'static str,
    retry_after: Option<u32>,
    /// Boxed, because few have it.
    onward: Option<Box<(String, String)>>,
}

impl ErrorPage {
    /// A page with a title, an explanation in whole sentences without jargon or secrets, and a stable
    /// reason code.
    pub(crate) fn new(
        status: StatusCode,
        title: impl Into<String>,
        explanation: impl Into<String>,
        reason: &'static str,
    ) -> Self {
        let next_step = next_step(status);
        let (title, explanation) = (title.into(), explanation.into());
        Self {
            status,
            title,
            explanation,
            next_step,
            reason,
            retry_after: None,
            onward: None,
        }
    }

    /// Says what to do now, where the status alone does not tell.
    pub(crate) fn next_step(self, next_step: &'static str) -> Self {
        Self { next_step, ..self }
    }

    /// Offers the way on to `url`, by its host. Nobody is taken there without wanting to.
    pub(crate) fn onward(self, url: String) -> Self {
        let host = host_of(&url);
        Self {
            onward: Some(Box::new((url, host))),
            ..self
        }
    }

    /// Not now, but in `seconds`.
    pub(crate) fn unavailable(
        reason: &'static str,
        explanation: &'static str,
        seconds: u32,
    ) -> Self {
        let page = Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "Not just now",
            explanation,
            reason,
        );
        Self {
            retry_after: Some(seconds),
            ..page
        }
    }

    /// Too many attempts to sign in; there is room for another after `wait`.
    pub(crate) fn throttled(wait: Duration) -> Self {
        Self::too_often(
            wait,
            "There were too many attempts to sign in with this e-mail address, or from this network.",
            "sign_in_throttled",
        )
    }

    /// Too many attempts of another kind; there is room for another after `wait`.
    pub(crate) fn too_often(
        wait: Duration,
        explanation: &'static str,
        reason: &'static str,
    ) -> Self {
        let page = Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "Too many attempts",
            explanation,
            reason,
        );
        let seconds = u32::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u32::MAX);
        Self {
            retry_after: Some(seconds),
            ..page
        }
    }

    /// A form that was not posted from one of our own pages.
    pub(crate) fn cross_origin() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "This form came from somewhere else",
            "For your safety, forms are only accepted from this site's own pages, and your browser did not say that this one was.",
            "cross_origin",
        )
        .next_step("Go back, reload the page and send the form again. If you did not send it yourself, close this page.")
    }

    /// A form that is not what our pages send.
    pub(crate) fn malformed() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "This form cannot be read",
            "What arrived is not what this page sends.",
            "form_malformed",
        )
        .next_step("Go back, reload the page and fill in the form again.")
    }

    /// A form larger than any our pages send.
    pub(crate) fn too_large() -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "This form is too large",
            "What arrived is larger than anything this page sends.",
            "body_too_large",
        )
        .next_step("Go back, reload the page and fill in the form again.")
    }

    /// The page's HTML inside `shell`.
    pub(crate) fn html(&self, shell: Shell) -> String {
        render(&ErrorView {
            shell,
            title: self.title.clone(),
            explanation: self.explanation.clone(),
            next_step: self.next_step,
            reason: self.reason,
            onward: self.onward.as_deref().cloned(),
        })
    }

    /// Turns `response` into this page. Cookies it sets stay.
    pub(super) fn write(&self, response: &mut Response, shell: Shell, https: bool) {
        *response.status_mut() = self.status;
        headers::set(response.headers_mut(), &FormTargets::own(), https);
        response.headers_mut().remove(CONTENT_LENGTH);
        if let Some(seconds) = self.retry_after {
            response
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        *response.body_mut() = Body::from(self.html(shell));
    }
}

impl IntoResponse for ErrorPage {
    /// The page for an issuer at the root of its host; `pages::dress` puts in the rest on the way out.
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        self.write(&mut response, Shell::default(), false);
        response.extensions_mut().insert(self);
        response
    }
}

fn next_step(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "Check the address, or go back to where you came from.",
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
            "Wait a few seconds, go back and try again."
        }
        status if status.is_server_error() => {
            "Try again. If it happens again, tell your administrator the codes below."
        }
        _ => {
            "Go back to the application you came from and start again. If it happens again, tell your administrator the codes below."
        }
    }
}

impl From<StoreError> for ErrorPage {
    fn from(error: StoreError) -> Self {
        Self::from(&Problem::from(error))
    }
}

impl From<Busy> for ErrorPage {
    fn from(busy: Busy) -> Self {
        Self::unavailable(
            busy.code(),
            "Very many people are signing in at this moment.",
            2,
        )
    }
}

impl From<&Problem> for ErrorPage {
    fn from(problem: &Problem) -> Self {
        let title = match problem.status() {
            StatusCode::NOT_FOUND => "Page not found",
            StatusCode::FORBIDDEN => "This is not allowed",
            StatusCode::SERVICE_UNAVAILABLE => "Not just now",
            status if status.is_server_error() => "Something went wrong here",
            _ => "This request cannot be answered",
        };
        let page = Self::new(
            problem.status(),
            title,
            sentence(problem.detail()),
            problem.reason(),
        );
        let retry_after = (problem.status() == StatusCode::SERVICE_UNAVAILABLE).then_some(1);
        Self {
            retry_after,
            ..page
        }
    }
}

/// Problem details are written to stand after a colon; a page wants a sentence.
fn sentence(detail: &str) -> String {
    let mut letters = detail.chars();
    let first = letters
        .next()
        .map(|first| first.to_uppercase().to_string())
        .unwrap_or_default();
    let stop = if detail.ends_with(['.', '!', '?']) {
        ""
    } else {
        "."
    };
    format!("{first}{}{stop}", letters.as_str())
}
