//! The memory behind DPoP (RFC 9449, 8 and 11.1): nonces that prove a proof was made just now, and the ids
//! of the proofs that were used.
//!
//! Nonces belong to slots of one minute on the monotonic clock; those of the current slot and the one
//! before it are good. A proof has to carry one, so it can be repeated only as long as its slot is good,
//! and exactly that long its id is remembered. A key that is drawn at the start of the process never leaves
//! it: a restart forgets the ids, and with them every nonce becomes worthless. A key that processes share
//! lets each of them take the others' nonces, at the price that each of them takes a proof once.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::hmac::{self, HMAC_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sealgate_model::{Random, Uptime};
use subtle::ConstantTimeEq as _;
use thiserror::Error;

use crate::OAuthError;

/// How long a slot lasts. A nonce is good for as long again after its slot's end.
const SLOT: Duration = Duration::from_secs(60);

/// How many proofs are taken in one slot: about 3,000 a second, in some 4 MB.
const SLOT_CAPACITY: usize = 200_000;

/// By more slots than this, time that goes back is a clock that was set, and no request that read it long ago.
const SET_BACK: u64 = 10;

/// Why a proof is refused that is sound in itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DpopRefusal {
    /// It carries no nonce, or not a current one of this process's. The client repeats the request with
    /// the nonce it is told.
    #[error("the proof carries no current nonce")]
    NonceRequired,
    /// It was used before.
    #[error("the proof was used before")]
    Reused,
    /// There is no room to remember more proofs for now. Letting one pass unremembered would let it pass
    /// twice.
    #[error("too many proofs at once")]
    Busy,
}

impl DpopRefusal {
    /// The stable reason code; those of the first two are [`OAuthError`]'s.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NonceRequired => OAuthError::DpopNonceRequired.code(),
            Self::Reused => OAuthError::DpopProofReused.code(),
            Self::Busy => "dpop_busy",
        }
    }
}

/// That a proof's nonce was good, and until when its id has to be remembered. Only [`DpopGuard::check`]
/// makes one, so that no proof is spent unchecked.
#[derive(Debug)]
#[must_use = "a proof has to be spent before what it proves is believed"]
pub struct CheckedNonce {
    slot: u64,
    is_old: bool,
}

impl CheckedNonce {
    /// Whether a newer nonce is there already. Telling it with the answer saves the client a refusal
    /// (RFC 9449, 8.2).
    pub const fn is_old(&self) -> bool {
        self.is_old
    }
}

/// One minute's nonce and proofs.
struct Slot {
    number: u64,
    nonce: String,
    /// The first 16 bytes of a MAC over key thumbprint and proof id: nobody can choose what collides.
    spent: HashSet<u128>,
}

struct Slots {
    current: Slot,
    previous: Option<Slot>,
}

/// Makes nonces and remembers proofs. There is one for each process and set of endpoints.
pub struct DpopGuard {
    key: hmac::Key,
    capacity: usize,
    slots: Mutex<Slots>,
}

impl fmt::Debug for DpopGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DpopGuard")
    }
}

impl DpopGuard {
    /// A guard with a key of its own.
    pub fn new(random: &dyn Random) -> Self {
        Self::with_capacity(random, SLOT_CAPACITY)
    }

    /// As [`Self::new`], taking at most `capacity` proofs in a minute.
    pub fn with_capacity(random: &dyn Random, capacity: usize) -> Self {
        Self::of(&random.bytes(), capacity)
    }

    /// A guard that knows the nonces of every other with this key. They have to go by one clock too: what they
    /// take for uptime is the time since some point that all of them agree on. Which proofs were used each of
    /// them remembers for itself.
    pub fn shared(key: &[u8; 32]) -> Self {
        Self::of(key, SLOT_CAPACITY)
    }

    fn of(key: &[u8; 32], capacity: usize) -> Self {
        let key = hmac::Key::new(HMAC_SHA256, key);
        let current = Slot::new(&key, 0);
        Self {
            key,
            capacity,
            slots: Mutex::new(Slots {
                current,
                previous: None,
            }),
        }
    }

    /// The nonce to give out at `now`, as `DPoP-Nonce` has it: 22 characters of base64url.
    pub fn nonce(&self, now: Uptime) -> String {
        self.at(now).current.nonce.clone()
    }

    /// Whether a proof may carry `nonce` at `now`.
    pub fn check(&self, nonce: Option<&str>, now: Uptime) -> Result<CheckedNonce, DpopRefusal> {
        let nonce = nonce.ok_or(DpopRefusal::NonceRequired)?;
        let slots = self.at(now);
        let is = |slot: &Slot| bool::from(slot.nonce.as_bytes().ct_eq(nonce.as_bytes()));
        if is(&slots.current) {
            let slot = slots.current.number;
            let is_old = false;
            return Ok(CheckedNonce { slot, is_old });
        }
        match &slots.previous {
            Some(slot) if is(slot) => Ok(CheckedNonce {
                slot: slot.number,
                is_old: true,
            }),
            _ => Err(DpopRefusal::NonceRequired),
        }
    }

