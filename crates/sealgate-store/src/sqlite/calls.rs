//! What each call of the [`Store`] comes down to: one query on a reader or one act of the writer.

use std::time::Duration;

use async_trait::async_trait;
use sealgate_model::{
    ClientId, CodeId, DeviceId, InvitationId, LogoutDeliveryId, PushedId, RefreshId, SecretHash,
    SessionId, SignInId, TenantId, Timestamp, UserId,
};
use tokio::sync::watch;

use super::client_cache::Looked;
use super::writer::Tx;
use super::{
    SqliteStore, audit, bulk, clients, codes, consents, delegations, deliveries, devices, footing,
    histories, keys, pushed, refresh, resources, revocations, schema, sessions, sign_ins, sql,
    sweep, users,
};
use crate::{
    Accepted, Audit, AuditFilter, AuditRow, Client, Code, ConsentRow, Delegated, DeviceCode,
    DeviceDecision, Fallen, Footing, HistoryMark, Invitation, KeyRow, KeyState, LogoutDelivery,
    NewDelegation, Page, Polled, PushedRequest, Redeemed, RefreshState, RefreshToken, Resource,
    Restored, Revocation, RevokeReason, Rotated, SeenRevocations, Session, SessionFilter,
    SessionSelector, SignIn, Store, StoreError, Swept, TokenRevocation, UserChange, UserRow,
};

/// Writes the methods of [`Store`]: each looks up one row on the spot, sends one query to a reader or
/// one act to the writer, as an ordinary write or as one that ends something and has the reserve.
macro_rules! store {
    (
        lookups { $(fn $lookup:ident($($la:ident: $lt:ty),*) -> $lr:ty = $look:expr;)* }
        reads { $(fn $read:ident($($ra:ident: $rt:ty),*) -> $rr:ty = $query:expr;)* }
        writes { $(fn $write:ident($($wa:ident: $wt:ty),*) -> $wr:ty = $act:expr;)* }
        endings { $(fn $ending:ident($($ea:ident: $et:ty),*) -> $er:ty = $end:expr;)* }
        others { $($other:tt)* }
    ) => {
        #[async_trait]
        impl Store for SqliteStore {
            $(async fn $lookup(&self, $($la: $lt),*) -> Result<$lr, StoreError> {
                self.readers.look_up($look).await
            })*
            $(async fn $read(&self, $($ra: $rt),*) -> Result<$rr, StoreError> {
                self.readers.read($query).await
            })*
            $(async fn $write(&self, $($wa: $wt),*) -> Result<$wr, StoreError> {
                self.home.writer.write($act).await
            })*
            $(async fn $ending(&self, $($ea: $et),*) -> Result<$er, StoreError> {
                self.home.writer.write_ending($end).await
            })*
            $($other)*
        }
    };
}

