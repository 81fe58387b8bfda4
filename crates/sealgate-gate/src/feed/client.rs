//! One connection after another to the control plane: a snapshot where one is needed, then the stream.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use sealgate_model::{Random, Uptime};
use sealgate_revocation::{
    Action, Expected, Follower, MESSAGE_LIMIT, MESSAGE_TYPE, Message, SNAPSHOT_LIMIT, Subject,
};
use tokio::time::{Instant, timeout, timeout_at};

use super::pauses::Pauses;
use super::receipts::{Receipt, Receipts};
use super::turns::Turn;
use super::watching;
use crate::common::Common;
use crate::provider::{Metadata, ProviderError};
use crate::query::with_params;
use crate::sse::{Event, Parser};

/// Heartbeats come every second: when nothing was proven for this long the stream is dead, whatever TCP says and
/// whatever else it brings.
const SILENCE: Duration = Duration::from_secs(3);

/// How long the head of the stream may take, and a snapshot at first. What hangs is better asked again.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a snapshot may take when there was too little time for the one before.
const MORE_PATIENCE: Duration = Duration::from_secs(10);

/// So many streams in a row that proved nothing, and the position itself is doubted.
const DOUBTFUL: u32 = 2;

/// Sweeping looks at every entry, so that it is not done at every heartbeat.
const SWEEP_EVERY: u64 = 300;

/// Shows the control plane how far this gate had come, should it have been restored from a backup.
const LAST_MESSAGE: &str = "sealgate-last-message";
/// A longer message is not shown: header fields have their limits on the way.
const LAST_MESSAGE_LIMIT: usize = 8 * 1024;

/// How a connection ended.
enum Ended {
    /// It can be opened anew from where it was.
    Lost(&'static str),
    /// A snapshot is needed first.
    Resync(&'static str),
    /// It is another process's turn.
    Replaced,
}

/// Follows the feed as long as it is this process's turn.
pub(super) async fn follow(common: &Common, turn: &Turn<'_>) {
    let mut client = Client::new(common);
    let mut pauses = Pauses::new();
    loop {
        client.lived = false;
        let ended = client.round(turn).await;
        if client.lived {
            pauses = Pauses::new();
            client.unproven = 0;
        }
        match ended {
            Ok(Ended::Replaced) => return,
            Ok(Ended::Lost(reason)) => common.sight().lost(reason),
            Ok(Ended::Resync(reason)) => common.sight().resync(reason),
            Err(error) => common.sight().failed(&error.to_string()),
        }
        tokio::time::sleep(pauses.next(common.random())).await;
    }
}

struct Client<'a> {
    common: &'a Common,
    follower: Follower,
    receipts: Receipts<'a>,
    /// Names whoever holds the connection.
    instance: String,
    /// The newest message that was accepted.
    last: Option<String>,
    /// Whether the connection at hand proved anything.
    lived: bool,
    /// How many connections in a row did not.
    unproven: u32,
    /// Whether the last snapshot took too long.
    hurried: bool,
    messages: u64,
}

impl<'a> Client<'a> {
    fn new(common: &'a Common) -> Self {
        let view = common.view();
        let mut follower = Follower::resume(Arc::clone(view.view()), view.bound());
        // What nobody has followed for so long is read anew, not caught up with.
        if !view.is_fresh(common.uptime()) {
            follower.reset();
        }
        Self {
            common,
            follower,
            receipts: Receipts::new(common),
            instance: text_of(common.random()),
            last: None,
            lived: false,
            unproven: 0,
            hurried: false,
            messages: 0,
        }
    }

    /// A snapshot if one is needed, then the stream as long as it lasts.
    async fn round(&mut self, turn: &Turn<'_>) -> Result<Ended, ProviderError> {
        if !turn.lasts() {
            return Ok(Ended::Replaced);
        }
        let metadata = self.common.provider().metadata().await?;
        let (Some(events), Some(snapshot)) = (
            metadata.revocation_feed_endpoint.as_deref(),
            metadata.revocation_snapshot_endpoint.as_deref(),
        ) else {
            return Err(ProviderError::Unacceptable(
                "the issuer offers no revocation feed: if it is no Sealgate, set SEALGATE_PROVIDER to what it is"
                    .to_owned(),
            ));
        };
        if self.unproven >= DOUBTFUL {
            self.unproven = 0;
            self.follower.reset();
        }
        if self.follower.position().is_none()
            && let Action::Resync(reason) = self.snapshot(snapshot).await?
        {
            return Ok(Ended::Resync(reason.code()));
        }
        let Some((epoch, seq)) = self.follower.position() else {
            return Ok(Ended::Resync("feed_start"));
        };
        let (after, bound) = (seq.to_string(), self.common.view().bound().as_millis());
        let url = with_params(
            events,
            &[
                ("epoch", epoch.as_str()),
                ("after", &after),
                ("gate", self.common.gate_name()),
                ("instance", &self.instance),
                ("bound", &bound.to_string()),
            ],
        );
        let opening =
            (self.common.provider()).open_authenticated(url, "text/event-stream", self.headers());
        let stream = timeout(PATIENCE, opening).await;
        let mut stream = stream.map_err(|_| too_slow())??.pieces;
        self.unproven += 1;
        let mut parser = Parser::default();
        let mut newest = self.follower.newest();
        let mut deadline = Instant::now() + SILENCE;
        loop {
            let piece = tokio::select! {
                piece = timeout_at(deadline, stream.next()) => piece,
                () = self.receipts.go_on() => continue,
            };
            let piece = match piece {
                Ok(Some(piece)) => piece.map_err(ProviderError::from)?,
                Ok(None) => return Ok(self.ended("feed_ended")),
                Err(_) => return Ok(self.ended("feed_silent")),
            };
            let received = self.common.uptime();
            let events = parser.push(&piece).map_err(|_| {
                ProviderError::Unacceptable("an event of the feed is too long".to_owned())
            })?;
            for event in events {
                if !turn.lasts() {
                    return Ok(Ended::Replaced);
                }
                if let Action::Resync(reason) = self.take(&event, received, &metadata).await? {
                    return Ok(Ended::Resync(reason.code()));
                }
            }
            // What another process proves says nothing of this connection.
            let now = self.follower.newest();
            if now != newest {
                newest = now;
                deadline = Instant::now() + SILENCE;
                if !self.lived {
                    self.lived = true;
                    self.common.sight().connected();
                }
            }
        }
    }

