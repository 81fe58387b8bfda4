//! The feed's messages: security event tokens (RFC 8417) of three kinds.
//!
//! A message is the payload of a JWS of type `secevent+jwt`. Reading is strict about everything that
//! is understood; a claim that is not understood is ignored (RFC 7519, 4), because it can only tell
//! more, while an unknown event, subject or member of an event is refused, because ignoring it could
//! leave something unrevoked.

use std::fmt;
use std::str::FromStr;

use sealgate_model::{ClientId, Issuer, Timestamp};
use serde::{Deserialize, Serialize};

use crate::subject::{INTEGER_LIMIT, in_range, present};
use crate::{Entry, MessageError, Sessions};

/// The JWS type of every message (RFC 8417, 2.3).
pub const MESSAGE_TYPE: &str = "secevent+jwt";
/// The longest nonce of a snapshot, in bytes, of `A-Z a-z 0-9 - _`.
pub const NONCE_LIMIT: usize = 128;
/// The longest compact JWS of a message that is not a snapshot, in bytes.
pub const MESSAGE_LIMIT: usize = 16 * 1024;
/// The longest compact JWS of a snapshot, in bytes: room for more than two million sessions.
pub const SNAPSHOT_LIMIT: usize = 64 * 1024 * 1024;

/// Names one gapless history of revocations, told by one clock: 1 to 128 of `A-Z a-z 0-9 - _`.
///
/// Numbers and times of two epochs have nothing to do with each other.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Epoch(String);

impl Epoch {
    /// The epoch as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Epoch {
    type Err = MessageError;

    fn from_str(text: &str) -> Result<Self, MessageError> {
        Self::try_from(text.to_owned())
    }
}

impl TryFrom<String> for Epoch {
    type Error = MessageError;

    fn try_from(text: String) -> Result<Self, MessageError> {
        if (1..=128).contains(&text.len()) && is_plain(&text) {
            Ok(Self(text))
        } else {
            Err(MessageError::Malformed(
                "epoch is not 1 to 128 of A-Z a-z 0-9 - _".to_owned(),
            ))
        }
    }
}

impl From<Epoch> for String {
    fn from(epoch: Epoch) -> Self {
        epoch.0
    }
}

/// What a message tells, under the URI of its event. There is exactly one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Event {
    /// One thing is revoked.
    #[serde(rename = "urn:sealgate:event:revoked")]
    Revoked(Entry),
    /// Nothing is revoked beyond what the message's number covers.
    #[serde(rename = "urn:sealgate:event:heartbeat")]
    Heartbeat {},
    /// Everything that is revoked.
    #[serde(rename = "urn:sealgate:event:snapshot")]
    Snapshot {
        /// What is revoked, in no order.
        entries: Vec<Entry>,
        /// Sessions that are revoked beside those among `entries`: there can be many, and this is short.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        sessions: Vec<Sessions>,
    },
}

/// A message of the feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Message {
    /// Who says it.
    #[serde(rename = "iss")]
    pub issuer: String,
    /// The client it is for.
    #[serde(rename = "aud")]
    pub audience: String,
    /// When it was written, in whole seconds since the epoch; nothing is decided by it.
    #[serde(rename = "iat")]
    pub issued_at: i64,
    /// The message's own id.
    #[serde(rename = "jti")]
    pub id: String,
    /// The history that `seq`, `prev` and `as_of` belong to.
    pub epoch: Epoch,
    /// The number of the last revocation that the client knows of once it has this message.
    pub seq: u64,
    /// The number the client must have reached for this message to be the next one.
    pub prev: u64,
    /// Every revocation that the client can see and that was committed before this moment has a
    /// number up to `seq`.
    pub as_of: Timestamp,
    /// Of a snapshot: what its reader sent along to know the answer to its own request by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// Asks the reader to say that it has come this far.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub ack: bool,
    /// What it tells.
    #[serde(rename = "events")]
    pub event: Event,
}

/// Whose messages are accepted, and for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The control plane's issuer identifier.
    pub issuer: Issuer,
    /// The client that reads.
    pub client: ClientId,
}

