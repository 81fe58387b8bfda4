//! Lines of an exported chain: records, hashes of records that were left out, retired ranges, checkpoints.

use sealgate_model::{ClientId, SessionId, Timestamp, UserId};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::{Hash, Record, Retired};
use crate::forms::jsonl;

/// The highest number of a record: what every reader of JSON understands exactly.
const HIGHEST: i64 = (1 << 53) - 1;

/// A line is never longer, in bytes.
pub const LINE_LIMIT: usize = 64 * 1024;

/// One line of JSON.
#[derive(Debug, Clone, PartialEq)]
pub enum Line {
    /// A record.
    Record(Box<RecordLine>),
    /// The number of a record that was left out, its hash, and that of its content.
    Left {
        /// Its number.
        number: i64,
        /// Its hash.
        hash: Hash,
        /// The hash of its content.
        content: Hash,
    },
    /// A range that was retired.
    Retired(Retired),
    /// A checkpoint, as it was signed.
    Checkpoint(String),
}

/// A record as the administration API tells it. Every member but the hash itself is in the hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "docs/spec/audit-chain.md tells each member")]
pub struct RecordLine {
    pub number: i64,
    pub at: Timestamp,
    pub actor: String,
    #[serde(default)]
    pub actor_type: Option<String>,
    #[serde(default)]
    pub credential: Option<String>,
    #[serde(default)]
    pub through: Option<ClientId>,
    #[serde(default)]
    pub through_session: Option<SessionId>,
    pub action: String,
    pub outcome: String,
    pub reason: String,
    #[serde(default)]
    pub user: Option<UserId>,
    #[serde(default)]
    pub client: Option<ClientId>,
    #[serde(default)]
    pub session: Option<SessionId>,
    #[serde(default)]
    pub object: Option<String>,
    #[serde(default)]
    pub network: Option<String>,
    #[serde(default)]
    pub route: Option<String>,
    #[serde(default)]
    pub trace: Option<String>,
    pub count: i64,
    #[serde(default)]
    pub policy_version: Option<i64>,
    pub hash: Option<Hash>,
}

impl RecordLine {
    /// The hash of its content.
    pub fn content(&self, scratch: &mut Vec<u8>) -> Hash {
        let record = Record {
            at: self.at.as_millis(),
            actor: &self.actor,
            actor_type: self.actor_type.as_deref(),
            credential: self.credential.as_deref(),
            through: self.through.as_ref().map(ClientId::as_str),
            through_session: self.through_session.as_ref().map(|id| &id.as_bytes()[..]),
            action: &self.action,
            outcome: &self.outcome,
            reason: &self.reason,
            user: self.user.as_ref().map(|id| &id.as_bytes()[..]),
            client: self.client.as_ref().map(ClientId::as_str),
            session: self.session.as_ref().map(|id| &id.as_bytes()[..]),
            object: self.object.as_deref(),
            network: self.network.as_deref(),
            route: self.route.as_deref(),
            trace: self.trace.as_deref(),
            count: self.count,
            policy_version: self.policy_version,
        };
        record.content(scratch)
    }
}

/// A line that is none of an exported chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// It is too long.
    #[error("the line is longer than {LINE_LIMIT} bytes")]
    TooLong,
    /// It is not JSON, or none of the kinds of lines.
    #[error("the line is not one of an exported chain: {0}")]
    Malformed(String),
}

/// What tells the kinds apart.
#[derive(Deserialize)]
struct Kind {
    schema: Option<IgnoredAny>,
    action: Option<IgnoredAny>,
    checkpoint: Option<IgnoredAny>,
    retired: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LeftLine {
    number: i64,
    hash: Hash,
    content: Hash,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RetiredLine {
    retired: Retired,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CheckpointLine {
    checkpoint: String,
}

impl Line {
    /// Reads one line, without its end. A member that no hash covers refuses it.
    pub fn parse(text: &str) -> Result<Self, LineError> {
        let line = Self::read(text)?;
        let counts = |number: i64| (1..=HIGHEST).contains(&number);
        let sound = match &line {
            Self::Record(record) => counts(record.number),
            Self::Left { number, .. } => counts(*number),
            Self::Retired(range) => {
                counts(range.first)
                    && counts(range.last)
                    && counts(range.by)
                    && range.first <= range.last
            }
            Self::Checkpoint(_) => true,
        };
        if sound {
            Ok(line)
        } else {
            let said = "a number is none of a record";
            Err(LineError::Malformed(said.to_owned()))
        }
    }

    fn read(text: &str) -> Result<Self, LineError> {
        if text.len() > LINE_LIMIT {
            return Err(LineError::TooLong);
        }
        let malformed = |error: serde_json::Error| LineError::Malformed(error.to_string());
        let kind: Kind = serde_json::from_str(text).map_err(malformed)?;
        match kind {
            Kind {
                schema: Some(_), ..
            } => {
                let told = jsonl::read(text).and_then(|event| jsonl::chained(&event));
                let line = told.map_err(|error| LineError::Malformed(error.to_string()))?;
                Ok(Self::Record(Box::new(line)))
            }
            Kind {
                checkpoint: Some(_),
                ..
            } => {
                let line: CheckpointLine = serde_json::from_str(text).map_err(malformed)?;
                Ok(Self::Checkpoint(line.checkpoint))
            }
            Kind {
                retired: Some(_), ..
            } => {
                let line: RetiredLine = serde_json::from_str(text).map_err(malformed)?;
                Ok(Self::Retired(line.retired))
            }
            Kind {
                action: Some(_), ..
            } => {
                let line = serde_json::from_str(text).map_err(malformed)?;
                Ok(Self::Record(Box::new(line)))
            }
            Kind { .. } => {
                let line: LeftLine = serde_json::from_str(text).map_err(malformed)?;
                Ok(Self::Left {
                    number: line.number,
                    hash: line.hash,
                    content: line.content,
                })
            }
        }
    }
}
