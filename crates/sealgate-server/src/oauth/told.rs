//! Whether what tokens tell is still so once they are on record.
//!
//! A user and a client are read, tokens that tell of them are signed, and only then put on record. Whoever changes
//! the one or the other says that what was told until then is not to be believed any more. If the change was
//! written before the record, this finds it; if after, the change is newer than the tokens. So no token that tells
//! of what was is ever newer than the change.

use sealgate_oauth::OAuthError;
use sealgate_store::{Client, UserRow};

use super::refusal::unanswered;
use crate::{ControlPlane, own_clients};

/// The user and the client as they are now, if they are not as they were read.
pub(super) async fn changed(
    plane: &ControlPlane,
    user: &UserRow,
    client: &Client,
) -> Result<Option<(UserRow, Client)>, OAuthError> {
    let now = plane.store.user(user.id).await.map_err(unanswered)?;
    // Without the one or the other there is nothing to tell; what it began is revoked.
    let now = now.ok_or(OAuthError::StoreUnavailable)?;
    let same = now.roles == user.roles && now.name == user.name && now.tenant == user.tenant;
    match client_changed(plane, client).await? {
        None if same => Ok(None),
        None => Ok(Some((now, client.clone()))),
        Some(client) => Ok(Some((now, client))),
    }
}

/// The same of a client alone.
pub(super) async fn client_changed(
    plane: &ControlPlane,
    client: &Client,
) -> Result<Option<Client>, OAuthError> {
    let now = own_clients::client(plane, &client.id)
        .await
        .map_err(unanswered)?;
    let now = now
        .filter(|now| now.is_usable(plane.clock.now()))
        .ok_or(OAuthError::StoreUnavailable)?;
    // Who has shown a secret that is not good any more gets nothing by it.
    let same = now.scopes == client.scopes
        && now.details == client.details
        && now.secret_hash == client.secret_hash;
    Ok((!same).then_some(now))
}
