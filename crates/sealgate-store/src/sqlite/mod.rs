//! The SQLite home: one file in a data directory, one writer, a few readers.
//!
//! Each aggregate has a module with its SQL written out; this one only sends each call to the writer
//! or to a reader.

mod audit;
mod clients;
mod codes;
mod keys;
mod place;
mod reader;
mod refresh;
mod reserve;
mod revocations;
mod schema;
mod sessions;
mod sign_ins;
mod sql;
mod sweep;
mod users;
mod writer;

use std::path::Path;

use async_trait::async_trait;
use sealgate_model::{
    ClientId, Clock, CodeId, InvitationId, Random, RefreshId, SessionId, SignInId, Timestamp,
    UserId,
};
use tokio::sync::watch;

use self::place::Place;
use self::reader::Readers;
use self::reserve::Reserve;
use self::writer::Writer;
use crate::{
    Accepted, Audit, AuditRow, Client, Code, Invitation, KeyRow, KeyState, Page, Redeemed,
    RefreshToken, Revocation, RevokeReason, Rotated, Session, SessionFilter, SignIn, Store,
    StoreError, UserRow,
};

/// The memory of a control plane in one data directory.
///
/// Dropping it finishes the writes that were accepted, then lets go of the directory; that may block
/// for as long as they take.
pub struct SqliteStore {
    // Dropped in this order: the writer is the last connection, whose closing folds the log into the
    // database, and the directory is free only after that.
    epoch: String,
    readers: Readers,
    writer: Writer,
    _place: Place,
}

impl SqliteStore {
    /// Opens the data directory `dir`, making it (mode 0700), its database `sealgate.db` (mode 0600),
    /// a reserve of room on the disk and a fresh epoch if they are not there, and bringing an older schema up to date. Blocks.
    ///
    /// Errors: [`StoreError::Locked`] if another process has the directory, [`StoreError::TooNew`] if
    /// a newer program has written the database, [`StoreError::Corrupt`] if the file is no database or
    /// somebody else's, [`StoreError::Unavailable`] if the directory cannot be used.
    pub fn open(dir: &Path, clock: &dyn Clock, random: &dyn Random) -> Result<Self, StoreError> {
        let place = Place::take(dir)?;
        let mut connection = place.connect()?;
        schema::migrate(&mut connection, clock, random)?;
        let epoch = schema::epoch(&connection)?;
        let head = revocations::head(&connection)?;
        let readers = Readers::open(&place.file)?;
        let writer = Writer::start(connection, head, Reserve::keep(dir))?;
        Ok(Self {
            epoch,
            readers,
            writer,
            _place: place,
        })
    }
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SqliteStore(epoch {})", self.epoch)
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn epoch(&self) -> Result<String, StoreError> {
        Ok(self.epoch.clone())
    }

    async fn user_create(
        &self,
        user: UserRow,
        invitation: Option<Invitation>,
        audit: Audit,
    ) -> Result<(), StoreError> {
        self.writer
            .write(move |tx| users::create(tx, &user, invitation.as_ref(), &audit))
            .await
    }

    async fn user_by_email(&self, email: &str) -> Result<Option<UserRow>, StoreError> {
        let email = email.to_owned();
        self.readers
            .read(move |db| users::by_email(db, &email))
            .await
    }

    async fn user(&self, id: UserId) -> Result<Option<UserRow>, StoreError> {
        self.readers.read(move |db| users::by_id(db, id)).await
    }

    async fn users(&self, page: Page) -> Result<Vec<UserRow>, StoreError> {
        self.readers.read(move |db| users::list(db, page)).await
    }

    async fn user_disable(&self, id: UserId, audit: Audit) -> Result<bool, StoreError> {
        self.writer
            .write_ending(move |tx| users::disable(tx, id, &audit))
            .await
    }

    async fn user_enable(&self, id: UserId, audit: Audit) -> Result<bool, StoreError> {
        self.writer
            .write(move |tx| users::enable(tx, id, &audit))
            .await
    }

    async fn admin_exists(&self) -> Result<bool, StoreError> {
        self.readers.read(users::admin_exists).await
    }

    async fn invitation_create(
        &self,
        invitation: Invitation,
        audit: Audit,
    ) -> Result<(), StoreError> {
        self.writer
            .write(move |tx| users::create_invitation(tx, &invitation, &audit))
            .await
    }

    async fn invitation(&self, id: InvitationId) -> Result<Option<Invitation>, StoreError> {
        self.readers.read(move |db| users::invitation(db, id)).await
    }

    async fn invitation_accept(
        &self,
        id: InvitationId,
        user: UserRow,
        sign_in: SignIn,
        audit: Audit,
    ) -> Result<Accepted, StoreError> {
        self.writer
            .write(move |tx| users::accept_invitation(tx, id, &user, &sign_in, &audit))
            .await
    }

    async fn client_create(&self, client: Client, audit: Audit) -> Result<(), StoreError> {
        self.writer
            .write(move |tx| clients::create(tx, &client, &audit))
            .await
    }

    async fn client(&self, id: &ClientId) -> Result<Option<Client>, StoreError> {
        let id = id.clone();
        self.readers.read(move |db| clients::by_id(db, &id)).await
    }

