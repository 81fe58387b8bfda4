//! Tokens that were verified, so that the next request with one costs no signature: a memory with a bound.
//!
//! An entry says only what never changes while its key is believed. Time, revocation, proof and need are
//! judged at every request (docs/decisions/0024-verified-tokens.md).

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sealgate_host::sha256;

use super::judged::Judged;

/// The tokens that are kept, at most.
const ENTRIES: usize = 4_096;
/// The bytes that they take up, at most.
const BYTES: usize = 8 * 1024 * 1024;

/// SHA-256 of the token: nobody finds two that share it, and no token is found by trying its letters.
pub(crate) type TokenHash = [u8; 32];

/// Which keys verified a token. With any others it has to be verified again: its key may have been revoked, or
/// have left the set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeysMark {
    /// The place of the issuer among those that are believed.
    pub(crate) issuer: usize,
    /// Another number whenever what is believed of the issuer's keys has changed.
    pub(crate) generation: u64,
}

/// Verified tokens by their hash. The oldest makes room, unless it was used since it was last looked at.
pub(crate) struct TokenCache {
    entries: usize,
    bytes: usize,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    known: HashMap<TokenHash, Entry>,
    /// Every known hash once.
    order: VecDeque<TokenHash>,
    bytes: usize,
}

struct Entry {
    judged: Arc<Judged>,
    keys: KeysMark,
    used: bool,
}

impl Default for TokenCache {
    fn default() -> Self {
        Self::up_to(ENTRIES, BYTES)
    }
}

impl TokenCache {
    /// Nothing yet, and never more than this.
    pub(crate) fn up_to(entries: usize, bytes: usize) -> Self {
        Self {
            entries,
            bytes,
            kept: Mutex::default(),
        }
    }

    pub(crate) fn hash(token: &str) -> TokenHash {
        *sha256(token.as_bytes()).as_bytes()
    }

    /// What is known of a token, if the keys that verified it are believed as they were: `believed` gives the
    /// generation of an issuer's keys as they are now.
    pub(crate) fn get(
        &self,
        hash: &TokenHash,
        believed: impl FnOnce(usize) -> Option<u64>,
    ) -> Option<Arc<Judged>> {
        let mut kept = self.lock();
        let entry = kept.known.get_mut(hash)?;
        if believed(entry.keys.issuer) != Some(entry.keys.generation) {
            return None;
        }
        entry.used = true;
        Some(Arc::clone(&entry.judged))
    }

    /// Keeps what is known of a token that `keys` verified.
    pub(crate) fn keep(&self, hash: TokenHash, judged: Arc<Judged>, keys: KeysMark) {
        let size = judged.size();
        if size > self.bytes || self.entries == 0 {
            return;
        }
        let mut kept = self.lock();
        let entry = Entry {
            judged,
            keys,
            used: false,
        };
        kept.bytes += size;
        match kept.known.insert(hash, entry) {
            Some(old) => kept.bytes -= old.judged.size(),
            None => kept.order.push_back(hash),
        }
        kept.forget(self.entries, self.bytes);
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Each entry gets a second turn at most, so that this ends.
    fn forget(&mut self, entries: usize, bytes: usize) {
        while self.known.len() > entries || self.bytes > bytes {
            let Some(hash) = self.order.pop_front() else {
                return;
            };
            match self.known.get_mut(&hash) {
                Some(entry) if entry.used => {
                    entry.used = false;
                    self.order.push_back(hash);
                }
                _ => {
                    let entry = self.known.remove(&hash);
                    self.bytes -= entry.map_or(0, |entry| entry.judged.size());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::resource::judged::tests::judged;

    const FIRST: KeysMark = KeysMark {
        issuer: 0,
        generation: 7,
    };

    fn keep(cache: &TokenCache, token: &str, keys: KeysMark) {
        cache.keep(TokenCache::hash(token), judged(token), keys);
    }

    fn knows(cache: &TokenCache, token: &str, now: KeysMark) -> bool {
        let generation = |issuer| (issuer == now.issuer).then_some(now.generation);
        cache.get(&TokenCache::hash(token), generation).is_some()
    }

    #[test]
    fn a_token_is_known_as_long_as_the_keys_are_those_that_verified_it() {
        let cache = TokenCache::default();
        keep(&cache, "a", FIRST);
        assert!(knows(&cache, "a", FIRST) && !knows(&cache, "b", FIRST));
        let later = KeysMark {
            generation: 8,
            ..FIRST
        };
        let other = KeysMark { issuer: 1, ..FIRST };
        assert!(!knows(&cache, "a", later) && !knows(&cache, "a", other));
        assert!(cache.get(&TokenCache::hash("a"), |_| None).is_none());
        keep(&cache, "a", later);
        assert!(knows(&cache, "a", later) && !knows(&cache, "a", FIRST));
    }

    #[test]
    fn what_is_used_stays_longer() {
        let cache = TokenCache::up_to(2, BYTES);
        keep(&cache, "a", FIRST);
        keep(&cache, "b", FIRST);
        assert!(knows(&cache, "a", FIRST));
        keep(&cache, "c", FIRST);
        let knows = |token| knows(&cache, token, FIRST);
        assert!(knows("a") && !knows("b") && knows("c"));
    }

    proptest! {
        #[test]
        fn it_never_holds_more_than_its_bound(
            steps in proptest::collection::vec(("[a-h]{1,2}", 0..2000_usize, any::<bool>()), 1..200),
            most in 0..6_usize,
        ) {
            let cache = TokenCache::up_to(most, 6_000);
            for (name, padding, read) in steps {
                let hash = TokenCache::hash(&name);
                if read {
                    cache.get(&hash, |_| Some(FIRST.generation));
                } else {
                    cache.keep(hash, judged(&"t".repeat(padding)), FIRST);
                }
                let kept = cache.lock();
                prop_assert!(kept.known.len() <= most && kept.bytes <= 6_000);
                prop_assert_eq!(kept.order.len(), kept.known.len());
                prop_assert!(kept.order.iter().all(|hash| kept.known.contains_key(hash)));
                let bytes: usize = kept.known.values().map(|entry| entry.judged.size()).sum();
                prop_assert_eq!(kept.bytes, bytes);
            }
        }
    }
}
