//! The memory of clients that no administrator registered. They are clients like others; what is here is how
//! they come, change and go without anybody's hand.

mod ends;
mod tokens;

use async_trait::async_trait;
use rusqlite::{Connection, params};
use sealgate_model::{ClientId, RegistrationTokenId, Timestamp};

use super::bulk::{self, Batch};
use super::writer::Tx;
use super::{SqliteStore, clients, consents, pushed, sql};
use crate::{
    Audit, Client, ClientOrigin, OwnClientAdded, OwnClientBounds, RegistrationStore,
    RegistrationToken, RevokeReason, StoreError, Unused,
};

#[async_trait]
impl RegistrationStore for SqliteStore {
    async fn client_was_removed(&self, id: &ClientId) -> Result<bool, StoreError> {
        let id = id.clone();
        self.readers.look_up(move |db| was_removed(db, &id)).await
    }

    async fn own_client_create(
        &self,
        client: Client,
        bounds: OwnClientBounds,
        token: Option<RegistrationTokenId>,
        audit: Audit,
    ) -> Result<OwnClientAdded, StoreError> {
        let act = move |tx: &Tx<'_>| create(tx, &client, bounds, token, &audit);
        self.home.writer.write(act).await
    }

    async fn own_client_update(
        &self,
        before: Client,
        client: Client,
        audit: Audit,
    ) -> Result<bool, StoreError> {
        self.whole(|home| async move {
            let all = bulk::everything_on(&client.id, None, audit.at);
            let ending = ending(&audit);
            let act = move |tx: &Tx<'_>| update(tx, &before, &client, &audit);
            let Some(first) = home.writer.write_ending(act).await? else {
                return Ok(false);
            };
            let reason = RevokeReason::ClientRevoked;
            home.revoke_rest(first, all, reason, ending).await?;
            Ok(true)
        })
        .await
    }

    async fn own_clients_forget(
        &self,
        unused: Unused,
        audit: Audit,
    ) -> Result<(u64, bool), StoreError> {
        let act = move |tx: &Tx<'_>| ends::forget(tx, unused, &audit);
        self.home.writer.write_ending(act).await
    }

    async fn registration_token_create(
        &self,
        token: RegistrationToken,
        audit: Audit,
    ) -> Result<(), StoreError> {
        let act = move |tx: &Tx<'_>| tokens::create(tx, &token, &audit);
        self.home.writer.write(act).await
    }

    async fn registration_token(
        &self,
        id: RegistrationTokenId,
    ) -> Result<Option<RegistrationToken>, StoreError> {
        self.readers.look_up(move |db| tokens::by_id(db, id)).await
    }

    async fn registration_tokens(&self) -> Result<Vec<RegistrationToken>, StoreError> {
        self.readers.read(tokens::list).await
    }

    async fn registration_token_remove(
        &self,
        id: RegistrationTokenId,
        audit: Audit,
    ) -> Result<bool, StoreError> {
        let act = move |tx: &Tx<'_>| tokens::remove(tx, id, &audit);
        self.home.writer.write_ending(act).await
    }
}

fn was_removed(connection: &Connection, id: &ClientId) -> Result<bool, StoreError> {
    let found = sql::one(
        connection,
        "SELECT 1 FROM clients WHERE id = ?1 AND removed_at IS NOT NULL",
        params![id.as_str()],
        |_row| Ok(()),
    )?;
    Ok(found.is_some())
}

