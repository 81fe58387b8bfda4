//! What a gate says of itself when it begins to follow.

use std::time::Duration;

use sealgate_model::ClientId;

use crate::problem::Problem;

/// The longest name of a gate, in bytes.
const NAME: usize = 64;
/// Instance ids, in bytes: 128 random bits are 22 to 32 characters.
const INSTANCE: std::ops::RangeInclusive<usize> = 16..=64;
/// The longest staleness bound that is believed.
const LONGEST_BOUND: Duration = Duration::from_secs(3_600);

/// Who follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Presence {
    /// As which client it authenticated.
    pub(crate) client: ClientId,
    /// What it calls itself.
    pub(crate) gate: Option<String>,
    /// What tells it from the other gates of its client. Without it nobody can answer for it.
    pub(crate) instance: Option<String>,
    /// Its staleness bound.
    pub(crate) bound: Option<Duration>,
    /// Where it came from.
    pub(crate) network: Option<String>,
    /// The number of the last revocation that it has already.
    pub(crate) after: u64,
}

impl Presence {
    /// Reads what the query of a stream says, `bound` in milliseconds.
    ///
    /// # Errors
    /// `feed_gate_malformed` (400) if it is not of the form that the feed's specification gives.
    pub(crate) fn read(
        client: ClientId,
        gate: Option<String>,
        instance: Option<String>,
        bound: Option<u64>,
        network: Option<String>,
        after: u64,
    ) -> Result<Self, Problem> {
        let is_name = |name: &String| {
            (1..=NAME).contains(&name.len()) && name.bytes().all(|b| matches!(b, b' '..=b'~'))
        };
        let bound = bound.map(Duration::from_millis);
        let fits = gate.as_ref().is_none_or(is_name)
            && instance.as_deref().is_none_or(is_instance)
            && bound.is_none_or(|bound| !bound.is_zero() && bound <= LONGEST_BOUND);
        if !fits {
            return Err(Problem::bad_request(
                "feed_gate_malformed",
                "gate is 1 to 64 printable ASCII characters, instance 16 to 64 of A-Z a-z 0-9 - _, \
                 bound 1 to 3600000 milliseconds",
            ));
        }
        Ok(Self {
            client,
            gate,
            instance,
            bound,
            network,
            after,
        })
    }
}

/// Whether `text` can be the id of an instance.
pub(crate) fn is_instance(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    INSTANCE.contains(&text.len()) && text.bytes().all(fits)
}
