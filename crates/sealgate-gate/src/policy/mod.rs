//! The policies that this gate decides by: the bundle that it has loaded, and whether it still counts.
//!
//! Which bundle counts, the revocation view says: what was made at or before its word is out of date
//! (docs/spec/policy-bundle.md). Where the view is fresh, a bundle that it does not speak against was in force
//! no longer ago than the staleness bound, as a credential that it does not revoke was good. A view without any
//! such word has seen no bundle at all, so that nobody can keep one from a gate by answering in the control
//! plane's place.
//!
//! A decision asks [`Policy::current`] after the view was found to be fresh, by the credential's own judgement:
//! the other way round a bundle could be replaced after the look, and the message that proves it come before the
//! question of freshness. [`Denial::PolicyStale`] means that another one has to be fetched: what is pending
//! fetches it ([`Policy::have`]) and asks again.

mod decide;
mod fetch;
mod figures;
mod file;
mod loaded;
mod mapped;

use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};
use sealgate_model::{Timestamp, Uptime};
use sealgate_policy::Bundle;

use crate::caller::{Caller, CredentialKind};
use crate::common::Common;
use crate::denial::Denial;
use crate::settings::{Settings, SettingsError};
pub use decide::{Act, policy_id};
pub(crate) use decide::{Answers, Judged, refuses, refuses_route};
use fetch::Fetching;
pub(crate) use fetch::keep;
pub(crate) use figures::Figures;
pub use figures::PolicyStatus;
pub(crate) use file::load;
pub(crate) use loaded::Loaded;
pub(crate) use mapped::{Remembered, kept, of_session, of_token, outdated, outdated_by};

/// What this process has of policies.
pub(crate) struct Policies {
    held: ArcSwap<Held>,
    fetching: Fetching,
    figures: Figures,
    /// What tests of the application decide by, where they say so.
    stand_in: ArcSwapOption<Loaded>,
}

/// What is decided by, as far as this process has it.
#[derive(Default, Clone)]
struct Held {
    /// The newest bundle that this gate can decide by.
    loaded: Option<Arc<Loaded>>,
    /// A newer one, which it cannot.
    unusable: Option<Unusable>,
    /// The moment as of which the control plane itself has said that nothing newer is there.
    confirmed: Option<Uptime>,
}

/// A bundle that this gate cannot decide by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Unusable {
    version: u64,
    made_at: Timestamp,
}

impl Policies {
    /// What the settings name, or nothing yet.
    pub(crate) fn new(settings: &Settings) -> Result<Self, SettingsError> {
        let loaded = settings
            .policy_file
            .as_deref()
            .map(|path| load(path.as_ref()))
            .transpose()?;
        let held = Held {
            loaded: loaded.map(Arc::new),
            ..Held::default()
        };
        Ok(Self {
            held: ArcSwap::from_pointee(held),
            fetching: Fetching::default(),
            figures: Figures::default(),
            stand_in: ArcSwapOption::empty(),
        })
    }
}

/// What is decided by, and whether it counts.
#[derive(Clone, Copy)]
pub(crate) struct Policy<'a> {
    common: &'a Common,
}

impl<'a> Policy<'a> {
    pub(crate) const fn of(common: &'a Common) -> Self {
        Self { common }
    }

    /// The bundle that counts; none where no policies were ever applied. It costs two looks without a lock.
    ///
    /// To be asked after the view was found to be fresh for the same decision, and once for each decision: what
    /// claims give and what policies allow belong to one version.
    ///
    /// # Errors
    /// [`Denial::PolicyStale`] where another bundle than the one at hand counts, or one is yet to be fetched;
    /// [`Denial::PolicyUnusable`] where the one that counts cannot be decided by here; [`Denial::FeedStale`]
    /// where that cannot be told.
    pub(crate) fn current(self) -> Result<Option<Arc<Loaded>>, Denial> {
        let held = self.common.policies().held.load();
        if !self.common.provider().preset().has_feed {
            return Ok(held.loaded.clone());
        }
        let key = held.loaded.as_ref().and_then(|loaded| loaded.key());
        let word = self.common.view().of_policies(key);
        let word = word.ok_or(Denial::FeedStale)?;
        let counts = |made_at| Bundle::counts(made_at, word.not_before);
        match (&held.loaded, held.unusable) {
            // A file of this gate's own counts where the control plane has nothing to say: two are one too many.
            (Some(loaded), other) if loaded.is_own() => {
                if word.not_before.is_none() && other.is_none() {
                    Ok(Some(Arc::clone(loaded)))
                } else {
                    Err(Denial::PolicyUnusable)
                }
            }
            (_, Some(unusable)) if counts(unusable.made_at) => Err(Denial::PolicyUnusable),
            (Some(loaded), _) if counts(loaded.made_at) && !word.key_is_revoked => {
                Ok(Some(Arc::clone(loaded)))
            }
            // Nothing was ever applied, as far as all is known that was.
            (None, _) if word.not_before.is_none() => Ok(None),
            _ => Err(Denial::PolicyStale),
        }
    }

