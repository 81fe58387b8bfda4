//! What the control plane asks of its memory.

mod agents;
mod anomalies;
mod chain;
mod declarations;
mod delegations;
mod exports;
mod issuers;
mod machines;
mod policies;
mod receivers;
mod registrations;
mod streams;

use std::time::Duration;

use async_trait::async_trait;
use sealgate_model::{
    ClientId, CodeId, DeviceId, InvitationId, LogoutDeliveryId, PushedId, RefreshId, SecretHash,
    SessionId, SignInId, TenantId, Timestamp, UserId,
};
use tokio::sync::watch;

use crate::{
    Accepted, Audit, AuditFilter, AuditRow, Client, Code, ConsentRow, Delegated, DeviceCode,
    DeviceDecision, Fallen, Footing, HistoryMark, Invitation, KeyRow, KeyState, LogoutDelivery,
    NewDelegation, Page, Polled, PushedRequest, Redeemed, RefreshState, RefreshToken, Resource,
    Restored, Revocation, RevokeReason, Rotated, SeenRevocations, Session, SessionFilter,
    SessionSelector, SignIn, StoreError, Swept, TokenRevocation, UserChange, UserRow,
};

pub use agents::AgentStore;
pub use anomalies::AnomalyStore;
pub use chain::{ChainStore, JudgeCheckpoint};
pub use declarations::DeclarationStore;
pub use delegations::DelegationStore;
pub use exports::ExportStore;
pub use issuers::IssuerStore;
pub use machines::MachineStore;
pub use policies::PolicyStore;
pub use receivers::ReceiverStore;
pub use registrations::RegistrationStore;
pub use streams::StreamStore;

