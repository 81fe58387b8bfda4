//! A receipt: which gates have applied a revocation, held open until all have or until none of the
//! others can let it through any more.

use std::time::Duration;

use sealgate_model::Timestamp;
use sealgate_store::{Revocation, Revoked};
use tokio::time::sleep;

use super::gates::{DEFAULT_BOUND, Outcome};
use crate::ControlPlane;
use crate::problem::Problem;

/// The shortest time between two looks: thousands of gates answer at once.
const PAUSE: Duration = Duration::from_millis(2);

/// How often gates are asked again: some come while it is waited.
const AGAIN: Duration = Duration::from_secs(1);

/// What is committed is seen within this time by whoever follows the log.
const SEEN: Duration = Duration::from_secs(5);

/// How many receipts are waited for at once.
pub(super) const WAITING: usize = 64;

/// What became of a revocation.
pub(crate) struct Receipt {
    /// Its number.
    pub(crate) seq: u64,
    /// When it was committed; none if the log has forgotten it.
    pub(crate) committed_at: Option<Timestamp>,
    /// Whether nobody gets past any gate with it any more.
    pub(crate) complete: bool,
    /// Whether this process began so lately that gates which followed the one before it may not be
    /// back, and still believe what they knew.
    pub(crate) recovering: bool,
    /// How long it was waited for.
    pub(crate) waited: Duration,
    /// Each gate that had to hear of it.
    pub(crate) gates: Vec<Outcome>,
}

/// Waits until the receipt for number `seq`, or the last one of the log, is complete, for `wait` at
/// most. Asks every gate how far it has come, unless there is no time to answer.
///
/// # Errors
/// `feed_seq_unknown` (404) if the log has not reached `seq`.
pub(crate) async fn hold(
    plane: &ControlPlane,
    seq: Option<u64>,
    wait: Duration,
) -> Result<Receipt, Problem> {
    let (gates, clock) = (&plane.feed.gates, &*plane.clock);
    let head = plane.store.revocation_head().await?;
    let seq = seq.unwrap_or(head);
    if seq > head {
        return Err(Problem::new(
            http::StatusCode::NOT_FOUND,
            "feed_seq_unknown",
            format!("the last revocation has number {head}"),
        ));
    }
    let begun = clock.uptime();
    let row = match seq.checked_sub(1) {
        Some(before) => plane.store.revocations_after(before, 1).await?.pop(),
        None => None,
    };
    let reached_at = gates.reached(seq, clock);
    let committed_at = row
        .filter(|row| row.seq == seq)
        .map(|row| committed(&row, reached_at));
    let (mut changes, mut closing) = (gates.changes(), plane.feed.closing());
    let _turn = if wait.is_zero() {
        None
    } else {
        let turn = plane.feed.receipts.try_acquire().map_err(|_| {
            Problem::unavailable(
                "feed_receipts_full",
                "too many receipts are waited for at once",
                5,
            )
        })?;
        gates.roll_call();
        Some(turn)
    };
    let end = sleep(wait);
    tokio::pin!(end);
    loop {
        changes.borrow_and_update();
        let open = [gates.unsettled(seq, clock), recovering(plane)];
        let next = open.into_iter().flatten().min();
        if next.is_none() || wait.is_zero() || end.is_elapsed() || *closing.borrow_and_update() {
            break;
        }
        tokio::select! {
            () = &mut end => {}
            _ = closing.changed() => {}
            news = changes.changed() => {
                if news.is_err() {
                    break;
                }
                sleep(PAUSE).await;
            }
            () = sleep(AGAIN.min(next.unwrap_or_default() + PAUSE)) => gates.roll_call(),
        }
    }
    let recovering = recovering(plane).is_some();
    let gates = gates.receipt(seq, committed_at, clock);
    Ok(Receipt {
        seq,
        committed_at,
        complete: !recovering && gates.iter().all(Outcome::is_settled),
        recovering,
        waited: clock.uptime().since(begun),
        gates,
    })
}

/// When a row was committed, which the log was first seen to have at `reached_at`. The time of one that
/// tells of a moment up to which something is revoked may be long before.
fn committed(row: &Revocation, reached_at: Timestamp) -> Timestamp {
    let is_moment = matches!(
        row.what,
        Revoked::All | Revoked::User(_) | Revoked::Client(_) | Revoked::Tenant(_) | Revoked::Policy
    );
    if is_moment && reached_at.since(row.at) > SEEN {
        reached_at
    } else {
        row.at
    }
}

/// For how long there may still be gates that followed another process before this one and are not
/// back yet: until the longest bound known here has passed since the start.
fn recovering(plane: &ControlPlane) -> Option<Duration> {
    let clock = &*plane.clock;
    let longest = plane.feed.gates.longest_bound().max(DEFAULT_BOUND);
    let up = clock.uptime().elapsed();
    (up <= longest).then(|| longest.saturating_sub(up))
}
