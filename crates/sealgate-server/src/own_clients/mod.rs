//! Clients that no administrator registered: those whose id is the address of a document in which they say who
//! they are, and those that register themselves.
//!
//! They are rows among the clients, so that consent, sessions and their end work as for any other. What they
//! may ask for is in no row: it is what is open to agents at the moment when they ask.

mod documents;
mod house;
mod rows;
mod throttle;

#[cfg(test)]
mod tests;

use sealgate_model::ClientId;
use sealgate_oauth::{DocumentId, OAuthError, Params, Resources, Scopes, scopes_of_own_clients};
use sealgate_store::{Client, ClientOrigin, Resource, StoreError};

pub use documents::OwnClients;
pub(crate) use documents::ensure;
pub(crate) use house::keep_house;
pub(crate) use rows::{DynamicClient, check_keys};

use crate::agent_policy::Documents;
use crate::oauth::refusal::unanswered;
use crate::{ControlPlane, admin_scopes, signals};

/// The most clients of one origin.
pub(crate) const MOST: u64 = 10_000;

/// The client with this id, if it may be spoken with at all. Of one that no administrator registered,
/// `scopes` and `resources` are what it may ask for at this moment, and not what its row says.
pub(crate) async fn client(
    plane: &ControlPlane,
    id: &ClientId,
) -> Result<Option<Client>, StoreError> {
    let Some(mut client) = plane.store.client(id).await? else {
        return Ok(None);
    };
    if !client.details.origin.is_its_own() {
        return Ok(Some(client));
    }
    if client.details.origin == ClientOrigin::Document && document_id(plane, id).is_err() {
        // It was let in under other settings than those of today.
        return Ok(None);
    }
    let open = open(plane).await?;
    let scopes = open.iter().flat_map(|resource| &resource.scopes);
    client.scopes = scopes_of_own_clients(scopes.map(|scope| scope.name.as_str()));
    client.scopes.retain(|scope| !admin_scopes::is_one(scope));
    client.details.resources = open.into_iter().map(|resource| resource.uri).collect();
    Ok(Some(client))
}

/// What is open to clients that no administrator registered. Never what is the control plane's own.
async fn open(plane: &ControlPlane) -> Result<Vec<Resource>, StoreError> {
    let own = [
        plane.issuer.as_str().to_owned(),
        admin_scopes::resource(&plane.issuer),
        signals::resource(&plane.issuer),
    ];
    let mut open = plane.store.resources().await?;
    open.retain(|resource| resource.agents && !own.contains(&resource.uri));
    Ok(open)
}

/// Whether such a client names something that is open to it, and nothing that is not (RFC 8707). This comes
/// before anything is fetched or written for it: where nothing is open, nobody can make this server do so.
pub(crate) async fn names_what_is_open(
    plane: &ControlPlane,
    params: &Params,
) -> Result<(), OAuthError> {
    let named = Resources::from_params(params)?;
    if named.is_empty() {
        return Err(OAuthError::ResourceRequired);
    }
    let open = open(plane).await.map_err(unanswered)?;
    let open: Vec<String> = open.into_iter().map(|resource| resource.uri).collect();
    named
        .registered(&open)
        .map(|_| ())
        .map_err(|_| OAuthError::ResourceClosed)
}

/// Whether a request of `client` for `scopes` at `resources` keeps to what such clients may combine: it names
/// a resource, and the scopes are those of the resources that it names. A scope of another resource would be
/// agreed to under the wrong name.
pub(crate) async fn check(
    plane: &ControlPlane,
    client: &Client,
    scopes: &Scopes,
    resources: &Resources,
) -> Result<(), OAuthError> {
    if !client.details.origin.is_its_own() {
        return Ok(());
    }
    if resources.is_empty() {
        return Err(OAuthError::ResourceRequired);
    }
    let open = open(plane).await.map_err(unanswered)?;
    let described = open
        .iter()
        .filter(|resource| resources.as_slice().contains(&resource.uri))
        .flat_map(|resource| &resource.scopes);
    let allowed = scopes_of_own_clients(described.map(|scope| scope.name.as_str()));
    if scopes.within(&allowed) {
        Ok(())
    } else {
        Err(OAuthError::ScopeNotAllowed)
    }
}

/// The id as the address of a document, if documents there are read.
pub(crate) fn document_id(plane: &ControlPlane, id: &ClientId) -> Result<DocumentId, OAuthError> {
    let agents = &plane.policy.agents;
    if agents.documents == Documents::Off {
        return Err(OAuthError::ClientUnknown);
    }
    let loopback = crate::names_loopback(&plane.issuer);
    let id = DocumentId::of(id, loopback)
        .map_err(|error| OAuthError::ClientDocumentInvalid(error.what()))?;
    // This machine's own is for development, where no domain is listed.
    let listed = agents.documents == Documents::Any
        || id.is_under(&agents.domains)
        || (id.is_loopback() && agents.domains.is_empty());
    if listed {
        Ok(id)
    } else {
        Err(OAuthError::ClientUnknown)
    }
}
