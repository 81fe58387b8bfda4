//! Back-channel logout (OpenID Connect Back-Channel Logout 1.0): telling clients which sessions ended.
//!
//! What is owed stands in the store, written with the end of the session, so that neither a restart nor
//! a client that is down loses it, and nobody who signs out waits for a client.

mod schedule;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::{StreamExt as _, stream};
use sealgate_host::OutboundRequest;
use sealgate_model::{ClientId, Secret, SessionId, Timestamp, UserId};
use sealgate_store::{Audit, AuditActor, Client, LogoutDelivery, StoreError};
use serde::Serialize;
use serde_json::{Map, Value};
use tokio::time::timeout;

use crate::oauth::signing_algorithm;
use crate::{ControlPlane, metrics};

/// The type of logout tokens (Back-Channel Logout, 2.4).
const LOGOUT_TYPE: &str = "logout+jwt";

/// The event that a logout token tells of.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// How long a logout token is good (Back-Channel Logout, 2.4: at most two minutes).
const LIFE: Duration = Duration::from_secs(120);

/// How often the store is asked for what is due, besides whenever something was revoked.
const ROUND: Duration = Duration::from_secs(5);

/// How many deliveries are taken up in one round, and how many of them to one address: a round ends when
/// the slowest address is through, and whatever becomes due meanwhile waits for the next.
const BATCH: u32 = 512;
const SHARE: u32 = 16;

/// How many addresses are spoken to at once, and how many requests are made at once to one of them.
const ADDRESSES: usize = 16;
const PER_ADDRESS: usize = 4;

/// How much of an answer is read: what it says is not used.
const ANSWER: usize = 1024;

/// Delivers what is owed for as long as the process lives. A failure of the store is logged and the
/// round repeated.
pub(crate) async fn deliver(plane: Arc<ControlPlane>) {
    let mut revoked = plane.store.revocation_wakeup();
    loop {
        match round(&plane).await {
            // There may be more than one round's worth.
            Ok(due) if due >= SHARE as usize => continue,
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(reason = error.code(), %error, "logouts were not delivered");
            }
        }
        // Either way the next round asks the store; nothing depends on why.
        let _ = timeout(ROUND, revoked.changed()).await;
    }
}

/// Tries every delivery that is due once, the longest due first and no more than a share to one address.
/// How many there were.
pub(crate) async fn round(plane: &ControlPlane) -> Result<usize, StoreError> {
    let now = plane.clock.now();
    let due = plane.store.deliveries_due(now, BATCH, SHARE).await?;
    let count = due.len();
    // By address, so that one that is down or slow holds up nobody else's.
    let mut order: Vec<String> = Vec::new();
    let mut queues: HashMap<String, Vec<LogoutDelivery>> = HashMap::new();
    for delivery in due {
        let queue = queues.entry(delivery.uri.clone()).or_insert_with(|| {
            order.push(delivery.uri.clone());
            Vec::new()
        });
        queue.push(delivery);
    }
    let queues: Vec<_> = order
        .into_iter()
        .filter_map(|uri| queues.remove(&uri))
        .collect();
    let outcomes = stream::iter(queues)
        .map(|queue| work_off(plane, queue))
        .buffer_unordered(ADDRESSES)
        .collect::<Vec<_>>()
        .await;
    outcomes.into_iter().collect::<Result<(), _>>()?;
    Ok(count)
}

/// Tries the deliveries to one address. Once it cannot be reached at all, the rest are not tried: each
/// would wait for the same silence.
async fn work_off(plane: &ControlPlane, queue: Vec<LogoutDelivery>) -> Result<(), StoreError> {
    let mut silent = None;
    for some in queue.chunks(PER_ADDRESS) {
        let tries = some.iter().map(|delivery| async move {
            let sent = match silent {
                None => send(plane, delivery).await?,
                Some(reason) => Err(Failure::Later(reason)),
            };
            settle(plane, delivery, sent).await
        });
        for outcome in futures_util::future::join_all(tries).await {
            silent = silent.or(outcome?);
        }
    }
    Ok(())
}