impl Message {
    /// Reads the payload of a JWS whose signature and type have been verified, at most
    /// [`SNAPSHOT_LIMIT`] bytes of JSON.
    pub fn parse(payload: &[u8], expected: &Expected) -> Result<Self, MessageError> {
        if payload.len() > SNAPSHOT_LIMIT {
            return Err(MessageError::TooLong {
                limit: SNAPSHOT_LIMIT,
            });
        }
        let claims: Claims = serde_json::from_slice(payload)
            .map_err(|error| MessageError::Malformed(error.to_string()))?;
        if claims.iss != expected.issuer.as_str() {
            return Err(MessageError::WrongIssuer);
        }
        if claims.aud != expected.client.as_str() {
            return Err(MessageError::WrongAudience);
        }
        claims
            .check()
            .map_err(|what| MessageError::Malformed(what.to_owned()))?;
        let message = Self {
            issuer: claims.iss,
            audience: claims.aud,
            issued_at: claims.iat,
            id: claims.jti,
            epoch: claims.epoch,
            seq: claims.seq,
            prev: claims.prev,
            as_of: claims.as_of,
            nonce: claims.nonce,
            ack: claims.ack,
            event: claims.events,
        };
        // A snapshot may be long; the other two have no reason to be.
        if payload.len() > MESSAGE_LIMIT && !matches!(message.event, Event::Snapshot { .. }) {
            return Err(MessageError::TooLong {
                limit: MESSAGE_LIMIT,
            });
        }
        Ok(message)
    }

    /// What the message revokes, without [`Self::sessions`].
    pub fn entries(&self) -> &[Entry] {
        match &self.event {
            Event::Revoked(entry) => std::slice::from_ref(entry),
            Event::Heartbeat {} => &[],
            Event::Snapshot { entries, .. } => entries,
        }
    }

    /// The sessions that a snapshot tells of in short.
    pub fn sessions(&self) -> &[Sessions] {
        match &self.event {
            Event::Snapshot { sessions, .. } => sessions,
            Event::Revoked(_) | Event::Heartbeat {} => &[],
        }
    }
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    iat: i64,
    jti: String,
    epoch: Epoch,
    seq: u64,
    prev: u64,
    as_of: Timestamp,
    #[serde(default, deserialize_with = "present")]
    nonce: Option<String>,
    #[serde(default)]
    ack: bool,
    events: Event,
    // A token with these could be taken for another kind of token, or the other way round
    // (RFC 8417, 4.6).
    #[serde(default, rename = "sub")]
    _sub: Forbidden,
    #[serde(default, rename = "exp")]
    _exp: Forbidden,
}

impl Claims {
    fn check(&self) -> Result<(), &'static str> {
        if !(1..=255).contains(&self.jti.len()) {
            return Err("jti is empty or over 255 bytes");
        }
        if self.iat < 0 {
            return Err("iat is out of range");
        }
        let nonce = self.nonce.as_ref();
        if nonce.is_some_and(|nonce| !(1..=NONCE_LIMIT).contains(&nonce.len()) || !is_plain(nonce))
        {
            return Err("nonce is not 1 to 128 of A-Z a-z 0-9 - _");
        }
        in_range(self.as_of)?;
        if self.seq > INTEGER_LIMIT || self.prev > self.seq {
            return Err("seq is out of range or before prev");
        }
        match self.event_moves() {
            true if self.prev == self.seq => Err("a revocation has seq after prev"),
            false if self.prev != self.seq => Err("only a revocation has seq after prev"),
            _ => Ok(()),
        }
    }

    fn event_moves(&self) -> bool {
        matches!(self.events, Event::Revoked(_))
    }
}

/// Letters, digits, `-` and `_`: what needs no quoting anywhere.
fn is_plain(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// A claim that must not be there, not even as `null`.
#[derive(Default)]
struct Forbidden;

impl<'de> Deserialize<'de> for Forbidden {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(serde::de::Error::custom(
            "sub and exp have no place in a message",
        ))
    }
}
