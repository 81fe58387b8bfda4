//! What the control plane asks of its memory.

use async_trait::async_trait;
use sealgate_model::{
    ClientId, CodeId, InvitationId, RefreshId, SessionId, SignInId, Timestamp, UserId,
};
use tokio::sync::watch;

use crate::{
    Audit, AuditRow, Client, Code, Invitation, KeyRow, KeyState, Page, RefreshToken, Revocation,
    RevokeReason, Session, SessionFilter, SignIn, StoreError, UserRow,
};

/// What came of accepting an invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// The account is active.
    Done,
    /// The link was used before, has expired meanwhile, or its account is disabled; nothing changed.
    Spent,
}

/// What came of redeeming an authorization code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redeemed {
    /// The session has started.
    Started,
    /// The code was redeemed before; the session it gave is now revoked (RFC 6749, 4.1.2).
    Reused,
    /// The code has expired meanwhile, or the browser sign-in or the account it came from has ended;
    /// nothing changed. Without this a code would outlive the logout that came after it.
    Ended,
}

/// What came of rotating a refresh token.
#[derive(Debug, Clone)]
pub enum Rotated {
    /// This call won: the successor is stored.
    Won,
    /// Another call won; the token as it stands now, with the answer that was given.
    Lost(RefreshToken),
    /// The session is revoked or expired; nothing changed.
    Ended,
}

/// The control plane's memory. Each method is one transaction; writes carry their audit record and
/// return only when they are durable. A write that finds nothing to change writes no record either.
/// A caller that stops waiting for a write does not undo it.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Identifies this history of revocations; a restored backup gets another one.
    async fn epoch(&self) -> Result<String, StoreError>;

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
    /// for each session, and one for the user on each client that knows the user. False if there is no such account.
    async fn user_disable(&self, id: UserId, audit: Audit) -> Result<bool, StoreError>;
    /// Enables an account again; its sessions stay revoked. False if there is no such account.
    async fn user_enable(&self, id: UserId, audit: Audit) -> Result<bool, StoreError>;
    /// Whether any account that is not disabled has the role `admin` and a password.
    async fn admin_exists(&self) -> Result<bool, StoreError>;
    /// Stores a link in place of every earlier one of the same account, or of every earlier set-up
    /// link (no user).
    async fn invitation_create(
        &self,
        invitation: Invitation,
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

    /// Adds a client. `Conflict("client id")` if the id is taken.
    async fn client_create(&self, client: Client, audit: Audit) -> Result<(), StoreError>;
    /// The client with this id.
    async fn client(&self, id: &ClientId) -> Result<Option<Client>, StoreError>;
    /// Clients by id.
    async fn clients(&self) -> Result<Vec<Client>, StoreError>;

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
    /// Ends a browser sign-in and revokes every live session that came from it, for `reason`.
    async fn sign_in_end(
        &self,
        id: SignInId,
        reason: RevokeReason,
        audit: Audit,
    ) -> Result<(), StoreError>;

    /// Ends every browser sign-in of a user and revokes every live session, for `reason`. The account
    /// stays as it is.
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

    // Refresh tokens

    /// The refresh token with this selector.
    async fn refresh_token(&self, id: RefreshId) -> Result<Option<RefreshToken>, StoreError>;
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

    // Revocations

    /// The number of the last revocation logged; 0 if there is none.
    async fn revocation_head(&self) -> Result<u64, StoreError>;
    /// Up to `limit` revocations after `seq`, in order.
    async fn revocations_after(&self, seq: u64, limit: u32) -> Result<Vec<Revocation>, StoreError>;
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
    /// Keeps room free on the disk for writes that end something: a write that finds the disk full is
    /// `Full`, and so is every other after it but those, until this finds room again. Deletes what
    /// expired before `now`, in several transactions so that it never holds up other
    /// writes for long; how many rows went. Sealed refresh answers go ten minutes after their use,
    /// so no grace window may be longer.
    async fn sweep(&self, now: Timestamp) -> Result<u64, StoreError>;
    /// Writes what changes nothing, durably: fails when no other write could be made.
    async fn try_write(&self) -> Result<(), StoreError>;
}
