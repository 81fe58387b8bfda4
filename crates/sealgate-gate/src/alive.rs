//! Whether a session is still alive, whoever asks.

use sealgate_session::SessionContent;

use crate::common::Common;
use crate::denial::Denial;

/// Expiry, idle time, revocation and the view's freshness, in this order: a revocation that is known counts
/// even when the view is stale.
pub(crate) fn check(common: &Common, content: &SessionContent) -> Result<(), Denial> {
    let now = common.now();
    if now >= content.expires_at() {
        return Err(Denial::SessionExpired);
    }
    if now.since(content.renewed_at()) > common.settings().idle_limit {
        return Err(Denial::SessionIdle);
    }
    let client = &common.settings().client_id;
    common.view().check(content, client, common.uptime())
}
