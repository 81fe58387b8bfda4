//! Whether a session is still alive, whoever asks.

use sealgate_model::Timestamp;
use sealgate_revocation::Credential;
use sealgate_session::SessionContent;

use crate::common::Common;
use crate::denial::Denial;
use crate::stale::{Change, END_OF_TIME, Knowledge};

/// Expiry, idle time and revocation, in this order; else how current the last of these is. A revocation that is
/// known counts even when the view is stale.
pub(crate) fn check(common: &Common, content: &SessionContent) -> Result<Knowledge, Denial> {
    let now = common.now();
    if now >= content.expires_at() {
        return Err(Denial::SessionExpired);
    }
    if now.since(content.renewed_at()) > common.settings().idle_limit {
        return Err(Denial::SessionIdle);
    }
    let credential = Credential {
        tenant: content.tenant(),
        grants: &[],
        session: Some(content.session()),
        subject: Some(content.subject()),
        client: common.settings().client_id.as_str(),
        key: content.key(),
        token: None,
        started_at: content.started_at(),
    };
    let judged = common.view().judge(&credential, common.uptime());
    judged.map_err(|_| Denial::SessionRevoked)
}

/// Whether what a session says of its user or of this client has changed since: then it has to be renewed before
/// it is good for anything. To be asked after [`check`]: what the view is fresh by is in it then.
pub(crate) fn change(common: &Common, content: &SessionContent) -> Change {
    let client = common.settings().client_id.as_str();
    let changed_at = common.view().changed_at(Some(content.subject()), client);
    Change::of(changed_at, content.told_at())
}

/// The last such change that is known.
pub(crate) fn changed_at(common: &Common, content: &SessionContent) -> Option<Timestamp> {
    let client = common.settings().client_id.as_str();
    let changed_at = common.view().changed_at(Some(content.subject()), client);
    changed_at.filter(|changed_at| *changed_at != END_OF_TIME)
}