/// The control plane's memory. Each method is one transaction unless it says otherwise; writes carry
/// their audit record, except those that only count or spend what a later write tells of, and return
/// only when they are durable. A write that finds nothing to change writes no record either.
/// A caller that stops waiting for a write does not undo it.
#[async_trait]
pub trait Store:
    AgentStore
    + DelegationStore
    + StreamStore
    + ReceiverStore
    + MachineStore
    + IssuerStore
    + RegistrationStore
    + PolicyStore
    + DeclarationStore
    + ChainStore
    + ExportStore
    + AnomalyStore
{
    /// Identifies this history of revocations; a restored backup gets another one.
    async fn epoch(&self) -> Result<String, StoreError>;
    /// Somebody who is believed knows history `mark.history` up to `mark.seq`. If the log does not, or has
    /// never heard of that history, the database was put back from a copy: history `next` begins, and
    /// whatever was started until now is revoked, sign-ins, links and consents with it, of many sessions
    /// as [`Store::client_remove`] does. None if there is nothing that is not known.
    async fn history_lost(
        &self,
        mark: HistoryMark,
        next: String,
        audit: Audit,
    ) -> Result<Option<Restored>, StoreError>;

    // Users and invitations

    /// Adds an account and, when given, the invitation to it. `Conflict("e-mail address")` if the
    /// address, compared without case, is taken.
    async fn user_create(
        &self,
        user: UserRow,
        invitation: Option<Invitation>,
        audit: Audit,
    ) -> Result<(), StoreError>;
    /// The account with this address, compared without case.
    async fn user_by_email(&self, email: &str) -> Result<Option<UserRow>, StoreError>;
    /// The account with this id.
    async fn user(&self, id: UserId) -> Result<Option<UserRow>, StoreError>;
    /// Accounts, oldest first.
    async fn users(&self, page: Page) -> Result<Vec<UserRow>, StoreError>;
    /// Disables an account, ends its browser sign-ins, revokes its sessions and logs one revocation
    /// for each session, and one for the user, each for every client that the user's tokens can be
    /// presented to. Its unused links are gone. False if there is no such account.
    async fn user_disable(&self, id: UserId, audit: Audit) -> Result<bool, StoreError>;
    /// Changes an account, and with `sign_out` ends its browser sign-ins and sessions as disabling
    /// does. Without, whoever hears of the user's sessions is told that what credentials tell of the user is not
    /// so any more, if it is not. Other roles take the account's unused links with them. `Conflict("user")` if the account does
    /// not stand as `before` says; false if there is no such account.
    async fn user_update(
        &self,
        id: UserId,
        change: UserChange,
        audit: Audit,
    ) -> Result<bool, StoreError>;
    /// Enables an account again; its sessions stay revoked. False if there is no such account.
    async fn user_enable(&self, id: UserId, audit: Audit) -> Result<bool, StoreError>;
    /// Whether any account that is not disabled has the role `admin` and a password.
    async fn admin_exists(&self) -> Result<bool, StoreError>;
    /// Stores a link in place of every earlier one of the same account, or of every earlier set-up
    /// link (no user). `Conflict("user")` if the account does not stand as `before` says
    /// ([`UserRow::stands_as`]), where that is given.
    async fn invitation_create(
        &self,
        invitation: Invitation,
        before: Option<UserRow>,
        audit: Audit,
    ) -> Result<(), StoreError>;
    /// The link with this selector.
    async fn invitation(&self, id: InvitationId) -> Result<Option<Invitation>, StoreError>;
    /// Spends a link once: for an invitation sets `user`'s name and password hash, spends that
    /// account's other links, ends its sign-ins and revokes its sessions; for a set-up link adds `user`; either way stores `sign_in`.
    async fn invitation_accept(
        &self,
        id: InvitationId,
        user: UserRow,
        sign_in: SignIn,
        audit: Audit,
    ) -> Result<Accepted, StoreError>;

    // Clients

    /// Adds a client. `Conflict("client id")` if the id is taken or was ever taken; `Invalid` if it reads
    /// as a UUID, since a token's `sub` may be a user's id or a client's.
    async fn client_create(&self, client: Client, audit: Audit) -> Result<(), StoreError>;
    /// The client with this id, unless it was removed.
    async fn client(&self, id: &ClientId) -> Result<Option<Client>, StoreError>;
    /// Clients by id, without those that were removed.
    async fn clients(&self) -> Result<Vec<Client>, StoreError>;
    /// Replaces what is registered of a client that still is as `before` says, in every part; otherwise
    /// `Conflict("client")`. When it was made or disabled stays, and so does its secret as long as it
    /// proves who it is by one: a secret given up does not come back. If it may do less than before, everybody is
    /// told that what credentials of its tell is not so any more; if it only acts for itself and proves who it
    /// is otherwise than before, that everything started on it is revoked. False if there is no such client.
    async fn client_update(
        &self,
        before: Client,
        client: Client,
        audit: Audit,
    ) -> Result<bool, StoreError>;
    /// Disables a client, drops its codes on their way, logs a revocation of everything started on it
    /// for every client to see, and revokes its live sessions, each logged; of many sessions as
    /// [`Store::client_remove`] does. False if there is no such client.
    async fn client_disable(&self, id: &ClientId, audit: Audit) -> Result<bool, StoreError>;
    /// Enables a client again; its sessions stay revoked. False if there is no such client.
    async fn client_enable(&self, id: &ClientId, audit: Audit) -> Result<bool, StoreError>;
    /// Gives a confidential client that proves who it is by a secret another one; the earlier one is
    /// worth nothing from then on. Of a client that only acts for itself everything it started is revoked, for
    /// every client to see. `Conflict("client")` if its scopes are not these; false if there is no such client.
    async fn client_set_secret(
        &self,
        id: &ClientId,
        scopes: Vec<String>,
        secret_hash: SecretHash,
        audit: Audit,
    ) -> Result<bool, StoreError>;
    /// Removes a client for good, with its codes, requests and consents, logs a revocation of
    /// everything started on it for every client to see, and revokes its live sessions, each logged.
    /// Of many sessions the later ones go in further transactions, each with its record; if that is cut
    /// short, the same call again or opening the store again finishes it. Its id is never given again.
    /// False if there is no such client.
    async fn client_remove(&self, id: &ClientId, audit: Audit) -> Result<bool, StoreError>;

    // Resources and consents

    /// Adds a resource. `Conflict("resource URI")` if the URI is taken. The client that serves it is told
    /// of what is revoked already.
    async fn resource_create(&self, resource: Resource, audit: Audit) -> Result<(), StoreError>;
    /// The resource with this URI.
    async fn resource(&self, uri: &str) -> Result<Option<Resource>, StoreError>;
    /// Resources by URI.
    async fn resources(&self) -> Result<Vec<Resource>, StoreError>;
    /// Replaces what is known of a resource that still is as `before` says, in every part; otherwise
    /// `Conflict("resource")`. When it was made stays. A client that begins to serve it is told of what is
    /// revoked already. False if there is no such resource.
    async fn resource_update(
        &self,
        before: Resource,
        resource: Resource,
        audit: Audit,
    ) -> Result<bool, StoreError>;
    /// Removes a resource. False if there is no such resource.
    async fn resource_remove(&self, uri: &str, audit: Audit) -> Result<bool, StoreError>;
    /// What a user has granted a client.
    async fn consent(
        &self,
        user: UserId,
        client: &ClientId,
    ) -> Result<Option<ConsentRow>, StoreError>;
    /// What a user has granted, by client.
    async fn consents_of(&self, user: UserId) -> Result<Vec<ConsentRow>, StoreError>;
    /// Adds to what a user has granted a client.
    async fn consent_grant(&self, consent: ConsentRow, audit: Audit) -> Result<(), StoreError>;
    /// Takes back all that a user has granted a client: forgets it, drops codes on their way, revokes
    /// the user's sessions there and logs each, and one for the user on that client. False if there
    /// was none of all this.
    async fn consent_withdraw(
        &self,
        user: UserId,
        client: &ClientId,
        audit: Audit,
    ) -> Result<bool, StoreError>;

    // What clients push and prove

    /// Stores a pushed authorization request.
    async fn pushed_create(&self, request: PushedRequest, audit: Audit) -> Result<(), StoreError>;
    /// The pushed request with this selector, to compare its secret.
    async fn pushed(&self, id: PushedId) -> Result<Option<PushedRequest>, StoreError>;
    /// Takes a pushed request out, exactly once, if it is this client's and alive at `now`.
    async fn pushed_take(
        &self,
        id: PushedId,
        client: &ClientId,
        now: Timestamp,
    ) -> Result<Option<PushedRequest>, StoreError>;
    /// Notes that a client has used an assertion, by the SHA-256 of its `jti`, until `expires_at`.
    /// False if it has used it before.
    async fn assertion_use(
        &self,
        client: &ClientId,
        jti_hash: [u8; 32],
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    // Device codes

    /// Stores a device code. `Conflict("user code")` if what the person types is in use.
    async fn device_create(&self, device: DeviceCode, audit: Audit) -> Result<(), StoreError>;
    /// The device code with this selector.
    async fn device(&self, id: DeviceId) -> Result<Option<DeviceCode>, StoreError>;
    /// The device code that goes with what the person typed: its letters, in upper case.
    async fn device_by_user_code(&self, user_code: &str) -> Result<Option<DeviceCode>, StoreError>;
    /// Notes a person's decision, once. False if the code is decided, has expired or is not there, or
    /// the sign-in it is approved in has ended.
    async fn device_decide(
        &self,
        id: DeviceId,
        decision: DeviceDecision,
        audit: Audit,
    ) -> Result<bool, StoreError>;
    /// Notes a poll at `now`, and lets the interval grow by five seconds, to sixty at the most, if it came
    /// more than half a second too soon. One that is told to wait for sixty seconds already changes
    /// nothing. None if there is no such code.
    async fn device_poll(&self, id: DeviceId, now: Timestamp)
    -> Result<Option<Polled>, StoreError>;
    /// Spends an approved device code, exactly once, and starts `session` with its first refresh
    /// token. The session belongs to the sign-in that the code belongs to by then.
    async fn device_redeem(
        &self,
        id: DeviceId,
        session: Session,
        refresh: Option<RefreshToken>,
        audit: Audit,
    ) -> Result<Redeemed, StoreError>;

    // Browser sign-ins

    /// Stores a browser sign-in. If the account was disabled meanwhile it is stored as already ended.
    async fn sign_in_create(&self, sign_in: SignIn, audit: Audit) -> Result<(), StoreError>;
    /// The browser sign-in with this selector.
    async fn sign_in(&self, id: SignInId) -> Result<Option<SignIn>, StoreError>;
    /// Stores a browser sign-in in place of `before`, an earlier one of the same user in the same
    /// browser: that one ends, and its live sessions and unused codes belong to the new one from now on.
    async fn sign_in_replace(
        &self,
        before: SignInId,
        sign_in: SignIn,
        audit: Audit,
    ) -> Result<(), StoreError>;
    /// Ends a browser sign-in and revokes every live session that came from it, for `reason`. Those that are
    /// [`lasting`](crate::GrantDetails::lasting) go on.
    async fn sign_in_end(
        &self,
        id: SignInId,
        reason: RevokeReason,
        audit: Audit,
    ) -> Result<(), StoreError>;

    /// Ends every browser sign-in of a user and revokes every live session, for `reason`, those that are
    /// lasting too. The account stays as it is.
    async fn user_sign_out(
        &self,
        user: UserId,
        reason: RevokeReason,
        audit: Audit,
    ) -> Result<(), StoreError>;

    // Codes and sessions

    /// Stores a code.
    async fn code_create(&self, code: Code, audit: Audit) -> Result<(), StoreError>;
    /// The code with this selector.
    async fn code(&self, id: CodeId) -> Result<Option<Code>, StoreError>;
    /// Marks the code used, exactly once, and starts `session` with its first refresh token. Losing
    /// the race or coming later revokes the session that the winner started, with `on_reuse` as its
    /// audit record.
    async fn code_redeem(
        &self,
        id: CodeId,
        session: Session,
        refresh: Option<RefreshToken>,
        audit: Audit,
        on_reuse: Audit,
    ) -> Result<Redeemed, StoreError>;
    /// The session with this id.
    async fn session(&self, id: SessionId) -> Result<Option<Session>, StoreError>;
    /// Sessions, oldest first.
    async fn sessions(&self, filter: SessionFilter, page: Page)
    -> Result<Vec<Session>, StoreError>;
    /// Revokes a session and logs the revocation. Idempotent: false if there is no such session, true
    /// if it is revoked now, whoever did it.
    async fn session_revoke(
        &self,
        id: SessionId,
        reason: RevokeReason,
        audit: Audit,
    ) -> Result<bool, StoreError>;

    /// Revokes a session together with the browser sign-in it came from, and so with every live session
    /// that came from there and is not lasting. False if there is no such session.
    async fn session_sign_out(
        &self,
        id: SessionId,
        reason: RevokeReason,
        audit: Audit,
    ) -> Result<bool, StoreError>;
    /// Revokes every live session that fits, each logged, and logs a "not before" for each user on
    /// each client that knows the user, for the client, or for everything, as fits the selector.
    /// Drops codes on their way. Where no client is named, browser sign-ins end too. Of many sessions the later ones go
    /// in further transactions, each with its record, which counts them. How many sessions it revoked.
    /// `Invalid` if the selector's time is after `audit.at`.
    async fn sessions_revoke(
        &self,
        selector: SessionSelector,
        reason: RevokeReason,
        audit: Audit,
    ) -> Result<u64, StoreError>;

    /// Puts on record that a token of a session is given out, as part of a delegation that is found or made:
    /// whoever serves what it is for hears of its end and of the session's from then on. `TooMany` if the
    /// session has 256 delegations; nothing is written unless it is [`Delegated::Done`].
    async fn session_delegate(
        &self,
        delegation: NewDelegation,
        audit: Audit,
    ) -> Result<Delegated, StoreError>;

    // Logouts owed to clients

    /// Up to `limit` deliveries whose time to be tried has come, and up to `each` to one address, the
    /// longest due first.
    async fn deliveries_due(
        &self,
        now: Timestamp,
        limit: u32,
        each: u32,
    ) -> Result<Vec<LogoutDelivery>, StoreError>;
    /// Forgets a delivery: it was made, or is given up, as `audit` tells. False if there is no such
    /// delivery.
    async fn delivery_done(&self, id: LogoutDeliveryId, audit: Audit) -> Result<bool, StoreError>;
    /// Notes a failed try, and when to try next. False if there is no such delivery.
    async fn delivery_failed(
        &self,
        id: LogoutDeliveryId,
        next_try_at: Timestamp,
    ) -> Result<bool, StoreError>;

    // Refresh tokens

    /// The refresh token with this selector.
    async fn refresh_token(&self, id: RefreshId) -> Result<Option<RefreshToken>, StoreError>;
    /// The refresh token with this selector, its session and its user, all as of one moment.
    async fn refresh_state(&self, id: RefreshId) -> Result<Option<RefreshState>, StoreError>;
    /// Spends token `id` for `successor` in one conditional update, keeping the sealed `answer`, and
    /// sets the session's `renewed_at` to `audit.at`. The session must be alive at `audit.at`.
    async fn refresh_rotate(
        &self,
        id: RefreshId,
        successor: RefreshToken,
        answer: String,
        audit: Audit,
    ) -> Result<Rotated, StoreError>;

    // Signing keys

    /// Keys that are not gone, oldest first.
    async fn keys(&self) -> Result<Vec<KeyRow>, StoreError>;
    /// Adds `new` and moves the named keys to their new states, all or nothing. A key that goes to
    /// `Gone` loses its private part and never comes back; an algorithm has at most one active key
    /// (`Conflict("active signing key")`).
    async fn keys_change(
        &self,
        new: Vec<KeyRow>,
        moves: Vec<(String, KeyState)>,
        audit: Audit,
    ) -> Result<(), StoreError>;

    /// Takes a key out of use whatever its state, logs its revocation for every client until
    /// `expires_at`, and makes the other changes as `keys_change` does, all in one. False if there is
    /// no such key or it is gone; then nothing changes.
    async fn key_revoke(
        &self,
        kid: &str,
        new: Vec<KeyRow>,
        moves: Vec<(String, KeyState)>,
        expires_at: Timestamp,
        audit: Audit,
    ) -> Result<bool, StoreError>;

    // Revocations

    /// Logs the revocation of one access token until it would have expired, for each client that has to
    /// hear of it. False if it is logged already; `TooMany` if the client that it was given to has 10,000
    /// such entries alive.
    async fn token_revoke(&self, token: TokenRevocation, audit: Audit) -> Result<bool, StoreError>;
    /// Whether the access token with this `jti` is revoked by itself.
    async fn token_revoked(&self, jti: &str) -> Result<bool, StoreError>;
    /// The latest "not before" over everything, over this user (on this client), over this client and over
    /// this tenant: what was started at or before it is revoked.
    async fn not_before(
        &self,
        user: Option<UserId>,
        client: Option<&ClientId>,
        tenant: Option<&TenantId>,
    ) -> Result<Option<Timestamp>, StoreError>;
    /// By what a credential has fallen, as of one moment; none if it stands. The one judgement that every
    /// door of the control plane goes by, and every write that lets something begin or go on.
    async fn fallen(&self, footing: Footing, now: Timestamp) -> Result<Option<Fallen>, StoreError>;
    /// The number of the last revocation logged; 0 if there is none.
    async fn revocation_head(&self) -> Result<u64, StoreError>;
    /// Up to `limit` revocations after `seq`, in order.
    async fn revocations_after(&self, seq: u64, limit: u32) -> Result<Vec<Revocation>, StoreError>;
    /// What `client` sees of the log as of one moment, without what had expired at `now`: sessions in
    /// groups by their end, rounded up to a multiple of `span`.
    async fn revocations_seen(
        &self,
        client: &ClientId,
        now: Timestamp,
        span: Duration,
    ) -> Result<SeenRevocations, StoreError>;
    /// Every revocation that may still matter at `now`, in order, together with the head they reach.
    async fn revocations_live(&self, now: Timestamp) -> Result<(u64, Vec<Revocation>), StoreError>;
    /// Wakes when a revocation has committed. A wake-up, never the truth: take it before reading the
    /// log, then read the log.
    fn revocation_wakeup(&self) -> watch::Receiver<u64>;

    // Records

    /// Writes a record of an act that changes nothing else (a refusal).
    async fn record(&self, audit: Audit) -> Result<(), StoreError>;
    /// Up to `limit` records after `number`, in order.
    async fn audit_after(&self, number: i64, limit: u32) -> Result<Vec<AuditRow>, StoreError>;
    /// Up to `limit` records that fit, newest first. It looks through the records one by one: a filter
    /// that little fits takes time in proportion to their number.
    async fn audit_list(
        &self,
        filter: AuditFilter,
        limit: u32,
    ) -> Result<Vec<AuditRow>, StoreError>;
    /// Keeps room free on the disk for writes that end something: a write that finds the disk full is
    /// `Full`, and so is every other after it but those, until this finds room again. Deletes what
    /// expired before `now`, in several transactions so that it never holds up other
    /// writes for long; what went. Sealed refresh answers go ten minutes after their use,
    /// so no grace window may be longer.
    async fn sweep(&self, now: Timestamp) -> Result<Swept, StoreError>;
    /// Writes what changes nothing, durably: fails when no other write could be made.
    async fn try_write(&self) -> Result<(), StoreError>;
}