    /// The same for whoever has judged no credential just now: with a view that is not fresh there is none.
    ///
    /// # Errors
    /// Those of [`Self::current`]; [`Denial::FeedStale`] where the view is older than the staleness bound.
    pub(crate) fn current_now(self) -> Result<Option<Arc<Loaded>>, Denial> {
        if !self.common.view().is_fresh(self.common.uptime()) {
            return Err(Denial::FeedStale);
        }
        self.current()
    }

    /// What decides about `caller`, which counts as [`Self::current`] says. About an actor that a test put there
    /// decides what the test said, or else what is at hand: no feed speaks against it.
    ///
    /// # Errors
    /// Those of [`Self::current`].
    pub(crate) fn about(self, caller: &Caller) -> Result<Option<Arc<Loaded>>, Denial> {
        if caller.credential.kind != CredentialKind::Test {
            return self.current();
        }
        let policies = self.common.policies();
        let stand_in = policies.stand_in.load_full();
        Ok(stand_in.or_else(|| policies.held.load().loaded.clone()))
    }

    /// What decides about what `caller` does later than at the gate: their credential was judged then, and how fresh
    /// the view is has to be asked again.
    ///
    /// # Errors
    /// Those of [`Self::current_now`]. While the feed is silent, what the control plane itself has confirmed within
    /// the staleness bound counts.
    pub(crate) fn about_now(self, caller: &Caller) -> Result<Option<Arc<Loaded>>, Denial> {
        let is_test = caller.credential.kind == CredentialKind::Test;
        let has_feed = self.common.provider().preset().has_feed;
        if is_test || !has_feed || self.is_confirmed() {
            return self.about(caller);
        }
        self.current_now()
    }

    /// From now on `loaded` decides about actors that a test puts there; nothing: what is at hand does.
    pub(crate) fn stand_in(self, loaded: Option<Arc<Loaded>>) {
        self.common.policies().stand_in.store(loaded);
    }

    /// Whether a bundle has to be fetched before anything can be decided.
    pub(crate) fn is_wanted(self) -> bool {
        matches!(self.current(), Err(Denial::PolicyStale))
    }

    /// Fetches the bundle that counts, if another one is at hand. All who need it wait together; where it has just
    /// failed for others, it has failed for this one too. Whether there is one now, [`Self::current`] tells.
    pub(crate) async fn have(self) {
        if self.is_wanted() {
            self.common.policies().fetching.fetch(self.common).await;
        }
    }

    /// Has the control plane say that the bundle at hand is the newest, unless it has within the staleness bound:
    /// for a request that goes on because the control plane vouches for its credential, while the feed is silent.
    ///
    /// # Errors
    /// [`Denial::PolicyStale`] where it does not answer.
    pub(crate) async fn confirm(self) -> Result<(), Denial> {
        if !self.common.provider().preset().has_feed || self.is_confirmed() {
            return Ok(());
        }
        self.common.policies().fetching.confirm(self.common).await;
        if self.is_confirmed() {
            Ok(())
        } else {
            Err(Denial::PolicyStale)
        }
    }

    fn is_confirmed(self) -> bool {
        let confirmed = self.common.policies().held.load().confirmed;
        let bound = self.common.view().bound();
        confirmed.is_some_and(|at| self.common.uptime().since(at) <= bound)
    }

    /// Whether requests can be decided about: the bundle that counts is at hand, or none ever was.
    pub(crate) fn is_ready(self) -> bool {
        self.current().is_ok()
    }

    /// The version at hand, for records: one look without a lock.
    pub(crate) fn version(self) -> Option<u64> {
        let held = self.common.policies().held.load();
        held.loaded.as_ref().map(|loaded| loaded.version)
    }

    /// What can be seen of it.
    pub(crate) fn status(self) -> PolicyStatus {
        let held = self.common.policies().held.load();
        let loaded = held.loaded.as_ref();
        PolicyStatus {
            version: loaded.map(|loaded| loaded.version),
            made_at: loaded.map(|loaded| loaded.made_at),
            counts: self.is_ready(),
            unusable: held.unusable.map(|unusable| unusable.version),
        }
    }

    /// The figures of this process.
    pub(crate) const fn figures(self) -> &'a Figures {
        &self.common.policies().figures
    }
}