    /// Spends the proof with id `jti` of the key with thumbprint `jkt`. Ids of different keys have nothing
    /// to do with each other. It comes last, once everything else about the request holds: what strangers
    /// send takes no room.
    pub fn spend(
        &self,
        checked: &CheckedNonce,
        jkt: &str,
        jti: &str,
        now: Uptime,
    ) -> Result<(), DpopRefusal> {
        let mark = self.mark(jkt, jti);
        let mut slots = self.at(now);
        let slots = &mut *slots;
        let slot = if slots.current.number == checked.slot {
            &mut slots.current
        } else {
            slots
                .previous
                .as_mut()
                .filter(|slot| slot.number == checked.slot)
                .ok_or(DpopRefusal::NonceRequired)?
        };
        if slot.spent.contains(&mark) {
            return Err(DpopRefusal::Reused);
        }
        if slot.spent.len() >= self.capacity {
            return Err(DpopRefusal::Busy);
        }
        slot.spent.insert(mark);
        Ok(())
    }

    /// The slots as they are at `now`. Time that seems to go back a little, because two readings of the clock
    /// overtake each other, changes nothing. A clock that processes share may also be set back by more. A guard
    /// that stayed ahead would know nobody's nonces any more, so it follows, and takes along which proofs it
    /// remembers. Those from before a mistaken leap ahead are forgotten, as by a restart.
    fn at(&self, now: Uptime) -> MutexGuard<'_, Slots> {
        let elapsed = now.elapsed();
        let number = elapsed.as_secs() / SLOT.as_secs();
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = slots.current.number;
        if number > newest {
            let ended = std::mem::replace(&mut slots.current, Slot::new(&self.key, number));
            slots.previous = (number == newest + 1).then_some(ended);
        } else if number + SET_BACK < newest {
            let mut back = Slot::new(&self.key, number);
            back.spent = std::mem::take(&mut slots.current.spent);
            let before = slots.previous.take().map(|slot| slot.spent);
            back.spent.extend(before.into_iter().flatten());
            slots.current = back;
        }
        slots
    }

    fn mark(&self, jkt: &str, jti: &str) -> u128 {
        let mut context = hmac::Context::with_key(&self.key);
        // A thumbprint is of one length, but nothing here has to rely on it.
        for part in ["proof", jkt, jti] {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        u128::from_be_bytes(first_16(context.sign().as_ref()))
    }
}

impl Slot {
    fn new(key: &hmac::Key, number: u64) -> Self {
        let tag = hmac::sign(key, format!("nonce {number}").as_bytes());
        Self {
            number,
            nonce: URL_SAFE_NO_PAD.encode(first_16(tag.as_ref())),
            spent: HashSet::new(),
        }
    }
}