    fn ended(&mut self, reason: &'static str) -> Ended {
        match self.follower.disconnected() {
            Action::Resync(reason) => Ended::Resync(reason.code()),
            Action::Continue | Action::Ignore(_) => Ended::Lost(reason),
        }
    }

    async fn snapshot(&mut self, endpoint: &str) -> Result<Action, ProviderError> {
        let nonce = text_of(self.common.random());
        let url = with_params(endpoint, &[("nonce", &nonce)]);
        let (asked, sent) = (self.common.now(), self.common.uptime());
        let patience = if self.hurried {
            MORE_PATIENCE
        } else {
            PATIENCE
        };
        let asking = (self.common.provider()).get_authenticated(
            url,
            "application/secevent+jwt",
            self.headers(),
        );
        let answer = timeout(patience, asking).await;
        self.hurried = answer.is_err() && !self.hurried;
        let body = answer.map_err(|_| too_slow())??;
        let received = self.common.uptime();
        let token = String::from_utf8(body)
            .map_err(|_| ProviderError::Unacceptable("the snapshot is not a token".to_owned()))?;
        let message = read(self.common, SNAPSHOT_LIMIT, token.trim()).await?;
        // A snapshot from before proves nothing of now, however well it is signed.
        if message.nonce.as_deref() != Some(&nonce) {
            return Err(ProviderError::Unacceptable(
                "the snapshot is not the answer to this request".to_owned(),
            ));
        }
        let action = self.follower.snapshot(&message, sent, received);
        let now = self.common.now();
        self.common.sight().snapshot(message.as_of, asked, now);
        self.told();
        Ok(action)
    }

    async fn take(
        &mut self,
        event: &Event,
        received: Uptime,
        metadata: &Metadata,
    ) -> Result<Action, ProviderError> {
        if event.kind != "set" {
            // `reset`, or an event that is not known and could matter: a snapshot tells what it told.
            return Ok(self.follower.reset());
        }
        let message = read(self.common, MESSAGE_LIMIT, &event.data).await?;
        let action = self.follower.message(&message, received);
        self.told();
        if action == Action::Continue {
            let now = self.common.now();
            self.common.sight().message(message.as_of, now);
            self.last = Some(event.data.clone()).filter(|token| token.len() <= LAST_MESSAGE_LIMIT);
        }
        if message.ack && !matches!(action, Action::Resync(_)) {
            self.acknowledge(metadata);
        }
        self.messages += 1;
        if self.messages.is_multiple_of(SWEEP_EVERY) {
            self.follower.sweep(self.common.now());
        }
        Ok(action)
    }

    /// Says how far this gate has come: all processes that share the view, for they see what is written at once.
    fn acknowledge(&mut self, metadata: &Metadata) {
        let age = self.common.view().age(self.common.uptime());
        let (Some(endpoint), Some(age), Some((epoch, seq))) = (
            metadata.revocation_applied_endpoint.clone(),
            age,
            self.follower.position(),
        ) else {
            return;
        };
        let receipt = Receipt {
            instance: self.instance.clone(),
            epoch: epoch.to_string(),
            seq,
            age: u64::try_from(age.as_millis()).unwrap_or(u64::MAX),
            policy: self
                .common
                .policy()
                .status()
                .version
                .filter(|version| *version > 0),
        };
        self.receipts.send(endpoint, receipt);
    }

    fn told(&self) {
        self.common.view().tell();
        watching::look(self.common);
    }

    fn headers(&self) -> Vec<(&'static str, String)> {
        let last = self.last.clone().into_iter();
        last.map(|token| (LAST_MESSAGE, token)).collect()
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

fn too_slow() -> ProviderError {
    ProviderError::Unavailable("the answer takes too long".to_owned())
}

/// 128 bits that nobody has seen before, as text.
fn text_of(random: &dyn Random) -> String {
    let mut text = String::with_capacity(32);
    for byte in random.bytes::<16>() {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
