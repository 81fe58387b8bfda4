//! Looking after the log: what is kept no longer goes, and the heads of its chains are put on record, where the
//! signed checkpoints of the audit log stand over them.

use std::fmt::Write as _;

use sealgate_audit::decision::{ChainHash, Stream};
use sealgate_model::Timestamp;
use sealgate_store::decisions::{DecisionHead, Hold, RETIRE_PASS, Retired};
use sealgate_store::{Audit, AuditActor, AuditFilter, StoreError};

use crate::{ControlPlane, metrics};

/// How often the heads are put on record where they have moved, in rounds of a minute.
const EVERY: u32 = 60;

/// How many passes of retiring one round makes at most: ten times as many blocks as come in a minute at fifty
/// thousand decisions each second.
const PASSES: usize = 72;

/// What one round knows of the ones before.
#[derive(Debug, Default)]
pub(crate) struct Rounds {
    count: u32,
}

/// One round, each minute. `before` is the time by which what expired may go, which is long ago while the clock is
/// not proven.
pub(crate) async fn keep_house(plane: &ControlPlane, rounds: &mut Rounds, before: Timestamp) {
    if let Err(error) = retire(plane, before).await {
        tracing::warn!(%error, "decisions were not retired");
    }
    if rounds.count.is_multiple_of(EVERY)
        && let Err(error) = anchor(plane).await
    {
        tracing::warn!(%error, "the heads of the decisions were not put on record");
    }
    rounds.count = rounds.count.wrapping_add(1);
}

async fn retire(plane: &ControlPlane, before: Timestamp) -> Result<(), StoreError> {
    let holds = plane.store.holds_in_force().await?;
    let holds = holds.into_iter().map(|hold| {
        let scope = hold.scope;
        let of_actor = scope
            .actor
            .as_deref()
            .and_then(|actor| actor.split_once(':'));
        Hold {
            from: scope.since,
            until: scope.until,
            actor: scope
                .user
                .map(|user| user.to_string())
                .or_else(|| of_actor.map(|(_, id)| id.to_owned())),
            client: scope.client.map(|client| client.as_str().to_owned()),
            trace: scope.trace.as_deref().and_then(trace),
        }
    });
    let holds: Vec<Hold> = holds.collect();
    let mut all: Vec<Retired> = Vec::new();
    let mut outcome = Ok(());
    // More may come in a minute than goes in one pass, and the file must not grow by what is left.
    for _ in 0..PASSES {
        let pass = plane
            .decisions
            .retire(plane.policy.decisions, holds.clone(), before);
        let gone = match pass.await {
            Ok(gone) => gone,
            Err(error) => {
                outcome = Err(error);
                break;
            }
        };
        let is_all = gone.iter().all(|gone| gone.blocks < RETIRE_PASS);
        for gone in gone {
            match all.iter_mut().find(|known| known.stream == gone.stream) {
                Some(known) => {
                    known.blocks += gone.blocks;
                    known.early += gone.early;
                    known.decisions = known.decisions.saturating_add(gone.decisions);
                    known.through = gone.through;
                }
                None => all.push(gone),
            }
        }
        if is_all {
            break;
        }
    }
    // Also where a later pass failed: these have gone.
    for gone in all {
        metrics::decisions_retired(gone.stream.as_str(), gone.decisions);
        let early = gone.early > 0;
        if early {
            tracing::warn!(
                stream = gone.stream.as_str(),
                blocks = gone.early,
                reason = "decisions_no_room",
                "decisions went before their time, for want of room"
            );
        }
        let reason = if early { "decisions_no_room" } else { "" };
        let act = Audit {
            reason: reason.to_owned(),
            object: Some(format!("{} 1-{}", gone.stream.as_str(), gone.through)),
            count: u32::try_from(gone.decisions).unwrap_or(u32::MAX),
            ..Audit::allowed(plane.clock.now(), AuditActor::System, "decisions.retire")
        };
        plane.store.record(act).await?;
    }
    outcome
}

fn trace(text: &str) -> Option<[u8; 16]> {
    let number = u128::from_str_radix(text, 16).ok()?;
    (text.len() == 32).then(|| number.to_be_bytes())
}

/// The action under which heads are put on record.
pub(crate) const ANCHOR: &str = "decisions.anchor";

/// Puts the heads on record, if they have moved since that was done.
pub(crate) async fn anchor(plane: &ControlPlane) -> Result<(), StoreError> {
    let heads = plane.decisions.heads().await?;
    if heads.iter().all(|head| head.place == 0) {
        return Ok(());
    }
    let object = told(&heads);
    if last_anchor(plane).await? == Some(object.clone()) {
        return Ok(());
    }
    let act = Audit {
        object: Some(object),
        ..Audit::allowed(plane.clock.now(), AuditActor::System, ANCHOR)
    };
    plane.store.record(act).await
}

/// What was put on record last.
pub(crate) async fn last_anchor(plane: &ControlPlane) -> Result<Option<String>, StoreError> {
    let filter = AuditFilter {
        action: Some(ANCHOR.to_owned()),
        ..AuditFilter::default()
    };
    let rows = plane.store.audit_list(filter, 1).await?;
    Ok(rows.into_iter().next().and_then(|row| row.object))
}

fn told(heads: &[DecisionHead; 2]) -> String {
    let mut text = String::new();
    for head in heads {
        if !text.is_empty() {
            text.push(' ');
        }
        let _ = write!(text, "{}:{}:", head.stream.as_str(), head.place);
        for byte in head.hash {
            let _ = write!(text, "{byte:02x}");
        }
    }
    text
}

/// The heads that an anchor tells of.
pub(crate) fn read_anchor(text: &str) -> Vec<DecisionHead> {
    let read = |part: &str| {
        let (stream, rest) = part.split_once(':')?;
        let (place, digits) = rest.split_once(':')?;
        let mut hash = ChainHash::default();
        if digits.len() != 64 || !digits.is_ascii() {
            return None;
        }
        for (index, byte) in hash.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&digits[2 * index..2 * index + 2], 16).ok()?;
        }
        Some(DecisionHead {
            stream: Stream::named(stream)?,
            place: place.parse().ok()?,
            hash,
        })
    };
    text.split(' ').filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anchor_reads_back() {
        let heads = [
            DecisionHead {
                stream: Stream::Allowed,
                place: 0,
                hash: [0; 32],
            },
            DecisionHead {
                stream: Stream::Denied,
                place: 812,
                hash: [0xa5; 32],
            },
        ];
        assert_eq!(read_anchor(&told(&heads)), heads);
        assert_eq!(read_anchor("denied:1:zz allowed"), []);
    }
}
