//! When service accounts used what they may: with the record that is written anyway, at most once an hour.

use sealgate_model::Timestamp;
use sealgate_store::{Audit, Client, StoreError, UseKind, Used};

use crate::ControlPlane;

/// Puts a token of a client's own on record, and what a service account has used with it.
pub(crate) async fn record(
    plane: &ControlPlane,
    client: &Client,
    scopes: &[String],
    resources: &[String],
    audit: Audit,
) -> Result<(), StoreError> {
    let Some(used) = due(plane, client, got(scopes, resources)) else {
        return plane.store.record(audit).await;
    };
    let written = plane.store.record_use(audit, used).await;
    if written.is_err() {
        plane.uses.forget(&client.id);
    }
    written
}

/// Notes what a service account has used with a token that is on record already.
pub(crate) async fn note(
    plane: &ControlPlane,
    client: &Client,
    scopes: &[String],
    resources: &[String],
    at: Timestamp,
) {
    if let Some(used) = due(plane, client, got(scopes, resources)) {
        write(plane, client, used, at).await;
    }
}

/// Notes that a service account has proved who it is.
pub(crate) async fn note_seen(plane: &ControlPlane, client: &Client, at: Timestamp) {
    if let Some(used) = due(plane, client, std::iter::once((UseKind::Client, ""))) {
        write(plane, client, used, at).await;
    }
}

/// Nobody is refused for what could not be noted: the next use is.
async fn write(plane: &ControlPlane, client: &Client, used: Used, at: Timestamp) {
    if let Err(error) = plane.store.note_use(used, at).await {
        plane.uses.forget(&client.id);
        tracing::debug!(reason = error.code(), %error, "a use was not noted");
    }
}

/// What a token is a use of.
fn got<'a>(
    scopes: &'a [String],
    resources: &'a [String],
) -> impl Iterator<Item = (UseKind, &'a str)> {
    let named = |kind| move |name: &'a String| (kind, name.as_str());
    std::iter::once((UseKind::Token, ""))
        .chain(scopes.iter().map(named(UseKind::Scope)))
        .chain(resources.iter().map(named(UseKind::Resource)))
}

/// What of that is to be written now; nothing of a client that is no service account.
fn due<'a>(
    plane: &ControlPlane,
    client: &Client,
    what: impl Iterator<Item = (UseKind, &'a str)>,
) -> Option<Used> {
    client.details.machine.as_ref()?;
    let what = plane.uses.due(&client.id, what, plane.clock.uptime());
    (!what.is_empty()).then(|| Used {
        client: client.id.clone(),
        what,
    })
}