fn create(
    tx: &Tx<'_>,
    client: &Client,
    bounds: OwnClientBounds,
    token: Option<RegistrationTokenId>,
    audit: &Audit,
) -> Result<OwnClientAdded, StoreError> {
    let origin = client.details.origin;
    if !origin.is_its_own() {
        return Err(StoreError::Invalid(
            "an administrator registers this client",
        ));
    }
    if was_removed(tx, &client.id)? {
        return Ok(OwnClientAdded::Removed);
    }
    let token = match token {
        None => None,
        Some(id) => match tokens::by_id(tx, id)? {
            Some(token) if token.expires_at > audit.at => Some(token),
            _ => return Ok(OwnClientAdded::TokenSpent),
        },
    };
    if let (Some(since), Some(digest)) = (bounds.same_since, &client.details.own_words.digest)
        && let Some(same) = same(tx, origin, digest, since)?
    {
        return Ok(OwnClientAdded::Same(Box::new(same)));
    }
    if count(tx, origin)? >= bounds.most {
        return Ok(OwnClientAdded::Full);
    }
    if let Some(token) = token
        && !tokens::spend(tx, token.id)?
    {
        return Ok(OwnClientAdded::TokenSpent);
    }
    tx.clients_change();
    clients::create(tx, client, audit)?;
    Ok(OwnClientAdded::Added)
}

/// The public client that says the same of itself: one that an administrator disabled, however long ago, or the
/// newest made since then.
fn same(
    connection: &Connection,
    origin: ClientOrigin,
    digest: &str,
    since: Timestamp,
) -> Result<Option<Client>, StoreError> {
    let id = sql::one(
        connection,
        "SELECT id FROM clients INDEXED BY clients_of_their_own
         WHERE origin = ?1 AND digest = ?2 AND origin IN ('document', 'dynamic')
           AND kind = 'public' AND removed_at IS NULL
           AND (created_at >= ?3 OR disabled_at IS NOT NULL)
         ORDER BY disabled_at IS NULL, created_at DESC LIMIT 1",
        params![origin.as_str(), digest, since.as_millis()],
        |row| sql::client_id(row, "id"),
    )?;
    id.map_or(Ok(None), |id| clients::by_id(connection, &id))
}

/// How many there are of an origin, as far as anybody minds. Those that were removed are few.
fn count(connection: &Connection, origin: ClientOrigin) -> Result<u64, StoreError> {
    let count = sql::one(
        connection,
        "SELECT count(*) AS clients FROM clients INDEXED BY clients_of_their_own
         WHERE origin = ?1 AND origin IN ('document', 'dynamic')",
        params![origin.as_str()],
        |row| Ok(row.get::<_, u32>("clients")?),
    )?;
    Ok(count.unwrap_or(0).into())
}

/// The record of the sessions that a change of a client ends, beside that of the change.
fn ending(audit: &Audit) -> Audit {
    Audit {
        action: "session.revoke",
        ..audit.clone()
    }
}

/// None if there is no such client; otherwise what of its sessions was ended at once.
fn update(
    tx: &Tx<'_>,
    before: &Client,
    client: &Client,
    audit: &Audit,
) -> Result<Option<Batch>, StoreError> {
    if !client.details.origin.is_its_own() {
        return Err(StoreError::Invalid(
            "an administrator registers this client",
        ));
    }
    if !clients::update(tx, before, client, audit)? {
        return Ok(None);
    }
    let moved = before.redirect_uris != client.redirect_uris;
    if moved || clients::proves_otherwise(before, client) || before.kind != client.kind {
        // Whoever has a domain today need not be whom users meant when they agreed.
        consents::forget_client(tx, &client.id)?;
        pushed::forget_client(tx, &client.id)?;
    }
    if !loses(before, client) {
        return Ok(Some(Batch::default()));
    }
    let all = bulk::everything_on(&client.id, None, audit.at);
    let reason = RevokeReason::ClientRevoked;
    bulk::begin(tx, &all, reason, &ending(audit)).map(Some)
}

/// Whether a client says that something is not its own any more by which it got what it has.
fn loses(before: &Client, after: &Client) -> bool {
    fn lost<T: PartialEq>(before: &[T], after: &[T]) -> bool {
        before.iter().any(|one| !after.contains(one))
    }
    lost(&before.redirect_uris, &after.redirect_uris)
        || lost(&before.details.grants, &after.details.grants)
        || before.kind != after.kind
        || clients::proves_otherwise(before, after)
}
