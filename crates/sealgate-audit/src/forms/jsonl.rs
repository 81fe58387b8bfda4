//! Records as JSON Lines: one document of our own on each line, by a published schema
//! (docs/reference/record.schema.json).

use super::event::{Event, Severity, Stream};
use super::text;
use crate::chain::{Hash, RecordLine};

/// The longest line that is read.
const LONGEST: usize = 64 * 1024;

/// The record in one line of ASCII, without an end of line.
pub fn line(event: &Event) -> String {
    text::json(event)
}

/// Reads a line again.
///
/// # Errors
/// `record_malformed` if it is longer than 64 KiB or not of the schema.
pub fn read(line: &str) -> Result<Event, RecordError> {
    if line.len() > LONGEST {
        return Err(RecordError::Malformed(
            "it is longer than 64 KiB".to_owned(),
        ));
    }
    serde_json::from_str(line).map_err(|error| RecordError::Malformed(error.to_string()))
}

/// The record of the audit log that a line tells of, as the chain has it. What stands in the line beside it follows from
/// it, but for the issuer, which no hash covers.
///
/// # Errors
/// `record_malformed` if it is no record of the audit log, or holds what does not follow from it.
pub fn chained(event: &Event) -> Result<RecordLine, RecordError> {
    let wrong = |what: &str| RecordError::Malformed(what.to_owned());
    let hash = event.hash.as_deref().map(str::parse::<Hash>).transpose();
    let hash = hash.map_err(|_| wrong("the hash is none"))?;
    let part = event.hash.as_deref().and_then(|hash| hash.get(..16));
    let id = format!("audit:{}:{}", event.number, part.unwrap_or_default());
    let reason = event.reason.as_deref();
    let of_a_gate = event.gate.is_some()
        || event.status.is_some()
        || [
            &event.method,
            &event.policies,
            &event.transport,
            &event.token,
        ]
        .into_iter()
        .any(Option::is_some);
    if of_a_gate
        || event.id != id
        || event.stream != Stream::of_action(&event.action)
        || event.severity != Severity::of(&event.action, event.outcome, reason)
        || reason == Some("")
    {
        return Err(wrong("it is not as the audit log tells it"));
    }
    let through = event.through.as_ref();
    let (client, session) = through.map_or((None, None), |one| {
        (one.client.as_ref(), one.session.as_ref())
    });
    let unreadable = |_| wrong("an id is none");
    Ok(RecordLine {
        number: event.number,
        at: event.time,
        actor: event.actor.words(),
        actor_type: event.actor.of_type.clone(),
        credential: event.credential.clone(),
        through: client
            .map(|id| id.parse())
            .transpose()
            .map_err(unreadable)?,
        through_session: session
            .map(|id| id.parse())
            .transpose()
            .map_err(unreadable)?,
        action: event.action.clone(),
        outcome: event.outcome.as_str().to_owned(),
        reason: reason.unwrap_or_default().to_owned(),
        user: event
            .user
            .as_ref()
            .map(|id| id.parse())
            .transpose()
            .map_err(unreadable)?,
        client: event
            .client
            .as_ref()
            .map(|id| id.parse())
            .transpose()
            .map_err(unreadable)?,
        session: event
            .session
            .as_ref()
            .map(|id| id.parse())
            .transpose()
            .map_err(unreadable)?,
        object: event.object.clone(),
        network: event.network.clone(),
        route: event.route.clone(),
        trace: event.trace.clone(),
        count: i64::try_from(event.count).map_err(|_| wrong("the count is too large"))?,
        policy_version: event.policy_version,
        hash,
    })
}

/// Why a line is no record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// It is not of the schema.
    #[error("this is not a record: {0}")]
    Malformed(String),
}

impl RecordError {
    /// The stable reason code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "record_malformed",
        }
    }
}
