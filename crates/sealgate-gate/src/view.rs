//! The revocation view that every decision asks, of this process alone or of all processes of the machine.

use std::sync::Arc;
use std::time::Duration;

use sealgate_model::{Timestamp, Uptime};
use sealgate_revocation::{Credential, Entry, RevokedBy, Subject, View};
use sealgate_session::SessionContent;
use sealgate_shared::SharedMemory;
use tokio::sync::watch;

use crate::stale::Knowledge;

/// What the view says of bundles of policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PolicyWord {
    /// The last moment whose bundles do not count; none: there never was one.
    pub(crate) not_before: Option<Timestamp>,
    /// Whether the key that was asked about is revoked.
    pub(crate) key_is_revoked: bool,
}

/// The view, which many requests read without a lock. Whoever follows the feed writes into it.
pub(crate) struct RevocationView {
    view: Arc<View>,
    /// Where it is, if other processes have it too.
    shared: Option<Arc<SharedMemory>>,
    bound: Duration,
    /// For so long beyond the bound the setting may let something go on.
    beyond: Duration,
    /// Without a feed nothing is ever heard, and nobody waits for it.
    has_feed: bool,
    /// What found no room in the view where no feed would ever tell of it again, for this process alone.
    spilled: View,
    /// Counts what is heard, so that waiting for readiness needs no polling.
    heard: watch::Sender<u64>,
}

impl RevocationView {
    /// The view in `shared`, or one of this process alone. What is older than `bound` is late for as long as
    /// `beyond`, and then stale.
    pub(crate) fn new(
        (bound, beyond): (Duration, Duration),
        shared: Option<Arc<SharedMemory>>,
    ) -> Self {
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
            beyond,
            has_feed: true,
            spilled: View::new(),
            heard: watch::Sender::new(0),
        }
    }

    /// A view that knows of the revocations alone that were made here, because the issuer has no feed. How
    /// fresh it is, is not asked.
    pub(crate) fn without_feed(shared: Option<Arc<SharedMemory>>) -> Self {
        Self {
            has_feed: false,
            ..Self::new((Duration::ZERO, Duration::ZERO), shared)
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
        self.spilled.sweep(now - SKEW);
    }

    /// What revokes `credential`, or else how current it is that nothing does, by one look that reads in the right
    /// order: asked for apart, a revocation could slip in between ([`View::judge`]).
    pub(crate) fn judge(
        &self,
        credential: &Credential<'_>,
        now: Uptime,
    ) -> Result<Knowledge, RevokedBy> {
        let reading = self.view.read();
        if let Some(by) = reading.revoked_by(credential) {
            return Err(by);
        }
        let is_current = if self.has_feed {
            reading.is_fresh(now, self.bound)
        } else if let Some(by) = self.spilled.check(credential) {
            return Err(by);
        } else {
            reading.is_whole()
        };
        // What is not fresh and has hardly an age is a moment to come: none of this clock, it proves nothing.
        let is_late = |age| age > self.bound && age <= self.bound + self.beyond;
        Ok(if is_current {
            Knowledge::Current
        } else if reading.age(now).is_some_and(is_late) {
            Knowledge::Late
        } else {
            Knowledge::Stale
        })
    }

    /// Whether anything that `credential` stands on is known to be revoked, however old that knowledge is; yes
    /// too when that cannot be told. [`Self::judge`] tells the two apart.
    pub(crate) fn revokes(&self, credential: &Credential<'_>) -> bool {
        self.view.check(credential).is_some() || self.spilled.check(credential).is_some()
    }

    /// When what credentials tell of this user or this client changed last, as far as it is known.
    pub(crate) fn changed_at(&self, subject: Option<&str>, client: &str) -> Option<Timestamp> {
        self.view.changed_at(subject, client)
    }

    /// What is known of bundles of policies, by one look; none where the view cannot be read as a whole.
    pub(crate) fn of_policies(&self, key: Option<&str>) -> Option<PolicyWord> {
        let reading = self.view.read();
        reading.is_whole().then(|| PolicyWord {
            not_before: reading.policy_not_before(),
            key_is_revoked: key.is_some_and(|kid| reading.key_is_revoked(kid)),
        })
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
        if self.has_feed {
            return self.view.insert(entry);
        }
        // A view that is stale until the next snapshot would be so for ever.
        if let Err(error) = self.view.try_insert(entry) {
            tracing::warn!(%error, "other processes of this machine are not told of a logout");
            self.spilled.insert(entry);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use sealgate_model::SessionId;

    use super::*;
    use crate::shut::Shut;

    const BOUND: Duration = Duration::from_secs(10);

    fn session(byte: u8) -> Credential<'static> {
        Credential {
            tenant: None,
            grants: &[],
            session: Some(SessionId::from_bytes([byte; 16])),
            subject: None,
            client: "app",
            key: None,
            token: None,
            started_at: Timestamp::from_seconds(1_790_000_000),
        }
    }

    fn revoked(byte: u8) -> Entry {
        Entry {
            subject: Subject::Session(SessionId::from_bytes([byte; 16])),
            expires_at: Timestamp::from_seconds(1_790_090_000),
            reason: None,
        }
    }

    fn at(seconds: u64) -> Uptime {
        Uptime::from_elapsed(Duration::from_secs(seconds))
    }

    #[test]
    fn without_a_feed_a_logout_that_finds_no_room_ends_its_session_and_no_other() {
        let memory = Arc::new(Shut::default());
        let view = RevocationView {
            view: Arc::new(View::over(memory.clone()).unwrap()),
            ..RevocationView::without_feed(None)
        };
        view.revoke(&revoked(1));
        memory.shut.store(true, Ordering::Relaxed);
        view.revoke(&revoked(2));
        for byte in [1, 2] {
            assert_eq!(view.judge(&session(byte), at(1)), Err(RevokedBy::Session));
            assert!(view.revokes(&session(byte)));
        }
        assert_eq!(view.judge(&session(3), at(1)), Ok(Knowledge::Current));
        assert!(view.is_fresh(at(1)) && !view.revokes(&session(3)));
    }

    #[test]
    fn what_is_older_than_the_bound_is_late_for_as_long_as_is_said() {
        let view = RevocationView::new((BOUND, Duration::from_secs(60)), None);
        let judged = |seconds| view.judge(&session(1), at(seconds)).unwrap();
        assert_eq!(judged(100), Knowledge::Stale);
        view.view().prove(at(100));
        for (seconds, expected) in [
            (100, Knowledge::Current),
            (110, Knowledge::Current),
            (111, Knowledge::Late),
            (170, Knowledge::Late),
            (171, Knowledge::Stale),
            // The moment is a little ahead, as another process may read the clock later; or no moment of it.
            (90, Knowledge::Current),
            (89, Knowledge::Stale),
            (35, Knowledge::Stale),
        ] {
            assert_eq!(judged(seconds), expected, "{seconds}");
        }
        view.view().insert(&revoked(1));
        assert_eq!(view.judge(&session(1), at(171)), Err(RevokedBy::Session));
    }
}
