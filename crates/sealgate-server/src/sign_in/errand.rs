//! What a browser is here for while its user signs in and answers: sealed, in the URLs and forms of our
//! own pages.
//!
//! Nothing is stored for it, so that strangers fill no table, and several tabs do not disturb each
//! other. The seal keeps the browser from changing what was checked.

use std::time::Duration;

use sealgate_model::{Secret, Timestamp};
use sealgate_oauth::{AuthorizationRequest, OAuthError, with_parameters};
use sealgate_session::{Context, SealError};
use serde::{Deserialize, Serialize};

use crate::ControlPlane;
use crate::oauth::refusal::faulty;
use crate::problem::Problem;

/// How long a user may take on our pages.
const PENDING: Duration = Duration::from_secs(30 * 60);

/// How long a sealed errand may be, in bytes. It travels in a URL and a form, not in a cookie: the
/// longest `state`, `nonce` and redirect URI fit, and the URL stays short of the 8 KiB that proxies
/// take of a request line.
const SEALED: usize = 7_168;

/// What a user signs in for, if not for their own account.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Errand {
    /// A client's request, checked.
    Authorization(Box<AuthorizationRequest>),
    /// A device that is to be connected, by its code if that is known already.
    Device { user_code: Option<String> },
}

/// An errand and when it began.
#[derive(Serialize, Deserialize)]
pub(crate) struct Pending {
    pub(crate) errand: Errand,
    pub(crate) created_at: Timestamp,
}

/// Seals an errand that begins at `now`.
pub(crate) fn seal(
    plane: &ControlPlane,
    errand: Errand,
    now: Timestamp,
) -> Result<String, OAuthError> {
    let pending = Pending {
        errand,
        created_at: now,
    };
    let plain = serde_json::to_vec(&pending).map_err(faulty)?;
    let random = plane.random.as_ref();
    let sealed = plane
        .master
        .seal_up_to(SEALED, &context(plane), random, &plain);
    sealed.map_err(|error| match error {
        SealError::TooLong { .. } => OAuthError::ParametersTooLong,
        error => faulty(error),
    })
}

/// Opens a sealed errand that is not too old.
pub(crate) fn open(plane: &ControlPlane, sealed: &str, now: Timestamp) -> Result<Pending, Problem> {
    let unreadable = || {
        Problem::bad_request(
            "request_unreadable",
            "this sign-in request does not come from here or was cut short",
        )
    };
    let opened = plane
        .master
        .open_up_to(SEALED, &context(plane), sealed)
        .map_err(|_| unreadable())?;
    let pending: Pending = serde_json::from_slice(&opened.plain).map_err(|_| unreadable())?;
    if now.since(pending.created_at) > PENDING {
        return Err(Problem::bad_request(
            "request_expired",
            "this sign-in request is too old; start again",
        ));
    }
    Ok(pending)
}

/// The URL of one of our pages that goes on with a sealed errand.
pub(crate) fn page(plane: &ControlPlane, path: &str, sealed: &str) -> Secret {
    Secret::new(with_parameters(
        &plane.issuer.url(path),
        &[("request", sealed)],
    ))
}

fn context(plane: &ControlPlane) -> Context<'_> {
    Context {
        purpose: "errand",
        cookie: "",
        client: "",
        issuer: plane.issuer.as_str(),
    }
}
