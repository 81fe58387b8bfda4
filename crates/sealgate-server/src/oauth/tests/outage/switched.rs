//! A store with a switch: it does not answer, loses its answers, or changes something meanwhile.

mod agents;
mod anomalies;
mod chain;
mod declarations;
mod exports;
mod issuers;
mod machines;
mod policies;
mod registrations;

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use sealgate_model::StreamId;
use sealgate_model::{
    ClientId, CodeId, DeviceId, GrantId, InvitationId, LogoutDeliveryId, PushedId, RefreshId,
    SecretHash, TenantId, TransmitterId,
};
use sealgate_store::{
    Accepted, AuditFilter, Code, ConsentRow, Delegated, DelegationFilter, DelegationRow,
    DeviceCode, DeviceDecision, Fallen, Footing, Invitation, KeyRow, KeyState, Listed, ListedPlace,
    LogoutDelivery, NewDelegation, Page, Polled, PushedRequest, Redeemed, RefreshState,
    RefreshToken, Resource, Revocation, Rotated, SessionFilter, SessionSelector, StoreError, Swept,
    TokenRevocation, Transmitter, UserChange,
};
use sealgate_store::{HistoryMark, Restored, SeenRevocations};
use sealgate_store::{Settled, Signal, Stream, StreamConfig, StreamStatus, Verification};
use tokio::sync::watch;

use super::super::*;

pub(in crate::oauth::tests) const UP: u8 = 0;
pub(in crate::oauth::tests) const DOWN: u8 = 1;
/// Writes happen, and their answer is lost.
pub(super) const UNKNOWN: u8 = 2;
/// Just before the next write somebody gives every user another role, and takes `expenses:read` from `app`.
pub(in crate::oauth::tests) const CHANGED_MEANWHILE: u8 = 3;
/// Just before the next write somebody disables `other`, and gives `app` another secret.
pub(in crate::oauth::tests) const ENDED_MEANWHILE: u8 = 4;

/// A store with a switch.
pub(super) struct Switched {
    pub(super) inner: Arc<dyn Store>,
    pub(super) state: Arc<AtomicU8>,
}

impl Switched {
    fn lost(&self, state: u8) -> Result<(), StoreError> {
        if self.state.load(Ordering::SeqCst) == state {
            Err(StoreError::Unavailable("switched off".into()))
        } else {
            Ok(())
        }
    }

