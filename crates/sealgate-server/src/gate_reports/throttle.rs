//! How often gates report.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sealgate_model::{ClientId, Uptime};

use crate::limits::{Buckets, Rate};

/// Reports of one client: as many at once as processes of it are remembered, and ten each second after that.
const CLIENT: Rate = Rate {
    at_once: 512,
    every: Duration::from_millis(100),
};

/// Records in the audit log that a client lost decisions: a few at once, and one each minute after that.
const LOST: Rate = Rate {
    at_once: 10,
    every: Duration::from_secs(60),
};

/// How often each client has reported of late.
#[derive(Debug, Default)]
pub struct ReportThrottle {
    reports: Mutex<Buckets<ClientId>>,
    lost: Mutex<Buckets<ClientId>>,
}

impl ReportThrottle {
    /// Nobody has.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts a report, or says after how long there is room for it.
    pub(super) fn admit(&self, client: &ClientId, now: Uptime) -> Result<(), Duration> {
        let mut buckets = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.take(client.clone(), CLIENT, now.elapsed())
    }

    /// Whether one more record says that this client lost decisions.
    pub(crate) fn tells_of_lost(&self, client: &ClientId, now: Uptime) -> bool {
        let mut buckets = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.take(client.clone(), LOST, now.elapsed()).is_ok()
    }
}
