//! What a gate shows of what it was told before: evidence that the database was put back from a copy.
//!
//! A gate sends the newest message of this feed that it verified, in `Sealgate-Last-Message`. If our own
//! key signed it, for this client, and it counts further than the log does, the log has lost its end: then
//! another history begins and everything is revoked that was started until now. Nobody can make such a
//! message but us, and only its client can show it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderMap, HeaderName};
use sealgate_jose::VerifyingKeys;
use sealgate_model::{ClientId, Uptime};
use sealgate_revocation::{Expected, MESSAGE_LIMIT, MESSAGE_TYPE, Message};
use sealgate_store::{Audit, AuditActor, HistoryMark};

use crate::ControlPlane;
use crate::caller::Caller;
use crate::limits::{Buckets, Rate};
use crate::problem::Problem;

/// The header: a compact JWS.
const LAST_MESSAGE: HeaderName = HeaderName::from_static("sealgate-last-message");

/// Messages that one client has looked at. After a restart all of its gates show theirs at once; of one that is
/// not looked at the gate shows the next, when it comes again.
const LOOKED_AT: Rate = Rate {
    at_once: 1_000,
    every: Duration::from_millis(10),
};

/// How often each client has shown something.
#[derive(Default)]
pub(super) struct Shown(Mutex<Buckets<ClientId>>);

impl Shown {
    fn take(&self, client: &ClientId, now: Uptime) -> bool {
        let mut shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shown.take(client.clone(), LOOKED_AT, now.elapsed()).is_ok()
    }
}

/// Looks at what the request shows, if it shows anything. What is no evidence is nothing else either: the
/// request goes on.
pub(super) async fn consider(
    plane: &Arc<ControlPlane>,
    client: &ClientId,
    caller: &Caller,
    headers: &HeaderMap,
) -> Result<(), Problem> {
    let Some(shown) = headers.get(LAST_MESSAGE) else {
        return Ok(());
    };
    if !plane.feed.shown.take(client, plane.clock.uptime()) {
        return Ok(());
    }
    let expected = Expected {
        issuer: plane.issuer.clone(),
        client: client.clone(),
    };
    let Some(mark) = read(shown.as_bytes(), &plane.keys.verifying(), &expected) else {
        tracing::debug!(%client, "what a gate shows is no message of this feed");
        return Ok(());
    };
    // What stands in the log by now is no news to it; only what does not is worth a write.
    if mark.history == plane.store.epoch().await?
        && mark.seq <= plane.store.revocation_head().await?
    {
        return Ok(());
    }
    let next = format!("{:032x}", u128::from_be_bytes(plane.random.bytes()));
    let audit = Audit {
        actor: AuditActor::System,
        client: Some(client.clone()),
        ..caller.act(plane.clock.now(), "store.restored")
    };
    let restored = plane.store.history_lost(mark, next, audit).await?;
    if let Some(restored) = restored {
        plane.was_restored(&restored).await;
    }
    Ok(())
}

/// How far the history goes that a message tells of, if it is one that these keys signed for this client.
fn read(shown: &[u8], keys: &VerifyingKeys, expected: &Expected) -> Option<HistoryMark> {
    if shown.len() > MESSAGE_LIMIT {
        return None;
    }
    let token = std::str::from_utf8(shown).ok()?;
    let verified = keys
        .verify_up_to(MESSAGE_LIMIT, token, &[MESSAGE_TYPE])
        .ok()?;
    let message = Message::parse(&verified.payload, expected).ok()?;
    // The store's history, and what tells processes apart that went on in it.
    let (history, _) = message.epoch.as_str().rsplit_once('-')?;
    Some(HistoryMark {
        history: history.to_owned(),
        seq: message.seq,
    })
}

#[cfg(test)]
mod tests;