    async fn clients(&self) -> Result<Vec<Client>, StoreError> {
        self.readers.read(clients::list).await
    }

    async fn sign_in_create(&self, sign_in: SignIn, audit: Audit) -> Result<(), StoreError> {
        self.writer
            .write(move |tx| sign_ins::create(tx, &sign_in, &audit))
            .await
    }

    async fn sign_in(&self, id: SignInId) -> Result<Option<SignIn>, StoreError> {
        self.readers.read(move |db| sign_ins::by_id(db, id)).await
    }

    async fn sign_in_replace(
        &self,
        before: SignInId,
        sign_in: SignIn,
        audit: Audit,
    ) -> Result<(), StoreError> {
        self.writer
            .write(move |tx| sign_ins::replace(tx, before, &sign_in, &audit))
            .await
    }

    async fn user_sign_out(
        &self,
        user: UserId,
        reason: RevokeReason,
        audit: Audit,
    ) -> Result<(), StoreError> {
        self.writer
            .write_ending(move |tx| sign_ins::end_all(tx, user, reason, &audit))
            .await
    }

    async fn sign_in_end(
        &self,
        id: SignInId,
        reason: RevokeReason,
        audit: Audit,
    ) -> Result<(), StoreError> {
        self.writer
            .write_ending(move |tx| sign_ins::end(tx, id, reason, &audit))
            .await
    }

    async fn code_create(&self, code: Code, audit: Audit) -> Result<(), StoreError> {
        self.writer
            .write(move |tx| codes::create(tx, &code, &audit))
            .await
    }

    async fn code(&self, id: CodeId) -> Result<Option<Code>, StoreError> {
        self.readers.read(move |db| codes::by_id(db, id)).await
    }

    async fn code_redeem(
        &self,
        id: CodeId,
        session: Session,
        refresh: Option<RefreshToken>,
        audit: Audit,
        on_reuse: Audit,
    ) -> Result<Redeemed, StoreError> {
        self.writer
            .write(move |tx| codes::redeem(tx, id, &session, refresh.as_ref(), &audit, &on_reuse))
            .await
    }

    async fn session(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        self.readers.read(move |db| sessions::by_id(db, id)).await
    }

    async fn sessions(
        &self,
        filter: SessionFilter,
        page: Page,
    ) -> Result<Vec<Session>, StoreError> {
        self.readers
            .read(move |db| sessions::list(db, &filter, page))
            .await
    }

    async fn session_revoke(
        &self,
        id: SessionId,
        reason: RevokeReason,
        audit: Audit,
    ) -> Result<bool, StoreError> {
        self.writer
            .write_ending(move |tx| sessions::revoke(tx, id, reason, &audit))
            .await
    }

    async fn refresh_token(&self, id: RefreshId) -> Result<Option<RefreshToken>, StoreError> {
        self.readers.read(move |db| refresh::by_id(db, id)).await
    }

    async fn refresh_rotate(
        &self,
        id: RefreshId,
        successor: RefreshToken,
        answer: String,
        audit: Audit,
    ) -> Result<Rotated, StoreError> {
        self.writer
            .write(move |tx| refresh::rotate(tx, id, &successor, &answer, &audit))
            .await
    }

    async fn keys(&self) -> Result<Vec<KeyRow>, StoreError> {
        self.readers.read(keys::list).await
    }

    async fn keys_change(
        &self,
        new: Vec<KeyRow>,
        moves: Vec<(String, KeyState)>,
        audit: Audit,
    ) -> Result<(), StoreError> {
        self.writer
            .write(move |tx| keys::change(tx, &new, &moves, &audit))
            .await
    }

    async fn revocation_head(&self) -> Result<u64, StoreError> {
        self.readers.read(revocations::head).await
    }

    async fn revocations_after(&self, seq: u64, limit: u32) -> Result<Vec<Revocation>, StoreError> {
        self.readers
            .read(move |db| revocations::after(db, seq, limit))
            .await
    }

    async fn revocations_live(&self, now: Timestamp) -> Result<(u64, Vec<Revocation>), StoreError> {
        self.readers
            .read(move |db| revocations::live(db, now))
            .await
    }

    fn revocation_wakeup(&self) -> watch::Receiver<u64> {
        self.writer.wakeup()
    }

    async fn record(&self, audit: Audit) -> Result<(), StoreError> {
        self.writer.write(move |tx| audit::append(tx, &audit)).await
    }

    async fn audit_after(&self, number: i64, limit: u32) -> Result<Vec<AuditRow>, StoreError> {
        self.readers
            .read(move |db| audit::after(db, number, limit))
            .await
    }

    async fn sweep(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.writer.restore_reserve();
        let mut rows = 0;
        loop {
            let swept = self
                .writer
                .write_ending(move |tx| sweep::slice(tx, now))
                .await?;
            rows += u64::try_from(swept.rows).unwrap_or(u64::MAX);
            if !swept.more {
                return Ok(rows);
            }
        }
    }

    async fn try_write(&self) -> Result<(), StoreError> {
        self.writer
            .write(|tx| sql::run(tx, "UPDATE meta SET epoch = epoch WHERE one = 1", ()).map(drop))
            .await
    }
}
