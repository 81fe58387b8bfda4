//! Watching the view, whoever writes into it: wakes those who wait for news, and tells when it goes stale and
//! when it is fresh again.

use std::time::Duration;

use crate::common::Common;

/// Between two looks at a view that other processes write into.
const SHARED: Duration = Duration::from_millis(25);
/// The same at one of this process's own, whose news are told as they come: only time can change it unseen.
const OWN: Duration = Duration::from_millis(200);

pub(super) async fn watch(common: &Common) {
    let view = common.view();
    let every = if view.shared().is_some() { SHARED } else { OWN };
    let mut version = view.view().version();
    loop {
        tokio::time::sleep(every).await;
        let now = view.view().version();
        if now != version {
            version = now;
            view.tell();
        }
        look(common);
    }
}

/// Tells of a change between fresh and stale, once.
pub(super) fn look(common: &Common) {
    let (view, uptime) = (common.view(), common.uptime());
    let fresh = view.is_fresh(uptime);
    common
        .sight()
        .is_fresh(fresh, view.age(uptime), common.now());
}
