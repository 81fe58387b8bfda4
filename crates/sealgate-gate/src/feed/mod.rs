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

use crate::common::Common;

pub(crate) use sight::Sight;
pub use status::FeedStatus;
pub(crate) use status::{openmetrics, status};

/// Between two looks for revocations that are over, where there is no feed whose messages are the occasion.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// What the log lines of this module are found by.
pub(crate) const LOG: &str = "sealgate::feed";

/// Keeps keys and view fresh until the future is dropped.
pub(crate) async fn follow(common: &Common) {
    let keys = common.provider().issuers().follow();
    if common.provider().preset().has_feed {
        let feed = turns::take(common);
        futures_util::future::join3(keys, feed, watching::watch(common)).await;
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