/// The first half of a tag.
fn first_16(tag: &[u8]) -> [u8; 16] {
    let mut half = [0; 16];
    for (to, from) in half.iter_mut().zip(tag) {
        *to = *from;
    }
    half
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sealgate_host::FakeRandom;

    use super::*;

    fn at(seconds: u64) -> Uptime {
        Uptime::from_elapsed(Duration::from_secs(seconds))
    }

    fn guard() -> DpopGuard {
        DpopGuard::new(&FakeRandom::seeded(1))
    }

    fn spend(guard: &DpopGuard, nonce: &str, jti: &str, now: Uptime) -> Result<(), DpopRefusal> {
        let checked = guard.check(Some(nonce), now)?;
        guard.spend(&checked, "key", jti, now)
    }

    #[test]
    fn a_proof_without_nonce_is_told_to_come_back_with_one() {
        let refusal = guard().check(None, at(0)).unwrap_err();
        assert_eq!(refusal, DpopRefusal::NonceRequired);
        assert_eq!(refusal.code(), "dpop_nonce_required");
    }

    #[test]
    fn a_nonce_is_good_in_its_slot_and_the_next() {
        let guard = guard();
        let nonce = guard.nonce(at(30));
        assert!(!guard.check(Some(&nonce), at(59)).unwrap().is_old());
        assert!(guard.check(Some(&nonce), at(60)).unwrap().is_old());
        assert!(guard.check(Some(&nonce), at(119)).is_ok());
        let refusal = guard.check(Some(&nonce), at(120)).unwrap_err();
        assert_eq!(refusal, DpopRefusal::NonceRequired);
    }

    #[test]
    fn after_a_long_rest_no_old_nonce_is_good() {
        let guard = guard();
        let nonce = guard.nonce(at(0));
        assert!(guard.check(Some(&nonce), at(3_600)).is_err());
        assert_ne!(guard.nonce(at(3_600)), nonce);
    }

    #[test]
    fn a_restart_makes_every_nonce_worthless() {
        let nonce = guard().nonce(at(0));
        let restarted = DpopGuard::new(&FakeRandom::seeded(2));
        assert_eq!(
            restarted.check(Some(&nonce), at(0)).unwrap_err(),
            DpopRefusal::NonceRequired
        );
    }

    #[test]
    fn guards_of_one_key_know_each_others_nonces_and_nobody_elses() {
        let [one, two, other] = [[1; 32], [1; 32], [2; 32]].map(|key| DpopGuard::shared(&key));
        let now = at(1_790_000_000);
        let nonce = one.nonce(now);
        assert!(two.check(Some(&nonce), now).is_ok());
        assert!(other.check(Some(&nonce), now).is_err());
    }

    #[test]
    fn a_proof_is_taken_once_for_as_long_as_its_nonce_is_good() {
        let guard = guard();
        let nonce = guard.nonce(at(0));
        assert_eq!(spend(&guard, &nonce, "a", at(0)), Ok(()));
        for second in [0, 59, 60, 119] {
            assert_eq!(
                spend(&guard, &nonce, "a", at(second)),
                Err(DpopRefusal::Reused),
                "{second}"
            );
        }
        assert_eq!(spend(&guard, &nonce, "b", at(119)), Ok(()));
        assert_eq!(
            spend(&guard, &nonce, "a", at(120)),
            Err(DpopRefusal::NonceRequired)
        );
    }

    #[test]
    fn two_keys_may_use_one_id() {
        let guard = guard();
        let nonce = guard.nonce(at(0));
        for key in ["one", "two"] {
            let checked = guard.check(Some(&nonce), at(0)).unwrap();
            assert_eq!(guard.spend(&checked, key, "a", at(0)), Ok(()));
        }
    }

    #[test]
    fn a_check_that_outlives_its_slot_is_not_spent() {
        let guard = guard();
        let nonce = guard.nonce(at(0));
        let checked = guard.check(Some(&nonce), at(0)).unwrap();
        assert_eq!(
            guard.spend(&checked, "key", "a", at(120)),
            Err(DpopRefusal::NonceRequired)
        );
    }

    #[test]
    fn a_full_memory_refuses_until_the_next_slot() {
        let guard = DpopGuard::with_capacity(&FakeRandom::seeded(1), 2);
        let nonce = guard.nonce(at(0));
        assert_eq!(spend(&guard, &nonce, "a", at(0)), Ok(()));
        assert_eq!(spend(&guard, &nonce, "b", at(0)), Ok(()));
        assert_eq!(spend(&guard, &nonce, "c", at(0)), Err(DpopRefusal::Busy));
        assert_eq!(spend(&guard, &nonce, "a", at(0)), Err(DpopRefusal::Reused));
        let next = guard.nonce(at(60));
        assert_eq!(spend(&guard, &next, "c", at(60)), Ok(()));
    }

    #[test]
    fn a_clock_read_late_does_not_turn_slots_back() {
        let guard = guard();
        let old = guard.nonce(at(59));
        let new = guard.nonce(at(60));
        assert_eq!(guard.nonce(at(59)), new);
        assert_eq!(spend(&guard, &old, "a", at(59)), Ok(()));
        assert_eq!(spend(&guard, &old, "a", at(60)), Err(DpopRefusal::Reused));
    }

    #[test]
    fn a_clock_that_is_set_back_costs_no_nonce_and_passes_no_proof_twice() {
        let [guard, other] = [[1; 32], [1; 32]].map(|key| DpopGuard::shared(&key));
        let (ahead, now) = (at(1_790_086_400), at(1_790_000_000));
        let wrong = guard.nonce(ahead);
        assert_eq!(spend(&guard, &wrong, "a", ahead), Ok(()));
        assert!(guard.check(Some(&wrong), now).is_err());
        let nonce = guard.nonce(now);
        assert_eq!(nonce, other.nonce(now));
        assert_eq!(spend(&guard, &nonce, "a", now), Err(DpopRefusal::Reused));
        assert_eq!(spend(&guard, &nonce, "b", now), Ok(()));
        let late = at(1_790_000_000 - 600);
        assert_eq!(guard.nonce(late), nonce, "a request that took long");
    }

    #[test]
    fn many_threads_with_one_proof_get_it_through_once() {
        let guard = guard();
        let nonce = guard.nonce(at(0));
        let passed: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| spend(&guard, &nonce, "a", at(0)).is_ok()))
                .collect();
            threads
                .into_iter()
                .map(|thread| usize::from(thread.join().unwrap()))
                .sum()
        });
        assert_eq!(passed, 1);
    }

    proptest! {
        #[test]
        fn no_other_text_is_a_nonce(text in "[ -~]{0,40}", now in 0..1_000_u64) {
            prop_assert!(guard().check(Some(&text), at(now)).is_err());
        }

        #[test]
        fn no_proof_passes_twice_whenever_it_comes(
            tries in proptest::collection::vec((0..200_u64, 0..4_usize, 0..3_usize), 1..60),
        ) {
            let guard = guard();
            let mut now = 0;
            let mut nonces = vec![guard.nonce(at(0))];
            let mut passed = HashSet::new();
            for (wait, nonce, jti) in tries {
                now += wait / 4;
                nonces.push(guard.nonce(at(now)));
                let nonce = nonces[nonces.len().saturating_sub(1 + nonce)].clone();
                let jti = ["a", "b", "c"][jti];
                if spend(&guard, &nonce, jti, at(now)).is_ok() {
                    prop_assert!(passed.insert((nonce, jti)));
                }
            }
        }
    }
}
