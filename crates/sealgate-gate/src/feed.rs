//! Following the revocation feed (docs/spec/revocation-feed.md).

use std::time::Duration;

use futures_util::StreamExt as _;
use sealgate_revocation::{
    Action, Expected, MESSAGE_LIMIT, MESSAGE_TYPE, Message, SNAPSHOT_LIMIT, Subject,
};

use crate::common::Common;
use crate::provider::ProviderError;
use crate::query::with_params;
use crate::sse::{Event, Parser};

/// Heartbeats come every second: this much silence means that the stream is dead, whatever TCP says.
const SILENCE: Duration = Duration::from_secs(3);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Between two looks for revocations that are over, where there is no feed whose messages are the occasion.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// Keeps keys and view fresh until the future is dropped.
pub(crate) async fn follow(common: &Common) {
    let keys = common.provider().issuers().follow();
    if common.provider().preset().has_feed {
        futures_util::future::join(keys, follow_feed(common)).await;
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

/// Follows the feed until the future is dropped. Whatever fails is tried again after a pause that grows,
/// with jitter, so that a thousand gates do not come back at the same moment.
async fn follow_feed(common: &Common) {
    let mut pause = FIRST_PAUSE;
    let mut said = String::new();
    loop {
        let mut lived = false;
        let ended = round(common, &mut lived).await;
        if lived {
            pause = FIRST_PAUSE;
            said.clear();
        }
        match ended {
            Ok(reason) => tracing::info!(reason, "the revocation feed is taken up again"),
            // An outage is said once, not at every attempt.
            Err(error) => {
                let error = error.to_string();
                if error != said {
                    tracing::warn!(
                        error,
                        "the revocation feed cannot be followed; trying again"
                    );
                    said = error;
                }
            }
        }
        tokio::time::sleep(jittered(common, pause)).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// A snapshot if one is needed, then the stream as long as it lasts. Tells what ended it; `lived` is set
/// once it brought anything.
async fn round(common: &Common, lived: &mut bool) -> Result<&'static str, ProviderError> {
    let metadata = common.provider().metadata().await?;
    let (Some(events), Some(snapshot)) = (
        metadata.revocation_feed_endpoint.clone(),
        metadata.revocation_snapshot_endpoint.clone(),
    ) else {
        return Err(ProviderError::Unacceptable(
            "the issuer offers no revocation feed: if it is no Sealgate, set SEALGATE_PROVIDER to what it is"
                .to_owned(),
        ));
    };
    if common.view().position().is_none() {
        fetch_snapshot(common, snapshot).await?;
    }
    let Some((epoch, seq)) = common.view().position() else {
        return Ok("feed_start");
    };
    let url = with_params(&events, &[("epoch", &epoch), ("after", &seq.to_string())]);
    let mut stream = common
        .provider()
        .open_authenticated(url, "text/event-stream")
        .await?
        .pieces;
    let mut parser = Parser::default();
    loop {
        let Ok(Some(piece)) = tokio::time::timeout(SILENCE, stream.next()).await else {
            return Ok(common.view().disconnected().unwrap_or("feed_silent"));
        };
        let piece = piece.map_err(ProviderError::from)?;
        let received = common.uptime();
        let events = parser.push(&piece).map_err(|_| {
            ProviderError::Unacceptable("an event of the feed is too long".to_owned())
        })?;
        for event in events {
            if let Action::Resync(reason) = take(common, &event, received).await? {
                return Ok(reason.code());
            }
            *lived = true;
        }
    }
}

async fn fetch_snapshot(common: &Common, url: String) -> Result<(), ProviderError> {
    let sent = common.uptime();
    let body = common
        .provider()
        .get_authenticated(url, "application/secevent+jwt")
        .await?;
    let received = common.uptime();
    let token = String::from_utf8(body)
        .map_err(|_| ProviderError::Unacceptable("the snapshot is not a token".to_owned()))?;
    let message = read(common, SNAPSHOT_LIMIT, token.trim()).await?;
    common.view().snapshot(&message, sent, received);
    Ok(())
}

async fn take(
    common: &Common,
    event: &Event,
    received: sealgate_model::Uptime,
) -> Result<Action, ProviderError> {
    match event.kind.as_str() {
        "set" => {
            let message = read(common, MESSAGE_LIMIT, &event.data).await?;
            Ok(common.view().message(&message, received, common.now()))
        }
        // `reset`, or an event that is not known and could matter: a snapshot tells what it told.
        _ => Ok(common.view().reset()),
    }
}

async fn read(common: &Common, limit: usize, token: &str) -> Result<Message, ProviderError> {
    let verified = common
        .provider()
        .verify(limit, token, &[MESSAGE_TYPE])
        .await?;
    let expected = Expected {
        issuer: common.settings().issuer.clone(),
        client: common.settings().client_id.clone(),
    };
    let message = Message::parse(&verified.payload, &expected)
        .map_err(|error| ProviderError::Unacceptable(format!("a message of the feed: {error}")))?;
    // The view denies the sessions that a revoked key vouched for; it must not vouch for new ones either,
    // nor for the feed itself.
    for entry in message.entries() {
        if let Subject::Key { kid } = &entry.subject {
            common.provider().distrust(kid);
        }
    }
    Ok(message)
}

/// Between half of `pause` and all of it.
fn jittered(common: &Common, pause: Duration) -> Duration {
    let [byte] = common.random().bytes::<1>();
    pause / 2 + pause / 2 * u32::from(byte) / 255
}
