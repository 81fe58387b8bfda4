//! The policies of gates: versions of the bundle, and handing it out.
//!
//! A version is applied in one transaction with the entry of the revocation log by which every gate hears, at once
//! and provably, that what it has loaded counts no more. Gates then fetch the bundle ([`bundle`]). The protocol is
//! `docs/spec/policy-bundle.md`.

mod bundle;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use http::StatusCode;
use sealgate_policy::{BundleError, Document, digest_of};
use sealgate_store::{Audit, NewPolicy, PolicyApplied, PolicyVersion, StoredPolicy};

use crate::ControlPlane;
use crate::problem::Problem;

/// Where the bundle is handed out, below the issuer.
pub(crate) const PATH: &str = "/policy/bundle";

pub(crate) fn routes() -> Router<Arc<ControlPlane>> {
    Router::new().route(PATH, get(bundle::bundle))
}

/// What the store is to apply, of a document that gates can decide by. `before` is the version that the caller took
/// for the last one.
///
/// # Errors
/// `policy_unsound` (422) and its like where gates could not decide by it, `policy_oversize` where it does not fit
/// into a bundle.
pub(crate) fn prepare(
    document: &Document,
    before: Option<u64>,
    note: Option<String>,
) -> Result<NewPolicy, Problem> {
    document
        .check()
        .map_err(|error| Problem::unprocessable(error.code(), error.to_string()))?;
    let document = document.to_json().map_err(|error| too_large(&error))?;
    Ok(NewPolicy {
        digest: digest_of(&document),
        document,
        before,
        note,
        repeats: None,
    })
}

/// Makes a document the one that gates decide by.
///
/// # Errors
/// Those of [`prepare`]; `policy_outdated` (409) where another version has come in between.
pub(crate) async fn apply(
    plane: &ControlPlane,
    new: NewPolicy,
    act: Audit,
) -> Result<(PolicyVersion, bool), Problem> {
    match plane.store.policy_apply(new, act).await? {
        PolicyApplied::Applied(version) => Ok((version, true)),
        PolicyApplied::Unchanged(version) => Ok((version, false)),
        PolicyApplied::Outdated(number) => Err(outdated(number)),
    }
}

/// Makes what version `version` says the newest version: its number is a new one, as nobody decides by an old one
/// again.
///
/// # Errors
/// `policy_unknown` (404) where there is no such version any more; those of [`apply`].
pub(crate) async fn roll_back(
    plane: &ControlPlane,
    version: u64,
    before: Option<u64>,
    note: Option<String>,
    act: Audit,
) -> Result<(PolicyVersion, bool), Problem> {
    let stored = find(plane, version).await?;
    // What was applied by an earlier build may be what today's gates cannot decide by.
    let document = Document::from_json(stored.document.as_bytes())
        .map_err(|error| Problem::unprocessable("policy_unsound", error.to_string()))?;
    document
        .check()
        .map_err(|error| Problem::unprocessable(error.code(), error.to_string()))?;
    let again = NewPolicy {
        document: stored.document,
        digest: stored.version.digest,
        before,
        note,
        repeats: Some(version),
    };
    apply(plane, again, act).await
}

/// A version that is kept.
///
/// # Errors
/// `policy_unknown` (404) where there is none.
pub(crate) async fn find(plane: &ControlPlane, version: u64) -> Result<StoredPolicy, Problem> {
    let stored = plane.store.policy(version).await?;
    stored.ok_or_else(|| {
        Problem::new(
            StatusCode::NOT_FOUND,
            "policy_unknown",
            format!("there is no version {version} of the policies, or it is not kept any more"),
        )
    })
}

/// Another version has come in between.
pub(crate) fn outdated(number: u64) -> Problem {
    let detail = match number {
        0 => "no policies were applied yet".to_owned(),
        number => format!("version {number} of the policies is the last one"),
    };
    Problem::new(StatusCode::CONFLICT, "policy_outdated", detail)
}

fn too_large(error: &BundleError) -> Problem {
    Problem::unprocessable("policy_oversize", error.to_string())
}
