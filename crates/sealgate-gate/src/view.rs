//! The revocation view that every decision asks, of this process alone or of all processes of the machine.

use std::sync::Arc;
use std::time::Duration;

use sealgate_model::{Timestamp, Uptime};
use sealgate_revocation::{Credential, Entry, Judgement, RevokedBy, Subject, View};
use sealgate_session::SessionContent;
use sealgate_shared::SharedMemory;
use tokio::sync::watch;

/// The view, which many requests read without a lock. Whoever follows the feed writes into it.
pub(crate) struct RevocationView {
    view: Arc<View>,
    /// Where it is, if other processes have it too.
    shared: Option<Arc<SharedMemory>>,
    bound: Duration,
    /// Without a feed nothing is ever heard, and nobody waits for it.
    has_feed: bool,
    /// Counts what is heard, so that waiting for readiness needs no polling.
    heard: watch::Sender<u64>,
}

impl RevocationView {
    /// The view in `shared`, or one of this process alone.
    pub(crate) fn new(bound: Duration, shared: Option<Arc<SharedMemory>>) -> Self {
        let joined = shared.and_then(|memory| match View::over(memory.clone()) {
            Ok(view) => Some((Arc::new(view), memory)),
            Err(error) => {
                tracing::warn!(
                    reason = "shared_view_unusable",
                    %error,
                    "the revocation view cannot be shared with other processes: this one has its own"
                );
                None
            }
        });
        let (view, shared) = match joined {
            Some((view, memory)) => (view, Some(memory)),
            None => (Arc::new(View::new()), None),
        };
        Self {
            view,
            shared,
            bound,
            has_feed: true,
            heard: watch::Sender::new(0),
        }
    }

    /// A view that knows of the revocations alone that were made here, because the issuer has no feed. How
    /// fresh it is, is not asked.
    pub(crate) fn without_feed(shared: Option<Arc<SharedMemory>>) -> Self {
        Self {
            has_feed: false,
            ..Self::new(Duration::ZERO, shared)
        }
    }

    /// The view itself, for whoever writes into it.
    pub(crate) const fn view(&self) -> &Arc<View> {
        &self.view
    }

    /// Where it is, if other processes have it too.
    pub(crate) const fn shared(&self) -> Option<&Arc<SharedMemory>> {
        self.shared.as_ref()
    }

    /// The staleness bound.
    pub(crate) const fn bound(&self) -> Duration {
        self.bound
    }

    /// Forgets what has expired, where no feed does.
    pub(crate) fn sweep(&self, now: Timestamp) {
        /// Ends that were reckoned by this machine's clock, which may have been set since.
        const SKEW: Duration = Duration::from_secs(300);
        self.view.sweep(now - SKEW);
    }

    /// Whether `credential` is revoked, fresh or neither, by one look that reads in the right order: asked for
    /// apart, a revocation could slip in between ([`View::judge`]).
    pub(crate) fn judge(&self, credential: &Credential<'_>, now: Uptime) -> Judgement {
        if self.has_feed {
            return self.view.judge(credential, now, self.bound);
        }
        match self.view.check(credential) {
            None => Judgement::Fresh,
            Some(RevokedBy::Unreadable) => Judgement::Stale,
            Some(by) => Judgement::Revoked(by),
        }
    }

    /// Whether anything that `credential` stands on is known to be revoked, however old that knowledge is; yes
    /// too when that cannot be told. [`Self::judge`] tells the two apart.
    pub(crate) fn revokes(&self, credential: &Credential<'_>) -> bool {
        self.view.check(credential).is_some()
    }

    /// When what credentials tell of this user or this client changed last, as far as it is known.
    pub(crate) fn changed_at(&self, subject: Option<&str>, client: &str) -> Option<Timestamp> {
        self.view.changed_at(subject, client)
    }

    /// How old the view is, at most; none before the first snapshot.
    pub(crate) fn age(&self, now: Uptime) -> Option<Duration> {
        self.view.age(now)
    }

    pub(crate) fn is_fresh(&self, now: Uptime) -> bool {
        if self.has_feed {
            self.view.is_fresh(now, self.bound)
        } else {
            self.view.is_readable()
        }
    }

    /// Whether all that was ever heard can be asked.
    pub(crate) fn is_readable(&self) -> bool {
        self.view.is_readable()
    }

    pub(crate) fn heard(&self) -> watch::Receiver<u64> {
        self.heard.subscribe()
    }

    /// Something was heard, here or by another process.
    pub(crate) fn tell(&self) {
        self.heard
            .send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Revokes a session at once, before the feed tells of it: in every process that shares the view.
    pub(crate) fn revoke_session(&self, content: &SessionContent) {
        self.revoke(&Entry {
            subject: Subject::Session(content.session()),
            expires_at: content.expires_at(),
            reason: Some("logout".to_owned()),
        });
    }

    /// The same for whatever `entry` is about.
    pub(crate) fn revoke(&self, entry: &Entry) {
        self.view.insert(entry);
    }
}
