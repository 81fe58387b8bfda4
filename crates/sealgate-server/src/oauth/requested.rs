//! What a client asks for at the authorization endpoint: in the request itself or pushed before
//! (RFC 9126), always checked against the client's registration as it is now.

use sealgate_model::{ClientId, Timestamp, UserId};
use sealgate_oauth::{
    AuthorizationRejection, AuthorizationRequest, Limits, OAuthError, Params, PushedHandle,
    Registration, Resources, Scopes, Thumbprint, pushed_request,
};
use sealgate_store::{Audit, Client};
use serde::Deserialize;

use super::refusal::{faulty, unanswered};
use super::tokens::ID_TYPE;
use crate::caller::Caller;
use crate::{ControlPlane, admin_scopes, own_clients};

/// What the client may ask for.
pub(crate) fn registration(client: &Client) -> Registration<'_> {
    Registration {
        redirect_uris: &client.redirect_uris,
        scopes: &client.scopes,
        resources: &client.details.resources,
        grants: &client.details.grants,
        require_pushed: client.details.require_pushed,
        any_localhost_port: client.details.origin.is_its_own(),
    }
}

/// The request that `raw` makes or refers to, and its client. `audit` learns who that is.
pub(super) async fn read(
    plane: &ControlPlane,
    caller: &Caller,
    raw: &[u8],
    audit: &mut Audit,
) -> Result<(Client, AuthorizationRequest), AuthorizationRejection> {
    use AuthorizationRejection::Page;
    let mut params = Params::parse_noting_repeats(raw, Limits::STANDARD).map_err(Page)?;
    if let Some((id, handle)) = pushed_request(&params).map_err(Page)? {
        let client = known(plane, &id, audit).await.map_err(Page)?;
        let request = take_pushed(plane, &client, &handle, audit.at).await;
        return request.map(|request| (client, request)).map_err(Page);
    }
    let id = AuthorizationRequest::client_id(&params).map_err(Page)?;
    own_clients::ensure(plane, caller, &id, &params)
        .await
        .map_err(Page)?;
    let client = known(plane, &id, audit).await.map_err(Page)?;
    supply_scope(plane, &client, &mut params)
        .await
        .map_err(Page)?;
    let mut request = AuthorizationRequest::parse(&params, &registration(&client))?;
    let heeded = heed_hint(plane, &mut request);
    let AuthorizationRequest {
        scopes, resources, ..
    } = &request;
    let checked = match heeded {
        Ok(()) => own_clients::check(plane, &client, scopes, resources).await,
        Err(error) => Err(error),
    };
    match checked {
        Ok(()) => Ok((client, request)),
        Err(error) => Err(back_to_client(&request, error)),
    }
}

/// The answer `error` to a request whose redirect URI has been checked.
pub(super) fn back_to_client(
    request: &AuthorizationRequest,
    error: OAuthError,
) -> AuthorizationRejection {
    AuthorizationRejection::Redirect {
        redirect_uri: request.redirect_uri.clone(),
        response_mode: request.response_mode,
        state: request.state.clone(),
        error,
    }
}

/// The client with this id, if it may ask for anything.
async fn known(
    plane: &ControlPlane,
    id: &ClientId,
    audit: &mut Audit,
) -> Result<Client, OAuthError> {
    let client = own_clients::client(plane, id).await.map_err(unanswered)?;
    let client = client
        .filter(|client| client.disabled_at.is_none())
        .ok_or(OAuthError::ClientUnknown)?;
    audit.client = Some(client.id.clone());
    Ok(client)
}

