//! Of the processes that share a view one follows the feed; when it ends another one goes on where it was.

use std::time::Duration;

use sealgate_shared::{Leading, SharedMemory};
use std::sync::Arc;

use super::pauses::within;
use super::{LOG, client};
use crate::common::Common;

/// Between two looks at whether nobody leads any more: this at least, and as much again at most.
const LOOK_EVERY: Duration = Duration::from_millis(120);

/// The time in which this process follows the feed.
pub(super) struct Turn<'a> {
    common: &'a Common,
    leading: Option<Leading>,
}

impl<'a> Turn<'a> {
    fn begin(common: &'a Common, leading: Option<Leading>) -> Self {
        common.sight().leads(true);
        Self { common, leading }
    }

    /// Whether it is this process's turn still. It always is where nothing is shared.
    pub(super) fn lasts(&self) -> bool {
        self.leading.as_ref().is_none_or(Leading::holds)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.common.sight().leads(false);
    }
}

/// Follows the feed whenever it is this process's turn, until the future is dropped.
pub(super) async fn take(common: &Common) {
    loop {
        let leading = match common.view().shared() {
            None => None,
            Some(memory) => Some(wait(common, memory).await),
        };
        let is_shared = leading.is_some();
        let turn = Turn::begin(common, leading);
        if is_shared {
            tracing::info!(target: LOG, "this process follows the revocation feed for all of this machine");
        }
        client::follow(common, &turn).await;
    }
}

async fn wait(common: &Common, memory: &Arc<SharedMemory>) -> Leading {
    let mut said = false;
    loop {
        if let Some(leading) = memory.try_lead() {
            return leading;
        }
        if !said {
            said = true;
            tracing::info!(target: LOG, "another process of this machine follows the revocation feed");
        }
        let more = within(LOOK_EVERY, common.random());
        tokio::time::sleep(LOOK_EVERY + more).await;
    }
}
