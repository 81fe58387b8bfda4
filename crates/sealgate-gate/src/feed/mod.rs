//! Following the revocation feed (docs/spec/revocation-feed.md).

mod client;
mod metrics;
mod pauses;
mod receipts;
mod sight;
mod status;
mod turns;
mod watching;

use std::time::Duration;

use sealgate_model::Uptime;

use crate::common::Common;

pub(crate) use pauses::within;
pub(crate) use sight::Sight;
pub use status::FeedStatus;
pub(crate) use status::{openmetrics, status};

/// Between two looks for revocations that are over, where there is no feed whose messages are the occasion.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// Between two looks at whether another process keeps the view fresh.
pub(crate) const LOOK: Duration = Duration::from_millis(25);
/// One that said within this time that it is at work is: it says so every 200 ms.
const AT_WORK: Duration = Duration::from_millis(300);

/// Whether the view is fresh, and more than what somebody has left behind: something was proven since `began`, or
/// another process follows the feed right now.
pub(crate) fn is_kept(common: &Common, began: Uptime) -> bool {
    let (view, now) = (common.view(), common.uptime());
    if !view.is_fresh(now) {
        return false;
    }
    let Some(memory) = view.shared() else {
        return true;
    };
    let proven_since = view.age(now).is_none_or(|age| age <= now.since(began));
    let at_work = || memory.leader_at_work();
    let is_followed = common
        .sight()
        .heard_as_leader()
        .unwrap_or_else(|| at_work().is_some_and(|at| now.since(at) <= AT_WORK));
    proven_since || is_followed
}

/// What the log lines of this module are found by.
pub(crate) const LOG: &str = "sealgate::feed";

/// Keeps keys, view and policies fresh until the future is dropped.
pub(crate) async fn follow(common: &Common) {
    let keys = common.provider().issuers().follow();
    if common.provider().preset().has_feed {
        let feed = turns::take(common);
        let policy = crate::policy::keep(common);
        let state = crate::report::state::keep(common);
        futures_util::future::join5(keys, feed, watching::watch(common), policy, state).await;
    } else {
        futures_util::future::join(keys, sweep(common)).await;
    }
}

/// Forgets the logouts that are over, as the only thing that there is to do without a feed.
async fn sweep(common: &Common) {
    loop {
        tokio::time::sleep(SWEEP_EVERY).await;
        common.view().sweep(common.now());
    }
}
