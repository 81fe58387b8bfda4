//! Which allowed requests get a record of their own. Refusals always do.

use std::sync::atomic::{AtomicU64, Ordering};

use sealgate_audit::decision::Trace;

use crate::caller::Caller;

/// Which allowed requests get a record of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sampling {
    /// All.
    All,
    /// One of so many.
    OneIn(u32),
    /// None: they are counted.
    None,
}

impl Sampling {
    /// Whether this one gets one. What belongs together, by its trace, or else by its session, token or actor, does
    /// or does not as a whole, at every gate alike. What belongs to nothing takes turns.
    pub(super) fn takes(
        self,
        trace: Option<Trace>,
        caller: Option<&Caller>,
        turn: &AtomicU64,
    ) -> bool {
        let one_in = match self {
            Self::All => return true,
            Self::None => return false,
            Self::OneIn(one_in) => u64::from(one_in.max(1)),
        };
        let of_caller = || {
            let credential = &caller?.credential;
            let session = credential.session.map(|session| mixed(session.as_bytes()));
            let token = || credential.token.as_deref().map(|id| mixed(id.as_bytes()));
            session
                .or_else(token)
                .or_else(|| Some(mixed(caller?.actor.id().as_bytes())))
        };
        let mark = trace.map(|trace| mixed(&trace)).or_else(of_caller);
        mark.unwrap_or_else(|| turn.fetch_add(1, Ordering::Relaxed))
            .is_multiple_of(one_in)
    }
}

/// A number for `bytes`, the same everywhere.
fn mixed(bytes: &[u8]) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in bytes {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_taken_whole_and_about_one_in_so_many_is() {
        let turn = AtomicU64::new(0);
        let sampling = Sampling::OneIn(10);
        let mut taken = 0;
        for number in 0_u32..10_000 {
            let mut trace = Trace::default();
            trace[..4].copy_from_slice(&number.to_be_bytes());
            trace[15] = 1;
            let first = sampling.takes(Some(trace), None, &turn);
            assert_eq!(first, sampling.takes(Some(trace), None, &turn));
            taken += u32::from(first);
        }
        assert!((850..1_150).contains(&taken), "{taken}");
    }

    #[test]
    fn what_belongs_to_nothing_takes_turns() {
        let turn = AtomicU64::new(0);
        let taken = (0..100).filter(|_| Sampling::OneIn(4).takes(None, None, &turn));
        assert_eq!(taken.count(), 25);
        assert!(Sampling::All.takes(None, None, &turn));
        assert!(!Sampling::None.takes(None, None, &turn));
    }
}