/// A pushed request, taken out so that nobody else meets it. It was found good when it was pushed; what
/// is wrong with it now is told to the person at the browser.
async fn take_pushed(
    plane: &ControlPlane,
    client: &Client,
    handle: &PushedHandle,
    now: Timestamp,
) -> Result<AuthorizationRequest, OAuthError> {
    let found = plane.store.pushed(handle.id).await.map_err(unanswered)?;
    let found = found
        .filter(|pushed| pushed.secret_hash == handle.secret_hash())
        .ok_or(OAuthError::RequestUriUnknown)?;
    if found.client != client.id {
        return Err(OAuthError::RequestUriClientMismatch);
    }
    if found.expires_at <= now {
        return Err(OAuthError::RequestUriExpired);
    }
    let taken = plane.store.pushed_take(handle.id, &client.id, now).await;
    let taken = taken
        .map_err(unanswered)?
        .ok_or(OAuthError::RequestUriUsed)?;
    let key = taken.details.dpop_jkt.as_deref().map(Thumbprint::parse);
    let key = key.transpose().map_err(faulty)?;
    pushed(plane, client, Params::kept(taken.parameters), key).await
}

/// Checks a request that `client` pushes, or has pushed, with a proof by `key` if there was one.
pub(super) async fn pushed(
    plane: &ControlPlane,
    client: &Client,
    mut params: Params,
    key: Option<Thumbprint>,
) -> Result<AuthorizationRequest, OAuthError> {
    supply_scope(plane, client, &mut params).await?;
    let registration = registration(client);
    let mut request = AuthorizationRequest::parse_pushed(&params, &client.id, &registration)?;
    heed_hint(plane, &mut request)?;
    own_clients::check(plane, client, &request.scopes, &request.resources).await?;
    if let Some(key) = key {
        request.bind_to(key)?;
    }
    Ok(request)
}

/// Lets a request that names no scope ask for the client's own (RFC 6749, 3.3), of the resources it
/// names if those have any. Administration is not among them: that is asked for by name.
pub(super) async fn supply_scope(
    plane: &ControlPlane,
    client: &Client,
    params: &mut Params,
) -> Result<(), OAuthError> {
    if params.get("scope").is_some() {
        return Ok(());
    }
    let registered: Vec<String> = client
        .scopes
        .iter()
        .filter(|scope| !admin_scopes::is_one(scope))
        .cloned()
        .collect();
    // What is wrong with the resources is told when the request is read.
    let named = Resources::from_params(params)
        .and_then(|named| named.registered(&client.details.resources))
        .unwrap_or_default();
    let mut of_resources = Vec::new();
    for uri in named.as_slice() {
        let resource = plane.store.resource(uri).await.map_err(unanswered)?;
        let scopes = resource.into_iter().flat_map(|resource| resource.scopes);
        of_resources.extend(scopes.map(|scope| scope.name));
    }
    let unasked = if client.details.origin.is_its_own() {
        // What it may ask for is no registration of its own, of which anything could be the rest.
        Scopes::from_tokens(of_resources.iter().map(String::as_str)).ok()
    } else {
        Scopes::unasked(&registered, &of_resources)
    };
    if let Some(scopes) = unasked {
        params.supply("scope", scopes.to_string());
    }
    Ok(())
}

/// What counts of an ID token that is shown to tell which user is meant. It may have expired.
#[derive(Deserialize)]
struct Hint {
    iss: String,
    sub: UserId,
    aud: ClientId,
}

/// Takes the user whom `id_token_hint` names as the only one to answer for (OpenID Connect Core,
/// 3.1.2.1), if this control plane signed it for this client.
fn heed_hint(plane: &ControlPlane, request: &mut AuthorizationRequest) -> Result<(), OAuthError> {
    let Some(token) = request.id_token_hint.take() else {
        return Ok(());
    };
    let verified = plane.keys.verifying().verify(&token, &[ID_TYPE]);
    let hint: Hint = verified
        .and_then(|verified| verified.claims())
        .map_err(|_| OAuthError::IdTokenHintInvalid)?;
    if hint.iss != plane.issuer.as_str() || hint.aud != request.client_id {
        return Err(OAuthError::IdTokenHintInvalid);
    }
    request.expect_user(hint.sub)
}