    async fn meanwhile(&self) -> Result<(), StoreError> {
        let asked = |from| {
            let order = Ordering::SeqCst;
            self.state.compare_exchange(from, UP, order, order).is_ok()
        };
        // It began before everything else, and is slow.
        let audit = |action| Audit::allowed(Timestamp::from_millis(0), AuditActor::System, action);
        if asked(ENDED_MEANWHILE) {
            let (other, app) = ("other".parse().unwrap(), "app".parse().unwrap());
            let end = audit("client.disable");
            self.inner.client_disable(&other, end).await?;
            if let Some(client) = self.inner.client(&app).await? {
                let (hash, act) = (sha256(b"another"), audit("client.secret"));
                self.inner
                    .client_set_secret(&app, client.scopes, hash, act)
                    .await?;
            }
            return Ok(());
        }
        if !asked(CHANGED_MEANWHILE) {
            return Ok(());
        }
        for user in self.inner.users(Page::default()).await? {
            let head = self.inner.revocation_head().await?;
            let change = UserChange {
                roles: Some(vec![format!("role-{}", head + 1)]),
                ..UserChange::default()
            };
            let id = user.id;
            self.inner
                .user_update(id, change, audit("user.update"))
                .await?;
        }
        let id = "app".parse().unwrap();
        if let Some(before) = self.inner.client(&id).await? {
            let mut after = before.clone();
            after.scopes.retain(|scope| scope != "expenses:read");
            let audit = audit("client.update");
            self.inner.client_update(before, after, audit).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl sealgate_store::DelegationStore for Switched {
    async fn delegation(&self, id: GrantId) -> Result<Option<DelegationRow>, StoreError> {
        self.lost(DOWN)?;
        self.inner.delegation(id).await
    }
    async fn delegation_of(
        &self,
        session: SessionId,
        client: &ClientId,
        parent: Option<GrantId>,
    ) -> Result<Option<GrantId>, StoreError> {
        self.lost(DOWN)?;
        self.inner.delegation_of(session, client, parent).await
    }
    async fn delegations(
        &self,
        filter: DelegationFilter,
        page: Page,
    ) -> Result<Vec<DelegationRow>, StoreError> {
        self.lost(DOWN)?;
        self.inner.delegations(filter, page).await
    }
    async fn delegation_revoke(
        &self,
        id: GrantId,
        reason: RevokeReason,
        audit: Audit,
    ) -> Result<bool, StoreError> {
        self.lost(DOWN)?;
        let done = self.inner.delegation_revoke(id, reason, audit).await?;
        self.lost(UNKNOWN)?;
        Ok(done)
    }
}

#[async_trait]
impl sealgate_store::ReceiverStore for Switched {
    async fn transmitter_create(&self, one: Transmitter, audit: Audit) -> Result<(), StoreError> {
        self.lost(DOWN)?;
        self.inner.transmitter_create(one, audit).await?;
        self.lost(UNKNOWN)
    }
    async fn transmitter(&self, id: TransmitterId) -> Result<Option<Transmitter>, StoreError> {
        self.lost(DOWN)?;
        self.inner.transmitter(id).await
    }
    async fn transmitters(&self) -> Result<Vec<Transmitter>, StoreError> {
        self.lost(DOWN)?;
        self.inner.transmitters().await
    }
    async fn transmitter_remove(
        &self,
        id: TransmitterId,
        audit: Audit,
    ) -> Result<bool, StoreError> {
        self.lost(DOWN)?;
        let done = self.inner.transmitter_remove(id, audit).await?;
        self.lost(UNKNOWN)?;
        Ok(done)
    }
    async fn event_heard(&self, id: TransmitterId, jti: [u8; 32]) -> Result<bool, StoreError> {
        self.lost(DOWN)?;
        self.inner.event_heard(id, jti).await
    }
    async fn event_take(
        &self,
        id: TransmitterId,
        jti: [u8; 32],
        audit: Audit,
    ) -> Result<bool, StoreError> {
        self.lost(DOWN)?;
        let done = self.inner.event_take(id, jti, audit).await?;
        self.lost(UNKNOWN)?;
        Ok(done)
    }
    async fn listed_add(&self, listed: Listed, seed: u64) -> Result<ListedPlace, StoreError> {
        self.lost(DOWN)?;
        let place = self.inner.listed_add(listed, seed).await?;
        self.lost(UNKNOWN)?;
        Ok(place)
    }
    async fn listed(
        &self,
        number: u64,
        now: Timestamp,
    ) -> Result<Option<Vec<(u32, Listed)>>, StoreError> {
        self.lost(DOWN)?;
        self.inner.listed(number, now).await
    }
    async fn status_lists(&self, now: Timestamp) -> Result<Vec<u64>, StoreError> {
        self.lost(DOWN)?;
        self.inner.status_lists(now).await
    }
}

/// The calls of a part of the store, each behind the switch.
macro_rules! streams {
    ($(fn $call:ident($($arg:ident: $type:ty),*) -> $result:ty;)*) => {
        #[async_trait]
        impl sealgate_store::StreamStore for Switched {
            $(async fn $call(&self, $($arg: $type),*) -> Result<$result, StoreError> {
                self.lost(DOWN)?;
                let done = self.inner.$call($($arg),*).await?;
                self.lost(UNKNOWN)?;
                Ok(done)
            })*
        }
    };
}

streams! {
    fn stream_create(stream: Stream, most: u32, audit: Audit) -> ();
    fn stream(id: StreamId) -> Option<Stream>;
    fn streams(client: Option<&ClientId>) -> Vec<Stream>;
    fn stream_configure(id: StreamId, before: StreamConfig, config: StreamConfig, audit: Audit) -> bool;
    fn stream_set_status(id: StreamId, status: StreamStatus, reason: Option<String>, held: Option<bool>, announce: bool, audit: Audit) -> bool;
    fn stream_remove(id: StreamId, audit: Audit) -> bool;
    fn stream_heard(id: StreamId, at: Timestamp) -> ();
    fn stream_verify(id: StreamId, state: Option<String>, interval: std::time::Duration, audit: Audit) -> Verification;
    fn stream_set_told(id: StreamId, user: UserId, told: bool, audit: Audit) -> bool;
    fn streams_due(now: Timestamp) -> Vec<Stream>;
    fn streams_idle(now: Timestamp) -> Vec<Stream>;
    fn signals(id: StreamId, limit: u32) -> Vec<Signal>;
    fn signals_settle(id: StreamId, numbers: Vec<u64>, how: Settled, audit: Audit) -> u64;
    fn stream_failed(id: StreamId, reason: &'static str, next_try_at: Timestamp, at: Timestamp) -> ();
    fn signals_expire(before: Timestamp, audit: Audit) -> u64;
}

macro_rules! switched {
    (
        reads { $(fn $read:ident($($ra:ident: $rt:ty),*) -> $rr:ty;)* }
        writes { $(fn $write:ident($($wa:ident: $wt:ty),*) -> $wr:ty;)* }
    ) => {

        #[async_trait]
        impl Store for Switched {
            $(async fn $read(&self, $($ra: $rt),*) -> Result<$rr, StoreError> {
                self.lost(DOWN)?;
                self.inner.$read($($ra),*).await
            })*
            $(async fn $write(&self, $($wa: $wt),*) -> Result<$wr, StoreError> {
                self.lost(DOWN)?;
                self.meanwhile().await?;
                let done = self.inner.$write($($wa),*).await?;
                self.lost(UNKNOWN)?;
                Ok(done)
            })*
            fn revocation_wakeup(&self) -> watch::Receiver<u64> {
                self.inner.revocation_wakeup()
            }
        }
    };
}

switched! {
    reads {
        fn epoch() -> String;
        fn user_by_email(email: &str) -> Option<UserRow>;
        fn user(id: UserId) -> Option<UserRow>;
        fn users(page: Page) -> Vec<UserRow>;
        fn admin_exists() -> bool;
        fn invitation(id: InvitationId) -> Option<Invitation>;
        fn client(id: &ClientId) -> Option<Client>;
        fn clients() -> Vec<Client>;
        fn resource(uri: &str) -> Option<Resource>;
        fn resources() -> Vec<Resource>;
        fn consent(user: UserId, client: &ClientId) -> Option<ConsentRow>;
        fn consents_of(user: UserId) -> Vec<ConsentRow>;
        fn pushed(id: PushedId) -> Option<PushedRequest>;
        fn device(id: DeviceId) -> Option<DeviceCode>;
        fn device_by_user_code(user_code: &str) -> Option<DeviceCode>;
        fn deliveries_due(now: Timestamp, limit: u32, each: u32) -> Vec<LogoutDelivery>;
        fn sign_in(id: SignInId) -> Option<SignIn>;
        fn code(id: CodeId) -> Option<Code>;
        fn session(id: SessionId) -> Option<Session>;
        fn sessions(filter: SessionFilter, page: Page) -> Vec<Session>;
        fn refresh_token(id: RefreshId) -> Option<RefreshToken>;
        fn refresh_state(id: RefreshId) -> Option<RefreshState>;
        fn keys() -> Vec<KeyRow>;
        fn token_revoked(jti: &str) -> bool;
        fn not_before(user: Option<UserId>, client: Option<&ClientId>, tenant: Option<&TenantId>) -> Option<Timestamp>;
        fn fallen(footing: Footing, now: Timestamp) -> Option<Fallen>;
        fn revocation_head() -> u64;
        fn revocations_after(seq: u64, limit: u32) -> Vec<Revocation>;
        fn revocations_seen(client: &ClientId, now: Timestamp, span: Duration) -> SeenRevocations;
        fn revocations_live(now: Timestamp) -> (u64, Vec<Revocation>);
        fn audit_after(number: i64, limit: u32) -> Vec<AuditRow>;
        fn audit_list(filter: AuditFilter, limit: u32) -> Vec<AuditRow>;
    }
    writes {
        fn history_lost(mark: HistoryMark, next: String, audit: Audit) -> Option<Restored>;
        fn user_create(user: UserRow, invitation: Option<Invitation>, audit: Audit) -> ();
        fn user_disable(id: UserId, audit: Audit) -> bool;
        fn user_enable(id: UserId, audit: Audit) -> bool;
        fn user_update(id: UserId, change: UserChange, audit: Audit) -> bool;
        fn invitation_create(invitation: Invitation, before: Option<UserRow>, audit: Audit) -> ();
        fn invitation_accept(id: InvitationId, user: UserRow, sign_in: SignIn, audit: Audit) -> Accepted;
        fn client_create(client: Client, audit: Audit) -> ();
        fn client_update(before: Client, client: Client, audit: Audit) -> bool;
        fn client_disable(id: &ClientId, audit: Audit) -> bool;
        fn client_enable(id: &ClientId, audit: Audit) -> bool;
        fn client_set_secret(id: &ClientId, scopes: Vec<String>, secret_hash: SecretHash, audit: Audit) -> bool;
        fn client_remove(id: &ClientId, audit: Audit) -> bool;
        fn resource_create(resource: Resource, audit: Audit) -> ();
        fn resource_update(before: Resource, resource: Resource, audit: Audit) -> bool;
        fn resource_remove(uri: &str, audit: Audit) -> bool;
        fn consent_grant(consent: ConsentRow, audit: Audit) -> ();
        fn consent_withdraw(user: UserId, client: &ClientId, audit: Audit) -> bool;
        fn pushed_create(request: PushedRequest, audit: Audit) -> ();
        fn pushed_take(id: PushedId, client: &ClientId, now: Timestamp) -> Option<PushedRequest>;
        fn assertion_use(client: &ClientId, jti_hash: [u8; 32], expires_at: Timestamp, now: Timestamp) -> bool;
        fn device_create(device: DeviceCode, audit: Audit) -> ();
        fn device_decide(id: DeviceId, decision: DeviceDecision, audit: Audit) -> bool;
        fn device_poll(id: DeviceId, now: Timestamp) -> Option<Polled>;
        fn device_redeem(id: DeviceId, session: Session, refresh: Option<RefreshToken>, audit: Audit) -> Redeemed;
        fn sign_in_create(sign_in: SignIn, audit: Audit) -> ();
        fn sign_in_replace(before: SignInId, sign_in: SignIn, audit: Audit) -> ();
        fn user_sign_out(user: UserId, reason: RevokeReason, audit: Audit) -> ();
        fn sign_in_end(id: SignInId, reason: RevokeReason, audit: Audit) -> ();
        fn code_create(code: Code, audit: Audit) -> ();
        fn code_redeem(id: CodeId, session: Session, refresh: Option<RefreshToken>, audit: Audit, on_reuse: Audit) -> Redeemed;
        fn session_revoke(id: SessionId, reason: RevokeReason, audit: Audit) -> bool;
        fn session_sign_out(id: SessionId, reason: RevokeReason, audit: Audit) -> bool;
        fn sessions_revoke(selector: SessionSelector, reason: RevokeReason, audit: Audit) -> u64;
        fn delivery_done(id: LogoutDeliveryId, audit: Audit) -> bool;
        fn delivery_failed(id: LogoutDeliveryId, next_try_at: Timestamp) -> bool;
        fn session_delegate(delegation: NewDelegation, audit: Audit) -> Delegated;
        fn refresh_rotate(id: RefreshId, successor: RefreshToken, answer: String, audit: Audit) -> Rotated;
        fn keys_change(new: Vec<KeyRow>, moves: Vec<(String, KeyState)>, audit: Audit) -> ();
        fn key_revoke(kid: &str, new: Vec<KeyRow>, moves: Vec<(String, KeyState)>, expires_at: Timestamp, audit: Audit) -> bool;
        fn token_revoke(token: TokenRevocation, audit: Audit) -> bool;
        fn record(audit: Audit) -> ();
        fn sweep(now: Timestamp) -> Swept;
        fn try_write() -> ();
    }
}
