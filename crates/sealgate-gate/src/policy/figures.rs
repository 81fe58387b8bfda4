//! What can be seen of policies: figures, and a line in the log for every change.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use sealgate_model::Timestamp;

/// What the log lines of this module are found by.
const LOG: &str = "sealgate::policy";

/// Which policies this process decides by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyStatus {
    /// The version that is loaded, whether it counts or not; none: none; 0: a file of this gate's own.
    pub version: Option<u64>,
    /// When that was applied, by the control plane's clock.
    pub made_at: Option<Timestamp>,
    /// Whether requests can be decided about: the version that counts is loaded, or none was ever applied.
    pub counts: bool,
    /// A newer version, which this gate cannot decide by.
    pub unusable: Option<u64>,
}

/// Figures of this process.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    loads: AtomicU64,
    failures: Mutex<BTreeMap<&'static str, u64>>,
    /// What was said last of why there is none.
    said: Mutex<Option<String>>,
}

impl Figures {
    /// How many bundles were loaded.
    pub(crate) fn loads(&self) -> u64 {
        self.loads.load(Ordering::Relaxed)
    }

    /// How often one was not, by why.
    pub(crate) fn failures(&self) -> BTreeMap<&'static str, u64> {
        let failures = self.failures.lock();
        failures.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Another version is decided by from now on.
    pub(super) fn loaded(&self, version: u64) {
        self.loads.fetch_add(1, Ordering::Relaxed);
        self.forget();
        tracing::info!(target: LOG, version, "another version of the policies is decided by");
    }

    /// The control plane was asked and has answered.
    pub(super) fn forget(&self) {
        *self.said.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// A version came that cannot be decided by.
    pub(super) fn unusable(&self, version: u64, why: &str) {
        self.count("policy_unusable");
        tracing::error!(
            target: LOG,
            reason = "policy_unusable",
            version,
            why,
            "THE POLICIES THAT COUNT CANNOT BE DECIDED BY HERE: every request that needs a caller is refused. \
             Update this application, or roll the policies back"
        );
    }

    /// The bundle could not be had. An outage is said once, not at every attempt.
    pub(super) fn failed(&self, code: &'static str, error: &str) {
        self.count(code);
        let news = {
            let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
            let news = said.as_deref() != Some(error);
            *said = Some(error.to_owned());
            news
        };
        if news {
            tracing::warn!(
                target: LOG,
                reason = code,
                error,
                "the policies that count cannot be fetched: what depends on them is refused; trying again"
            );
        }
    }

    fn count(&self, code: &'static str) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        *failures.entry(code).or_default() += 1;
    }
}