/// Why a client was not told.
enum Failure {
    /// It may be told later; the reason.
    Later(&'static str),
    /// It was not reached at all.
    Silent(&'static str),
    /// Nobody can be told.
    Never(&'static str),
}

/// The claims of a logout token (Back-Channel Logout, 2.4). It has no `nonce`, so that it is never
/// taken for an ID token.
#[derive(Serialize)]
struct LogoutClaims<'a> {
    iss: &'a str,
    aud: &'a ClientId,
    iat: i64,
    exp: i64,
    jti: String,
    events: Value,
    sub: UserId,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<SessionId>,
}

async fn send(
    plane: &ControlPlane,
    delivery: &LogoutDelivery,
) -> Result<Result<(), Failure>, StoreError> {
    let Some(client) = plane.store.client(&delivery.client).await? else {
        // With its registration went the algorithm that it verifies.
        return Ok(Err(Failure::Never("client_removed")));
    };
    let token = match token(plane, &client, delivery, plane.clock.now()) {
        Ok(token) => token,
        Err(error) => {
            tracing::error!(%error, client = %client.id, "a logout token could not be signed");
            return Ok(Err(Failure::Later("logout_token_unsigned")));
        }
    };
    let fields = vec![("logout_token", Secret::new(token))];
    let request = OutboundRequest::post_form(delivery.uri.clone(), fields, ANSWER);
    Ok(match plane.outbound.send(request).await {
        // Some frameworks make 204 of an empty answer.
        Ok(answer) if matches!(answer.status, 200 | 204) => Ok(()),
        Ok(_) => Err(Failure::Later("logout_refused")),
        Err(error) if error.may_pass() => Err(Failure::Silent(error.code())),
        Err(error) => Err(Failure::Never(error.code())),
    })
}

fn token(
    plane: &ControlPlane,
    client: &Client,
    delivery: &LogoutDelivery,
    now: Timestamp,
) -> Result<String, String> {
    let event = (EVENT.to_owned(), Value::Object(Map::new()));
    let claims = LogoutClaims {
        iss: plane.issuer.as_str(),
        aud: &client.id,
        iat: now.as_seconds(),
        exp: (now + LIFE).as_seconds(),
        jti: URL_SAFE_NO_PAD.encode(plane.random.bytes::<16>()),
        events: Value::Object(Map::from_iter([event])),
        sub: delivery.user,
        sid: delivery.session,
    };
    let algorithm = signing_algorithm(client).map_err(|error| error.to_string())?;
    let signed = plane.keys.sign(algorithm, LOGOUT_TYPE, &claims);
    signed.map_err(|error| error.to_string())
}

/// Notes what came of a try. Gives the reason back if the address was silent.
async fn settle(
    plane: &ControlPlane,
    delivery: &LogoutDelivery,
    sent: Result<(), Failure>,
) -> Result<Option<&'static str>, StoreError> {
    let now = plane.clock.now();
    let (reason, silent, over) = match sent {
        Ok(()) => {
            let audit = record(delivery, Audit::allowed(now, AuditActor::System, ACTION));
            plane.store.delivery_done(delivery.id, audit).await?;
            metrics::logout_delivered("delivered");
            return Ok(None);
        }
        Err(Failure::Later(reason)) => (reason, None, false),
        Err(Failure::Silent(reason)) => (reason, Some(reason), false),
        Err(Failure::Never(reason)) => (reason, None, true),
    };
    if let Some(wait) = schedule::next_try(delivery.attempts).filter(|_| !over) {
        plane.store.delivery_failed(delivery.id, now + wait).await?;
        metrics::logout_delivered("failed");
    } else {
        let audit = Audit::denied(now, AuditActor::System, ACTION, reason);
        let audit = record(delivery, audit);
        plane.store.delivery_done(delivery.id, audit).await?;
        metrics::logout_delivered("given_up");
        tracing::warn!(client = %delivery.client, reason, "a client was not told of a logout");
    }
    Ok(silent)
}

/// What the record calls it.
const ACTION: &str = "logout.deliver";

fn record(delivery: &LogoutDelivery, audit: Audit) -> Audit {
    Audit {
        user: Some(delivery.user),
        client: Some(delivery.client.clone()),
        session: delivery.session,
        ..audit
    }
}
