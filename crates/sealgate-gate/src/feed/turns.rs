//! Of the processes that share a view one follows the feed; when it ends another one goes on where it was. While it
//! is there and does nothing (stopped by a debugger, kept from running), one of the others stands in for it.
//!
//! A process that was stopped cannot be told to stop: it goes on at some time in the middle of what it did. So both
//! may follow at once. That does no harm: each proves only what it has put into the view itself.

use std::sync::Arc;
use std::time::Duration;

use sealgate_model::Uptime;
use sealgate_shared::{Leading, SharedMemory};

use super::pauses::within;
use super::{LOG, client};
use crate::common::Common;

/// Between two looks at whether nobody leads any more: this at least, and as much again at most.
const LOOK_EVERY: Duration = Duration::from_millis(120);
/// How often who leads says that it is at work.
const SAID_EVERY: Duration = Duration::from_millis(200);
/// One that has said nothing for a quarter of the staleness bound does nothing, but within these limits.
const IDLE_LEAST: Duration = Duration::from_millis(600);
const IDLE_MOST: Duration = Duration::from_secs(2);

/// The time in which this process follows the feed.
pub(super) struct Turn<'a> {
    common: &'a Common,
    shared: Option<(&'a Arc<SharedMemory>, Leading)>,
}

impl<'a> Turn<'a> {
    fn begin(common: &'a Common, shared: Option<(&'a Arc<SharedMemory>, Leading)>) -> Self {
        common.sight().leads(true);
        Self { common, shared }
    }

    /// Whether it is this process's turn still. It always is where nothing is shared.
    pub(super) fn lasts(&self) -> bool {
        self.shared.as_ref().is_none_or(|(memory, leading)| {
            leading.holds() && !(leading.stands_in() && works(self.common, memory))
        })
    }

    /// Until it is over; what is to be said meanwhile is said.
    async fn end(&self) {
        let Some((memory, leading)) = &self.shared else {
            return std::future::pending().await;
        };
        loop {
            leading.is_at_work(self.common.uptime());
            tokio::time::sleep(SAID_EVERY).await;
            // Who stands in makes way for the one that it stands in for, and for whoever leads instead.
            if leading.stands_in() && (works(self.common, memory) || memory.try_lead().is_some()) {
                return;
            }
        }
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
        let shared = match common.view().shared() {
            None => None,
            Some(memory) => Some((memory, wait(common, memory).await)),
        };
        match &shared {
            None => {}
            Some((_, leading)) if leading.stands_in() => tracing::warn!(
                target: LOG,
                "the process that follows the revocation feed for this machine does nothing: this one stands in"
            ),
            Some(_) => tracing::info!(
                target: LOG,
                "this process follows the revocation feed for all of this machine"
            ),
        }
        let turn = Turn::begin(common, shared);
        tokio::select! {
            () = client::follow(common, &turn) => {}
            () = turn.end() => {}
        }
    }
}

async fn wait(common: &Common, memory: &Arc<SharedMemory>) -> Leading {
    let (mut said, began) = (false, common.uptime());
    loop {
        if let Some(leading) = memory.try_lead() {
            return leading;
        }
        if is_idle(common, memory, began)
            && let Some(standing_in) = memory.try_stand_in()
        {
            return standing_in;
        }
        if !said {
            said = true;
            tracing::info!(target: LOG, "another process of this machine follows the revocation feed");
        }
        let more = within(LOOK_EVERY, common.random());
        tokio::time::sleep(LOOK_EVERY + more).await;
    }
}

/// Whether the leader is there and does nothing. One that may just have begun is given its time since `began`.
fn is_idle(common: &Common, memory: &SharedMemory, began: Uptime) -> bool {
    let patience = (common.view().bound() / 4).clamp(IDLE_LEAST, IDLE_MOST);
    let at_work = memory.leader_at_work().unwrap_or(began).max(began);
    common.uptime().since(at_work) > patience
}

/// Whether the leader has just said that it is at work.
fn works(common: &Common, memory: &SharedMemory) -> bool {
    memory
        .leader_at_work()
        .is_some_and(|at_work| common.uptime().since(at_work) < IDLE_LEAST)
}
