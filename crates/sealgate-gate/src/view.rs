//! The revocation view that every decision asks, shared between requests and the feed.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use sealgate_model::{ClientId, Timestamp, Uptime};
use sealgate_revocation::{Action, Credential, Entry, Follower, Message, Subject};
use sealgate_session::SessionContent;
use tokio::sync::watch;

use crate::denial::Denial;

/// The follower behind a lock: many requests read, the feed alone writes, and briefly.
pub(crate) struct RevocationView {
    follower: RwLock<Follower>,
    /// Without a feed nothing is ever heard, and nobody waits for it.
    has_feed: bool,
    /// Counts the feed's messages, so that waiting for readiness needs no polling.
    heard: watch::Sender<u64>,
}

impl RevocationView {
    pub(crate) fn new(bound: Duration) -> Self {
        Self {
            follower: RwLock::new(Follower::new(bound)),
            has_feed: true,
            heard: watch::Sender::new(0),
        }
    }

    /// A view that knows of the revocations of this process alone, because the issuer has no feed. How
    /// fresh it is, is not asked.
    pub(crate) fn without_feed() -> Self {
        Self {
            has_feed: false,
            ..Self::new(Duration::ZERO)
        }
    }

    /// Forgets what has expired, where no feed does.
    pub(crate) fn sweep(&self, now: Timestamp) {
        self.write().forget_expired(now);
    }

    /// Why a session is refused: it is revoked, or that cannot be told right now.
    pub(crate) fn check(
        &self,
        content: &SessionContent,
        client: &ClientId,
        now: Uptime,
    ) -> Result<(), Denial> {
        let credential = Credential {
            tenant: None,
            grants: &[],
            session: Some(content.session()),
            subject: Some(content.subject()),
            client: client.as_str(),
            key: content.key(),
            token: None,
            started_at: content.started_at(),
        };
        self.check_credential(&credential, now)
    }

    /// The same for any credential.
    pub(crate) fn check_credential(
        &self,
        credential: &Credential<'_>,
        now: Uptime,
    ) -> Result<(), Denial> {
        let follower = self.read();
        if follower.check(credential).is_some() {
            return Err(Denial::SessionRevoked);
        }
        if !self.has_feed || follower.is_fresh(now) {
            Ok(())
        } else {
            Err(Denial::FeedStale)
        }
    }

    pub(crate) fn is_fresh(&self, now: Uptime) -> bool {
        !self.has_feed || self.read().is_fresh(now)
    }

    pub(crate) fn heard(&self) -> watch::Receiver<u64> {
        self.heard.subscribe()
    }

    /// Revokes a session in this process at once, before the feed tells of it.
    pub(crate) fn revoke_session(&self, content: &SessionContent) {
        self.revoke(&Entry {
            subject: Subject::Session(content.session()),
            expires_at: content.expires_at(),
            reason: Some("logout".to_owned()),
        });
    }

    /// The same for whatever `entry` is about.
    pub(crate) fn revoke(&self, entry: &Entry) {
        self.write().revoke_locally(entry);
    }

    /// From where to open the stream; none: a snapshot first.
    pub(crate) fn position(&self) -> Option<(String, u64)> {
        self.read()
            .position()
            .map(|(epoch, seq)| (epoch.to_string(), seq))
    }

    pub(crate) fn snapshot(&self, message: &Message, sent: Uptime, received: Uptime) -> Action {
        let action = self.write().snapshot(message, sent, received);
        self.heard.send_modify(|count| *count += 1);
        action
    }

    /// Takes a message of the stream, and forgets what has expired meanwhile.
    pub(crate) fn message(&self, message: &Message, received: Uptime, now: Timestamp) -> Action {
        /// Sweeping looks at every entry, so that it is not done at every heartbeat.
        const SWEEP_EVERY: u64 = 300;
        let action = {
            let mut follower = self.write();
            let action = follower.message(message, received);
            if self.heard.borrow().is_multiple_of(SWEEP_EVERY) {
                follower.sweep(now);
            }
            action
        };
        self.heard.send_modify(|count| *count += 1);
        action
    }

    pub(crate) fn reset(&self) -> Action {
        self.write().reset()
    }

    /// The stream ended; why a snapshot is needed, if one is.
    pub(crate) fn disconnected(&self) -> Option<&'static str> {
        match self.write().disconnected() {
            Action::Resync(reason) => Some(reason.code()),
            Action::Continue | Action::Ignore(_) => None,
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Follower> {
        self.follower.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Follower> {
        self.follower
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