store! {
    lookups {
        fn user_by_email(email: &str) -> Option<UserRow> = {
            let email = email.to_owned();
            move |db| users::by_email(db, &email)
        };
        fn user(id: UserId) -> Option<UserRow> = move |db| users::by_id(db, id);
        fn invitation(id: InvitationId) -> Option<Invitation> = move |db| users::invitation(db, id);
        fn resource(uri: &str) -> Option<Resource> = {
            let uri = uri.to_owned();
            move |db| resources::by_uri(db, &uri)
        };
        fn consent(user: UserId, client: &ClientId) -> Option<ConsentRow> = {
            let client = client.clone();
            move |db| consents::of(db, user, &client)
        };
        fn pushed(id: PushedId) -> Option<PushedRequest> = move |db| pushed::by_id(db, id);
        fn device(id: DeviceId) -> Option<DeviceCode> = move |db| devices::by_id(db, id);
        fn device_by_user_code(user_code: &str) -> Option<DeviceCode> = {
            let user_code = user_code.to_owned();
            move |db| devices::by_user_code(db, &user_code)
        };
        fn sign_in(id: SignInId) -> Option<SignIn> = move |db| sign_ins::by_id(db, id);
        fn code(id: CodeId) -> Option<Code> = move |db| codes::by_id(db, id);
        fn session(id: SessionId) -> Option<Session> = move |db| sessions::by_id(db, id);
        fn refresh_token(id: RefreshId) -> Option<RefreshToken> = move |db| refresh::by_id(db, id);
        fn refresh_state(id: RefreshId) -> Option<RefreshState> = move |db| refresh::state(db, id);
        fn token_revoked(jti: &str) -> bool = {
            let jti = jti.to_owned();
            move |db| revocations::has_token(db, &jti)
        };
        fn not_before(user: Option<UserId>, client: Option<&ClientId>, tenant: Option<&TenantId>) -> Option<Timestamp> = {
            let (client, tenant) = (client.cloned(), tenant.cloned());
            move |db| revocations::not_before(db, user, client.as_ref(), tenant.as_ref())
        };
        fn fallen(footing: Footing, now: Timestamp) -> Option<Fallen> = move |db| {
            let moment = db.unchecked_transaction()?;
            footing::fallen(&moment, &footing, now)
        };
        fn revocation_head() -> u64 = revocations::head;
        fn epoch() -> String = schema::epoch;
    }
    reads {
        fn users(page: Page) -> Vec<UserRow> = move |db| users::list(db, page);
        fn admin_exists() -> bool = users::admin_exists;
        fn clients() -> Vec<Client> = clients::list;
        fn resources() -> Vec<Resource> = resources::list;
        fn consents_of(user: UserId) -> Vec<ConsentRow> = move |db| consents::list(db, user);
        fn sessions(filter: SessionFilter, page: Page) -> Vec<Session> =
            move |db| sessions::list(db, &filter, page);
        fn deliveries_due(now: Timestamp, limit: u32, each: u32) -> Vec<LogoutDelivery> =
            move |db| deliveries::due(db, now, limit, each);
        fn keys() -> Vec<KeyRow> = keys::list;
        fn revocations_after(seq: u64, limit: u32) -> Vec<Revocation> =
            move |db| revocations::after(db, seq, limit);
        fn revocations_seen(client: &ClientId, now: Timestamp, span: Duration) -> SeenRevocations = {
            let client = client.clone();
            move |db| revocations::seen(db, &client, now, span)
        };
        fn revocations_live(now: Timestamp) -> (u64, Vec<Revocation>) =
            move |db| revocations::live(db, now);
        fn audit_after(number: i64, limit: u32) -> Vec<AuditRow> =
            move |db| audit::after(db, number, limit);
        fn audit_list(filter: AuditFilter, limit: u32) -> Vec<AuditRow> =
            move |db| audit::list(db, &filter, limit);
    }
    writes {
        fn user_create(user: UserRow, invitation: Option<Invitation>, audit: Audit) -> () =
            move |tx| users::create(tx, &user, invitation.as_ref(), &audit);
        fn user_enable(id: UserId, audit: Audit) -> bool = move |tx| users::enable(tx, id, &audit);
        fn invitation_create(invitation: Invitation, before: Option<UserRow>, audit: Audit) -> () =
            move |tx| users::create_invitation(tx, &invitation, before.as_ref(), &audit);
        fn invitation_accept(id: InvitationId, user: UserRow, sign_in: SignIn, audit: Audit) -> Accepted =
            move |tx| users::accept_invitation(tx, id, &user, &sign_in, &audit);
        fn client_create(client: Client, audit: Audit) -> () =
            move |tx| clients::create(tx, &client, &audit);
        fn resource_create(resource: Resource, audit: Audit) -> () =
            move |tx| resources::create(tx, &resource, &audit);
        fn resource_update(before: Resource, resource: Resource, audit: Audit) -> bool =
            move |tx| resources::update(tx, &before, &resource, &audit);
        fn consent_grant(consent: ConsentRow, audit: Audit) -> () =
            move |tx| consents::grant(tx, &consent, &audit);
        fn pushed_create(request: PushedRequest, audit: Audit) -> () =
            move |tx| pushed::create(tx, &request, &audit);
        fn pushed_take(id: PushedId, client: &ClientId, now: Timestamp) -> Option<PushedRequest> = {
            let client = client.clone();
            move |tx| pushed::take(tx, id, &client, now)
        };
        fn assertion_use(client: &ClientId, jti_hash: [u8; 32], expires_at: Timestamp, now: Timestamp) -> bool = {
            let client = client.clone();
            move |tx| pushed::use_assertion(tx, &client, &jti_hash, expires_at, now)
        };
        fn device_create(device: DeviceCode, audit: Audit) -> () =
            move |tx| devices::create(tx, &device, &audit);
        fn device_decide(id: DeviceId, decision: DeviceDecision, audit: Audit) -> bool =
            move |tx| devices::decide(tx, id, &decision, &audit);
        fn device_redeem(id: DeviceId, session: Session, refresh: Option<RefreshToken>, audit: Audit) -> Redeemed =
            move |tx| devices::redeem(tx, id, &session, refresh.as_ref(), &audit);
        fn sign_in_create(sign_in: SignIn, audit: Audit) -> () =
            move |tx| sign_ins::create(tx, &sign_in, &audit);
        fn sign_in_replace(before: SignInId, sign_in: SignIn, audit: Audit) -> () =
            move |tx| sign_ins::replace(tx, before, &sign_in, &audit);
        fn code_create(code: Code, audit: Audit) -> () = move |tx| codes::create(tx, &code, &audit);
        fn code_redeem(id: CodeId, session: Session, refresh: Option<RefreshToken>, audit: Audit, on_reuse: Audit) -> Redeemed =
            move |tx| codes::redeem(tx, id, &session, refresh.as_ref(), &audit, &on_reuse);
        fn refresh_rotate(id: RefreshId, successor: RefreshToken, answer: String, audit: Audit) -> Rotated =
            move |tx| refresh::rotate(tx, id, &successor, &answer, &audit);
        fn session_delegate(delegation: NewDelegation, audit: Audit) -> Delegated =
            move |tx| delegations::take(tx, &delegation, &audit);
        fn keys_change(new: Vec<KeyRow>, moves: Vec<(String, KeyState)>, audit: Audit) -> () =
            move |tx| keys::change(tx, &new, &moves, &audit);
        fn delivery_failed(id: LogoutDeliveryId, next_try_at: Timestamp) -> bool =
            move |tx| deliveries::failed(tx, id, next_try_at);
        fn record(audit: Audit) -> () = move |tx| audit::append(tx, &audit);
        fn try_write() -> () =
            |tx| sql::run(tx, "UPDATE meta SET epoch = epoch WHERE one = 1", ()).map(drop);
    }
    endings {
        fn user_disable(id: UserId, audit: Audit) -> bool = move |tx| users::disable(tx, id, &audit);
        fn user_sign_out(user: UserId, reason: RevokeReason, audit: Audit) -> () =
            move |tx| sign_ins::end_all(tx, user, reason, &audit);
        fn client_set_secret(id: &ClientId, scopes: Vec<String>, secret_hash: SecretHash, audit: Audit) -> bool = {
            let id = id.clone();
            move |tx| clients::set_secret(tx, &id, &scopes, secret_hash, &audit)
        };
        fn resource_remove(uri: &str, audit: Audit) -> bool = {
            let uri = uri.to_owned();
            move |tx| resources::remove(tx, &uri, &audit)
        };
        fn consent_withdraw(user: UserId, client: &ClientId, audit: Audit) -> bool = {
            let client = client.clone();
            move |tx| consents::withdraw(tx, user, &client, &audit)
        };
        fn sign_in_end(id: SignInId, reason: RevokeReason, audit: Audit) -> () =
            move |tx| sign_ins::end(tx, id, reason, &audit);
        fn session_revoke(id: SessionId, reason: RevokeReason, audit: Audit) -> bool =
            move |tx| sessions::revoke(tx, id, reason, &audit);
        fn session_sign_out(id: SessionId, reason: RevokeReason, audit: Audit) -> bool =
            move |tx| sign_ins::end_of_session(tx, id, reason, &audit);
        fn delivery_done(id: LogoutDeliveryId, audit: Audit) -> bool =
            move |tx| deliveries::done(tx, id, &audit);
        fn key_revoke(kid: &str, new: Vec<KeyRow>, moves: Vec<(String, KeyState)>, expires_at: Timestamp, audit: Audit) -> bool = {
            let kid = kid.to_owned();
            move |tx| keys::revoke(tx, &kid, &new, &moves, expires_at, &audit)
        };
        fn token_revoke(token: TokenRevocation, audit: Audit) -> bool =
            move |tx| revocations::revoke_token(tx, &token, &audit);
    }
    others {
        async fn history_lost(
            &self,
            mark: HistoryMark,
            next: String,
            audit: Audit,
        ) -> Result<Option<Restored>, StoreError> {
            self.whole(|home| async move {
                let (record, history) = (audit.clone(), next.clone());
                let act = move |tx: &Tx<'_>| histories::begin(tx, &mark, &history, &record);
                let Some((restored, first)) = home.writer.write_ending(act).await? else {
                    return Ok(None);
                };
                home.witness.noted().begin(next, *home.writer.wakeup().borrow());
                let all = histories::everything(audit.at);
                home.revoke_rest(first, all, RevokeReason::Restored, audit).await?;
                Ok(Some(restored))
            })
            .await
        }

        async fn client(&self, id: &ClientId) -> Result<Option<Client>, StoreError> {
            let generation = match self.clients.look(id) {
                Looked::Found(client) => return Ok(Some(*client)),
                Looked::Unknown(generation) => generation,
            };
            let id = id.clone();
            let found = self.readers.look_up(move |db| clients::by_id(db, &id)).await?;
            if let Some(client) = &found {
                self.clients.keep(generation, client);
            }
            Ok(found)
        }

        async fn user_update(
            &self,
            id: UserId,
            change: UserChange,
            audit: Audit,
        ) -> Result<bool, StoreError> {
            // Roles may be taken away.
            let ends = change.sign_out.is_some() || change.roles.is_some();
            let act = move |tx: &Tx<'_>| users::update(tx, id, &change, &audit);
            if ends {
                self.home.writer.write_ending(act).await
            } else {
                self.home.writer.write(act).await
            }
        }

        async fn client_update(
            &self,
            before: Client,
            client: Client,
            audit: Audit,
        ) -> Result<bool, StoreError> {
            let ends = clients::takes_away(&before, &client);
            let act = move |tx: &Tx<'_>| clients::update(tx, &before, &client, &audit);
            if ends {
                self.home.writer.write_ending(act).await
            } else {
                self.home.writer.write(act).await
            }
        }

        async fn client_disable(&self, id: &ClientId, audit: Audit) -> Result<bool, StoreError> {
            self.end_client(id, RevokeReason::Admin, audit, clients::disable).await
        }

        async fn client_enable(&self, id: &ClientId, audit: Audit) -> Result<bool, StoreError> {
            let id = id.clone();
            self.whole(|home| async move {
                loop {
                    let (client, record) = (id.clone(), audit.clone());
                    let act = move |tx: &Tx<'_>| clients::enable(tx, &client, &record);
                    match home.writer.write(act).await? {
                        Some(false) => {}
                        done => return Ok(done.is_some()),
                    }
                }
            })
            .await
        }

        async fn client_remove(&self, id: &ClientId, audit: Audit) -> Result<bool, StoreError> {
            self.end_client(id, RevokeReason::ClientRemoved, audit, clients::remove).await
        }

        async fn device_poll(&self, id: DeviceId, now: Timestamp) -> Result<Option<Polled>, StoreError> {
            let hasty = self.readers.look_up(move |db| devices::hasty(db, id, now)).await?;
            if hasty.is_some() {
                return Ok(hasty);
            }
            self.home.writer.write(move |tx| devices::poll(tx, id, now)).await
        }

        async fn sessions_revoke(
            &self,
            selector: SessionSelector,
            reason: RevokeReason,
            audit: Audit,
        ) -> Result<u64, StoreError> {
            if selector.started_at_or_before > audit.at {
                return Err(StoreError::Invalid("the time is yet to come"));
            }
            self.whole(|home| async move {
                let (these, record) = (selector.clone(), audit.clone());
                let act = move |tx: &Tx<'_>| bulk::begin(tx, &these, reason, &record);
                let first = home.writer.write_ending(act).await?;
                home.revoke_rest(first, selector, reason, audit).await
            })
            .await
        }

        fn revocation_wakeup(&self) -> watch::Receiver<u64> {
            self.home.writer.wakeup()
        }

        async fn sweep(&self, now: Timestamp) -> Result<Swept, StoreError> {
            self.home.writer.restore_reserve();
            let mut swept = Swept {
                rows: sweep::KINDS.map(|kind| (kind, 0)).into(),
                slices: 0,
            };
            for (kind, (_, rows)) in swept.rows.iter_mut().enumerate() {
                let mut more = true;
                while more {
                    let act = move |tx: &Tx<'_>| sweep::slice(tx, kind, now);
                    let slice = self.home.writer.write_ending(act).await?;
                    *rows += u64::try_from(slice.rows).unwrap_or(u64::MAX);
                    swept.slices += 1;
                    more = slice.more;
                }
            }
            Ok(swept)
        }
    }
}
